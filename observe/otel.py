"""OpenTelemetry's SDK, joined to the invocation: its spans end in our span line, ours are its parents.

Loaded only when something needs it (httpx, or user code that imports OpenTelemetry): the API and SDK
cost some 20 ms. Nothing is exported over the network; a span that ends is kept by the invocation.
"""

from __future__ import annotations

import os

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from observe import context as contexts
from observe import guard, handler, ids, outbound, semconv, settings, spans, wire
from observe import invocation as invocations
from observe.services import http

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace import Span as SdkSpan

    from observe.context import Context
    from observe.invocation import Invocation

#: What the HTTP instrumentations wrote before the conventions were stable, and still do by default.
_STABLE_NAMES = {
    "http.method": semconv.HTTP_REQUEST_METHOD,
    "http.status_code": semconv.HTTP_RESPONSE_STATUS_CODE,
    "http.url": semconv.URL_FULL,
    "http.route": semconv.HTTP_ROUTE,
    "net.peer.name": semconv.SERVER_ADDRESS,
    "net.peer.port": semconv.SERVER_PORT,
}

_provider: TracerProvider | None = None


def provider() -> TracerProvider:
    """Return our tracer provider, joined to the layer at first use."""
    global _provider
    if _provider is None:
        _provider = TracerProvider(
            sampler=ALWAYS_ON,  # whether a span is kept is decided at the invocation's end
            resource=Resource({semconv.SERVICE_NAME: settings.get().service}),
            id_generator=_SystemIds(),
            shutdown_on_exit=False,
        )
        _provider.add_span_processor(_Keeper())
        _join()
    return _provider


def _join() -> None:
    spans.attach = _attach
    handler.attach = lambda invocation: _attach(invocation.context, always=True)
    contexts.set_bridge(_innermost)
    if not os.environ.get("OTEL_PROPAGATORS"):
        propagate.set_global_textmap(Propagator())
    if invocations.active is not None:  # loaded in the middle of an invocation
        _attach(invocations.active.context)


def adopt_user_code() -> None:
    """Join what user code set up while its module was loaded: its SDK provider, else ours is set."""
    ours = provider()
    current = trace.get_tracer_provider()
    if isinstance(current, TracerProvider):
        if current is not ours:
            current.add_span_processor(_Keeper())
    else:
        trace.set_tracer_provider(ours)


def _attach(context: Context, *, always: bool = False) -> Callable[[], None]:
    """Make our span OpenTelemetry's current one; return the undoing.

    always: also where another span is current by then; else it was left late, with another request at work.
    """
    span_context = SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(context.flags),
    )
    mine = trace.set_span_in_context(NonRecordingSpan(span_context))
    token = otel_context.attach(mine)

    def undo() -> None:
        if always or otel_context.get_current() is mine:
            otel_context.detach(token)

    return undo


def _innermost() -> tuple[str, str] | None:
    found = trace.get_current_span().get_span_context()
    return (f"{found.trace_id:032x}", f"{found.span_id:016x}") if found.is_valid else None


class _SystemIds(IdGenerator):
    """The default generator is seeded once and repeats itself after a SnapStart restore."""

    def generate_trace_id(self) -> int:
        """A span without a parent, as in a thread of user code, still belongs to the invocation's trace."""
        context = contexts.current()
        return int(context.trace_id if context is not None else ids.new_trace_id(), 16)

    def generate_span_id(self) -> int:
        return int(ids.new_span_id(), 16)


class _Keeper(SpanProcessor):
    """Hands every span to the invocation in which it runs."""

    def on_start(self, span: SdkSpan, parent_context: otel_context.Context | None = None) -> None:  # noqa: ARG002
        guard.guarded(_started, span)

    def on_end(self, span: ReadableSpan) -> None:
        guard.guarded(_ended, span)

    def shutdown(self) -> None:
        """Nothing is held here."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Nothing is held here: the invocation writes at its end."""
        return True


def _started(span: ReadableSpan) -> None:
    invocation = invocations.active
    if invocation is not None:
        invocation.start(_converted(span, invocation))


def _ended(span: ReadableSpan) -> None:
    invocation = invocations.active
    if invocation is not None:
        invocation.finish(_converted(span, invocation))


def _converted(span: ReadableSpan, invocation: Invocation) -> wire.Span:
    """An SDK span as ours. OTLP's span kinds count from 1, the SDK's from 0."""
    own = span.get_span_context()
    attributes = {_STABLE_NAMES.get(name, name): value for name, value in (span.attributes or {}).items()}
    out = wire.Span(
        f"{own.trace_id:032x}" if own else ids.NO_TRACE_ID,
        f"{own.span_id:016x}" if own else ids.NO_SPAN_ID,
        f"{span.parent.span_id:016x}" if span.parent else "",
        span.name,
        span.kind.value + 1,
        span.start_time or 0,
        attributes,
    )
    if not span.parent and out.trace_id == invocation.context.trace_id:
        out.parent_span_id = invocation.context.span_id
    out.end_unix_nano = span.end_time or 0
    out.status = span.status.status_code.value
    out.status_message = span.status.description or ""
    out.events = [(event.name, event.timestamp, dict(event.attributes or {})) for event in span.events]
    for link in span.links:
        linked = link.context
        out.links.append((f"{linked.trace_id:032x}", f"{linked.span_id:016x}", dict(link.attributes or {})))
    return out


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
