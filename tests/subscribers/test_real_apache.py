"""A real Apache httpd with the retrofit's LogFormat, exactly as the README prints it."""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from observe.w3c import parse_traceparent
from subscribers.parsers import access_log

APACHE = shutil.which("apache2") or shutil.which("httpd") or "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
ROOT = Path(__file__).parents[2]
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

pytestmark = [
    pytest.mark.apache,
    pytest.mark.skipif(
        not (Path(APACHE).exists() and MODULES.is_dir()), reason="Debian's apache2-bin is not installed"
    ),
]


def _format(page: str) -> str:
    """The LogFormat directive of a documentation page."""
    return next(
        line.strip()
        for line in (ROOT / page).read_text(encoding="utf-8").splitlines()
        if line.strip().startswith("LogFormat ")
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The access log of a real server after some requests, good and bad."""
    folder = tmp_path_factory.mktemp("apache")
    (folder / "htdocs").mkdir()
    (folder / "htdocs" / "claims").write_text("claims\n")
    folder.chmod(0o755)
    port = _free_port()
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
        ErrorLog {folder}/error.log
        {_format("README.md")}
        CustomLog {folder}/access.log observe
        """
    )
    server = subprocess.Popen([APACHE, "-f", str(folder / "httpd.conf"), "-DFOREGROUND"])
    try:
        _wait(port)
        yield _requests(port, folder / "access.log")
    finally:
        server.terminate()
        server.wait(20)


def _wait(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


REQUESTS = (
    ("GET", "/claims?policy=7", {"X-Correlation-ID": "CLM-1", "traceparent": TRACEPARENT}),
    ("GET", "/claims", {"X-Correlation-ID": 'quo"te \\ back é'}),
    ("GET", "/none", {}),
    ("POST", "/claims", {"X-Correlation-ID": "CLM-2"}),
)


def _requests(port: int, log: Path) -> list[str]:
    for method, path, headers in REQUESTS:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        sent = {name: value.encode("utf-8") for name, value in headers.items()}
        connection.request(method, path, headers=sent)  # type: ignore[arg-type]
        connection.getresponse().read()
        connection.close()
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        raw.recv(100)
    until = time.monotonic() + 10
    while log.read_bytes().count(b"\n") < len(REQUESTS) + 1 and time.monotonic() < until:
        time.sleep(0.05)
    found = log.read_text(encoding="utf-8").splitlines()
    return [line for line in found if '"" ' not in line and " 408 " not in line]


def test_every_line_is_read(lines: list[str]) -> None:
    """Each request is read with its IDs, its start to the millisecond, and its duration."""
    read = [access_log.read(line) for line in lines]
    assert len(read) == len(REQUESTS) + 1
    assert None not in read
    first, quoted, missing, posted, garbage = (one for one in read if one is not None)
    assert (first.method, first.path, first.status) == ("GET", "/claims", 200)
    assert first.attributes["url.query"] == "policy=7"
    assert (first.correlation_id, parse_traceparent(first.traceparent)[0]) == ("CLM-1", TRACEPARENT[3:35])
    assert quoted.correlation_id == 'quo"te \\ back é'
    assert (missing.status, missing.correlation_id, missing.traceparent) == (404, "", "")
    assert (posted.method, posted.correlation_id) == ("POST", "CLM-2")
    assert garbage.status == 400
    assert all(one.duration_us is not None and one.duration_us > 0 for one in read if one is not None)
    assert abs(first.start_unix_nano / 1e9 - time.time()) < 60


def test_the_pages_agree() -> None:
    """The README and the subscribers' page print the same directive."""
    assert _format("README.md") == _format("docs/subscribers.md")
    assert re.search(r"%D .*X-Correlation-ID.*traceparent", _format("README.md"))
