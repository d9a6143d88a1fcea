"""Our member of a JSON payload, `"_observe": {"traceparent": ...}`, right after its opening brace.

For services that hand over nothing but the payload. It is written and read as text: every other byte stays
what it was. The reading half takes a payload that may be cut off, for ours is its first member.
"""

from __future__ import annotations

import binascii
import json

from observe import settings
from observe.context import inject
from observe.services.attributes import CARRIED, bytes_of
from observe.services.payload import OWN, carried
from observe.splice import leading, opened, prepend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from observe.context import Context

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

#: How much of a payload is looked into, bytes and members: a batch may have 10,000 of them.
LEAD_MAX_BYTES = 8 * 1024
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
        elif name == CARRIED[0]:
            break
    return kept


def added(data: Any, context: Context, room: int) -> tuple[Any, str]:
    """Return a payload with our member, and why it is not whole: one of source.LOST, or "".

    data: text or bytes of a JSON object, and so it comes back; anything else comes back as it is. room: how
    many bytes it may grow by.
    """
    found = opened(data)
    if found is None:
        return data, "not_json"
    members, at = found
    headers = inject(context)
    if OWN in members:
        return data, "" if members[OWN] == headers else "caller_has_own"
    separator = "," if members else ""
    kept = fitting(headers, lambda some: len(_member(some).encode()) + len(separator), room)
    reason = "" if len(kept) == len(headers) else "too_large"
    return (prepend(data, at, _member(kept) + separator), reason) if kept else (data, reason)


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
