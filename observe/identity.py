"""What every line of ours about a request starts with: who wrote it, when, and for which request."""

from __future__ import annotations

from contextvars import ContextVar
from json.encoder import encode_basestring as _quoted

from observe import invocation as invocations
from observe import semconv, settings, stdout, wire
from observe.context import current, owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from observe.context import Context
    from observe.settings import Settings

#: Whose they are, and fields of what is being worked on inside it, such as a record of a batch.
_more: ContextVar[tuple[invocations.Invocation | None, dict[str, Any]] | None] = ContextVar(
    "observe.fields", default=None
)


def request() -> invocations.Invocation | None:
    """Return the invocation that the running code belongs to; None outside of one.

    None, too, in a task that outlives its own: what runs now is another request.
    """
    invocation = invocations.active
    if invocation is None:
        return None
    mine = owner.get()
    return invocation if mine is None or mine is invocation.context else None


def with_fields(fields: dict[str, Any]) -> Callable[[], None]:
    """Add fields to every line from here on in this invocation; return what takes them away again."""
    before = _more.get()
    mine = (request(), {**more(), **fields})
    _more.set(mine)

    def undo() -> None:
        if _more.get() is mine:  # else left late, when another request is at work
            _more.set(before)

    return undo


def more() -> dict[str, Any]:
    """Return the fields that `with_fields` has added: none that an earlier request has left."""
    found = _more.get()
    if found is None:
        return {}
    invocation, fields = found
    if invocation is request():
        return fields
    late = invocation is not None and invocation.context is owner.get()
    return fields if late else {}


def fields(level: str, message: str) -> dict[str, Any]:
    """Return what every log line of ours starts with, in the order of docs/spec/lines.md."""
    line: dict[str, Any] = {
        "timestamp": wire.timestamp(stdout.now()),
        "level": level,
        "message": message,
        **of(request(), current()),
    }
    line.update(more())
    return line


def of(invocation: invocations.Invocation | None, context: Context | None) -> dict[str, str]:
    """Return the fields that tell the service and the request, in the order of docs/spec/lines.md."""
    found = settings.get()
    line: dict[str, str] = {}
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


#: The members that are the same in every line, and the settings they are of.
_same: tuple[Settings | None, str] = (None, "")


def encoded(invocation: invocations.Invocation | None, context: Context | None) -> str:
    """Return `of` as the text of a JSON object's members, without its braces."""
    global _same
    made_of, text = _same
    if made_of is not settings.get():
        text = wire.json_bytes(of(None, None))[1:-1].decode()
        _same = settings.get(), text
    if invocation is not None:
        request_id = invocation.span.attributes[semconv.FAAS_INVOCATION_ID]
        text = f'"requestId":{_quoted(request_id)},{text}'
    if context is not None:
        correlation_id, trace_id = _quoted(context.correlation_id), _quoted(context.trace_id)
        text = f'{text},"correlation_id":{correlation_id},"trace_id":{trace_id}'
        if context.span_id:
            text = f'{text},"span_id":{_quoted(context.span_id)}'
    return text
