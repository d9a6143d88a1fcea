"""The lines on stdout: the one contract between the layer and whoever reads its logs.

Pure functions from values to bytes: UTF-8, newline-terminated, each under 200 KiB, always valid.
What does not fit is cut in bytes and marked; what JSON cannot carry becomes text.

Specification: docs/spec/lines.md
"""

from __future__ import annotations

import json
import time

from observe import guard, semconv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

#: CloudWatch takes 1 MiB an event, other pipelines 256 KiB with their envelope around it.
LINE_MAX_BYTES = 200 * 1024
#: In a line that is cut, how long a string, a list or a mapping may stay: tried in this order.
_CUTS = ((16_384, 512), (2_048, 64), (256, 16))
_DEPTH_MAX = 24
#: A larger integer is text: readers lose its digits, and Python refuses to write very long ones.
_INT_MAX = 1 << 64

KIND_INTERNAL, KIND_SERVER, KIND_CLIENT, KIND_PRODUCER, KIND_CONSUMER = range(1, 6)
STATUS_UNSET, STATUS_OK, STATUS_ERROR = range(3)

#: A string as JSON, in C: what the encoder below uses for each of them.
_quote = json.encoder.encode_basestring
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def timestamp(unix_nano: int) -> str:
    """Return RFC 3339 with milliseconds, UTC: 2026-11-21T03:30:10.123Z."""
    seconds, nano = divmod(unix_nano, 1_000_000_000)
    return f"{_second(seconds)}.{nano // 1_000_000:03d}Z"


_last_second: tuple[int, str] = (-1, "")


def _second(seconds: int) -> str:
    """The text of one second; lines come in bursts, so the last one is kept."""
    global _last_second
    if _last_second[0] != seconds:
        _last_second = seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return _last_second[1]


# --- JSON -----------------------------------------------------------------------------------


def json_bytes(fields: Mapping[str, Any]) -> bytes:
    """Return `fields` as one JSON line without its newline; any Python value comes out valid."""
    try:
        return _encode(fields).encode()
    except (TypeError, ValueError, RecursionError):
        # ValueError: NaN, a cycle, a lone surrogate (UnicodeEncodeError is one); TypeError: no JSON type.
        return _encode(plain(fields)).encode()


def plain(value: Any, string_max: int = 0, items_max: int = 0, depth: int = 0) -> Any:
    """Return `value` as a JSON tree: text for what JSON lacks, bounded in depth and, if asked, in size."""
    if isinstance(value, str):
        return _text(value, string_max)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_INT_MAX < value < _INT_MAX else guard.said(value)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # NaN and infinities have no JSON form
    if depth >= _DEPTH_MAX:
        return "…"
    if isinstance(value, dict):
        items = _head(value.items(), items_max)
        return {
            _text(guard.said(k), string_max): plain(v, string_max, items_max, depth + 1) for k, v in items
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, string_max, items_max, depth + 1) for item in _head(value, items_max)]
    return _text(guard.said(value), string_max)


def _head(values: Iterable[Any], most: int) -> list[Any]:
    items = list(values)
    return items[:most] if most else items


def _text(value: str, most: int) -> str:
    """Valid UTF-8 of at most `most` bytes (0: no limit), cut between characters and marked with …."""
    raw = value.encode("utf-8", "replace")
    if most and len(raw) > most:
        return raw[: most - 3].decode("utf-8", "ignore") + "…"
    return raw.decode()


# --- Logs -----------------------------------------------------------------------------------


def log_line(fields: Mapping[str, Any], size: int = 0) -> bytes:
    """Return a log record as one line of flat JSON, cut and marked `"cut": <bytes>` if too large.

    fields: {"timestamp", "level", "message", "requestId", "service", ..., the caller's own}; size: how many
    bytes there were at least, if something has been cut before, else 0.
    """
    line = json_bytes({**fields, "cut": size} if size else fields)
    if len(line) >= LINE_MAX_BYTES:
        line = _cut_log(fields, max(size, len(line)))
    return line + b"\n"


def _cut_log(fields: Mapping[str, Any], size: int) -> bytes:
    for string_max, items_max in _CUTS:
        line = _encode({**plain(dict(fields), string_max, items_max), "cut": size}).encode()
        if len(line) < LINE_MAX_BYTES:
            return line
    named = {key: fields[key] for key in LOG_FIELDS if key in fields}
    return _encode({**plain(named, *_CUTS[-1]), "cut": size}).encode()


#: The fields every log line of ours may have; a line that cannot be kept whole keeps these.
LOG_FIELDS = (
    "timestamp",
    "level",
    "message",
    "requestId",
    "service",
    "env",
    "version",
    "correlation_id",
    "trace_id",
    "span_id",
    "error",
)


# --- Spans ----------------------------------------------------------------------------------


class Span:
    """One finished or open span, whoever made it. Times in nanoseconds since the epoch, UTC.

    kind and status are OTLP's numbers; links: (trace_id, span_id, attributes);
    events: (name, unix_nano, attributes).
    """

    __slots__ = (
        "attributes",
        "end_unix_nano",
        "events",
        "kind",
        "links",
        "name",
        "parent_span_id",
        "span_id",
        "start_unix_nano",
        "status",
        "status_message",
        "trace_id",
    )

    def __init__(
        self,
        trace_id: str,
        span_id: str,
        parent_span_id: str,
        name: str,
        kind: int,
        start_unix_nano: int,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_span_id = parent_span_id
        self.name = name
        self.kind = kind
        self.start_unix_nano = start_unix_nano
        self.end_unix_nano = 0
        self.attributes: dict[str, Any] = {} if attributes is None else attributes
        self.status = STATUS_UNSET
        self.status_message = ""
        self.links: list[tuple[str, str, dict[str, Any]]] = []
        self.events: list[tuple[str, int, dict[str, Any]]] = []


def span_lines(service: str, spans: Sequence[Span], *, lead: Mapping[str, str] | None = None) -> list[bytes]:
    """Return spans as OTLP/JSON lines, split so that each stays under the limit.

    lead: {"timestamp", "level"} in Lambda's JSON mode.
    https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
    """
    head, tail = _envelope(service, lead)
    if len(spans) == 1:  # nearly every invocation
        return [b"%b%b%b" % (head, _span_bytes(spans[0]), tail)]
    encoded = [_span_bytes(span) for span in spans]
    room = LINE_MAX_BYTES - len(head) - len(tail) - 1
    lines: list[bytes] = []
    group: list[bytes] = []
    size = 0
    for one in encoded:
        if group and size + len(one) + 1 > room:
            lines.append(head + b",".join(group) + tail)
            group, size = [], 0
        group.append(one)
        size += len(one) + 1
    if group:
        lines.append(head + b",".join(group) + tail)
    return lines


#: The service whose envelope was encoded last, and what stands before its spans: one a process.
_last_envelope: tuple[str, bytes] = ("", b"")


def _envelope(service: str, lead: Mapping[str, str] | None) -> tuple[bytes, bytes]:
    """What stands before the spans and behind them. Without a scope: it would be the same in every line."""
    global _last_envelope
    if _last_envelope[0] != service:
        resource = json_bytes({"attributes": _key_values({semconv.SERVICE_NAME: service})})
        head = b'"resourceSpans":[{"resource":%b,"scopeSpans":[{"spans":[' % resource
        _last_envelope = service, head
    leading = json_bytes(lead)[:-1] + b"," if lead else b"{"
    return leading + _last_envelope[1], b"]}]}]}\n"


#: A single span larger than this loses events, then attributes: the envelope needs room too.
_SPAN_MAX_BYTES = LINE_MAX_BYTES - 16 * 1024


def _span_bytes(span: Span) -> bytes:
    try:
        raw = _span_text(span).encode()
    except (TypeError, ValueError, RecursionError, AttributeError):
        # Cleaned before they are wrapped: OTLP's own nesting is no depth of the user's.
        clean = [(name, at, plain(a)) for name, at, a in span.events]
        raw = _encode(_span(span, plain(span.attributes), clean, _clean_links(span))).encode()
    if len(raw) <= _SPAN_MAX_BYTES:
        return raw
    for string_max, items_max in _CUTS:
        attributes = {**plain(span.attributes, string_max, items_max), semconv.CUT: len(raw)}
        events = [
            (name[:string_max], at, plain(a, string_max, items_max))
            for name, at, a in span.events[:items_max]
        ]
        cut = json_bytes(_span(span, attributes, events, _clean_links(span)[:items_max]))
        if len(cut) <= _SPAN_MAX_BYTES:
            return cut
    return json_bytes(_span(span, {semconv.CUT: len(raw)}, [], []))


def _span_text(span: Span) -> str:
    """A span whose values are JSON's own, in half the time of a tree that is encoded; raises on any other."""
    out = [f'{{"traceId":"{span.trace_id}","spanId":"{span.span_id}"']
    if span.parent_span_id:
        out.append(f',"parentSpanId":"{span.parent_span_id}"')
    out.append(
        f',"name":{_quote(span.name if len(span.name) <= 256 else _text(span.name, 1024))},"kind":{span.kind}'
        f',"startTimeUnixNano":"{span.start_unix_nano}","endTimeUnixNano":"{span.end_unix_nano}"'
    )
    if span.attributes:
        out.append(f',"attributes":{_pairs(span.attributes)}')
    if span.events:
        events = (
            f'{{"timeUnixNano":"{at}","name":{_quote(name)},"attributes":{_pairs(a)}}}'
            for name, at, a in span.events
        )
        out.append(f',"events":[{",".join(events)}]')
    if span.links:
        links = (f'{{"traceId":"{t}","spanId":"{s}","attributes":{_pairs(a)}}}' for t, s, a in span.links)
        out.append(f',"links":[{",".join(links)}]')
    if span.status:
        message = f',"message":{_quote(_text(span.status_message, 4096))}' if span.status_message else ""
        out.append(f',"status":{{"code":{span.status}{message}}}')
    out.append("}")
    return "".join(out)


def _pairs(attributes: Mapping[str, Any]) -> str:
    """OTLP's key-value list as text: the common types at once, others by _any_value."""
    out = []
    for key, value in attributes.items():
        if type(value) is str:
            out.append(f'{{"key":{_quote(key)},"value":{{"stringValue":{_quote(value)}}}}}')
        elif type(value) is int and -(1 << 63) <= value < 1 << 63:
            out.append(f'{{"key":{_quote(key)},"value":{{"intValue":"{value}"}}}}')
        else:
            out.append(f'{{"key":{_quote(key)},"value":{_encode(_any_value(value))}}}')
    return f"[{','.join(out)}]"


def _clean_links(span: Span) -> list[tuple[str, str, dict[str, Any]]]:
    return [(trace_id, span_id, plain(a)) for trace_id, span_id, a in span.links]


def _span(
    span: Span,
    attributes: Mapping[str, Any],
    events: Sequence[tuple[str, int, dict[str, Any]]],
    links: Sequence[tuple[str, str, dict[str, Any]]],
) -> dict[str, Any]:
    out: dict[str, Any] = {"traceId": span.trace_id, "spanId": span.span_id}
    if span.parent_span_id:
        out["parentSpanId"] = span.parent_span_id
    out["name"] = _text(span.name, 1024)
    out["kind"] = span.kind
    out["startTimeUnixNano"] = str(span.start_unix_nano)
    out["endTimeUnixNano"] = str(span.end_unix_nano)
    if attributes:
        out["attributes"] = _key_values(attributes)
    if events:
        out["events"] = [
            {"timeUnixNano": str(at), "name": name, "attributes": _key_values(a)} for name, at, a in events
        ]
    if links:
        out["links"] = [{"traceId": t, "spanId": s, "attributes": _key_values(a)} for t, s, a in links]
    if span.status:
        status: dict[str, Any] = {"code": span.status}
        if span.status_message:
            status["message"] = _text(span.status_message, 4096)
        out["status"] = status
    return out


def _key_values(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": _text(guard.said(key), 0), "value": _any_value(value)} for key, value in attributes.items()
    ]


def _any_value(value: Any, depth: int = 0) -> dict[str, Any]:
    """OTLP's AnyValue; 64-bit integers are strings in its JSON form, beyond 64 bits they are text.

    https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto
    """
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        fits = -(1 << 63) <= value < 1 << 63
        return {"intValue": str(value)} if fits else {"stringValue": guard.said(value)}
    if isinstance(value, float):
        special = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(value))
        return {"doubleValue": special or value}
    if depth >= _DEPTH_MAX:
        return {"stringValue": "…"}
    if isinstance(value, list | tuple | set | frozenset):
        return {"arrayValue": {"values": [_any_value(item, depth + 1) for item in value]}}
    if isinstance(value, dict):
        pairs = [
            {"key": _text(guard.said(k), 0), "value": _any_value(v, depth + 1)} for k, v in value.items()
        ]
        return {"kvlistValue": {"values": pairs}}
    return {"stringValue": "" if value is None else guard.said(value)}
