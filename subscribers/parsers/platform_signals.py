"""Metrics and spans of what Lambda itself says: one fact is counted once, though two lines tell it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from observe import ids, semconv
from subscribers.parsers.draft import Draft, MetricKind, PlatformRecord, Point
from subscribers.parsers.invocations import Invocation
from subscribers.parsers.platform import FAILED, OUT_OF_MEMORY, PREFIX, attributes_of
from subscribers.signals import Span

#: Last word of the name -> (kind, UCUM unit).
_VALUES: dict[str, tuple[MetricKind, str]] = {
    "duration": ("distribution", "ms"),
    "billed_duration": ("distribution", "ms"),
    "init_duration": ("distribution", "ms"),
    "restore_duration": ("distribution", "ms"),
    "memory_used": ("distribution", "MBy"),
    "memory_size": ("gauge", "MBy"),
}
#: Records whose values are metrics; `platform.runtimeDone` tells a duration that the report tells too.
_REPORTS = ("report", "init_report", "restore_report")


def points_of(draft: Draft, invocation: Invocation | None) -> list[tuple[int, Point]]:
    """Return the data points of a line with their indices: its own, or what the platform's words amount to.

    A point that is left out because another line told the fact keeps its index, so that the IDs of
    the rest do not depend on how lines were divided into payloads.
    """
    if draft.platform is None and not draft.uncaught:
        return list(enumerate(draft.points))
    facts = invocation.facts if invocation else set()
    found: list[tuple[int, Point]] = []
    for index, point in enumerate(_told(draft, invocation)):
        word = point.name[len(PREFIX) :]
        if word not in facts:
            facts.add(word)
            found.append((index, point))
    return found


def _told(draft: Draft, invocation: Invocation | None) -> Iterator[Point]:
    record = draft.platform
    if record is None:
        # Outside an invocation (an import that fails) the report that follows is the one to count.
        if invocation:
            yield _count("errors")
        return
    if record.kind in _REPORTS:
        for word, (kind, unit) in _VALUES.items():
            if word in record.values:
                yield Point(PREFIX + word, kind, record.values[word], unit)
    if record.kind == "report":
        yield _count("invocations")
        if is_cold(record):
            yield _count("cold_starts")
    if record.kind in ("report", "timeout", "exit"):
        yield from _failures(record, invocation)


def _failures(record: PlatformRecord, invocation: Invocation | None) -> Iterator[Point]:
    if record.status in FAILED:
        yield _count("errors")
    if record.status == "timeout":
        yield _count("timeouts")
    if record.error_type == OUT_OF_MEMORY or _was_killed_full(record, invocation):
        yield _count("out_of_memory")


def _was_killed_full(record: PlatformRecord, invocation: Invocation | None) -> bool:
    """The kernel killed the runtime and the report says that memory was used up."""
    used, size = record.values.get("memory_used", 0), record.values.get("memory_size", 0)
    return bool(invocation and invocation.killed and 0 < size <= used)


def is_cold(record: PlatformRecord) -> bool:
    """Whether the invocation had to wait for an environment: an init, or a snapshot's restore."""
    return "init_duration" in record.values or "restore_duration" in record.values


def _count(word: str) -> Point:
    return Point(PREFIX + word, "count", 1.0, "1")


def platform_span(draft: Draft, invocation: Invocation | None) -> Span | None:
    """Return the invocation's span as its report tells it, unless the layer wrote its own.

    Its identity is what our lines told, else X-Ray's; with neither it is a trace of its own, derived from
    the request's ID: an invocation of nobody is an invocation.
    """
    record = draft.platform
    if record is None or record.kind != "report" or invocation is None or invocation.own_span():
        return None
    trace_id, span_id = _identity(invocation)
    end = draft.time_unix_nano
    start = invocation.start_unix_nano or max(0, end - round(record.values.get("duration", 0) * 1_000_000))
    return Span(
        event_id=f"{draft.event_id}:{_SPAN_INDEX}",
        origin=draft.origin,
        trace_id=trace_id,
        span_id=span_id,
        name=draft.origin.log_group.rpartition("/")[2] or draft.origin.service,
        kind="server",
        start_unix_nano=min(start, end),
        end_unix_nano=end,
        told_by="platform",
        status="error" if invocation.failure else "unset",
        status_message=invocation.failure,
        correlation_id=invocation.correlation_id,
        request_id=invocation.request_id,
        attributes=_attributes(record, invocation),
    )


#: Behind every index a line's metrics may have, so that neither moves the other.
_SPAN_INDEX = 99


def _attributes(record: PlatformRecord, invocation: Invocation) -> dict[str, object]:
    told = {
        **attributes_of(record),
        semconv.FAAS_INVOCATION_ID: invocation.request_id,
        semconv.FAAS_COLDSTART: is_cold(record),
    }
    if invocation.failure:
        told[semconv.ERROR_TYPE] = invocation.failure
    return told


def _identity(invocation: Invocation) -> tuple[str, str]:
    """(trace ID, span ID); a span ID that nobody told is derived from the request's, 16 hex digits."""
    derived = sha256(invocation.request_id.encode("utf-8", "replace")).hexdigest()[:16]
    if invocation.trace_id:
        return invocation.trace_id, invocation.span_id or derived
    if invocation.xray_trace_id:
        return invocation.xray_trace_id, invocation.xray_span_id or derived
    return ids.derive_trace_id(invocation.request_id), derived
