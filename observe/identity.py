"""What every line of ours about a request starts with: who wrote it, when, and for which request."""

from __future__ import annotations

from observe import invocation as invocations
from observe import semconv, settings, stdout, wire
from observe.context import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
    return line
