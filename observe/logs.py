"""`observe.log`: structured logs by structlog, each one flat JSON line with the request's identity.

    observe.log.info("claim accepted", claim="CLM-889123", amount=120)
    observe.log.bind(product="motor").exception("no decision")

structlog's own global configuration is left to user code: this logger is wrapped, not configured.
"""

from __future__ import annotations

import sys

from observe import guard, outcome, settings, stdout, wire
from observe.context import current
from observe.identity import fields
from observe.settings import LEVELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.structured import StructuredLogger

_LEVELS = {"warning": "WARN", "exception": "ERROR", "critical": "FATAL", "notset": "TRACE"}


class Methods:
    """What a logger can say; no method raises, whatever it is given."""

    __slots__ = ()

    def _emit(self, method: str, text: str, fields: dict[str, Any]) -> None:
        raise NotImplementedError

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
        self._emit(method, _formatted(event, args), fields)


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


def rendered(method: str, event: dict[str, Any]) -> bytes | None:
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
        "stack": stack[-outcome.STACK_MAX :],
    }


class PlainLogger(Methods):
    """The logger of a function whose own structlog cannot be used: the same lines without structlog."""

    __slots__ = ("_context",)

    def __init__(self, context: dict[str, Any]) -> None:
        self._context = context

    def bind(self, **fields: Any) -> PlainLogger:
        """Return a logger with these fields added."""
        return PlainLogger({**self._context, **fields})

    def unbind(self, *names: str) -> PlainLogger:
        """Return a logger without these fields; structlog's raises for one it lacks, this does not."""
        return PlainLogger({key: value for key, value in self._context.items() if key not in names})

    try_unbind = unbind

    def new(self, **fields: Any) -> PlainLogger:
        """Return a logger with these fields only."""
        return PlainLogger(fields)

    def _emit(self, method: str, text: str, fields: dict[str, Any]) -> None:
        line = (
            None if settings.get().disabled else rendered(method, {**self._context, **fields, "event": text})
        )
        if line is not None:
            stdout.write(line)


def _logger() -> StructuredLogger:
    from observe import structured

    return structured.log


#: structlog's, unless the function brings one that is broken or too old: said in one warning then.
log: StructuredLogger | PlainLogger = guard.guarded(_logger) or PlainLogger({})
