"""The syntax of W3C's headers: traceparent, tracestate and baggage, with their limits."""

from __future__ import annotations

from observe import ids

#: https://www.w3.org/TR/baggage/#limits and https://www.w3.org/TR/trace-context/#tracestate-limits
BAGGAGE_MAX_BYTES = 8192
BAGGAGE_MAX_MEMBERS = 64
TRACESTATE_MAX = 512


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
        size += len(key) + len(value) + 2
        if len(members) >= BAGGAGE_MAX_MEMBERS or size > BAGGAGE_MAX_BYTES:
            break
        if key and separator and f"{key}{value}".isascii() and f"{key}{value}".isprintable():
            members.append((key, value))
    return members
