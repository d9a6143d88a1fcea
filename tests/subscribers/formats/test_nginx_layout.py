"""nginx's log_format, given as such: variables, lists of upstreams, the three escapes, JSON, its mistakes."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.formats.nginx_layout import DATASET, NAMED, NGINX, compile_layout, compile_nginx
from subscribers.formats.told import Clock
from subscribers.parsers.java_layout import BadLayout
from tests.subscribers.formats.telling import MS, T0, TRACEPARENT, all_told, exchange, told

#: Variable, what it wrote, and what that tells.
VARIABLES: list[tuple[str, str, dict[str, Any]]] = [
    ("$remote_addr", "203.0.113.9", {"client.address": "203.0.113.9"}),
    ("$remote_port", "52345", {"client.port": 52345}),
    ("$realip_remote_addr", "10.0.0.7", {"network.peer.address": "10.0.0.7"}),
    ("$remote_user", "-", {}),
    ("$request_method", "GET", {"http.request.method": "GET"}),
    ("$request_uri", "/a?b=1", {"url.path": "/a", "url.query": "b=1"}),
    ("$uri", "/index.html", {"url.path": "/index.html"}),
    ("$args", "b=1", {"url.query": "b=1"}),
    ("$server_protocol", "HTTP/1.1", {"network.protocol.name": "http", "network.protocol.version": "1.1"}),
    ("$scheme", "https", {"url.scheme": "https"}),
    ("$status", "499", {"http.response.status_code": 499}),
    ("$body_bytes_sent", "612", {"http.response.body.size": 612}),
    ("$bytes_sent", "850", {"http.response.size": 850}),
    ("$request_length", "345", {"http.request.size": 345}),
    ("$content_length", "-", {}),
    ("$host", "claims.example.com", {"server.address": "claims.example.com"}),
    ("$server_name", "_", {"nginx.server_name": "_"}),
    ("$server_port", "443", {"server.port": 443}),
    ("$hostname", "web-1", {"host.name": "web-1"}),
    ("$pid", "31", {"process.pid": 31}),
    (
        "$request_id",
        "8f1c5b0e11114222833344445556666a",
        {"http.request.id": "8f1c5b0e11114222833344445556666a"},
    ),
    ("$connection", "9", {"nginx.connection": 9}),
    (
        "$http_x_forwarded_for",
        "192.0.2.7, 10.1.1.1",
        {"client.address": "192.0.2.7", "http.request.header.x-forwarded-for": "192.0.2.7, 10.1.1.1"},
    ),
    ("$http_accept_language", "de", {"http.request.header.accept-language": "de"}),
    ("$sent_http_content_type", "text/html", {"http.response.header.content-type": "text/html"}),
    ("$cookie_session", "s-1", {"nginx.cookie.session": "s-1"}),
    ("$ssl_protocol", "TLSv1.2", {"tls.protocol.name": "tls", "tls.protocol.version": "1.2"}),
    ("$my_variable", "x", {"nginx.my_variable": "x"}),
    ("${my_variable}", "x", {"nginx.my_variable": "x"}),
    ("$upstream_addr", "10.0.0.5:80", {"nginx.upstream_addr": "10.0.0.5:80"}),
    ("$upstream_status", "502, 200 : 200", {"nginx.upstream_status": ["502", "200", "200"]}),
    ("$upstream_response_time", "-", {}),
    ("$upstream_response_time", "0.004", {"nginx.upstream_response_time_ms": 4.0}),
    ("$upstream_response_time", "0.004, 0.010 : -", {"nginx.upstream_response_time_ms": [4.0, 10.0]}),
    ("$upstream_http_x_cache", "HIT", {"nginx.upstream_header.x-cache": "HIT"}),
]


@pytest.mark.parametrize(("variable", "text", "expected"), VARIABLES)
def test_a_variable_is_read(variable: str, text: str, expected: dict[str, Any]) -> None:
    """Between others, quoted, and at the end of the line."""
    layouts = [f'$msec "{variable}" $request_time', f"$msec {variable}"]
    if ", " not in text or variable.startswith("$upstream"):
        layouts.append(f"$msec {variable} $request_time")
    for layout in layouts:
        line = (
            layout.replace("$request_time", "0.002")
            .replace("$msec", "1795231810.000")
            .replace(variable, text)
        )
        assert told(compile_nginx(layout), line).attributes == expected


@pytest.mark.parametrize(
    ("variable", "text", "end"),
    [
        ("$time_local", "21/Nov/2026:04:30:10 +0100", T0),
        ("$time_iso8601", "2026-11-21T04:30:10+01:00", T0),
        ("$msec", "1795231810.123", T0 + 123 * MS),
        ("$time_local $msec", "21/Nov/2026:03:30:10 +0000 1795231810.123", T0 + 123 * MS),
    ],
)
def test_the_time_is_the_end(variable: str, text: str, end: int) -> None:
    """The request began $request_time before; the finest time counts."""
    made = exchange(compile_nginx(f"[{variable}] $request_time $uri"), f"[{text}] 1.002 /")
    assert (made.start_unix_nano, made.duration_ns) == (end - 1_002 * MS, 1_002 * MS)


def test_the_identity_is_read() -> None:
    """Of our own format: the correlation ID and the parent of the request."""
    head = '1 - - [21/Nov/2026:03:30:10 +0000] "GET / HTTP/1.1" 200 5 0.005 1795231810.005'
    line = f'{head} "CLM-1" "{TRACEPARENT}"'
    one = told(NGINX, line)
    assert one.exchange is not None
    assert (one.correlation_id, one.exchange.traceparent) == ("CLM-1", TRACEPARENT)
    assert (one.time_unix_nano, one.exchange.duration_ns) == (T0, 5 * MS)


JSON = """log_format json escape=json '{"time":"$time_iso8601","status":$status,"took":$request_time,'
    '"addr":"$remote_addr","request":"$request","upstream":"$upstream_response_time",'
    '"agent":"$http_user_agent","correlation":"$http_x_correlation_id","bytes":"$body_bytes_sent"}';"""


def test_a_format_of_json_objects_is_read() -> None:
    """Its escapes are JSON's; what is not there is nothing."""
    line = (
        '{"time":"2026-11-21T03:30:10+00:00","status":201,"took":0.100,"addr":"203.0.113.9",'
        '"request":"POST /a?b HTTP/1.1","upstream":"0.010, 0.090","agent":"say \\"h\\u00e9\\"\\\\",'
        '"correlation":"CLM-1","bytes":""}'
    )
    one = told(compile_nginx(JSON), line)
    assert (one.correlation_id, one.time_unix_nano) == ("CLM-1", T0 - 100 * MS)
    assert one.attributes["user_agent.original"] == 'say "hé"\\'
    assert one.attributes["nginx.upstream_response_time_ms"] == [10.0, 90.0]
    assert "http.response.body.size" not in one.attributes
    assert one.attributes["http.response.status_code"] == 201


def test_the_default_escape_is_undone() -> None:
    """Quotes, backslashes and control characters come as \\xHH, bytes of UTF-8 each by itself."""
    one = told(compile_nginx('"$http_user_agent" $status'), r'"\x22h\xC3\xA9\x22\x5C" 200')
    assert one.attributes["user_agent.original"] == '"hé"\\'


def test_without_escapes_a_quote_is_no_end() -> None:
    """The text after the field is."""
    layout = compile_nginx("escape=none '\"$http_user_agent\" $status'")
    assert told(layout, '"say "hi" \\x41" 200').attributes["user_agent.original"] == 'say "hi" \\x41'


def test_a_format_may_be_given_as_it_stands() -> None:
    """The whole directive over several lines, its arguments, or the format itself."""
    expected = compile_layout(NAMED["main"]).expression
    directive = (
        "log_format  main  '$remote_addr - $remote_user [$time_local] \"$request\" '\n"
        "                  '$status $body_bytes_sent \"$http_referer\" '\n"
        '                  \'"$http_user_agent" "$http_x_forwarded_for"\';'
    )
    assert compile_layout(directive).expression == expected
    assert compile_layout(directive.partition("main")[2]).expression == expected
    assert compile_layout("main").expression == expected


def test_named_formats_are_told_apart() -> None:
    """Lines of all of them in one stream, each by its own end."""
    head = '203.0.113.9 - - [21/Nov/2026:03:30:10 +0000] "GET /a HTTP/1.1" 200 612 "-" "curl/8"'
    lines = [head, f'{head} "192.0.2.7"', f"{head} 0.042", f'{head} "-" 0.042', head]
    durations = [one.exchange.duration_ns for one in all_told(NGINX, *lines) if one and one.exchange]
    assert durations == [None, None, 42 * MS, 42 * MS, None]


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("hello", "holds no variable"),
        ("$remote_addr $", "starts no variable"),
        ("$remote_addr$request", "nothing between them"),
        ("log_format x '$uri", "never closed"),
        ("log_format x '$uri\n$status'", "more than one line"),
    ],
)
def test_a_mistake_is_a_sentence(layout: str, said: str) -> None:
    """Which names what is wrong."""
    with pytest.raises(BadLayout, match=said):
        compile_layout(layout)


def test_the_dataset_is_nginxs() -> None:
    """Whatever the format is."""
    assert compile_nginx("combined").dataset == DATASET


@given(st.text(alphabet="${}_abuqrstime \\\"'[]0123:,\n", max_size=40))
def test_any_format_compiles_or_says_why(layout: str) -> None:
    """And one that compiles reads any line without a fault."""
    try:
        read = compile_nginx(layout).reader()
    except BadLayout:
        return
    for line in (layout, "", "1795231810.000 x 1"):
        read(line, Clock(UTC, T0))
