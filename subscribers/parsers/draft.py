"""A line on its way to becoming signals: mutable while it is read, gone when parsing returns."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from subscribers.signals import Origin, Span

MetricKind = Literal["count", "gauge", "histogram", "distribution", "timing", "set"]

#: Every spelling of a level that runtimes and logging frameworks use.
LEVELS = {
    "TRACE": "TRACE",
    "DEBUG": "DEBUG",
    "INFO": "INFO",
    "WARN": "WARN",
    "WARNING": "WARN",
    "ERROR": "ERROR",
    "FATAL": "FATAL",
    "CRITICAL": "FATAL",
}


class Point(msgspec.Struct, frozen=True, gc=False):
    """A data point before its line's ID, origin and request are known."""

    name: str
    kind: MetricKind
    value: float
    unit: str = ""
    tags: dict[str, str] = {}
    #: 0: the time of the line.
    time_unix_nano: int = 0
    set_member: str = ""


class PlatformRecord(msgspec.Struct, kw_only=True):
    """What Lambda itself says about an invocation, whether in text or in JSON."""

    #: start, end, report, timeout, exit, xray, fault; init_start, init_done, init_report; restore_start,
    #: restore_done, restore_report; extension, subscription, logs_dropped, other; exhausted: Node.js' heap
    kind: str
    #: Values by the metric's last word: {"duration": 9.14, "memory_size": 128}.
    values: dict[str, float] = {}
    #: success, failure, error, timeout or "".
    status: str = ""
    error_type: str = ""
    #: X-Ray's identity of the invocation: 32 and 16 hex digits, or "".
    trace_id: str = ""
    span_id: str = ""
    killed: bool = False
    #: Of an init: `init`, or `invoke` where Lambda tries again while a request waits.
    phase: str = ""
    #: Which function was invoked, as far as the record tells: name, version, alias.
    function: str = ""
    version: str = ""
    alias: str = ""
    #: Metrics that an earlier line of the same init or restore has told.
    known: frozenset[str] = frozenset()


class Draft(msgspec.Struct, kw_only=True):
    """One line: the fields of a Log as far as the line tells them, and what else it is."""

    event_id: str
    origin: Origin
    time_unix_nano: int
    message: str
    sequence: int = 0
    time_from: Literal["line", "event"] = "event"
    dataset: str = "lambda.text"
    level: str = ""
    trace_id: str = ""
    span_id: str = ""
    correlation_id: str = ""
    request_id: str = ""
    error_type: str = ""
    error_message: str = ""
    error_stack: str = ""
    keys: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}
    is_log: bool = True
    points: tuple[Point, ...] = ()
    spans: tuple[Span, ...] = ()
    platform: PlatformRecord | None = None
    #: The runtime's own report of an exception that left the handler.
    uncaught: bool = False
    #: The event whose log this line is a part of.
    joined_to: str = ""
    #: A reason to count, where the line was meant to be something and is not.
    note: str = ""

    def stamp(self, unix_nano: int | None) -> bool:
        """Take the line's own time where it has one."""
        if unix_nano is None:
            return False
        self.time_unix_nano = unix_nano
        self.time_from = "line"
        return True
