# ruff: noqa: E501 - lines as HAProxy wrote them
"""HAProxy's log-format, given as such: lines that HAProxy 2.6.12 wrote for the formats beside them."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.formats.haproxy import HAPROXY
from subscribers.formats.haproxy_layout import NAMED, compile_haproxy, compile_layout
from subscribers.formats.told import Clock
from subscribers.parsers.java_layout import BadLayout
from tests.subscribers.formats.telling import MS, T0, TRACEPARENT, all_told, exchange, told

HEADER = "<134>Nov 21 03:30:10 haproxy[13757]: "
HTTP = NAMED["httplog"]
JSON = (
    """log-format '{"t":"%Tl","ts":%Ts.%ms,"id":"%ID","cip":"%ci","m":"%HM","p":"%HP","q":"%HQ","v":"%HV","st":%ST,"""
    """"ta":%Ta,"tt":%Tt,"b":%B,"u":%U,"corr":"%[var(txn.correlation_id)]","tp":"%[capture.req.hdr(0)]","ua":%{+Q}[var(txn.ua)],"""
    """"tls":"%sslv","host":"%H","state":"%ts"}'"""
)
JSON_LINE = (
    '{"t":"21/Nov/2026:03:30:10 +0000","ts":1795231810.674,"id":"-","cip":"127.0.0.1","m":"GET","p":"/claims/7",'
    '"q":"?a=1","v":"HTTP/1.1","st":200,"ta":3,"tt":9,"b":116,"u":186,"corr":"CLM-1","tp":"-",'
    '"ua":"q"uo#te {x|y} \\ end é","tls":"-","host":"vm","state":"--"}'
)


@pytest.mark.parametrize(
    "line",
    [
        "127.0.0.1:59562 [21/Nov/2026:03:30:10.666] f1 app/a 0/0/3/2/6 200 116 - - ---- 1/1/0/0/0 0/0 "
        f'{{{TRACEPARENT}|claims.example.com}} "GET /claims/7?a=1 HTTP/1.1"',
        "127.0.0.1:59566 [21/Nov/2026:03:30:10.672] f1 f1/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 2/2/0/0/0 0/0 "
        '"<BADREQ>"',
        "127.0.0.1:59566 [21/Nov/2026:03:30:10.672] f1~ app/a 0/0/0/0/+6 503 +116 - - SC-- 2/2/0/0/+3 0/0 {} {a|} "
        '"GET /caf#C3#A9 HTTP/1.1"',
    ],
)
def test_the_default_format_given_as_such_tells_what_the_built_in_one_does(line: str) -> None:
    """All that the format `haproxy` tells, and how many connections there were."""
    made, built_in = told(compile_haproxy(HTTP), HEADER + line), told(HAPROXY, HEADER + line)
    assert (made.exchange, made.level, made.time_unix_nano) == (
        built_in.exchange,
        built_in.level,
        built_in.time_unix_nano,
    )
    own = {name: value for name, value in made.attributes.items() if ".connections_" not in name}
    assert own == built_in.attributes
    assert len(made.attributes) - len(own) == 4


def test_json_is_text_like_any_other() -> None:
    """`%Tt` and `%Ta` tell when the request began; what samples hold is not escaped, and is read all the same."""
    one = told(compile_haproxy(JSON), HEADER + JSON_LINE)
    assert one.exchange is not None
    assert (one.exchange.start_unix_nano, one.exchange.duration_ns) == (T0 + 680 * MS, 3 * MS)
    assert (one.exchange.method, one.exchange.path, one.exchange.status) == ("GET", "/claims/7", 200)
    assert (one.correlation_id, one.level) == ("CLM-1", "INFO")
    assert one.attributes == {
        "log.syslog.facility.code": 16,
        "log.syslog.severity.code": 6,
        "process.name": "haproxy",
        "process.pid": 13757,
        "client.address": "127.0.0.1",
        "host.name": "vm",
        "http.request.method": "GET",
        "http.request.size": 186,
        "http.response.size": 116,
        "http.response.status_code": 200,
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "url.path": "/claims/7",
        "url.query": "a=1",
        "haproxy.termination_state": "--",
        "haproxy.time_total_ms": 3.0,
        "haproxy.var.txn.ua": 'q"uo#te {x|y} \\ end é',
    }


def test_what_was_no_request_has_no_method() -> None:
    """HAProxy writes <BADREQ> for each part of it."""
    line = JSON_LINE.replace("GET", "<BADREQ>").replace("/claims/7", "<BADREQ>").replace("?a=1", "<BADREQ>")
    one = told(compile_haproxy(JSON), line.replace("HTTP/1.1", "<BADREQ>").replace("200", "400"))
    assert one.exchange is not None
    assert (one.exchange.method, one.exchange.path, one.exchange.status, one.level) == ("", "", 400, "WARN")


def test_the_common_log_format() -> None:
    """`option httplog clf`, by its name."""
    format = compile_haproxy("clf")
    one = told(
        format,
        '127.0.0.1 - - [21/Nov/2026:03:30:10 +0000] "GET /claims/7?a=1 HTTP/1.1" 200 116 "" "" 49326 672 "f2" "app" '
        '"a" 0 0 0 1 1 ---- 1 1 0 0 0 0 0 "" "" ',
    )
    assert one.exchange is not None
    assert (one.exchange.start_unix_nano, one.exchange.duration_ns) == (T0 + 672 * MS, MS)
    assert (one.attributes["haproxy.frontend"], one.attributes["haproxy.server"]) == ("f2", "a")
    (two,) = all_told(
        format,
        '127.0.0.1 - - [21/Nov/2026:03:30:10 +0000] "GET / HTTP/1.1" 200 116 "" "" 49326 672 "f2" "app" '
        f'"a" 0 0 0 1 1 ---- 1 1 0 0 0 0 0 "c=1" "" "{TRACEPARENT}" "x#22y" "b"',
    )
    assert two is not None
    assert two.exchange is not None
    assert two.exchange.traceparent == TRACEPARENT
    assert two.attributes["haproxy.captured_request_headers"] == [TRACEPARENT, 'x"y', "b"]


FLAGS = "log-format %ci\\ %{+Q,+E}HU\\ %hr\\ %hs\\ %{+X}Ts\\ %{+Q}b\\ %{+Q}sslv\\ %{+Q}[src]\\ %{+Q}ST\\ %{+Q}ts\\ %{+Q}hr\\ %{+Q}T\\ end%%"


@pytest.mark.parametrize(
    ("line", "captured"),
    [
        (
            f'127.0.0.1 "/claims/7?a=1" {{{TRACEPARENT}}} 6B011042 "app" "" "127.0.0.1" 200 -- "{{{TRACEPARENT}}}" 21/Nov/2026:03:30:10 +0000 end%',
            [TRACEPARENT],
        ),
        (
            '127.0.0.1 "/claims/7?a=1" 6B011042 "app" "" "127.0.0.1" 200 -- 21/Nov/2026:03:30:10 +0000 end%',
            None,
        ),
    ],
)
def test_flags_change_what_is_written(line: str, captured: list[str] | None) -> None:
    """Text in quotes, numbers in hexadecimal digits; dates, states and numbers have no quotes."""
    one = told(compile_haproxy(FLAGS), line)
    assert one.exchange is not None
    assert (one.exchange.path, one.exchange.status, one.time_unix_nano) == ("/claims/7", 200, T0)
    assert one.attributes.get("haproxy.captured_request_headers") == captured
    assert one.attributes["haproxy.backend"] == "app"


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("%fi", "10.0.0.5", {"network.local.address": "10.0.0.5"}),
        ("%fp", "443", {"network.local.port": 443}),
        ("%si", "10.0.0.9", {"haproxy.server_address": "10.0.0.9"}),
        ("%{+X}rt", "001F", {"haproxy.request_counter": 31}),
        ("%{+X}ci", "7F000001", {"client.address": "127.0.0.1"}),
        ("%{+X}ci", "20010DB8000000000000000000000001", {"client.address": "2001:db8::1"}),
        ("%{+X}si", "-", {}),
        ("%{+X}B", "116", {"http.response.size": 116}),
        ("%{+X}sp", "-", {}),
        ("%{+Q}sp", '""', {}),
        ("%{+Q}sp", "8080", {"haproxy.server_port": 8080}),
        ("%Tw", "-1", {}),
        ("%Th", "7", {"haproxy.time_handshake_ms": 7.0}),
        ("%sslv", "TLSv1.3", {"tls.protocol.name": "tls", "tls.protocol.version": "1.3"}),
        ("%HPO", "/caf#C3#A9#22", {"url.path": '/café"'}),
        ("%[req.hdr(Host),lower]", "a.example", {"http.request.header.host": "a.example"}),
        ("%[res.hdr(X-Cache)]", "HIT", {"http.response.header.x-cache": "HIT"}),
        ("%[ssl_fc_sni]", "a.example", {"server.address": "a.example"}),
        ("%[path,regsub([0-9]+,x,g)]", "/a", {"url.path": "/a"}),
        ("%[fc_rtt]", "17", {"haproxy.fc_rtt": "17"}),
        ("%[req.cook(session)]", "s1", {"haproxy.req.cook.session": "s1"}),
        ("%(client)ci", "10.0.0.1", {"client.address": "10.0.0.1"}),
        ("%b", "<NOSRV>", {}),
    ],
)  # fmt: skip
def test_a_variable_is_read(variable: str, text: str, expected: dict[str, Any]) -> None:
    """By its name; what nobody here knows is `haproxy.<name>`."""
    one = told(compile_haproxy(f"%T {variable} %pid"), f"21/Nov/2026:03:30:10 +0000 {text} 7")
    assert one.attributes == {**expected, "process.pid": 7}


@pytest.mark.parametrize(
    "name", ["req.hdr(X-Correlation-ID)", "var(txn.x_correlation_id)", "req.cook(correlation_id)"]
)
def test_a_sample_may_be_the_correlation_id(name: str) -> None:
    """By the name of the header, the variable or the cookie."""
    assert (
        told(compile_haproxy(f"%T %[{name}] %ST"), "21/Nov/2026:03:30:10 +0000 CLM-1 200").correlation_id
        == "CLM-1"
    )


@pytest.mark.parametrize(
    ("format", "line", "start", "duration"),
    [
        ("%t %Tt %ST", "21/Nov/2026:03:30:10.655 250 200", T0 + 655 * MS, 250 * MS),
        ("%tr %t %Ta %Tt %ST", "21/Nov/2026:03:30:10.655 21/Nov/2026:03:30:01.655 250 9000 200", T0 + 655 * MS, 250 * MS),
        ("%t %tr %Tt %Ta %ST", "21/Nov/2026:03:30:01.655 21/Nov/2026:03:30:10.655 9000 250 200", T0 + 655 * MS, 250 * MS),
        ("%{+X}Ts.%{+X}ms %ST", "6B011042.28F 200", T0 + 655 * MS, None),
        ("%Ts%ms %ST", "1795231810655 200", T0 + 655 * MS, None),
        ("%trl %ms %Ta %ST", "21/Nov/2026:04:30:10 +0100 007 +12 200", T0 + 7 * MS, 12 * MS),
    ],
)  # fmt: skip
def test_times_of_the_request_count_more_than_the_connections(
    format: str, line: str, start: int, duration: int | None
) -> None:
    """A connection serves several requests."""
    made = exchange(compile_haproxy(format), line)
    assert (made.start_unix_nano, made.duration_ns) == (start, duration)


@pytest.mark.parametrize(
    ("format", "line", "start", "duration"),
    [
        # A kept connection waits 9 s for its next request, which takes 109 ms.
        ("%tr %Th/%Ti/%TR/%Tt %ST", "21/Nov/2026:03:30:10.123 0/9000/0/9109 200", 123, 109),
        ("%t %Th/%Ti/%TR/%Ta %ST", "21/Nov/2026:03:30:01.123 0/9000/0/109 200", 123, 109),
        ("%t %Th/%Ti/%Tt %ST", "21/Nov/2026:03:30:01.123 5/8995/9109 200", 123, 109),
        ("%tr %Tq/%TR/%Tt %ST", "21/Nov/2026:03:30:10.123 9007/7/+9109 200", 123, 109),
        ("%T %Ta %Tt %ST", "21/Nov/2026:03:30:01 +0000 109 9109 200", 0, 109),
        ("%trg %Th/%Ti/%Tt %ST", "21/Nov/2026:03:30:10 +0000 0/9000/9109 200", 0, 109),
        # No request came: no time of waiting either.
        ("%t %Th/%Ti/%TR/%Ta %ST", "21/Nov/2026:03:30:10.123 3/-1/-1/109 408", 123, 109),
        # Nothing tells what is between them.
        ("%tr %Tt %ST", "21/Nov/2026:03:30:10.123 9109 200", 123, None),
        ("%trl %Ti %Tt %ST", "21/Nov/2026:03:30:10 +0000 9000 9109 200", 0, None),
        ("%t %Ta %ST", "21/Nov/2026:03:30:10.123 109 200", 123, None),
        ("%tr %Tq %Tt %ST", "21/Nov/2026:03:30:10.123 500 1009 200", 123, None),
        # The connection's own.
        ("%t %Tt %ST", "21/Nov/2026:03:30:10.123 9109 200", 123, 9109),
    ],
)
def test_begin_and_duration_are_of_the_same(format: str, line: str, start: int, duration: int | None) -> None:
    """Of the request where timers tell it; a duration of the one behind a begin of the other is none."""
    made = exchange(compile_haproxy(format), line)
    assert made.start_unix_nano == T0 + start * MS
    assert made.duration_ns == (None if duration is None else duration * MS)


def test_a_line_without_a_time_ends_when_it_was_written() -> None:
    """So its begin is found from what the request took."""
    made = exchange(compile_haproxy("%Th/%Ti/%Tt %ST"), "0/9000/9109 200")
    assert (made.start_unix_nano, made.duration_ns) == (T0 - 109 * MS, 109 * MS)


def test_a_time_without_a_zone_is_in_the_services() -> None:
    """%t and %tr name none."""
    made = exchange(
        compile_haproxy("%tr %ST"), "21/Nov/2026:03:30:10.655 200", zone=timezone(timedelta(hours=1))
    )
    assert made.start_unix_nano == T0 + 655 * MS - 3_600_000 * MS


def test_a_session_is_no_exchange() -> None:
    """Of TCP: its termination state is its level."""
    one = told(
        compile_haproxy("tcplog"),
        "127.0.0.1:5 [21/Nov/2026:03:30:10.899] tcp tapp/a 1/0/3 202 SC 1/1/0/0/0 0/0",
    )
    assert (one.exchange, one.level, one.time_unix_nano) == (None, "ERROR", T0 + 899 * MS)


def test_what_haproxy_says_beside_it_is_read_too() -> None:
    """Errors of connections and servers that come and go are in the same stream."""
    down = told(compile_haproxy(JSON), HEADER + "Server app/a is DOWN, reason: x")
    assert (down.level, down.message) == ("ERROR", "Server app/a is DOWN, reason: x")
    assert all_told(compile_haproxy(JSON), "hello") == [None]


@pytest.mark.parametrize(
    "written",
    [
        "%ci %{+Q}r %ST",
        'log-format "%ci %{+Q}r %ST"',
        "log-format '%ci %{+Q}r %ST'",
        "log-format %ci\\ %{+Q}r\\ %ST   # ours",
        '"%ci %{+Q}r %ST"',
        '%ci \\"%r\\" %ST',
        'log-format "%ci \\"%r\\" %ST"',
        'log-format %ci\\ "%{+Q}r"\\ %ST',
        "  %ci   %{+Q}r  %ST",
    ],
)
def test_it_may_be_written_as_in_haproxy_cfg(written: str) -> None:
    """With the directive or without, in either quotes or with escaped blanks."""
    one = told(compile_haproxy(written), '127.0.0.1 "GET /x HTTP/1.1" 200')
    assert one.exchange is not None
    assert (one.exchange.path, one.exchange.status, one.exchange.client) == ("/x", 200, "127.0.0.1")


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("hello", "holds no % and is none of httplog, tcplog, clf"),
        ("%ci %nix", "the variable '%nix' is not known"),
        ("%ci %", "starts no variable"),
        ("%ci %{+Z}b", r"the flag '\+Z'"),
        ("%ci %{Q}b", "the flag 'Q'"),
        ("%ci%b", "nothing between them"),
        ('log-format "%ci', "never closed"),
        ("end%%", "writes no field"),
    ],
)
def test_a_mistake_is_a_sentence(format: str, said: str) -> None:
    """Which names what is wrong."""
    with pytest.raises(BadLayout, match=said):
        compile_layout(format)


@given(st.text("%ci{+Q}[]()tr \"'\\,ab", max_size=30) | st.text(max_size=12))
def test_any_text_is_a_format_or_a_mistake(text: str) -> None:
    """And what is made of it reads any line, without raising, in linear time."""
    try:
        format = compile_haproxy(text)
    except BadLayout:
        return
    for line in (text, "x" * 100_000, '"' * 100_000, text * 50):
        format.reader()(line, Clock(UTC, T0))


@pytest.mark.parametrize("format", [HTTP, JSON, NAMED["clf"], FLAGS])
@given(st.integers(0, 60), st.text(max_size=5), st.sampled_from(' "{}|/#-0'))
def test_no_line_raises(format: str, at: int, noise: str, character: str) -> None:
    """Lines cut, changed, and drawn out."""
    read = compile_haproxy(format).reader()
    for line in (JSON_LINE, *HAPROXY.example.split("\n")):
        read(line[:at] + noise + line[at:], Clock(UTC, T0))
        read(line[:at] + character * 100_000, Clock(UTC, T0))
