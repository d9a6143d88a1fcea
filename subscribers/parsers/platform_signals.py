"""Metrics and spans of what Lambda itself says: one fact is counted once, though two lines tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256

from msgspec.structs import replace

from observe import ids, semconv
from subscribers.parsers.draft import Draft, MetricKind, PlatformRecord, Point
from subscribers.parsers.invocations import INIT_ERRORS, Invocation
from subscribers.parsers.platform import FAILED, OUT_OF_MEMORY, PREFIX, attributes_of
from subscribers.parsers.prices import LIST_PRICES, Pricing
from subscribers.signals import Origin, Span

#: Last word of the name -> (kind, UCUM unit).
_VALUES: dict[str, tuple[MetricKind, str]] = {
    "duration": ("distribution", "ms"),
    "billed_duration": ("distribution", "ms"),
    "init_duration": ("distribution", "ms"),
    "restore_duration": ("distribution", "ms"),
    "billed_restore_duration": ("distribution", "ms"),
    "memory_used": ("distribution", "MBy"),
    "memory_size": ("gauge", "MBy"),
}
_DROPPED = {"logs_dropped": "1", "logs_dropped_bytes": "By"}
_COUNTED = ("invocations", "errors", "timeouts", "out_of_memory", "cold_starts", "restores", INIT_ERRORS)
_SHARES = ("memory_utilization", "estimated_cost")
#: Metrics that Lambda's own lines amount to, and no other line.
TOLD = frozenset(PREFIX + word for word in (*_VALUES, *_DROPPED, *_COUNTED, *_SHARES))
#: What stands before such a name in a metric that a function prints itself.
PRINTED = "printed."
#: Records whose values are metrics; `platform.runtimeDone` tells a duration that the report tells too.
_REPORTS = ("report", "init_report", "restore_report")
#: Records that tell how an invocation ended: at level WARN only the first comes, at INFO both.
_ENDS = ("end", "report", "timeout", "exit")
_OWN = ("init_", "restore_")
_BEGINNINGS = ("init_done", "init_report", "restore_done", "restore_report")

#: On a span whose trace nothing but X-Ray told: another payload may know better.
TRACE_FROM, XRAY = "observe.trace_from", "xray"
NAME, VERSION, ALIAS = semconv.FAAS_NAME, semconv.FAAS_VERSION, PREFIX + "alias"
ACCOUNT, REGION = semconv.CLOUD_ACCOUNT_ID, semconv.CLOUD_REGION
_FUNCTIONS = "/aws/lambda/"
#: `2026/11/21/[$LATEST]<32 hex>`; a group of the team's own has the function's name before the version.
#: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
_STREAM = re.compile(r"\d{4}/\d{2}/\d{2}/([\w-]{0,170})\[(\$LATEST|\d{1,10})\][0-9a-f]{1,64}")


def points_of(
    draft: Draft, invocation: Invocation | None, pricing: Pricing = LIST_PRICES
) -> list[tuple[int, Point]]:
    """Return the data points of a line with their indices: its own, or what the platform's words amount to.

    A point that is left out because another line told the fact keeps its index, so that the IDs of
    the rest do not depend on how lines were divided into payloads.
    """
    if draft.platform is None and not draft.uncaught:
        return [(index, _printed(point)) for index, point in enumerate(draft.points)]
    facts = invocation.facts if invocation else set()
    record = draft.platform
    # What an init or restore tells of itself is no fact of the invocation in which it is tried again.
    known = record.known if record and record.kind in _BEGINNINGS else None
    found: list[tuple[int, Point]] = []
    for index, point in enumerate(_told(draft, invocation, pricing)):
        word = point.name[len(PREFIX) :]
        if known is not None and word.startswith(_OWN):
            if word not in known:
                found.append((index, point))
        elif word not in facts:
            facts.add(word)
            found.append((index, point))
    return found


def _printed(point: Point) -> Point:
    """A point of a line that a function prints: what only Lambda tells has another name there."""
    return replace(point, name=PRINTED + point.name) if point.name in TOLD else point


def tags_of(draft: Draft, invocation: Invocation | None) -> dict[str, str]:
    """Return the tags of the platform's metrics: function, version, alias where known, account, Region."""
    tags = dict(_tags(draft.origin))
    record = draft.platform
    told = [found for found in (record, invocation) if found is not None]
    for name, values in (
        (NAME, [found.function for found in told]),
        (VERSION, [found.version for found in told]),
        (ALIAS, [found.alias for found in told]),
    ):
        if value := next(filter(None, values), ""):
            tags[name] = value
    return tags


@lru_cache(maxsize=1024)
def _tags(origin: Origin) -> tuple[tuple[str, str], ...]:
    """What the stream's name and the group's tell, and where they are."""
    stream = _STREAM.fullmatch(origin.log_stream)
    name = stream[1] if stream else ""
    if not name and origin.log_group.startswith(_FUNCTIONS):
        name = origin.log_group[len(_FUNCTIONS) :]
    told = (
        (NAME, name or origin.service),
        (VERSION, stream[2] if stream else ""),
        (ACCOUNT, origin.account),
        (REGION, origin.region),
    )
    return tuple((key, value) for key, value in told if value)


def _told(draft: Draft, invocation: Invocation | None, pricing: Pricing) -> Iterator[Point]:
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
        yield from _beginnings(record)
        yield from _shares(record, draft.origin.region, pricing)
    if record.kind in _ENDS:
        yield from _failures(record, invocation)
    elif record.kind in _BEGINNINGS and record.status in FAILED:
        yield _count(INIT_ERRORS)
        if record.phase == "invoke" and invocation:  # the request that waits fails with it
            yield from _failures(record, invocation)
    elif record.kind == "fault" and invocation:
        yield _count("errors")
    elif record.kind == "exhausted":
        yield _count("out_of_memory")
    for word, unit in _DROPPED.items():
        if record.kind == "logs_dropped" and word in record.values:
            yield Point(PREFIX + word, "count", record.values[word], unit)


def _beginnings(record: PlatformRecord) -> Iterator[Point]:
    if is_cold(record):
        yield _count("cold_starts")
    if "restore_duration" in record.values:
        yield _count("restores")


def _shares(record: PlatformRecord, region: str, pricing: Pricing) -> Iterator[Point]:
    """What two values of a report amount to; managed instances tell neither."""
    size = record.values.get("memory_size", 0)
    if size > 0 and "memory_used" in record.values:
        share = 100 * record.values["memory_used"] / size
        yield Point(PREFIX + "memory_utilization", "distribution", share, "%")
    if size > 0 and "billed_duration" in record.values:
        cost = pricing.usd(record.values["billed_duration"], size, region)
        yield Point(PREFIX + "estimated_cost", "distribution", cost, "{USD}")


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
    start = invocation.start_unix_nano or end
    if start == end:  # START is not here, or the lines have no times of their own, as those of a file
        start = max(0, end - round(record.values.get("duration", 0) * 1_000_000))
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
    if invocation.is_from_xray:
        told[TRACE_FROM] = XRAY
    return told


def _identity(invocation: Invocation) -> tuple[str, str]:
    """(trace ID, span ID); a span ID that nobody told is derived from the request's, 16 hex digits."""
    derived = sha256(invocation.request_id.encode("utf-8", "replace")).hexdigest()[:16]
    if invocation.is_from_xray:
        return invocation.xray_trace_id, invocation.xray_span_id or derived
    if invocation.trace_id:
        return invocation.trace_id, invocation.span_id or derived
    return ids.derive_trace_id(invocation.request_id), derived
