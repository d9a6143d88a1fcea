"""Logs for Datadog: its reserved and standard attributes, within what an event may have.

What a caller logged keeps its name, with dots as levels. Names that Datadog would read as a log's own time,
host, service, status or trace stay under `attributes`, and so does what clashes with another name: a field
`date` with a date of birth would make a log older than it takes. What is more than Datadog indexes (256
attributes, keys of 50 characters, 10 levels) is kept as text, in `attributes_text`.

https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/
https://docs.datadoghq.com/logs/log_configuration/pipelines/#preprocessing
https://docs.datadoghq.com/logs/log_collection/#custom-log-forwarding
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from observe import ids, semconv
from subscribers.signals import Log, Signal
from subscribers.sinks.channel import Item
from subscribers.sinks.datadog_events import is_told
from subscribers.sinks.datadog_intake import Reader, encoded
from subscribers.sinks.datadog_names import Tagging

Tree = dict[str, Any]

#: Of the 256 that an event may have; the others are ours.
ATTRIBUTES_MAX = 200
KEY_MAX = 49
#: Below `attributes` there is one more.
LEVELS_MAX = 8
#: What is left of a text in any case when a log is cut, in bytes of JSON.
_TEXT_LEAST = 1024
_ENV, _VERSION = "deployment.environment.name", "service.version"
#: OpenTelemetry's and ECS's names -> Datadog's standard attributes.
_STANDARD = {
    semconv.HTTP_REQUEST_METHOD: "http.method",
    semconv.HTTP_RESPONSE_STATUS_CODE: "http.status_code",
    semconv.URL_FULL: "http.url",
    semconv.URL_PATH: "http.url_details.path",
    "url.scheme": "http.url_details.scheme",
    semconv.SERVER_ADDRESS: "http.url_details.host",
    semconv.SERVER_PORT: "http.url_details.port",
    "user_agent.original": "http.useragent",
    "http.request.header.referer": "http.referer",
    "http.request.id": "http.request_id",
    "network.protocol.version": "http.version",
    "client.address": "network.client.ip",
    "client.port": "network.client.port",
    "http.request.body.size": "network.bytes_read",
    "http.response.body.size": "network.bytes_written",
    semconv.EXCEPTION_TYPE: "error.kind",
    semconv.EXCEPTION_MESSAGE: "error.message",
    semconv.EXCEPTION_STACKTRACE: "error.stack",
    semconv.ERROR_TYPE: "error.kind",
    "error.stack_trace": "error.stack",
    "log.logger": "logger.name",
    "thread.name": "logger.thread_name",
    "code.function.name": "logger.method_name",
    "user.id": "usr.id",
    "user.name": "usr.name",
    semconv.FAAS_INVOCATION_ID: "lambda.request_id",
    semconv.DB_OPERATION_NAME: "db.operation",
    "db.query.text": "db.statement",
}
#: First levels of names that Datadog reads as something of the log itself.
_RESERVED = frozenset(
    {
        *("@timestamp", "timestamp", "_timestamp", "Timestamp", "eventTime", "date", "published_date"),
        *("status", "severity", "level", "message", "msg", "host", "hostname", "service", "source", "syslog"),
        *("trace_id", "span_id", "dd", "contextMap", "named_tags", "ddsource", "ddtags"),
        *("attributes", "attributes_text"),
    }
)
#: Datasets that are a function's lines; Datadog's pipeline `lambda` knows them.
_LAMBDA = frozenset({"observe", "lambda"})


def reader(tagging: Tagging, item_bytes: int) -> Reader:
    """Return what makes items of logs: each at most item_bytes with its separator, cut where it must be."""

    def read(signals: Iterable[Signal]) -> Iterator[Item]:
        for signal in signals:
            if isinstance(signal, Log) and not is_told(signal):
                yield item(signal, tagging, item_bytes - 1)

    return read


class _Timed(msgspec.Struct):
    timestamp: int


_timed_decoder = msgspec.json.Decoder(_Timed)


def time_s(body: bytes) -> float | None:
    """Return the time of a log's body, in seconds since the epoch; None where it has none."""
    try:
        return _timed_decoder.decode(body).timestamp / 1000
    except (ValueError, RecursionError):
        return None


def item(log: Log, tagging: Tagging, most: int) -> Item:
    """Return a log as an item whose body is at most so many bytes, if it can be made so short."""
    fixed = _fixed(log, tagging)
    tree = _with_attributes(fixed, log.attributes)
    body = encoded(tree)
    if len(body) <= most:
        return Item(log.event_id, body)
    return Item(log.event_id, _cut(tree, fixed, body, most), whole=body)


def _fixed(log: Log, tagging: Tagging) -> Tree:
    """What every log has. `timestamp` is in milliseconds; absent is left out."""
    origin, attributes = log.origin, log.attributes
    named = {key: attributes[key] for key in (_ENV, _VERSION) if isinstance(attributes.get(key), str)}
    host = attributes.get(semconv.HOST_NAME)
    told: Tree = {
        "timestamp": log.time_unix_nano // 1_000_000,
        "message": log.message,
        "service": origin.service,
        "ddsource": _source(log),
        "ddtags": ",".join(tagging.tags(origin, named)),
        "hostname": host if isinstance(host, str) else "",
        "status": log.level.lower(),
        "event": {"id": log.event_id, "dataset": log.dataset, "sequence": log.sequence},
        "error": _present(kind=log.error_type, message=log.error_message, stack=log.error_stack),
        "correlation_id": log.correlation_id,
        "lambda": _present(request_id=log.request_id),
        "aws": {
            "awslogs": _present(logGroup=origin.log_group, logStream=origin.log_stream, owner=origin.account)
        },
        "observe": _present(
            side=origin.side,
            keys=list(log.keys),
            time_from=log.time_from,
            trace_id="" if ids.is_trace_id(log.trace_id) else log.trace_id,
        ),
        **_trace(log),
    }
    return {name: value for name, value in told.items() if value or name in ("timestamp", "message")}


def _source(log: Log) -> str:
    """Which of Datadog's pipelines reads it: the format's family."""
    family = log.dataset.partition(".")[0]
    return "lambda" if family in _LAMBDA and log.origin.side == "serverless" else family or "observe"


def _trace(log: Log) -> Tree:
    """The IDs in both forms that Datadog knows: 128 bits in hex, a span's in hex and as its own number.

    https://docs.datadoghq.com/tracing/other_telemetry/connect_logs_and_traces/opentelemetry/
    """
    if not ids.is_trace_id(log.trace_id):
        return {}
    told: Tree = {"trace_id": log.trace_id, "dd": {"trace_id": log.trace_id}}
    if ids.is_span_id(log.span_id):
        told["span_id"] = log.span_id
        told["dd"]["span_id"] = str(int(log.span_id, 16))
    return told


def _present(**told: Any) -> Tree:
    return {name: value for name, value in told.items() if value}


def _with_attributes(fixed: Tree, attributes: Tree) -> Tree:
    """Add a caller's attributes to what is fixed; neither is changed."""
    tree = dict(fixed)
    aside: Tree = {}
    text: Tree = {}
    room = ATTRIBUTES_MAX
    for name, value in attributes.items():
        if name == semconv.HOST_NAME and value == fixed.get("hostname"):
            continue
        place, is_short = _place(name)
        leaves, levels = _measured(value) if isinstance(value, (dict, list)) else (1, 0)
        if not (is_short and leaves <= room and levels + len(place) <= LEVELS_MAX and _has_short_keys(value)):
            text[name] = value
            continue
        room -= leaves
        if place[0] in _RESERVED or not _put(tree, place, value):
            aside[name] = value
    if aside:
        tree["attributes"] = aside
    if text:
        tree["attributes_text"] = encoded(text).decode()
    return tree


@lru_cache(maxsize=4096)
def _place(name: str) -> tuple[tuple[str, ...], bool]:
    """(the levels of a name as Datadog has it, whether all are short enough)."""
    place = tuple(_STANDARD.get(name, name).split("."))
    return place, max(map(len, place)) <= KEY_MAX


def _put(tree: Tree, place: Sequence[str], value: Any) -> bool:
    """Put a value at a place, level by level; False where something else is there or on the way."""
    here = tree
    for level in place[:-1]:
        below = here.get(level)
        if below is None:
            below = here[level] = {}
        elif not isinstance(below, dict):
            return False
        else:  # it may be a caller's, or shared
            below = here[level] = dict(below)
        here = below
    return bool(here.setdefault(place[-1], value) is value or here[place[-1]] == value)


def _measured(value: Any) -> tuple[int, int]:
    """(leaves, levels of nesting below). Deeper than is taken is not looked at."""
    leaves, levels = 0, 0
    stack = [(value, 0)]
    while stack:
        found, level = stack.pop()
        levels = max(levels, level)
        below = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
        if not below or level > LEVELS_MAX:
            leaves += 1
        stack.extend((one, level + 1) for one in below if level <= LEVELS_MAX)
    return leaves, levels


def _has_short_keys(value: Any) -> bool:
    stack = [value] if isinstance(value, (dict, list)) else []
    while stack:
        found = stack.pop()
        if isinstance(found, dict):
            if any(len(key) > KEY_MAX for key in found):
                return False
            stack.extend(found.values())
        elif isinstance(found, list):
            stack.extend(found)
    return True


def _cut(tree: Tree, fixed: Tree, whole: bytes, most: int) -> bytes:
    """Return a log's body cut to a size, marked with what it was: its longest texts, then its attributes.

    Longer where even that does not suffice: then nothing takes it.
    """
    mark = {"original_bytes": len(whole), "original_sha256": sha256(whole).hexdigest()}
    body = whole
    for kept in (tree, fixed):
        short = {**kept, "observe": {**kept.get("observe", {}), **mark}}
        if isinstance(short.get("error"), dict):  # a caller may have logged another
            short["error"] = dict(short["error"])
        body = encoded(short)
        for holder, name in _longest_first(short):
            if len(body) > most:
                room = len(encoded(holder[name])) - (len(body) - most)
                holder[name] = _fitting(holder[name], max(room, _TEXT_LEAST))
                body = encoded(short)
        if len(body) <= most:
            break
    return body


def _longest_first(tree: Tree) -> list[tuple[Tree, str]]:
    places = [(tree, "message"), (tree, "attributes_text")]
    if isinstance(error := tree.get("error"), dict):
        places += [(error, "stack"), (error, "message")]
    found = [(holder, name) for holder, name in places if isinstance(holder.get(name), str)]
    return sorted(found, key=lambda place: -len(place[0][place[1]]))


def _fitting(text: str, most: int) -> str:
    """Return the longest beginning of a text that is at most so many bytes of JSON."""
    return text[: bisect_right(range(len(text)), most, key=lambda n: len(encoded(text[: n + 1])))]
