"""The syntax of W3C's headers: traceparent, tracestate and baggage, with their limits."""

from __future__ import annotations

from observe import ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: https://www.w3.org/TR/baggage/#limits and https://www.w3.org/TR/trace-context/#tracestate-limits
BAGGAGE_MAX_BYTES = 8192
BAGGAGE_MAX_MEMBERS = 64
TRACESTATE_MAX = 512

#: What a token may have: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
_TOKEN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"  # noqa: S105


def parse_traceparent(value: str) -> tuple[str, str, int]:
    """Return (trace_id, span_id, flags) of a traceparent, or ("", "", -1) if it is not valid.

    A future version may carry more fields; version 00 may not.
    """
    value = value.strip()
    parts = value.split("-")
    if len(value) < 55 or len(parts) < 4 or value[52] != "-":
        return "", "", -1
    version, trace_id, span_id, flags = parts[:4]
    valid = (
        len(version) == 2
        and is_version(version, len(parts))
        and ids.is_trace_id(trace_id)
        and ids.is_span_id(span_id)
        and len(flags) == 2
        and ids.is_hex(flags)
    )
    return (trace_id, span_id, int(flags, 16)) if valid else ("", "", -1)


def is_version(version: str, fields: int) -> bool:
    """Whether a traceparent of `fields` fields may have this version; `ff` is forbidden."""
    return ids.is_hex(version) and version != "ff" and (version != "00" or fields == 4)


def tracestate(header: str) -> str:
    """Return tracestate if it is printable ASCII of at most 512 characters: a longer one must not be cut."""
    value = header.strip()
    return value if len(value) <= TRACESTATE_MAX and value.isascii() and value.isprintable() else ""


def parse_baggage(header: str) -> list[tuple[str, str]]:
    """Return (key, value as on the wire) pairs, at most what the specification allows.

    https://www.w3.org/TR/baggage/#header-content
    """
    members: list[tuple[str, str]] = []
    size = 0
    for member in header.split(","):
        key, separator, value = member.partition("=")
        key, value = key.strip(), value.strip()
        size += _size((key, value))
        if len(members) >= BAGGAGE_MAX_MEMBERS or size > BAGGAGE_MAX_BYTES:
            break
        if separator and is_token(key) and value.isascii() and value.isprintable():
            members.append((key, value))
    return members


def is_token(name: str) -> bool:
    """Whether `name` may be a header's name, or the key of a member of baggage."""
    return name != "" and not name.strip(_TOKEN)


def baggage(members: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]]) -> str:
    """Return a baggage header of as many members as the next hop keeps, `own` last and all among them."""
    room = BAGGAGE_MAX_BYTES - sum(map(_size, own))
    kept: list[tuple[str, str]] = []
    for member in members[: BAGGAGE_MAX_MEMBERS - len(own)]:
        room -= _size(member)
        if room < 0:
            break
        kept.append(member)
    return ",".join(f"{key}={value}" for key, value in (*kept, *own))


def _size(member: tuple[str, str]) -> int:
    """Characters of `key=value,`."""
    return len(member[0]) + len(member[1]) + 2
