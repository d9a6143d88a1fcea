"""Drafts about functions: errors, throttles, timeouts, concurrency, streams, asynchronous events."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alarms.drafts import Around, Draft, metric, of_resource, percent_of
from dashboards.expressions import Percent
from dashboards.resources import Kind, Resource

#: Event sources that invoke asynchronously: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
_ASYNCHRONOUS: tuple[Kind, ...] = ("topic", "rule", "bus", "bucket")
_STREAMS: tuple[Kind, ...] = ("stream", "table")
#: Hours that DynamoDB keeps a table's stream.
_TABLE_STREAM_H = 24.0
#: Percent of a stream's retention at which readers are late: half an hour of a day.
LATE_PERCENT = 2.0


def drafts(around: Around) -> Iterator[Draft]:
    """Yield the drafts about every function."""
    for function in around.system.of_kind("function"):
        yield from _of(around, function)


def _of(around: Around, function: Resource) -> Iterator[Draft]:
    one, limits = function.id, function.limits
    invocations, errors = metric("function.invocations", one), metric("function.errors", one)
    endpoint, told_by = _served(around, function)
    share = Percent(errors, invocations)
    yield of_resource(around, function, "function-errors", share, endpoint=endpoint, told_by=told_by)
    yield of_resource(around, function, "function-throttles", metric("function.throttles", one))
    near = percent_of(limits.get("timeout_s"), 90, "its Timeout of {} s", 1000)
    yield of_resource(
        around, function, "function-near-timeout", metric("function.duration", one, "p99"), near
    )
    if one not in around.serves:
        yield of_resource(around, function, "function-timeouts", metric("function.timeouts", one))
    if "reserved_concurrency" in limits and limits["reserved_concurrency"] > 0:
        used = percent_of(limits["reserved_concurrency"], 90, "its reserved concurrency of {}")
        yield of_resource(
            around, function, "function-concurrency", metric("function.concurrency", one, "max"), used
        )
    yield from _sources(around, function)
    yield of_resource(around, function, "function-silent", invocations)


def _served(around: Around, function: Resource) -> tuple[str, tuple[str, ...]]:
    """The endpoint in whose composite its errors are, "" for none; and the sides that tell of them.

    Where endpoints tell of their failed requests, the same failures of the function would be told twice.
    """
    endpoints = around.serves.get(function.id, ())
    if not endpoints or function.id in around.fed_by:
        return "", ()
    name = endpoints[0].name if len(endpoints) == 1 else ""
    return name, tuple(
        f"{one.name}/{side.side}" for one in endpoints for side in one.sides if function.id in side.functions
    )


def _sources(around: Around, function: Resource) -> Iterator[Draft]:
    sources = around.fed_by.get(function.id, ())
    streams = [source for source in sources if source.kind in _STREAMS]
    if streams:
        kept = [_retention_h(stream) for stream in streams]
        known = [hours for hours in kept if hours is not None]
        shortest = min(known) if len(known) == len(kept) else None
        late = percent_of(shortest, LATE_PERCENT, "its stream's retention of {} h", 3_600_000)
        age = metric("function.iterator_age", function.id, "max")
        yield of_resource(around, function, "function-iterator-age", age, late)
    is_safe = any(around.system.out_of(function.id, "dead_letters"))
    if not is_safe and any(source.kind in _ASYNCHRONOUS for source in sources):
        yield of_resource(
            around, function, "function-async-dropped", metric("function.async_dropped", function.id)
        )


def _retention_h(stream: Resource) -> float | None:
    return _TABLE_STREAM_H if stream.kind == "table" else stream.limits.get("retention_h")
