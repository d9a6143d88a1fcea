"""One JSON object of any logger, or the pairs of a logfmt line, to what it tells.

    Powertools        {"level", "location", "message", "timestamp", "service", "xray_trace_id", ...}
    structlog         {"event", "level", "timestamp", "exception", ...}
    python-json-logger
                      {"message", "levelname", "asctime", "name", "exc_info", ...}
    pino, bunyan      {"level": 30, "time": 1795277339349, "pid", "hostname", "name", "msg", "err": {...}}
    winston           {"level", "message", "timestamp", "stack"}
    logstash-logback  {"@timestamp", "level", "logger_name", "thread_name", "message", "stack_trace", <MDC>}
    log4j, logback    {"instant"|"timestamp", "thread", "level", "loggerName", "message", "thrown", ...}
    ECS               {"@timestamp", "log.level", "message", "trace.id", "error.type"}, dotted or nested
    GELF              {"version": "1.1", "short_message", "full_message", "level": 3, "timestamp": s, "_name"}
    Serilog's CLEF    {"@t", "@mt", "@l", "@x", ...}
    zap, logrus       {"level", "ts", "logger", "caller", "msg", "stacktrace"}, {"level", "time", "msg"}

A message that is itself the JSON text of a record is unwrapped, three deep at most; what it says wins. What
nobody knows stays an attribute under its own name.

https://docs.aws.amazon.com/powertools/python/latest/core/logger/  https://github.com/pinojs/pino/blob/main/docs/api.md
https://www.elastic.co/docs/reference/ecs/logging/intro  https://clef-json.org
https://go2docs.graylog.org/current/getting_in_log_data/gelf.html  https://github.com/logfellow/logstash-logback-encoder
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from observe import ids, semconv
from subscribers.formats import levels, logger_errors, logger_names, moments
from subscribers.formats.logger_plan import CORRELATION, TRACE, Plan, folded, plan_of
from subscribers.formats.told import Clock
from subscribers.parsers import mdc

DEPTH_MAX = 3
#: JSON's own white space.
_BLANK = " \t\r\n"
_FLAT_DEPTH_MAX = 8
_HOLE = re.compile(r"\{[@$]?(\w{1,100}+)(?:,-?\d{1,5}+)?+(?::[^{}]{0,100}+)?+\}")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Record(msgspec.Struct, kw_only=True):
    """What one object tells; "" and None for what it leaves out. rest: what stays an attribute."""

    time_unix_nano: int | None = None
    level: str = ""
    #: None: it has none, which is not the same as an empty one.
    message: str | None = None
    correlation_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    request_id: str = ""
    service: str = ""
    error: logger_errors.Failure = logger_errors.Failure()
    rest: dict[str, Any] = {}


def document_of(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a text is, or None."""
    if not text.lstrip(_BLANK).startswith("{"):
        return None
    try:
        document = _decode(text)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None
    return document if isinstance(document, dict) else None


def is_record(document: dict[str, Any]) -> bool:
    """Whether an object is what a logger wrote, and not just data that somebody printed."""
    if not logger_names.SURE.isdisjoint(document):
        return True
    if isinstance(document.get("log"), dict):
        return "level" in document["log"]
    return ("event" in document or "log" in document) and not logger_names.BESIDE.isdisjoint(document)


def is_foreign(document: dict[str, Any]) -> bool:
    """Whether a record is another logger's than the layer's and Lambda's runtime's."""
    if type(document.get("level")) is int or isinstance(document.get("log"), dict):
        return True
    if "message" not in document:
        return any(name in document for name in logger_names.MESSAGE)
    if "requestId" in document:
        return False
    if "service" in document and "timestamp" in document:
        return not logger_names.STRONG.isdisjoint(document)
    return not (logger_names.STRONG.isdisjoint(document) and logger_names.WEAK.isdisjoint(document))


def read(document: dict[str, Any], clock: Clock, correlation_field: str = "", depth: int = 0) -> Record:
    """Return what a record tells. document is used up: what is left of it becomes `rest`."""
    plan = plan_of(tuple(document), correlation_field)
    if plan.is_ecs or _is_nested(document.get("log")):
        document = dict(_leaves(document, "", 0))
        plan = plan_of(tuple(document), correlation_field)
    if plan.contexts and _raise_identity(plan.contexts, document):
        plan = plan_of(tuple(document), correlation_field)
    record = Record()
    if plan.traces or plan.has_datadog:
        _take_trace(plan, document, record)
    if plan.correlations:
        _take_correlation(plan, document, record, correlation_field)
    record.time_unix_nano = _take_time(plan, document, clock)
    record.level = _take_level(plan, document)
    if plan.has_errors:
        record.error = logger_errors.take(document)
    record.request_id = _take_text(document, plan.request_id)
    record.service = _take_text(document, plan.service)
    record.message = _take_message(plan, document)
    _rename(plan, document)
    record.rest = document
    return _unwrapped(record, clock, correlation_field, depth)


def _unwrapped(record: Record, clock: Clock, correlation_field: str, depth: int) -> Record:
    """The record that its message is the JSON text of, with what was said around it; else the record."""
    inner = document_of(record.message) if record.message and depth < DEPTH_MAX else None
    if inner is None:
        return record
    if not is_record(inner):
        # Data that somebody logged as JSON text: the text stays, and can be searched by its fields.
        record.rest = {**inner, **record.rest}
        return record
    told = read(inner, clock, correlation_field, depth + 1)
    for name in ("level", "correlation_id", "request_id", "service"):
        setattr(told, name, getattr(told, name) or getattr(record, name))
    if not told.trace_id:
        told.trace_id, told.span_id = record.trace_id, record.span_id
    if told.time_unix_nano is None:
        told.time_unix_nano = record.time_unix_nano
    if told.error == logger_errors.Failure():
        told.error = record.error
    told.rest = {**record.rest, **told.rest}
    return told


def _is_nested(log: object) -> bool:
    """Whether a member `log` is ECS's, and not a line that a container wrote."""
    return isinstance(log, dict) and ("level" in log or "logger" in log)


def _leaves(node: dict[str, Any], prefix: str, depth: int) -> Iterable[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, dict) and value and depth < _FLAT_DEPTH_MAX:
            yield from _leaves(value, f"{prefix}{key}.", depth + 1)
        else:
            yield prefix + key, value


def _raise_identity(contexts: Iterable[str], document: dict[str, Any]) -> bool:
    """Move the identity that lies in the log context's own object to where others write it."""
    found = False
    for name in contexts:
        context = document[name]
        if not isinstance(context, dict):
            continue
        for key in [key for key in context if folded(key) in TRACE | CORRELATION and key not in document]:
            document[key] = context.pop(key)
            found = True
        if not context:
            del document[name]
    return found


def _take_trace(plan: Plan, document: dict[str, Any], record: Record) -> None:
    traces = {name: value for name in plan.traces if isinstance(value := document[name], str)}
    who = mdc.identity(traces) if traces else None
    if who is None or not who.trace_id:
        if plan.has_datadog:
            _take_datadog(document, record)
        return
    record.trace_id, record.span_id = who.trace_id, who.span_id
    for name, value in traces.items():
        # An ID that is none stays where it was.
        if record.trace_id in value.lower() or record.span_id == value.strip().lower():
            del document[name]


def _take_correlation(plan: Plan, document: dict[str, Any], record: Record, own: str) -> None:
    told = {name: value for name in plan.correlations if isinstance(value := document[name], str)}
    record.correlation_id = mdc.identity(told, own).correlation_id
    for name, value in told.items() if record.correlation_id else ():
        if len(told) == 1 or mdc.identity({name: value}, own).correlation_id == record.correlation_id:
            del document[name]


def _take_datadog(document: dict[str, Any], record: Record) -> None:
    """Datadog's IDs where the trace's has all 128 bits: then it is W3C's. The span's is decimal.

    https://docs.datadoghq.com/tracing/guide/span_and_trace_id_format/
    """
    holder, prefix = (document["dd"], "") if isinstance(document.get("dd"), dict) else (document, "dd.")
    trace_id, span_id = holder.get(f"{prefix}trace_id"), holder.get(f"{prefix}span_id")
    if not isinstance(trace_id, str) or not ids.is_trace_id(trace_id):
        return
    record.trace_id = holder.pop(f"{prefix}trace_id")
    if isinstance(span_id, str) and span_id.isdecimal() and len(span_id) <= 20 and 0 < int(span_id) < 1 << 64:
        record.span_id = f"{int(holder.pop(f'{prefix}span_id')):016x}"


def _take_time(plan: Plan, document: dict[str, Any], clock: Clock) -> int | None:
    for name in plan.time:
        nano = _time(document[name], clock)
        if nano is not None:
            del document[name]
            return nano
    return None


def _time(value: Any, clock: Clock) -> int | None:
    if isinstance(value, str):
        nano = moments.iso(value.strip(), clock) if len(value) < 64 else None
        if nano is None and value.replace(".", "", 1).isdecimal() and len(value) < 32:
            return moments.epoch(float(value) if "." in value else int(value))
        return nano
    if isinstance(value, int | float):
        return moments.epoch(value)
    if isinstance(value, dict):  # log4j's {"epochSecond", "nanoOfSecond"}
        seconds, nanos = value.get("epochSecond"), value.get("nanoOfSecond", 0)
        whole = moments.epoch(seconds) if type(seconds) is int else None
        return None if whole is None or type(nanos) is not int or not 0 <= nanos < 10**9 else whole + nanos
    return None


def _take_level(plan: Plan, document: dict[str, Any]) -> str:
    for name in plan.level:
        value = document[name]
        level = ""
        if isinstance(value, str):
            level = levels.level_of(value)
            if not level and value.isdecimal() and len(value) < 4:
                level = _numbered(int(value), is_syslog=plan.is_gelf)
        elif type(value) is int:
            level = _numbered(value, is_syslog=plan.is_gelf)
        if level:
            del document[name]
            return level
    return "INFO" if plan.is_clef else ""


def _numbered(number: int, *, is_syslog: bool) -> str:
    return levels.syslog(number) if is_syslog else levels.tens(number)


def _take_message(plan: Plan, document: dict[str, Any]) -> str | None:
    for name in plan.message:
        value = document.get(name)
        if isinstance(value, str):
            if name in ("@mt", "MessageTemplate"):
                return _rendered(value, document)
            del document[name]
            if name == "short_message":
                return _full(value, document)
            return value.rstrip("\r\n") if name == "log" else value
        if name in ("message", "msg") and value is not None:
            del document[name]
            return _encode(value).decode()
    return None


def _full(short: str, document: dict[str, Any]) -> str:
    """GELF's whole text where it goes on with what the short one begins."""
    full = document.get("full_message")
    if isinstance(full, str) and full.startswith(short):
        del document["full_message"]
        return full
    return short


def _rendered(template: str, document: dict[str, Any]) -> str:
    """`Hello, {User}` with the properties put in; the template stays, for it is what groups messages."""
    holder = document.get("Properties")
    properties = holder if isinstance(holder, dict) else document

    def said(hole: re.Match[str]) -> str:
        value = properties.get(hole[1], hole[0])
        return value if isinstance(value, str) else _encode(value).decode()

    return _HOLE.sub(said, template)


def _take_text(document: dict[str, Any], names: Iterable[str]) -> str:
    for name in names:
        value = document.get(name)
        if isinstance(value, str) and value:
            del document[name]
            return value
    return ""


def _rename(plan: Plan, document: dict[str, Any]) -> None:
    """Give what is left the names that others know it by."""
    if plan.logger and (logger := _take_text(document, plan.logger)):
        document["log.logger"] = logger
    if plan.thread and (thread := _take_text(document, plan.thread)):
        document["thread.name"] = thread
    for name in plan.renamed:
        own, kind = logger_names.RENAMED[name]
        if type(document.get(name)) is kind and own not in document:
            document[own] = document.pop(name)
    if plan.is_gelf:
        _rename_gelf(document)


def _rename_gelf(document: dict[str, Any]) -> None:
    """GELF's additional fields lead with `_`; its version is the format's and not the service's."""
    if isinstance(document.get("host"), str):
        document[semconv.HOST_NAME] = document.pop("host")
    for name in [name for name in document if name.startswith("_") and len(name) > 1]:
        if name[1:] not in document:
            document[name[1:]] = document.pop(name)
    if isinstance(document.get("version"), str):
        document["gelf.version"] = document.pop("version")
