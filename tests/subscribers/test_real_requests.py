"""A real nginx and a real Apache with the formats that the documentation prints: hard requests, every line
of them read completely, and the spans against the client's own clock."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from subscribers.parse import custom, named
from subscribers.parsers.page import Format, Page
from subscribers.signals import Log, Span
from tests.subscribers.formats.test_records import page
from tests.subscribers.real_requests import REQUESTS, SLOW_S, TRACEPARENT, Asked, Sent, application, send
from tests.subscribers.real_servers import free_port, lines_of, serving

ROOT = Path(__file__).parents[2]
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
APACHE2 = shutil.which("apache2") or shutil.which("httpd") or "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
MS = 1_000_000
#: A server writes its line when it gets round to it: later than the client has its answer.
LATE_NS = 2000 * MS


class Layout(NamedTuple):
    """A format as the documentation has it, and how its lines are read. resolution_ns: of its times."""

    directive: str
    format: Format
    resolution_ns: int


class Server(NamedTuple):
    """What a server wrote of REQUESTS. lines: format -> a line a request; said: its error log."""

    sent: list[Sent]
    lines: dict[str, list[str]]
    said: list[str]


def _made(options: dict[str, Any]) -> Format:
    format = custom(options)
    assert format is not None
    return format


def _documented(file: str, begin: str, end: str) -> str:
    """A directive of a page of the documentation, its lines joined as they stand."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.search(f"^ *({re.escape(begin)}.*?{end})$", text, re.DOTALL | re.MULTILINE)
    assert found is not None, begin
    return found[1]


def _nginx_layouts() -> dict[str, Layout]:
    block = re.search(
        r"```yaml\n(format:\n  nginx: >-.*?)```", (ROOT / "docs/formats.md").read_text("utf-8"), re.DOTALL
    )
    assert block is not None
    as_json = yaml.safe_load(block[1])["format"]["nginx"]
    return {
        "combined": Layout("", named("nginx"), 1000 * MS),
        "observe": Layout(_documented("docs/formats.md", "log_format observe ", ";"), named("nginx"), MS),
        "json": Layout(as_json, _made({"nginx": as_json}), 1000 * MS),
    }


def _apache_layouts() -> dict[str, Layout]:
    observe = _documented("README.md", "LogFormat ", " observe")
    common = r'LogFormat "%h %l %u %t \"%r\" %>s %O" common'
    combined = r'LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" combined'
    return {
        "observe": Layout(observe, named("apache"), MS),
        "common": Layout(common, named("apache"), 1000 * MS),
        "combined": Layout(combined, named("apache"), 1000 * MS),
        "given": Layout(observe.replace(" observe", " given"), _made({"apache": observe}), MS),
    }


def _asked(folder: Path, names: list[str], port: int) -> tuple[list[Sent], dict[str, list[str]]]:
    """Send each request when the line of the one before is there; lines that were there before are none."""
    sent = []
    begun = {name: len(lines_of(folder / f"{name}.log", 0)) for name in names}
    for n, asked in enumerate(REQUESTS, start=1):
        sent.append(send(asked, port))
        for name in names:
            lines_of(folder / f"{name}.log", begun[name] + n)
    return sent, {name: lines_of(folder / f"{name}.log", 0)[begun[name] :] for name in names}


@contextmanager
def _nginx(folder: Path, app: int, port: int, layouts: dict[str, Layout]) -> Iterator[None]:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"""
        daemon off;
        pid {folder}/pid;
        error_log {folder}/error.log info;
        worker_processes 1;
        events {{}}
        http {{
            {temporary}
            {"".join(f"{layout.directive}{chr(10)}" for layout in layouts.values())}
            server {{
                listen 127.0.0.1:{port};
                {"".join(f"access_log {folder}/{name}.log {name};" for name in layouts)}
                location / {{ proxy_pass http://127.0.0.1:{app}; proxy_http_version 1.1; }}
            }}
        }}
        """
    )
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with serving(command, port):
        yield


@contextmanager
def _apache(folder: Path, app: int, port: int, layouts: dict[str, Layout]) -> Iterator[None]:
    modules = ("mpm_event", "authz_core", "proxy", "proxy_http")
    (folder / "httpd.conf").write_text(
        f"""
        ServerRoot {folder}
        ServerName localhost
        Listen 127.0.0.1:{port}
        PidFile {folder}/pid
        DefaultRuntimeDir {folder}
        {"".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so{chr(10)}" for name in modules)}
        LogLevel info
        ErrorLog {folder}/error.log
        AllowEncodedSlashes NoDecode
        ProxyPass / http://127.0.0.1:{app}/ nocanon
        {"".join(f"{layout.directive}{chr(10)}" for layout in layouts.values())}
        {"".join(f"CustomLog {folder}/{name}.log {name}{chr(10)}" for name in layouts)}
        """
    )
    with serving([APACHE2, "-f", str(folder / "httpd.conf"), "-DFOREGROUND"], port):
        time.sleep(0.3)  # the look whether it answers has a line of its own
        yield


def _served(folder: Path, start: Callable[..., Any], layouts: dict[str, Layout]) -> Server:
    folder.chmod(0o755)
    port = free_port()
    with application() as app, start(folder, app, port, layouts):
        sent, lines = _asked(folder, list(layouts), port)
    return Server(sent, lines, lines_of(folder / "error.log", 1))


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """nginx, after REQUESTS."""
    return _served(tmp_path_factory.mktemp("nginx"), _nginx, _nginx_layouts())


@pytest.fixture(scope="module")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Apache httpd, after REQUESTS."""
    return _served(tmp_path_factory.mktemp("apache"), _apache, _apache_layouts())


SERVERS = [
    *(
        pytest.param(
            "nginx",
            name,
            marks=[
                pytest.mark.nginx,
                pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed"),
            ],
        )
        for name in ("combined", "observe", "json")
    ),
    *(
        pytest.param(
            "apache",
            name,
            marks=[
                pytest.mark.apache,
                pytest.mark.skipif(
                    not (Path(APACHE2).exists() and MODULES.is_dir()),
                    reason="Debian's apache2-bin is not installed",
                ),
            ],
        )
        for name in ("observe", "common", "combined", "given")
    ),
]
LAYOUTS = {"nginx": _nginx_layouts, "apache": _apache_layouts}


def _read(server: str, name: str, found: Server) -> list[tuple[Sent, Log, Span | None]]:
    """Each request with its log, and its span where the line has a duration or an identity."""
    given: Page = page(*found.lines[name])
    parsed = LAYOUTS[server]()[name].format(given)
    assert parsed.notes == {}
    logs = {signal.event_id: signal for signal in parsed.signals if isinstance(signal, Log)}
    spans = {s.event_id.partition(":")[0]: s for s in parsed.signals if isinstance(s, Span)}
    assert len(given.event_ids) == len(REQUESTS)
    return [
        (sent, logs[event_id], spans.get(event_id))
        for sent, event_id in zip(found.sent, given.event_ids, strict=True)
    ]


@pytest.mark.parametrize(("server", "name"), SERVERS)
def test_every_line_is_read_completely(server: str, name: str, request: pytest.FixtureRequest) -> None:
    """What was asked for, byte for byte, and what was answered; none is `unparsed`."""
    found = request.getfixturevalue(server)
    has_agent = "User-Agent" in LAYOUTS[server]()[name].directive or (server, name) == ("nginx", "combined")
    has_identity = name in ("observe", "given", "json")
    for sent, log, _ in _read(server, name, found):
        asked = sent.asked
        _check_request(asked, log)
        if has_agent:
            assert log.attributes.get("user_agent.original", "") == asked.agent, asked.name
        if has_identity:
            assert log.correlation_id == asked.correlation_id, asked.name
        if asked.name == "traced" and name in ("observe", "given"):
            assert log.trace_id == TRACEPARENT[3:35]


def _check_request(asked: Asked, log: Log) -> None:
    told = log.attributes
    status = told["http.response.status_code"]
    assert status == asked.status if asked.status else status >= 200, asked.name
    if asked.method:
        assert told["http.request.method"] == asked.method, asked.name
        assert (told["url.path"], told.get("url.query", "")) == (asked.path, asked.query), asked.name
    assert log.level == ("ERROR" if status >= 500 else "WARN" if status >= 400 else "INFO")
    assert log.time_from == "line"


@pytest.mark.parametrize(("server", "name"), SERVERS)
def test_the_times_are_the_clients(server: str, name: str, request: pytest.FixtureRequest) -> None:
    """A request begins and ends while its client waits, as exactly as the format tells it."""
    resolution = LAYOUTS[server]()[name].resolution_ns
    is_timed = name in ("observe", "given", "json")
    for sent, log, span in _read(server, name, request.getfixturevalue(server)):
        asked = sent.asked
        if asked.status == 400 or not asked.method:
            continue  # where no request came of it, what its beginning is is the server's own affair
        assert sent.before_ns - resolution <= log.time_unix_nano <= sent.after_ns + LATE_NS, asked.name
        assert (span is not None) == is_timed, asked.name
        if span is None:
            continue
        assert span.start_unix_nano == log.time_unix_nano
        duration = span.end_unix_nano - span.start_unix_nano
        assert duration <= sent.after_ns - sent.before_ns + LATE_NS, asked.name
        assert span.end_unix_nano <= sent.after_ns + LATE_NS, asked.name
        if asked.name == "slow":
            # What lies between these holds however busy the machine is.
            assert duration >= SLOW_S * 1e9 - MS
            assert span.start_unix_nano <= sent.after_ns - SLOW_S * 1e9 + resolution
            assert span.end_unix_nano >= sent.before_ns + SLOW_S * 1e9 - resolution - MS


@pytest.mark.nginx
@pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed")
def test_the_error_log_of_nginx_is_read(nginx: Server) -> None:
    """Every line at level info; the failed upstream with its request."""
    parsed = named("nginx_error")(page(*nginx.said))
    assert parsed.notes == {}
    failed = next(
        log for log in parsed.signals if isinstance(log, Log) and "upstream prematurely closed" in log.message
    )
    assert (failed.level, failed.attributes["url.path"]) == ("ERROR", "/fail")


@pytest.mark.apache
@pytest.mark.skipif(
    not (Path(APACHE2).exists() and MODULES.is_dir()), reason="Debian's apache2-bin is not installed"
)
def test_the_error_log_of_apache_is_read(apache: Server) -> None:
    """Every line at level info; the failed upstream with its client and number."""
    parsed = named("apache_error")(page(*apache.said))
    assert parsed.notes == {}
    failed = [
        log
        for log in parsed.signals
        if isinstance(log, Log) and log.attributes.get("error.code") == "AH01102"
    ]
    assert [(log.level, log.attributes["client.address"]) for log in failed] == [("ERROR", "127.0.0.1")]
