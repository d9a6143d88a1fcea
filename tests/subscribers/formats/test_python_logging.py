# ruff: noqa: E501 - tables of cases, one a line
"""What Python's logging and OpenStack's write, by the layouts in use."""

from __future__ import annotations

import io
import logging
from datetime import UTC
from typing import Any

import pytest

from subscribers.formats import FORMATS, oslo, python_logging
from subscribers.formats.records import paged
from subscribers.formats.told import Clock
from subscribers.signals import Span
from tests.subscribers.formats.test_records import logs, page

#: 2026-11-21T03:30:10Z
NEAR = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, NEAR)
AT = NEAR + 123_000_000
T = "2026-11-21 03:30:10,123"

# (line, level, message, attributes)
LAYOUTS: list[tuple[str, str, str, dict[str, Any]]] = [
    (f"{T} - claims.service - INFO - ok: yes", "INFO", "ok: yes", {"log.logger": "claims.service"}),
    (f"{T} - INFO - accepted - ok", "INFO", "accepted - ok", {}),
    (f"{T} - INFO - claims.api - accepted", "INFO", "accepted", {"log.logger": "claims.api"}),
    (f"{T} - claims - WARNING: accepted", "WARN", "accepted", {"log.logger": "claims"}),
    (f"{T} [INFO] claims.service: accepted", "INFO", "accepted", {"log.logger": "claims.service"}),
    (f"{T} [INFO] accepted it", "INFO", "accepted it", {}),
    (f"{T} [MainThread  ] [INFO ]  accepted it", "INFO", "accepted it", {"thread.name": "MainThread"}),
    (f"{T} [4711] [CRITICAL] [claims.x] accepted", "FATAL", "accepted", {"process.pid": 4711, "log.logger": "claims.x"}),
    (f"{T} INFO [claims.service] accepted", "INFO", "accepted", {"log.logger": "claims.service"}),
    (f"{T} INFO claims.service: accepted", "INFO", "accepted", {"log.logger": "claims.service"}),
    (f"{T} INFO     accepted it: all", "INFO", "accepted it: all", {}),
    (f"{T} INFO claims.service - accepted", "INFO", "accepted", {"log.logger": "claims.service"}),
    (f"{T} INFO http://host/path", "INFO", "http://host/path", {}),
    (f"{T} INFO", "INFO", "", {}),
    (f"{T}:INFO:claims.service:accepted", "INFO", "accepted", {"log.logger": "claims.service"}),
    (f"{T} | INFO | claims.service | accepted", "INFO", "accepted", {"log.logger": "claims.service"}),
    (f"{T}|DEBUG|claims|accepted", "DEBUG", "accepted", {"log.logger": "claims"}),
    (f"{T} claims.service INFO accepted", "INFO", "accepted", {"log.logger": "claims.service"}),
    (f"{T} claims.service[4711] ERROR accepted", "ERROR", "accepted", {"log.logger": "claims.service", "process.pid": 4711}),
    (f"{T} 4711 INFO accepted it", "INFO", "accepted it", {"process.pid": 4711}),
    (f"[{T}] INFO in app: accepted", "INFO", "accepted", {"log.logger": "app"}),
    ("[2026-11-21 03:30:10.123 +0000] [4711] [INFO] Booting worker with pid: 4711", "INFO", "Booting worker with pid: 4711", {"process.pid": 4711}),
    (f"[{T}: WARNING/ForkPoolWorker-1] accepted", "WARN", "accepted", {"process.name": "ForkPoolWorker-1"}),
    (f"[{T}] {{claims.py:12}} INFO - accepted", "INFO", "accepted", {"code.file.path": "claims.py", "code.line.number": 12}),
    (f"[{T}][INFO][claims] accepted", "INFO", "accepted", {"log.logger": "claims"}),
    (f"INFO {T} views 4711 140 accepted", "INFO", "accepted", {"log.logger": "views", "process.pid": 4711, "thread.id": 140}),
    (f"INFO - {T} - accepted it", "INFO", "accepted it", {}),
    (f"[INFO] {T} claims.api: accepted", "INFO", "accepted", {"log.logger": "claims.api"}),
    ("2026-11-21 03:30:10.123 | INFO     | claims.service:accept:12 - ok", "INFO", "ok", {"log.logger": "claims.service", "code.function.name": "accept", "code.line.number": 12}),
    ("2026-11-21T03:30:10.123Z INFO accepted it", "INFO", "accepted it", {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "level", "message", "attributes"), LAYOUTS)
def test_layouts(line: str, level: str, message: str, attributes: dict[str, Any]) -> None:
    """Whatever the order and the separators, the message begins where it begins."""
    told = python_logging.read(line, CLOCK)
    assert told is not None
    assert (told.time_unix_nano, told.level, told.message, told.attributes) == (
        AT,
        level,
        message,
        attributes,
    )


@pytest.mark.parametrize(
    ("line", "level", "message", "attributes"),
    [
        ("WARNING:root:a: b", "WARN", "a: b", {"log.logger": "root"}),
        ("INFO:     127.0.0.1:4711 - \"GET / HTTP/1.1\" 200 OK", "INFO", '127.0.0.1:4711 - "GET / HTTP/1.1" 200 OK', {}),
        ("ERROR: it broke", "ERROR", "it broke", {}),
    ],
)  # fmt: skip
def test_layouts_without_a_time(line: str, level: str, message: str, attributes: dict[str, Any]) -> None:
    """basicConfig's and uvicorn's."""
    told = python_logging.read(line, CLOCK)
    assert told is not None
    assert (told.time_unix_nano, told.level, told.message, told.attributes) == (
        None,
        level,
        message,
        attributes,
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain",
        f"{T} nothing else",
        "INFORMATION: no",
        "INFO",
        "2026-99-21 03:30:10,123 INFO no such month",
        "Nov 21 03:30:10 host app: syslog",
        '127.0.0.1 - - [21/Nov/2026:03:30:10 +0000] "GET / HTTP/1.1" 200 5',
    ],
)
def test_other_lines(line: str) -> None:
    """Without a level, or of other formats."""
    assert python_logging.read(line, CLOCK) is None


@pytest.mark.parametrize(
    "layout",
    [
        logging.BASIC_FORMAT,
        "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
        "%(asctime)s %(levelname)-8s [%(name)s] %(message)s",
        "[%(asctime)s] [%(process)d] [%(levelname)s] [%(name)s] %(message)s",
        "%(levelname)s %(asctime)s %(name)s %(process)d %(thread)d %(message)s",
    ],
)
@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING, logging.CRITICAL])
def test_what_logging_itself_writes(layout: str, level: int) -> None:
    """A record by the library's own formatter, with its traceback, is one log."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(layout))
    logger = logging.Logger("claims.service")
    logger.addHandler(handler)
    try:
        raise ValueError("no policy")
    except ValueError:
        logger.log(level, "claim %s is late", "CLM-1", exc_info=True)
    given = page(*stream.getvalue().splitlines())
    (log,) = logs(paged(FORMATS["python"], UTC)(given))
    assert (log.message, log.attributes["log.logger"]) == ("claim CLM-1 is late", "claims.service")
    assert log.level == {10: "DEBUG", 30: "WARN", 50: "FATAL"}[level]
    assert (log.error_type, log.error_message) == ("ValueError", "no policy")
    assert log.error_stack.startswith("Traceback (most recent call last):")


# --- oslo.log -------------------------------------------------------------------------------

WSGI = (
    "nova-api.log.1 2026-11-21 03:30:10.123 25746 INFO nova.osapi_compute.wsgi.server "
    "[req-38101a0b-2096-447d-96ea-a692162415ae user-1 project-1 - - -] "
    '10.11.10.1 "GET /v2/servers/detail?all=1 HTTP/1.1" status: 200 len: 1893 time: 0.2477829'
)


def test_a_line_of_openstack() -> None:
    """Who asked is told, and the request's ID is the correlation ID."""
    told = oslo.read(WSGI, CLOCK)
    assert told is not None
    assert (told.time_unix_nano, told.level) == (AT, "INFO")
    assert told.correlation_id == "req-38101a0b-2096-447d-96ea-a692162415ae"
    assert told.message.startswith('10.11.10.1 "GET ')
    assert told.attributes == {
        "log.logger": "nova.osapi_compute.wsgi.server",
        "process.pid": 25746,
        "log.file.name": "nova-api.log.1",
        "oslo.user": "user-1",
        "oslo.project": "project-1",
        "http.request.method": "GET",
        "url.path": "/v2/servers/detail",
        "url.query": "all=1",
        "http.response.status_code": 200,
        "client.address": "10.11.10.1",
        "http.response.body.size": 1893,
    }


def test_a_request_of_openstack_is_a_span() -> None:
    """The line is written at its end."""
    parsed = paged(FORMATS["oslo"], UTC)(page(WSGI))
    (span,) = (signal for signal in parsed.signals if isinstance(signal, Span))
    assert (span.start_unix_nano, span.end_unix_nano) == (AT - 247_782_900, AT)
    assert (span.name, span.correlation_id) == (
        "GET /v2/servers/detail",
        "req-38101a0b-2096-447d-96ea-a692162415ae",
    )


@pytest.mark.parametrize(
    ("context", "correlation_id", "attributes"),
    [
        ("[-] ", "", {}),
        ("", "", {}),
        ("[req-1 - - - - -] ", "req-1", {}),
        ("[req-0 req-1 u p d - - -] ", "req-0", {"oslo.request_id": "req-1", "oslo.user": "u", "oslo.project": "p", "oslo.domain": "d"}),
        ("[None req-1 u p - all - -] ", "req-1", {"oslo.user": "u", "oslo.project": "p", "oslo.system_scope": "all"}),
    ],
)  # fmt: skip
def test_contexts(context: str, correlation_id: str, attributes: dict[str, str]) -> None:
    """Old and new ones; the global request ID is the one that several services share."""
    told = oslo.read(f"2026-11-21 03:30:10.123 7 WARNING nova.x {context}[instance: gone] m", CLOCK)
    assert told is not None
    assert (told.level, told.message, told.correlation_id) == ("WARN", "[instance: gone] m", correlation_id)
    assert told.attributes == {"log.logger": "nova.x", "process.pid": 7, **attributes}


def test_an_instance() -> None:
    """It is told beside the message that names it."""
    name = "d6b7bd36-2943-4363-9235-fffdd89ea40e"
    told = oslo.read(f"2026-11-21 03:30:10.123 7 INFO nova.x [-] [instance: {name}] Resumed", CLOCK)
    assert told is not None
    assert told.attributes["oslo.instance"] == name
