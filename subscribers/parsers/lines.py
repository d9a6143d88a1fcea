"""JSON lines of functions: our own (docs/spec/lines.md), the runtime's JSON logs, the platform's records.

A log line of ours is flat JSON with `timestamp`, `level`, `message`, `requestId`, `service`, `env`,
`version`, `correlation_id`, `trace_id`, `span_id`, the caller's fields and `error` {type, message, stack};
one of `event: observe.key` has the marks of business keys in `keys`. The runtime's own has `logger` and
`errorType`, `errorMessage`, `stackTrace`. What another logger wrote (Powertools, structlog, pino, ...), and
JSON that is a message's text, is read as formats.loggers says.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

import msgspec

from observe import ids
from subscribers.formats import loggers
from subscribers.formats.told import Clock
from subscribers.parsers import datagrams, metric_json, metrics, otlp, platform_json
from subscribers.parsers.draft import LEVELS, Draft
from subscribers.parsers.page import served_by
from subscribers.parsers.times import rfc3339

#: A span line says so at once, or behind `timestamp` and `level`.
SPANS, LEAD = '"resourceSpans":', 160
_OURS = ("service", "trace_id", "correlation_id")
#: docs/spec/lines.md, "Lambda's JSON log format"
_OWN_LEVEL = "severity_text"
#: https://opentelemetry.io/docs/specs/semconv/resource/
_RENAMED = {"env": "deployment.environment.name", "version": "service.version"}
#: What Powertools calls a service without a name.
_POWERTOOLS_DEFAULT = "service_undefined"
#: Members of an embedded metric that are no reason to keep it as a log.
_BESIDE = frozenset(("timestamp", "level", *metric_json.TAGS))
_REPORTED = frozenset(("errorType", "errorMessage", "stackTrace"))
_KEY_EVENT = "observe.key"
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}=[0-9a-f]{32}")
_KEYS_MAX = 64

_decode = msgspec.json.Decoder().decode


def read(draft: Draft) -> bool:
    """Fill the draft of a line that starts with `{`; False if it is only a print."""
    if SPANS in draft.message[:LEAD] and read_spans(draft):
        return True
    document = _document(draft)
    if document is None:
        return False
    if isinstance(document.get("type"), str) and isinstance(document.get("record"), dict | str):
        if platform_json.read(draft, document):
            return True
        # An extension that forwards lines; the line itself is read as any other.
        if platform_json.read_line(draft, document) or isinstance(document["record"], dict):
            return False
    if metric_json.is_meant(document):  # a tag of it may be named `metric`
        return _read_metric_json(draft, document)
    if isinstance(document.get("metric"), str) and "message" not in document:
        return _read_metric(draft, document)
    if loggers.is_record(document):
        return _read_log(draft, document)
    return False


def _document(draft: Draft) -> dict[str, Any] | None:
    try:
        document = _decode(draft.message)
    except (ValueError, RecursionError):
        document = None
    if draft.note:
        # The span line was broken: kept as text, unless it is a log that only mentions spans.
        draft.note = draft.note if not isinstance(document, dict) or "resourceSpans" in document else ""
        document = None if draft.note else document
    return document if isinstance(document, dict) else None


def read_spans(draft: Draft) -> bool:
    """Fill the draft of a span line; False and a note if it is broken."""
    try:
        draft.spans = otlp.spans_of(draft.message, draft.event_id, draft.origin)
    except ValueError:  # msgspec's errors are ValueErrors too
        draft.note = "bad_span_line"
        return False
    draft.is_log = False
    draft.request_id = next((span.request_id for span in draft.spans if span.request_id), "")
    return True


def read_metric(draft: Draft) -> bool:
    """Fill the draft of a bare metric line; False, and a note if it was clearly meant to be one."""
    draft.points = metrics.points_of(draft.message)
    if not draft.points and draft.message.startswith(metrics.MONITORING):
        draft.note = "bad_metric_line"
    draft.is_log = not draft.points
    return bool(draft.points)


def _read_metric(draft: Draft, document: dict[str, Any]) -> bool:
    """{"timestamp", "level", "metric": "MONITORING|..." or a datagram}: Lambda's JSON mode."""
    draft.points = metrics.points_of(document["metric"])
    draft.is_log = not draft.points
    if draft.points:
        draft.stamp(rfc3339(_take(document, "timestamp")))
        return True
    if datagrams.is_told(document["metric"]):
        # The level is the one that no filter drops, not the event's.
        draft.message, draft.dataset = document["metric"], "lambda.json"
        draft.stamp(rfc3339(_take(document, "timestamp")))
        return datagrams.read(draft) or True
    draft.note = "bad_metric_line"
    return _read_log(draft, document)


def _read_metric_json(draft: Draft, document: dict[str, Any]) -> bool:
    """A metric that is JSON itself; an embedded one that has a message or properties is a log as well."""
    draft.points = metric_json.points_of(document)
    if not draft.points and not metric_json.is_bare(document):
        draft.note = "bad_metric_line"
        return _read_log(draft, document)
    rest = metric_json.properties(document) if "_aws" in document else document
    if "message" in document:
        return _read_log(draft, rest)
    # Our own have the team's tags beside them, which are every metric's.
    draft.is_log = "_aws" in document and not (draft.points and rest.keys() <= _BESIDE)
    if draft.is_log:
        draft.dataset, draft.attributes = "lambda.json", rest
        _take_time(draft, rest)
        if draft.time_from == "event" and draft.points:
            draft.stamp(draft.points[0].time_unix_nano or None)
        _take_level(draft, rest)
        _take_identity(draft, rest)
    return True


def _read_log(draft: Draft, document: dict[str, Any]) -> bool:
    """Take the fields we know out of the document; what is left are the caller's."""
    if loggers.is_foreign(document):
        _fill(draft, loggers.read(document, Clock(UTC, draft.time_unix_nano)))
        return True
    ours = any(key in document for key in _OURS)
    draft.dataset = "observe" if ours else "lambda.json"
    if ours:
        draft.origin = served_by(draft.origin, _take(document, "service"))
        for key, name in _RENAMED.items():
            if key in document:
                document[name] = document.pop(key)
    _take_time(draft, document)
    _take_level(draft, document)
    _take_identity(draft, document)
    _take_error(draft, document)
    _take_keys(draft, document)
    draft.message = _take_message(draft, document)
    draft.attributes = document
    unwrap(draft)
    return True


def unwrap(draft: Draft) -> None:
    """Read the message of a text line that is JSON itself."""
    inner = loggers.document_of(draft.message)
    if inner is not None:
        _unwrap(draft, inner)


def _unwrap(draft: Draft, inner: dict[str, Any]) -> None:
    """A message that is JSON text: a record within the record says more, data becomes attributes."""
    outer = draft.attributes
    if loggers.is_record(inner):
        _fill(draft, loggers.read(inner, Clock(UTC, draft.time_unix_nano), depth=1))
        draft.attributes = {**outer, **draft.attributes}
    else:
        draft.attributes = {**inner, **outer}


def _fill(draft: Draft, record: loggers.Record) -> None:
    """What a logger's record says wins over what is known of its line."""
    if draft.dataset == "lambda.text":
        draft.dataset = "lambda.json"
    # Whole seconds: CloudWatch knows better.
    if record.time_unix_nano is not None and record.time_unix_nano % 1_000_000_000:
        draft.stamp(record.time_unix_nano)
    if record.service != _POWERTOOLS_DEFAULT:
        draft.origin = served_by(draft.origin, record.service)
    error = record.error
    draft.level = record.level or draft.level
    draft.request_id = record.request_id or draft.request_id
    draft.correlation_id = record.correlation_id or draft.correlation_id
    if record.trace_id:
        draft.trace_id, draft.span_id = record.trace_id, record.span_id
    if any(error):
        draft.error_type, draft.error_message, draft.error_stack = error
    if record.message is not None:
        draft.message = record.message
    elif any(error):
        draft.message = _said(draft)
    draft.attributes = record.rest


def _said(draft: Draft) -> str:
    """What an error without a message says."""
    return ": ".join(part for part in (draft.error_type, draft.error_message) if part) or draft.message


def _take_time(draft: Draft, document: dict[str, Any]) -> None:
    text = document.get("timestamp")
    # The runtime writes whole seconds: nothing to keep, CloudWatch knows better.
    if isinstance(text, str) and (draft.stamp(rfc3339(text)) or (len(text) == 20 and text[19] == "Z")):
        del document["timestamp"]


def _take_level(draft: Draft, document: dict[str, Any]) -> None:
    """The level; a line of ours that leads with a higher one, so that no filter drops it, tells its own."""
    draft.level = LEVELS.get(_peek(document, "level").upper(), "")
    if draft.level:
        del document["level"]
    own = LEVELS.get(_peek(document, _OWN_LEVEL), "")
    if draft.level and own and draft.dataset == "observe":
        draft.level = own
        del document[_OWN_LEVEL]


def _take_identity(draft: Draft, document: dict[str, Any]) -> None:
    draft.request_id = _take(document, "requestId")
    draft.correlation_id = _take(document, "correlation_id")
    if ids.is_trace_id(_peek(document, "trace_id")):
        draft.trace_id = _take(document, "trace_id")
        if ids.is_span_id(_peek(document, "span_id")):
            draft.span_id = _take(document, "span_id")


def _take_error(draft: Draft, document: dict[str, Any]) -> None:
    error = document.get("error")
    if isinstance(error, dict):
        # JavaScript's errors call it their name.
        draft.error_type = _take(error, "type") or _take(error, "name")
        draft.error_message = _take(error, "message")
        draft.error_stack = _take(error, "stack")
        if not error:
            del document["error"]
    if "errorType" in document or "errorMessage" in document:
        # Go's and Ruby's runtimes write nothing else of what left the handler.
        draft.uncaught = document.keys() <= _REPORTED and "errorType" in document
        draft.error_type = _take(document, "errorType") or draft.error_type
        draft.error_message = _take(document, "errorMessage") or draft.error_message
        draft.error_stack = _take_stack(document) or draft.error_stack


def _take_keys(draft: Draft, document: dict[str, Any]) -> None:
    """Take what `observe.key` told; what is no mark stays where it is, counted."""
    told = document.get("keys")
    if document.get("event") != _KEY_EVENT or not isinstance(told, list):
        return
    marks = [key for key in told if isinstance(key, str) and _KEY.fullmatch(key)]
    draft.keys = tuple(dict.fromkeys(marks))[:_KEYS_MAX]
    left = [key for key in told if key not in draft.keys]
    if left:
        draft.note, document["keys"] = "bad_key", left
    else:
        del document["keys"]


def _take_stack(document: dict[str, Any]) -> str:
    stack = document.get("stackTrace")
    if isinstance(stack, list) and all(isinstance(entry, str) for entry in stack):
        del document["stackTrace"]
        return "\n".join(entry.rstrip("\n") for entry in stack)
    if (
        isinstance(stack, list)
        and stack
        and all(isinstance(entry, dict) and "path" in entry for entry in stack)
    ):
        del document["stackTrace"]
        # Go's: {"path", "line", "label"}
        return "\n".join(
            f"{_peek(entry, 'label')} ({entry['path']}:{entry.get('line', 0)})" for entry in stack
        )
    return _take(document, "stackTrace")


def _take_message(draft: Draft, document: dict[str, Any]) -> str:
    """The text of the record; a structured message is JSON, an error without one says what it is."""
    if "message" not in document:
        return _said(draft)
    message = document.pop("message")
    return message if isinstance(message, str) else msgspec.json.encode(message).decode()


def _peek(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _take(document: dict[str, Any], key: str) -> str:
    """Remove and return a string; a value of another type stays where it is."""
    value = _peek(document, key)
    if value:
        del document[key]
    return value
