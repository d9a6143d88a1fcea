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

import msgspec

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
#: Names of our fields -> ECS's, where they are not the same.
_DOTTED = {
    "event_sequence": "event.sequence",
    "event_duration": "event.duration",
    "event_outcome": "event.outcome",
    "event_dataset": "event.dataset",
    "log_level": "log.level",
    "trace_id": "trace.id",
    "span_id": "span.id",
    "parent_id": "parent.id",
    "request_id": "faas.execution",
    "error_type": "error.type",
    "error_message": "error.message",
    "error_stack": "error.stack_trace",
    "keys": "observe.keys",
    "time_from": "observe.time_from",
    "told_by": "observe.told_by",
    "span_name": "span.name",
    "span_kind": "span.kind",
    "span_links": "span.links",
    "span_events": "span.events",
}
#: What attributes may be called that is a field of ours: what we say of it counts.
_TAKEN = frozenset(("aws.cloudwatch.log_group", "aws.cloudwatch.log_stream", *_DOTTED.values()))
_OUTCOME = {"error": "failure", "ok": "success", "unset": "success"}
#: Levels of a mended tree: backends refuse a document of some hundreds.
_DEPTH_MAX = 20
#: The fractions of a second.
MILLIS = tuple(f".{n:03d}Z" for n in range(1000))

_encode = msgspec.json.Encoder().encode


def document(signal: Signal) -> dict[str, Any]:
    """Return a signal as a document: field name to JSON value; absent is left out, not null."""
    if isinstance(signal, Log):
        return _log(signal)
    return _span(signal) if isinstance(signal, Span) else _metric(signal)


class Writer:
    """Writes documents as JSON, the same that `document` returns: what many have in common is made once."""

    def __init__(self) -> None:
        self._origin: Origin | None = None
        #: What logs of that origin have in common, by when they came and their dataset.
        self._commons: dict[tuple[int, str], str] = {}
        self._members = ""
        #: The attributes of the signal before, which its span may share, and their text if they are flat.
        self._attributes: dict[str, Any] | None = None
        self._written = ""

    def written(self, signal: Signal) -> str:
        """Return the document as JSON."""
        if isinstance(signal, Metric):
            return _encode(document(signal)).decode()
        if signal.attributes is not self._attributes:
            # Where they cannot be written nothing is: what was there before is of another signal.
            self._attributes, self._written = signal.attributes, ""
            flat = _is_flat(signal.attributes)
            self._written = _encode(signal.attributes).decode()[1:] if flat else ""
        if not self._written:
            return _encode(document(signal)).decode()
        if signal.origin is not self._origin:
            self._origin, self._members = signal.origin, _encode(origin(signal.origin)).decode()[1:-1]
            self._commons = {}
        if isinstance(signal, Log):
            time, common = signal.time_unix_nano, self._common(signal)
            own = _encode(_log_fields(signal)).decode()
        else:
            time, common = signal.start_unix_nano, self._members
            own = _encode(_span_fields(signal)).decode()
        comma = "," if signal.attributes else ""
        return f'{{"@timestamp":"{timestamp(time)}",{common},{own[1:-1]}{comma}{self._written}'

    def _common(self, log: Log) -> str:
        key = log.observed_time_unix_nano, log.dataset
        found = self._commons.get(key)
        if found is None:
            found = self._commons[key] = (
                f'{self._members},"event.ingested":"{timestamp(log.observed_time_unix_nano)}"'
                f',"event.dataset":{_encode(log.dataset).decode()}'
            )
        return found


def mended(signal: Signal) -> str:
    """Return, as JSON, the document of a signal that holds what JSON cannot; see `mended_tree`."""
    return _encode(mended_tree(document(signal))).decode()


def mended_tree(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a document without half characters and trees without an end; `observe.mended` says so."""
    found: dict[str, Any] = _mended(tree, _DEPTH_MAX)
    return {**found, "observe.mended": True}


def nested(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a document with objects for its dotted names, as readers want it that know no dots.

    A name that is a value and an object at once stays as it is. What callers named is not touched.
    """
    found: dict[str, Any] = {}
    # The shorter first: what has no object above it must not be replaced by one.
    for name, value in sorted(tree.items(), key=lambda item: item[0].count(".")):
        *above, last = name.split(".")
        place: Any = found
        for part in above:
            place = place.setdefault(part, {}) if type(place) is dict else None
        if type(place) is dict and last not in place:
            place[last] = value
        else:
            found[name] = value
    return found


def _mended(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, (dict, list, tuple)):
        if not depth:
            return "..."
        if isinstance(value, dict):
            return {_mended(name, depth): _mended(one, depth - 1) for name, one in value.items()}
        return [_mended(one, depth - 1) for one in value]
    return value


def ledger_document(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the ledger as a document. row: as `tables.ledger_row` makes it."""
    counts = ("payload_id", "sink", "received", "delivered", "stored", "dropped")
    return {
        "@timestamp": timestamp(row["time_unix_nano"]),
        "ecs.version": ECS_VERSION,
        "event.dataset": "ledger",
        **{f"ledger.{name}": row[name] for name in counts},
        "ledger.reasons": msgspec.json.decode(row["dropped_reasons"]),
    }


def dataset(signal: Signal) -> str:
    """Return what the signal's index is named after: the log's format, `traces` or `metrics`."""
    if isinstance(signal, Log):
        return signal.dataset or "text"
    return "traces" if isinstance(signal, Span) else "metrics"


class _LogFields(msgspec.Struct, omit_defaults=True, gc=False, rename=_DOTTED.get):
    """What is each log's own."""

    event_sequence: int
    message: str
    log_level: str = ""
    trace_id: str = ""
    span_id: str = ""
    request_id: str = ""
    correlation_id: str = ""
    error_type: str = ""
    error_message: str = ""
    error_stack: str = ""
    keys: tuple[str, ...] = ()
    time_from: str = "event"


class _SpanFields(msgspec.Struct, omit_defaults=True, gc=False, rename=_DOTTED.get):
    """What is each span's own."""

    event_duration: int
    event_outcome: str
    trace_id: str
    span_id: str
    span_name: str
    span_kind: str
    told_by: str
    event_dataset: str
    parent_id: str = ""
    request_id: str = ""
    correlation_id: str = ""
    error_message: str = ""
    span_links: list[dict[str, Any]] = []
    span_events: tuple[dict[str, Any], ...] = ()


def _log_fields(log: Log) -> _LogFields:
    return _LogFields(
        log.sequence,
        log.message,
        log.level,
        log.trace_id,
        log.span_id,
        log.request_id,
        log.correlation_id,
        log.error_type,
        log.error_message,
        log.error_stack,
        log.keys,
        log.time_from,
    )


def _log(log: Log) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@timestamp": timestamp(log.time_unix_nano),
        **origin(log.origin),
        "event.ingested": timestamp(log.observed_time_unix_nano),
        "event.dataset": log.dataset,
        **_members(_log_fields(log)),
    }
    return _with_attributes(found, log.attributes)


def _span_fields(span: Span) -> _SpanFields:
    return _SpanFields(
        max(0, span.end_unix_nano - span.start_unix_nano),
        _OUTCOME[span.status],
        span.trace_id,
        span.span_id,
        span.name,
        span.kind,
        span.told_by,
        "traces",
        span.parent_span_id,
        span.request_id,
        span.correlation_id,
        span.status_message,
        [_link(link.trace_id, link.span_id, link.attributes) for link in span.links] if span.links else [],
        span.events,
    )


def _span(span: Span) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@timestamp": timestamp(span.start_unix_nano),
        **origin(span.origin),
        **_members(_span_fields(span)),
    }
    return _with_attributes(found, span.attributes)


def _members(fields: _LogFields | _SpanFields) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(fields, builtin_types=())
    return told


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


def _is_flat(attributes: dict[str, Any]) -> bool:
    """Whether each attribute is a field of its own, of its own name."""
    return _are_places(tuple(attributes)) and dict not in map(type, attributes.values())


@lru_cache(maxsize=4096)
def _are_places(names: tuple[str, ...]) -> bool:
    return all(name and _place(name) == name and name not in _TAKEN for name in names)


@lru_cache(maxsize=4096)
def _place(name: str) -> str:
    """The field of an attribute, "" where it has none of its own, or a part of its name is blank: an index
    refuses a document for that."""
    if not name.startswith(KNOWN) or not all(part.strip() for part in name.split(".")):
        return ""
    return _RENAMED.get(name, name)


def timestamp(unix_nano: int) -> str:
    """Return RFC 3339 in UTC, with milliseconds, or nanoseconds where there are some."""
    seconds, nano = divmod(unix_nano, 1_000_000_000)
    millis, below = divmod(nano, 1_000_000)
    return f"{_second(seconds)}{MILLIS[millis]}" if not below else f"{_second(seconds)}.{nano:09d}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
