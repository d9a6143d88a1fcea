"""What loggers say of an exception, and how: a text, an object, a list of objects, or three fields.

text     structlog's `exception`, python-json-logger's `exc_info`, logback's `stack_trace`, winston's
         `stack`, zap's `stacktrace`, CLEF's `@x`; the bare message in logrus' and zap's `error`
object   pino's and bunyan's `err`, ECS's `error`, log4j's `thrown`, logback's `throwable`, Powertools'
         `stack_trace`
list     structlog's `exception` of dict_tracebacks: the one that was raised is the first
fields   Lambda's `errorType`, `errorMessage`, `stackTrace`; ECS's `error.type`, ...
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from subscribers.parsers import stack_traces
from subscribers.parsers.runtime_text import last_error

_OBJECTS = ("error", "err", "exception", "thrown", "throwable", "exc_info")
_TEXTS = (
    "exception",
    "exc_info",
    "stack_trace",
    "stack",
    "stacktrace",
    "@x",
    "Exception",
    "exc_text",
    "error",
    "err",
)
#: Which of an object's members say it, in order of trust.
_TYPE = ("type", "name", "className", "exc_type", "exception_class", "class", "kind")
_MESSAGE = ("message", "exc_value", "exception_message", "msg", "value")
_STACK = ("stack_trace", "stack", "stacktrace", "extendedStackTrace", "trace", "traceback")
_FIELDS = (
    ("errorType", "errorMessage", "stackTrace"),
    ("error.type", "error.message", "error.stack_trace"),
    ("exception.type", "exception.message", "exception.stacktrace"),
    ("error.kind", "error.message", "error.stack"),
    ("exception_name", "exception_message", "exception_stack"),
)
#: Without any of these an object tells of no exception.
NAMES = frozenset({*_OBJECTS, *_TEXTS, *(name for names in _FIELDS for name in names)})
_TRACEBACK = "Traceback (most recent call last):"
#: `TypeError: x is not a function`, `System.InvalidOperationException: boom`, `java.io.IOException`.
_HEAD = re.compile(r"(?:Uncaught )?([A-Za-z_$][\w$.]{0,200}+)(?: \[[^\]\n]{1,80}+\])?+(?:: (.*))?", re.DOTALL)


class Failure(NamedTuple):
    """type, message and stack of what went wrong, each "" where nothing tells it."""

    type: str = ""
    message: str = ""
    stack: str = ""


_NONE = Failure()


def take(document: dict[str, Any]) -> Failure:
    """Take the exception out of a document; what is no exception stays in it."""
    told = _NONE
    for names in _FIELDS:
        if not document.keys().isdisjoint(names):
            told = _either(told, Failure(*(_text(document, name) for name in names)))
    for name in _OBJECTS:
        value = document.get(name)
        if isinstance(value, list) and value and isinstance(value[0], dict) and "exc_type" in value[0]:
            told = _either(told, _object(value[0]))
        elif isinstance(value, dict) and (found := _object(value)) != _NONE:
            told = _either(told, found)
            # All that it said is ours now; what else it says stays.
            if not value:
                del document[name]
    for name in _TEXTS:
        value = document.get(name)
        if isinstance(value, str) and value.strip():
            told = _either(told, of_stack(document.pop(name)))
        elif name == "stack_trace" and isinstance(value, dict) and isinstance(value.get("type"), str):
            # Powertools' serialised form: frames stay, as data.
            told = _either(told, _object(value))
    if told.stack and not told.type:
        read = of_stack(told.stack)
        told = Failure(read.type, told.message or read.message, told.stack)
    return told


def of_stack(stack: str) -> Failure:
    """Return what a stack trace as text says: Python's, Java's, JavaScript's, .NET's."""
    text = stack.rstrip()
    if _TRACEBACK in text:
        return Failure(*last_error(text), text)
    first, newline, rest = text.partition("\n")
    if newline and stack_traces.is_frame(rest.partition("\n")[0]):
        read = stack_traces.read("", text.split("\n"))
        if read.error_type:
            return Failure(read.error_type, read.error_message, text)
    head = _HEAD.fullmatch(first)
    if head is not None and (head[1].endswith(("Error", "Exception", "Throwable")) or (newline and head[2])):
        return Failure(head[1], head[2] or "", text if newline else "")
    return Failure("", "" if newline else text, text if newline else "")


def _either(known: Failure, more: Failure) -> Failure:
    return Failure(*(one or other for one, other in zip(known, more, strict=True)))


def _object(value: dict[str, Any]) -> Failure:
    """Take type, message and stack out of one object; its frames and causes stay."""
    found = []
    for names in (_TYPE, _MESSAGE, _STACK):
        name = next((name for name in names if isinstance(value.get(name), str) and value[name]), "")
        found.append(value.pop(name) if name else "")
    return Failure(*found)


def _text(document: dict[str, Any], name: str) -> str:
    """Take a text, or a list of lines."""
    value = document.get(name)
    if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        value = "\n".join(line.rstrip("\n") for line in value)
    if not isinstance(value, str) or not value:
        return ""
    del document[name]
    return value
