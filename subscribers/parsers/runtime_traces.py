r"""Stack traces in the text of functions: where one is, what it says, which events can only be more of it.

Python    Traceback (most recent call last): ... ValueError: boom
Node.js   TypeError: boom\n    at handler (/var/task/index.js:4:3)
Java      java.lang.IllegalStateException: boom\n\tat ...\nCaused by: ...
.NET      System.InvalidOperationException: boom\n   at Claims.Handler.Run() in /src/Handler.cs:line 12
Ruby      /var/task/app.rb:5:in 'handler': boom (RuntimeError)\n\tfrom ...
Go        panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/var/task/main.go:8 +0x27
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from subscribers.parsers import stack_traces
from subscribers.parsers.runtime_text import TRACEBACK, indented, last_error
from subscribers.parsers.stack_traces import Trace

#: Frames of the others beside Java's; the last are Node.js' own, ` 1: 0xb7b3e0 node::Abort() [...]`.
_FRAME = re.compile(
    r"\s+at (?:async )?\S{1,400}:\d{1,9}$|\s*\.\.\. \d{1,9} lines matching"
    r"| +---> |\s*--- End of |\s+from [^\n]{1,400}:\d{1,9}:in |\s?\d{1,3}: 0x[0-9a-f]{4,16} "
)
#: A type at the beginning of a line, or behind what was said; what follows is the message.
_TYPED = re.compile(
    r"(?<![\w$.])([A-Za-z_$][\w$.]{0,200}(?:Error|Exception|Throwable|Fault)|[a-z][\w$]{0,60}(?:\.[\w$]{1,100}){1,20})"
    r"(?: \[[^\]\n]{1,80}\])?(?:: (.*))?$"
)
#: A class of the team's own right above the first frame; elsewhere it would be any word.
_CLASS = re.compile(r"((?:[a-z][\w$]{0,100}\.){0,20}[A-Z][\w$]{0,200})(?:: (.*))?$")
_BEFORE = re.compile(r'(?:Uncaught |Unhandled exception[.:] |Exception in thread "[^"\n]{0,200}" )?')
_RUBY = re.compile(r"\s*\S{1,400}:\d{1,9}:in [`'][^'\n]{0,200}': (.*) \(([A-Z][\w:]{0,200})\)$")
_PANIC = re.compile(r"(panic|fatal error): (.*)")
_GOROUTINE = re.compile(r"goroutine \d{1,19} \[")
_GO = re.compile(
    r"$|\t|goroutine \d{1,19} \[|\[signal |created by |panic: |fatal error: |exit status \d{1,3}$"
)
#: Python's of a group: `  + Exception Group Traceback ...`, its lines behind `|`, its members behind `+-`.
_GROUP = re.compile(r"\s*\+ Exception Group Traceback \(most recent call last\):")
_GROUP_LINE = re.compile(r"\s+[|+]")
_GROUP_ERROR = re.compile(r"\s*\| ([A-Za-z_][\w.]{0,200})(?:: (.*))?$")
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_LED = ("Exception in thread ", "Exception ignored in")
#: How far above its first frame the head of a stack is looked for: messages have lines, too.
_HEAD_LINES = 50


def is_frame(line: str) -> bool:
    """Whether a line can only be part of a stack trace of Java, .NET, Node.js or Ruby."""
    return stack_traces.is_frame(line) or _FRAME.match(line) is not None


def is_head(line: str) -> bool:
    """Whether a line names an exception, whose message may go on in the lines up to its first frame."""
    # Most lines have no such word, and the search is ten times as dear.
    if "Error" in line or "Exception" in line or "Throwable" in line or "Fault" in line:
        typed = _TYPED.search(line[:4096])
        return typed is not None and typed[1].endswith(("Error", "Exception", "Throwable", "Fault"))
    return False


def is_headed(lines: Sequence[str]) -> bool:
    """Whether the first of these lines is the head of its own stack, for a frame comes right behind it."""
    return len(lines) > 1 and is_frame(lines[1]) and _CLASS.match(lines[0][:4096]) is not None


def goes_on(lines: Sequence[str], text: str) -> bool:
    """Whether a text can only be more of the record of these lines; its first line decides.

    lines: of the record so far, at least one.
    """
    first = text.partition("\n")[0].rstrip("\r")
    if is_frame(first):
        return True
    if _GROUP.match(lines[0]):
        return _GROUP_LINE.match(first) is not None
    if _PANIC.match(lines[0]):
        return _GO.match(first) is not None or _is_call(first)
    at = _last(lines, lambda line: line.startswith(TRACEBACK))
    if at < 0:
        return first.startswith(TRACEBACK) and lines[0].startswith(_LED)
    # The line of a traceback's head is never blank, so this one is there.
    latest = lines[_last(lines, str.strip)]
    if latest.startswith(TRACEBACK) or latest[0] in " \t\xa0":  # frames, but no error yet
        return first[:1] in ("", " ", "\t", "\xa0") or _is_error(first)
    if latest.startswith(_CHAINED):
        return not first.strip() or first.startswith(TRACEBACK)
    return first.startswith(_CHAINED) or (not first and lines[-1] != "")


def lead_of(lines: Sequence[str]) -> list[str]:
    """Return the line by which the rest of a record that is cut here can be told to be more of it, or []."""
    if _GROUP.match(lines[0]) or _PANIC.match(lines[0]):
        return [lines[0]]
    return [TRACEBACK] if any(line.startswith(TRACEBACK) for line in lines) else []


def read(text: str) -> Trace | None:
    """Return what a text of several lines says and the exception in it; None if there is no stack in it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if "+ Exception Group" in text and (trace := _of_group(lines)):
        return trace
    if (at := _first_traceback(lines)) is not None:
        stack = "\n".join(indented(line) for line in lines[at:]).rstrip()
        return _trace(lines, at, *last_error(stack), stack)
    routine = _last(lines, _GOROUTINE.match) if "goroutine " in text else -1
    for at, line in enumerate(lines):
        if at < routine and (panic := _PANIC.match(line)):
            said = panic[2].removesuffix(" [recovered]")
            return _trace(lines, at, panic[1], said, "\n".join(lines[at:]).rstrip())
        if is_frame(line):
            return _of_frames(lines, at)
    return None


def _of_group(lines: list[str]) -> Trace | None:
    at = next((i for i, line in enumerate(lines) if _GROUP.match(line)), len(lines))
    for line in lines[at + 1 :]:
        if error := _GROUP_ERROR.match(line[:4096]):
            return _trace(lines, at, error[1], error[2] or "", "\n".join(lines[at:]).rstrip())
    return None


def _of_frames(lines: list[str], frame: int) -> Trace:
    stack_end = "\n".join(lines[frame:]).rstrip()
    for at in range(frame - 1, max(-1, frame - 1 - _HEAD_LINES), -1):
        line = lines[at][:4096]
        if ruby := _RUBY.match(line):
            return _trace(lines, at, ruby[2], ruby[1], "\n".join(lines[at:]).rstrip())
        before = _BEFORE.match(line)
        begin = before.end() if before else 0
        typed = _TYPED.search(line, begin)
        if typed is None and at == frame - 1:
            typed = _CLASS.match(line, begin)
        if typed is None:
            continue
        message = "\n".join((typed[2] or "", *lines[at + 1 : frame])).rstrip()
        stack = "\n".join(lines[at:]).rstrip()
        if typed.start() == begin:
            return _trace(lines, at, typed[1], message, stack)
        return Trace("\n".join(lines[: at + 1]), typed[1], message, stack[typed.start() :])
    return Trace("\n".join(lines[:frame]).rstrip() or lines[0].strip(), "", "", stack_end)


def _trace(lines: list[str], at: int, error_type: str, error_message: str, stack: str) -> Trace:
    """The trace that begins at a line; where nothing was said before it, the message is its own."""
    said = "\n".join(lines[:at]).rstrip()
    return Trace(
        said or ": ".join(filter(None, (error_type, error_message))) or lines[at],
        error_type,
        error_message,
        stack,
    )


def _first_traceback(lines: Sequence[str]) -> int | None:
    return next((i for i, line in enumerate(lines) if line.startswith(TRACEBACK)), None)


def _last(lines: Sequence[str], is_one: Callable[[str], object]) -> int:
    """The index of the last line that is one; -1 if none is."""
    return next((i for i in range(len(lines) - 1, -1, -1) if is_one(lines[i])), -1)


def _is_call(line: str) -> bool:
    """`main.handler({0x1, 0x2})`: where a goroutine was."""
    name, found, _ = line.partition("(")
    return bool(found and name) and " " not in name and line.endswith(")")


def _is_error(line: str) -> bool:
    """Whether a line is what a traceback ends with: `ValueError: boom`, `KeyboardInterrupt`."""
    word, colon, _ = line.partition(":")
    return word.replace(".", "").isidentifier() and (bool(colon) or word[:1].isupper() or "." in word)
