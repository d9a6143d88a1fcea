"""A real Apache httpd: the retrofit's LogFormat, exactly as the README prints it, named ones, any other."""

from __future__ import annotations

import re
import shutil
import time
from datetime import UTC
from pathlib import Path

import pytest

from observe.w3c import parse_traceparent
from subscribers.formats.apache_error import APACHE_ERROR
from subscribers.formats.apache_layout import APACHE, compile_apache
from subscribers.formats.told import Clock, LineFormat, Told
from subscribers.parsers import access_log
from tests.subscribers.real_servers import LINES, REQUESTS, TRACEPARENT, ask, free_port, lines_of, serving

APACHE2 = shutil.which("apache2") or shutil.which("httpd") or "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.apache,
    pytest.mark.skipif(
        not (Path(APACHE2).exists() and MODULES.is_dir()), reason="Debian's apache2-bin is not installed"
    ),
]

#: Name of a log -> its LogFormat.
LAYOUTS = {
    "common": r"%h %l %u %t \"%r\" %>s %b",
    "combined": r"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"",
    "vhost_combined": r"%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"",
    "everything": (
        r"%a %{c}a %A %B %b %D %T %{ms}T %{us}T %f %h %H %{Host}i %k %l %{Content-Type}o %m %p %{local}p"
        r" %{remote}p %P %{tid}P %{hextid}P %q \"%r\" %R %s %>s %t %{begin:usec}t %{end:msec}t %u \"%U\" %v"
        r" %V %X %I %O %S \"%{User-Agent}i\" %!200{Referer}i %{nothing}n %{NOTHING}e %{nothing}C %L %%"
    ),
    "iso": r"%{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t%{%z}t\t%m\t%U%q\t%H\t%>s\t%D\t%{X-Correlation-ID}i",
    "json": (
        r"{\"time\":\"%{end:sec}t.%{end:msec_frac}t\",\"request\":\"%r\",\"status\":%>s,\"took_us\":%D,"
        r"\"agent\":\"%{User-Agent}i\",\"correlation\":\"%{X-Correlation-ID}i\",\"trace\":\"%{traceparent}i\"}"
    ),
}


def _directive(page: str) -> str:
    """The LogFormat directive of a documentation page."""
    return next(
        line.strip()
        for line in (ROOT / page).read_text(encoding="utf-8").splitlines()
        if line.strip().startswith("LogFormat ")
    )


def _is_no_request(line: str) -> bool:
    """A connection that closed without a request: the test's own look whether the server is up."""
    return not line or '"" ' in line or " 408 " in line or '"request":""' in line or '"request":"-"' in line


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Every log of a real server after some requests, good and bad: name -> lines."""
    folder = tmp_path_factory.mktemp("apache")
    (folder / "htdocs").mkdir()
    (folder / "htdocs" / "claims").write_text("claims\n")
    folder.chmod(0o755)
    port = free_port()
    formats = "\n".join(f'LogFormat "{layout}" {name}' for name, layout in LAYOUTS.items())
    custom = "\n".join(f"CustomLog {folder}/{name}.log {name}" for name in (*LAYOUTS, "observe"))
    (folder / "httpd.conf").write_text(
        f"""
        ServerRoot {folder}
        ServerName localhost
        Listen 127.0.0.1:{port}
        PidFile {folder}/pid
        DefaultRuntimeDir {folder}
        LoadModule mpm_event_module {MODULES}/mod_mpm_event.so
        LoadModule authz_core_module {MODULES}/mod_authz_core.so
        DocumentRoot {folder}/htdocs
        <Location "/none">
            Require all denied
        </Location>
        LogLevel debug
        ErrorLog {folder}/error.log
        {_directive("README.md")}
        {formats}
        {custom}
        """
    )
    with serving([APACHE2, "-f", str(folder / "httpd.conf"), "-DFOREGROUND"], port):
        ask(port, lambda n: lines_of(folder / "observe.log", n, leave_out=_is_no_request))
        found = {
            name: lines_of(folder / f"{name}.log", LINES, leave_out=_is_no_request)
            for name in (*LAYOUTS, "observe")
        }
    return {**found, "error": lines_of(folder / "error.log", 1)}


def _told(format: LineFormat, lines: list[str]) -> list[Told]:
    read, near = format.reader(), time.time_ns()
    told = [read(line, Clock(UTC, near)) for line in lines]
    assert None not in told, lines[told.index(None)]
    return [one for one in told if one is not None]


def test_every_line_of_the_retrofit_is_read(logs: dict[str, list[str]]) -> None:
    """Each request is read with its IDs, its start to the millisecond, and its duration."""
    read = [access_log.read(line) for line in logs["observe"]]
    assert len(read) == LINES
    exchanges = [one.exchange for one in read if one is not None and one.exchange is not None]
    assert len(exchanges) == LINES
    first, _, missing, posted, _, garbage = exchanges
    assert (first.method, first.path, first.status) == ("GET", "/claims", 200)
    assert [one.correlation_id for one in read if one] == ["CLM-1", 'quo"te \\ back é', "", "CLM-2", "", ""]
    assert parse_traceparent(first.traceparent)[0] == TRACEPARENT[3:35]
    assert (missing.status, missing.traceparent, posted.method, garbage.status) == (403, "", "POST", 400)
    assert all(one.duration_ns is not None and one.duration_ns > 0 for one in exchanges)
    assert abs(first.start_unix_nano / 1e9 - time.time()) < 60


@pytest.mark.parametrize("name", ["common", "combined", "vhost_combined", "observe"])
def test_named_formats_need_no_layout(logs: dict[str, list[str]], name: str) -> None:
    """They are told apart, and say of each request what it was."""
    statuses = [one.attributes["http.response.status_code"] for one in _told(APACHE, logs[name])]
    assert statuses == [200, 200, 403, 200, 404, 400]
    if name == "vhost_combined":
        assert {one.attributes["server.address"] for one in _told(APACHE, logs[name])} == {"localhost"}


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_layout_given_as_such_reads_what_it_wrote(logs: dict[str, list[str]], name: str) -> None:
    """Every line, with every field that the layout names."""
    read = _told(compile_apache(LAYOUTS[name]), logs[name])
    assert len(read) == LINES
    for one, (method, target, headers) in zip(read, REQUESTS, strict=False):
        assert one.exchange is not None
        path = '/cl aims"\\' if name in ("everything", "iso") and "%" in target else target.partition("?")[0]
        assert (one.exchange.method, one.exchange.path) == (method, path)
        assert one.attributes.get("url.query", "") == target.partition("?")[2]
        if name in ("iso", "json"):
            assert one.correlation_id == headers.get("X-Correlation-ID", "")
        if "User-Agent" in LAYOUTS[name]:
            assert one.attributes.get("user_agent.original", "") == headers.get("User-Agent", "")


def test_the_clocks_of_all_layouts_agree(logs: dict[str, list[str]]) -> None:
    """A start is a start, whether %t, begin: or end: less %D told it."""
    exact = [one.exchange for one in _told(compile_apache(LAYOUTS["everything"]), logs["everything"])]
    for name in ("observe", "iso", "json", "combined"):
        format = APACHE if name in ("observe", "combined") else compile_apache(LAYOUTS[name])
        for one, other in zip(exact, _told(format, logs[name]), strict=True):
            assert one is not None
            assert other.exchange is not None
            late = one.start_unix_nano - other.exchange.start_unix_nano
            assert 0 <= late < 10**9 if name == "combined" else abs(late) < 2 * 10**6
            assert other.exchange.duration_ns in (one.duration_ns, None)


def test_the_error_log_is_read(logs: dict[str, list[str]]) -> None:
    """At level debug; each line with its module and its process, the client's with the client."""
    read = _told(APACHE_ERROR, logs["error"])
    assert {"INFO", "DEBUG", "ERROR"} <= {one.level for one in read}
    assert all(one.attributes["process.pid"] > 0 and one.attributes["apache.module"] for one in read)
    denied = next(one for one in read if one.attributes.get("error.code") == "AH01630")
    assert denied.message.startswith("AH01630: client denied by server configuration: ")
    assert denied.attributes["client.address"] == "127.0.0.1"
    assert all(abs((one.time_unix_nano or 0) / 1e9 - time.time()) < 60 for one in read)


def test_the_pages_agree() -> None:
    """The README and the subscribers' page print the same directive."""
    assert _directive("README.md") == _directive("docs/subscribers.md")
    assert re.search(r"%D .*X-Correlation-ID.*traceparent", _directive("README.md"))
