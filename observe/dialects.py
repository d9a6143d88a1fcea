"""Trace contexts in other tools' headers: B3, Jaeger and Datadog. Loaded when one is seen.

Each reader returns (trace_id, span_id, flags), with flags -1 where the header leaves the decision
open, or ("", "", -1) where the header is absent or not valid.
"""

from __future__ import annotations

from observe import ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Parent = tuple[str, str, int]

NONE = ("", "", -1)


def trace_parent(headers: Mapping[str, str]) -> Parent:
    """Return the first valid parent any dialect carries."""
    for read in READERS:
        parent = read(headers)
        if parent[0]:
            return parent
    return NONE


def _b3_single(headers: Mapping[str, str]) -> Parent:
    """`b3: {trace}-{span}[-{sampled}[-{parent}]]`; https://github.com/openzipkin/b3-propagation"""
    parts = headers.get("b3", "").strip().lower().split("-")
    if len(parts) < 2 or len(parts[0]) not in (16, 32) or len(parts[1]) != 16:
        return NONE
    return _valid(parts[0], parts[1], _b3_flags(parts[2] if len(parts) > 2 else ""))


def _b3_multi(headers: Mapping[str, str]) -> Parent:
    sampled = "d" if headers.get("x-b3-flags") == "1" else headers.get("x-b3-sampled", "").lower()
    trace_id = headers.get("x-b3-traceid", "").strip().lower()
    return _valid(trace_id, headers.get("x-b3-spanid", "").strip().lower(), _b3_flags(sampled))


def _b3_flags(sampled: str) -> int:
    return {"1": 1, "d": 1, "true": 1, "0": 0, "false": 0}.get(sampled, -1)


def _jaeger(headers: Mapping[str, str]) -> Parent:
    """`uber-trace-id: {trace}:{span}:{parent}:{flags}`, IDs without leading zeros."""
    parts = (
        headers.get("uber-trace-id", "").replace("%3A", ":").replace("%3a", ":").strip().lower().split(":")
    )
    if len(parts) != 4 or not parts[3] or len(parts[3]) > 2 or not ids.is_hex(parts[3]):
        return NONE
    return _valid(parts[0], parts[1], int(parts[3], 16) & 1)


def _datadog(headers: Mapping[str, str]) -> Parent:
    """Decimal 64-bit IDs; the high half of the trace ID is in `x-datadog-tags: _dd.p.tid=16hex`."""
    trace_id = headers.get("x-datadog-trace-id", "").strip()
    span_id = headers.get("x-datadog-parent-id", "").strip()
    if not (_is_uint64(trace_id) and _is_uint64(span_id)):
        return NONE
    high = ""
    for tag in headers.get("x-datadog-tags", "").split(","):
        key, _, value = tag.partition("=")
        if key.strip() == "_dd.p.tid" and len(value) == 16 and ids.is_hex(value):
            high = value
    priority = headers.get("x-datadog-sampling-priority", "").strip()
    flags = {"1": 1, "2": 1, "0": 0, "-1": 0}.get(priority, -1)
    return _valid(f"{high}{int(trace_id):016x}", f"{int(span_id):016x}", flags)


def _is_uint64(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 20 and int(value) < 1 << 64


def _valid(trace_id: str, span_id: str, flags: int) -> Parent:
    trace_id, span_id = trace_id.rjust(32, "0"), span_id.rjust(16, "0")
    return (trace_id, span_id, flags) if ids.is_trace_id(trace_id) and ids.is_span_id(span_id) else NONE


READERS = (_b3_single, _b3_multi, _jaeger, _datadog)
