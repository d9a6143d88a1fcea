"""`observe.log`: structured logs by structlog, each one flat JSON line with the request's identity.

    observe.log.info("claim accepted", claim="CLM-889123", amount=120)
    observe.log.bind(product="motor").exception("no decision")

structlog's own global configuration is left to user code: this logger is wrapped, not configured.
"""

from __future__ import annotations

import sys

import structlog

from observe import guard, semconv, settings, stdout, wire
from observe import invocation as invocations
from observe.context import current
from observe.settings import LEVELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LEVELS = {"warning": "WARN", "exception": "ERROR", "critical": "FATAL", "notset": "TRACE"}


class _Lines:
    """structlog's logger at the end of the chain: takes finished lines, whatever the level."""

    def msg(self, line: bytes) -> None:
        stdout.write(line)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


def _line(_: Any, method: str, event: Any) -> Any:
    """structlog's only processor: the whole line, or nothing; a fault of ours is never the caller's."""
    line = None if settings.get().disabled else guard.guarded(_rendered, method, event)
    if line is None:
        raise structlog.DropEvent
    return (line,), {}


def _rendered(method: str, event: dict[str, Any]) -> bytes | None:
    """The caller's fields after ours; one that has the name of ours is kept with an underscore."""
    level = _LEVELS.get(method, method.upper())
    context = current()
    least = "DEBUG" if context is not None and context.debug else settings.get().level
    if LEVELS.get(level, LEVELS["INFO"]) < LEVELS[least]:
        return None
    line = fields(level, guard.said(event.pop("event", "")))
    error = event.pop("exc_info", None)
    for key, value in event.items():
        line[f"{key}_" if key in wire.LOG_FIELDS else key] = value
    if error:
        line["error"] = _error(error)
    return wire.log_line(line)


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


def _error(found: Any) -> dict[str, str]:
    """{type, message, stack} of an exception, an exc_info triple, or True for the one being handled."""
    import traceback

    error = found if isinstance(found, BaseException) else None
    if error is None:
        triple = found if isinstance(found, tuple) and len(found) == 3 else sys.exc_info()
        error = triple[1]
    if not isinstance(error, BaseException):
        return {}
    stack = "".join(traceback.format_exception(error))
    return {
        "type": type(error).__name__,
        "message": guard.said(error),
        "stack": stack[-invocations.STACK_MAX :],
    }


log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
    _Lines(),
    processors=[_line],
    wrapper_class=structlog.make_filtering_bound_logger(0),
    context_class=dict,
    cache_logger_on_first_use=True,
)
