"""An OTLP/HTTP backend that takes nothing the protocol does not allow.

Requests are read by OpenTelemetry's own definitions: protobuf as it is, JSON by protobuf's mapping after the
IDs, which OTLP has in hex, were made base64. What the definitions cannot say (IDs of 16 and 8 bytes, times,
buckets that fit their bounds) is checked by hand.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import base64
import gzip
import json
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

from tests.backends.server import Backend, Received, Reply

#: The collector's `max_request_body_size`.
BODY_MAX_BYTES = 20 * 1024 * 1024
PROTOBUF, JSON = "application/x-protobuf", "application/json"
_REQUESTS: dict[str, Any] = {
    "traces": traces.ExportTraceServiceRequest,
    "logs": logs.ExportLogsServiceRequest,
    "metrics": metrics.ExportMetricsServiceRequest,
}
_RESPONSES: dict[str, Any] = {
    "traces": traces.ExportTraceServiceResponse,
    "logs": logs.ExportLogsServiceResponse,
    "metrics": metrics.ExportMetricsServiceResponse,
}
_REJECTED = {
    "traces": "rejected_spans",
    "logs": "rejected_log_records",
    "metrics": "rejected_data_points",
}
_IDS = frozenset(("traceId", "spanId", "parentSpanId"))


class RefusedError(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


class Otlp(Backend):
    """Takes traces, logs and metrics. `accepted` counts event IDs; `requests` are the messages, by signal."""

    def __init__(
        self,
        faults: Any = None,
        *,
        headers: dict[str, str] | None = None,
        body_max_bytes: int = BODY_MAX_BYTES,
        refuses: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """headers: what each request has to carry, else it is 401; refuses: event IDs that are rejected, in
        a partial success."""
        super().__init__(faults)
        self.wanted, self.body_max_bytes, self.refuses = headers or {}, body_max_bytes, refuses
        self.messages: dict[str, list[Any]] = {"traces": [], "logs": [], "metrics": []}

    def answer(self, request: Received) -> Reply:
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        try:
            return self._take(request, kind)
        except RefusedError as refused:
            return _reply(refused.status, kind, _status(refused.message, kind))

    def fault_reply(self, status: int) -> Reply:
        headers = {"Retry-After": self.retry_after} if status in (429, 503) else {}
        said = _reply(status, PROTOBUF, _status(f"status {status}", PROTOBUF))
        return said._replace(headers={**said.headers, **headers})

    def _take(self, request: Received, kind: str) -> Reply:
        signal = request.path.rpartition("/")[2]
        if not request.path.endswith(f"/v1/{signal}") or signal not in _REQUESTS:
            raise RefusedError(404, "no such path")
        if request.method != "POST":
            raise RefusedError(405, "only POST")
        if any(request.headers.get(name.lower()) != value for name, value in self.wanted.items()):
            raise RefusedError(401, "who are you?")
        if kind not in (PROTOBUF, JSON):
            raise RefusedError(415, f"{kind} is neither protobuf nor JSON")
        message = _REQUESTS[signal]()
        _read(message, self._plain(request), kind)
        told = list(_TOLD[signal](message))
        refused = [event_id for event_id in told if self.refuses(event_id)]
        with self.lock:
            self.accepted.update(Counter(told) - Counter(refused))
            self.messages[signal].append(message)
        response = _RESPONSES[signal]()
        if refused:
            setattr(response.partial_success, _REJECTED[signal], len(refused))
            response.partial_success.error_message = "some are not to our taste"
        return _reply(200, kind, _written(response, kind))

    def _plain(self, request: Received) -> bytes:
        encoding = request.headers.get("content-encoding", "identity")
        if encoding not in ("gzip", "identity"):
            raise RefusedError(415, f"unsupported content encoding {encoding}")
        try:
            body = gzip.decompress(request.body) if encoding == "gzip" else request.body
        except (OSError, EOFError, zlib.error) as error:
            raise RefusedError(400, "not gzip") from error
        if len(body) > self.body_max_bytes:
            raise RefusedError(413, "http: request body too large")
        return body


def _read(message: Message, body: bytes, kind: str) -> None:
    try:
        if kind == PROTOBUF:
            message.ParseFromString(body)
        else:
            json_format.ParseDict(_mapped(json.loads(body)), message)
    except (DecodeError, json_format.ParseError, ValueError) as error:
        raise RefusedError(400, f"cannot be read: {error}") from error


def _mapped(tree: Any, name: str = "") -> Any:
    """OTLP's JSON as protobuf's: IDs as base64, enums are numbers already."""
    if isinstance(tree, dict):
        unknown = {key for key in tree if "_" in key}
        if unknown:
            raise ValueError(f"not lowerCamelCase: {unknown}")
        return {key: _mapped(value, key) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_mapped(item) for item in tree]
    if name in _IDS:
        return base64.b64encode(bytes.fromhex(tree)).decode()
    return tree


def _check(is_right: bool, message: str) -> None:
    if not is_right:
        raise RefusedError(400, message)


def _attributes(pairs: Any) -> dict[str, Any]:
    names = [pair.key for pair in pairs]
    _check(len(names) == len(set(names)) and all(names), "attributes need names, each its own")
    return {pair.key: pair.value for pair in pairs}


def _span_ids(trace_id: bytes, span_id: bytes, *, is_needed: bool) -> None:
    for value, size in ((trace_id, 16), (span_id, 8)):
        _check((not value and not is_needed) or (len(value) == size and any(value)), "not an ID")


def _spans(message: Any) -> Iterator[str]:
    for group in message.resource_spans:
        _check("service.name" in _attributes(group.resource.attributes), "a resource has a service.name")
        for scope in group.scope_spans:
            for span in scope.spans:
                _span_ids(span.trace_id, span.span_id, is_needed=True)
                _check(len(span.parent_span_id) in (0, 8), "not a parent's ID")
                _check(0 < span.start_time_unix_nano <= span.end_time_unix_nano, "ends before it starts")
                for link in span.links:
                    _span_ids(link.trace_id, link.span_id, is_needed=True)
                    _attributes(link.attributes)
                yield _attributes(span.attributes)["observe.event_id"].string_value


def _records(message: Any) -> Iterator[str]:
    for group in message.resource_logs:
        _check("service.name" in _attributes(group.resource.attributes), "a resource has a service.name")
        for scope in group.scope_logs:
            for record in scope.log_records:
                _span_ids(record.trace_id, record.span_id, is_needed=False)
                _check(bool(record.observed_time_unix_nano), "no observed time")
                yield _attributes(record.attributes)["log.record.uid"].string_value


def _points(message: Any) -> Iterator[str]:
    for group in message.resource_metrics:
        _check("service.name" in _attributes(group.resource.attributes), "a resource has a service.name")
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                _check(bool(metric.name), "a metric has a name")
                data = metric.WhichOneof("data")
                _check(data in ("sum", "gauge", "histogram"), f"{data} is not taken by every backend")
                for point in getattr(metric, data).data_points:
                    _point(metric, data, point)
                    (exemplar,) = point.exemplars
                    yield _attributes(exemplar.filtered_attributes)["observe.event_id"].string_value


def _point(metric: Any, data: str, point: Any) -> None:
    _attributes(point.attributes)
    _check(point.time_unix_nano > 0, "a point has a time")
    if data == "gauge":
        return
    _check(getattr(metric, data).aggregation_temporality == 1, "delta")
    _check(point.start_time_unix_nano < point.time_unix_nano, "an interval has a length")
    if data == "histogram":
        bounds = list(point.explicit_bounds)
        _check(bounds == sorted(set(bounds)), "bounds rise")
        _check(len(point.bucket_counts) == len(bounds) + 1, "one bucket more than bounds")
        _check(sum(point.bucket_counts) == point.count, "buckets hold all that was counted")


_TOLD: dict[str, Callable[[Any], Iterator[str]]] = {"traces": _spans, "logs": _records, "metrics": _points}


def _status(message: str, kind: str) -> bytes:
    """A google.rpc.Status: code 2 (unknown), and the text in its second field."""
    if kind == JSON:
        return json.dumps({"code": 2, "message": message}).encode()
    text = message.encode()[:100]
    return b"\x08\x02\x12" + bytes((len(text),)) + text


def _written(message: Message, kind: str) -> bytes:
    return json_format.MessageToJson(message).encode() if kind == JSON else message.SerializeToString()


def _reply(status: int, kind: str, body: bytes) -> Reply:
    return Reply(status, body, {"Content-Type": kind if kind in (JSON, PROTOBUF) else "text/plain"})


class XRay(Otlp):
    """X-Ray's OTLP endpoint: signed requests only, and its limits, for which a whole request is refused.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html
    """

    def __init__(self, faults: Any = None) -> None:
        super().__init__(faults, body_max_bytes=5_000_000)

    def answer(self, request: Received) -> Reply:
        signed = request.headers.get("authorization", "")
        if not signed.startswith("AWS4-HMAC-SHA256 ") or "/xray/aws4_request" not in signed:
            return Reply(403, {"message": "Missing Authentication Token"})
        if request.path != "/v1/traces":
            return Reply(404, {"message": "no such path"})
        try:
            message = traces.ExportTraceServiceRequest()
            kind = request.headers.get("content-type", "")
            _read(message, self._plain(request), kind)
            _check_times(
                [s for group in message.resource_spans for scope in group.scope_spans for s in scope.spans]
            )
        except RefusedError as refused:
            return _reply(refused.status, kind, _status(refused.message, kind))
        return super().answer(request)


def _check_times(spans: list[Any]) -> None:
    now = time.time_ns()
    hour = 3600 * 1_000_000_000
    _check(len(spans) <= 10_000, "more than 10,000 spans")
    _check(all(span.ByteSize() <= 200_000 for span in spans), "a span of more than 200 KB")
    oldest, newest = min(s.start_time_unix_nano for s in spans), max(s.end_time_unix_nano for s in spans)
    _check(oldest > now - 14 * 24 * hour, "a span of more than 14 days ago")
    _check(newest < now + 2 * hour, "a span of more than two hours ahead")
    _check(newest - oldest <= 24 * hour, "spans more than 24 hours apart")
