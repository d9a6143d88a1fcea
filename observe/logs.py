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
    from collections.abc import Callable
    from typing import Any

_LEVELS = {"warning": "WARN", "exception": "ERROR", "critical": "FATAL", "notset": "TRACE"}


class _Lines:
    """structlog's logger at the end of the chain: takes finished lines, whatever the level."""

    def __getattr__(self, method: str) -> Callable[[bytes], None]:
        return stdout.write


def _line(_: Any, method: str, event: Any) -> Any:
    """structlog's only processor: the whole line, or nothing."""
    line = None if settings.get().disabled else _rendered(method, event)
    if line is None:
        raise structlog.DropEvent
    return (line,), {}


class Logger(structlog.BoundLoggerBase):
    """structlog's bound logger whose methods never raise, whatever they are given.

    bind(**fields), unbind(*names), try_unbind(*names) and new(**fields) are structlog's.
    """

    def trace(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at TRACE. event: the message; args: for its %-placeholders; fields: JSON fields."""
        guard.guarded(self._say, "trace", event, args, fields)

    def debug(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at DEBUG."""
        guard.guarded(self._say, "debug", event, args, fields)

    def info(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at INFO."""
        guard.guarded(self._say, "info", event, args, fields)

    def warning(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at WARN."""
        guard.guarded(self._say, "warn", event, args, fields)

    warn = warning

    def error(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at ERROR."""
        guard.guarded(self._say, "error", event, args, fields)

    def critical(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at FATAL."""
        guard.guarded(self._say, "fatal", event, args, fields)

    fatal = critical

    def exception(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at ERROR with the exception being handled."""
        guard.guarded(self._say, "error", event, args, {"exc_info": True, **fields})

    def log(self, level: int | str, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at a level given by name or by logging's number."""
        guard.guarded(self._say, _named(level), event, args, fields)

    msg = info

    def _say(self, method: str, event: object, args: tuple[object, ...], fields: dict[str, Any]) -> None:
        if "event" in fields:
            fields["event_"] = fields.pop("event")
        self._proxy_to_logger(method, _formatted(event, args), **fields)


def _named(level: int | str) -> str:
    if isinstance(level, int):
        return max(
            (name for name in LEVELS if LEVELS[name] <= level), key=LEVELS.__getitem__, default="TRACE"
        )
    return str(level)


def _formatted(event: object, args: tuple[object, ...]) -> str:
    """The message with its arguments; those that do not fit the message are told behind it."""
    text = guard.said(event)
    if not args:
        return text
    try:
        return text % (args[0] if len(args) == 1 and isinstance(args[0], dict) and args[0] else args)
    except (TypeError, ValueError, KeyError):
        return f"{text} {guard.said(args)}"


def _rendered(method: str, event: dict[str, Any]) -> bytes | None:
    """The caller's fields after ours; one that has the name of ours is kept with an underscore."""
    level = _LEVELS.get(method.lower(), method.upper())
    context = current()
    least = "DEBUG" if context is not None and context.debug else settings.get().level
    if LEVELS.get(level, LEVELS["INFO"]) < LEVELS[least]:
        return None
    line = fields(level, guard.said(event.pop("event", "")))
    error = event.pop("exc_info", None)
    for key, value in event.items():
        line[f"{key}_" if key in wire.LOG_FIELDS else key] = value
    told = _error(error) if error else {}
    if told:
        line["error"] = told
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


log: Logger = structlog.wrap_logger(
    _Lines(),
    processors=[_line],
    wrapper_class=Logger,
    context_class=dict,
    cache_logger_on_first_use=True,
)
