"""Apache's LogFormat, given as such: every directive, its times, its escapes, its mistakes."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.config import ConfigError, loads
from subscribers.formats.apache_layout import APACHE, DATASET, NAMED, compile_apache, compile_layout, unescape
from subscribers.formats.records import paged
from subscribers.formats.told import Clock
from subscribers.parsers.java_layout import BadLayout
from tests.subscribers.formats.telling import MS, SPAN, T0, TRACE, TRACEPARENT, all_told, exchange, told

#: Directive, what it wrote, and what that tells.
DIRECTIVES: list[tuple[str, str, dict[str, Any]]] = [
    ("%h", "203.0.113.9", {"client.address": "203.0.113.9"}),
    ("%a", "2001:db8::7", {"client.address": "2001:db8::7"}),
    ("%{c}a", "10.0.0.7", {"network.peer.address": "10.0.0.7"}),
    ("%{c}h", "proxy-1", {"network.peer.address": "proxy-1"}),
    ("%A", "10.0.0.5", {"network.local.address": "10.0.0.5"}),
    ("%B", "0", {"http.response.body.size": 0}),
    ("%b", "-", {}),
    ("%b", "512", {"http.response.body.size": 512}),
    ("%{session}C", "s-1", {"apache.cookie.session": "s-1"}),
    ("%{UNIQUE_ID}e", "Yx1", {"apache.env.UNIQUE_ID": "Yx1"}),
    ("%f", "/srv/www/index.html", {"file.path": "/srv/www/index.html"}),
    ("%H", "HTTP/2.0", {"network.protocol.name": "http", "network.protocol.version": "2.0"}),
    ("%{Host}i", "claims.example.com", {"http.request.header.host": "claims.example.com"}),
    ("%{User-agent}i", "curl/8", {"user_agent.original": "curl/8"}),
    ("%!200,304{Referer}i", "-", {}),
    ("%400,501{User-agent}i", "curl/8", {"user_agent.original": "curl/8"}),
    (
        "%{X-Forwarded-For}i",
        "192.0.2.7",
        {"client.address": "192.0.2.7", "http.request.header.x-forwarded-for": "192.0.2.7"},
    ),
    ("%k", "3", {"apache.keepalive_requests": 3}),
    ("%l", "-", {}),
    ("%L", "WBM9cX8AAQEAAGVXAAAB", {"apache.log_id": "WBM9cX8AAQEAAGVXAAAB"}),
    ("%{c}L", "WBM9", {"apache.connection_log_id": "WBM9"}),
    ("%m", "PUT", {"http.request.method": "PUT"}),
    ("%{outcome}n", "hit", {"apache.note.outcome": "hit"}),
    ("%{Content-Type}o", "text/html", {"http.response.header.content-type": "text/html"}),
    ("%p", "443", {"server.port": 443}),
    ("%{remote}p", "52345", {"client.port": 52345}),
    ("%{local}p", "8443", {"network.local.port": 8443}),
    ("%P", "4711", {"process.pid": 4711}),
    ("%{tid}P", "140312345678592", {"thread.id": 140312345678592}),
    ("%{hextid}P", "7f9b1c3d5700", {"thread.id": "7f9b1c3d5700"}),
    ("%q", "?a=1&b=2", {"url.query": "a=1&b=2"}),
    ("%R", "proxy-server", {"apache.handler": "proxy-server"}),
    ("%>s", "404", {"http.response.status_code": 404}),
    ("%<s", "302", {"http.response.status_code": 302}),
    ("%u", "frank", {"user.name": "frank"}),
    ("%u", '""', {}),
    ("%U", "/claims", {"url.path": "/claims"}),
    ("%v", "claims.example.com", {"server.address": "claims.example.com"}),
    ("%V", "-", {}),
    ("%X", "+", {"apache.connection_status": "+"}),
    ("%I", "345", {"http.request.size": 345}),
    ("%O", "678", {"http.response.size": 678}),
    ("%S", "1023", {"apache.bytes_transferred": 1023}),
    ("%^FB", "1500", {"apache.time_to_first_byte_ms": 1.5}),
    ("%{X-Checksum}^ti", "ab", {"apache.request_trailer.x-checksum": "ab"}),
    ("%{SSL_PROTOCOL}x", "TLSv1.3", {"tls.protocol.name": "tls", "tls.protocol.version": "1.3"}),
    ("%{SSL_CIPHER}x", "AES128-SHA", {"tls.cipher": "AES128-SHA"}),
    ("%%", "%", {}),
]


@pytest.mark.parametrize(("directive", "text", "expected"), DIRECTIVES)
def test_a_directive_is_read(directive: str, text: str, expected: dict[str, Any]) -> None:
    """Alone between others, quoted and at the end of the line, it says the same."""
    for layout in (f"%t {directive} %D", f'%t "{directive}" %D', f"%t %D {directive}"):
        line = (
            layout.replace("%t", "[21/Nov/2026:03:30:10 +0000]").replace("%D", "7").replace(directive, text)
        )
        if '""' not in text or '"' not in layout:
            one = told(compile_apache(layout), line)
            assert (one.attributes, one.time_unix_nano) == (expected, T0)


#: Time directives, what they wrote, and the start that it tells, where the request took 2 ms.
TIMES = [
    ("%t", "[21/Nov/2026:04:30:10 +0100]", T0),
    ("[%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t]", "[21/Nov/2026:03:30:10.123 +0000]", T0 + 123 * MS),
    ("[%{%d/%b/%Y:%H:%M:%S}t.%{usec_frac}t %{%z}t]", "[21/Nov/2026:03:30:10.123456 +0000]", T0 + 123_456_000),
    ("%{%d/%b/%Y:%T %z}t", "21/Nov/2026:03:30:10 +0000", T0),
    ("%{sec}t", "1795231810", T0),
    ("%{msec}t", "1795231810123", T0 + 123 * MS),
    ("%{usec}t", "1795231810123456", T0 + 123_456_000),
    ("%{sec}t.%{usec_frac}t", "1795231810.123456", T0 + 123_456_000),
    ("%t %{msec}t", "[21/Nov/2026:03:30:10 +0000] 1795231810123", T0 + 123 * MS),
    ("%{begin:msec}t %{end:msec}t", "1795231810123 1795231819999", T0 + 123 * MS),
    ("%{end:%Y-%m-%dT%H:%M:%S%z}t", "2026-11-21T03:30:10+0000", T0 - 2 * MS),
    ("%{end:msec}t", "1795231810123", T0 + 121 * MS),
    ("%{%F %T}t.%{usec_frac}t", "2026-11-21 03:30:10.000456", T0 + 456_000),
    ("%{%c}t", "Sat Nov 21 03:30:10 2026", T0),
    ("%{%D %r}t", "11/21/26 03:30:10 AM", T0),
    ("%{%e %B %Y %k:%M:%S}t", "21 November 2026  3:30:10", T0),
    ("%{%s}t", "1795231810", T0),
    ("%{%Y %j %T}t", "2026 325 03:30:10", T0),
]


@pytest.mark.parametrize(("directive", "text", "start"), TIMES)
def test_a_time_is_read(directive: str, text: str, start: int) -> None:
    """To its own resolution; what says when it ended, with how long it took, says when it began."""
    line = f"{text} GET /a 2000"
    one = told(compile_apache(f"{directive} %m %U %D"), line)
    assert one.exchange is not None
    assert (one.time_unix_nano, one.exchange.start_unix_nano) == (start, start)


@pytest.mark.parametrize(
    ("layout", "line", "when"),
    [
        ("%t %U", "[21/Nov/2026:03:30:10 +0000] /", "21/Nov/2026:03:30:10 +0000"),
        ("%{%F}t at %{%T}t %U", "2026-11-21 at 03:30:10 /", "2026-11-21 at 03:30:10"),
        ("%{sec}t %U %{msec_frac}t", "1795231810 / 123", "1795231810 123"),
        ("%{end:sec}t %{begin:sec}t %U", "1795231811 1795231810 /", "1795231810"),
        ("%h %U", "203.0.113.9 /", ""),
    ],
)
def test_the_text_of_the_time_is_kept(layout: str, line: str, when: str) -> None:
    """With the client and the line it makes the span's ID."""
    assert exchange(compile_apache(layout), line).when == when


def test_a_time_without_a_zone_is_in_the_services() -> None:
    """And its missing year is the nearest."""
    zone = timezone(timedelta(hours=1))
    assert told(compile_apache("%{%b %d %T}t %U"), "Nov 21 04:30:10 /", zone=zone).time_unix_nano == T0


def test_without_a_time_the_request_ended_when_the_line_was_written() -> None:
    """CloudWatch's time is the log's own; the span lies before it."""
    one = told(compile_apache("%h %m %U %{ms}T"), "203.0.113.9 GET / 250")
    assert one.time_unix_nano is None
    assert one.exchange is not None
    assert (one.exchange.start_unix_nano, one.exchange.duration_ns) == (T0 - 250 * MS, 250 * MS)


@pytest.mark.parametrize(
    ("directive", "text", "duration"),
    [
        ("%D", "12345", 12_345_000),
        ("%T", "2", 2_000 * MS),
        ("%{us}T", "7", 7_000),
        ("%{ms}T", "7", 7 * MS),
        ("%{s}T", "7", 7_000 * MS),
        ("%T %D", "2 2100000", 2_100 * MS),
        ("%D %T", "2100000 2", 2_100 * MS),
        ("%D", "-", None),
    ],
)
def test_a_duration_is_read(directive: str, text: str, duration: int | None) -> None:
    """Of several the finest."""
    line = f"[21/Nov/2026:03:30:10 +0000] {text} /"
    assert exchange(compile_apache(f"%t {directive} %U"), line).duration_ns == duration


def test_the_identity_is_read_from_any_header() -> None:
    """A traceparent and a correlation ID, in a header, a note, a variable, or the answer's header."""
    for directive in (
        "%{X-Correlation-ID}i",
        "%{correlation_id}n",
        "%{CORRELATION_ID}e",
        "%{x-correlation-id}o",
    ):
        one = told(
            compile_apache(f'%t "%r" "{directive}" %{{traceparent}}i'),
            f'[21/Nov/2026:03:30:10 +0000] "-" "CLM-1" {TRACEPARENT}',
        )
        assert one.exchange is not None
        assert (one.correlation_id, one.exchange.traceparent) == ("CLM-1", TRACEPARENT)


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("b3", f"{TRACE}-{SPAN}-1", (TRACE, SPAN)),
        ("uber-trace-id", f"{TRACE}:{SPAN}:0:1", (TRACE, SPAN)),
        (
            "X-Amzn-Trace-Id",
            "Root=1-58337281-1d84f3d73c47ec4e58577259;Parent=00f067aa0ba902b7",
            ("583372811d84f3d73c47ec4e58577259", SPAN),
        ),
        ("X-Amzn-Trace-Id", "nonsense", ("", "")),
    ],
)
def test_other_tracers_headers_tell_the_trace(header: str, value: str, expected: tuple[str, str]) -> None:
    """Where neither a traceparent nor a correlation ID does."""
    one = told(
        compile_apache(f'%t "%{{{header}}}i" %{{X-Correlation-ID}}i'),
        f'[21/Nov/2026:03:30:10 +0000] "{value}" -',
    )
    assert (one.trace_id, one.span_id) == expected
    ours = told(
        compile_apache(f'%t "%{{{header}}}i" %{{X-Correlation-ID}}i'),
        f'[21/Nov/2026:03:30:10 +0000] "{value}" CLM-1',
    )
    assert (ours.trace_id, ours.correlation_id) == ("", "CLM-1")


def test_the_whole_directive_may_be_given() -> None:
    """As it stands in httpd.conf, with or without the backslashes, or by the name it has there."""
    inner = NAMED["combined"]
    expected = compile_layout(inner).expression
    given = [f'LogFormat "{inner}" combined', f'"{inner}"', inner.replace('\\"', '"'), "combined"]
    given.append(f'CustomLog logs/access_log "{inner}"')
    assert [compile_layout(text).expression for text in given] == [expected] * len(given)


def test_a_request_line_of_a_proxy_tells_the_path() -> None:
    """And whom it was for."""
    line = '1 - - [21/Nov/2026:03:30:10 +0000] "GET http://claims.example.com:8080/a?b HTTP/1.1" 200 5'
    attributes = told(APACHE, line).attributes
    assert (attributes["url.path"], attributes["url.query"], attributes["server.port"]) == ("/a", "b", 8080)
    assert (attributes["url.scheme"], attributes["server.address"]) == ("http", "claims.example.com")


def test_fields_without_quotes_are_told_apart_by_their_shape() -> None:
    """A decoded path may hold blanks, a query follows it at once, a bare request line has three words."""
    layout = compile_apache("%t %m %U%q %H %>s")
    line = "[21/Nov/2026:03:30:10 +0000] GET /my claims/7?a=b HTTP/1.1 200"
    attributes = told(layout, line).attributes
    assert (attributes["url.path"], attributes["url.query"]) == ("/my claims/7", "a=b")
    assert told(layout, line.replace("?a=b", "")).attributes["url.path"] == "/my claims/7"
    bare = told(compile_apache("%t %r %>s"), "[21/Nov/2026:03:30:10 +0000] GET /a?b HTTP/1.1 200").attributes
    assert (bare["url.path"], bare["http.response.status_code"]) == ("/a", 200)
    port = told(compile_apache("%a:%{remote}p %t"), "2001:db8::7:443 [21/Nov/2026:03:30:10 +0000]").attributes
    assert (port["client.address"], port["client.port"]) == ("2001:db8::7", 443)
    user = told(APACHE, '1 - John van Doe [21/Nov/2026:03:30:10 +0000] "-" 200 5').attributes
    assert user["user.name"] == "John van Doe"


def test_the_host_before_a_combined_line_is_told_apart() -> None:
    """Debian's vhost_combined, and a client with an IPv6 address that only looks like it."""
    rest = '[21/Nov/2026:03:30:10 +0000] "GET / HTTP/1.1" 200 3256 "-" "curl/7.88.1"'
    first, second = all_told(APACHE, f"claims.example.com:443 203.0.113.9 - - {rest}", f"::1 - - {rest}")
    assert first is not None
    assert second is not None
    assert (first.attributes["server.address"], first.attributes["client.address"]) == (
        "claims.example.com",
        "203.0.113.9",
    )
    assert (first.attributes["server.port"], first.attributes["http.response.size"]) == (443, 3256)
    assert second.attributes["client.address"] == "::1"


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("hello", "holds no %"),
        ("%h %Q", "'%Q' is not known"),
        ("%h %", "starts no directive"),
        ("%h%l", "nothing between them"),
        ("%{s}D", "takes no argument"),
        ("%i", "needs a name"),
        ("%{minutes}T", "is not s, ms or us"),
        ("%{other}p", "canonical, local or remote"),
        ("%{x}P", "pid, tid or hextid"),
        ("%{x}a", "%{c}a"),
        ("%{%Q}t", "%Q of the time"),
        ("%{%}t", "ends in a %"),
        (r"%h\n%m", "more than one line"),
        ("%%", "writes no field"),
        ("%h " * 201, "more than 200"),
    ],
)
def test_a_mistake_is_a_sentence(layout: str, said: str) -> None:
    """Which names what is wrong."""
    with pytest.raises(BadLayout, match=said.replace("{", r"\{")):
        compile_layout(layout)


@pytest.mark.parametrize(
    ("kind", "layout", "said"),
    [
        ("apache", "%h %Q", "the directive '%Q' is not known"),
        ("nginx", "$uri$status $", "the $ of '$' starts no variable"),
    ],
)
def test_a_mistake_in_the_configuration_is_said_with_its_path(kind: str, layout: str, said: str) -> None:
    """Where observe.yaml is loaded, and not when the first line comes."""
    text = (
        "version: 1\nservices:\n  web:\n    side: legacy\n    log_groups: [/web]\n    format: "
        f"{{{kind}: '{layout}'}}\n"
    )
    with pytest.raises(ConfigError) as caught:
        loads(text)
    assert [(problem.path, said in problem.message) for problem in caught.value.problems] == [
        (f"services.web.format.{kind}", True)
    ]


def test_the_dataset_is_apaches() -> None:
    """Whatever the format is."""
    assert compile_apache("common").dataset == DATASET
    assert paged(compile_apache("common"), UTC)


@pytest.mark.parametrize("name", list(NAMED))
def test_a_named_format_has_a_reader(name: str) -> None:
    """Each of them compiles, and reads nothing of a line of something else."""
    told_nothing = compile_apache(name).reader()("at java.lang.Thread.run(Thread.java:833)", Clock(UTC, T0))
    assert told_nothing is None or name == "agent"


@given(st.text())
def test_escapes_are_undone(text: str) -> None:
    """Whatever httpd escapes, as it escapes it, is read as it was; anything else does not raise."""
    written = "".join(
        f"\\{c}"
        if c in '"\\'
        else c
        if c.isascii() and c.isprintable()
        else "".join(f"\\x{b:02x}" for b in c.encode("utf-8", "replace"))
        for c in text
    )
    assert unescape(written) == text.encode("utf-8", "replace").decode()
    unescape(text)


@given(st.text(alphabet='%{}<>!,^abcdhimnopqrstuxDTUVX \\"[]0123:', max_size=30))
def test_any_layout_compiles_or_says_why(layout: str) -> None:
    """And one that compiles reads any line without a fault."""
    try:
        read = compile_apache(layout).reader()
    except BadLayout:
        return
    for line in (layout, "", "[21/Nov/2026:03:30:10 +0000] x 1"):
        read(line, Clock(UTC, T0))
