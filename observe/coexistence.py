"""Beside another tracer: no second span, and the same trace in both.

Once the function, or another layer, has imported a tracer that is at work in Lambda, the layer is passive: it
forwards correlation IDs and writes log lines and the metrics that user code asks for, and no span. What it
writes and sends names the other's trace and innermost span, so that logs and traces join: docs/coexistence.md

A tracer is known by the module that it cannot work without, not by a layer's name or its files: these may be
there unused. Loaded together with the first of them (observe.hooks), never before.
"""

from __future__ import annotations

import os
import sys

from observe import context as contexts
from observe import guard, handler, ids, settings, stdout, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from observe.invocation import Invocation

    #: (trace ID of 32 hex digits, span ID of 16) of the innermost span, or None outside of its traces.
    Innermost = Callable[[], tuple[str, str] | None]


def install(module: ModuleType) -> None:
    """Step back for a tracer, unless it is switched off or `OBSERVE_MODE=all` asks for both.

    module: one of TRACERS. The first one that is found is the one whose trace is taken.
    """
    global _innermost
    name, variable, off, innermost = TRACERS[module.__name__]
    found = settings.get()
    if not found.steps_back or os.environ.get(variable, "").strip().lower() in off or _joined():
        return
    handler.attach = _enter
    _innermost = innermost
    contexts.set_bridge(_within)
    if found.mode == "all":
        found.mode, found.passive = "propagate", name
        stdout.write(wire.log_line(_told(name)))


def _told(name: str) -> dict[str, str]:
    return {
        "timestamp": wire.timestamp(stdout.now()),
        "level": "INFO",
        "message": f"hybrid-observe: passive beside {name}: no span is written",
        "event": "observe.passive",
    }


def _joined() -> bool:
    return handler.attach is _enter


def _enter(invocation: Invocation) -> Callable[[], None]:
    """Let the invocation be in the other's trace, as far as that has begun; return the undoing."""
    joined = _within(invocation.context)
    if joined is invocation.context:
        return _nothing
    invocation.context = joined
    invocation.span.trace_id, invocation.span.span_id = joined.trace_id, joined.span_id
    contexts.set_ambient(joined)
    scope = contexts.use(joined)
    scope.__enter__()
    return scope.end


#: Whose trace is taken: of the tracer that was found first.
_innermost: Innermost | None = None


def _within(context: contexts.Context) -> contexts.Context:
    """The same request in the other's innermost span, whatever its own trace; itself outside of any."""
    told = guard.guarded(_innermost) if _innermost is not None else None
    if told is None or told == (context.trace_id, context.span_id):
        return context
    trace_id, span_id = told
    return contexts.Context(
        trace_id,
        span_id,
        correlation_id=context.correlation_id,
        flags=context.flags,
        debug=context.debug,
        hops=context.hops,
        baggage=context.baggage,
        tracestate=context.tracestate if trace_id == context.trace_id else "",
    )


def _nothing() -> None:
    """Nothing was done that had to be undone."""


# --- The tracers ------------------------------------------------------------------------------


def _valid(trace_id: Any, span_id: Any) -> tuple[str, str] | None:
    """Both as hex, from integers or hex; what cannot be a trace of W3C's is none."""
    trace_hex = f"{trace_id:032x}" if isinstance(trace_id, int) else str(trace_id)
    span_hex = f"{span_id:016x}" if isinstance(span_id, int) else str(span_id)
    if ids.is_trace_id(trace_hex) and ids.is_span_id(span_hex):
        return trace_hex, span_hex
    return None


def _datadog() -> tuple[str, str] | None:
    """https://ddtrace.readthedocs.io/en/stable/api.html#ddtrace.trace.Tracer.current_span"""
    module = sys.modules.get("ddtrace.trace") or sys.modules["ddtrace"]
    tracer = getattr(module, "tracer", None) or getattr(sys.modules["ddtrace"], "tracer", None)
    span = tracer.current_span() if tracer is not None else None
    return _valid(span.trace_id, span.span_id) if span is not None else None


def _elastic() -> tuple[str, str] | None:
    """https://www.elastic.co/docs/reference/apm/agents/python/api-reference"""
    running = sys.modules["elasticapm.traces"].execution_context
    transaction, span = running.get_transaction(), running.get_span()
    if transaction is None:
        return None
    while span is not None and not span.id:  # dropped, as those inside a leaf are
        span = span.parent
    return _valid(transaction.trace_parent.trace_id, (span or transaction).id)


def _new_relic() -> tuple[str, str] | None:
    """https://docs.newrelic.com/docs/apm/agents/python-agent/python-agent-api/currenttraceid-python-agent-api/"""
    agent = sys.modules["newrelic.agent"]
    return _valid(agent.current_trace_id(), agent.current_span_id())


def _opentelemetry() -> tuple[str, str] | None:
    """https://opentelemetry.io/docs/specs/otel/trace/api/#context-interaction"""
    found = sys.modules["opentelemetry.trace"].get_current_span().get_span_context()
    return _valid(found.trace_id, found.span_id)


_NO = ("0", "false", "no", "off")
_YES = ("1", "true", "yes", "on")
#: module: (its name for people, the variable that switches it off, with which values, its innermost span).
TRACERS: dict[str, tuple[str, str, tuple[str, ...], Innermost]] = {
    # datadog_lambda imports it, and so does who traces by hand; the datadog client for metrics does not.
    "ddtrace": ("Datadog's tracer", "DD_TRACE_ENABLED", _NO, _datadog),
    # The agent makes a transaction of each invocation, by its wrapper or its decorator.
    "elasticapm": ("Elastic APM", "ELASTIC_APM_ENABLED", _NO, _elastic),
    "newrelic.agent": ("New Relic", "NEW_RELIC_ENABLED", _NO, _new_relic),
    # Not the SDK: a function that sets up a provider for its own spans has ours around them. This is what
    # makes a span of the invocation, in the layers of OpenTelemetry, of AWS (ADOT) and of others.
    "opentelemetry.instrumentation.aws_lambda": (
        "OpenTelemetry's instrumentation of Lambda",
        "OTEL_SDK_DISABLED",
        _YES,
        _opentelemetry,
    ),
}
