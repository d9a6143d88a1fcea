"""The format `lambda`: every line that a function's log stream may hold.

Four passes: read each line by its first character, follow the invocations through the stream, join the events
that are lines of one record, and tell the signals with the context their invocation has by then.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from observe.event_line import EVENT
from subscribers.parsers import datagrams, event_joins, lines, metrics, runtime_lines, runtime_text
from subscribers.parsers import platform as platform_lines
from subscribers.parsers.draft import Draft
from subscribers.parsers.invocations import Invocation, follow, learn
from subscribers.parsers.page import Line, Page, Parsed
from subscribers.parsers.platform_signals import platform_span, points_of, tags_of
from subscribers.parsers.prices import LIST_PRICES, Pricing
from subscribers.signals import Log, Metric, Span

_BLANK = " \t\r\n"
_TEXT = "lambda.text"
Reader = Callable[[Draft], bool]


def _either(first: Reader, second: Reader) -> Reader:
    """Ask the second reader where a line is none of the first's."""
    return lambda draft: first(draft) or second(draft)


#: Which reader to ask about a line, by its first character. Each returns False for what is not its own, and
#: is sure of what is: one such line says that a stream is a function's.
READERS: dict[str, Reader] = {
    "{": lines.read,
    "[": runtime_text.read,
    "M": lines.read_metric,
    **dict.fromkeys("SRXTL", platform_lines.read),
    **dict.fromkeys("EI", _either(platform_lines.read, runtime_lines.read_ruby)),
    **dict.fromkeys("DWFA", runtime_lines.read_ruby),
    **dict.fromkeys("0123456789", _either(platform_lines.read_timeout, runtime_lines.read_tabbed)),
}
#: Of lines that other programs write, too.
LOOSE: dict[str, Reader] = dict.fromkeys(f"[0123456789{runtime_lines.RUBY}", runtime_lines.read_loose)


def parse(page: Page, pricing: Pricing = LIST_PRICES) -> Parsed:
    """Return what the lines of a function's stream tell. See `page.Format`.

    pricing: how the cost of an invocation is estimated.
    """
    parsed = Parsed()
    drafts = [read(line, page) for line in page.lines()]
    event_joins.join_exits(drafts)
    invocations, crowded = follow(drafts)
    event_joins.join(drafts, invocations, crowded, page.events, parsed)
    learn(drafts, invocations)
    for draft, invocation in zip(drafts, invocations, strict=True):
        if draft.joined_to:
            parsed.joined[draft.event_id] = draft.joined_to
            continue
        before = len(parsed.signals)
        _tell(draft, invocation, page.now_unix_nano, pricing, parsed)
        parsed.silent += len(parsed.signals) == before
    return parsed


def recognises(line: Line, page: Page) -> bool:
    """Whether a line is one that only functions, or our own libraries, write."""
    draft = _draft(line, page)
    reader = READERS.get(line.text[:1])
    return reader is not None and reader(draft)


def read(line: Line, page: Page) -> Draft:
    """Return the draft of one line; whatever no reader knows is a plain print."""
    draft = _draft(line, page)
    if not _read(draft) and draft.message is not line.text:
        _read(draft)  # an extension forwarded it: what it says is a line itself
    return draft


def _read(draft: Draft) -> bool:
    text = draft.message
    for readers in (READERS, LOOSE):
        reader = readers.get(text[:1])
        if reader is not None and reader(draft):
            if draft.dataset == _TEXT and draft.message[:1] == "{" and draft.is_log:
                lines.unwrap(draft)
            return True
    # A bare datagram has no prefix of its own; prose seldom has both characters.
    if "|" in text and not draft.note and _read_datagram(draft):
        return True
    if not text.strip(_BLANK):
        draft.is_log = False
    return False


def _read_datagram(draft: Draft) -> bool:
    if datagrams.is_told(draft.message):
        return datagrams.read(draft)
    if ":" not in draft.message or lines.read_metric(draft):
        return ":" in draft.message
    if metrics.is_meant(draft.message):
        draft.note = "bad_metric_line"
    return False


def _draft(line: Line, page: Page) -> Draft:
    return Draft(
        event_id=line.event_id,
        origin=page.origin,
        sequence=line.sequence,
        time_unix_nano=line.unix_nano,
        message=line.text,
    )


def _tell(
    draft: Draft, invocation: Invocation | None, now_unix_nano: int, pricing: Pricing, parsed: Parsed
) -> None:
    if draft.note:
        parsed.note(draft.note)
    request_id = draft.request_id or (invocation.request_id if invocation else "")
    if draft.is_log:
        parsed.signals.append(_log(draft, invocation, request_id, now_unix_nano))
    for span in draft.spans:
        parsed.signals.append(in_context(span, invocation, request_id))
    points = points_of(draft, invocation, pricing)
    tags = tags_of(draft, invocation) if points and (draft.platform or draft.uncaught) else None
    for index, point in points:
        parsed.signals.append(
            Metric(
                event_id=f"{draft.event_id}:{index}",
                origin=draft.origin,
                time_unix_nano=point.time_unix_nano or draft.time_unix_nano,
                name=point.name,
                kind=point.kind,
                value=point.value,
                unit=point.unit,
                tags=point.tags if tags is None else tags,
                request_id=request_id,
                set_member=point.set_member,
            )
        )
    if platform := platform_span(draft, invocation):
        parsed.signals.append(platform)


def _log(draft: Draft, invocation: Invocation | None, request_id: str, now_unix_nano: int) -> Log:
    trace_id, span_id, correlation_id = draft.trace_id, draft.span_id, draft.correlation_id
    if invocation and (not trace_id or trace_id == invocation.trace_id):
        trace_id = invocation.trace_id
        if draft.attributes.get("event") != EVENT:  # whose IDs prove that the layer wrote it
            span_id = span_id or invocation.span_id
        correlation_id = correlation_id or invocation.correlation_id
    return Log(
        event_id=draft.event_id,
        origin=draft.origin,
        time_unix_nano=draft.time_unix_nano,
        observed_time_unix_nano=now_unix_nano,
        sequence=draft.sequence,
        message=draft.message,
        level=draft.level,
        dataset=draft.dataset,
        time_from=draft.time_from,
        trace_id=trace_id,
        span_id=span_id,
        correlation_id=correlation_id,
        request_id=request_id,
        error_type=draft.error_type,
        error_message=draft.error_message,
        error_stack=draft.error_stack,
        keys=draft.keys,
        attributes=draft.attributes,
    )


def in_context(span: Span, invocation: Invocation | None, request_id: str) -> Span:
    """Return a span with the request and the correlation ID that only its siblings carry."""
    known = invocation.correlation_id if invocation and span.trace_id == invocation.trace_id else ""
    if (span.request_id or not request_id) and (span.correlation_id or not known):
        return span
    return replace(
        span, request_id=span.request_id or request_id, correlation_id=span.correlation_id or known
    )
