"""Web servers for tests: a free port, a process that serves, requests good and bad, the lines they made."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#: Method, target and headers of what `ask` sends.
REQUESTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("GET", "/claims?policy=7", {"X-Correlation-ID": "CLM-1", "traceparent": TRACEPARENT}),
    ("GET", "/claims", {"X-Correlation-ID": 'quo"te \\ back é', "User-Agent": 'say "h\u00e9"\\x41'}),
    ("GET", "/none", {}),
    ("POST", "/claims", {"X-Correlation-ID": "CLM-2", "Content-Type": "text/plain"}),
    ("GET", "/cl%20aims%22%5C", {"Referer": "https://example.com/a b, c"}),
)
#: The garbage that `ask` sends after them makes a line, too.
LINES = len(REQUESTS) + 1


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(command: Sequence[str], port: int) -> Iterator[None]:
    """Run a server until the block ends, which starts when the server answers."""
    server = subprocess.Popen(command)
    try:
        _until(lambda: _answers(port), 20)
        yield
    finally:
        server.terminate()
        server.wait(20)


def ask(port: int, written: Callable[[int], object]) -> None:
    """Send REQUESTS, each on a connection of its own, and something that is no HTTP.

    written(n): waits until the log has n lines: threads of a server write in any order.
    """
    for n, (method, target, headers) in enumerate(REQUESTS, start=1):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        sent = {name: value.encode("utf-8") for name, value in headers.items()}
        connection.request(method, target, headers=sent)  # type: ignore[arg-type]
        connection.getresponse().read()
        connection.close()
        written(n)
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        raw.recv(100)


def lines_of(log: Path, least: int, *, leave_out: Callable[[str], bool] = lambda line: not line) -> list[str]:
    """Return the lines of a log when it has so many; without those that only show that somebody looked."""

    def lines() -> list[str]:
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        return [line for line in text.splitlines() if not leave_out(line)]

    _until(lambda: len(lines()) >= least, 10)
    return lines()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds; whoever asked finds out himself that it never did."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
