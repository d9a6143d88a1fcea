"""Add members to a JSON object without re-serialising it: every other byte stays what it was.

Decoding and encoding damages payloads: 1.10 becomes 1.1, duplicate keys merge, big decimals lose
digits. So members are spliced in after an opening brace.

`splice` looks for one member of a small document; `prepend` and `leading` know that ours comes first.
`cut` takes a member out again: of what was spliced in, it leaves the bytes that were there before.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    #: (its name, index of its name, its value, index of its value, index after its value)
    Member = tuple[str, int, Any, int, int]

_BLANK = " \t\r\n"
_decoder = json.JSONDecoder()


def splice(document: str, key: str, members: Mapping[str, str]) -> str | None:
    """Return `document` with `members` added to its member `key`, or None where that is impossible.

    document: the text of a JSON object; its member `key` must be absent or an object. Members that
    the object already has are left as they are, so a second splice changes nothing.
    """
    outer = _members(document, 0)
    if outer is None:
        return None
    _, found = outer
    if key not in found:
        inner = json.dumps({**members}, ensure_ascii=False, separators=(",", ":"))
        return _insert(document, document.index("{") + 1, bool(found), f"{json.dumps(key)}:{inner}")
    start = found[key]
    nested = _members(document, start)
    if nested is None:
        return None
    at, present = nested
    lacking = {name: value for name, value in members.items() if name not in present}
    if not lacking:
        return document
    return _insert(
        document, at, bool(present), json.dumps(lacking, ensure_ascii=False, separators=(",", ":"))[1:-1]
    )


def opened(data: object) -> tuple[dict[str, Any], int] | None:
    """Return (members, index after the opening brace) of the text or bytes of a JSON object, or None."""
    text = data
    if isinstance(data, bytes | bytearray):
        try:
            text = data.decode()
        except ValueError:
            return None
    if not isinstance(text, str):
        return None
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        return None
    try:
        members, end = _decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return (members, at + 1) if _skip(text, end) == len(text) else None


def prepend(data: Any, at: int, member: str) -> Any:
    """Return `data`, text or bytes, with `member` inserted at `at`; what is before it is ASCII."""
    if isinstance(data, str):
        return data[:at] + member + data[at:]
    return bytes(data[:at]) + member.encode() + bytes(data[at:])


def leading(text: str, most: int) -> dict[str, Any]:
    """Return the first members, at most `most`, of a JSON object that may be cut off anywhere; never raises.

    What is damaged ends the reading; {} for what is no object.
    """
    found: dict[str, Any] = {}
    for name, _, value, _, _ in _walk(text, _skip(text, 0)):
        found[name] = value
        if len(found) >= most:
            break
    return found


def cut(document: str, path: tuple[str, ...], ours: Callable[[Any], bool]) -> str:
    """Return the text of a JSON object without the member at `path`, if there is one whose value is `ours`.

    path: names of members, the last of which is cut. Every other character stays; never raises.
    """
    at = _skip(document, 0)
    for name in path[:-1]:
        found = _member(document, at, name)
        if found is None:
            return document
        at = found[0][3]
    last = _member(document, at, path[-1])
    if last is None or not ours(last[0][2]):
        return document
    (_, start, _, _, end), comma = last
    after = _skip(document, end)
    if document[after : after + 1] == ",":
        return document[:start] + document[after + 1 :]
    return document[: start if comma is None else comma] + document[end:]


def _member(document: str, at: int, wanted: str) -> tuple[Member, int | None] | None:
    """The first member of that name in the object at `at`, and the index of the comma before it, if any."""
    comma = None
    for member in _walk(document, at):
        if member[0] == wanted:
            return member, comma
        comma = _skip(document, member[4])
    return None


def _walk(text: str, at: int) -> Iterator[Member]:
    """Yield the members of the object whose opening brace is at `at`; what is damaged or cut off ends it."""
    if text[at : at + 1] != "{":
        return
    try:
        while True:
            start = _skip(text, at + 1)
            name, at = _decoder.raw_decode(text, start)
            at = _skip(text, at)
            if not isinstance(name, str) or text[at : at + 1] != ":":
                return
            value_at = _skip(text, at + 1)
            value, end = _decoder.raw_decode(text, value_at)
            yield name, start, value, value_at, end
            at = _skip(text, end)
            if text[at : at + 1] != ",":
                return
    except (ValueError, RecursionError):
        return  # the rest was cut off


def _insert(document: str, at: int, more: bool, text: str) -> str:
    return document[:at] + text + ("," if more else "") + document[at:]


def _members(document: str, at: int) -> tuple[int, dict[str, int]] | None:
    """(index after `{`, {key: index of its value}) of the object at `at`, or None if there is none."""
    at = _skip(document, at)
    try:
        value, end = _decoder.raw_decode(document, at)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or (at == _skip(document, 0) and _skip(document, end) != len(document)):
        return None
    return at + 1, {name: value_at for name, _, _, value_at, _ in _walk(document, at)}


def _skip(document: str, at: int) -> int:
    while at < len(document) and document[at] in _BLANK:
        at += 1
    return at
