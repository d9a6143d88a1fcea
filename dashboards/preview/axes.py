"""Times on the axis of a graph and in words, UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from dashboards.preview.window import NS_PER_S, Window

_STEPS_S = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600),
    *(86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 28 * 86_400, 91 * 86_400, 364 * 86_400),
)


def moment(unix_nano: int, is_exact: bool = False) -> str:
    """Return a moment as `2026-11-22 04:25:07`; with milliseconds where it is exact."""
    try:
        at = datetime.fromtimestamp(unix_nano / NS_PER_S, UTC)
    except (ValueError, OverflowError, OSError):
        return "beyond the calendar"
    text = at.strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{unix_nano // 1_000_000 % 1000:03d}" if is_exact else text


def unix_nano_of(rfc3339: str) -> int | None:
    """Return a moment of RFC 3339 in nanoseconds since the epoch; a date is its midnight; else None."""
    try:
        at = datetime.fromisoformat(rfc3339)
    except ValueError:
        return None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * NS_PER_S


def time_ticks(window: Window, most: int = 4) -> list[tuple[float, str]]:
    """Return ticks of the axis of time: place from 0 to 1, and label."""
    pieces = window.pieces
    first_s, end_s = pieces.start * window.step_s, pieces.stop * window.step_s
    step_s = next((s for s in _STEPS_S if (end_s - first_s) / s <= most), _STEPS_S[-1])
    shape = "%H:%M:%S" if step_s < 60 else "%H:%M" if step_s < 86_400 else "%d %b"
    at = range(-(-first_s // step_s) * step_s, end_s + 1, step_s)
    return [
        ((s - first_s) / (end_s - first_s), datetime.fromtimestamp(s, UTC).strftime(shape))
        for s in at
        if 0.03 <= (s - first_s) / (end_s - first_s) <= 0.97
    ]


def place_of(unix_nano: int, window: Window) -> float:
    """Return where a moment is on the axis of time; below 0 and above 1 outside of the window."""
    pieces = window.pieces
    first, end = (edge * window.step_s * NS_PER_S for edge in (pieces.start, pieces.stop))
    return (unix_nano - first) / (end - first)
