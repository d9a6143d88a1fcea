"""Our member of a JSON payload, `"_observe": {"traceparent": ...}`, right after its opening brace.

For services that hand over nothing but the payload. It is written and read as text: every other byte stays
what it was. The reading half takes a payload that may be cut off, for ours is its first member. The last part
takes it out again, so that a handler gets what its sender wrote; events are copied where they change.
"""

from __future__ import annotations

import binascii
import json
from operator import is_not

from observe import settings
from observe.context import inject
from observe.services.attributes import CARRIED, bytes_of
from observe.services.payload import carried
from observe.source import OWN
from observe.splice import cut, leading, opened, prepend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from observe.context import Context

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

#: How much of a payload is looked into, bytes and members: a batch may have 10,000 of them.
LEAD_MAX_BYTES = 8 * 1024
_NO_MARK: dict[str, str] = {}
#: What else stands in the member of an execution's input: its tasks hand it on to one another in what they
#: return, so it is left in.
KEPT = {"for": "stepfunctions"}
MEMBERS_MAX = 32
#: Without one of these in its lead a payload is not parsed.
_HINTS = (
    *(b"_observe", b"__context__", b"_datadog", b"raceparent"),
    *(b"orrelation-I", b"orrelation-i", b"mzn-Trace-I", b"mzn-trace-i"),
)


def opted_in(name: str) -> bool:
    """Whether OBSERVE_PAYLOAD_CARRIERS names this one of settings.PAYLOAD_CARRIERS."""
    return name in settings.get().payload_carriers


def room_of(size: int, *limits: int) -> int:
    """Return the bytes that may be added without crossing one of the limits, ascending, that may hold."""
    return next((limit - size for limit in limits if size <= limit), 0)


def fitting(headers: Mapping[str, str], cost: Callable[[dict[str, str]], int], room: int) -> dict[str, str]:
    """Return as many headers as have room, in order of worth: all, some, or none without traceparent."""
    if cost({**headers}) <= room:
        return {**headers}
    kept: dict[str, str] = {}
    for name in CARRIED:
        if name in headers and cost({**kept, name: headers[name]}) <= room:
            kept[name] = headers[name]
        elif name == CARRIED[0] and name in headers:
            break
    return kept


def added(data: Any, context: Context, room: int, mark: Mapping[str, str] = _NO_MARK) -> tuple[Any, str]:
    """Return a payload with our member, and why it is not whole: one of source.LOST, or "".

    data: text or bytes of a JSON object, and so it comes back; anything else comes back as it is. room: how
    many bytes it may grow by. mark: what else stands in our member.
    """
    found = opened(data)
    if found is None:
        return data, "not_json"
    members, at = found
    headers = inject(context)
    if OWN in members:
        return data, "" if members[OWN] == {**headers, **mark} else "caller_has_own"
    separator = "," if members else ""
    kept = fitting(headers, lambda some: len(_member({**some, **mark}).encode()) + len(separator), room)
    reason = "" if len(kept) == len(headers) else "too_large"
    return (prepend(data, at, _member({**kept, **mark}) + separator), reason) if kept else (data, reason)


def _member(headers: Mapping[str, str]) -> str:
    return f'"{OWN}":{_encode(headers)}'


def all_added(
    entries: Sequence[Mapping[str, Any]],
    key: str,
    context: Context,
    room: int,
    room_of_one: Callable[[Mapping[str, Any]], int],
) -> tuple[list[dict[str, Any]], str]:
    """Return the entries of a batch with our member in what stands under `key`, and the first reason.

    room: how many bytes all of them may grow by; room_of_one: the same for one entry.
    """
    out: list[dict[str, Any]] = []
    first = ""
    for entry in entries:
        before = entry.get(key)
        after, reason = added(before, context, min(room, room_of_one(entry)))
        first = first or reason
        grown = {**entry}
        if after is not before:
            room -= bytes_of(after) - bytes_of(before)
            grown[key] = after
        out.append(grown)
    return out, first


# --- Reading --------------------------------------------------------------------------------


def headers_of(data: bytes) -> dict[str, str]:
    """Return the headers among the first members of a payload; {} for one that is no JSON object."""
    lead = data[:LEAD_MAX_BYTES]
    if not lead.lstrip().startswith(b"{") or not any(hint in lead for hint in _HINTS):
        return {}
    return carried(leading(lead.decode("utf-8", "replace"), MEMBERS_MAX))


def decoded(data: object, most: int) -> bytes:
    """Return at most the first `most` bytes of base64 text; b"" for what is none."""
    if not isinstance(data, str):
        return b""
    try:
        return binascii.a2b_base64(data[: -(-most // 3) * 4])[:most]
    except ValueError:
        return b""


# --- Taking it out --------------------------------------------------------------------------

#: How much of base64 text is decoded to see whether ours is the first member; blanks may be before it.
_PEEK_BYTES = 48


def without(value: Any) -> Any:
    """Return a JSON object without our member; any other value as it is."""
    if not isinstance(value, dict) or not is_ours(value.get(OWN)):
        return value
    return {name: member for name, member in value.items() if name != OWN}


def text_without(document: Any, *path: str) -> Any:
    """Return the text of a JSON object without our member, which is in the object at `path` in it."""
    if not isinstance(document, str) or f'"{OWN}"' not in document:
        return document
    return cut(document, (*path, OWN), is_ours)


def body_without(document: Any) -> Any:
    """Return a text without our member: an event of EventBridge, or what a rule made of one."""
    left = text_without(document, "detail")
    return text_without(document) if left is document else left


def base64_without(data: Any) -> Any:
    """Return the base64 of a JSON object that begins with our member without it; anything else as it is."""
    if f'"{OWN}"'.encode() not in decoded(data, _PEEK_BYTES):
        return data
    whole = decoded(data, len(data))
    # Latin-1: a character is a byte, and JSON's own are ASCII.
    left = cut(whole.decode("latin-1"), (OWN,), is_ours).encode("latin-1")
    return data if len(left) == len(whole) else binascii.b2a_base64(left, newline=False).decode()


def is_ours(value: Any) -> bool:
    """Whether what stands under our name is what `added` puts there, and nothing that a task must hand on."""
    return isinstance(value, dict) and bool(value) and value.keys() <= _CARRIED


_CARRIED = frozenset(CARRIED)


def within(value: Any, path: Sequence[str], change: Callable[[Any], Any]) -> Any:
    """Return `value` with what is at `path` changed: the value itself where that is nothing."""
    if not path:
        return change(value)
    if not isinstance(value, dict) or path[0] not in value:
        return value
    after = within(value[path[0]], path[1:], change)
    return value if after is value[path[0]] else {**value, path[0]: after}


def in_each(items: Any, path: Sequence[str], change: Callable[[Any], Any]) -> Any:
    """Return a list with what is at `path` in each of its items changed, as `within` does."""
    if not isinstance(items, list):
        return items
    changed = [within(item, path, change) for item in items]
    return changed if any(map(is_not, changed, items)) else items
