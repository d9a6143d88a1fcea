"""A layout of fields and the text between them, compiled to one expression that reads what a server writes.

    BadLayout   (java_layout) a layout that lines cannot be read with

A field reaches to the first occurrence of the text after it; one in quotes to the quote that is not escaped;
one that is a number, a time or the like is read by its shape, and a field before it ends where that shape
follows. Every part is possessive, so nothing is ever tried twice: the time is linear in the line's length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from subscribers.formats.access import Access, Role, ignore
from subscribers.formats.told import Clock, Told
from subscribers.parsers.java_layout import BadLayout

# An expression of this many fields is compiled in a moment; more is no log format.
_FIELDS_MAX = 200
#: A request line outside quotes.
REQUEST = r"(?:[A-Z][A-Z-]{0,31}+ \S*+(?: HTTP/\d(?:\.\d)?+)?+|-)"
#: What any server writes for a count, and for a duration with decimals.
NUMBER = r"(?:\d{1,19}+|-)"
DECIMAL = r"(?:\d{1,19}+(?:\.\d{1,9}+)?+|-)"


class Field(NamedTuple):
    """One field. shape: an expression without groups of what alone it can be, of bounded length."""

    role: Role
    shape: str = ""
    #: "begin" or "end" of the request, where it is part of its time.
    time: str = ""
    #: What it starts with if it is there at all, so that it may follow another at once: `?` of a query.
    start: str = ""
    #: The shape is of any length: nothing may look ahead to it.
    is_long: bool = False
    #: The shape outside quotes, of any length.
    bare: str = ""


Token = str | Field


class Layout(msgspec.Struct, frozen=True):
    """A compiled layout."""

    expression: re.Pattern[str]
    #: Of the groups: what their text is for, and whether it may have been escaped.
    roles: tuple[tuple[Role, bool], ...]
    #: Groups that tell when it was, and whether nothing but text is between them.
    when: tuple[int, ...]
    is_joined: bool
    decode: Callable[[str], str]
    finish: Callable[[Access], None]

    def read(self, line: str, clock: Clock) -> Told | None:
        """Return what one line tells, or None where the layout did not write it."""
        match = self.expression.fullmatch(line)
        if match is None:
            return None
        access = Access()
        if "\\" in line:
            for (role, escaped), said in zip(self.roles, match.groups(), strict=True):
                role(access, self.decode(said) if escaped and "\\" in said else said)
        else:
            for (role, _), said in zip(self.roles, match.groups(), strict=True):
                role(access, said)
        self.finish(access)
        return access.told(clock, self._when(line, match))

    def _when(self, line: str, match: re.Match[str]) -> str:
        if not self.when:
            return ""
        if self.is_joined:
            return line[match.start(self.when[0]) : match.end(self.when[-1])]
        return " ".join(match[group] for group in self.when)


def by_name(format: str, named: Mapping[str, str]) -> str:
    """Return a format with variables as it is, another one by its name. Raises BadLayout for no name."""
    if "%" in format:
        return format
    if format not in named:
        raise BadLayout(f"'{format[:40]}' holds no % and is none of {', '.join(named)}")
    return named[format]


def compile_fields(
    tokens: Sequence[Token],
    decode: Callable[[str], str],
    *,
    escapes: bool = True,
    is_sparse: bool = False,
    finish: Callable[[Access], None] = lambda _access: None,
) -> Layout:
    """Return the layout of tokens. Raises BadLayout.

    decode: undoes what the server does to a text that holds a backslash; escapes: whether a quote within
    quotes is escaped, so that the first one that is not ends the field; is_sparse: whether nothing at all,
    and not `-`, is written for what is absent; finish: what only all fields of a line tell together.
    """
    merged = _merged(tokens)
    fields = [token for token in merged if isinstance(token, Field)]
    if not fields:
        raise BadLayout("writes no field")
    if len(fields) > _FIELDS_MAX:
        raise BadLayout(f"has more than {_FIELDS_MAX} fields")
    kept = [field for field in fields if field.role is not ignore]
    time = next((kind for kind in ("begin", "end") if any(field.time == kind for field in fields)), "none")
    when = tuple(i for i, field in enumerate(kept, start=1) if field.time == time)
    return Layout(
        expression=re.compile(_expression(merged, escapes, is_sparse), re.DOTALL),
        roles=tuple((field.role, not field.shape) for field in kept),
        when=when,
        is_joined=bool(when) and when[-1] - when[0] + 1 == len(when),
        decode=decode,
        finish=finish,
    )


def _merged(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with neighbouring texts as one, without line ends at the end; no line break is within."""
    out: list[Token] = []
    for token in tokens:
        if isinstance(token, str) and out and isinstance(out[-1], str):
            out[-1] += token
        elif token != "":
            out.append(token)
    if out and isinstance(out[-1], str):
        out[-1] = out[-1].rstrip()
        out = out if out[-1] else out[:-1]
    if any(isinstance(token, str) and "\n" in token for token in out):
        raise BadLayout("writes more than one line a request")
    return out


def _expression(tokens: Sequence[Token], escapes: bool, is_sparse: bool) -> str:
    out, quoted = "", False
    for i, token in enumerate(tokens):
        if isinstance(token, str):
            out += re.escape(token)
            quoted ^= token.count('"') % 2 == 1
        else:
            bare = "" if quoted else token.bare
            shape = token.shape or bare or _until(tokens[i + 1 : i + 5], quoted and escapes)
            if is_sparse and token.shape:
                shape = f"(?:{shape})?+"
            out += f"(?:{shape})" if token.role is ignore else f"({shape})"
    return out + r"\s*+"


def _until(following: Sequence[Token], quoted: bool) -> str:
    """The expression of a field without a shape, by what comes after it."""
    stop = ""
    if following and isinstance(following[0], Field):
        # Another field at once: its first character must tell.
        stop = following[0].start
        if not stop:
            raise BadLayout("has two fields with nothing between them, which no reader can tell apart")
        following = following[1:]
    if not following or not isinstance(following[0], str):
        return _upto(stop, "", "", quoted)
    first, rest = following[0][0], re.escape(following[0][1:])
    if quoted and first == '"':
        return _upto(stop, "", "", quoted)
    if len(following) > 1 and isinstance(following[1], Field) and not following[1].is_long:
        rest += following[1].shape
        if following[1].shape and len(following) > 2 and isinstance(following[2], str):
            rest += re.escape(following[2][0])
    return _upto(stop, first, rest, quoted)


def _upto(stop: str, first: str, rest: str, quoted: bool) -> str:
    """What reaches to `stop`, or `first` with `rest` after it; in quotes to the quote that is not escaped."""
    stops = _one(stop) if stop else ""
    if quoted:
        within = rf'[^"\\{stops}{_one(first) if first else ""}]++|\\.'
        return rf"(?:{within}|[{_one(first)}](?!{rest}))*+" if first and rest else f"(?:{within})*+"
    if not first:
        return f"[^{stops}]*+" if stop else ".*+"
    first = _one(first)
    without = f"[^{stops}{first}]*+"
    return f"{without}(?:[{first}](?!{rest}){without})*+" if rest else without


def _one(character: str) -> str:
    """A character as a member of a set."""
    return "\\" + character if character in "\\]^-[&~|" else character
