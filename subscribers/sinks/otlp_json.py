"""Signals as OTLP/JSON: resources, spans, log records and metrics, each as a fragment of a request.

Protobuf's JSON mapping as OTLP has it: lowerCamelCase names, 64-bit integers as text, IDs in hex, enums as
numbers. What is absent is left out.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
https://opentelemetry.io/docs/specs/otel/metrics/data-model/
https://opentelemetry.io/docs/specs/semconv/resource/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from observe import ids, semconv
from subscribers.signals import SPAN_KINDS, Link, Log, Origin, Span
from subscribers.tables import json_text

Tree = dict[str, Any]

#: The scope of whatever we tell.
SCOPE = b'{"name":"hybrid-observe"}'
#: https://opentelemetry.io/docs/specs/semconv/general/logs/#general-log-identification-attributes
LOG_RECORD_UID = "log.record.uid"
EVENT_ID = "observe.event_id"
#: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
SEVERITIES = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
_KINDS = {kind: number for number, kind in SPAN_KINDS.items()}
_STATUSES = {"unset": 0, "ok": 1, "error": 2}
#: fixed64 on the wire.
_TIME_MAX = (1 << 64) - 1
_INT64 = range(-(1 << 63), 1 << 63)
#: Deeper values become `…`, as the layer writes them.
_DEPTH_MAX = 32
_FUNCTIONS = "/aws/lambda/"

_encode = msgspec.json.Encoder().encode


def encoded(tree: Tree) -> bytes:
    """Return a tree as JSON, whatever text it holds."""
    try:
        return _encode(tree)
    except (TypeError, ValueError, RecursionError):  # half a surrogate pair, mostly
        return json_text(tree).encode()


@lru_cache(maxsize=1024)
def resource(origin: Origin) -> bytes:
    """Return the resource of signals: the service, where it runs, and where its lines were read."""
    function = origin.log_group.removeprefix(_FUNCTIONS) if origin.log_group.startswith(_FUNCTIONS) else ""
    told: Tree = {
        semconv.SERVICE_NAME: origin.service,
        "cloud.provider": "aws" if origin.account else "",
        "cloud.platform": "aws_lambda" if function else "",
        semconv.CLOUD_ACCOUNT_ID: origin.account,
        semconv.CLOUD_REGION: origin.region,
        semconv.FAAS_NAME: function,
        "faas.instance": origin.log_stream if function else "",
        "aws.log.group.names": [origin.log_group] if origin.log_group else "",
        "aws.log.stream.names": [origin.log_stream] if origin.log_stream else "",
        "observe.side": origin.side,
    }
    return encoded({"attributes": _named(told)})


def span(found: Span) -> bytes:
    """Return an opentelemetry.proto.trace.v1.Span."""
    attributes = {
        **found.attributes,
        **_named_only(
            {
                semconv.CORRELATION_ID: found.correlation_id,
                semconv.FAAS_INVOCATION_ID: found.request_id,
                "observe.told_by": found.told_by,
                EVENT_ID: found.event_id,
            }
        ),
    }
    trace_id = _trace_id(found.trace_id)
    tree: Tree = {
        "traceId": trace_id,
        "spanId": _span_id(found.span_id, trace_id),
        "name": found.name,
        "kind": _KINDS[found.kind],
        "startTimeUnixNano": time(found.start_unix_nano),
        "endTimeUnixNano": time(max(found.start_unix_nano, found.end_unix_nano)),
        "attributes": _attributes(attributes),
        "status": _status(found),
    }
    if ids.is_span_id(found.parent_span_id):
        tree["parentSpanId"] = found.parent_span_id
    if found.events:
        tree["events"] = [_event(event) for event in found.events]
    if found.links:
        tree["links"] = [_link(link) for link in found.links]
    return encoded(tree)


def log_record(found: Log) -> bytes:
    """Return an opentelemetry.proto.logs.v1.LogRecord; records of the same `log.record.uid` are the same.

    IDs that no trace can have (not hex, or not of their length) stay attributes.
    """
    attributes = {
        **found.attributes,
        **_named_only(
            {
                semconv.CORRELATION_ID: found.correlation_id,
                semconv.FAAS_INVOCATION_ID: found.request_id,
                semconv.EXCEPTION_TYPE: found.error_type,
                semconv.EXCEPTION_MESSAGE: found.error_message,
                semconv.EXCEPTION_STACKTRACE: found.error_stack,
                "observe.keys": list(found.keys),
                "observe.dataset": found.dataset,
                "observe.sequence": found.sequence,
                "observe.time_from": found.time_from,
                LOG_RECORD_UID: found.event_id,
            }
        ),
    }
    tree: Tree = {
        "timeUnixNano": time(found.time_unix_nano),
        "observedTimeUnixNano": time(found.observed_time_unix_nano),
        "body": {"stringValue": found.message},
    }
    if found.level:
        tree["severityNumber"] = SEVERITIES.get(found.level, 0)
        tree["severityText"] = found.level
    if ids.is_trace_id(found.trace_id):
        tree["traceId"] = found.trace_id
        if ids.is_span_id(found.span_id):
            tree["spanId"] = found.span_id
    elif found.trace_id:
        attributes["observe.trace_id"] = found.trace_id
    tree["attributes"] = _attributes(attributes)
    return encoded(tree)


def strings(values: Mapping[str, str]) -> list[Tree]:
    """Return text attributes, e.g. of a data point."""
    return [{"key": name, "value": {"stringValue": text}} for name, text in values.items()]


def number(value: float) -> float | str:
    """Return a double: JSON has no NaN and no infinity, and protobuf's mapping has words for them."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def time(unix_nano: int) -> str:
    """Return a time as OTLP has it: a fixed64 as text; none is before 1970."""
    return str(min(max(unix_nano, 0), _TIME_MAX))


def _trace_id(value: str) -> str:
    """A span without a trace ID is none, and what is not hex none on the wire: then the derived one."""
    return value if ids.is_trace_id(value) else ids.derive_trace_id(value)


def _span_id(value: str, trace_id: str) -> str:
    return value if ids.is_span_id(value) else ids.derived_span_id(trace_id)


def _status(found: Span) -> Tree:
    code = _STATUSES[found.status]
    # "Description MUST only be used with the Error StatusCode value", says the API.
    return (
        {"code": code, "message": found.status_message}
        if code == 2 and found.status_message
        else {"code": code}
    )


def _event(told: Mapping[str, Any]) -> Tree:
    nano, attributes = told.get("time_unix_nano"), told.get("attributes")
    return {
        "timeUnixNano": time(nano if isinstance(nano, int) else 0),
        "name": str(told.get("name", "")),
        "attributes": _attributes(attributes if isinstance(attributes, dict) else {}),
    }


def _link(link: Link) -> Tree:
    trace_id = _trace_id(link.trace_id)
    return {
        "traceId": trace_id,
        "spanId": _span_id(link.span_id, trace_id),
        "attributes": _attributes(link.attributes),
    }


def _named_only(told: Tree) -> Tree:
    return {name: value for name, value in told.items() if value}


def _named(told: Tree) -> list[Tree]:
    return _attributes(_named_only(told))


def _attributes(tree: Mapping[str, Any], depth: int = 0) -> list[Tree]:
    return [{"key": str(name), "value": _any(value, depth)} for name, value in tree.items()]


def _any(value: object, depth: int) -> Tree:
    """An AnyValue; null is one without a value."""
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        # Python turns no integer of thousands of digits into decimal ones.
        return {"intValue": str(value)} if value in _INT64 else {"stringValue": f"{value:#x}"}
    if isinstance(value, float):
        return {"doubleValue": number(value)}
    if value is None:
        return {}
    if depth >= _DEPTH_MAX:
        return {"stringValue": "…"}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _attributes(value, depth + 1)}}
    if isinstance(value, Iterable):
        return {"arrayValue": {"values": [_any(item, depth + 1) for item in value]}}
    return {"stringValue": str(value)}
