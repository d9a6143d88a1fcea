"""The records of `logging`: log lines of ours with OBSERVE_LOGS=json, or the runtime's JSON with our fields.

Loaded for one of these two only; without them logging is as if we were not there. The runtime has put its
handler on the root logger before user code is loaded. With OBSERVE_LOGS=json ours takes its place, so that
every record is written once; user code that formats that handler, or replaces the root's handlers, gets its
way. docs/logs.md
"""

from __future__ import annotations

import logging

from observe import guard, identity, logs, redaction, settings, wire
from observe.context import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What every record has, the runtime's own included (awslambdaric/lambda_runtime_log_utils.py).
_STANDARD = frozenset(
    (
        *vars(logging.makeLogRecord({})),
        *("message", "asctime", "taskName", "aws_request_id", "tenant_id", "_frame_type"),
    )
)
#: awslambdaric/bootstrap.py, _setup_logging
_TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"


def install() -> None:
    """Set up the root logger as the settings ask for; what user code has set up itself stays. Idempotent."""
    found, root = settings.get(), logging.getLogger()
    if any(isinstance(handler, RecordHandler) for handler in root.handlers):
        return
    runtime = next((handler for handler in root.handlers if _is_runtime(handler)), None)
    if runtime is not None and not _is_runtimes(runtime.formatter):
        return  # user code has said what a record looks like, before it was decorated
    if found.logs == "json":
        if runtime is not None:
            root.handlers[root.handlers.index(runtime)] = RecordHandler(runtime)
        elif not root.handlers:
            root.addHandler(RecordHandler(None))
    elif runtime is not None and type(runtime.formatter) is not logging.Formatter:
        runtime.setFormatter(RequestFormatter(runtime.formatter))


def _is_runtime(handler: logging.Handler) -> bool:
    """Whether it is LambdaLoggerHandler or LambdaLoggerHandlerWithFrameType."""
    kind = type(handler)
    return kind.__module__ == "awslambdaric.bootstrap" and kind.__name__.startswith("LambdaLoggerHandler")


def _is_runtimes(formatter: logging.Formatter | None) -> bool:
    """Whether it is the runtime's own: its JsonFormatter, or the one of its text format."""
    if type(formatter) is logging.Formatter:
        return formatter._fmt == _TEXT_FORMAT
    return type(formatter).__module__.startswith("awslambdaric.")


class RecordHandler(logging.Handler):
    """Writes records as log lines of ours, in the place of the runtime's handler.

    A formatter that user code sets on it is used: from then on the runtime's handler writes, as without us.
    """

    def __init__(self, runtime: logging.Handler | None) -> None:
        super().__init__(runtime.level if runtime is not None else logging.NOTSET)
        self._runtime = runtime
        if runtime is not None:
            self.filters, self.formatter = runtime.filters, runtime.formatter
        self._found = self.formatter

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        if self.formatter is self._found:
            guard.guarded(_write, record)
            return
        if self._runtime is None:
            self._runtime = logging.StreamHandler()
        self._runtime.formatter = self.formatter
        self._runtime.emit(record)


def _write(record: logging.LogRecord) -> None:
    level = logs.named(record.levelno)
    how = logs.fate(level)
    if how == logs.DROP:
        return
    own: dict[str, Any] = {"logger": record.name}
    own |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if record.stack_info:
        own["stack_info"] = record.stack_info
    tenant = getattr(record, "tenant_id", None)
    if tenant is not None:
        own.setdefault("tenantId", tenant)
    error = logs.error_of(record.exc_info) if record.exc_info else None
    if error is None and record.exc_text:  # it came from another process, without its exception
        error = {"stack": record.exc_text}
    logs.write(level, how, _message(record), own, error)


def _message(record: logging.LogRecord) -> str:
    """The text of a record; one whose arguments do not fit has them behind it, and a dictionary is JSON."""
    if isinstance(record.msg, dict) and not record.args:
        told, _ = redaction.get().bounded(record.msg, wire.LINE_MAX_BYTES)
        return wire.json_bytes(told if isinstance(told, dict) else {"message": told}).decode()
    if type(record) is not logging.LogRecord:  # a factory of user code may have formatting of its own
        said: str | None = guard.guarded(record.getMessage)
        if said is not None:
            return said
    args = record.args
    return logs.formatted(record.msg, args if isinstance(args, tuple) else (args,) if args else ())


class RequestFormatter(logging.Formatter):
    """The runtime's JSON formatter, which writes a record's attributes: ours are among them meanwhile."""

    def __init__(self, runtime: Any) -> None:
        super().__init__()
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        if name == "_runtime":  # asked for by copy and pickle before there is one
            raise AttributeError(name)
        return getattr(self._runtime, name)

    def format(self, record: logging.LogRecord) -> str:
        """Return the runtime's line with the request's identity; what the record itself says stays."""
        added = guard.guarded(_add, record) or ()
        try:
            line: str = self._runtime.format(record)
            return line
        finally:
            for name in added:
                vars(record).pop(name, None)


def _add(record: logging.LogRecord) -> list[str]:
    """Put our fields on a record; return the names of those it did not have."""
    members: dict[str, Any] = {**identity.of(None, current()), **logs.bound_fields()}
    mine = vars(record)
    added = [name for name in members if name not in mine]
    mine.update((name, members[name]) for name in added)
    return added
