"""Every measure of the catalogue at Datadog: the table that queries are made of.

Hybrid Observe's own metrics come through the sink of type datadog (docs/sink-datadog.md): those of functions
as distributions `observe.aws.lambda.*`, those of requests as the distribution `observe.request.duration` with
the tags endpoint, side, service, outcome (ok, error) and slow, where observe.yaml has endpoint_metrics on.
"""

from __future__ import annotations

from dashboards.datadog.aws_metrics import AWS
from dashboards.datadog.sources import Absent, Source

_FUNCTION = ("functionname:{name}",)
_ENDPOINT = ("endpoint:{endpoint}", "side:{side}")
_SERVICE = ("service:{service}",)
_SINK = ("sink:{sink}",)
_REQUEST = "observe.request.duration"
_CUSTOM = (
    "It comes with Collect custom metrics of the AWS integration. Sums of custom metrics are collected when "
    "Datadog's support has enabled them (by default it collects averages alone), and that the namespace "
    "HybridObserve is called hybridobserve there is taken from its other names."
)
_GAUGE = (
    "It comes with Collect custom metrics of the AWS integration; that the namespace HybridObserve is called "
    "hybridobserve there is taken from Datadog's other names."
)
_HOST = (
    "It is sent by the OpenTelemetry SDK or Collector of the application, as a share of 1; others name it "
    "otherwise."
)


def _sink(name: str) -> Source:
    return Source(metric=f"hybridobserve.{name}.sum", tags=_SINK, doubt=_CUSTOM)


def _pipeline(name: str) -> Source:
    return Source(metric=f"hybridobserve.{name}.sum", doubt=_CUSTOM)


def _state(name: str) -> Source:
    return Source(metric=f"hybridobserve.{name}", form="gauge", doubt=_GAUGE)


_OWN: dict[str, Source | Absent] = {
    "function.cold_starts": Source(metric="observe.aws.lambda.cold_starts", tags=_FUNCTION),
    "function.timeouts": Source(metric="observe.aws.lambda.timeouts", tags=_FUNCTION),
    "function.memory_used": Source(
        metric="observe.aws.lambda.memory_used", tags=_FUNCTION, form="distribution"
    ),
    "function.cost": Source(metric="observe.aws.lambda.estimated_cost", tags=_FUNCTION),
    "endpoint.requests": Source(metric=_REQUEST, tags=_ENDPOINT, form="occurrences"),
    "endpoint.errors": Source(
        metric=_REQUEST, tags=(*_ENDPOINT, "outcome:error"), form="occurrences", good="outcome:ok"
    ),
    "endpoint.slow": Source(
        metric=_REQUEST, tags=(*_ENDPOINT, "slow:true"), form="occurrences", good="slow:false"
    ),
    "endpoint.duration": Source(metric=_REQUEST, tags=_ENDPOINT, form="distribution"),
    "service.requests": Source(metric=_REQUEST, tags=_SERVICE, form="occurrences"),
    "service.errors": Source(metric=_REQUEST, tags=(*_SERVICE, "outcome:error"), form="occurrences"),
    "service.duration": Source(metric=_REQUEST, tags=_SERVICE, form="distribution"),
    "service.error_lines": Source(
        metric="service:{service} status:(error OR critical OR alert OR emergency OR fatal)", form="lines"
    ),
    "service.pool_used": Source(
        metric="db.client.connection.count", tags=(*_SERVICE, "state:used"), form="gauge"
    ),
    "service.pool_max": Source(metric="db.client.connection.max", tags=_SERVICE, form="gauge"),
    "service.pool_exhausted": Source(metric="db.client.connection.timeouts", tags=_SERVICE),
    "service.cpu": Source(
        metric="system.cpu.utilization", tags=_SERVICE, form="gauge", factor=100, doubt=_HOST
    ),
    "service.memory": Source(
        metric="system.memory.utilization", tags=_SERVICE, form="gauge", factor=100, doubt=_HOST
    ),
    "sink.received": _sink("events_received"),
    "sink.delivered": _sink("events_delivered"),
    "sink.stored": _sink("events_stored"),
    "sink.dropped": _sink("events_dropped"),
    "sink.requests": _sink("requests"),
    "sink.retries": _sink("retries"),
    "sink.bytes": _sink("bytes_sent"),
    "pipeline.parts_failed": _pipeline("parts_failed"),
    "pipeline.items_retried": _pipeline("items_retried"),
    "pipeline.items_buried": _pipeline("items_buried"),
    "pipeline.findings": _pipeline("findings"),
    "pipeline.incidents_open": _state("incidents_open"),
    "pipeline.notifications_sent": _pipeline("notifications_sent"),
    "pipeline.notifications_failed": _pipeline("notifications_failed"),
    "pipeline.notifications_owed": _state("notifications_owed"),
    "pipeline.rules_failed": _pipeline("rules_failed"),
    "pipeline.late_events": _pipeline("late_events"),
}

#: Key of measures.MEASURES -> where Datadog has it.
SOURCES: dict[str, Source | Absent] = {**AWS, **_OWN}
