"""Who tells of the requests of an endpoint or service where the subscriber does not (endpoint_metrics off).

In this order, of the first that can: the function that serves nothing else, the metered routes of the
gateway, the target groups of a legacy service, its access log. What is told instead is said.
"""

from __future__ import annotations

import msgspec

from dashboards.cloudwatch.filters import Filter, access_filters
from dashboards.cloudwatch.metrics import Absent
from dashboards.expressions import Metric, Statistic
from dashboards.resources import Implementation, ServiceView, System

_FUNCTION = {"requests": "invocations", "errors": "errors", "duration": "duration"}
_ROUTE = {"requests": "requests", "errors": "errors_5xx", "duration": "latency"}
_SWITCH = "Set endpoint_metrics: true in observe.yaml, and the subscriber tells it."


class Fallback(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for instead: metrics to be summed, or filters. said: which, as a sentence."""

    metrics: tuple[Metric, ...] = ()
    filters: tuple[Filter, ...] = ()
    factor: float = 1.0
    said: str = ""


def fallback(metric: Metric, system: System) -> Fallback | Absent:
    """Return who tells a measure of `endpoint.*` or `service.*`, or why nobody does."""
    of, what = metric.measure.split(".")
    if of == "service":
        service = system.services.get(metric.subject)
        if service is None:
            return Absent(f"{metric.subject} is no service of observe.yaml or of a template.")
        return _of_service(service, what, metric.statistic, system)
    name, _, side = metric.subject.rpartition("/")
    endpoint = system.endpoints.get(name)
    found = next((one for one in endpoint.sides if one.side == side), None) if endpoint else None
    if found is None:
        return Absent(f"{name} has no {side} implementation.")
    return _of_side(found, what, metric, system)


def _of_side(side: Implementation, what: str, metric: Metric, system: System) -> Fallback | Absent:
    is_sum = metric.statistic == "sum"
    if what == "slow":
        return Absent(f"Nobody counts slow requests of {metric.subject}. {_SWITCH}")
    if side.side == "serverless" and side.is_alone and (is_sum or len(side.functions) == 1):
        return _functions(side.functions, what, metric.statistic)
    routes = [system.routes[one] for one in side.routes if one in system.routes]
    if routes and all(route.is_metered for route in routes) and (is_sum or len(routes) == 1):
        metrics = tuple(Metric(f"route.{_ROUTE[what]}", route.id, metric.statistic) for route in routes)
        return Fallback(metrics=metrics, said=f"{metric.subject}: as its gateway tells it.")
    if side.side == "legacy":
        return _access(what, metric.subject, side.service, side.route, system)
    return Absent(f"{metric.subject} shares its function, and its route is not metered. {_SWITCH}")


def _functions(functions: tuple[str, ...], what: str, statistic: Statistic) -> Fallback:
    metrics = tuple(Metric(f"function.{_FUNCTION[what]}", one, statistic) for one in functions)
    return Fallback(metrics=metrics, said=f"As Lambda tells it of {', '.join(functions)}.")


def _of_service(service: ServiceView, what: str, statistic: Statistic, system: System) -> Fallback | Absent:
    is_sum = statistic == "sum"
    if service.functions and (is_sum or len(service.functions) == 1):
        return _functions(service.functions, what, statistic)
    groups = [one for one in service.resources if one in system.resources and one.startswith("target_group:")]
    if groups and (is_sum or len(groups) == 1):
        metrics = tuple(Metric(f"target_group.{_ROUTE[what]}", one, statistic) for one in groups)
        factor = 1000.0 if what == "duration" and statistic != "count" else 1.0
        return Fallback(
            metrics=metrics, factor=factor, said=f"As the load balancer tells it of {service.name}."
        )
    if service.functions:
        return Absent(f"{service.name} has several functions, which have no common percentile. {_SWITCH}")
    return _access(what, service.name, service.name, "", system)


def _access(what: str, name: str, service: str, route: str, system: System) -> Fallback | Absent:
    found = access_filters(what, name, service, route, system)
    if isinstance(found, Absent):
        return found
    return Fallback(filters=found, said=f"{name}: from the access log, requests answered 5xx as failed.")
