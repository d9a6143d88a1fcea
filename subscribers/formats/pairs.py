"""Pairs `key=value` in a line, as logfmt, kernels, firewalls and applications write them.

    key=value  key="a \\"quoted\\" value"  key='value'  key=  key (logfmt's bare flag: true)

Separators between pairs are blanks, commas, semicolons and bars. A value that begins with `{`, `[` or `(`
reaches to the bracket that closes it where that comes before the line ends.

https://brandur.org/logfmt  https://pkg.go.dev/github.com/kr/logfmt
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_KEY = r"[A-Za-z_@][\w.@/\-\[\]]{0,100}+"
#: Where a pair may begin, so that `a==b` and the query of a URL are none.
_PAIR = re.compile(rf"(?<![^\s,;|(\[{{])({_KEY})=(?!=)")
_FLAG = re.compile(rf"({_KEY})(?=\s|$)")
_QUOTED = {quote: re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*+){quote}", re.DOTALL) for quote in "\"'"}
#: A comma within a value is one that no blank and no further pair follows.
_BARE = re.compile(rf"[^\s,;|\"]*+(?:,(?!{_KEY}=|[\s,;|]|$)[^\s,;|\"]*+)*+")
_LOGFMT_BARE = re.compile(r"[^\s\"]*+")
#: What Go's strconv.Quote writes. JSON has two `\u` for one character, and bytes in `\x` may be UTF-8's.
_ESCAPED = re.compile(
    r"((?:\\x[0-9A-Fa-f]{2})++)|((?:\\u[0-9A-Fa-f]{4})++)|\\U([0-9A-Fa-f]{8})|\\(.)", re.DOTALL
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_CLOSES = {"{": "}", "[": "]", "(": ")"}
_NESTED_MAX = 4096


def logfmt(text: str) -> dict[str, str | bool] | None:
    """Return the pairs of a line that is nothing but pairs and flags, in order; None for any other line.

    It begins with a pair and has no more flags than pairs: else any sentence with one `=` in it would do.
    """
    found: dict[str, str | bool] = {}
    at, end, pairs, flags = 0, len(text), 0, 0
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        if match := _PAIR.match(text, at):
            read = _value(text, match.end(), _LOGFMT_BARE)
            # `a=b, c=d` is a list of pairs, and no logfmt.
            if read is None or (read[0].endswith((",", ";")) and text[read[1] - 1] != '"'):
                return None
            found[match[1]], at = read
            pairs += 1
        elif pairs and (match := _FLAG.match(text, at)):
            found[match[1]], at = True, match.end()
            flags += 1
        else:
            return None
        if at < end and not text[at].isspace():
            return None
    return found if pairs and pairs >= flags else None


def scan(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, key, value) of each pair in a line, whatever stands between them."""
    at = 0
    while match := _PAIR.search(text, at):
        read = _value(text, match.end(), _BARE) or (text[match.end() :], len(text))
        yield match.start(), read[1], match[1], read[0]
        at = max(read[1], match.end())


def _value(text: str, at: int, bare: re.Pattern[str]) -> tuple[str, int] | None:
    """(value, where it ends); None for a quote that is never closed."""
    first = text[at : at + 1]
    if first in _QUOTED and first:
        match = _QUOTED[first].match(text, at)
        if match is not None:
            return unescape(match[1]), match.end()
        if first == '"':
            return None
    if first in _CLOSES and first and (end := _closing(text, at)):
        return text[at:end], end
    match = bare.match(text, at)
    return (match[0], match.end()) if match else ("", at)


def _closing(text: str, at: int) -> int:
    """Where the bracket at `at` is closed, 0 where it is not within reach."""
    opened, closed, depth = text[at], _CLOSES[text[at]], 0
    for i in range(at, min(len(text), at + _NESTED_MAX)):
        if text[i] == opened:
            depth += 1
        elif text[i] == closed:
            depth -= 1
            if depth == 0:
                return i + 1
    return 0


def unescape(text: str) -> str:
    """Undo the escapes of Go's strconv.Quote; quotes and other signs behind a backslash stand for themselves.

    What is no such escape, as in the path of a file, and bytes that are no UTF-8 stay as they are written.
    https://pkg.go.dev/strconv#Quote
    """
    return _ESCAPED.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    of_bytes, units, point, character = match.groups()
    try:
        if of_bytes:
            return bytes.fromhex(of_bytes.replace("\\x", "")).decode()
        if units:
            return bytes.fromhex(units.replace("\\u", "")).decode("utf-16-be", "replace")
        if point:
            return bytes.fromhex(point).decode("utf-32-be")
    except UnicodeDecodeError:
        return match[0]
    return _ESCAPES.get(character, match[0] if character.isalnum() else character)
