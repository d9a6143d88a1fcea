"""A metric of the catalogue -> what CloudWatch is asked for: points, a formula over them, filters they need.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import msgspec

from dashboards.cloudwatch.dimensions import Dimensions, dimensions_of
from dashboards.cloudwatch.filters import Filter, log_filters
from dashboards.cloudwatch.metrics import METRICS, OWN_NAMESPACE, Absent, Told, Way
from dashboards.cloudwatch.requests import fallback
from dashboards.expressions import Metric, Statistic
from dashboards.measures import MEASURES
from dashboards.resources import System
from subscribers.parsers.prices import REGIONS, Pricing

STATISTICS: dict[Statistic, str] = {
    "sum": "Sum",
    "avg": "Average",
    "min": "Minimum",
    "max": "Maximum",
    "count": "SampleCount",
    **{p: p for p in ("p50", "p90", "p95", "p99")},
}
#: "SystemErrors: TableName, Operation": one metric an operation.
_OPERATIONS = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem",
               "BatchWriteItem")  # fmt: skip
#: Where observe.yaml names no sink, the embedded store is the one.
OWN_SINK = "store"
_GAUGES = {
    "service.pool_used": "db.client.connection.count",
    "service.pool_max": "db.client.connection.max",
    "service.cpu": "system.cpu.utilization",
    "service.memory": "system.memory.utilization",
}
_EMF = {
    "requests": "Requests",
    "errors": "RequestErrors",
    "slow": "RequestsSlow",
    "duration": "RequestDuration",
}


class Point(msgspec.Struct, frozen=True):
    """One metric with its statistic. dimensions: pairs, in order; region: where it is told, "" for here."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    region: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. formula: of points by {0}, {1} ...; filters: must exist for the points to come.

    said: what else is told instead of what was asked for, as a sentence; "" where it is that itself.
    """

    points: tuple[Point, ...]
    formula: str = "{0}"
    filters: tuple[Filter, ...] = ()
    said: str = ""


def source_of(metric: Metric, system: System) -> Source | Absent:
    """Return where CloudWatch has a metric, or why it has none."""
    told = METRICS.get(metric.measure)
    if told is None:
        return Absent(f"CloudWatch has no {metric.measure}.")
    if isinstance(told, Told):
        return _told(told, metric, system)
    return _ways(told, metric, system)


def _told(told: Told, metric: Metric, system: System) -> Source | Absent:
    if told.by == "sink" and not metric.subject:
        return _input(told, metric, system)
    dimensions = dimensions_of(told.by, metric.subject, system)
    if isinstance(dimensions, Absent):
        return dimensions
    name = told.other if told.other and "ApiId" in dimensions else told.name
    kind = metric.subject.split(":", 1)[0]
    if kind == "websocket_api":
        found = _WEBSOCKET.get(metric.measure)
        if found is None:
            return Absent(f"A WebSocket API has no {MEASURES[metric.measure].title.lower()}.")
        name = found
    region = "us-east-1" if told.by == "distribution" else ""
    return Source(points=(_point(told.namespace, name, dimensions, metric.statistic, region),))


def _input(told: Told, metric: Metric, system: System) -> Source | Absent:
    """What came in. The subscriber tells it of each sink alone, and gives every sink all of it."""
    if metric.measure != "sink.received":
        return Absent("What came in is told of each sink, not on its own: see the sinks below.")
    sink = next((name for name, one in system.config.sinks.items() if one.get("enabled", True)), OWN_SINK)
    said = f"Input is what the sink {sink} received: every sink receives all."
    return Source(points=(_point(told.namespace, told.name, {"sink": sink}, metric.statistic),), said=said)


#: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html
_WEBSOCKET = {
    "api.requests": "MessageCount",
    "api.errors_4xx": "ClientError",
    "api.errors_5xx": "ExecutionError",
    "api.integration_latency": "IntegrationLatency",
}


def _point(
    namespace: str, name: str, dimensions: Dimensions, statistic: Statistic, region: str = ""
) -> Point:
    return Point(namespace, name, tuple(dimensions.items()), STATISTICS[statistic], region)


def _ways(way: Way, metric: Metric, system: System) -> Source | Absent:
    match way:
        case "cost":
            return _cost(metric, system)
        case "table_errors":
            return _table_errors(metric, system)
        case "gauge":
            return _gauge(metric, system)
        case "log":
            return _logged(log_filters(metric.measure, metric.subject, system), metric)
        case "requests":
            return _requests(metric, system)


def _cost(metric: Metric, system: System) -> Source | Absent:
    resource = system.resources.get(metric.subject)
    dimensions = dimensions_of("function", metric.subject, system)
    if resource is None or isinstance(dimensions, Absent):
        return Absent(f"{metric.subject} is not in the templates.")
    service = system.config.services.get(resource.facts.get("service", ""))
    architecture = "arm64" if resource.facts.get("architecture") == "arm64" else "x86_64"
    pricing = service.pricing if service else Pricing(architecture=architecture)  # type: ignore[arg-type]
    region = system.region if system.region in REGIONS else ""
    size_mb = resource.limits.get("memory_mb", 128.0)
    request = pricing.usd(0, size_mb, region)
    second = pricing.usd(1000, size_mb, region) - request
    points = tuple(_point("AWS/Lambda", name, dimensions, "sum") for name in ("Invocations", "Duration"))
    return Source(points=points, formula=f"({{0}}*{number(request)}+{{1}}*{number(second / 1000)})")


def number(value: float) -> str:
    """Return a number as metric math reads it: no exponent."""
    text = f"{value:.15f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else str(int(value))
    return text if text not in ("", "-0") else "0"


def _table_errors(metric: Metric, system: System) -> Source | Absent:
    dimensions = dimensions_of("table", metric.subject, system)
    if isinstance(dimensions, Absent):
        return dimensions
    points = tuple(
        _point("AWS/DynamoDB", "SystemErrors", {**dimensions, "Operation": operation}, metric.statistic)
        for operation in _OPERATIONS
    )
    return Source(points=points, formula=_sum(len(points)))


def _gauge(metric: Metric, system: System) -> Source | Absent:
    name = _GAUGES[metric.measure]
    for sink in system.config.sinks.values():
        if sink.get("type") != "cloudwatch_metrics" or not sink.get("enabled", True):
            continue
        service = system.services.get(metric.subject)
        known = {"service": metric.subject, "side": service.side if service else ""}
        wanted = sink.get("dimensions", ["service"])
        dimensions = {key: known[key] for key in wanted if known.get(key)}
        if set(wanted) - set(known) or not dimensions:
            continue
        return Source(points=(_point(sink["namespace"], name, dimensions, metric.statistic),))
    return Absent(
        f"{metric.subject} does not tell {name} to CloudWatch: have the application tell it and give "
        "observe.yaml a sink of type cloudwatch_metrics with the dimension service."
    )


def _logged(filters: tuple[Filter, ...] | Absent, metric: Metric) -> Source | Absent:
    if isinstance(filters, Absent):
        return filters
    first = filters[0]
    point = Point(first.namespace, first.metric, (), STATISTICS[metric.statistic])
    return Source(points=(point,), filters=filters)


def _requests(metric: Metric, system: System) -> Source | Absent:
    if system.config.endpoint_metrics:
        name = _EMF[metric.measure.split(".")[1]]
        if metric.measure.startswith("endpoint."):
            endpoint, _, side = metric.subject.rpartition("/")
            dimensions = {"endpoint": endpoint, "side": side}
        else:
            dimensions = {"service": metric.subject}
        return Source(points=(_point(OWN_NAMESPACE, name, dimensions, metric.statistic),))
    return _fallback(metric, system)


def _fallback(metric: Metric, system: System) -> Source | Absent:
    found = fallback(metric, system)
    if isinstance(found, Absent):
        return found
    if found.filters:
        source = _logged(found.filters, metric)
        return source if isinstance(source, Absent) else msgspec.structs.replace(source, said=found.said)
    sources = [source_of(one, system) for one in found.metrics]
    if absent := next((one for one in sources if isinstance(one, Absent)), None):
        return absent
    points = tuple(point for one in sources if isinstance(one, Source) for point in one.points)
    formula = "{0}" if len(points) == 1 else _sum(len(points))
    if found.factor != 1:
        formula = f"{formula}*{number(found.factor)}"
    return Source(points=points, formula=formula, said=found.said)


def _sum(count: int) -> str:
    return f"SUM([{','.join(f'{{{index}}}' for index in range(count))}])"
