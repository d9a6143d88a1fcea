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


def log_line(fields: Mapping[str, Any]) -> bytes:
    """Return a log record as one line of flat JSON, cut and marked `"cut": <bytes>` if too large.

    fields: {"timestamp", "level", "message", "requestId", "service", ..., the caller's own}.
    """
    line = json_bytes(fields)
    if len(line) >= LINE_MAX_BYTES:
        line = _cut_log(fields, len(line))
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


# --- Metrics --------------------------------------------------------------------------------

#: What a metric may be, with DogStatsD's letter.
METRIC_KINDS = {
    "count": "c",
    "gauge": "g",
    "histogram": "h",
    "distribution": "d",
    "timing": "ms",
    "set": "s",
}
METRIC_FORMATS = ("monitoring", "dogstatsd", "datadog", "emf")
_SEPARATORS = str.maketrans(dict.fromkeys("|,#@\n\r\t", "_"))
_NAME_SEPARATORS = str.maketrans(dict.fromkeys("|,#@:\n\r\t ", "_"))


def metric_line(
    kind: str,
    name: str,
    value: float | str,
    tags: Mapping[str, str] | Sequence[tuple[str, str]],
    unix_nano: int,
    *,
    form: str = "monitoring",
    namespace: str = "",
    level: str = "",
) -> bytes:
    """Return one data point as one line in the format `form` (METRIC_FORMATS).

    kind: a key of METRIC_KINDS; a set is always a DogStatsD datagram, for no other format has it.
    level: the log level to lead with in Lambda's JSON mode, "" in text mode.
    """
    named = list(tags.items() if hasattr(tags, "items") else tags)
    pairs = [_tag(key, text) for key, text in named]
    name = _clean(name, _NAME_SEPARATORS)
    lead = {"timestamp": timestamp(unix_nano), "level": level} if level else {}
    if form == "emf" and kind != "set":
        return json_bytes(_emf(kind, name, value, dict(named), unix_nano, namespace, lead)) + b"\n"
    if form == "datadog" and kind != "set":
        point = {"m": name, "v": value, "e": unix_nano // 1_000_000_000, "t": pairs}
        return json_bytes({**lead, **point}) + b"\n"
    if form == "dogstatsd" or kind == "set":
        text = f"{name}:{_clean(str(value), _NAME_SEPARATORS)}|{METRIC_KINDS[kind]}"
        text += "|#" + ",".join(pairs) if pairs else ""
    else:
        text = f"MONITORING|{unix_nano // 1_000_000_000}|{value}|{kind}|{name}|#{','.join(pairs)}"
    return json_bytes({**lead, "metric": text}) + b"\n" if lead else text.encode("utf-8", "replace") + b"\n"


def _tag(key: str, text: str) -> str:
    key = _clean(key, _NAME_SEPARATORS)
    return f"{key}:{_clean(text, _SEPARATORS)}" if text else key


def _clean(text: str, separators: dict[int, str]) -> str:
    return _text(text, 0).translate(separators)


#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
_EMF_DIMENSIONS_MAX = 30


def _emf(
    kind: str,
    name: str,
    value: float | str,
    tags: dict[str, str],
    unix_nano: int,
    namespace: str,
    lead: Mapping[str, str],
) -> dict[str, Any]:
    """Tags are dimensions; one that is named like a field of the format is left out."""
    kept = {key: tags[key] for key in tags if key not in ("_aws", name, *lead)}
    unit = {"count": "Count", "timing": "Milliseconds"}.get(kind, "None")
    dimensions = list(kept)[:_EMF_DIMENSIONS_MAX]
    directive = {
        "Namespace": namespace,
        "Dimensions": [dimensions],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    aws = {"Timestamp": unix_nano // 1_000_000, "CloudWatchMetrics": [directive]}
    return {**lead, "_aws": aws, **kept, name: value}


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
    encoded = [_span_bytes(span) for span in spans]
    head, tail = _envelope(service, lead)
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


def _envelope(service: str, lead: Mapping[str, str] | None) -> tuple[bytes, bytes]:
    leading = json_bytes(lead)[:-1] + b"," if lead else b"{"
    resource = json_bytes({"attributes": _key_values({semconv.SERVICE_NAME: service})})
    head = (
        leading + b'"resourceSpans":[{"resource":' + resource + b',"scopeSpans":[{"scope":{"name":"observe"},'
    )
    return head + b'"spans":[', b"]}]}]}\n"


#: A single span larger than this loses events, then attributes: the envelope needs room too.
_SPAN_MAX_BYTES = LINE_MAX_BYTES - 16 * 1024


def _span_bytes(span: Span) -> bytes:
    try:
        raw = _encode(_span(span, span.attributes, span.events, span.links)).encode()
    except (TypeError, ValueError, RecursionError):
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
