"""Panels of Lambda functions: one by one with the lines of its own limits."""

from __future__ import annotations

from dashboards.expressions import Metric
from dashboards.pages.drawn import count, mean, peak, percentiles, share
from dashboards.pages.layout import row, rows
from dashboards.pages.scene import Scene
from dashboards.pages.titles import called, number
from dashboards.panels import Line, Mark, Panel, Series
from dashboards.resources import Resource, slug

_NEAR = 0.9
_DAY_S = 86_400
_STREAMS = ("stream", "table")
#: Lambda is invoked asynchronously by these.
#: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
_ASYNCHRONOUS = ("topic", "rule", "bus", "bucket")


def whole(scene: Scene, function: Resource, marks: tuple[Mark, ...] = ()) -> tuple[Panel, ...]:
    """Return everything about one function, in rows of three."""
    panels = (
        invocations(function, marks),
        error_share(function, marks),
        duration(scene, function, marks),
        _cold_starts(function, marks),
        _memory(function, marks),
        _concurrency(function, marks),
        *_waiting(scene, function, marks),
        *_spillover(function, marks),
        _cost(function),
    )
    return rows(panels)


def brief(scene: Scene, function: Resource, marks: tuple[Mark, ...] = ()) -> tuple[Panel, ...]:
    """Return the three panels of a function that tell most: invocations, failures, duration."""
    return row(invocations(function, marks), error_share(function, marks), duration(scene, function, marks))


def invocations(function: Resource, marks: tuple[Mark, ...] = ()) -> Panel:
    """Return how often a function runs, and how often it is throttled."""
    return Panel(
        id=slug(f"{function.id} invocations"),
        title=f"{called(function)}: invocations",
        kind="lines",
        help="Invocations, and those that were turned away because too many ran at once.",
        series=(
            Series(label="invocations", of=count("function.invocations", function.id), role="serverless"),
            Series(label="throttled", of=count("function.throttles", function.id), role="bad"),
        ),
        marks=marks,
    )


def error_share(function: Resource, marks: tuple[Mark, ...] = ()) -> Panel:
    """Return how many percent of the invocations fail or run into the timeout."""
    invoked = count("function.invocations", function.id)
    return Panel(
        id=slug(f"{function.id} errors"),
        title=f"{called(function)}: failed invocations",
        kind="lines",
        unit="%",
        help="Invocations that failed, and those that ran into the timeout, in percent of all.",
        series=(
            Series(label="failed", of=share(count("function.errors", function.id), invoked), role="bad"),
            Series(label="timed out", of=share(count("function.timeouts", function.id), invoked)),
        ),
        marks=marks,
    )


def duration(scene: Scene, function: Resource, marks: tuple[Mark, ...] = ()) -> Panel:
    """Return how long a function runs, against its timeout and the patience of the gateways before it."""
    return Panel(
        id=slug(f"{function.id} duration"),
        title=f"{called(function)}: duration",
        kind="lines",
        unit="ms",
        help="How long invocations take; at the timeout Lambda ends them.",
        series=percentiles("function.duration", function.id, "serverless", ("p50", "p95", "p99", "max")),
        lines=(*_timeout(function), *_gateways(scene, function)),
        marks=marks,
    )


def _timeout(function: Resource) -> tuple[Line, ...]:
    timeout_s = function.limits.get("timeout_s", 0.0)
    if not timeout_s:
        return ()
    return (
        Line(label=f"Timeout ({number(timeout_s)} s)", value=timeout_s * 1000, role="limit"),
        Line(label="90% of the timeout", value=timeout_s * 1000 * _NEAR, role="limit"),
    )


def _gateways(scene: Scene, function: Resource) -> tuple[Line, ...]:
    limits = {r.limit_s for r in scene.system.routes.values() if r.target == function.id and r.limit_s}
    return tuple(
        Line(label=f"The gateway waits {number(limit)} s", value=limit * 1000, role="limit")
        for limit in sorted(limits)
    )


def _cold_starts(function: Resource, marks: tuple[Mark, ...]) -> Panel:
    return Panel(
        id=slug(f"{function.id} cold starts"),
        title=f"{called(function)}: cold starts",
        kind="lines",
        unit="%",
        help="Invocations that had to wait for a new environment, in percent of all.",
        series=(
            Series(
                label="cold starts",
                of=share(
                    count("function.cold_starts", function.id), count("function.invocations", function.id)
                ),
                role="serverless",
            ),
        ),
        marks=marks,
    )


def _memory(function: Resource, marks: tuple[Mark, ...]) -> Panel:
    size = function.limits.get("memory_mb", 0.0)
    line = Line(label=f"Memory size ({number(size)} MB)", value=size, role="limit")
    return Panel(
        id=slug(f"{function.id} memory"),
        title=f"{called(function)}: memory used",
        kind="lines",
        unit="MBy",
        help="Memory that invocations used; at the memory size Lambda ends them.",
        series=(
            Series(label="p95", of=Metric("function.memory_used", function.id, "p95"), role="serverless"),
            Series(label="most", of=Metric("function.memory_used", function.id, "max"), role="serverless"),
        ),
        lines=(line,) if size else (),
        marks=marks,
    )


def _concurrency(function: Resource, marks: tuple[Mark, ...]) -> Panel:
    limits = (("reserved_concurrency", "Reserved"), ("provisioned_concurrency", "Provisioned"))
    return Panel(
        id=slug(f"{function.id} concurrency"),
        title=f"{called(function)}: concurrent executions",
        kind="lines",
        help="How many invocations run at once; at the reserved concurrency further ones are throttled.",
        series=(
            Series(label="highest", of=peak("function.concurrency", function.id), role="serverless"),
            Series(label="on average", of=mean("function.concurrency", function.id), role="serverless"),
        ),
        lines=tuple(
            Line(label=f"{label} ({number(function.limits[key])})", value=function.limits[key], role="limit")
            for key, label in limits
            if key in function.limits
        ),
        marks=marks,
    )


def _waiting(scene: Scene, function: Resource, marks: tuple[Mark, ...]) -> tuple[Panel, ...]:
    """How far it is behind what feeds it: of a stream its iterator, asynchronously its events."""
    kinds = {source.kind for source in scene.resources(scene.sources([function.id], "feeds"))}
    out: list[Panel] = []
    if not kinds.isdisjoint(_STREAMS):
        out.append(_iterator_age(function, marks))
    if not kinds.isdisjoint(_ASYNCHRONOUS):
        out.append(asynchronous(function, marks))
    return tuple(out)


def _iterator_age(function: Resource, marks: tuple[Mark, ...]) -> Panel:
    return Panel(
        id=slug(f"{function.id} iterator age"),
        title=f"{called(function)}: behind its stream",
        kind="lines",
        unit="ms",
        help="Age of the last record it read; where it grows the function cannot keep up.",
        series=(Series(label="iterator age", of=peak("function.iterator_age", function.id)),),
        marks=marks,
    )


def asynchronous(function: Resource, marks: tuple[Mark, ...] = ()) -> Panel:
    """Return how long asynchronous events wait for a function, and how many were lost."""
    return Panel(
        id=slug(f"{function.id} asynchronous"),
        title=f"{called(function)}: asynchronous events",
        kind="lines",
        unit="ms",
        right_unit="1",
        help="How long events wait before the function gets them, and how many were dropped for good.",
        series=(
            Series(label="age", of=peak("function.async_age", function.id)),
            Series(
                label="dropped",
                of=count("function.async_dropped", function.id),
                role="bad",
                is_right=True,
            ),
            Series(
                label="dead letters not delivered",
                of=count("function.dead_letter_errors", function.id),
                role="bad",
                is_right=True,
            ),
        ),
        marks=marks,
    )


def _spillover(function: Resource, marks: tuple[Mark, ...]) -> tuple[Panel, ...]:
    if not function.limits.get("provisioned_concurrency"):
        return ()
    panel = Panel(
        id=slug(f"{function.id} spillover"),
        title=f"{called(function)}: beyond provisioned concurrency",
        kind="lines",
        help="Invocations that found no provisioned environment free and may have started cold.",
        series=(Series(label="beyond", of=count("function.spillover", function.id), role="bad"),),
        marks=marks,
    )
    return (panel,)


def _cost(function: Resource) -> Panel:
    return Panel(
        id=slug(f"{function.id} cost"),
        title=f"{called(function)}: estimated cost",
        kind="bars",
        unit="{USD}",
        help="Duration, memory and requests in a day, at the list price or that of observe.yaml.",
        series=(Series(label="cost", of=count("function.cost", function.id), role="serverless"),),
        period_s=_DAY_S,
    )
