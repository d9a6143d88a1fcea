"""A backend on 127.0.0.1: a subclass answers as the real one does, and faults are put around its answers."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple, Self, get_args
from urllib.parse import parse_qsl, urlsplit


class Received(NamedTuple):
    """A request as it came. headers: names in lower case; body: as sent, maybe compressed."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer. body: a dict or a list is sent as JSON."""

    status: int
    body: bytes | dict[str, Any] | list[Any] = b""
    headers: Mapping[str, str] = {}


#: reset: read, then cut; lost: taken, then cut; half: taken, half an answer, then cut; hang: not taken and no
#: answer for long; hang_after: taken, no answer; slow: taken, the answer dribbles; garbage: not taken, 200
#: with something else; 504_after: taken, and a gateway says 504. The others are statuses, not taken.
Fault = Literal[
    "reset", "lost", "half", "hang", "hang_after", "slow", "garbage", "504_after",
    "401", "413", "429", "429_after", "500", "502", "503", "504",
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)
#: After which the other side may have taken the request all the same.
TAKEN: frozenset[str] = frozenset(("lost", "half", "hang_after", "slow", "504_after"))


class Backend:
    """A server in a thread. `accepted` counts by event ID what was taken, `answers` statuses and faults."""

    #: Seconds of a hang, and the pause between two pieces of a slow answer.
    hang_s = 3.0
    dribble_s = 0.002
    retry_after = "1"

    def __init__(self, faults: Callable[[int, Received], Fault | None] | None = None) -> None:
        """faults: the fault of the n-th request, None for none."""
        self.faults = faults
        self.lock = threading.RLock()
        self.accepted: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self._count = 0
        self._server: _Server | None = None
        self._port = 0

    def answer(self, request: Received) -> Reply:
        """Answer as the real backend does. Called by several threads."""
        raise NotImplementedError

    def fault_reply(self, status: int) -> Reply:
        """Return what the real one says with a status that a fault asks for."""
        headers = {"Retry-After": self.retry_after} if status in (429, 503) else {}
        return Reply(status, {"error": f"status {status}"}, headers)

    @property
    def url(self) -> str:
        """Return http://127.0.0.1:port."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse connections for a while: nobody listens at the port."""
        self._close()
        try:
            yield
        finally:
            self._listen()

    def _listen(self) -> None:
        self._server = _Server(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut()
            self._server = None

    def _fault(self, request: Received) -> Fault | None:
        with self.lock:
            self._count += 1
            n = self._count
        return self.faults(n, request) if self.faults else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        """End the connections that are kept alive, as a process that ends does."""
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news."""


def _handler(backend: Backend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        # One segment an answer: else each waits for the other side's delayed acknowledgement.
        wbufsize = 1 << 16

        def _any(self) -> None:
            body = self._body()
            if body is None:  # the client went away before its end: nobody has seen a request
                self.close_connection = True
                return
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            request = Received(self.command, url.path, query, headers, body)
            fault = backend._fault(request)
            if fault in ("reset", "hang"):
                self._lose(fault)
                return
            if fault is not None and fault not in TAKEN:
                self._say(_of_fault(backend, fault), fault)
                return
            reply = backend.answer(request)
            if fault in ("lost", "hang_after"):
                self._lose(fault)
            elif fault == "504_after":
                self._say(backend.fault_reply(504), fault)
            else:
                self._say(reply, fault)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _any  # noqa: N815 - the names that http.server calls

        def _body(self) -> bytes | None:
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                pieces = []
                while size := int(self.rfile.readline().partition(b";")[0], 16):
                    pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(pieces)
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            return body if len(body) == size else None

        def _lose(self, fault: str) -> None:
            with backend.lock:
                backend.answers[fault] += 1
            if fault.startswith("hang"):
                time.sleep(backend.hang_s)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        def _say(self, reply: Reply, fault: str | None) -> None:
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            with backend.lock:
                backend.answers[fault or str(reply.status)] += 1
            self.send_response(reply.status)
            given = {name.lower() for name in reply.headers}
            if not isinstance(reply.body, bytes) and "content-type" not in given:
                self.send_header("Content-Type", "application/json")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if fault == "half":
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self.close_connection = True
                return
            if fault == "slow":
                for i in range(0, len(body), max(1, len(body) // 20)):
                    self.wfile.write(body[i : i + max(1, len(body) // 20)])
                    self.wfile.flush()
                    time.sleep(backend.dribble_s)
                return
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests have other news."""

    return Handler


def _of_fault(backend: Backend, fault: Fault) -> Reply:
    if fault == "garbage":
        return Reply(200, b"<html>please log in</html>", {"Content-Type": "text/html"})
    if fault == "429":
        return backend.fault_reply(429)._replace(headers={})
    return backend.fault_reply(int(fault.partition("_")[0]))
