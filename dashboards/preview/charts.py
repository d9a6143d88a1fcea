"""A graph as HTML: curves in SVG that the page stretches, ticks and labels as text that keeps its size.

Readable without a script and in print; the script only adds what is under the pointer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from dashboards.panels import LINE_COLOURS, Line, Mark
from dashboards.preview.axes import moment, place_of, time_ticks, unix_nano_of
from dashboards.preview.curves import area, bars, dots, line, stacked
from dashboards.preview.escape import text
from dashboards.preview.evaluate import Points
from dashboards.preview.units import shown, ticks
from dashboards.preview.window import NS_PER_S, Window

Kind = Literal["lines", "area", "bars"]
#: A horizontal line further above the data than this is told in words: drawn, it would flatten the data.
_FAR = 3.0
#: Height of a label, and above which a label goes below its line, in parts of the graph.
_LABEL, _TOP = 0.14, 0.88
_DASHES = ("", "7 4", "2 4", "10 3 2 3")


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """One series that is drawn. nth: how many of the same colour stand before it."""

    label: str
    points: Points
    unit: str
    colour: str
    nth: int = 0
    is_right: bool = False

    @property
    def dash(self) -> str:
        """Its pattern of dashes; "" for a whole line."""
        return _DASHES[self.nth % len(_DASHES)]

    @property
    def newest(self) -> float | None:
        """Its newest value."""
        return next((value for value in reversed(self.points) if value is not None), None)


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """What one graph shows. lines: with values in the pieces' own scale. height_px: of the plot."""

    title: str
    kind: Kind
    unit: str
    right_unit: str
    series: tuple[Drawn, ...]
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    maximum: float | None = None
    height_px: int = 150
    #: Labels on the axis of time, at most.
    times: int = 4


def graph_html(graph: Graph, window: Window) -> str:
    """Return a graph with axes, legend and what it cannot draw in words."""
    left = [one for one in graph.series if not one.is_right]
    right = [one for one in graph.series if one.is_right]
    near = [one for one in graph.lines if _is_near(one, left, graph)]
    scale = _ticks(_high(left, graph, near), graph.unit)
    right_scale = _ticks(_highest(right), graph.right_unit or graph.unit) if right else []
    top, right_top = scale[-1][0], right_scale[-1][0] if right_scale else 1.0
    hover = text(msgspec.json.encode(_hover(graph, window)).decode())
    plot = (
        f'<div class="plot"><svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" '
        f'aria-label="{text(_said(graph))}">{_grid(scale)}{_curves(graph, left, right, top, right_top)}'
        f"{''.join(_line_svg(one, top) for one in near)}</svg>"
        f"{''.join(_line_labels(near, top, graph.unit))}{''.join(_marks(graph.marks, window))}"
        '<div class="guide"></div></div>'
    )
    return (
        f'<div class="chart" style="--h:{graph.height_px}px;--t:{_tick_px(scale)}px" data-hover="{hover}">'
        f'<div class="ticks">{_tick_labels(scale)}</div>{plot}'
        f'<div class="ticks right">{_tick_labels(right_scale)}</div>'
        f'<div class="times">{_time_labels(window, graph.times)}</div><div class="tip" hidden></div></div>'
        f"{legend_html(graph.series)}{_words(graph, near, top, window)}"
    )


def legend_html(series: Sequence[Drawn]) -> str:
    """Return the legend: sample, label, newest value."""
    items = (
        f"<li>{sample(one)}<span>{text(one.label)}</span> <b>{text(shown(one.newest, one.unit))}</b></li>"
        for one in series
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def sample(one: Drawn) -> str:
    """Return a short piece of a series' line."""
    return (
        f'<svg class="sample" viewBox="0 0 18 6" aria-hidden="true"><path d="M0 3H18" '
        f'stroke="{text(one.colour)}" stroke-width="3" stroke-dasharray="{one.dash}"/></svg>'
    )


def sparkline_html(one: Drawn) -> str:
    """Return a small graph without axes."""
    top = _highest([one]) or 1.0
    return (
        '<svg class="spark" viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="fill" d="{area([0.0] * len(one.points), one.points, top * 1.1)}" '
        f'fill="{text(one.colour)}"/>{_stroked(one, top * 1.1)}</svg>'
    )


def _highest(series: Sequence[Drawn]) -> float:
    return max((value for one in series for value in one.points if value is not None), default=0.0)


def _high(left: Sequence[Drawn], graph: Graph, near: Sequence[Line]) -> float:
    high = max(max(stacked([s.points for s in left])[-1], default=0.0), 0.0) if graph.kind == "area" else 0.0
    high = max(high, _highest(left), *(one.value for one in near)) if near else max(high, _highest(left))
    return graph.maximum if graph.maximum and graph.maximum >= high * 0.999 else high


def _is_near(one: Line, left: Sequence[Drawn], graph: Graph) -> bool:
    high = _highest(left)
    return one.value <= max(_FAR * high, graph.maximum or 0.0) if high > 0 else True


def _ticks(high: float, unit: str) -> list[tuple[float, str]]:
    return ticks(high, unit, most=4)


def _grid(scale: list[tuple[float, str]]) -> str:
    top = scale[-1][0]
    path = "".join(f"M0 {1000 * (1 - value / top):.1f}H1000" for value, _ in scale)
    return f'<path class="grid" d="{path}"/>'


def _curves(graph: Graph, left: Sequence[Drawn], right: Sequence[Drawn], top: float, right_top: float) -> str:
    drawn = [_stroked(one, right_top) for one in right]
    if graph.kind == "lines":
        return "".join([*(_stroked(one, top) for one in left), *drawn])
    if graph.kind == "bars":
        paths = (bars(one.points, top, n, len(left)) for n, one in enumerate(left))
        return "".join([*(_filled(one, path) for one, path in zip(left, paths, strict=True)), *drawn])
    edges = stacked([one.points for one in left])
    paths = (area(edge, one.points, top) for one, edge in zip(left, edges, strict=False))
    return "".join([*(_filled(one, path) for one, path in zip(left, paths, strict=True)), *drawn])


def _stroked(one: Drawn, top: float) -> str:
    alone = dots(one.points, top)
    seen = f'<path class="dot" d="{alone}" stroke="{text(one.colour)}"/>' if alone else ""
    path = line(one.points, top)
    return f'<path class="curve" d="{path}" stroke="{text(one.colour)}" stroke-dasharray="{one.dash}"/>{seen}'


def _filled(one: Drawn, path: str) -> str:
    return f'<path class="body" d="{path}" fill="{text(one.colour)}"/>'


def _line_svg(one: Line, top: float) -> str:
    y = 1000 * (1 - one.value / top)
    return f'<path class="level" d="M0 {y:.1f}H1000" stroke="{LINE_COLOURS[one.role]}"/>'


def _labelled(near: Sequence[Line], top: float) -> list[tuple[Line, str, float]]:
    """Which horizontal lines have room for a label, highest first: (line, side, height from 0 to 1)."""
    out: list[tuple[Line, str, float]] = []
    for one in sorted(near, key=lambda line: -line.value):
        # A label stands above its line, and at the top of the graph below it.
        height = one.value / top if one.value / top <= _TOP else one.value / top - _LABEL
        for side in ("", " left"):
            if all(abs(height - other) >= _LABEL for _, taken, other in out if taken == side):
                out.append((one, side, height))
                break
    return out


def _line_labels(near: Sequence[Line], top: float, unit: str) -> Iterator[str]:
    labelled = _labelled(near, top)
    half = " half" if any(side for _, side, _ in labelled) else ""
    for one, side, height in labelled:
        style = f"bottom:{100 * height:.1f}%;color:{LINE_COLOURS[one.role]}"
        told = text(_with_value(one, unit))
        short = text(_with_value(replace(one, label=_short(one)), unit))
        yield f'<span class="level-label{side}{half}" style="{style}" title="{told}">{short}</span>'


def _short(one: Line) -> str:
    """The label of a line where there is little room: without the title of its alarm."""
    if one.role != "alarm" or not one.label.startswith("Alarm: "):
        return one.label
    scaled = one.label[one.label.rfind(" (") :] if one.label.endswith("):") else ""
    return f"Alarm{scaled}"


def _with_value(one: Line, unit: str) -> str:
    """A line's label with its value, where the label does not have it already."""
    value = shown(one.value, unit)
    return one.label if value.split()[0] in one.label else f"{one.label} {value}"


def _marks(marks: Sequence[Mark], window: Window) -> Iterator[str]:
    for mark in marks:
        at = unix_nano_of(mark.at)
        if at is not None and 0 <= (place := place_of(at, window)) <= 1:
            side = " before" if place > 0.7 else ""
            yield (
                f'<span class="mark{side}" style="left:{100 * place:.2f}%"><em>{text(mark.label)}</em></span>'
            )


def _words(graph: Graph, near: Sequence[Line], top: float, window: Window) -> str:
    """What the graph cannot draw: lines far above the data, marks before and after the time shown."""
    said = [
        f"{_with_value(one, graph.unit)}: far above, not drawn." for one in graph.lines if one not in near
    ]
    named = [one for one, _, _ in _labelled(near, top)]
    said += [f"{_with_value(one, graph.unit)}: drawn without its label." for one in near if one not in named]
    for mark in graph.marks:
        at = unix_nano_of(mark.at)
        if at is None:
            said.append(f"{mark.label}: `{mark.at}` is not a time.")
        elif not 0 <= (place := place_of(at, window)) <= 1:
            where = "before" if place < 0 else "after"
            said.append(f"{mark.label} {moment(at)[:16]} UTC: {where} the time shown.")
    return f'<p class="words">{text(" ".join(said))}</p>' if said else ""


def _tick_px(scale: list[tuple[float, str]]) -> int:
    return 14 + 7 * max(len(label) for _, label in scale)


def _tick_labels(scale: list[tuple[float, str]]) -> str:
    top = scale[-1][0] if scale else 1.0
    return "".join(
        f'<span style="bottom:{100 * value / top:.1f}%">{text(label)}</span>' for value, label in scale
    )


def _time_labels(window: Window, most: int) -> str:
    return "".join(
        f'<span style="left:{100 * place:.1f}%">{text(label)}</span>'
        for place, label in time_ticks(window, most)
    )


def _said(graph: Graph) -> str:
    """The graph in words, for those who do not see it."""
    series = (
        f"{one.label}: newest {shown(one.newest, one.unit)}, highest {shown(_highest([one]), one.unit)}"
        for one in graph.series
        if one.newest is not None
    )
    return f"{graph.title}. {'; '.join(series)}."


def _hover(graph: Graph, window: Window) -> dict[str, object]:
    return {
        "first_ms": window.pieces.start * window.step_s * NS_PER_S // 1_000_000,
        "step_ms": window.step_s * 1000,
        "count": len(window.pieces),
        "series": [
            [one.label, one.colour, ["" if v is None else shown(v, one.unit) for v in one.points]]
            for one in graph.series
        ],
    }
