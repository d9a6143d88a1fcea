"""How durations, times, spans and log lines are said to people. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from observe import semconv
from subscribers.signals import Log, Span

_NS_PER_MS = 1_000_000
_LEAD = re.compile(r"^\S+Z [0-9a-f-]{36} (?=Task timed out)")
#: Characters of one field behind a message.
_FIELD_MAX = 80
_TOLD_BY_LINE = frozenset({"event", "logger", "cut"})


def milliseconds(duration_ns: int) -> str:
    """Return a duration for people: `0.42 ms`, `87 ms`, `1.24 s`, `3.2 min`."""
    ms = duration_ns / _NS_PER_MS
    if ms < 10:
        return f"{ms:.2f} ms"
    if ms < 1_000:
        return f"{ms:.0f} ms"
    return f"{ms / 1_000:.2f} s" if ms < 120_000 else f"{ms / 60_000:.1f} min"


def counted(number: int, noun: str) -> str:
    """Return `1 span`, `2 spans`, `1,234 spans`; a noun in -y becomes -ies."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def instant(time_unix_nano: int) -> str:
    """Return a time as RFC 3339 with milliseconds, UTC."""
    ms = time_unix_nano // _NS_PER_MS
    return datetime.fromtimestamp(ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1_000:03d}Z"


def is_cold(span: Span) -> bool:
    """Whether the span is the first invocation of its environment."""
    return span.attributes.get(semconv.FAAS_COLDSTART) is True


#: Names of exceptions and error types for a time that was up; a gateway's 504 is an answer like any other.
_TIMEOUT = re.compile(r"(?i)(.*\.)?(\w*timeout(error|exception)?|deadline_?exceeded|task_?timed_?out)")
_TIMED_OUT = ("timeout", "ran into its timeout", "Task timed out")


def is_timeout(span: Span) -> bool:
    """Whether the span ended because its time was up: by its error's type, else by what it says."""
    if span.status != "error":
        return False
    kind = span.attributes.get(semconv.ERROR_TYPE)
    if isinstance(kind, str) and kind:
        return _TIMEOUT.fullmatch(kind) is not None
    return span.status_message == _TIMED_OUT[0] or span.status_message.startswith(_TIMED_OUT[1:])


def operation(span: Span) -> str:
    """Return the span's name; OpenTelemetry names an HTTP call by its method alone, so its host is added."""
    url = span.attributes.get(semconv.URL_FULL)
    if span.kind != "client" or not isinstance(url, str) or "/" in span.name:
        return span.name
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return f"{span.name} {host}".rstrip()


def is_made_of(span: Span, log: Log) -> bool:
    """Whether a span was made of a line, and so tells all that it does: that of an access log."""
    return span.told_by == "access_log" and span.event_id.partition(":")[0] == log.event_id


def tells(log: Log, span: Span | None = None) -> bool:
    """Whether a line says something that the spans do not. span: the one that the line belongs to."""
    if log.dataset == "lambda.platform":
        # What a report tells of a fault is the span's status by then.
        reported = span is not None and log.message.startswith("REPORT ")
        return log.level in ("WARN", "ERROR", "FATAL") and not reported
    if span is not None and is_made_of(span, log):
        return False
    return log.attributes.get("event") not in ("observe.key", "observe.receipt")


def said(log: Log, *, error: bool = False) -> str:
    """Return a line's message, and behind it the fields that a structured line of ours has besides.

    Lambda's lead of time and request ID is left out. error: with its exception, where the message lacks it.
    """
    message = _LEAD.sub("", log.message) if log.dataset == "lambda.platform" else log.message
    parts = [message, *_fields(log)]
    if error and (told := error_of(log)):
        parts.append(f"({told})")
    return " ".join(part for part in parts if part)


def _fields(log: Log) -> list[str]:
    if log.dataset != "observe":
        return []
    plain = {k: v for k, v in log.attributes.items() if isinstance(v, str | int | float) and "." not in k}
    return [f"{name}={str(value)[:_FIELD_MAX]}" for name, value in plain.items() if name not in _TOLD_BY_LINE]


def error_of(log: Log) -> str:
    """Return the exception of a line, or "" where the message tells it already."""
    error = ": ".join(part for part in (log.error_type, log.error_message) if part)
    told = error in log.message or (log.error_message and log.error_message in log.message)
    return "" if told else error
