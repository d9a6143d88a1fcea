"""The layer's headers wherever OpenTelemetry propagates: its propagator, unless the function has its own."""

from __future__ import annotations

import sys

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.propagators.textmap import TextMapPropagator, default_getter, default_setter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from observe import context as contexts
from observe import guard, outbound, semconv, settings, w3c
from observe import invocation as invocations
from observe.services import http

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BAGGAGE = "opentelemetry.baggage"
_OWN = (semconv.BAGGAGE_DEBUG, semconv.BAGGAGE_HOPS)


class Propagator(TextMapPropagator):
    """Writes and reads the layer's own headers wherever OpenTelemetry propagates.

    In the place of OpenTelemetry's default, of which it does all the rest: a trace that user code has put
    into OpenTelemetry's context, and OpenTelemetry's baggage. What the caller has set in the carrier is never
    overwritten.
    """

    def inject(
        self,
        carrier: Any,
        context: otel_context.Context | None = None,
        setter: Any = default_setter,
        **_: Any,
    ) -> None:
        """Add the context to `carrier`, which only `setter` need understand."""
        guard.guarded(_inject, carrier, context, setter or default_setter)

    def extract(
        self,
        carrier: Any,
        context: otel_context.Context | None = None,
        getter: Any = default_getter,
        **_: Any,
    ) -> otel_context.Context:
        """Return `context` with the remote span and the baggage that `carrier` names, if it names any."""
        found = guard.guarded(_extract, carrier, context, getter or default_getter, self.fields)
        return found if found is not None else context if context is not None else otel_context.get_current()

    @property
    def fields(self) -> set[str]:
        return {contexts.TRACEPARENT, contexts.TRACESTATE, contexts.BAGGAGE, contexts.CORRELATION_ID}


def _inject(carrier: Any, context: otel_context.Context | None, setter: Any) -> None:
    keys = getattr(carrier, "keys", None)
    present = {str(name).lower() for name in keys()} if callable(keys) else set()
    host = str(carrier["host"]) if "host" in present and "host" in carrier else ""
    for name, value in _headers(present, host, context).items():
        setter.set(carrier, name, value)


def _headers(present: set[str], host: str, context: otel_context.Context | None) -> dict[str, str]:
    current = contexts.current()
    asked = trace.get_current_span(context).get_span_context()
    headers: dict[str, str] = {}
    if current is not None:
        if (
            context is not None and asked.is_valid and _is_of(asked, current)
        ):  # somebody says which span it is
            current = current.at(f"{asked.span_id:016x}")
        baggage = outbound.takes_baggage(*outbound.authority(host), settings.get())
        headers = http.carry(present, outbound.carriable(current), baggage=baggage)
    if _is_users_own(asked, current) and not {contexts.TRACEPARENT, contexts.TRACESTATE} & present:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        headers.pop(contexts.TRACESTATE, None)
        TraceContextTextMapPropagator().inject(headers, context)
    if contexts.BAGGAGE not in present and _BAGGAGE in sys.modules:
        _add_baggage(headers, context)
    return headers


def _is_of(asked: SpanContext, context: contexts.Context | None) -> bool:
    return context is not None and f"{asked.trace_id:032x}" == context.trace_id


def _is_users_own(asked: SpanContext, current: contexts.Context | None) -> bool:
    """Whether user code has put a trace into OpenTelemetry's context that is not the invocation's."""
    invocation = invocations.active
    ours = _is_of(asked, current) or _is_of(asked, invocation.context if invocation is not None else None)
    return asked.is_valid and not ours


def _add_baggage(headers: dict[str, str], context: otel_context.Context | None) -> None:
    """Put what user code has set before what is there, as many as the next hop keeps, ours among them."""
    from opentelemetry.baggage.propagation import W3CBaggagePropagator

    written: dict[str, str] = {}
    W3CBaggagePropagator().inject(written, context)
    if contexts.BAGGAGE not in written:
        return
    ours = w3c.parse_baggage(headers.get(contexts.BAGGAGE, ""))
    theirs = [m for m in w3c.parse_baggage(written[contexts.BAGGAGE]) if m[0] not in _OWN]
    names = {name for name, _ in theirs}
    others = [member for member in ours if member[0] not in (*_OWN, *names)]
    told = w3c.baggage([*theirs, *others], [member for member in ours if member[0] in _OWN])
    if told:
        headers[contexts.BAGGAGE] = told


def _extract(
    carrier: Any, context: otel_context.Context | None, getter: Any, names: set[str]
) -> otel_context.Context | None:
    headers = {}
    for name in names:
        value = next(iter(getter.get(carrier, name) or ()), None)
        if value:
            headers[name] = value
    if contexts.BAGGAGE in headers:
        from opentelemetry.baggage.propagation import W3CBaggagePropagator

        context = W3CBaggagePropagator().extract(carrier, context, getter)
    found = contexts.extract(headers)
    if not found.span_id:
        return context
    remote = SpanContext(
        *(int(found.trace_id, 16), int(found.span_id, 16)),
        is_remote=True,
        trace_flags=TraceFlags(found.flags),
        trace_state=TraceState.from_header([found.tracestate]),
    )
    return trace.set_span_in_context(NonRecordingSpan(remote), context)
