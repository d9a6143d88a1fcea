"""Spans of OpenTelemetry's API without its SDK, which costs 10 ms of a cold start.

What instrumentations and user code call is the API's; behind each of its spans is one of ours, kept by the
invocation and written at its end, as all spans are.
"""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, NoOpTracer, SpanContext, SpanKind, StatusCode, TraceFlags

from observe import context as contexts
from observe import guard, ids, outcome, semconv, stdout, wire
from observe import invocation as invocations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Status
    from opentelemetry.trace import Span as ApiSpan

    from observe.invocation import Invocation

#: What the HTTP instrumentations wrote before the conventions were stable, and still do by default.
STABLE_NAMES = {
    "http.method": semconv.HTTP_REQUEST_METHOD,
    "http.status_code": semconv.HTTP_RESPONSE_STATUS_CODE,
    "http.url": semconv.URL_FULL,
    "http.route": semconv.HTTP_ROUTE,
    "net.peer.name": semconv.SERVER_ADDRESS,
    "net.peer.port": semconv.SERVER_PORT,
}


class Span(NonRecordingSpan):
    """A span of the API, recorded as one of ours; without an effect once it has ended.

    https://opentelemetry.io/docs/specs/otel/trace/api/#span
    """

    def __init__(self, context: SpanContext, span: wire.Span, invocation: Invocation, scope: str) -> None:
        super().__init__(context)
        self._span, self._invocation = span, invocation
        #: Who instrumented: `opentelemetry.instrumentation.httpx`.
        self.scope = scope

    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return not self._span.end_unix_nano

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute; names that were renamed get their present one."""
        if self.is_recording():
            self._span.attributes[STABLE_NAMES.get(key, key)] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set attributes."""
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(
        self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None
    ) -> None:
        """Add an event; timestamp: ns since the epoch, default now."""
        if self.is_recording():
            self._span.events.append((name, timestamp or stdout.now(), dict(attributes or {})))

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        """Add a link."""
        if self.is_recording() and context.is_valid:
            self._span.links.append(_linked(context, attributes))

    def update_name(self, name: str) -> None:
        """Rename the span."""
        if self.is_recording():
            self._span.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status: OK is final, and none unsets it.

        https://opentelemetry.io/docs/specs/otel/trace/api/#set-status
        """
        code: Any = getattr(status, "status_code", status)
        description = getattr(status, "description", description)
        unset = code is StatusCode.UNSET or not isinstance(code, StatusCode)
        if unset or not self.is_recording() or self._span.status == wire.STATUS_OK:
            return
        self._span.status = code.value
        self._span.status_message = (description or "") if code is StatusCode.ERROR else ""

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: ARG002  # deprecated by the specification
    ) -> None:
        """Add an exception as an event of the span."""
        if self.is_recording():
            guard.guarded(self._record, exception, attributes, timestamp)

    def _record(
        self, exception: BaseException, attributes: Mapping[str, Any] | None, timestamp: int | None
    ) -> None:
        status, message = self._span.status, self._span.status_message
        outcome.fail(self._span, exception, timestamp or stdout.now())
        # An exception that is recorded has not failed the span: whoever records it may have dealt with it.
        self._span.status, self._span.status_message = status, message
        self._span.events[-1][2].update(attributes or {})

    def end(self, end_time: int | None = None) -> None:
        """End the span; end_time: ns since the epoch, default now."""
        if self.is_recording():
            self._span.end_unix_nano = end_time or stdout.now()
            self._invocation.finish(self._span)


class Tracer(NoOpTracer):
    """Makes spans of ours, or those of the provider that user code has set meanwhile."""

    def __init__(self, *scope: Any) -> None:
        """scope: what get_tracer was called with: name, version, schema URL, attributes."""
        self._scope = scope
        self._theirs: tuple[object, trace.Tracer] | None = None

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> ApiSpan:
        """Start a span below the one of `context`, of the current context, or of the invocation."""
        above = trace.get_current_span(context)
        if self._is_within(above):
            return NonRecordingSpan(above.get_span_context())
        theirs = self._their_tracer()
        if theirs is not None:
            return theirs.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        made = guard.guarded(self._start, above, name, kind, attributes, links, start_time)
        return made if made is not None else NonRecordingSpan(above.get_span_context())

    def _is_within(self, above: ApiSpan) -> bool:
        """Whether another instrumentation of the same library, the function's own, has made the span."""
        theirs = getattr(
            getattr(above, "instrumentation_scope", above), "name", getattr(above, "scope", None)
        )
        scope = self._scope[0]
        return (
            theirs == scope
            and str(scope).startswith("opentelemetry.instrumentation.")
            and above.is_recording()
        )

    def _their_tracer(self) -> trace.Tracer | None:
        """The tracer of the provider that user code has set for all, so that its exporters miss nothing."""
        found = trace.get_tracer_provider()
        if isinstance(found, trace.ProxyTracerProvider | TracerProvider):
            return None
        if self._theirs is None or self._theirs[0] is not found:
            self._theirs = found, found.get_tracer(*self._scope)
        return self._theirs[1]

    def _start(
        self,
        above: ApiSpan,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Any] | None,
        links: Sequence[Link] | None,
        start_time: int | None,
    ) -> ApiSpan | None:
        invocation, current = invocations.active, contexts.current()
        if invocation is None or current is None:
            return None
        parent = above.get_span_context()
        trace_id, parent_id = current.trace_id, current.span_id
        if parent.is_valid:
            trace_id, parent_id = f"{parent.trace_id:032x}", f"{parent.span_id:016x}"
        span = wire.Span(
            trace_id, ids.new_span_id(), parent_id, name, kind.value + 1, start_time or stdout.now()
        )
        for key, value in (attributes or {}).items():
            span.attributes[STABLE_NAMES.get(key, key)] = value
        span.links = [_linked(link.context, link.attributes) for link in links or ()]
        invocation.start(span)
        own = SpanContext(int(trace_id, 16), int(span.span_id, 16), False, TraceFlags(current.flags))
        return Span(own, span, invocation, str(self._scope[0]))


def _linked(context: SpanContext, attributes: Mapping[str, Any] | None) -> tuple[str, str, dict[str, Any]]:
    return f"{context.trace_id:032x}", f"{context.span_id:016x}", dict(attributes or {})


class TracerProvider(trace.TracerProvider):
    """Our provider: the API's, until somebody asks it for what the SDK's has, such as add_span_processor."""

    def __init__(self) -> None:
        self._sdk: Any = None

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> trace.Tracer:
        """Return a tracer; after the SDK was asked for, one of the SDK's."""
        scope = instrumenting_module_name, instrumenting_library_version, schema_url, attributes
        if self._sdk is not None:
            found: trace.Tracer = self._sdk.get_tracer(*scope)
            return found
        return Tracer(*scope)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_sdk":
            raise AttributeError(name)
        if self._sdk is None:
            from observe import otel_sdk

            self._sdk = otel_sdk.provider()
        return getattr(self._sdk, name)
