"""The legacy application's two logs: the access log, and the application's own."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta

import pytest

from tests.examples.legacy import APPLICATION_LINE, Legacy

ACCESS_LINE = re.compile(
    r"127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3} \+0000\]"
    r' "(?P<request>.*)" (?P<status>\d{3}|-) (?P<bytes>\d+|-) (?P<micros>\d+)'
    r' "(?P<correlation_id>.*)" "(?P<traceparent>.*)"'
)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_request_is_one_line_of_the_access_log(legacy: Legacy) -> None:
    """As the LogFormat in the server's docstring says: microseconds, and the two headers."""
    reply = legacy.get("/policies/POL-111", headers={"X-Correlation-ID": "c-1", "traceparent": TRACEPARENT})
    (line,) = legacy.access_lines("/policies/POL-111 ")
    match = ACCESS_LINE.fullmatch(line)
    assert match is not None
    assert match["request"] == "GET /policies/POL-111 HTTP/1.1"
    assert (match["status"], match["bytes"]) == ("200", str(len(reply.content)))
    assert int(match["micros"]) > 0
    assert (match["correlation_id"], match["traceparent"]) == ("c-1", TRACEPARENT)


def test_the_access_log_escapes_as_apache_does(legacy: Legacy) -> None:
    """Quotes, backslashes and what is not printable; a header that is not there is a hyphen."""
    legacy.get("/policies/POL-112", headers={"X-Correlation-ID": b'a"b\\c\xe9'})
    (line,) = legacy.access_lines("/policies/POL-112 ")
    assert line.endswith(r' "a\"b\\c\xe9" "-"')


def test_a_client_that_goes_away_is_logged_too(legacy: Legacy) -> None:
    """The line is written when the application is done, not when the client is."""
    host, _, port = legacy.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /policies/POL-113/statement HTTP/1.1\r\nHost: x\r\n\r\n")
    (line,) = legacy.access_lines("/policies/POL-113/statement")
    match = ACCESS_LINE.fullmatch(line)
    assert match is not None
    assert match["status"] == "200"
    assert int(match["micros"]) >= 350_000


def test_a_line_of_the_application_log_is_laid_out_by_its_pattern(legacy: Legacy) -> None:
    """UTC with milliseconds, level in five columns, thread, last part of the logger, the request's ID."""
    claim = {"number": "CLM-500001", "policy": "POL-114", "amount": 1}
    legacy.post("/registrations", claim, headers={"X-Correlation-ID": "c-2"})
    (event,) = legacy.events("claim CLM-500001 registered")
    assert (event["level"], event["logger"], event["correlation_id"]) == ("INFO ", "ClaimService", "c-2")
    assert re.fullmatch(r"http-\d+", event["thread"])
    written = datetime.strptime(event["time"], "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - written) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("header", "logged"),
    [
        (None, ""),
        (b"", ""),
        (b"]\t c-3 \t]", "c-3"),
        (b"c]-\x7f3\x85", "c-3"),
        (b"[c 3", "[c 3"),
        (b"x" * 300, "x" * 128),
        (b"\xe9t\xe9", "été"),
    ],
)
def test_the_mdc_is_the_header_without_what_would_break_a_line(
    legacy: Legacy, header: bytes | None, logged: str
) -> None:
    """Trimmed, without control characters and ']', at most 128 characters; empty where there is none."""
    before = len(legacy.events("POL-998"))
    legacy.get("/policies/POL-998", headers={} if header is None else {"X-Correlation-ID": header})
    events = legacy.events("POL-998")
    assert len(events) == before + 1
    assert events[-1]["correlation_id"] == logged


def test_an_exception_is_logged_with_its_stack_trace(legacy: Legacy) -> None:
    """ERROR, then lines that no reader takes for the begin of an event."""
    legacy.get("/policies/POL-900", headers={"X-Correlation-ID": "c-trace"})
    message = "no rate for tariff MX-77 of policy POL-900: table TARIFFS was last loaded 2009-11-30"
    lines = (legacy.folder / "application.log").read_text("utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if "[c-trace]" in line)
    match = APPLICATION_LINE.fullmatch(lines[start])
    assert match is not None
    assert (match["level"], match["message"]) == ("ERROR", message)
    assert lines[start + 1] == "Traceback (most recent call last):"
    end = next(i for i in range(start + 1, len(lines)) if not re.match(r"Trace| ", lines[i]))
    assert lines[end] == f"policies.NoRateError: {message}"


def test_refusals_are_warnings(legacy: Legacy) -> None:
    """Unknown and lapsed policies, bad requests: WARN, no stack trace."""
    legacy.get("/policies/POL-997")
    claim = {"number": "CLM-500002", "policy": "POL-902", "amount": 1}
    legacy.post("/registrations", claim, headers={"X-Correlation-ID": "c-lapsed"})
    assert [event["level"] for event in legacy.events("policy POL-997 is unknown")] == ["WARN "]
    lapsed = [event for event in legacy.events() if event["correlation_id"] == "c-lapsed"]
    assert [event["level"] for event in lapsed] == ["INFO ", "WARN "]
    assert lapsed[-1]["message"] == "POST /registrations: policy POL-902 is lapsed"


def test_nobody_can_forge_a_line(legacy: Legacy) -> None:
    """A path with line ends stays on its line, and every line begins an event or belongs to a stack trace."""
    legacy.get("/x%0A2026-01-01%2000:00:00,000%20INFO%20%20%5Bhttp-1%5D%20Forged%20%5B%5D%20-%20forged")
    (event,) = legacy.events("forged")
    assert event["message"].startswith(r"GET /x\u000a2026-01-01 ")
    for line in (legacy.folder / "application.log").read_text("utf-8").splitlines():
        assert APPLICATION_LINE.fullmatch(line) or not line[:1].isdigit()


def test_a_slow_statement_is_told_with_a_warning(legacy: Legacy) -> None:
    """INFO at its end; over 700 ms there is a WARN, too."""
    legacy.get("/policies/POL-105/statement")  # 17 pages
    assert [event["level"] for event in legacy.events("statement of policy POL-105: 17 pages")] == ["INFO "]
    assert [event["level"] for event in legacy.events("statement of policy POL-105 took")] == ["WARN "]
