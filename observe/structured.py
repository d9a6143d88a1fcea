"""The logger of `observe.logs` on structlog: bound fields by structlog, the line by us."""

from __future__ import annotations

import structlog

from observe import settings, stdout
from observe.logs import Methods, rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _Lines:
    """structlog's logger at the end of the chain: takes finished lines, whatever the level."""

    def __getattr__(self, method: str) -> Callable[[bytes], None]:
        return stdout.write


def _line(_: Any, method: str, event: Any) -> Any:
    """structlog's only processor: the whole line, or nothing."""
    line = None if settings.get().disabled else rendered(method, event)
    if line is None:
        raise structlog.DropEvent
    return (line,), {}


class StructuredLogger(Methods, structlog.BoundLoggerBase):
    """structlog's bound logger: bind(**fields), unbind(*names), try_unbind(*names), new(**fields)."""

    def _emit(self, method: str, text: str, fields: dict[str, Any]) -> None:
        self._proxy_to_logger(method, text, **fields)


log: StructuredLogger = structlog.wrap_logger(
    _Lines(),
    processors=[_line],
    wrapper_class=StructuredLogger,
    context_class=dict,
    cache_logger_on_first_use=True,
)
