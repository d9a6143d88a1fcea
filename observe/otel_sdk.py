"""OpenTelemetry's SDK: the spans of whatever provider user code makes end in our span line, too.

Loaded when user code imports the SDK, or asks our own provider for what only the SDK has.
"""

from __future__ import annotations

from opentelemetry import context as otel_context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from observe import context as contexts
from observe import guard, ids, semconv, settings, wire
from observe import invocation as invocations
from observe.otel_span import STABLE_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace import Span as SdkSpan

    from observe.invocation import Invocation


def provider() -> TracerProvider:
    """Return a provider of the SDK whose spans the invocation keeps."""
    made = TracerProvider(
        sampler=ALWAYS_ON,  # whether a span is kept is decided at the invocation's end
        resource=Resource({semconv.SERVICE_NAME: settings.get().service}),
        id_generator=_SystemIds(),
        shutdown_on_exit=False,
    )
    join(made)
    return made


def join(provider: object) -> None:
    """Let the invocation keep the spans of `provider`, if it is one of the SDK's; once."""
    if isinstance(provider, TracerProvider) and not getattr(provider, "_observe_joined", False):
        provider._observe_joined = True  # type: ignore[attr-defined]
        provider.add_span_processor(_Keeper())


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
    attributes = {STABLE_NAMES.get(name, name): value for name, value in (span.attributes or {}).items()}
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
