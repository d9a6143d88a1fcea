"""The lines that follow a record's first: which of them are the stack trace of an exception, and of which.

Java's (`java.lang.IllegalStateException: message`, `\\tat ...`, `Caused by: ...`, `... 7 more`) and
Python's (`Traceback (most recent call last):` to `ValueError: message`). All else is more of the message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from subscribers.parsers.runtime_text import last_error

_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r"\s++at [^\s(][^(]*+\(|\s*+\.\.\. \d++ (?:more|common frames omitted)")
_CAUSE = re.compile(r"\s*+(?:Caused by|Suppressed|Wrapped by): ")
_NAME = r"(?:[A-Za-z_$][\w$]*+\.)++[A-Za-z_$][\w$]*+"
_HEAD = re.compile(rf'(?:Exception in thread "[^"]*+" )?({_NAME})(?:: (.*))?', re.DOTALL)
#: The same behind the text of a message: `%m %ex` writes both on one line.
_BEHIND = re.compile(rf"(?<![\w$.]){_NAME}")
_NAMED_SO = ("Exception", "Error", "Throwable")


class Trace(NamedTuple):
    """A record's message with what more of it there was, and its exception; "" for what there is none of."""

    message: str
    error_type: str = ""
    error_message: str = ""
    error_stack: str = ""


def is_frame(line: str) -> bool:
    """Whether a line can only be part of a Java stack trace."""
    return bool(_FRAME.match(line) or _CAUSE.match(line))


def read(message: str, lines: Sequence[str]) -> Trace:
    """Return what a record's first line and the lines after it say."""
    start = next((i for i in range(len(lines)) if _starts(lines, i)), len(lines))
    if start == len(lines):
        return Trace(_text(message, *lines))
    if lines[start].startswith(_TRACEBACK):
        stack = "\n".join(lines[start:]).rstrip()
        return Trace(_text(message, *lines[:start]), *last_error(stack), stack)
    end = max(i for i in range(start, len(lines)) if i == start or is_frame(lines[i])) + 1
    error_type, error_message = _error(message, lines[start:end])
    stack = "\n".join(lines[start:end])
    return Trace(_text(message, *lines[:start], *lines[end:]), error_type, error_message, stack)


def _starts(lines: Sequence[str], i: int) -> bool:
    """Whether a stack trace starts here: a name is one of an exception if it says so or frames follow."""
    line = lines[i]
    if is_frame(line) or line.startswith(_TRACEBACK):
        return True
    head = _HEAD.fullmatch(line)
    if head is None:
        return False
    return head[1].endswith(_NAMED_SO) or (i + 1 < len(lines) and is_frame(lines[i + 1]))


def _error(message: str, stack: Sequence[str]) -> tuple[str, str]:
    """(type, message) of the exception: by the head of its stack, else by the end of what was said."""
    if head := _HEAD.fullmatch(stack[0]):
        frame = next((i for i, line in enumerate(stack) if i and is_frame(line)), 1)
        return head[1], _text(head[2] or "", *stack[1:frame])
    for said in _BEHIND.finditer(message) if _FRAME.match(stack[0]) else ():
        if said[0].endswith(_NAMED_SO):
            return said[0], message[said.end() :].removeprefix(": ")
    for line in stack:
        if (cause := _CAUSE.match(line)) and (head := _HEAD.fullmatch(line[cause.end() :])):
            return head[1], head[2] or ""
    return "", ""


def _text(*lines: str) -> str:
    return "\n".join(lines).rstrip("\n")
