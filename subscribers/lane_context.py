"""What all lines of an invocation have in common, as its lines together tell it: text of their documents."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from observe import ids
from subscribers.lane_lines import Who
from subscribers.lane_text import quoted
from subscribers.parsers.invocations import Invocation
from subscribers.parsers.platform_signals import TRACE_FROM, XRAY
from subscribers.signals import Span


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Of the span that the platform tells. more: further members."""

    trace_id: str
    span_id: str
    more: str


class Context(msgspec.Struct, frozen=True, gc=False):
    """tail: how documents of lines that tell nothing of it end; span: None where the layer wrote its own."""

    tail: str
    span: Identity | None


def of_lines(who: Who | None, xray: tuple[str, str], request_id: str) -> Context:
    """Return the context of an invocation without span lines: its lines tell it, else X-Ray.

    xray: the trace and the span that its report names, or "".
    """
    if who is not None:
        more = f',"correlation_id":"{who.correlation_id}"'
        return Context(f"{who.members}}}\n", Identity(who.trace_id, who.span_id, more))
    head = f',"faas.execution":"{request_id}"'
    if xray[0]:
        return Context(f'{head},"trace.id":"{xray[0]}"}}\n', Identity(*xray, f',"{TRACE_FROM}":"{XRAY}"'))
    return Context(f"{head}}}\n", Identity(ids.derive_trace_id(request_id), _derived(request_id), ""))


def of_spans(invocation: Invocation) -> Context:
    """Return the context of an invocation with span lines: the layer's own span decides if there is one."""
    invocation.resolve()
    told = (
        ("trace.id", invocation.trace_id),
        ("span.id", invocation.span_id),
        ("correlation_id", invocation.correlation_id),
    )
    members = "".join(f',"{name}":{quoted(value)}' for name, value in told if value)
    tail = f',"faas.execution":"{invocation.request_id}"{members}}}\n'
    if invocation.own_span() is not None:
        return Context(tail, None)
    correlation = invocation.correlation_id
    more = f',"correlation_id":{quoted(correlation)}' if correlation else ""
    span_id = invocation.span_id or _derived(invocation.request_id)
    return Context(tail, Identity(invocation.trace_id, span_id, more))


def invocation_of(who: Who | None, spans: list[Span], request_id: str) -> Invocation:
    """Return an invocation with span lines, of which all lines are known."""
    found = Invocation(request_id=request_id, spans=spans)
    if who is not None:
        found.trace_id, found.span_id, found.correlation_id = who.trace_id, who.span_id, who.correlation_id
    return found


def _derived(request_id: str) -> str:
    return sha256(request_id.encode()).hexdigest()[:16]
