"""The layer's headers wherever OpenTelemetry propagates: its propagator, unless the function has its own."""

from __future__ import annotations

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from observe import context as contexts
from observe import guard, outbound, settings
from observe.services import http

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Propagator(TextMapPropagator):
    """Writes and reads the layer's own headers wherever OpenTelemetry propagates.

    What the caller has set in the carrier is never overwritten.
    """

    def inject(
        self,
        carrier: Any,
        context: otel_context.Context | None = None,
        setter: Any = None,
        **_: Any,
    ) -> None:
        """Add the context to `carrier`, which only `setter` need understand."""
        guard.guarded(_inject, carrier, context, setter)

    def extract(
        self, carrier: Any, context: otel_context.Context | None = None, getter: Any = None, **_: Any
    ) -> otel_context.Context:
        """Return `context` with the remote span that `carrier` names, if it names one."""
        found = guard.guarded(_extract, carrier, context, getter, self.fields)
        return found if found is not None else context if context is not None else otel_context.get_current()

    @property
    def fields(self) -> set[str]:
        return {contexts.TRACEPARENT, contexts.TRACESTATE, contexts.BAGGAGE, contexts.CORRELATION_ID}


def _inject(carrier: Any, context: otel_context.Context | None, setter: Any) -> None:
    current = contexts.current()
    if current is None:
        return
    if context is not None:  # somebody says which span it is
        asked = trace.get_current_span(context).get_span_context()
        if asked.is_valid and f"{asked.trace_id:032x}" == current.trace_id:
            current = current.at(f"{asked.span_id:016x}")
    keys = getattr(carrier, "keys", None)
    present = {str(name).lower() for name in keys()} if callable(keys) else set()
    current = outbound.carriable(current)
    host = str(carrier["host"]) if "host" in present and "host" in carrier else ""
    baggage = outbound.takes_baggage(*outbound.authority(host), settings.get())
    for name, value in http.carry(present, current, baggage=baggage).items():
        if setter is None:
            carrier[name] = value
        else:
            setter.set(carrier, name, value)


def _extract(
    carrier: Any, context: otel_context.Context | None, getter: Any, names: set[str]
) -> otel_context.Context | None:
    headers = {}
    for name in names:
        values = getter.get(carrier, name) if getter is not None else [carrier.get(name)]
        if values and values[0]:
            headers[name] = values[0]
    found = contexts.extract(headers)
    if not found.span_id:
        return None
    remote = SpanContext(
        int(found.trace_id, 16), int(found.span_id, 16), is_remote=True, trace_flags=TraceFlags(found.flags)
    )
    return trace.set_span_in_context(NonRecordingSpan(remote), context)
