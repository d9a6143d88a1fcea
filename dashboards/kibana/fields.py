"""Which documents and which field of them each measure is, for Kibana and OpenSearch Dashboards alike.

The names of fields are those of subscribers/sinks/ecs.py. What Lambda's own lines measure is in the document
of the line (docs/sink-elasticsearch.md), so a function's measures are read from logs. What only CloudWatch
knows has no field, and the reason is given instead.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dashboards.expressions import Metric, Statistic
from dashboards.kibana.filters import Above, Every, Exists, Filter, Not, Phrase, Term, either
from dashboards.kibana.store import Index, Store
from dashboards.kibana.subjects import in_function, in_implementation, of_service
from dashboards.resources import System

Aggregate = Literal["count", "sum", "avg", "min", "max", "percentile", "cardinality"]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """An aggregation over some documents. scale: what its value is multiplied with; percent: which one.

    once: of a cardinality, documents of which there is one a value, for who can count documents only.
    """

    index: Index
    where: Filter
    aggregate: Aggregate
    field: str = ""
    percent: int = 0
    scale: float = 1.0
    once: Filter = Every(())


#: What CloudWatch alone has; Elastic's integration ships it with other names into other indices.
ONLY_CLOUDWATCH = (
    "only CloudWatch has it: see the page in CloudWatch, or ship CloudWatch's metrics there by Elastic's AWS "
    "integration or Metricbeat"
)
_NOT_TOLD = "the subscriber tells it as a CloudWatch metric only: see the page of the pipeline in CloudWatch"
_NO_LEDGER = "the sink is sent no ledger: add `ledger` to its `signals` in observe.yaml"
#: The billed milliseconds of a function: what its cost is made of. No measure of the catalogue.
BILLED = "function.billed"

_FAILED = either((Term("event.outcome", "failure"), Above("http.response.status_code", 500, True)))
_LEVELS = either(tuple(Term("log.level", level) for level in ("ERROR", "FATAL", "CRITICAL")))
_PLATFORM = Term("event.dataset", "lambda.platform")
#: Reports alone have it: other lines of Lambda tell durations, too.
_REPORT = Every((_PLATFORM, Exists("aws.lambda.billed_duration")))
_STATUSES = either(tuple(Term("aws.lambda.status", status) for status in ("error", "failure", "timeout")))
_COLD = either((Exists("aws.lambda.init_duration"), Exists("aws.lambda.restore_duration")))
#: Function measure -> (index, documents, field, scale); a field in braces is counted without repeats.
_FUNCTION: dict[str, tuple[Index, Filter, str]] = {
    "function.invocations": ("logs", _REPORT, ""),
    "function.errors": (
        "all",
        either((Term("metric.name", "aws.lambda.errors"), Every((_PLATFORM, _STATUSES)))),
        "{faas.execution}",
    ),
    "function.timeouts": (
        "logs",
        Every((_PLATFORM, Term("aws.lambda.status", "timeout"))),
        "{faas.execution}",
    ),
    "function.cold_starts": ("logs", Every((_REPORT, _COLD)), ""),
    "function.duration": ("logs", _REPORT, "aws.lambda.duration"),
    "function.memory_used": ("logs", _REPORT, "aws.lambda.memory_used"),
    BILLED: ("logs", _REPORT, "aws.lambda.billed_duration"),
}
#: Gauges and counters that an application writes itself, by OpenTelemetry's names: name, scale.
_OWN: dict[str, tuple[str, float]] = {
    "service.pool_used": ("db.client.connection.count", 1.0),
    "service.pool_max": ("db.client.connection.max", 1.0),
    "service.cpu": ("system.cpu.utilization", 100.0),
    "service.memory": ("system.memory.utilization", 100.0),
}
#: Of a pool's connections by state those that wait are not in use.
_IDLE = Term("labels.db.client.connection.state", "idle")
#: What drivers and pools say when no connection is left.
_EXHAUSTED = either(
    tuple(
        Phrase("message", words)
        for words in (
            *("pool exhausted", "Unable to acquire JDBC Connection", "QueuePool limit"),
            *("Connection is not available, request timed out", "Timeout waiting for idle object"),
        )
    )
)
_LEDGER = {f"sink.{name}": f"ledger.{name}" for name in ("received", "delivered", "stored", "dropped")}
_PERCENTS: dict[str, int] = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}


def reading(metric: Metric, system: System, store: Store) -> Reading | str:
    """Return what a metric reads, or why it cannot be read there."""
    found = _found(metric, system)
    if isinstance(found, Reading):
        lacking = [kind for kind in _needed(found) if kind not in store.kinds]
        if "ledger" in lacking:
            return _NO_LEDGER
        if lacking:
            return f"the sink is sent no {' and no '.join(lacking)}: see its `signals` in observe.yaml"
    return found


def _needed(found: Reading) -> tuple[Index, ...]:
    return ("logs", "metrics") if found.index == "all" else (found.index,)


def _found(metric: Metric, system: System) -> Reading | str:
    name, subject = metric.measure, metric.subject
    what = name.partition(".")[0]
    if name in _FUNCTION:
        return _of_function(metric, system)
    if what == "endpoint" or name in ("service.requests", "service.errors", "service.duration"):
        return _of_requests(metric, system)
    if name == "service.error_lines":
        return Reading(index="logs", where=Every((of_service(subject), _LEVELS)), aggregate="count")
    if name == "service.pool_exhausted":
        return Reading(index="logs", where=Every((of_service(subject), _EXHAUSTED)), aggregate="count")
    if name in _OWN:
        own, scale = _OWN[name]
        where = Every((of_service(subject), Term("metric.name", own)))
        if name == "service.pool_used":
            where = Every((*where.of, Not(_IDLE)))
        return _aggregated("metrics", where, "metric.value", metric.statistic, scale)
    if name in _LEDGER:
        return _aggregated("ledger", Term("ledger.sink", subject or "input"), _LEDGER[name], "sum")
    return _NOT_TOLD if what in ("sink", "pipeline") else ONLY_CLOUDWATCH


def _of_function(metric: Metric, system: System) -> Reading | str:
    inside = in_function(metric.subject, system)
    if inside is None:
        return f"{metric.subject} is no function of the templates"
    index, where, field = _FUNCTION[metric.measure]
    where = Every((inside, *(where.of if isinstance(where, Every) else (where,))))
    if field.startswith("{"):
        once = Every((inside, _once(metric, system)))
        return Reading(index=index, where=where, aggregate="cardinality", field=field[1:-1], once=once)
    return _aggregated(index, where, field, metric.statistic)


def _once(metric: Metric, system: System) -> Filter:
    """The one document of each failed invocation: its report, and in logs as text the line of its exception,
    of which a report as text says nothing. The lines of a timeout and of an exit are told by the report, too.
    """
    if metric.measure == "function.timeouts":
        return Every((*_REPORT.of, Term("aws.lambda.status", "timeout")))
    reported = Every((*_REPORT.of, _STATUSES))
    if system.resources[metric.subject].facts.get("log_format") == "JSON":
        return reported
    return either((Term("metric.name", "aws.lambda.errors"), reported))


def _of_requests(metric: Metric, system: System) -> Reading | str:
    """Spans that entered a service, of all of its routes or of an endpoint's."""
    what, _, measure = metric.measure.partition(".")
    inside = in_implementation(metric.subject, system) if what == "endpoint" else _entries(metric.subject)
    if isinstance(inside, str):
        return inside
    if measure == "duration":
        return _aggregated("traces", inside, "event.duration", metric.statistic, 1e-6)
    if measure == "errors":
        inside = Every((*inside.of, _FAILED))
    if measure == "slow":
        limit_ms = _limit_ms(metric.subject.rpartition("/")[0], system)
        if not limit_ms:
            return "the endpoint has no SLO of latency in observe.yaml"
        inside = Every((*inside.of, Above("event.duration", limit_ms * 1e6)))
    return Reading(index="traces", where=inside, aggregate="count")


def _entries(service: str) -> Every:
    kinds = either((Term("span.kind", "server"), Term("span.kind", "consumer")))
    return Every((of_service(service), kinds))


def _limit_ms(endpoint: str, system: System) -> float:
    view = system.endpoints.get(endpoint)
    latency = view.config.slo.get("latency", {}) if view and view.config else {}
    return float(latency.get("ms", 0))


def _aggregated(index: Index, where: Filter, field: str, statistic: Statistic, scale: float = 1.0) -> Reading:
    """An aggregation of a field; without one, and for a count of values, the number of documents."""
    if not field or statistic == "count":
        return Reading(index=index, where=where, aggregate="count")
    percent = _PERCENTS.get(statistic, 0)
    aggregate: Aggregate = "percentile" if percent else statistic  # type: ignore[assignment]
    return Reading(index=index, where=where, aggregate=aggregate, field=field, percent=percent, scale=scale)
