# ruff: noqa: E501 - tables of cases, one a line
"""Lines of Java programs by the patterns that they come with."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from subscribers.formats import FORMATS, java_logging
from subscribers.formats.records import paged
from subscribers.formats.told import Clock
from tests.subscribers.formats.test_records import logs, page

#: 2026-11-21T03:30:10Z
NEAR = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, NEAR)
T = "2026-11-21 03:30:10,123"
MAIN = {"thread.name": "main"}

# (line, milliseconds after NEAR, level, message, attributes)
LINES: list[tuple[str, int, str, str, dict[str, Any]]] = [
    (f"{T} INFO [main] a.b.Claims: Created", 123, "INFO", "Created", {**MAIN, "log.logger": "a.b.Claims"}),
    (f"{T} WARN  [main] a.b.Claims - late - 3", 123, "WARN", "late - 3", {**MAIN, "log.logger": "a.b.Claims"}),
    (f"{T} [main] ERROR a.b.Claims - no", 123, "ERROR", "no", {**MAIN, "log.logger": "a.b.Claims"}),
    ("03:30:10.123 [main] INFO  a.b.Claims - accepted", 123, "INFO", "accepted", {**MAIN, "log.logger": "a.b.Claims"}),
    ("2026-11-21 03:30:10.123  INFO 4711 --- [           main] c.e.Claims               : ok", 123, "INFO", "ok", {"process.pid": 4711, **MAIN, "log.logger": "c.e.Claims"}),
    ("2026-11-21T04:30:10.123+01:00  INFO 4711 --- [claims] [main] c.e.Claims : ok", 123, "INFO", "ok", {"process.pid": 4711, "java.context_name": "claims", **MAIN, "log.logger": "c.e.Claims"}),
    ("03:30:10,123 INFO  [org.jboss.as] (MSC service thread 1-1) WFLYSRV0049: up", 123, "INFO", "WFLYSRV0049: up", {"log.logger": "org.jboss.as", "thread.name": "MSC service thread 1-1"}),
    ("[2026-11-21 03:30:10,123] INFO [main] started (kafka.server.KafkaServer)", 123, "INFO", "started", {**MAIN, "log.logger": "kafka.server.KafkaServer"}),
    ("[2026-11-21 03:30:10,123] INFO started (kafka.server.KafkaServer)", 123, "INFO", "started", {"log.logger": "kafka.server.KafkaServer"}),
    ("26/11/21 03:30:10 INFO SparkContext: Running", 0, "INFO", "Running", {"log.logger": "SparkContext"}),
    ("[2026-11-21T03:30:10,123][DEBUG][o.e.n.Node               ] [node-1] started", 123, "DEBUG", "started", {"log.logger": "o.e.n.Node", "thread.name": "node-1"}),
    ("INFO  [main] 2026-11-21 03:30:10,123 CassandraDaemon.java:44 - up", 123, "INFO", "up", {**MAIN, "code.file.path": "CassandraDaemon.java", "code.line.number": 44}),
    ("2026-11-21T05:30:10.123+02:00 INFO  [main] a.B - up", 123, "INFO", "up", {**MAIN, "log.logger": "a.B"}),
    ("2026-11-21T03:30:10.123Z [main] INFO  a.B - up", 123, "INFO", "up", {**MAIN, "log.logger": "a.B"}),
    ("2026-11-21T03:30:10.123Z INFO [main] a.B: up", 123, "INFO", "up", {**MAIN, "log.logger": "a.B"}),
    ("2026-11-21T03:30:10,123 INFO [main] a.b.C (C.java:12) - up", 123, "INFO", "up", {**MAIN, "log.logger": "a.b.C", "code.file.path": "C.java", "code.line.number": 12}),
    (f"{T} [pool 1] WARN  a.b.C (C.kt:12) - up", 123, "WARN", "up", {"thread.name": "pool 1", "log.logger": "a.b.C", "code.file.path": "C.kt", "code.line.number": 12}),
    (f"{T} - FATAL [main:Quorum@774] - gone", 123, "FATAL", "gone", {**MAIN, "code.namespace": "Quorum", "code.line.number": 774}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "after_ms", "level", "message", "attributes"), LINES)
def test_lines(line: str, after_ms: int, level: str, message: str, attributes: dict[str, Any]) -> None:
    """Time, level, thread, logger and message, whatever their order."""
    told = java_logging.read(line, CLOCK)
    assert told is not None
    assert (told.time_unix_nano, told.level, told.message) == (NEAR + after_ms * 1_000_000, level, message)
    assert told.attributes == attributes


@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain",
        f"{T} INFO [claims.service] claim accepted",
        f"{T} INFO [x] claim accepted - y",
        f"{T} LOUD [main] a.B - m",
        f"{T} INFO [MainThread] claims.service (claims.py:12) - claim accepted",
        "2026-13-21 03:30:10,123 INFO [main] a.B - no such month",
        f"[{T}] INFO in app: accepted",
        "INFO:a:b",
    ],
)
def test_other_lines(line: str) -> None:
    """Python's layouts, levels and dates that there are not."""
    assert java_logging.read(line, CLOCK) is None


def test_a_stack_trace_belongs_to_its_line() -> None:
    """It is the error of the log before it."""
    stack = ["java.lang.IllegalStateException: no policy", "\tat a.B.c(B.java:1)", "\t... 2 more"]
    (log,) = logs(paged(FORMATS["java"], UTC)(page(f"{T} ERROR [main] a.B - it failed", *stack)))
    assert (log.message, log.error_type, log.error_message) == (
        "it failed",
        "java.lang.IllegalStateException",
        "no policy",
    )
