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
#: Functions of a system up to which each has a warning that only foretells what other alarms tell.
_WARNED_MAX = 100
_MANY = (
    f"with more than {_WARNED_MAX} functions a warning for each costs more than it helps; whoever wants it "
    "writes dashboards.alarms.function-near-timeout: {off: false}"
)
#: A reserved concurrency below it has no tenth that could be left.
_SMALLEST_RESERVE = 10
#: Percent of a stream's retention at which readers are late: half an hour of a day.
LATE_PERCENT = 2.0


def drafts(around: Around) -> Iterator[Draft]:
    """Yield the drafts about every function."""
    for function in around.system.of_kind("function"):
        yield from _of(around, function)


def _of(around: Around, function: Resource) -> Iterator[Draft]:
    one, limits = function.id, function.limits
    invocations, errors = metric("function.invocations", one), metric("function.errors", one)
    # Of the pipeline's own functions any failure is told: pipeline-errors.
    if one not in around.system.pipeline:
        yield from _failures(around, function, Percent(errors, invocations))
    yield _throttles(around, function)
    near = _near_timeout(around, function)
    slowest = metric("function.duration", one, "p99")
    many = sum(1 for _ in around.system.of_kind("function"))
    yield of_resource(
        around, function, "function-near-timeout", slowest, near, opt_in=_MANY if many > _WARNED_MAX else ""
    )
    yield of_resource(around, function, "function-timeouts", metric("function.timeouts", one))
    if limits.get("reserved_concurrency", 0) > 0:
        yield _concurrency(around, function)
    yield from _sources(around, function)
    yield of_resource(around, function, "function-silent", invocations)


def _failures(around: Around, function: Resource, share: Percent) -> Iterator[Draft]:
    endpoint, told_by = _served(around, function)
    yield of_resource(around, function, "function-errors", share, endpoint=endpoint, told_by=told_by)
    if not told_by and (function.id in around.serves or not _is_kept(around, function)):
        yield of_resource(around, function, "function-outage", share)


def _throttles(around: Around, function: Resource) -> Draft:
    """A queue keeps what is throttled, and its age tells of it; every other caller is refused."""
    throttles = metric("function.throttles", function.id)
    if not _is_fed_by_queues(around, function):
        return of_resource(around, function, "function-throttles", throttles)
    detail = "Its queue keeps the messages meanwhile: queue-age tells when they wait too long."
    return of_resource(around, function, "function-throttles", throttles, detail=detail, severity="warning")


def _near_timeout(around: Around, function: Resource) -> tuple[float | None, str]:
    """Nine tenths of its timeout, or of its gateway's patience where that ends before."""
    timeout_s = function.limits.get("timeout_s")
    waits = [
        one.limit_s for one in around.system.routes.values() if one.target == function.id and one.limit_s
    ]
    if timeout_s is None or function.id in around.fed_by or not waits or max(waits) >= timeout_s:
        return percent_of(timeout_s, 90, "its Timeout of {} s", 1000)
    return percent_of(max(waits), 90, "the {} s that its gateway waits, less than its Timeout", 1000)


def _concurrency(around: Around, function: Resource) -> Draft:
    """A small reserve, or one that holds a queue back, is meant to be used to the end."""
    limit = function.limits["reserved_concurrency"]
    used = percent_of(limit, 90, "its reserved concurrency of {}")
    if limit < _SMALLEST_RESERVE:
        used = None, f"a reserved concurrency of {limit:g} is there to be used; function-throttles tells"
    elif _is_fed_by_queues(around, function):
        used = None, "its reserved concurrency holds a queue back on purpose; queue-age tells"
    concurrency = metric("function.concurrency", function.id, "max")
    return of_resource(around, function, "function-concurrency", concurrency, used)


def _is_fed_by_queues(around: Around, function: Resource) -> bool:
    sources = around.fed_by.get(function.id, ())
    return (
        bool(sources)
        and function.id not in around.serves
        and not function.facts.get("schedule")
        and all(source.kind == "queue" for source in sources)
    )


def _is_kept(around: Around, function: Resource) -> bool:
    """Whether everything that it fails to do is told of elsewhere: as a dead letter, a dropped event, an
    iterator that stands still, or an execution that failed."""
    sources = around.fed_by.get(function.id, ())
    safe = all(
        source.kind in (*_ASYNCHRONOUS, *_STREAMS, "state_machine")
        or any(around.system.out_of(source.id, "dead_letters"))
        for source in sources
    )
    return safe and bool(sources or function.facts.get("schedule"))


def _served(around: Around, function: Resource) -> tuple[str, tuple[str, ...]]:
    """The endpoint in whose composite its errors are, "" for none; and the sides that tell of them.

    Where endpoints tell of their failed requests, the same failures of the function would be told twice.
    """
    endpoints = around.serves.get(function.id, ())
    if not endpoints or function.id in around.fed_by:
        return "", ()
    sides = [(one, side) for one in endpoints for side in one.sides if function.id in side.functions]
    name = endpoints[0].name if len(endpoints) == 1 else ""
    return name, tuple(f"{one.name}/{side.side}" for one, side in sides)


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
    is_asynchronous = any(source.kind in _ASYNCHRONOUS for source in sources)
    if not is_safe and (is_asynchronous or function.facts.get("schedule")):
        yield of_resource(
            around, function, "function-async-dropped", metric("function.async_dropped", function.id)
        )


def _retention_h(stream: Resource) -> float | None:
    return _TABLE_STREAM_H if stream.kind == "table" else stream.limits.get("retention_h")
