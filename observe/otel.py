"""OpenTelemetry joined to the invocation: its spans end in our span line, ours are its parents.

Loaded only when something needs it (httpx, or user code that imports OpenTelemetry): the API costs 6 ms, the
SDK more, so that is loaded by whoever asks for it. Nothing is exported over the network; a span that ends is
kept by the invocation.
"""

from __future__ import annotations

import os
import sys

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from observe import context as contexts
from observe import handler, otel_light, spans
from observe import invocation as invocations
from observe.otel_propagator import Propagator
from observe.otel_span import TracerProvider

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from observe.context import Context

_provider: TracerProvider | None = None


def provider() -> TracerProvider:
    """Return our tracer provider, joined to the layer at first use."""
    global _provider
    if _provider is None:
        _provider = TracerProvider()
        _join()
    return _provider


def _join() -> None:
    spans.attach = _attach
    handler.attach = lambda invocation: _attach(invocation.context, always=True)
    contexts.set_bridge(_innermost)
    if not os.environ.get("OTEL_PROPAGATORS") and _is_default(propagate.get_global_textmap()):
        propagate.set_global_textmap(Propagator())
    if invocations.active is not None:  # loaded in the middle of an invocation
        _attach(invocations.active.context)


def _is_default(propagator: object) -> bool:
    """Whether it is what OpenTelemetry sets for itself, and not what user code has set."""
    names = tuple(otel_light.PROPAGATORS.values())
    parts = getattr(propagator, "_propagators", ())
    return type(propagator) is CompositePropagator and names == tuple(
        each.name if isinstance(each, otel_light.DeferredPropagator) else type(each).__name__
        for each in parts
    )


def propagates() -> bool:
    """Whether what OpenTelemetry propagates is ours, and not what a propagator of user code writes."""
    return isinstance(propagate.get_global_textmap(), Propagator)


def adopt_user_code() -> None:
    """Join the provider that user code set while its module was loaded; else ours is there until it sets one.

    Not by `trace.set_tracer_provider`, which takes one provider for good: user code may set its own later.
    """
    ours = provider()
    current = trace.get_tracer_provider()
    if isinstance(current, trace.ProxyTracerProvider):
        trace._TRACER_PROVIDER = ours
    elif "opentelemetry.sdk.trace" in sys.modules:
        from observe import otel_sdk

        otel_sdk.join(current)  # made before the layer was there to see it


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


def _innermost(context: Context) -> Context:
    found = trace.get_current_span().get_span_context()
    if not found.is_valid or f"{found.trace_id:032x}" != context.trace_id:
        return context
    span_id = f"{found.span_id:016x}"
    return context if span_id == context.span_id else context.at(span_id)
