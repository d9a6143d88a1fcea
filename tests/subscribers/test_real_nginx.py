"""A real nginx: the predefined format, those of documentation, ours, and JSON, and its error log."""

from __future__ import annotations

import shutil
import time
from datetime import UTC
from pathlib import Path

import pytest

from subscribers.formats.nginx_error import NGINX_ERROR
from subscribers.formats.nginx_layout import NAMED, NGINX, compile_nginx
from subscribers.formats.records import paged
from subscribers.formats.told import Clock, LineFormat, Told
from tests.subscribers.formats.test_records import logs as records
from tests.subscribers.formats.test_records import page
from tests.subscribers.real_servers import LINES, REQUESTS, TRACEPARENT, ask, free_port, lines_of, serving

BINARY = shutil.which("nginx") or "/usr/sbin/nginx"

pytestmark = [
    pytest.mark.nginx,
    pytest.mark.skipif(not Path(BINARY).exists(), reason="nginx is not installed"),
]

#: Name of a log -> its log_format directive.
LAYOUTS = {
    **{name: f"log_format {name} '{NAMED[name]}';" for name in ("main", "timed", "main_timed", "observe")},
    "everything": (
        "log_format everything '$remote_addr:$remote_port $remote_user [$time_local] $time_iso8601 $msec '\n"
        '\'"$request" $request_method "$request_uri" $server_protocol $scheme $status $body_bytes_sent \'\n'
        "'$bytes_sent $request_length $request_time $pid $connection $connection_requests $request_id '\n"
        "'$host $server_port $server_name $upstream_addr $upstream_status $upstream_response_time '\n"
        '\'"$http_user_agent" "$http_referer" $sent_http_content_type $cookie_none ${hostname}\';'
    ),
    "json": (
        'log_format json escape=json \'{"time":"$time_iso8601","msec":$msec,"request":"$request",\'\n'
        '\'"status":$status,"took":$request_time,"upstream":"$upstream_response_time",\'\n'
        '\'"agent":"$http_user_agent","correlation":"$http_x_correlation_id",\'\n'
        '\'"trace":"$http_traceparent","user":"$remote_user"}\';'
    ),
    "raw": 'log_format raw escape=none \'$msec $request_time "$http_user_agent" "$request" $status\';',
}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Every log of a real server after some requests, good and bad: name -> lines.

    What is asked for goes to two servers: nobody listens on the first one.
    """
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    port, app, closed = free_port(), free_port(), free_port()
    names = ("combined", *LAYOUTS)
    access = "\n".join(f"access_log {folder}/{name}.log {name};" for name in names)
    formats = "\n".join(LAYOUTS.values())
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"""
        daemon off;
        pid {folder}/pid;
        error_log {folder}/error.log debug;
        worker_processes 1;
        events {{}}
        http {{
            {temporary}
            {formats}
            upstream app {{
                server 127.0.0.1:{closed} max_fails=0;
                server 127.0.0.1:{app} max_fails=0;
            }}
            server {{
                listen 127.0.0.1:{port};
                {access}
                location / {{ proxy_pass http://app; }}
            }}
            server {{
                listen 127.0.0.1:{app};
                access_log off;
                location = /none {{ return 503; }}
                location / {{ return 200 "claims"; }}
            }}
        }}
        """
    )
    command = [BINARY, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with serving(command, port):
        ask(port, lambda n: lines_of(folder / "observe.log", n))
        found = {name: lines_of(folder / f"{name}.log", LINES) for name in names}
    return {**found, "error": lines_of(folder / "error.log", 1)}


def _told(format: LineFormat, lines: list[str]) -> list[Told]:
    read, near = format.reader(), time.time_ns()
    told = [read(line, Clock(UTC, near)) for line in lines]
    assert None not in told, lines[told.index(None)]
    return [one for one in told if one is not None]


@pytest.mark.parametrize("name", ["combined", "main", "timed", "main_timed", "observe"])
def test_named_formats_need_no_layout(logs: dict[str, list[str]], name: str) -> None:
    """They are told apart, and say of each request what it was."""
    read = _told(NGINX, logs[name])
    assert [one.attributes["http.response.status_code"] for one in read] == [200, 200, 503, 200, 200, 400]
    timed = name not in ("combined", "main")
    assert all((one.exchange is not None and one.exchange.duration_ns is not None) == timed for one in read)


def test_the_identity_is_read(logs: dict[str, list[str]]) -> None:
    """Of each request, as it was sent."""
    read = _told(NGINX, logs["observe"])
    assert [one.correlation_id for one in read] == ["CLM-1", 'quo"te \\ back é', "", "CLM-2", "", ""]
    assert read[0].exchange is not None
    assert read[0].exchange.traceparent == TRACEPARENT


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_layout_given_as_such_reads_what_it_wrote(logs: dict[str, list[str]], name: str) -> None:
    """Every line, with every variable that the layout names, whatever the escape."""
    read = _told(compile_nginx(LAYOUTS[name]), logs[name])
    assert len(read) == LINES
    for one, (method, target, headers) in zip(read, REQUESTS, strict=False):
        assert one.exchange is not None
        assert (one.exchange.method, one.exchange.path) == (method, target.partition("?")[0])
        assert one.attributes.get("url.query", "") == target.partition("?")[2]
        if "$http_user_agent" in LAYOUTS[name]:
            assert one.attributes.get("user_agent.original", "") == headers.get("User-Agent", "")
        if name in ("json", "observe"):
            assert one.correlation_id == headers.get("X-Correlation-ID", "")


def test_upstreams_are_lists(logs: dict[str, list[str]]) -> None:
    """Of the servers that were asked one after another."""
    read = _told(compile_nginx(LAYOUTS["everything"]), logs["everything"])
    statuses = [one.attributes.get("nginx.upstream_status") for one in read]
    assert ["502", "200"] in statuses
    assert statuses[-1] is None
    several = next(
        one.attributes for one in read if one.attributes.get("nginx.upstream_status") == ["502", "200"]
    )
    assert len(several["nginx.upstream_addr"]) == len(several["nginx.upstream_response_time_ms"]) == 2


def test_the_clocks_of_all_layouts_agree(logs: dict[str, list[str]]) -> None:
    """The end less how long it took is the start, to a millisecond where $msec tells it, else to a second."""
    exact = [one.exchange for one in _told(compile_nginx(LAYOUTS["json"]), logs["json"])]
    for name in ("observe", "everything", "raw", "timed"):
        format = NGINX if name == "timed" else compile_nginx(LAYOUTS[name])
        for one, other in zip(exact, _told(format, logs[name]), strict=True):
            assert one is not None
            assert other.exchange is not None
            late = one.start_unix_nano - other.exchange.start_unix_nano
            assert 0 <= late < 10**9 if name == "timed" else late == 0
            assert abs(one.start_unix_nano / 1e9 - time.time()) < 60


def test_the_error_log_is_read(logs: dict[str, list[str]]) -> None:
    """At level debug, whose records go over several lines; what the server says of the request with each."""
    parsed = paged(NGINX_ERROR, UTC)(page(*logs["error"]))
    read = records(parsed)
    assert parsed.notes == {}
    assert len(read) + len(parsed.joined) + parsed.silent == len(logs["error"])
    refused = next(one for one in read if one.attributes.get("nginx.os_error.code") == 111)
    assert refused.level == "ERROR"
    assert refused.message.startswith(
        "connect() failed (111: Connection refused) while connecting to upstream"
    )
    assert refused.attributes["client.address"] == "127.0.0.1"
    assert refused.attributes["http.request.method"] in ("GET", "POST")
    assert refused.attributes["nginx.upstream"].startswith("http://127.0.0.1:")
    assert {one.level for one in read} >= {"DEBUG", "INFO", "ERROR"}
    assert all(abs(one.time_unix_nano / 1e9 - time.time()) < 60 for one in read)
