"""Span lines: OTLP/JSON as the file exporter writes it, possibly led by `timestamp` and `level`.

https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from observe import ids, semconv
from subscribers.parsers.page import served_by
from subscribers.parsers.times import in_range
from subscribers.signals import SPAN_KINDS, Link, Origin, Span, SpanStatus

_STATUS: tuple[SpanStatus, SpanStatus, SpanStatus] = ("unset", "ok", "error")
#: Deeper values become `…`, as the layer writes them.
_DEPTH_MAX = 32


class _Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Protobuf's JSON mapping: lowerCamelCase names, 64-bit integers as strings."""


class _Values(_Wire, frozen=True):
    values: list[_AnyValue] = []


class _KeyValues(_Wire, frozen=True):
    values: list[_KeyValue] = []


class _AnyValue(_Wire, frozen=True):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: _Values | None = None
    kvlist_value: _KeyValues | None = None
    bytes_value: str | None = None


class _KeyValue(_Wire, frozen=True):
    key: str
    value: _AnyValue = _AnyValue()


class _Event(_Wire, frozen=True):
    time_unix_nano: int | str = 0
    name: str = ""
    attributes: list[_KeyValue] = []


class _Link(_Wire, frozen=True):
    trace_id: str
    span_id: str
    attributes: list[_KeyValue] = []


class _Status(_Wire, frozen=True):
    code: int = 0
    message: str = ""


class _Span(_Wire, frozen=True):
    trace_id: str
    span_id: str
    name: str
    start_time_unix_nano: int | str
    end_time_unix_nano: int | str
    parent_span_id: str = ""
    kind: int = 0
    attributes: list[_KeyValue] = []
    events: list[_Event] = []
    links: list[_Link] = []
    status: _Status = _Status()


class _ScopeSpans(_Wire, frozen=True):
    spans: list[_Span] = []


class _Resource(_Wire, frozen=True):
    attributes: list[_KeyValue] = []


class _ResourceSpans(_Wire, frozen=True):
    resource: _Resource = _Resource()
    scope_spans: list[_ScopeSpans] = []


class _Line(_Wire, frozen=True):
    resource_spans: list[_ResourceSpans]


_decoder = msgspec.json.Decoder(_Line)


def spans_of(line: str, event_id: str, origin: Origin) -> tuple[Span, ...]:
    """Return the spans of one line, their IDs `<event_id>:0` and up.

    A span's service is its resource's `service.name`, else the origin's; other resource attributes
    become the span's where it has none of that name. Raises ValueError for a line that is not whole.
    """
    try:
        return tuple(_spans(_decoder.decode(line), event_id, origin))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _spans(line: _Line, event_id: str, origin: Origin) -> Iterator[Span]:
    index = 0
    for group in line.resource_spans:
        resource = _tree(group.resource.attributes)
        named = served_by(origin, str(resource.pop(semconv.SERVICE_NAME, "")))
        for scope in group.scope_spans:
            for span in scope.spans:
                yield _span(span, resource, f"{event_id}:{index}", named)
                index += 1


def _span(span: _Span, resource: dict[str, Any], event_id: str, origin: Origin) -> Span:
    attributes = {**resource, **_tree(span.attributes)}
    return Span(
        event_id=event_id,
        origin=origin,
        trace_id=_id(span.trace_id, 32),
        span_id=_id(span.span_id, 16),
        parent_span_id=_id(span.parent_span_id, 16) if span.parent_span_id.strip("0") else "",
        name=span.name,
        kind=SPAN_KINDS.get(span.kind, "internal"),
        start_unix_nano=_time(span.start_time_unix_nano),
        end_unix_nano=_time(span.end_time_unix_nano),
        told_by="layer",
        status=_STATUS[span.status.code] if 0 <= span.status.code <= 2 else "unset",
        status_message=span.status.message,
        correlation_id=_text(attributes, semconv.CORRELATION_ID),
        request_id=_text(attributes, semconv.FAAS_INVOCATION_ID),
        attributes=attributes,
        links=tuple(
            Link(_id(link.trace_id, 32), _id(link.span_id, 16), _tree(link.attributes)) for link in span.links
        ),
        events=tuple(
            {"name": e.name, "time_unix_nano": _time(e.time_unix_nano), "attributes": _tree(e.attributes)}
            for e in span.events
        ),
    )


def _id(value: str, digits: int) -> str:
    """Hex in either case: "case-insensitive hex-encoded strings", says the OTLP specification."""
    value = value.lower()
    if len(value) != digits or not ids.is_hex(value) or not value.strip("0"):
        raise ValueError(f"not an ID of {digits} hex digits")
    return value


def _time(value: int | str) -> int:
    nano = in_range(int(value))
    if nano is None:
        raise ValueError("a time out of range")
    return nano


def _text(attributes: dict[str, Any], key: str) -> str:
    value = attributes.get(key)
    return value if isinstance(value, str) else ""


def _tree(pairs: list[_KeyValue], depth: int = 0) -> dict[str, Any]:
    return {pair.key: _plain(pair.value, depth) for pair in pairs}


def _plain(value: _AnyValue, depth: int) -> Any:
    """The JSON value; NaN and infinities stay the words they are on the wire, bytes stay base64."""
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return int(value.int_value)
    if value.bool_value is not None:
        return value.bool_value
    if value.double_value is not None:
        return value.double_value
    if depth >= _DEPTH_MAX:
        return "…"
    if value.array_value is not None:
        return [_plain(item, depth + 1) for item in value.array_value.values]
    if value.kvlist_value is not None:
        return _tree(value.kvlist_value.values, depth + 1)
    return value.bytes_value
