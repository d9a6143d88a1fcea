"""The HTTP server under the Runtime API and the front door: quiet, bounded, closed without a trace.

Errors: BadBodyError (reason `length_required`, `bad_length`, `too_large`, `cut_short`) for a request
body that cannot be read; the handler answers with its status.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_CHUNK_BYTES = 1 << 16
_POLL_S = 0.05


class BadBodyError(Exception):
    """A request body that cannot be read. `status` is the answer it deserves."""

    def __init__(self, reason: str, status: HTTPStatus) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class EdgeServer(ThreadingHTTPServer):
    """A loopback server whose threads and sockets are gone once close() returns."""

    daemon_threads = True  # an interpreter that exits without close() must not hang

    def __init__(self, handler: type[JsonHandler], port: int = 0) -> None:
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), handler)
        self._accepting = threading.Thread(target=self.serve_forever, args=(_POLL_S,), daemon=True)
        self._accepting.start()

    @property
    def address(self) -> str:
        """`host:port` of the listening socket."""
        return f"127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection on a thread of its own, remembered until it ends."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._guard:
            self._connections[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close one connection and forget it."""
        super().shutdown_request(request)
        with self._guard:
            self._connections.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a peer went away; its absence is the whole message."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Stop accepting, end open connections, join every thread."""
        self.shutdown()
        self._accepting.join()
        with self._guard:
            open_connections = list(self._connections.items())
        for connection, _ in open_connections:
            _hang_up(connection)
        for _, thread in open_connections:
            thread.join()
        self.server_close()


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # already closed by its own thread


class JsonHandler(BaseHTTPRequestHandler):
    """One connection. Every answer, also to garbage, is JSON; nothing is logged."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body must not wait for each other's ACK
    wbufsize = -1

    def respond(
        self, status: int, body: bytes, headers: Iterable[tuple[str, str]] = (), *, bodiless: bool = False
    ) -> None:
        """Send one answer. bodiless: announce the length but send no body (HEAD)."""
        # http.server sends no status line at all to what it takes for HTTP/0.9
        self.request_version = "HTTP/1.1"
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not bodiless and status not in (204, 304):
            self.wfile.write(body)
        self.wfile.flush()

    def respond_json(self, status: int, document: object) -> None:
        """Send `document` as JSON."""
        self.respond(status, json.dumps(document).encode(), [("Content-Type", "application/json")])

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what http.server itself found wrong, without its HTML."""
        del message, explain
        self.close_connection = True
        self.respond_json(code, {"message": HTTPStatus(code).phrase})

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: stdout and stderr belong to the command that runs this."""

    def read_body(self, limit_bytes: int) -> bytes:
        """Return the request's body. Raises BadBodyError."""
        length = self._content_length()
        if length > limit_bytes:
            self._discard(length)
            raise BadBodyError("too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            raise BadBodyError("cut_short", HTTPStatus.BAD_REQUEST)
        return body

    def _content_length(self) -> int:
        if "transfer-encoding" in self.headers:
            self.close_connection = True
            raise BadBodyError("length_required", HTTPStatus.LENGTH_REQUIRED)
        lengths = set(self.headers.get_all("content-length", ["0"]))
        text = lengths.pop().strip()
        # int() would take "+1", "1_0" and "-1"; two lengths are request smuggling
        if lengths or not (text.isascii() and text.isdigit()) or len(text) > 15:
            self.close_connection = True
            raise BadBodyError("bad_length", HTTPStatus.BAD_REQUEST)
        return int(text)

    def _discard(self, length: int) -> None:
        # A client that is still sending would see a reset instead of our 413.
        self.close_connection = True
        left = min(length, 64 << 20)
        while left > 0 and (chunk := self.rfile.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
