"""Spans that user code and our own patches make, without OpenTelemetry's SDK being loaded."""

from __future__ import annotations

from observe import context as contexts
from observe import guard, ids, outcome, stdout, wire
from observe import invocation as invocations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from observe.context import Context

#: Set by observe.otel: makes a span's context OpenTelemetry's current one, returns the undoing.
attach: Callable[[Context], Callable[[], None]] | None = None


class span:  # noqa: N801  # a context manager, named like a function as the standard library's are
    """Time a block as a span of the current trace: `with observe.span("price", claim=id):`.

    Outside an invocation the block runs without one. An exception marks the span as failed and
    passes on.
    """

    __slots__ = ("_exits", "_invocation", "_kind", "_name", "attributes", "context", "span")

    def __init__(self, name: str, /, **attributes: Any) -> None:
        self._name = name
        self._kind = wire.KIND_INTERNAL
        self._exits: list[Callable[[], None]] = []
        self.attributes = attributes
        self.span: wire.Span | None = None
        self.context: Context | None = None

    @classmethod
    def of_kind(cls, kind: int, name: str, attributes: dict[str, Any]) -> span:
        """Return a span of one of OTLP's kinds (wire.KIND_*), not started yet."""
        made = cls(name)
        made._kind, made.attributes = kind, attributes
        return made

    def __enter__(self) -> span:
        guard.guarded(self._enter)
        return self

    def _enter(self) -> None:
        if self.begin() is None or self.context is None:
            return
        scope = contexts.use(self.context)
        scope.__enter__()
        self._exits.append(scope.__exit__)
        if attach is not None:
            self._exits.append(attach(self.context))

    def begin(self) -> Context | None:
        """Start the span without making it the current one; return its context, if there is any."""
        parent, invocation = contexts.current(), invocations.active
        if parent is None or invocation is None:
            return None
        self.span = wire.Span(
            parent.trace_id,
            ids.new_span_id(),
            parent.span_id,
            self._name,
            self._kind,
            stdout.now(),
            self.attributes,
        )
        invocation.start(self.span)
        self._invocation = invocation
        self.context = parent.at(self.span.span_id)
        return self.context

    def end(self, error: BaseException | None = None) -> None:
        """End the span; with `error` it has failed."""
        if self.span is None:
            return
        self.span.end_unix_nano = stdout.now()
        if error is not None:
            outcome.fail(self.span, error, self.span.end_unix_nano)
        self._invocation.finish(self.span)
        self.span = None

    def __exit__(self, kind: object, error: BaseException | None, stack: object) -> None:
        while self._exits:
            guard.guarded(self._exits.pop())
        guard.guarded(self.end, error)
