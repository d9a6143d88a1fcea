"""Requests that make hard lines, sent byte for byte, and the application behind the server that gets them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SLOW_S = 0.15
_AGENT = 'say "h\u00e9"\\x41 \U0001f600'.encode()
_LONG = "/claims?q=" + "ab%20" * 1400


class Asked(NamedTuple):
    """One request. status: what is answered, None where servers differ or the client does not wait."""

    name: str
    raw: bytes
    method: str
    path: str
    query: str
    status: int | None
    agent: str = ""
    correlation_id: str = ""


class Sent(NamedTuple):
    """A request with what the client's clock said before it was sent, and after the answer had come."""

    asked: Asked
    before_ns: int
    after_ns: int


def _asked(
    name: str,
    target: str,
    status: int | None = 200,
    *,
    method: str = "GET",
    headers: bytes = b"",
    body: bytes = b"",
    **more: str,
) -> Asked:
    path, _, query = target.partition("?")
    head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
    return Asked(name, head + headers + b"\r\n" + body, method, path, query, status, **more)


REQUESTS = (
    _asked("plain", "/claims?policy=7", headers=b"X-Correlation-ID: CLM-1\r\n", correlation_id="CLM-1"),
    _asked("encoded", "/claims/%C3%A9t%C3%A9?name=%E2%82%AC"),
    _asked("quotes", "/claims", headers=b"User-Agent: " + _AGENT + b"\r\n", agent=_AGENT.decode()),
    _asked("tab", "/claims", headers=b"User-Agent: a\tb\r\n", agent="a\tb"),
    _asked("long", _LONG),
    _asked("head", "/claims", method="HEAD"),
    _asked("options", "/claims", method="OPTIONS"),
    _asked(
        "chunked",
        "/chunked",
        method="POST",
        headers=b"Transfer-Encoding: chunked\r\n",
        body=b"3\r\nabc\r\n0\r\n\r\n",
    ),
    _asked("slow", "/slow"),
    _asked("failed", "/fail", 502),
    _asked("missing", "/missing", 404),
    _asked("quoted path", "/a%22b%5Cc%20d?x=%22"),
    _asked("traced", "/claims", headers=f"traceparent: {TRACEPARENT}\r\n".encode()),
    Asked("old", b"GET /claims HTTP/1.0\r\n\r\n", "GET", "/claims", "", 200),
    Asked("no host", b"GET /claims HTTP/1.1\r\n\r\n", "GET", "/claims", "", 400),
    Asked("too long", b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", "", "", "", None),
)


class _App(BaseHTTPRequestHandler):
    """Answers what the path says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Any method."""
        self._read_body()
        path = self.path.partition("?")[0]
        if path == "/fail":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if path == "/slow":
            time.sleep(SLOW_S)
        self.send_response(404 if path == "/missing" else 200)
        if path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"6\r\nclaims\r\n0\r\n\r\n")
            return
        self.send_header("Content-Length", "6")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"claims")

    def _read_body(self) -> None:
        """To its end: a server in front may ask again on the same connection."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()

    do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the server in front of it logs."""


@contextmanager
def application() -> Iterator[int]:
    """Run the application until the block ends. Yields its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _App)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(asked: Asked, port: int) -> Sent:
    """Send a request on a connection of its own, and read the answer to its end."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        before = time.time_ns()
        connection.sendall(asked.raw)
        try:
            while connection.recv(65_536):
                pass
        except ConnectionResetError:
            pass
        return Sent(asked, before, time.time_ns())
