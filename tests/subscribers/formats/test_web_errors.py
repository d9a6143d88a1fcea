"""Error logs of Apache and nginx, and how far Apache's agrees with a published reading of it."""

from __future__ import annotations

import csv
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from subscribers.formats.apache_error import APACHE_ERROR
from subscribers.formats.levels import level_of
from subscribers.formats.nginx_error import NGINX_ERROR
from subscribers.formats.records import paged
from tests.subscribers.formats.telling import T0, UTC, all_told, nano, told
from tests.subscribers.formats.test_records import logs, page

SAMPLES = os.environ.get("OBSERVE_LOG_SAMPLES", "")

APACHE_LINES: list[tuple[str, str, str, str, dict[str, Any]]] = [
    (
        "[Sat Nov 21 03:30:10.000000 2026] [core:error] [pid 35708:tid 4328636416] "
        "[client 203.0.113.9:52345] AH00128: File does not exist: /srv/www/x, referer: https://example.com/",
        "2026-11-21T03:30:10",
        "ERROR",
        "AH00128: File does not exist: /srv/www/x",
        {
            "apache.module": "core",
            "process.pid": 35708,
            "thread.id": 4328636416,
            "client.address": "203.0.113.9",
            "client.port": 52345,
            "error.code": "AH00128",
            "http.request.header.referer": "https://example.com/",
        },
    ),
    (
        "[Fri Sep 09 10:42:29.902022 2011] [ssl:debug] [pid 7:tid 9] ssl_engine_kernel.c(2034): "
        "[client ::1:443] AH02043: SSL virtual host for servername localhost found",
        "2011-09-09T10:42:29.902022",
        "DEBUG",
        "AH02043: SSL virtual host for servername localhost found",
        {
            "apache.module": "ssl",
            "process.pid": 7,
            "thread.id": 9,
            "code.file.path": "ssl_engine_kernel.c",
            "code.line.number": 2034,
            "client.address": "::1",
            "client.port": 443,
            "error.code": "AH02043",
        },
    ),
    (
        "[Sat Nov 21 03:30:10.5 2026] [proxy:warn] [pid 7] (111)Connection refused: AH00957: HTTP: attempt "
        "to connect to 10.0.0.5:80 failed",
        "2026-11-21T03:30:10.500000",
        "WARN",
        "AH00957: HTTP: attempt to connect to 10.0.0.5:80 failed",
        {
            "apache.module": "proxy",
            "process.pid": 7,
            "apache.os_error.code": 111,
            "apache.os_error.message": "Connection refused",
            "error.code": "AH00957",
        },
    ),
    (
        "[Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] client denied by server configuration: /x",
        "2000-10-11T14:32:52",
        "ERROR",
        "client denied by server configuration: /x",
        {"client.address": "127.0.0.1"},
    ),
    (
        "[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok /etc/httpd/conf/workers2.properties",
        "2005-12-04T04:47:44",
        "INFO",
        "workerEnv.init() ok /etc/httpd/conf/workers2.properties",
        {},
    ),
    (
        r"[Sun Dec 04 04:47:44 2005] [crit] a\nb\xc3\xa9\"",
        "2005-12-04T04:47:44",
        "FATAL",
        'a\nbé"',
        {},
    ),
    (
        "[2026-11-21 03:30:10.123456] [http2:trace2] [pid 7] h2_conn.c(5): x",
        "2026-11-21T03:30:10.123456",
        "TRACE",
        "x",
        {"apache.module": "http2", "process.pid": 7, "code.file.path": "h2_conn.c", "code.line.number": 5},
    ),
]


@pytest.mark.parametrize(("line", "time", "level", "message", "attributes"), APACHE_LINES)
def test_apaches_error_log_is_read(line: str, time: str, level: str, message: str, attributes: Any) -> None:
    """What is in brackets, and what the server adds to the message, becomes attributes."""
    one = told(APACHE_ERROR, line)
    assert (one.time_unix_nano, one.level, one.message) == (nano(time), level, message)
    assert one.attributes == attributes


@pytest.mark.parametrize(
    "line",
    [
        "AH00558: apache2: Could not reliably determine the server's name",
        "[Sun Dec 04 04:47:44 2005] workerEnv.init() ok",
        "[Sun Dec 44 04:47:44 2005] [notice] x",
        "[Sun Dec 04 04:47:44 2005] [hello] x",
    ],
)
def test_other_lines_are_none_of_apaches(line: str) -> None:
    """What a CGI program writes there, and what has no time or level."""
    assert all_told(APACHE_ERROR, line) == [None]


UPSTREAM = (
    "2026/11/21 03:30:10 [error] 31#32: *9 upstream timed out (110: Connection timed out) while reading "
    "response header from upstream, client: 203.0.113.9, server: claims.example.com, "
    'request: "POST /claims?a=b HTTP/1.1", upstream: "http://10.0.0.5:8080/claims?a=b", '
    'host: "claims.example.com", referrer: "https://example.com/x, y"'
)


def test_nginxs_error_log_is_read() -> None:
    """What the server adds about the request becomes attributes; the message is what is before it."""
    one = told(NGINX_ERROR, UPSTREAM)
    assert (one.time_unix_nano, one.level) == (T0, "ERROR")
    assert one.message == (
        "upstream timed out (110: Connection timed out) while reading response header from upstream"
    )
    assert one.attributes == {
        "process.pid": 31,
        "thread.id": 32,
        "nginx.connection": 9,
        "nginx.os_error.code": 110,
        "nginx.os_error.message": "Connection timed out",
        "client.address": "203.0.113.9",
        "nginx.server_name": "claims.example.com",
        "http.request.method": "POST",
        "url.path": "/claims",
        "url.query": "a=b",
        "nginx.upstream": "http://10.0.0.5:8080/claims?a=b",
        "http.request.header.host": "claims.example.com",
        "http.request.header.referer": "https://example.com/x, y",
    }


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("emerg", "FATAL"),
        ("alert", "FATAL"),
        ("crit", "FATAL"),
        ("warn", "WARN"),
        ("notice", "INFO"),
        ("debug", "DEBUG"),
    ],
)
def test_nginxs_levels(word: str, level: str) -> None:
    """Each as syslog means it; a line of the server itself has no connection."""
    one = told(NGINX_ERROR, f"2026/11/21 03:30:10 [{word}] 1#1: using inherited sockets")
    assert (one.level, one.message) == (level, "using inherited sockets")
    assert one.attributes == {"process.pid": 1, "thread.id": 1}


def test_what_a_client_sends_is_not_taken_for_what_the_server_says() -> None:
    """The first of each counts; what comes again stands in a request or a referrer."""
    line = UPSTREAM.replace("/x, y", '/x, host: "evil", client: 1.2.3.4')
    attributes = told(NGINX_ERROR, line).attributes
    assert attributes["http.request.header.host"] == "claims.example.com"
    assert attributes["client.address"] == "203.0.113.9"


def test_what_an_application_wrote_goes_on_with_nginxs_record() -> None:
    """The lines of a FastCGI program's standard error are one log with the line before."""
    first = '2026/11/21 03:30:10 [error] 31#31: *9 FastCGI sent in stderr: "PHP message: PHP Fatal error'
    parsed = paged(NGINX_ERROR, UTC)(page(first, "Stack trace:", "#0 {main}", UPSTREAM))
    one, two = logs(parsed)
    assert one.message.endswith("PHP Fatal error\nStack trace:\n#0 {main}")
    assert two.level == "ERROR"


@pytest.mark.skipif(not SAMPLES, reason="OBSERVE_LOG_SAMPLES names no folder of log files")
def test_apaches_error_log_agrees_with_loghubs_reading() -> None:
    """Every line of Apache_2k.log: time, level and content as its _structured.csv has them."""
    lines = (Path(SAMPLES) / "Apache_2k.log").read_text(encoding="utf-8").splitlines()
    reading = (Path(SAMPLES) / "Apache_2k.log_structured.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(reading.splitlines()))
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        one = told(APACHE_ERROR, line)
        client = one.attributes.get("client.address")
        content = f"[client {client}] {one.message}" if client else one.message
        moment = datetime.strptime(f"{row['Time']} +0000", "%a %b %d %H:%M:%S %Y %z")
        assert (one.time_unix_nano, one.level) == (int(moment.timestamp()) * 10**9, level_of(row["Level"]))
        assert content == row["Content"]
