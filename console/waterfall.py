"""One story on a terminal: spans of both sides on one time axis, and below each what it logged.

The sides differ by letter and by the fill of their bars, not only by colour. Whatever came from a log is
data: it is never markup, and characters that a terminal would act on are shown as escapes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from console.verdict import Verdict, consequence, reason, sentence, verdicts
from console.words import (
    counted,
    error_of,
    instant,
    is_cold,
    is_timeout,
    milliseconds,
    operation,
    said,
    tells,
)
from observe import semconv
from subscribers.config_problems import printable
from subscribers.correlate import Node, Story
from subscribers.correlate_clock import skew_ns
from subscribers.signals import Log, Span

#: Lines of one span before the rest is counted instead of shown.
MAX_LOGS = 200
#: IDs of the head before the rest is counted.
MAX_IDS = 4
#: Rows of an error message before the rest is left out.
MAX_ERROR_ROWS = 6
#: Rows of a log line that tells of a fault; others have one.
LINE_ROWS = 3
#: Rows of a line that explains a failure; below its span it is found whole.
VERDICT_ROWS = 2
_INDENT_MAX = 12
_INFERRED = "~"
_LEVEL_STYLES = {"WARN": "yellow", "ERROR": "red", "FATAL": "bold red"}
_SIDES = {"legacy": ("L", "legacy", "yellow"), "serverless": ("S", "serverless", "cyan")}


class _Layout(msgspec.Struct, frozen=True):
    """Widths in cells of the columns that fit a console, and the characters it can show."""

    side: int
    service: int
    operation: int
    bar: int
    total: int
    legacy: str
    serverless: str
    more: str
    gap: str
    ascii_only: bool

    duration: int = 9
    status: int = 13


def render(story: Story, console: Console, *, platform: bool = False) -> None:
    """Print a story as a waterfall: readable from 80 columns on, and without colour.

    platform: whether lines are shown that say nothing which the spans do not: Lambda's START, END and REPORT
    where they tell of no fault, access-log lines, marks of business keys.
    """
    layout = _layout(console)
    for line in lines(story if platform else _without_routine(story), layout):
        console.print(line, no_wrap=True, overflow="crop", crop=True, highlight=False)


def render_lines(logs: Sequence[Log], title: str, console: Console) -> None:
    """Print log lines that belong to no story: when, level, side and service, message."""
    layout = _layout(console)
    console.print(_cut(title, layout, "bold"), no_wrap=True, highlight=False)
    for log in logs[:MAX_LOGS]:
        letter, _, colour = _SIDES[log.origin.side]
        head = Text(f"{instant(log.time_unix_nano)} ", "dim")
        head.append(f"{log.level or '-':<5} ", _LEVEL_STYLES.get(log.level, "dim"))
        head.append(_fit(f"{letter} {log.origin.service}", layout.service, layout).rstrip(), colour)
        console.print(head, no_wrap=True, overflow="crop", crop=True, highlight=False)
        for row in _rows(said(log, error=True) or "-", layout.total - 2)[:MAX_ERROR_ROWS]:
            text = _cut(f"  {row}", layout, _LEVEL_STYLES.get(log.level, ""))
            console.print(text, no_wrap=True, overflow="crop", crop=True, highlight=False)
    if len(logs) > MAX_LOGS:
        console.print(
            _cut(f"and {counted(len(logs) - MAX_LOGS, 'more line')} (--json shows all)", layout, "dim")
        )


def _without_routine(story: Story) -> Story:
    """The story without the lines that say nothing which its spans do not."""
    nodes = tuple(
        replace(node, logs=tuple(log for log in node.logs if tells(log, node.span))) for node in story.spans
    )
    return replace(story, spans=nodes, logs=tuple(filter(tells, story.logs)))


def lines(story: Story, layout: _Layout) -> Iterator[Text]:
    """Yield the lines of a story, none wider than the layout."""
    yield from _head(story, layout)
    for node in story.spans:
        yield _span_line(node, story, layout)
        yield from _replay_line(node.span, layout)
        yield from _error_lines(node.span, layout)
        yield from _log_lines(node.logs, story, layout, node.depth)
    if story.logs:
        yield Text()
        yield _cut("Log lines of no span", layout, "bold")
        yield from _log_lines(story.logs, story, layout, 0, with_service=True)


def _layout(console: Console) -> _Layout:
    width = max(console.width, 60)
    wide = width >= 100
    side, service, operation = (10, 20, 30) if wide else (1, 14, 20)
    fixed = side + service + operation + 9 + 13 + 5
    plain = console.options.ascii_only
    return _Layout(
        side=side,
        service=service,
        operation=operation if width - fixed >= 10 else operation - 10,
        bar=max(width - fixed, 10),
        total=width,
        legacy="=" if plain else "▒",
        serverless="#" if plain else "█",
        more="..." if plain else "…",
        gap="?" if plain else "⋯",
        ascii_only=plain,
    )


def _head(story: Story, layout: _Layout) -> Iterator[Text]:
    for name, ids in (("correlation ID", story.correlation_ids), ("trace ID", story.trace_ids)):
        # One a line, so that each can be copied whole.
        more = [f"and {len(ids) - MAX_IDS} more"] if len(ids) > MAX_IDS else []
        for i, value in enumerate([*ids[:MAX_IDS], *more] or ["none"]):
            yield _cut(f"{'' if i else name:<15} {value}", layout, "bold")
    yield _cut(f"{'when':<15} {instant(story.start_unix_nano)}, {_extent(story)}", layout)
    yield _cut(f"{'what':<15} {_content(story)}", layout)
    if off := _clocks(story):
        yield from _beside("clocks", f"times are as told; clocks may be off: {off}", layout, "")
    for verdict in verdicts(story):
        yield from _verdict_lines(verdict, layout)
    if story.recurring:
        yield _cut(
            "Its correlation ID also occurs in traces that nothing connects with this one.", layout, "yellow"
        )
    legend = f"L legacy {layout.legacy * 3}   S serverless {layout.serverless * 3}"
    if any(node.parent_missing and not node.inferred for node in story.spans):
        legend += f"   {layout.gap} its caller is not in the store"
    yield Text()
    yield _cut(legend, layout, "dim")
    if any(node.inferred for node in story.spans):
        yield _cut(f"{_INFERRED} nobody told its caller: it lies in that one's time", layout, "dim")


def _clocks(story: Story) -> str:
    """Whose clocks may be off: what is shown is what they told."""
    skews = {node.span.origin.service or "unknown": skew_ns(node.span) for node in story.spans}
    return ", ".join(f"{name} by {milliseconds(skew)}" for name, skew in sorted(skews.items()) if skew)


def _verdict_lines(verdict: Verdict, layout: _Layout) -> Iterator[Text]:
    """Where a failure began, the lines that explain it, and what it did to the caller."""
    word, style = ("handled", "yellow") if verdict.handled else ("why", "bold red")
    yield from _beside(word, sentence(verdict), layout, style)
    for log in verdict.lines:
        yield from _beside(
            "", f"{log.level} {said(log, error=True)}", layout, _LEVEL_STYLES[log.level], VERDICT_ROWS
        )
    if caused := consequence(verdict):
        yield from _beside("so", caused, layout, "red")


def _beside(word: str, text: str, layout: _Layout, style: str, most: int = MAX_ERROR_ROWS) -> Iterator[Text]:
    rows = _rows(text, layout.total - 16)
    for i, row in enumerate(rows[:most]):
        more = f" {layout.more}" if i == most - 1 < len(rows) - 1 else ""
        yield _cut(f"{'' if i else word:<15} {row}{more}", layout, style)


def _rows(text: str, width: int) -> list[str]:
    return textwrap.wrap(printable(" ".join(text.split())), max(width, 20), subsequent_indent="  ")


def _extent(story: Story) -> str:
    return milliseconds(story.end_unix_nano - story.start_unix_nano)


def _content(story: Story) -> str:
    spans = [node.span for node in story.spans]
    logs = len(story.logs) + sum(len(node.logs) for node in story.spans)
    errors = sum(span.status == "error" for span in spans)
    sides = [f"{sum(s.origin.side == side for s in spans)} {side}" for side in _SIDES]
    return f"{counted(len(spans), 'span')} ({', '.join(sides)}), {counted(logs, 'log line')}, {errors} failed"


def _span_line(node: Node, story: Story, layout: _Layout) -> Text:
    span = node.span
    letter, word, colour = _SIDES[span.origin.side]
    failed = span.status == "error"
    mark = _INFERRED if node.inferred else layout.gap if node.parent_missing else ""
    lead = "  " * min(node.depth, _INDENT_MAX) + (f"{mark} " if mark else "")
    name = lead + operation(span)
    text = Text()
    text.append(_fit(word if layout.side > 1 else letter, layout.side, layout) + " ", colour)
    text.append(_fit(span.origin.service or "unknown", layout.service, layout) + " ", colour)
    text.append(_fit(name, layout.operation, layout) + " ", "bold red" if failed else "bold")
    text.append(_bar(span, story, layout) + " ", "red" if failed else colour)
    text.append(milliseconds(span.end_unix_nano - span.start_unix_nano).rjust(layout.duration) + " ")
    text.append(_fit(_status(span), layout.status, layout), "bold red" if failed else "")
    return text


def _bar(span: Span, story: Story, layout: _Layout) -> str:
    """The span's share of the axis: at least one cell, so that nothing is invisible."""
    whole = max(story.end_unix_nano - story.start_unix_nano, 1)
    first = (span.start_unix_nano - story.start_unix_nano) * layout.bar // whole
    last = -(-(span.end_unix_nano - story.start_unix_nano) * layout.bar // whole)
    first = min(max(first, 0), layout.bar - 1)
    length = min(max(last - first, 1), layout.bar - first)
    fill = layout.legacy if span.origin.side == "legacy" else layout.serverless
    return (" " * first + fill * length).ljust(layout.bar)


def _status(span: Span) -> str:
    code = span.attributes.get(semconv.HTTP_RESPONSE_STATUS_CODE)
    if span.status == "error":
        verdict = "TIMEOUT" if is_timeout(span) else "FAIL"
    else:
        verdict = "ok" if span.status == "ok" and code is None else ""
    parts = (str(code) if isinstance(code, int | str) else "", verdict, "cold" if is_cold(span) else "")
    return " ".join(part for part in parts if part)


def _replay_line(span: Span, layout: _Layout) -> Iterator[Text]:
    """Of which failed invocation it is a replay, made by `observe reinvoke`."""
    if replay_of := span.attributes.get(semconv.REPLAY_OF):
        yield _cut(f"{_margin(layout)}replay of {replay_of}", layout, "cyan")


def _error_lines(span: Span, layout: _Layout) -> Iterator[Text]:
    """Why a span failed, whole: over as many rows as it takes, up to a limit."""
    message = reason(span) if span.status == "error" else ""
    if not message:  # the status says all there is
        return
    margin = _margin(layout)
    rows = _rows(f"! {message}", layout.total - len(margin))
    for row in rows[:MAX_ERROR_ROWS]:
        yield _cut(margin + row, layout, "bold red")
    if len(rows) > MAX_ERROR_ROWS:
        yield _cut(f"{margin}  {layout.more}", layout, "bold red")


def _log_lines(
    logs: Sequence[Log], story: Story, layout: _Layout, depth: int, *, with_service: bool = False
) -> Iterator[Text]:
    margin = _margin(layout) + "  " * min(depth, _INDENT_MAX)
    for log in logs[:MAX_LOGS]:
        text = Text(margin)
        text.append(f"+{milliseconds(log.time_unix_nano - story.start_unix_nano)}".rjust(9) + " ", "dim")
        text.append(_fit(log.level or "-", 5, layout) + " ", _LEVEL_STYLES.get(log.level, "dim"))
        yield from _lines_of(log, text, layout, with_service=with_service)
        if error := error_of(log):
            yield _cut(f"{margin}{'!':>9} {error}", layout, "red")
    if len(logs) > MAX_LOGS:
        yield _cut(
            f"{margin}and {counted(len(logs) - MAX_LOGS, 'more line')} (--json shows all)", layout, "dim"
        )


def _lines_of(log: Log, text: Text, layout: _Layout, *, with_service: bool) -> Iterator[Text]:
    """A line as one row; one that tells of a fault as many as it takes, up to a limit."""
    if log.level not in ("ERROR", "FATAL") or with_service:
        yield _line(log, text, layout, with_service=with_service)
        return
    margin, room = " " * cell_len(text.plain), layout.total - cell_len(text.plain)
    rows = _rows(said(log) or "-", room)
    if len(rows) > LINE_ROWS:
        rows[LINE_ROWS - 1 :] = [f"{rows[LINE_ROWS - 1]} {layout.more}"]
    for i, row in enumerate(rows):
        head = text if i == 0 else Text(margin)
        yield head.append(_fit(row, room, layout).rstrip(), _LEVEL_STYLES[log.level])


def _line(log: Log, text: Text, layout: _Layout, *, with_service: bool) -> Text:
    """The rest of a line: whose it is where the span does not say so, and the message as far as it fits."""
    if with_service:
        letter, _, colour = _SIDES[log.origin.side]
        text.append(_fit(f"{letter} {log.origin.service}", layout.service, layout) + " ", colour)
    room = max(layout.total - cell_len(text.plain), 8)
    text.append(_fit(said(log) or "-", room, layout).rstrip(), _LEVEL_STYLES.get(log.level, ""))
    return text


def _margin(layout: _Layout) -> str:
    return " " * (layout.side + 1)


def _cut(text: str, layout: _Layout, style: str = "") -> Text:
    return Text(_fit(text, layout.total, layout).rstrip(), style)


def _fit(text: str, width: int, layout: _Layout) -> str:
    """Return exactly `width` cells of a text, on one line, its end replaced where it is longer."""
    text = printable(text[: width * 4 + 4].replace("\t", "  "))
    if layout.ascii_only:
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - len(layout.more)) + layout.more


def _rest(logs: Sequence[Log]) -> str:
    return f"and {counted(len(logs) - MAX_LOGS, 'more line')} (--json shows all)"
