"""Tomcat: AccessLogValve's pattern, given as such, and catalina.out of old and new versions."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from subscribers.formats.records import paged
from subscribers.formats.told import Clock
from subscribers.formats.tomcat import TOMCAT, compile_layout, compile_tomcat, unescape
from subscribers.parsers.java_layout import BadLayout
from tests.subscribers.formats.telling import MS, T0, TRACEPARENT, all_told, exchange, told
from tests.subscribers.formats.test_records import logs, page

#: Code, what it wrote, and what that tells.
CODES: list[tuple[str, str, dict[str, Any]]] = [
    ("%a", "203.0.113.9", {"client.address": "203.0.113.9"}),
    ("%{remote}a", "203.0.113.9", {"client.address": "203.0.113.9"}),
    ("%{peer}a", "10.0.0.7", {"network.peer.address": "10.0.0.7"}),
    ("%A", "10.0.0.5", {"network.local.address": "10.0.0.5"}),
    ("%b", "-", {}),
    ("%B", "57", {"http.response.body.size": 57}),
    ("%F", "3", {"tomcat.time_to_commit_ms": 3.0}),
    ("%I", "http-nio-8080-exec-1", {"thread.name": "http-nio-8080-exec-1"}),
    ("%m", "GET", {"http.request.method": "GET"}),
    ("%m", "null", {}),
    ("%U", "/claims", {"url.path": "/claims"}),
    ("%U", "null", {}),
    ("%p", "8080", {"server.port": 8080}),
    ("%{remote}p", "52345", {"client.port": 52345}),
    ("%q", "?a=b", {"url.query": "a=b"}),
    ("%s", "404", {"http.response.status_code": 404}),
    ("%S", "0A1B", {"session.id": "0A1B"}),
    ("%v", "claims.example.com", {"server.address": "claims.example.com"}),
    ("%X", "+", {"apache.connection_status": "+"}),
    ("%{Host}i", "a", {"http.request.header.host": "a"}),
    ("%{Content-Type}o", "a", {"http.response.header.content-type": "a"}),
    ("%{JSESSIONID}c", "a", {"tomcat.cookie.JSESSIONID": "a"}),
    ("%{user}r", "a", {"tomcat.request.user": "a"}),
    ("%{cart}s", "a", {"tomcat.session.cart": "a"}),
]


@pytest.mark.parametrize(("code", "text", "expected"), CODES)
def test_a_code_is_read(code: str, text: str, expected: dict[str, Any]) -> None:
    """Its own letters and Apache's."""
    line = f"[21/Nov/2026:03:30:10 +0000] {text} x"
    assert told(compile_tomcat(f"%t {code} %u"), line).attributes == {**expected, "user.name": "x"}


@pytest.mark.parametrize(
    ("pattern", "text", "start", "duration"),
    [
        ("%t %D", "[21/Nov/2026:03:30:10 +0000] 250", T0 - 250 * MS, 250 * MS),
        ("%t %T", "[21/Nov/2026:03:30:10 +0000] 0.250", T0 - 250 * MS, 250 * MS),
        ("%{begin}t %D", "[21/Nov/2026:03:30:10 +0000] 250", T0, 250 * MS),
        ("%{begin:msec}t %{us}T", "1795231810123 250", T0 + 123 * MS, 250_000),
        ("%{yyyy-MM-dd HH:mm:ss.SSS}t %D", "2026-11-21 03:30:10.250 250", T0, 250 * MS),
        ("%{yyyy-MM-dd'T'HH:mm:ssXXX}t %{ms}T", "2026-11-21T04:30:10+01:00 250", T0 - 250 * MS, 250 * MS),
        ("%{sec}t.%{msec_frac}t %D", "1795231810.250 250", T0, 250 * MS),
        ("%t %{ms}T %D", "[21/Nov/2026:03:30:10 +0000] ??? 250", T0 - 250 * MS, 250 * MS),
        ("%t %{fracsec}T", "[21/Nov/2026:03:30:10 +0000] 0.25", T0 - 250 * MS, 250 * MS),
        ("%t %{ns}T", "[21/Nov/2026:03:30:10 +0000] 250", T0 - 250, 250),
    ],
)
def test_the_time_is_the_end_unless_it_says_begin(pattern: str, text: str, start: int, duration: int) -> None:
    """And %D is in milliseconds."""
    made = exchange(compile_tomcat(f"{pattern} %U"), f"{text} /")
    assert (made.start_unix_nano, made.duration_ns) == (start, duration)


def test_from_10_1_on_it_took_microseconds() -> None:
    """Which no line tells."""
    layout = compile_tomcat("%t %D %U", is_micro=True)
    assert exchange(layout, "[21/Nov/2026:03:30:10 +0000] 250 /").duration_ns == 250_000


def test_a_line_of_spring_boots_is_read() -> None:
    """An unquoted request line, its query again, and a thread with blanks in brackets."""
    pattern = (
        "%{yyyy-MM-dd HH:mm:ss}t [%I] %{X-Forwarded-For}i %a %r %q %s (%{ms}T ms) "
        '"%{X-Correlation-ID}i" %{traceparent}i'
    )
    one = told(
        compile_tomcat(pattern),
        "2026-11-21 03:30:10 [my exec 1] - 127.0.0.1 GET /a?b=1 HTTP/1.1 ?b=1 200 (12 ms) "
        f'"CLM-1" {TRACEPARENT}',
    )
    assert (one.correlation_id, one.attributes["url.path"], one.attributes["url.query"]) == (
        "CLM-1",
        "/a",
        "b=1",
    )
    assert one.attributes["thread.name"] == "my exec 1"


def test_common_and_combined_are_known() -> None:
    """As the valve knows them."""
    line = '127.0.0.1 - - [21/Nov/2026:03:30:10 +0000] "GET / HTTP/1.1" 200 5'
    assert told(compile_tomcat("common"), line).attributes["http.response.body.size"] == 5
    combined = told(compile_tomcat("combined"), f'{line} "-" "say \\"h\\u00e9\\""')
    assert combined.attributes["user_agent.original"] == 'say "hé"'


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("hello", "holds no %"),
        ("%h %Q", "'%Q' is not known"),
        ("%h %", "starts no code"),
        ("%h%l", "nothing between them"),
        ("%{x}D", "takes no argument"),
        ("%{minutes}T", "is not one of"),
        ("%{x}a", "remote or peer"),
        ("%{x}p", "local or remote"),
        ("%{yyyy QQ}t", "letter 'Q'"),
    ],
)
def test_a_mistake_is_a_sentence(pattern: str, said: str) -> None:
    """Which names what is wrong."""
    with pytest.raises(BadLayout, match=said):
        compile_layout(pattern)


NEW = "21-Nov-2026 03:30:10.123 {} [main] org.apache.catalina.startup.Catalina.start Server startup in [7] ms"


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("SEVERE", "ERROR"),
        ("WARNING", "WARN"),
        ("INFO", "INFO"),
        ("CONFIG", "DEBUG"),
        ("FINE", "DEBUG"),
        ("FINEST", "TRACE"),
    ],
)
def test_a_record_on_one_line_is_read(word: str, level: str) -> None:
    """Of Tomcat 8 and later."""
    one = told(TOMCAT, NEW.format(word))
    assert (one.time_unix_nano, one.level, one.message) == (T0 + 123 * MS, level, "Server startup in [7] ms")
    assert one.attributes == {
        "thread.name": "main",
        "log.logger": "org.apache.catalina.startup.Catalina",
        "code.function.name": "start",
    }


FIRST = "Nov 21, 2026 3:30:10 AM org.apache.catalina.core.StandardService startInternal"


@pytest.mark.parametrize(
    "first", [FIRST, FIRST.replace(" AM", "\u202fAM"), FIRST.replace("2026 3", "2026, 3")]
)
def test_a_record_on_two_lines_is_read(first: str) -> None:
    """Of Tomcat 7 and before, and as newer Javas write the date."""
    one, two = all_told(TOMCAT, first, "INFO: Starting service Catalina")
    assert one is not None
    assert one.is_header
    assert two is not None
    assert (two.time_unix_nano, two.level, two.message) == (T0, "INFO", "Starting service Catalina")
    assert two.attributes == {
        "log.logger": "org.apache.catalina.core.StandardService",
        "code.function.name": "startInternal",
    }
    together = told(TOMCAT, f"{first}\nSEVERE: a\nb")
    assert (together.level, together.message) == ("ERROR", "a\nb")


def test_a_stack_trace_goes_on_with_its_record() -> None:
    """Of both forms, in one file."""
    trace = ["java.lang.IllegalStateException: no policy", "\tat claims.Servlet.doGet(Servlet.java:7)"]
    lines = [NEW.format("SEVERE"), *trace, FIRST, "SEVERE: Allocate exception for servlet claims", *trace]
    parsed = paged(TOMCAT, UTC)(page(*lines))
    one, two = logs(parsed)
    for log in (one, two):
        assert (log.level, log.error_type, log.error_message) == (
            "ERROR",
            "java.lang.IllegalStateException",
            "no policy",
        )
    assert two.message == "Allocate exception for servlet claims"
    assert parsed.notes == {}


def _is_utf8_bytes(text: str) -> bool:
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return False
    return not text.isascii()


@given(st.text())
def test_escapes_are_undone(text: str) -> None:
    """Whatever the valve escapes is read as it was; anything else does not raise and can be encoded."""
    assert unescape(r"h\u00c3\u00a9") == unescape(r"h\u00e9") == "hé"
    plain = text.encode("utf-16", "replace").decode("utf-16")
    # Text that is bytes of UTF-8, each taken for a character, is read as what they are together.
    assume(not _is_utf8_bytes(plain))
    written = "".join(
        f"\\{c}" if c in '"\\' else f"\\u{ord(c):04x}" if ord(c) < 32 or 127 <= ord(c) < 0x10000 else c
        for c in plain
    )
    assert unescape(written) == plain
    unescape(text.encode("utf-8", "replace").decode()).encode()


@given(st.text(alphabet="%{}abcdhimnopqrstuxDFIT \\\"[]0123:yMH'", max_size=30))
def test_any_pattern_compiles_or_says_why(pattern: str) -> None:
    """And one that compiles reads any line without a fault."""
    try:
        read = compile_tomcat(pattern).reader()
    except BadLayout:
        return
    for line in (pattern, "", "[21/Nov/2026:03:30:10 +0000] x 1"):
        read(line, Clock(UTC, T0))
