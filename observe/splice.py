"""Add members to a JSON object without re-serialising it: every other byte stays what it was.

Decoding and encoding damages payloads: 1.10 becomes 1.1, duplicate keys merge, big decimals lose
digits. So members are spliced in after an opening brace.

`splice` looks for one member of a small document; `prepend` and `leading` know that ours comes first.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

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
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        return found
    try:
        while len(found) < most:
            key, at = _decoder.raw_decode(text, _skip(text, at + 1))
            at = _skip(text, at)
            if not isinstance(key, str) or text[at : at + 1] != ":":
                break
            found[key], at = _decoder.raw_decode(text, _skip(text, at + 1))
            at = _skip(text, at)
            if text[at : at + 1] != ",":
                break
    except (ValueError, RecursionError):
        pass  # the rest was cut off
    return found


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
    start = at + 1
    found: dict[str, int] = {}
    at = _skip(document, start)
    while document[at] != "}":
        key, at = _decoder.raw_decode(document, at)
        at = _skip(document, _skip(document, at) + 1)  # the colon
        found[key] = at
        _, at = _decoder.raw_decode(document, at)
        at = _skip(document, at)
        if document[at] == ",":
            at = _skip(document, at + 1)
    return start, found


def _skip(document: str, at: int) -> int:
    while at < len(document) and document[at] in _BLANK:
        at += 1
    return at
