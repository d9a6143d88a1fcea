"""Signals as documents for Elasticsearch and OpenSearch: the Elastic Common Schema where it has a name.

Names are dotted, as both accept them. What a caller logged stays under `attributes`, which the index
template maps as one flattened field: names that callers invent must not become columns. What ECS or
OpenTelemetry has a name for stands at the top.

https://www.elastic.co/docs/reference/ecs/ecs-field-reference
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from observe import semconv
from subscribers.signals import Log, Metric, Origin, Signal, Span

ECS_VERSION = "8.17"

#: Attributes that are fields of ECS or of OpenTelemetry's conventions: by the first part of their names.
KNOWN = (
    *("http.", "url.", "client.", "server.", "user.", "user_agent.", "faas.", "messaging.", "exception."),
    *(
        "process.",
        "thread.",
        "code.",
        "log.",
        "host.",
        "network.",
        "aws.",
        "db.",
        "rpc.",
        "error.",
        "observe.",
    ),
)
#: OpenTelemetry's name -> ECS's.
_RENAMED = {
    semconv.FAAS_INVOCATION_ID: "faas.execution",
    "exception.type": "error.type",
    "exception.message": "error.message",
    "exception.stacktrace": "error.stack_trace",
    "thread.name": "process.thread.name",
    "thread.id": "process.thread.id",
    "log.logger": "log.logger",
}
_OUTCOME = {"error": "failure", "ok": "success", "unset": "success"}


def document(signal: Signal) -> dict[str, Any]:
    """Return a signal as a document: field name to JSON value; absent is left out, not null."""
    if isinstance(signal, Log):
        return _log(signal)
    return _span(signal) if isinstance(signal, Span) else _metric(signal)


def dataset(signal: Signal) -> str:
    """Return what the signal's index is named after: the log's format, `traces` or `metrics`."""
    if isinstance(signal, Log):
        return signal.dataset or "text"
    return "traces" if isinstance(signal, Span) else "metrics"


def _log(log: Log) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@timestamp": timestamp(log.time_unix_nano),
        **origin(log.origin),
        "event.ingested": timestamp(log.observed_time_unix_nano),
        "event.dataset": log.dataset,
        "event.sequence": log.sequence,
        "message": log.message,
    }
    told = (
        ("log.level", log.level),
        ("trace.id", log.trace_id),
        ("span.id", log.span_id),
        ("faas.execution", log.request_id),
        ("correlation_id", log.correlation_id),
        ("error.type", log.error_type),
        ("error.message", log.error_message),
        ("error.stack_trace", log.error_stack),
        ("observe.keys", log.keys),
    )
    found.update((name, value) for name, value in told if value)
    if log.time_from == "line":
        found["observe.time_from"] = "line"
    return _with_attributes(found, log.attributes)


def _span(span: Span) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@timestamp": timestamp(span.start_unix_nano),
        **origin(span.origin),
        "event.dataset": "traces",
        "event.duration": max(0, span.end_unix_nano - span.start_unix_nano),
        "event.outcome": _OUTCOME[span.status],
        "trace.id": span.trace_id,
        "span.id": span.span_id,
        "span.name": span.name,
        "span.kind": span.kind,
        "observe.told_by": span.told_by,
    }
    told = (
        ("parent.id", span.parent_span_id),
        ("faas.execution", span.request_id),
        ("correlation_id", span.correlation_id),
        ("error.message", span.status_message),
        ("span.links", [_link(link.trace_id, link.span_id, link.attributes) for link in span.links]),
        ("span.events", span.events),
    )
    found.update((name, value) for name, value in told if value)
    return _with_attributes(found, span.attributes)


def _link(trace_id: str, span_id: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"trace.id": trace_id, "span.id": span_id, **({"attributes": attributes} if attributes else {})}


def _metric(metric: Metric) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@timestamp": timestamp(metric.time_unix_nano),
        **origin(metric.origin),
        "event.dataset": "metrics",
        "metric.name": metric.name,
        "metric.type": metric.kind,
        "metric.value": metric.value,
    }
    told = (
        ("metric.unit", metric.unit),
        ("metric.member", metric.set_member),
        ("faas.execution", metric.request_id),
        ("labels", metric.tags),
    )
    found.update((name, value) for name, value in told if value)
    return found


@lru_cache(maxsize=256)
def _origin(found: Origin) -> tuple[tuple[str, str], ...]:
    told = (
        ("service.name", found.service),
        ("observe.side", found.side),
        ("cloud.account.id", found.account),
        ("cloud.region", found.region),
        ("aws.cloudwatch.log_group", found.log_group),
        ("aws.cloudwatch.log_stream", found.log_stream),
    )
    return (("ecs.version", ECS_VERSION), *((name, value) for name, value in told if value))


def origin(found: Origin) -> dict[str, str]:
    """Return where a signal comes from: the same fields in each document of a batch."""
    return dict(_origin(found))


def _with_attributes(found: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    others = {}
    for name, value in attributes.items():
        place = _place(name)
        if place and type(value) is not dict:
            found.setdefault(place, value)
        else:
            others[name] = value
    if others:
        found["attributes"] = others
    return found


@lru_cache(maxsize=4096)
def _place(name: str) -> str:
    """The field of an attribute, "" where it has none of its own."""
    return _RENAMED.get(name, name) if name.startswith(KNOWN) else ""


def timestamp(unix_nano: int) -> str:
    """Return RFC 3339 in UTC, with milliseconds, or nanoseconds where there are some."""
    seconds, nano = divmod(unix_nano, 1_000_000_000)
    millis, below = divmod(nano, 1_000_000)
    return f"{_second(seconds)}.{millis:03d}{f'{below:06d}' if below else ''}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
