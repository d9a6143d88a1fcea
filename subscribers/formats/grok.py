"""The custom format `grok`: an expression of Logstash's or Elasticsearch's, given as such, compiled to RE2.

`%{NAME}` is a pattern of grok_patterns; `%{NAME:field}` keeps what it finds, `%{NAME:field:int}` as a number;
`[a][b]` and `a.b` are one name; `(?<field>...)` keeps, too. The rest is RE2's, without look-around and back
references. As with Logstash the expression may match anywhere in the line: `^` and `$` bind it. Where two
places have the same name the first that found something counts. Fields mean what `named_values` says. Lines
that do not match go on with the record before.

https://www.elastic.co/docs/reference/logstash/plugins/plugins-filters-grok
https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any

from subscribers.formats.grok_patterns import PATTERNS
from subscribers.formats.named_values import told
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers.java_layout import BadLayout
from subscribers.patterns import Pattern, PatternError

NAME = "grok"
#: A pattern within a pattern; ours are not that deep.
_DEPTH_MAX = 16
_EXPANDED_MAX = 65_536
_FIELDS_MAX = 256
_REFERENCE = re.compile(r"%\{(\w+)(?::([^:{}]+))?(?::(\w+))?\}")
_LOOKS_LIKE = re.compile(r"%\{[^}]*\}?")
_NAMED_GROUP = re.compile(r"\(\?P?<([A-Za-z_@\[][\w.@\[\]-]*)>")
#: Ends where a group opens that is no named one: what an escape or a set hides is passed over.
_ELEMENT = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\((?!\?)", re.DOTALL)
_BRACKETED = re.compile(r"\[([^\[\]]+)\]")


def _whole(text: str) -> int | str:
    return int(text) if len(text) < 19 and re.fullmatch(r"[+-]?[0-9]+", text) else text


def _real(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if abs(number) < float("inf") else text


#: Type -> what makes a value of it; what is none stays text.
_TYPES: dict[str, Callable[[str], Any]] = {
    "int": _whole,
    "long": _whole,
    "float": _real,
    "double": _real,
    "string": str,
    "boolean": lambda text: text.lower() == "true" if text.lower() in ("true", "false") else text,
}


class _Search(Pattern):
    """An expression whose groups are asked for."""

    def groups_in(self, text: str) -> tuple[str | None, ...] | None:
        """Return what the groups found in the first match, or None where there is none."""
        # RE2 takes UTF-8: a lone surrogate is none.
        match = self._compiled.search(text if text.isascii() else text.encode("utf-8", "replace").decode())
        return None if match is None else match.groups()


def grok_format(expression: str) -> LineFormat:
    """Return the format of a grok expression. Raises BadLayout for one that cannot be used."""
    fields: list[tuple[str, str]] = []
    expanded = _expanded(_without_captures(expression), fields, 0)
    if not fields:
        raise BadLayout("keeps nothing: a field is named by %{NAME:field} or (?<field>...)")
    if len(fields) > _FIELDS_MAX:
        raise BadLayout(f"names {len(fields)} fields, but {_FIELDS_MAX} at most can be read")
    try:
        search = _Search(f"(?s){expanded}")
    except PatternError as error:
        raise BadLayout(
            f"is no expression of RE2, which has no look-around and no back references: {error}"
        ) from None
    if search.groups != len(fields):
        raise BadLayout("has a ( that cannot be told apart from a field: write (?:...)")
    return LineFormat(dataset=NAME, reader=lambda: _reader(search, fields), joins=True)


def _reader(search: _Search, fields: list[tuple[str, str]]) -> Reader:
    makes = [(name, _TYPES[type]) for name, type in fields]

    def read(text: str, clock: Clock) -> Told | None:
        groups = search.groups_in(text)
        if groups is None:
            return None
        found: dict[str, Any] = {}
        for (name, make), value in zip(makes, groups, strict=True):
            if value and name not in found:
                found[name] = make(value)
        return told(found, NAME, clock)

    return read


def _expanded(expression: str, fields: list[tuple[str, str]], depth: int) -> str:
    """An expression with its patterns put in; the names and types of its groups go to `fields`, in order."""
    if depth > _DEPTH_MAX:
        raise BadLayout("has patterns within patterns without end")
    out: list[str] = []
    at = 0
    for match in _tokens(expression):
        out.append(expression[at : match.start()])
        at = match.end()
        if match.re is _NAMED_GROUP:
            fields.append((_name(match[1]), "string"))
            out.append("(")
        else:
            out.append(_pattern(match, fields, depth))
    text = "".join([*out, expression[at:]])
    if len(text) > _EXPANDED_MAX:
        raise BadLayout(f"is longer than {_EXPANDED_MAX} characters when its patterns are put in")
    return text


def _tokens(expression: str) -> Iterator[re.Match[str]]:
    """Yield what is to be replaced: patterns and named groups, in order."""
    at = 0
    while at < len(expression):
        if match := _REFERENCE.match(expression, at) or _NAMED_GROUP.match(expression, at):
            yield match
            at = match.end()
        elif match := _LOOKS_LIKE.match(expression, at):
            raise BadLayout(
                f"'{match[0]}' is no pattern: write %{{NAME}}, %{{NAME:field}} or %{{NAME:field:int}}"
            )
        elif match := _ELEMENT.match(expression, at):
            at = match.end()
        else:
            at += 1


def _pattern(match: re.Match[str], fields: list[tuple[str, str]], depth: int) -> str:
    word, field, type = match.groups()
    if word not in PATTERNS:
        close = difflib.get_close_matches(word, PATTERNS, n=1)
        raise BadLayout(
            f"the pattern '{word}' is not known" + (f"; did you mean '{close[0]}'?" if close else "")
        )
    if type is not None and type not in _TYPES:
        raise BadLayout(f"the type '{type}' of '{match[0]}' is none of {', '.join(_TYPES)}")
    if field:
        fields.append((_name(field), type or "string"))
    return f"({'' if field else '?:'}{_expanded(PATTERNS[word], fields, depth + 1)})"


def _without_captures(expression: str) -> str:
    """An expression whose plain groups keep nothing, as Logstash's named_captures_only has it."""
    out: list[str] = []
    at = 0
    while at < len(expression):
        match = _REFERENCE.match(expression, at) or _ELEMENT.match(expression, at)
        text = match[0] if match else expression[at]
        out.append("(?:" if match and text == "(" else text)
        at += len(text)
    return "".join(out)


def _name(field: str) -> str:
    """`[log][level]` as `log.level`."""
    parts = _BRACKETED.findall(field)
    return ".".join(parts) if parts and field.startswith("[") else field
