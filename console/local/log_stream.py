"""One environment's log stream: collects events in order, filters by level, hands them to a writer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from datetime import datetime

from console.local.cloudwatch import LogEvent, LogWriter
from console.local.output import OutputEvent

_RANKS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4, "FATAL": 5}
# Python's own names, which its formatter in the runtime writes
_ALIASES = {"WARNING": "WARN", "CRITICAL": "FATAL"}


class LogStream:
    """A stream in a log group. Thread-safe; timestamps never go back.

    level: application events below it are dropped; None keeps everything (text format).
    """

    def __init__(self, group: str, name: str, writer: LogWriter | None, level: str | None) -> None:
        self.name = name
        self._group = group
        self._writer = writer
        self._level = level
        self._events: list[LogEvent] = []
        self._last_ms = 0
        self._guard = threading.Lock()

    def platform(self, messages: Iterable[str]) -> None:
        """Append Lambda's own lines."""
        for message in messages:
            self._append(message, None)

    def output(self, event: OutputEvent) -> None:
        """Append what the function wrote, unless the log level drops it."""
        if self._level is None or _rank(event.level or level_of(event.message)) >= _rank(self._level):
            self._append(event.message, event.timestamp_ms)

    def flush(self) -> None:
        """Hand everything collected to the writer."""
        with self._guard:
            events, self._events = self._events, []
        if events and self._writer is not None:
            self._writer.write(self._group, self.name, events)

    def _append(self, message: str, timestamp_ms: int | None) -> None:
        now_ms = time.time_ns() // 1_000_000
        with self._guard:
            # A frame carries the time it was written, a line the time it was read: a little later.
            self._last_ms = max(self._last_ms, timestamp_ms or now_ms)
            self._events.append(LogEvent(self._last_ms, message))


def level_of(message: str) -> str:
    """Return the level Lambda gives a line of output in JSON format.

    INFO unless the line is a JSON object with a known level, any case, and a valid RFC 3339 timestamp.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    try:
        value = json.loads(message)
    except ValueError:
        return "INFO"
    if not isinstance(value, dict) or not _is_rfc3339(value.get("timestamp", value.get("time"))):
        return "INFO"
    level = value.get("level")
    name = level.upper() if isinstance(level, str) else ""
    return name if name in _RANKS or name in _ALIASES else "INFO"


def _rank(level: str) -> int:
    return _RANKS.get(_ALIASES.get(level, level), _RANKS["INFO"])


def _is_rfc3339(value: object) -> bool:
    if not isinstance(value, str) or len(value) < len("2024-01-01T00:00:00Z"):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
