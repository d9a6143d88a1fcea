"""`observe.log`: structured logs by structlog, each one flat JSON line with the request's identity.

    observe.log.info("claim accepted", claim="CLM-889123", amount=120)
    observe.log.bind(product="motor").exception("no decision")
    with observe.log.bound(claim="CLM-889123"): ...

structlog's own global configuration is left to user code: its bound logger is used, nothing is configured.
What JSON cannot carry is text, secrets are redacted (observe.redaction), and what is too long is cut, in
this order. docs/logs.md
"""

from __future__ import annotations

import sys
from json.encoder import encode_basestring as _quoted

from observe import guard, identity, log_buffer, outcome, settings, stdout, wire
from observe.context import current
from observe.settings import LEVELS, OWN_LEVEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from observe.invocation import Invocation
    from observe.redaction import Redaction
    from observe.structured import StructuredLogger

    #: The logger itself: see __getattr__.
    log: StructuredLogger | PlainLogger

_NAMES = {"WARNING": "WARN", "EXCEPTION": "ERROR", "CRITICAL": "FATAL", "NOTSET": "TRACE"}
#: `event` is on lines that the layer writes about itself.
_OURS = frozenset((*wire.LOG_FIELDS, OWN_LEVEL, "event"))

_INT_MAX = 1 << 63
#: What is left of a message that is too large for a line, in characters.
_MESSAGE_MAX = 16 * 1024


class Methods:
    """What a logger can say; no method raises, whatever it is given."""

    __slots__ = ()

    _context: dict[str, Any]

    def trace(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at TRACE. event: the message; args: for its %-placeholders; fields: JSON fields."""
        guard.guarded(self._say, "TRACE", event, args, fields)

    def debug(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at DEBUG."""
        guard.guarded(self._say, "DEBUG", event, args, fields)

    def info(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at INFO."""
        guard.guarded(self._say, "INFO", event, args, fields)

    def warning(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at WARN."""
        guard.guarded(self._say, "WARN", event, args, fields)

    warn = warning

    def error(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at ERROR."""
        guard.guarded(self._say, "ERROR", event, args, fields)

    def critical(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at FATAL."""
        guard.guarded(self._say, "FATAL", event, args, fields)

    fatal = critical

    def exception(self, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at ERROR with the exception being handled."""
        guard.guarded(self._say, "ERROR", event, args, {"exc_info": True, **fields})

    def log(self, level: int | str, event: object = "", /, *args: object, **fields: Any) -> None:
        """Log at a level given by name or by logging's number."""
        guard.guarded(self._say, named(level), event, args, fields)

    msg = info

    def bound(self, **fields: Any) -> bound:
        """Return a block in which every line has these fields, whoever writes it."""
        return bound(fields)

    def _say(self, level: str, event: object, args: tuple[object, ...], fields: dict[str, Any]) -> None:
        how = fate(level)
        if how is not DROP:
            own = {**self._context, **fields} if self._context else fields
            error = own.pop("exc_info", None)
            write(level, how, formatted(event, args), own, error_of(error) if error else None)


class bound:  # noqa: N801  # a context manager, named like a function as the standard library's are
    """Fields of every line inside a `with` block: ours, and logging's with OBSERVE_LOGS=json."""

    __slots__ = ("_fields", "_undo")

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self._undo: Callable[[], None] | None = None

    def __enter__(self) -> bound:
        self._undo = guard.guarded(lambda: identity.with_fields(renamed(self._fields)))
        return self

    def __exit__(self, *exc: object) -> None:
        if self._undo is not None:
            guard.guarded(self._undo)


def named(level: int | str) -> str:
    """Return one of LEVELS for any spelling of a level; a number between two of them is the lower one."""
    if isinstance(level, int):
        return max(
            (name for name in LEVELS if LEVELS[name] <= level), key=LEVELS.__getitem__, default="TRACE"
        )
    name = guard.said(level).strip().upper()
    name = _NAMES.get(name, name)
    return name if name in LEVELS else "INFO"


def formatted(event: object, args: tuple[object, ...]) -> str:
    """Return the message with its arguments; those that do not fit the message are told behind it."""
    text = event if type(event) is str else _bounds().text_of(event, wire.LINE_MAX_BYTES)
    if not args:
        return text
    if any(type(one) not in _SHORT for one in args) and _bounds().left(args, wire.LINE_MAX_BYTES) < 0:
        args = tuple(_bounds().cut(args, _redaction()))
    try:
        return text % (args[0] if len(args) == 1 and isinstance(args[0], dict) and args[0] else args)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return f"{text} {guard.said(args)}"  # an argument that cannot be told says so there


#: Types of arguments whose texts are short.
_SHORT = frozenset((int, float, bool, type(None)))


def _bounds() -> Any:
    """Loaded for what is no plain text: most lines are."""
    from observe import redaction_bounds

    return redaction_bounds


DROP, HOLD, WRITE = range(3)


def fate(level: str) -> int:
    """Return what becomes of a line of this level: DROP; HOLD until the invocation fails; or WRITE.

    level: one of LEVELS. A transaction at DEBUG writes all from DEBUG on.
    """
    found = settings.get()
    number = LEVELS[level]
    if number >= LEVELS[found.level]:
        return WRITE
    context = current()
    if context is not None and context.debug and number >= LEVELS["DEBUG"]:
        return WRITE
    return HOLD if found.log_buffer_bytes and identity.request() is not None else DROP


def write(
    level: str, how: int, message: str, own: dict[str, Any], error: dict[str, str] | None = None
) -> None:
    """Write one line, or hold it. how: HOLD or WRITE; own: the caller's fields; error: see `error_of`."""
    invocation = identity.request()
    if invocation is None:
        stdout.write(rendered(level, message, own, error, None))
    elif not invocation.muted:
        line = rendered(level, message, own, error, invocation)
        lines = log_buffer.of(invocation)
        if how == HOLD:
            lines.hold(line)
        elif lines.takes(level, len(line)):
            stdout.write(line)


def rendered(
    level: str,
    message: str,
    own: dict[str, Any],
    error: dict[str, str] | None,
    invocation: Invocation | None,
) -> bytes:
    """Return the line: our fields, then the caller's without secrets, cut where it is too long."""
    found, context, redaction = settings.get(), current(), _redaction()
    fields, bound, theirs = renamed(own), identity.more(), _theirs()
    if bound or theirs:
        fields = {**bound, **renamed(theirs), **fields}
    size = 0
    if fields:
        clean, size = redaction.bounded(fields, wire.LINE_MAX_BYTES)
        fields = clean if isinstance(clean, dict) else {"fields": clean}
    if error is not None:
        clean, more = redaction.bounded(error, wire.LINE_MAX_BYTES)
        fields, size = {**fields, "error": clean}, size + more
    if len(message) > wire.LINE_MAX_BYTES:
        size += len(message)
        message = _bounds().head(message, _MESSAGE_MAX, redaction)
    else:
        message = redaction.text(message)
    at, shown, beside = wire.timestamp(stdout.now()), level, ""
    if found.json_mode and LEVELS[level] < LEVELS[found.level]:  # Lambda drops what leads with less
        shown, beside = found.level, f'"{OWN_LEVEL}":"{level}",'
    try:  # what wire.log_line writes, of parts of which most are known to be valid
        line = (
            f'{{"timestamp":"{at}","level":"{shown}",{beside}"message":{_quoted(message)},'
            f"{identity.encoded(invocation, context)}{_members(fields)}}}\n"
        ).encode()
    except (UnicodeEncodeError, TypeError):  # a lone surrogate; a name that is no string
        line = b""
    if 0 < len(line) <= wire.LINE_MAX_BYTES and not size:
        return line
    lead = {"timestamp": at, "level": shown, **({OWN_LEVEL: level} if beside else {})}
    return wire.log_line({**lead, "message": message, **identity.of(invocation, context), **fields}, size)


def _members(fields: dict[str, Any]) -> str:
    """The members of a JSON object, each behind a comma: the usual types at once, others by wire."""
    text = ""
    for name, value in fields.items():
        kind = type(value)
        if kind is str:
            text += f",{_quoted(name)}:{_quoted(value)}"
        elif (kind is int and -_INT_MAX < value < _INT_MAX) or (kind is float and value - value == 0):
            text += f",{_quoted(name)}:{value!r}"
        elif kind is bool:
            text += f",{_quoted(name)}:{'true' if value else 'false'}"
        else:
            text += f",{wire.json_bytes({name: value})[1:-1].decode()}"
    return text


def renamed(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the caller's fields under names that are not ours: with an underscore behind those that are."""
    if _OURS.isdisjoint(fields):
        return fields
    free: dict[str, Any] = {}
    for name, value in fields.items():
        own = name
        while own in _OURS or (own is not name and own in fields):
            own = f"{own}_"
        free[own] = value
    return free


def _load() -> Redaction:
    """At the first line: who writes none loads no redaction."""
    global _redaction
    from observe import redaction

    _redaction = redaction.get
    return _redaction()


_redaction: Callable[[], Redaction] = _load


def _theirs() -> dict[str, Any]:
    """What user code has bound by structlog.contextvars, where it uses that."""
    contextvars = sys.modules.get("structlog.contextvars")
    # Empty unless something was ever bound: asking costs more than looking.
    if contextvars is None or not getattr(contextvars, "_CONTEXT_VARS", True):
        return {}
    found = getattr(contextvars, "get_contextvars", None)  # structlog 20.2 and older lack it
    return guard.guarded(found) or {} if found is not None else {}


def bound_fields() -> dict[str, Any]:
    """Return what is bound for every line, without secrets, as JSON values: for a line that others write."""
    fields = {**identity.more(), **_theirs()}
    clean = wire.plain(_redaction().bounded(renamed(fields), wire.LINE_MAX_BYTES)[0]) if fields else fields
    return clean if isinstance(clean, dict) else {}


def error_of(found: Any) -> dict[str, str] | None:
    """{type, message, stack} of an exception, an exc_info triple, or True for the one being handled."""
    error = found if isinstance(found, BaseException) else None
    if error is None:
        triple = found if isinstance(found, tuple) and len(found) == 3 else sys.exc_info()
        error = triple[1]
    if not isinstance(error, BaseException):
        return None
    message = outcome.message_of(error)
    # Apart: an exception of user code whose stack cannot be told costs the stack, not the line.
    stack = guard.guarded(outcome.stack_of, error, error.__traceback__, message) or ""
    return {"type": type(error).__name__, "message": message, "stack": stack}


class PlainLogger(Methods):
    """The logger of a function whose own structlog cannot be used: the same lines without structlog."""

    __slots__ = ("_context",)

    def __init__(self, context: dict[str, Any]) -> None:
        self._context = context

    def bind(self, **fields: Any) -> PlainLogger:
        """Return a logger with these fields added."""
        return PlainLogger({**self._context, **fields})

    def unbind(self, *names: str) -> PlainLogger:
        """Return a logger without these fields, whether or not they are bound."""
        return PlainLogger({key: value for key, value in self._context.items() if key not in names})

    try_unbind = unbind

    def new(self, **fields: Any) -> PlainLogger:
        """Return a logger with these fields only."""
        return PlainLogger(fields)


def _logger() -> StructuredLogger:
    from observe import structured

    return structured.log


def __getattr__(name: str) -> Any:
    """Make `log` at first use (PEP 562): whoever needs the lines alone loads no logger.

    structlog's, unless the function brings one that is broken or too old: said in one warning then.
    """
    if name != "log":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, guard.guarded(_logger) or PlainLogger({}))
