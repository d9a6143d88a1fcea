"""Curves, areas and bars as SVG in a square of 1000 by 1000, which the page stretches; y grows downwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboards.preview.evaluate import Points

SIZE = 1000.0
#: Share of a piece of time that its bars fill.
_FILLED = 0.8


def runs(points: Points) -> Iterator[list[tuple[int, float]]]:
    """Yield the stretches without a gap: (index, value) each."""
    here: list[tuple[int, float]] = []
    for i, value in enumerate(points):
        if value is not None:
            here.append((i, value))
        elif here:
            yield here
            here = []
    if here:
        yield here


def line(points: Points, top: float) -> str:
    """Return the path of a curve; a value between two gaps is a dot."""
    count = len(points)
    return " ".join(_polyline([(_x(i, count), _y(value, top)) for i, value in run]) for run in runs(points))


def dots(points: Points, top: float) -> str:
    """Return the path of the values between two gaps alone, for a stroke that is wide enough to be seen."""
    count = len(points)
    alone = (run[0] for run in runs(points) if len(run) == 1)
    return " ".join(_polyline([(_x(i, count), _y(value, top))]) for i, value in alone)


def area(lower: Sequence[float], points: Points, top: float) -> str:
    """Return the path of what is between a lower edge and points, from which it is stacked."""
    count = len(points)
    parts: list[str] = []
    for run in runs(points):
        upper = [(_x(i, count), _y(lower[i] + value, top)) for i, value in run]
        below = [(_x(i, count), _y(lower[i], top)) for i, _ in reversed(run)]
        if len(run) == 1:  # a stretch of one piece is as wide as that piece
            half = SIZE / count / 2
            (x, y), (_, low) = upper[0], below[0]
            upper, below = [(x - half, y), (x + half, y)], [(x + half, low), (x - half, low)]
        parts.append(_polyline([*upper, *below]) + "Z")
    return " ".join(parts)


def bars(points: Points, top: float, nth: int, of: int) -> str:
    """Return the path of one series' bars, the nth of some that stand side by side."""
    count = len(points)
    width = SIZE / count * _FILLED / of
    parts: list[str] = []
    for i, value in enumerate(points):
        if value:
            left = SIZE / count * (i + (1 - _FILLED) / 2) + nth * width
            zero = _y(0, top)
            parts.append(f"M{_n(left)} {_n(zero)}V{_n(_y(value, top))}H{_n(left + width)}V{_n(zero)}Z")
    return " ".join(parts)


def stacked(rows: Sequence[Points]) -> list[list[float]]:
    """Return the lower edge of each row; a gap adds nothing."""
    edges: list[list[float]] = []
    edge = [0.0] * (len(rows[0]) if rows else 0)
    for row in rows:
        edges.append(edge)
        edge = [low + (value or 0.0) for low, value in zip(edge, row, strict=True)]
    return [*edges, edge]


def _polyline(points: Sequence[tuple[float, float]]) -> str:
    if len(points) == 1:
        (x, y) = points[0]
        return f"M{_n(x)} {_n(y)}h0"
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _x(i: int, count: int) -> float:
    return SIZE * (i + 0.5) / count


def _y(value: float, top: float) -> float:
    return SIZE * (1 - min(max(value / top, 0.0), 1.0))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
