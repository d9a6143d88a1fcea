"""Stack traces, normalised: the application's frames of Python, Java, Node and .NET, without what varies.

No line numbers, addresses and generated names, so a deployment that moves lines keeps its fingerprints.
Of a chain of exceptions the outermost and its root cause count. Of a long stack its two ends are read, 128
lines of each, and of one exception the 64 frames that are nearest to the throw.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

#: Frames of one exception that count, nearest to where it was thrown first.
FRAMES_MAX = 5
#: Characters and lines at either end of a stack that are read, and characters of one line.
_END_CHARACTERS, _END_LINES, _LINE_MAX = 16_384, 128, 512
#: Frames of one exception that are looked at, for as many of the application's as count.
_LOOKED_AT = 64
#: Frames that are remembered: an application has so many places where it fails.
_REMEMBERED = 4_096

_TRACEBACK = "Traceback (most recent call last):"
_PYTHON_FRAME = re.compile(r'\s{1,8}File "([^"]{1,512})", line \d{1,9}(?:, in (.{1,200}))?')
_AT = re.compile(r"\s{1,16}at (?:async )?(?:new )?(.{1,900})")
_CAUSE = re.compile(r"\s{0,16}(?:Caused by: |Wrapped by: |\[cause\]: |---> )(.{1,900})")
#: A text with none of these has no such line, which is soon known.
_SIGNS = (_TRACEBACK, 'File "', "at ", "Caused by: ", "Wrapped by: ", "[cause]: ", "---> ")
_END_OF_CAUSE = "--- End of inner exception stack trace ---"
_TYPE = r"[A-Za-z_$][\w$]{0,127}(?:[.+][A-Za-z_$][\w$`]{0,127}){0,32}"
_LEAD = r'(?:\[ERROR\] |Unhandled exception\. |Uncaught |Exception in thread "[^"]{0,200}" )?'
_HEAD = re.compile(rf"{_LEAD}({_TYPE})(?: \(0x[0-9A-Fa-f]{{1,16}}\))?(?::|$)")
_NAMED_SO = ("Exception", "Error", "Throwable", "Warning", "Exit", "Interrupt", "Timeout", "Fault")
_LOCATED = re.compile(r"(.{0,500}?) ?\((?:file://)?([^()]{1,500}?)(?::\d{1,9}){1,2}\)")
_LOCATION = re.compile(r"(?:file://)?([^\s()]{1,500}?)(?::\d{1,9}){1,2}")
_SOURCE_FILE = re.compile(
    r"[\w$]{1,128}\.(?:java|kt|scala|groovy|clj):\d{1,9}|Native Method|Unknown Source.*|<generated>"
)

#: What follows is the application's own folder, or a library's.
_ROOTS = re.compile(
    r".*(?:/site-packages/|/dist-packages/|/node_modules/|/var/task/|/var/runtime/|/opt/python/|/opt/nodejs/)"
)
_LIBRARY = re.compile(
    r"site-packages/|dist-packages/|node_modules/|/var/runtime/|/var/lang/|/opt/python/|/opt/nodejs/"
    r"|/lib/python\d|(?:^|[(/])(?:<frozen|<string>|<anonymous>|node:|internal/)"
)
_PROXY = re.compile(r"\$Proxy\d|\$\$Lambda|\$\$FastClass|MethodAccessor\d")
_LIBRARY_NAMES = (
    "java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "kotlin.", "kotlinx.", "scala.", "groovy.",
    "org.springframework.", "org.apache.", "org.hibernate.", "org.eclipse.", "io.netty.", "reactor.",
    "com.amazonaws.", "software.amazon.", "org.junit.", "com.zaxxer.", "com.fasterxml.", "ch.qos.",
    "org.slf4j.", "System.", "Microsoft.", "Amazon.", "MySql.", "Npgsql.", "Newtonsoft.", "lambda_method",
)  # fmt: skip

_GENERATORS = "EnhancerBy|FastClassBy|SpringCGLIB|Lambda|HibernateProxy|_jvst|_Weld"
#: What compilers, proxies and code generators number anew: (what, what it becomes).
_GENERATED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"\$\$(?:{_GENERATORS})[\w$]*+(?:/0?x?\w++)?"), ""),
    (re.compile(r"<>c__DisplayClass\d++_\d++\.|<>c\."), ""),
    (re.compile(r"<([\w.]++)>[a-z]__[\w|]++(?:\.MoveNext)?"), r"\1"),
    (re.compile(r"`\d++(?:\[[^\]]*+\])?"), ""),
    (re.compile(r"(?:0x)[0-9a-fA-F]++|@[0-9a-f]{4,16}(?!\w)"), ""),
    (re.compile(r"(?<=\$)\d++"), ""),
    (re.compile(r"(Proxy|Accessor|lambda_method|__)\d++"), r"\1"),
)  # fmt: skip
#: What a name has to have that any of these changes.
_IS_GENERATED = re.compile(r"[$<`@]|0x|(?:Proxy|Accessor|lambda_method|__)\d")


class Stack(NamedTuple):
    """A stack trace. error_message: of the outermost exception, its first line.

    frames: as in a Fingerprint; a root cause stands before its frames, `caused by TYPE`;
    begins: the character at which it begins in the text, the text's length where there is none.
    """

    error_type: str
    error_message: str
    frames: tuple[str, ...]
    begins: int


class _Part(NamedTuple):
    """frames: as they are told, nearest to the throw first."""

    error_type: str
    error_message: str
    frames: list[str]


def read_stack(text: str) -> Stack:
    """Return the stack trace in a text; never raises."""
    begins = _begin(text)
    if begins == len(text):
        return Stack("", "", (), begins)
    lines = _lines(text[begins:] if begins else text)
    is_python = any(_PYTHON_FRAME.match(line) for line in lines)
    parts = [
        part for part in (_python(lines) if is_python else _others(lines)) if part.frames or part.error_type
    ]
    if not parts:
        return Stack("", "", (), begins)
    outermost, root = (parts[-1], parts[0]) if is_python else (parts[0], parts[-1])
    read = _python_frame if is_python else _frame
    frames = _counted([read(told) for told in outermost.frames[:_LOOKED_AT]])
    if root is not outermost:
        root_frames = _counted([read(told) for told in root.frames[:_LOOKED_AT]])
        frames += (f"caused by {_named(root.error_type)}", *root_frames)
    return Stack(outermost.error_type, outermost.error_message, frames, begins)


def _begin(text: str) -> int:
    """Where the first line that only a stack has begins, or the line of its head before it."""
    at, before, looked = 0, 0, text[:_END_CHARACTERS]
    if not any(sign in looked for sign in _SIGNS):
        return len(text)
    for line in looked.splitlines(keepends=True)[:_END_LINES]:
        shown = line[:_LINE_MAX].rstrip("\r\n")
        if shown.strip() == _TRACEBACK:
            return at
        if _AT.match(shown) or _PYTHON_FRAME.match(shown) or _CAUSE.match(shown):
            return before if _head(looked[before:at])[0] or not before else at
        before, at = at, at + len(line)
    return len(text)


def _lines(text: str) -> list[str]:
    if len(text) > 2 * _END_CHARACTERS:
        text = f"{text[:_END_CHARACTERS]}\n{text[-_END_CHARACTERS:]}"
    lines = text.splitlines()
    if len(lines) > 2 * _END_LINES:
        lines = [*lines[:_END_LINES], *lines[-_END_LINES:]]
    return [line[:_LINE_MAX] for line in lines]


def _python(lines: Sequence[str]) -> Iterator[_Part]:
    """Each traceback of a chain, the root cause first; frames nearest to the throw first."""
    frames: list[str] = []
    for line in lines:
        if _PYTHON_FRAME.match(line):
            frames.append(line)
        elif frames and (head := _head(line))[0]:
            yield _Part(*head, frames[::-1])
            frames = []
    if frames:
        yield _Part("", "", frames[::-1])


def _others(lines: Sequence[str]) -> Iterator[_Part]:
    """Each exception of a chain, the root cause last."""
    parts, at = [_Part("", "", [])], 0
    for line in lines:
        if cause := _CAUSE.match(line):
            parts.append(_Part(*_head(cause[1], is_sure=True), []))
            at = len(parts) - 1
        elif frame := _AT.match(line):
            parts[at].frames.append(frame[1].strip())
        elif line.strip() == _END_OF_CAUSE:
            at = max(0, at - 1)  # .NET's inner frames come before those around them
        elif parts == [_Part("", "", [])]:
            parts[0] = _Part(*_head(line), [])
    yield from parts


def _head(line: str, is_sure: bool = False) -> tuple[str, str]:
    """(the exception's type, what it says) of a line that begins with one, else two empty texts."""
    found = _HEAD.match(line.strip())
    if found is None or not (is_sure or found[1].endswith(_NAMED_SO) or "." in found[1]):
        return "", ""
    return found[1], line.strip()[found.end() :].strip()


@lru_cache(maxsize=_REMEMBERED)
def _python_frame(line: str) -> str:
    found = _PYTHON_FRAME.match(line)
    return _at_file(found[1], found[2] or "") if found else ""


@lru_cache(maxsize=_REMEMBERED)
def _frame(told: str) -> str:
    """`name(File.java:12)`, `name (/path.js:1:2)`, `/path.js:1:2`, `Name(String id) in C:\\path:line 5`."""
    if (located := _LOCATED.fullmatch(told)) and not _SOURCE_FILE.fullmatch(told.partition("(")[2][:-1]):
        return _at_file(located[2], located[1])
    if found := _LOCATION.fullmatch(told):
        return _at_file(found[1], "")
    name = told.partition("(")[0].strip()
    mark = "lib " if _PROXY.search(name) else ""
    return mark + _named(name).rpartition("/")[2]  # a Java module stands before `/`


def _at_file(path: str, function: str) -> str:
    """`app/handler.py:handle`; a library's is marked by the folder that it is in."""
    plain = path.replace("\\", "/")
    own = _ROOTS.sub("", plain) if _ROOTS.match(plain) else "/".join(plain.split("/")[-3:])
    mark = "lib " if _LIBRARY.search(plain) else ""
    return f"{mark}{_named(own)}:{_named(function)}".removesuffix(":")


def _named(name: str) -> str:
    if _IS_GENERATED.search(name) is None:
        return name
    for generated, becomes in _GENERATED:
        name = generated.sub(becomes, name)
    return name


def _counted(frames: Sequence[str]) -> tuple[str, ...]:
    """The application's own frames, all where it has none; what repeats in a row once."""
    own = [one for one in frames if not one.startswith("lib ") and not one.startswith(_LIBRARY_NAMES)]
    once = [one for i, one in enumerate(own or frames) if not i or one != (own or frames)[i - 1]]
    return tuple(one.removeprefix("lib ") for one in once[:FRAMES_MAX])
