"""HAProxy: lines that HAProxy 2.6 wrote, behind every header, and those of its documentation."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from subscribers.formats.haproxy import HAPROXY
from tests.subscribers.formats.telling import MS, T0, TRACE, TRACEPARENT, all_told, exchange, told

HTTP = (
    f"127.0.0.1:39324 [21/Nov/2026:03:30:10.887] web~ app/a 1/2/3/6/12 200 197 - - ---- 1/1/0/0/0 0/0 "
    f'{{{TRACEPARENT}|127.0.0.1:18080}} {{}} "GET /x?a=1 HTTP/1.1"'
)
HEADERS = [
    "",
    "haproxy[24490]: ",
    "Nov 21 03:30:11 localhost haproxy[24490]: ",
    "<134>Nov 21 03:30:11 localhost haproxy[24490]: ",
    "<134>Nov 21 03:30:11 haproxy[24490]: ",
    "<134>1 2026-11-21T03:30:11.894643+00:00 - haproxy 24490 - - ",
    "2026-11-21T03:30:11+00:00 lb-1 haproxy[24490]: ",
]


@pytest.mark.parametrize("header", HEADERS)
def test_an_http_line_is_read_behind_any_header(header: str) -> None:
    """The time is when the request was accepted, whatever the header's; the last timer is all it took."""
    one = told(HAPROXY, header + HTTP)
    assert one.exchange is not None
    assert (one.time_unix_nano, one.exchange.duration_ns) == (T0 + 887 * MS, 12 * MS)
    assert (one.exchange.method, one.exchange.path, one.exchange.status) == ("GET", "/x", 200)
    assert (one.exchange.traceparent, one.level) == (TRACEPARENT, "INFO")
    assert one.attributes.get("process.pid") == (24490 if "24490" in header else None)
    assert one.attributes.get("log.syslog.facility.code") == (16 if "<134>" in header else None)
    own = {name: value for name, value in one.attributes.items() if name.startswith("haproxy.")}
    assert own == {
        "haproxy.frontend": "web",
        "haproxy.backend": "app",
        "haproxy.server": "a",
        "haproxy.time_request_ms": 1.0,
        "haproxy.time_queue_ms": 2.0,
        "haproxy.time_connect_ms": 3.0,
        "haproxy.time_response_ms": 6.0,
        "haproxy.time_total_ms": 12.0,
        "haproxy.termination_state": "----",
        "haproxy.retries": 0,
        "haproxy.server_queue": 0,
        "haproxy.backend_queue": 0,
        "haproxy.captured_request_headers": [TRACEPARENT, "127.0.0.1:18080"],
    }


def test_the_time_is_in_the_services_zone() -> None:
    """The line names none."""
    assert (
        exchange(HAPROXY, HTTP, zone=timezone(timedelta(hours=1))).start_unix_nano
        == T0 + 887 * MS - 3_600_000 * MS
    )


@pytest.mark.parametrize(
    ("line", "level", "duration", "status"),
    [
        (
            "127.0.0.1:39350 [21/Nov/2026:03:30:10.910] web web/<NOSRV> -1/-1/-1/-1/0 400 0 - - "
            'PR-- 1/1/0/0/0 0/0 "<BADREQ>"',
            "WARN",
            0,
            400,
        ),
        (
            "127.0.0.1:57532 [21/Nov/2026:03:30:10.903] h2 app/a 0/0/0/0/+3 503 +197 - - SC-- "
            '1/1/0/0/+3 0/0 "GET /x HTTP/1.1" 0/-/-/-/0 -/-/-',
            "ERROR",
            3 * MS,
            503,
        ),
        (
            "10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 -1 0 "
            '- - CR-- 1/1/1/1/0 0/0 {1wt.eu} "GET /index.html HT',
            "WARN",
            109 * MS,
            0,
        ),
        (
            "2001:db8::7:443 [21/Nov/2026:03:30:10.903] web app/a 0/0/0/0/-1 200 1 - - ---- "
            '1/1/0/0/0 0/0 "GET /x HTTP/1.1"',
            "INFO",
            None,
            200,
        ),
    ],
)
def test_odd_http_lines(line: str, level: str, duration: int | None, status: int) -> None:
    """Bad requests, logasap's plus signs, HTTPS's two more fields, a line cut short, IPv6."""
    one = told(HAPROXY, line)
    assert one.exchange is not None
    assert (one.level, one.exchange.duration_ns, one.exchange.status) == (level, duration, status)


@pytest.mark.parametrize(
    ("state", "level"), [("--", "INFO"), ("SC", "ERROR"), ("CD", "WARN"), ("IC", "ERROR")]
)
def test_a_tcp_session_is_no_exchange(state: str, level: str) -> None:
    """Its termination state is its level."""
    line = f"127.0.0.1:57552 [21/Nov/2026:03:30:10.899] tcp tapp/a 1/0/3 202 {state} 1/1/0/0/0 0/0"
    one = told(HAPROXY, line)
    assert (one.exchange, one.level, one.time_unix_nano) == (None, level, T0 + 899 * MS)
    assert one.attributes["haproxy.bytes_read"] == 202
    assert one.attributes["haproxy.time_total_ms"] == 3.0


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        (
            "haproxy[1]: 127.0.0.1:34549 [06/Dec/2010:08:29:02.084] frt/f1: Connection error "
            "during SSL handshake",
            "WARN",
            "Connection error during SSL handshake",
        ),
        (
            "<129>Nov 21 03:30:10 localhost haproxy[7]: Server app/b is DOWN, reason: x",
            "ERROR",
            "Server app/b is DOWN, reason: x",
        ),
        ("Server app/b is UP, reason: x", "INFO", "Server app/b is UP, reason: x"),
        ("<133>1 2026-11-21T03:30:10Z - haproxy 7 - - Proxy web started.", "INFO", "Proxy web started."),
        ("[ALERT]    (21739) : config : Fatal errors found", "FATAL", "config : Fatal errors found"),
        ("[WARNING] 324/033010 (7) : Server b is going DOWN", "WARN", "Server b is going DOWN"),
        (
            "Connect from 10.0.1.2:33312 to 10.0.3.31:8012 (www/HTTP)",
            "INFO",
            "Connect from 10.0.1.2:33312 to 10.0.3.31:8012 (www/HTTP)",
        ),
    ],
)
def test_what_the_proxy_says_about_itself(line: str, level: str, message: str) -> None:
    """Errors of connections, servers that come and go, its standard error."""
    one = told(HAPROXY, line)
    assert (one.level, one.message, one.exchange) == (level, message, None)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "Nov 21 03:30:10 web-1 sshd[7]: hello",
        HTTP.replace("/Nov/", "/Nix/"),
        HTTP.replace(" 1/2/3/6/12 ", " x "),
    ],
)
def test_other_lines_are_none_of_haproxys(line: str) -> None:
    """Of another process, or of no shape that it writes."""
    assert all_told(HAPROXY, line) == [None]


def test_a_captured_header_tells_the_trace() -> None:
    """Where it is a traceparent, wherever it stands."""
    line = HTTP.replace(f"{TRACEPARENT}|127.0.0.1:18080", f"x|{TRACEPARENT}")
    assert exchange(HAPROXY, line).traceparent[3:35] == TRACE
