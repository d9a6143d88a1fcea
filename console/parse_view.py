"""What `observe parse` prints: signals and removals, for programs and for people.

Whatever came from a line is data: characters that a terminal would act on are shown as escapes, and of what
would be removed only its shape is shown: letters as x, digits as 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from rich.text import Text

from console.parse import Removal, Summary, kind_of
from console.words import counted, error_of, instant, milliseconds
from subscribers.config_problems import printable
from subscribers.parsers import plain
from subscribers.signals import Log, Metric, Signal, Span
from subscribers.tables import json_text

#: Characters of a message, of one field, and of a preview.
_MESSAGE_MAX, _FIELD_MAX, _PREVIEW_MAX = 2_000, 80, 40
_LEVEL_STYLES = {"WARN": "yellow", "ERROR": "red", "FATAL": "bold red", "DEBUG": "dim", "TRACE": "dim"}
_EMPTY: tuple[Any, ...] = ("", {}, (), [], None)


def signal_json(signal: Signal) -> str:
    """Return a signal as one line of JSON: {"kind": "log" | "metric" | "span", ...}.

    The keys are those of the struct in subscribers.signals, the origin's among them; what is empty is left
    out, and `kind` of a metric and of a span is `metric_kind` and `span_kind`. Times are nanoseconds since
    the epoch.
    """
    fields = {name: getattr(signal, name) for name in signal.__struct_fields__ if name != "origin"}
    # A metric's and a span's own kind: one name cannot be both.
    own = {f"{kind_of(signal)}_kind": fields.pop("kind")} if "kind" in fields else {}
    origin = msgspec.structs.asdict(signal.origin)
    told = {name: value for name, value in {**fields, **origin}.items() if value not in _EMPTY}
    return json_text({"kind": kind_of(signal), **own, **told})


def removal_json(removal: Removal) -> str:
    """Return a removal as one line of JSON: {"line", "kind", "field", "rule", "length", "preview"}."""
    told = {name: getattr(removal, name) for name in ("line", "kind", "field", "rule")}
    return json_text({**told, "length": len(removal.text), "preview": preview(removal.text)})


def preview(text: str) -> str:
    """Return the shape of what would be removed, and no character of it that tells anything."""
    shape = "".join(
        "0" if c.isnumeric() else "x" if c.isalpha() else c if c.isascii() and c.isprintable() else "."
        for c in text[:_PREVIEW_MAX]
    )
    return shape + "…" if len(text) > _PREVIEW_MAX else shape


def signal_text(signal: Signal) -> Text:
    """Return a signal as one row for people."""
    nano = signal.start_unix_nano if isinstance(signal, Span) else signal.time_unix_nano
    row = Text(f"{_when(nano)} ", "dim")
    if isinstance(signal, Log):
        style = _LEVEL_STYLES.get(signal.level, "")
        row.append(f"{signal.level or '-':<5} ", style)
        row.append(_cut(signal.message, _MESSAGE_MAX), style)
        if error := error_of(signal):
            row.append(f" ({_cut(error, _MESSAGE_MAX)})", style)
        row.append(_fields(_known(signal, signal.attributes)), "dim")
    elif isinstance(signal, Metric):
        value = signal.set_member if signal.kind == "set" else f"{signal.value:g} {signal.unit}".rstrip()
        row.append(f"{signal.kind} {_cut(signal.name, _MESSAGE_MAX)} {_cut(value, _FIELD_MAX)}", "cyan")
        row.append(_fields(signal.tags), "dim")
    else:
        duration = milliseconds(signal.end_unix_nano - signal.start_unix_nano)
        style = "red" if signal.status == "error" else "green"
        row.append(f"span {_cut(signal.name, _MESSAGE_MAX)} {duration}", style)
        row.append(_fields(_known(signal, signal.attributes)), "dim")
    return row


def removal_text(removal: Removal) -> Text:
    """Return a removal as one row for people."""
    row = Text(f"line {removal.line:<7} ", "dim")
    row.append(f"{printable(removal.rule):<14} ", "yellow")
    row.append(f"{removal.kind} {_cut(removal.field, _FIELD_MAX)}  ")
    row.append(f"{preview(removal.text)} ({counted(len(removal.text), 'character')})", "dim")
    return row


def summary_lines(summary: Summary, rules: Iterable[str] = ()) -> Iterator[str]:
    """Yield what is said behind the signals. rules: those that were active, where they are asked for."""
    signals = ", ".join(counted(summary.signals[kind], kind) for kind in ("log", "metric", "span"))
    yield f"{printable(summary.name)}: {counted(summary.lines, 'line')}: {signals}"
    for name, (lines, confidence) in summary.formats.items():
        sure = "" if confidence is None else f", detected with confidence {confidence:.2f}"
        if name == plain.DATASET and summary.nearest is not None:
            near, share = summary.nearest
            sure = f" (nearest: {near} {share:.2f}; --format {near} takes it)"
        yield f"format {name}: {counted(lines, 'line')}{sure}"
    if summary.lines:
        yield (
            f"unparsed {summary.unparsed_percent:.1f} %; blank or without a signal {summary.blank:,}; "
            f"joined to an earlier line {summary.joined:,}; logs with the line's own time {summary.timed:,}"
        )
    notes = {name: count for name, count in summary.notes.items() if not name.startswith("redacted.")}
    yield from _counts("notes", notes)
    yield from _counts("left out", summary.dropped)
    yield from _counts("redacted", summary.redacted)
    yield from _counts("could not be read", summary.unread)
    yield from (f"  {printable(said)}" for said in summary.unread_said)
    if summary.lines and summary.cpu_s:
        yield f"{summary.cpu_s:.2f} s of CPU time: {summary.lines / summary.cpu_s:,.0f} lines/s"
    if active := ", ".join(rules):
        yield f"active rules: {printable(active)}"


def _counts(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        told = ", ".join(f"{printable(name)} {count:,}" for name, count in sorted(counts.items()))
        yield f"{title}: {told}"


def _when(unix_nano: int) -> str:
    try:
        return instant(unix_nano)
    except (ValueError, OverflowError, OSError):
        return f"{unix_nano} ns"  # no date has it


def _known(signal: Log | Span, attributes: Mapping[str, Any]) -> dict[str, Any]:
    ids = {
        "correlation_id": signal.correlation_id,
        "trace_id": signal.trace_id,
        "request_id": signal.request_id,
    }
    return {**{name: id for name, id in ids.items() if id}, **attributes}


def _fields(fields: Mapping[str, Any]) -> str:
    texts = (
        f" {name}={value if isinstance(value, str) else json_text(value)}" for name, value in fields.items()
    )
    return "".join(_cut(text, _FIELD_MAX) for text in texts)


def _cut(text: str, limit: int) -> str:
    return printable(text if len(text) <= limit else text[:limit] + "…")
