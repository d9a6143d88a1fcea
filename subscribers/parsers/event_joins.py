"""Events of one stream that are lines of one record: joined by their invocation and their shape.

Runtimes write each line of a stack trace as an event of its own where it goes to standard error, or is
printed line by line. Such a line joins the log before it if it can be nothing else, if both are of the same
invocation, with nothing but metric and span lines between them, and a second apart at most. The lines between
the name of an exception and its first frame are its message. Where an environment serves several invocations
at once nothing is guessed. A record grows to 512 lines or 64 KiB; what comes then is a log of its own, with
the same time, counted as `cut_continuation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from observe import semconv
from subscribers.envelope import LogEvent
from subscribers.formats.records import BYTES_MAX, LINES_MAX
from subscribers.parsers import platform, runtime_traces
from subscribers.parsers.draft import Draft
from subscribers.parsers.invocations import Invocation
from subscribers.parsers.page import Parsed

_APART_MAX_MS = 1000
#: Lines of an exception's message that are looked at for its first frame.
_MESSAGE_LINES_MAX = 20
_TEXT = "lambda.text"


class _Rows(NamedTuple):
    """What is known of each line, by its position; see `join`."""

    drafts: Sequence[Draft]
    invocations: Sequence[Invocation | None]
    crowded: Sequence[bool]
    events: Sequence[LogEvent]


class _Record(msgspec.Struct):
    """A log that may have more lines."""

    draft: Draft
    invocation: Invocation | None
    lines: list[str]
    at_ms: int
    size: int
    joined: int = 0
    #: What a record that was cut before this one began with.
    lead: list[str] = []


def join_exits(drafts: Sequence[Draft]) -> None:
    """Give `RequestId: U Error: Runtime exited ...` the type that readers of lines cut off it."""
    before: Draft | None = None
    for draft in drafts:
        record = before.platform if before else None
        is_untyped = record is not None and record.kind == "exit" and not record.error_type
        if before and record and is_untyped and platform.ERROR_TYPE.fullmatch(draft.message.strip()):
            record.error_type = before.error_type = draft.message.strip()
            before.attributes[semconv.ERROR_TYPE] = record.error_type
            draft.is_log, draft.joined_to = False, before.event_id
        before = draft


def join(
    drafts: Sequence[Draft],
    invocations: Sequence[Invocation | None],
    crowded: Sequence[bool],
    events: Sequence[LogEvent],
    parsed: Parsed,
) -> None:
    """Join the drafts that go on with an earlier one, and read the stack traces in what they are then.

    invocations: of each draft; crowded: where several were open, so that nobody knows whose a line is.
    """
    record: _Record | None = None
    rows = _Rows(drafts, invocations, crowded, events)
    message_end = -1
    for index, (draft, invocation, is_crowded, event) in enumerate(zip(*rows, strict=True)):
        if draft.points or draft.spans or draft.joined_to:
            continue
        if draft.dataset != _TEXT or is_crowded:
            _finish(record)
            record = None
            continue
        if record is not None:
            is_more = index <= message_end or _is_more(record, draft, invocation, event)
            if not is_more and runtime_traces.is_head(record.lines[-1]):
                message_end = _message_end(record, rows, index)
            if is_more or index <= message_end:
                record = _taken(record, draft, event, parsed)
                continue
        _finish(record)
        lines = draft.message.split("\n") if "\n" in draft.message else [draft.message]
        record = (
            _Record(draft, invocation, lines, event.timestamp_ms, len(event.message))
            if draft.is_log
            else None
        )
    _finish(record)


def _is_more(record: _Record, draft: Draft, invocation: Invocation | None, event: LogEvent) -> bool:
    return (
        invocation is record.invocation
        and not draft.level
        and not draft.request_id
        and event.timestamp_ms - record.at_ms <= _APART_MAX_MS
        and runtime_traces.goes_on([*record.lead, *record.lines], draft.message)
    )


def _message_end(record: _Record, rows: _Rows, index: int) -> int:
    """The last event of the message that the record's last line begins; -1 if no frame comes behind it."""
    at_ms = record.at_ms
    for at in range(index, min(index + _MESSAGE_LINES_MAX, len(rows.drafts))):
        draft, event = rows.drafts[at], rows.events[at]
        if draft.points or draft.spans or draft.joined_to:
            continue
        is_told = draft.level or draft.request_id or draft.platform is not None
        is_ours = rows.invocations[at] is record.invocation and not rows.crowded[at]
        is_late = event.timestamp_ms - at_ms > _APART_MAX_MS
        if not is_ours or draft.dataset != _TEXT or is_told or is_late:
            return -1
        lines = draft.message.split("\n")
        if runtime_traces.is_frame(lines[0]):
            above = [rows.drafts[at - 1].message, lines[0]]
            return -1 if at == index or runtime_traces.is_headed(above) else at - 1
        if runtime_traces.is_head(lines[0]) or runtime_traces.is_headed(lines):
            return -1
        if any(map(runtime_traces.is_frame, lines)):
            return at
        at_ms = event.timestamp_ms
    return -1


def _taken(record: _Record, draft: Draft, event: LogEvent, parsed: Parsed) -> _Record:
    lines, size = draft.message.split("\n"), len(event.message)
    if len(record.lines) + len(lines) > LINES_MAX or record.size + size > BYTES_MAX:
        parsed.note("cut_continuation")
        _finish(record)
        draft.time_unix_nano, draft.is_log = record.draft.time_unix_nano, True
        lead = record.lead or runtime_traces.lead_of(record.lines)
        return _Record(draft, record.invocation, lines, event.timestamp_ms, size, lead=lead)
    record.lines += lines
    record.size += size
    record.at_ms = event.timestamp_ms
    record.joined += 1
    draft.is_log, draft.joined_to = False, record.draft.event_id
    parsed.joined[draft.event_id] = record.draft.event_id
    return record


def _finish(record: _Record | None) -> None:
    """Tell the exception apart from what was said, where the record has a stack trace."""
    if record is None:
        return
    draft = record.draft
    if draft.error_stack:
        if record.joined:
            draft.error_stack = "\n".join((draft.error_stack, *record.lines[1:]))
        return
    if len(record.lines) == 1 and "\r" not in record.lines[0]:
        return
    trace = runtime_traces.read("\n".join(record.lines))
    if trace is not None:
        draft.message, draft.error_stack = trace.message, trace.error_stack
        draft.error_type = trace.error_type or draft.error_type
        draft.error_message = trace.error_message or draft.error_message
        _tell_uncaught(draft, record.lines)
    elif record.joined:
        draft.message = "\n".join(record.lines).rstrip()


def _tell_uncaught(draft: Draft, lines: Sequence[str]) -> None:
    r"""Java's runtime says `<message>: <type>\n<type>: <message>\n\tat ...` of what left the handler."""
    kind = draft.error_type
    if draft.level:
        return
    if kind and len(lines) > 1 and lines[0].endswith(f": {kind}") and lines[1].startswith(kind):
        draft.level, draft.uncaught = "ERROR", True
    elif lines[0].startswith(("panic: ", "fatal error: ", "Unhandled exception")):
        draft.level = "FATAL"
