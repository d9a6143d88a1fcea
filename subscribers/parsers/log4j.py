"""The formats `log4j` and `logback`: what an application wrote with the pattern string of its configuration.

Each line that the layout wrote is a Log with the service's time zone where the line names none; the lines
after it that the layout did not write (stack traces, messages of several lines) are part of that Log. A Log
grows to 512 lines or 64 KiB; what comes then is a Log of its own with the same identity, counted as
`cut_continuation`. Lines before the first record of a page are plain logs, counted as `unparsed`.

Attributes: `log.logger`, `thread.name`, `code.*`, and of the log context `log4j.mdc.<key>` or
`logback.mdc.<key>`: there is no standard name for these.
"""

from __future__ import annotations

from datetime import tzinfo
from functools import lru_cache, partial
from typing import Any

import msgspec

from subscribers.parsers import java_dates, mdc, plain, stack_traces
from subscribers.parsers.java_layout import Layout, Record, compile_layout
from subscribers.parsers.page import Format, Line, Page, Parsed
from subscribers.signals import Log

LINES_MAX = 512
BYTES_MAX = 65_536

# ECS where OpenTelemetry has no name. https://www.elastic.co/docs/reference/ecs/ecs-log
#: Kind of field -> attribute. https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/
ATTRIBUTES = {
    "logger": "log.logger",
    "thread": "thread.name",
    "thread_id": "thread.id",
    "file": "code.file.path",
    "line": "code.line.number",
    "class": "code.namespace",
    "method": "code.function.name",
    "location": "code.function.name",
    "process_id": "process.pid",
}


class Written(msgspec.Struct, frozen=True):
    """How one service's lines are to be read."""

    kind: str
    layout: Layout
    zone: tzinfo
    correlation_field: str = ""


class _Entry(msgspec.Struct):
    """A record and the lines that go on with it."""

    line: Line
    record: Record
    message: str
    lines: list[str]
    size: int


@lru_cache(maxsize=256)
def reader(kind: str, pattern: str, timezone: str = "UTC", correlation_field: str = "") -> Format:
    """Return the Format of a pattern string. Raises BadLayout.

    kind: `log4j` or `logback`, also the dataset; timezone: IANA name, of times that name none;
    correlation_field: the MDC key of the correlation ID where it has a name of its own.
    """
    layout = compile_layout(pattern, kind)
    zone = layout.zone or java_dates.zone_of(timezone)
    return partial(parse, written=Written(kind, layout, zone, correlation_field))


def parse(page: Page, written: Written) -> Parsed:
    """Return one log a record, with the lines that belong to it. See `page.Format`."""
    parsed = Parsed()
    entry: _Entry | None = None
    for line in page.lines():
        if not line.text.strip():
            parsed.silent += 1
            if entry:
                entry.lines.append("")
            continue
        first, *more = [text.rstrip("\r") for text in line.text.split("\n")]
        size = len(line.text.encode())
        record = _record(first, entry, written)
        if record is not None:
            _tell(page, entry, written, parsed)
            entry = _Entry(line, record, record.message, more, size)
        elif entry is None:
            parsed.note("unparsed")
            parsed.signals.append(plain.log(page, line))
        elif _has_room(entry, 1 + len(more), size):
            entry.lines += [first, *more]
            entry.size += size
            parsed.joined[line.event_id] = entry.line.event_id
        else:
            parsed.note("cut_continuation")
            _tell(page, entry, written, parsed)
            same_time = line._replace(unix_nano=entry.line.unix_nano)
            entry = _Entry(same_time, entry.record, first, more, size)
    _tell(page, entry, written, parsed)
    return parsed


def _record(text: str, entry: _Entry | None, written: Written) -> Record | None:
    """What a line says if the layout wrote it; where any text could be a record, frames still are none."""
    if entry and not written.layout.anchored and stack_traces.is_frame(text):
        return None
    return written.layout.read(text)


def _has_room(entry: _Entry, lines: int, size: int) -> bool:
    return 1 + len(entry.lines) + lines <= LINES_MAX and entry.size + size <= BYTES_MAX


def _tell(page: Page, entry: _Entry | None, written: Written, parsed: Parsed) -> None:
    if entry is None:
        return
    line, record = entry.line, entry.record
    own_time = java_dates.unix_nano(record.date, written.zone, line.unix_nano, is_latest=bool(page.file))
    trace = stack_traces.read(entry.message, entry.lines)
    who = mdc.identity(record.mdc, written.correlation_field)
    parsed.signals.append(
        Log(
            event_id=line.event_id,
            origin=page.origin,
            time_unix_nano=line.unix_nano if own_time is None else own_time,
            observed_time_unix_nano=page.now_unix_nano,
            message=trace.message,
            sequence=line.sequence,
            level=written.layout.level(record),
            dataset=written.kind,
            time_from="event" if own_time is None else "line",
            trace_id=who.trace_id,
            span_id=who.span_id,
            correlation_id=who.correlation_id,
            error_type=trace.error_type,
            error_message=trace.error_message,
            error_stack=trace.error_stack,
            attributes=_attributes(record, who.rest, written.kind),
        )
    )


def _attributes(record: Record, context: dict[str, str], kind: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        ATTRIBUTES.get(name, f"{kind}.{name}"): value
        for name, value in record.fields.items()
        if name != "level" and value != "?"  # log4j writes ? for a place that it was not given
    }
    number = told.get("code.line.number", "")
    if number.isdecimal() and len(number) < 10:
        told["code.line.number"] = int(number)
    return told | {f"{kind}.mdc.{key}": value for key, value in context.items()}
