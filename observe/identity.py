"""What every line of ours about a request starts with: who wrote it, when, and for which request."""

from __future__ import annotations

from contextvars import ContextVar

from observe import invocation as invocations
from observe import semconv, settings, stdout, wire
from observe.context import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Whose they are, and fields of what is being worked on inside it, such as a record of a batch.
_more: ContextVar[tuple[invocations.Invocation | None, dict[str, Any]] | None] = ContextVar(
    "observe.fields", default=None
)


def with_fields(fields: dict[str, Any]) -> Callable[[], None]:
    """Add fields to every line from here on in this invocation; return what takes them away again."""
    mine = (invocations.active, {**_current(), **fields})
    token = _more.set(mine)

    def undo() -> None:
        if _more.get() is mine:  # else left late, when another request is at work
            _more.reset(token)

    return undo


def _current() -> dict[str, Any]:
    found = _more.get()
    return found[1] if found is not None and found[0] is invocations.active else {}


def fields(level: str, message: str) -> dict[str, Any]:
    """Return what every log line of ours starts with, in the order of docs/spec/lines.md."""
    found, context, invocation = settings.get(), current(), invocations.active
    line = {"timestamp": wire.timestamp(stdout.now()), "level": level, "message": message}
    if invocation is not None:
        line["requestId"] = invocation.span.attributes[semconv.FAAS_INVOCATION_ID]
    line["service"] = found.service
    if found.env:
        line["env"] = found.env
    if found.version:
        line["version"] = found.version
    if context is not None:
        line["correlation_id"] = context.correlation_id
        line["trace_id"] = context.trace_id
        if context.span_id:
            line["span_id"] = context.span_id
    line.update(_current())
    return line
