"""Datadog's intake APIs as they are documented: keys, encodings, limits, schemas, statuses, what is dropped.

https://docs.datadoghq.com/api/latest/logs/#send-logs
https://docs.datadoghq.com/api/latest/metrics/
https://docs.datadoghq.com/api/latest/events/#post-an-event
https://docs.datadoghq.com/api/latest/service-checks/
https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/traces/
"""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tests.backends.server import Backend, Fault, Received, Reply

KEY = "0123456789abcdef0123456789abcdef"
Answer = Callable[["DatadogBackend", Any], Reply]

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.]{0,199}")
_TAG = re.compile(r"[^\W\d_][\w\-:./]{0,199}(?<!:)")
_HOUR_S = 3600
_ALERT_TYPES = ("error", "warning", "info", "success", "user_update", "recommendation", "snapshot")


class RefusedError(Exception):
    """What a request is refused with."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class DatadogBackend(Backend):
    """Datadog. Signals of now are taken; what is older is dropped with a 202, as the real one does.

    accepted: logs, events and spans by event ID; points by an `event_id` tag, else by what they are; a point
    of a series that comes twice replaces the first, and so counts once.
    """

    def __init__(self, faults: Callable[[int, Received], Fault | None] | None = None, key: str = KEY) -> None:
        super().__init__(faults)
        self.key = key
        #: What was taken and dropped, as `accepted`; what Datadog cut.
        self.dropped: Counter[str] = Counter()
        self.truncated = 0
        self.logs: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.checks: list[dict[str, Any]] = []
        #: (metric, tags) -> second -> value, and -> the values.
        self.series: dict[tuple[str, ...], dict[int, float]] = {}
        self.distributions: dict[tuple[str, ...], list[float]] = {}
        self.units: dict[str, str] = {}
        #: Bodies as JSON, to be held against the official models: (path, tree).
        self.bodies: list[tuple[str, Any]] = []

    def answer(self, request: Received) -> Reply:
        """Answer as the intake that the path names."""
        try:
            return self._answer(request)
        except RefusedError as refused:
            return _errors(refused.status, str(refused))

    def fault_reply(self, status: int) -> Reply:
        """Return Datadog's body of errors; with a 429 the headers of its rate limits."""
        headers = {
            429: {
                "X-RateLimit-Limit": "10",
                "X-RateLimit-Period": "10",
                "X-RateLimit-Reset": self.retry_after,
            },
            503: {"Retry-After": self.retry_after},
        }
        return Reply(status, {"errors": [f"status {status}"]}, headers.get(status, {}))

    def _answer(self, request: Received) -> Reply:
        told = request.headers.get("dd-api-key")
        if told != self.key:
            is_missing = told is None and request.path == "/api/v2/logs"
            raise RefusedError(401 if is_missing else 403, "Unauthorized" if is_missing else "Forbidden")
        if (request.method, request.path) == ("GET", "/api/v1/validate"):
            return Reply(200, {"valid": True})
        intake = _INTAKES.get(request.path)
        if intake is None:
            raise RefusedError(404, "Not found")
        if request.method != "POST":
            raise RefusedError(405, "Method not allowed")
        types, encodings, plain_max, sent_max, answer = intake
        kind = request.headers.get("content-type", "").partition(";")[0]
        if kind not in types:
            raise RefusedError(415, f"Unsupported media type {kind!r}")
        if len(request.body) > sent_max:
            raise RefusedError(413, "Payload too large")
        body = _plain(request, encodings)
        if len(body) > plain_max:
            raise RefusedError(413, "Payload too large")
        tree = _spans(body) if kind == "application/x-protobuf" else _json(body)
        if request.path == "/api/v2/logs" and isinstance(tree, list):
            self._truncate(body)
        with self.lock:
            self.bodies.append((request.path, tree))
            return answer(self, tree)

    def _truncate(self, body: bytes) -> None:
        """Count the logs that Datadog would cut."""
        for raw in msgspec.json.decode(body, type=list[msgspec.Raw]):
            self.truncated += len(bytes(raw)) > 1_000_000

    def _logs(self, tree: Any) -> Reply:
        logs = tree if isinstance(tree, list) else [tree]
        if len(logs) > 1000:
            raise RefusedError(413, "more than 1000 entries")
        for log in logs:
            _typed(log, {"message": str}, dict.fromkeys(("ddsource", "ddtags", "hostname", "service"), str))
        now_s = time.time()
        for log in logs:
            event_id = log.get("event", {}).get("id", "") if isinstance(log.get("event"), dict) else ""
            if not -2 * _HOUR_S <= now_s - log.get("timestamp", now_s * 1000) / 1000 <= 18 * _HOUR_S:
                self.dropped[event_id] += 1
                continue
            self.accepted[event_id] += 1
            self.logs[event_id] = log
        return Reply(202, {})

    def _series(self, tree: Any) -> Reply:
        for one in _list(tree, "series"):
            _named(one)
            _typed(one, {"points": list}, {"type": int, "unit": str, "resources": list})
            if one.get("type", 0) not in (0, 1, 2, 3):
                raise RefusedError(400, "type")
            for point in one["points"]:
                _typed(point, {}, {"timestamp": int, "value": (int, float)})
        for one in tree["series"]:
            series, event_id = _series_of(one)
            self.units[one["metric"]] = one.get("unit", "")
            for point in one["points"]:
                at, value = point["timestamp"], point["value"]
                identity = event_id or f"{'|'.join(series)}|{at}"
                if _is_now(at):
                    self.series.setdefault(series, {})[at] = value
                    self.accepted[identity] = 1
                else:
                    self.dropped[identity] += 1
        return Reply(202, {"errors": []})

    def _distributions(self, tree: Any) -> Reply:
        for one in _list(tree, "series"):
            _named(one)
            _typed(one, {"points": list}, {"type": str, "host": str})
            for point in one["points"]:
                is_pair = isinstance(point, list) and len(point) == 2 and isinstance(point[1], list)
                if not is_pair or not all(_is_number(n) for n in (point[0], *point[1])):
                    raise RefusedError(400, "points must be [timestamp, [values]]")
        for one in tree["series"]:
            series, event_id = _series_of(one)
            for at, values in one["points"]:
                for value in values:
                    identity = event_id or f"{'|'.join(series)}|{at:.0f}|{value}"
                    (self.accepted if _is_now(at) else self.dropped)[identity] += 1
                if _is_now(at):
                    self.distributions.setdefault(series, []).extend(values)
        return Reply(202, {"status": "ok"})

    def _events(self, tree: Any) -> Reply:
        texts = dict.fromkeys(("host", "aggregation_key", "source_type_name"), str)
        _typed(tree, {"title": str, "text": str}, {**texts, "date_happened": int, "tags": list})
        if not tree["title"] or not tree["text"]:
            raise RefusedError(400, "title and text are required")
        if len(tree["text"]) > 4000 or len(tree.get("aggregation_key", "")) > 100 or len(tree["title"]) > 500:
            raise RefusedError(400, "too long")
        if tree.get("alert_type", "info") not in _ALERT_TYPES:
            raise RefusedError(400, "alert_type")
        if tree.get("priority", "normal") not in ("normal", "low"):
            raise RefusedError(400, "priority")
        identity = _event_id(tree.get("tags") or []) or tree["title"]
        if time.time() - tree.get("date_happened", time.time()) > 18 * _HOUR_S:
            self.dropped[identity] += 1
        else:
            self.accepted[identity] += 1
            self.events.append(tree)
        return Reply(202, {"status": "ok", "event": {"id": len(self.events), "title": tree["title"]}})

    def _checks(self, tree: Any) -> Reply:
        checks = tree if isinstance(tree, list) else [tree]
        for check in checks:
            _typed(check, {"check": str, "host_name": str, "status": int}, {"message": str, "timestamp": int})
            if check["status"] not in (0, 1, 2, 3):
                raise RefusedError(400, "status")
        for check in checks:
            at = check.get("timestamp", time.time())
            identity = f"{check['check']}|{check['host_name']}|{at:.0f}|{check['status']}"
            if time.time() - at > 600:
                self.dropped[identity] += 1
            else:
                self.accepted[identity] += 1
                self.checks.append(check)
        return Reply(202, {"status": "ok"})

    def _traces(self, tree: Any) -> Reply:
        for resource in _list(tree, "resourceSpans"):
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    told = {one["key"]: one["value"].get("stringValue") for one in span.get("attributes", [])}
                    self.accepted[told.get("observe.event_id") or span["spanId"]] += 1
        return Reply(202, {})


#: Path -> (content types, encodings, most bytes plain, most bytes as sent, what answers).
_INTAKES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], int, int, Answer]] = {
    "/api/v2/logs": (
        ("application/json",),
        ("", "identity", "gzip", "deflate"),
        5_000_000,
        5_000_000,
        DatadogBackend._logs,
    ),
    "/api/v2/series": (
        ("application/json",),
        ("", "gzip", "deflate"),
        5_242_880,
        512_000,
        DatadogBackend._series,
    ),
    "/api/v1/distribution_points": (
        ("text/json", "application/json"),
        ("", "deflate"),
        62_914_560,
        3_200_000,
        DatadogBackend._distributions,
    ),
    "/api/v1/events": (("application/json",), ("",), 1_000_000, 1_000_000, DatadogBackend._events),
    "/api/v1/check_run": (("application/json",), ("",), 1_000_000, 1_000_000, DatadogBackend._checks),
    "/v1/traces": (
        ("application/x-protobuf", "application/json"),
        ("", "gzip"),
        3_200_000,
        3_200_000,
        DatadogBackend._traces,
    ),
}


def _errors(status: int, text: str) -> Reply:
    return Reply(status, {"errors": [text]})


def _plain(request: Received, encodings: tuple[str, ...]) -> bytes:
    encoding = request.headers.get("content-encoding", "")
    if encoding not in encodings:
        raise RefusedError(400, f"content encoding {encoding!r}")
    try:
        if encoding == "gzip":
            return gzip.decompress(request.body)
        return zlib.decompress(request.body) if encoding == "deflate" else request.body
    except (OSError, EOFError, zlib.error) as error:
        raise RefusedError(400, "broken compression") from error


def _json(body: bytes) -> Any:
    def none(word: str) -> None:
        raise RefusedError(400, f"{word} is no JSON")

    try:
        return json.loads(body, parse_constant=none)
    except ValueError as error:
        raise RefusedError(400, "Bad Request: no JSON") from error


def _spans(body: bytes) -> Any:
    from google.protobuf.json_format import MessageToDict
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    try:
        return MessageToDict(ExportTraceServiceRequest.FromString(body))
    except DecodeError as error:
        raise RefusedError(400, "no protobuf") from error


def _list(tree: Any, name: str) -> list[Any]:
    if not isinstance(tree, dict) or not isinstance(tree.get(name), list):
        raise RefusedError(400, f"{name} is required")
    return tree[name]


def _typed(tree: Any, required: Mapping[str, Any], optional: Mapping[str, Any]) -> None:
    if not isinstance(tree, dict):
        raise RefusedError(400, "an object is wanted")
    for name, kind in {**required, **optional}.items():
        if name not in tree:
            if name in required:
                raise RefusedError(400, f"{name} is required")
        elif not isinstance(tree[name], kind) or isinstance(tree[name], bool):
            raise RefusedError(400, f"{name} has a wrong type")


def _named(one: Any) -> None:
    _typed(one, {"metric": str}, {"tags": list})
    if not _NAME.fullmatch(one["metric"]):
        raise RefusedError(400, f"metric name {one['metric']!r}")
    for tag in one.get("tags", ()):
        if not isinstance(tag, str) or not _TAG.fullmatch(tag) or tag != tag.lower():
            raise RefusedError(400, f"tag {tag!r}")


def _series_of(one: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    tags = one.get("tags", [])
    return (one["metric"], *sorted(tags)), _event_id(tags)


def _event_id(tags: list[str]) -> str:
    return next((tag.removeprefix("event_id:") for tag in tags if tag.startswith("event_id:")), "")


def _is_now(at_s: float) -> bool:
    return -600 <= time.time() - at_s <= _HOUR_S


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
