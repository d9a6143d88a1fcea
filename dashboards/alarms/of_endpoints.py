"""Drafts about endpoints, each side by itself, and about legacy services without endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alarms.drafts import Around, Draft, metric
from dashboards.alarms.of_hosts import slow_ms
from dashboards.alarms.rules import RULES
from dashboards.expressions import Expression, Percent, Quotient, Scaled, Statistic, Total
from dashboards.resources import EndpointView, Implementation, ServiceView, System

#: Percentage points of failures above the baseline, and multiple of its p95, from which sides differ.
_POINTS, _FACTOR = 1.0, 1.25
_PERCENTILES: dict[float, Statistic] = {50: "p50", 90: "p90", 95: "p95", 99: "p99"}
_AND_WHY = "a margin for chance"


def drafts(around: Around) -> Iterator[Draft]:
    """Yield the drafts about every endpoint and every legacy service."""
    for endpoint in around.system.endpoints.values():
        for side in endpoint.sides:
            if is_measured(around.system, endpoint, side):
                yield from _side(around, endpoint, side)
        if endpoint.config is not None:
            yield from _parity(around, endpoint)
        if any(is_measured(around.system, endpoint, side) for side in endpoint.sides):
            yield _silent(around, endpoint)
    for service in around.system.services.values():
        if service.side == "legacy":
            yield from _legacy(around, service)


def is_measured(system: System, endpoint: EndpointView, side: Implementation) -> bool:
    """Whether anything can tell of a side's requests: observe.yaml has it, its route is metered, or its
    function serves nothing else."""
    if endpoint.config is not None:
        return True
    metered = any(system.routes[one].is_metered for one in side.routes if one in system.routes)
    return metered or (side.is_alone and bool(side.functions))


def _side(around: Around, endpoint: EndpointView, side: Implementation) -> Iterator[Draft]:
    shown = f"{endpoint.route} ({side.side})"
    requests, errors = (
        metric(f"endpoint.{n}", f"{endpoint.name}/{side.side}") for n in ("requests", "errors")
    )
    share = Percent(errors, requests)
    yield _draft(around, endpoint, "endpoint-errors", share, shown, side.side)
    yield _draft(around, endpoint, "endpoint-outage", share, shown, side.side)
    statistic: Statistic = "p95"
    if endpoint.config is not None and "latency" in endpoint.config.slo:
        statistic = _PERCENTILES.get(endpoint.config.slo["latency"]["p"], "p95")
    duration = metric("endpoint.duration", f"{endpoint.name}/{side.side}", statistic)
    yield _draft(around, endpoint, "endpoint-slow", duration, shown, side.side, slow_ms(endpoint))


def _parity(around: Around, endpoint: EndpointView) -> Iterator[Draft]:
    baseline = endpoint.config.baseline if endpoint.config else {}
    if endpoint.serverless is None:
        return
    name, shown = f"{endpoint.name}/serverless", f"{endpoint.route} (serverless)"
    if (failed := baseline.get("error_percent")) is not None:
        share = Percent(metric("endpoint.errors", name), metric("endpoint.requests", name))
        why = f"The legacy side's {failed:g}% (baseline) and {_POINTS:g} percentage point more, {_AND_WHY}."
        limit = (round(float(failed) + _POINTS, 6), why)
        yield _draft(around, endpoint, "endpoint-parity", share, shown, "", limit)
    if p95 := baseline.get("p95_ms"):
        why = f"{_FACTOR:g} times the legacy side's p95 of {p95:,g} ms (baseline)."
        duration = metric("endpoint.duration", name, "p95")
        limit = (round(float(p95) * _FACTOR, 6), why)
        yield _draft(around, endpoint, "endpoint-parity-latency", duration, shown, "", limit)


def _silent(around: Around, endpoint: EndpointView) -> Draft:
    requests = tuple(metric("endpoint.requests", f"{endpoint.name}/{side.side}") for side in endpoint.sides)
    of: Expression = requests[0] if len(requests) == 1 else Total(requests)
    return _draft(around, endpoint, "endpoint-silent", of, endpoint.route, "")


def _draft(
    around: Around,
    endpoint: EndpointView,
    rule: str,
    of: Expression,
    shown: str,
    side: str,
    limit: tuple[float | None, str] | None = None,
) -> Draft:
    threshold, reason = limit or (RULES[rule].threshold, RULES[rule].reason)
    return Draft(
        rule=rule,
        subject=endpoint.name,
        keys=(endpoint.name,),
        label=f"{endpoint.name}-{side}" if side else endpoint.name,
        shown=shown,
        of=of,
        threshold=threshold,
        reason=reason,
        owner=endpoint.owner,
        runbook=endpoint.runbook,
        page=around.pages.endpoints[endpoint.name],
        endpoint=endpoint.name,
        place=endpoint.place,
    )


def _legacy(around: Around, service: ServiceView) -> Iterator[Draft]:
    name = service.name
    # Each endpoint of a service tells of its own failures; a service without any tells of all.
    if not any(_is_told(around.system, one) for one in service.endpoints):
        requests, errors = (metric(f"service.{n}", name) for n in ("requests", "errors"))
        yield _of_service(around, service, "legacy-errors", Percent(errors, requests))
        unknown = (None, "a service has no promise of its own")
        yield _of_service(around, service, "legacy-latency", metric("service.duration", name, "p95"), unknown)
    yield _of_service(around, service, "legacy-pool", metric("service.pool_exhausted", name))
    used = Quotient(metric("service.pool_used", name, "max"), metric("service.pool_max", name, "max"))
    yield _of_service(around, service, "legacy-pool-used", Scaled(used, 100))


def _is_told(system: System, endpoint: str) -> bool:
    view = system.endpoints.get(endpoint)
    return view is not None and view.legacy is not None and is_measured(system, view, view.legacy)


def _of_service(
    around: Around,
    service: ServiceView,
    rule: str,
    of: Expression,
    limit: tuple[float | None, str] | None = None,
) -> Draft:
    threshold, reason = limit or (RULES[rule].threshold, RULES[rule].reason)
    return Draft(
        rule=rule,
        subject=service.name,
        keys=(service.name,),
        label=service.name,
        shown=service.name,
        of=of,
        threshold=threshold,
        reason=reason,
        owner=service.owner,
        runbook=service.runbook,
        page=around.pages.services[service.name],
        place=service.place,
    )
