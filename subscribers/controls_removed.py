"""Which part of a text a redaction has removed, and what that part looks like. Pure.

`removed` lays the text before and after side by side: what lies between two marks is unchanged, but for
quotes that were put around a mark where JSON had no string.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from observe.redaction import MARK
from subscribers.controls_rules import MARK_SIGN

NAMES, KEYS, ENCODED, CARD = "names", "keys", "encoded", "card"

_MARKS = re.compile(rf"({re.escape(MARK)}|{MARK_SIGN}.)", re.DOTALL)
_QUOTE = r"\\{0,8}[\"']"
_QUOTED_BEGIN, _QUOTED_END = re.compile(_QUOTE), re.compile(rf"{_QUOTE}\Z")
#: What is between a name and its secret, from the separator on: `=`, `": "`, `: Bearer `.
_SEPARATOR = re.compile(
    r"(?:={1,3}>?|:=?|%3[Dd])\s{0,16}[bBuU]?(?:\\{0,8}[\"'])?(?:[A-Za-z0-9-]{1,20}[ \t]{1,8})?\Z"
)
_NAME_CHARACTERS = frozenset("_.$-")
_ELEMENT = re.compile(r"<(?:[\w.-]{1,64}:)?([\w.-]{1,64})(?:\s[^<>]{0,200})?>(?:\s{0,16}<!\[CDATA\[)?\Z")
_BEFORE = 256
#: Longer than most secrets.
_NEAR = 2048
_SCHEME = re.compile(r"(?i)(?:bearer|basic|digest)\s{1,8}\Z")
_USER = re.compile(r"(?:://|:\\/\\/)[^\s/]{0,128}:\Z|jdbc:oracle:\S{0,128}/\Z")
#: What a part looks like -> the detector's name.
_LOOKS = (
    ("jwt", re.compile(r"eyJ[\w.-]+")),
    ("aws_key", re.compile(r"A[KS]IA[A-Z0-9]{16}.*", re.DOTALL)),
    (CARD, re.compile(r"[0-9][0-9 \-\u00a0\u202f]{10,40}[0-9]")),
    ("iban", re.compile(r"[A-Za-z]{2}[0-9]{2}[ -]?[A-Za-z0-9][A-Za-z0-9 -]{9,40}")),
)


class Gone(NamedTuple):
    """A part of a text that is gone: from begin to end, exclusive, and the mark in its place."""

    begin: int
    end: int
    mark: str


class Removed(NamedTuple):
    """A text cut at its marks: one part more is kept than is gone."""

    kept: list[str]
    gone: list[Gone]


def removed(before: str, after: str) -> Removed | None:
    """Return what is between the parts that are kept; None where `after` cannot be laid beside `before`."""
    pieces = _MARKS.split(after)
    kept, marks = pieces[::2], pieces[1::2]
    if not marks:
        return Removed(kept, [])
    first = _found(before, kept[0], 0, at_begin=True)
    if first is None:
        return None
    at, gone = first[1], []
    for number, mark in enumerate(marks, 1):
        is_last = number == len(marks)
        found = _found(before, kept[number], at, at_end=is_last)
        if found is None:
            return None
        gone.append(Gone(at, found[0], mark))
        at = found[1]
    return Removed(kept, gone)


def _found(
    before: str, piece: str, at: int, *, at_begin: bool = False, at_end: bool = False
) -> tuple[int, int] | None:
    """(begin, end) of a kept part from `at` on, maybe without a quote that was put beside a mark."""
    variants = _without_quotes(piece)
    for one in variants:
        if at_end:
            begin = len(before) - len(one) if before.endswith(one) else -1
        else:
            begin = before.find(one, at, at + len(one) + (0 if at_begin else _NEAR))
        if begin >= at:
            return begin, begin + len(one)
    if at_begin or at_end:
        return None
    # Far away, or nowhere: looked for once, as one that is not found costs the whole text.
    begin = before.find(variants[-1], at)
    return (begin, begin + len(variants[-1])) if begin >= at else None


def _without_quotes(piece: str) -> tuple[str, ...]:
    lead, tail = _QUOTED_BEGIN.match(piece), _QUOTED_END.search(piece)
    begins = piece[lead.end() :] if lead else piece
    ends = piece[: tail.start()] if tail else piece
    both = begins[: len(begins) - len(tail[0])] if tail and len(begins) >= len(tail[0]) else begins
    return tuple(dict.fromkeys((piece, begins, ends, both)))


def named_before(before: str, at: int) -> str:
    """Return the name that what begins at `at` stands behind, "" for none."""
    context = before[max(0, at - _BEFORE) : at]
    if context.endswith((">", "[")) and (element := _ELEMENT.search(context)) is not None:
        return element[1]
    separator = _SEPARATOR.search(context)
    if separator is None:
        return ""
    name = context[: separator.start()].rstrip().removesuffix("]")
    if name.endswith(('"', "'")):
        name, quote = name[:-1].rstrip("\\"), name[-1]
        return name[name.rfind(quote) + 1 :]
    begin = len(name)
    while begin and (name[begin - 1].isalnum() or name[begin - 1] in _NAME_CHARACTERS):
        begin -= 1
    return name[begin:]


def looks_like(before: str, gone: Gone, *, holds: bool) -> str:
    """Return the detector of a part that no name tells. holds: whether it is a secret by itself."""
    context = before[max(0, gone.begin - _BEFORE) : gone.begin]
    text = before[gone.begin : gone.end]
    if _USER.search(context):
        return "url_password"
    if holds:
        return next((name for name, pattern in _LOOKS if pattern.fullmatch(text)), "token")
    return "token" if _SCHEME.search(context) else NAMES
