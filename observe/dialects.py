"""Other tools' headers, read and written: B3, Jaeger, Datadog, plain IDs, SAP's passport (only read).

Loaded when one is seen, or asked for by OBSERVE_DIALECTS. Each reader returns (trace_id, span_id, flags),
with flags -1 where the header leaves the decision open, or ("", "", -1) where the header is absent or not
valid. Each writer returns headers. What a dialect cannot carry: docs/spec/context.md, "Dialects"
"""

from __future__ import annotations

from observe import ids, w3c
from observe.context import CORRELATION_ID, CORRELATION_PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from observe.context import Context

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
    """Decimal 64-bit IDs; the high half of the trace ID is in `x-datadog-tags: _dd.p.tid=16hex`.

    A test or a browser that begins a trace sends the parent 0: https://docs.datadoghq.com/synthetics/apm/
    """
    trace_id = headers.get("x-datadog-trace-id", "").strip()
    span_id = headers.get("x-datadog-parent-id", "").strip() or "0"
    if not (_is_uint64(trace_id) and _is_uint64(span_id)):
        return NONE
    high = ""
    for tag in headers.get("x-datadog-tags", "").split(","):
        key, _, value = tag.partition("=")
        if key.strip() == "_dd.p.tid" and len(value) == 16 and ids.is_hex(value):
            high = value
    priority = headers.get("x-datadog-sampling-priority", "").strip()
    flags = {"1": 1, "2": 1, "0": 0, "-1": 0}.get(priority, -1)
    trace_id = f"{high}{int(trace_id):016x}"
    if not int(span_id):
        return (trace_id.rjust(32, "0"), "", flags) if int(trace_id, 16) else NONE
    return _valid(trace_id, f"{int(span_id):016x}", flags)


def _is_uint64(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 20 and int(value) < 1 << 64


def _valid(trace_id: str, span_id: str, flags: int) -> Parent:
    trace_id, span_id = trace_id.rjust(32, "0"), span_id.rjust(16, "0")
    return (trace_id, span_id, flags) if ids.is_trace_id(trace_id) and ids.is_span_id(span_id) else NONE


READERS = (_b3_single, _b3_multi, _jaeger, _datadog)


# --- Read besides a trace ---------------------------------------------------------------------

#: Of the 230 bytes of a passport, version 3, in hex: its ends, and where two IDs are in it.
_PASSPORT_DIGITS = 460
_PASSPORT_ENDS = "2a54482a"
_PASSPORT_TRANSACTION = slice(298, 362)  # 32 characters of text: one action of a user, end to end
_PASSPORT_ROOT = slice(372, 404)  # 16 bytes: the session in which the user acted


def sap_transaction(header: str) -> str:
    """Return the transaction ID of an SAP passport, else its root context ID, else "".

    The layout is the one that OpenUI5 writes:
    https://github.com/SAP/openui5/blob/master/src/sap.ui.core/src/sap/ui/performance/trace/Passport.js
    """
    digits = header.strip().lower()
    if len(digits) != _PASSPORT_DIGITS or not ids.is_hex(digits):
        return ""
    if not (digits.startswith(_PASSPORT_ENDS) and digits.endswith(_PASSPORT_ENDS)):
        return ""
    transaction = bytes.fromhex(digits[_PASSPORT_TRANSACTION]).decode("latin-1").strip(" \0")
    if ids.is_trace_id(transaction.lower()):
        return transaction
    root = digits[_PASSPORT_ROOT]
    return root if ids.is_trace_id(root) else ""


def with_correlations(baggage: str, headers: Mapping[str, str]) -> str:
    """Return a baggage header with every `x-correlation-*` added as a member that it does not have."""
    known = {key for key, _ in w3c.parse_baggage(baggage)}
    members = [baggage] if baggage else []
    for name, value in headers.items():
        key = name.removeprefix(CORRELATION_PREFIX)
        if _is_member(name) and key not in known:
            members.append(f"{key}={_on_the_wire(value.strip())}")
    return ",".join(members)


def _is_member(name: str) -> bool:
    """Whether a header's name is that of a member of baggage: `x-correlation-*`, the ID apart."""
    return (
        name.startswith(CORRELATION_PREFIX)
        and name != CORRELATION_ID
        and w3c.is_token(name.removeprefix(CORRELATION_PREFIX))
    )


def _on_the_wire(value: str) -> str:
    """A value as baggage may have it: what it may not is percent-encoded."""
    if value.isascii() and value.isprintable() and not set(value) & set(' ",\\'):
        return value
    from urllib.parse import quote

    return quote(value, safe="", errors="replace")


# --- Written ----------------------------------------------------------------------------------


def write(dialect: str, context: Context, present: Container[str], *, baggage: bool) -> dict[str, str]:
    """Return the headers that carry `context` in `dialect`, one of WRITERS; any other has none.

    present: the names that the caller has set, in lower case. They win; where one belongs to a trace's
    headers, all of these stay away: half of them would be another's. baggage: whether the host may have it.
    """
    if dialect not in WRITERS:
        return {}
    writer, family = WRITERS[dialect]
    if any(name in present for name in family):
        return {}
    return {
        name: value
        for name, value in writer(context).items()
        if name not in present and (baggage or not _is_member(name))
    }


def is_of_traces(dialect: str) -> bool:
    """Whether a dialect writes a trace of its own beside W3C's, and not only IDs."""
    return dialect in WRITERS and bool(WRITERS[dialect][1])


def _span_id(context: Context) -> str:
    return context.span_id or ids.derived_span_id(context.trace_id)


def _to_b3(context: Context) -> dict[str, str]:
    return {"b3": f"{context.trace_id}-{_span_id(context)}-{context.flags & 1}"}


def _to_b3_multi(context: Context) -> dict[str, str]:
    return {
        "x-b3-traceid": context.trace_id,
        "x-b3-spanid": _span_id(context),
        "x-b3-sampled": str(context.flags & 1),
    }


def _to_jaeger(context: Context) -> dict[str, str]:
    """https://www.jaegertracing.io/docs/1.21/client-libraries/#propagation-format"""
    return {"uber-trace-id": f"{context.trace_id}:{_span_id(context)}:0:{context.flags & 1}"}


def _to_datadog(context: Context) -> dict[str, str]:
    high, low = context.trace_id[:16], context.trace_id[16:]
    headers = {
        "x-datadog-trace-id": str(int(low, 16)),
        "x-datadog-parent-id": str(int(_span_id(context), 16)),
        "x-datadog-sampling-priority": str(context.flags & 1),
    }
    if high != ids.NO_SPAN_ID:
        headers["x-datadog-tags"] = f"_dd.p.tid={high}"
    return headers


def _to_correlations(context: Context) -> dict[str, str]:
    """Every member of baggage that can be a header's name is `x-correlation-<key>`."""
    headers = {
        CORRELATION_ID: context.correlation_id,
        "debug-log-enabled": "true" if context.debug else "false",
        "call-chain-length": str(context.hops),
    }
    for key, value in context.baggage:
        if w3c.is_token(key):
            headers.setdefault(f"{CORRELATION_PREFIX}{key.lower()}", value)
    return headers


_B3 = ("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags")
_DATADOG = (
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-origin",
    "x-datadog-tags",
)

#: dialect -> (its writer, the names that belong together); W3C's own is observe.context.inject.
WRITERS: dict[str, tuple[Callable[[Context], dict[str, str]], tuple[str, ...]]] = {
    "b3": (_to_b3, _B3),
    "b3multi": (_to_b3_multi, _B3),
    "jaeger": (_to_jaeger, ("uber-trace-id",)),
    "datadog": (_to_datadog, _DATADOG),
    "x-request-id": (lambda context: {"x-request-id": context.correlation_id}, ()),
    "request-id": (lambda context: {"request-id": context.correlation_id}, ()),
    "x-correlation-star": (_to_correlations, ()),
}
