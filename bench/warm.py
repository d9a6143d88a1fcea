"""A function's process served by as little as can be, so that what is measured is the function.

Lambda's Runtime API on one blocking socket in this process; stdout and stderr, which are one log on Lambda,
drained by a process of its own into a file.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import uuid
from pathlib import Path

from console.local.invocation import FunctionConfig
from console.local.launch import command_line, process_environment

_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class WarmProcess:
    """One runtime process. invoke(payload) -> µs from the event handed over to the result posted."""

    def __init__(self, config: FunctionConfig, output: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(30)
        host, port = self._listener.getsockname()
        environment = process_environment(config, "stream", f"{host}:{port}", 1)
        del environment["_LAMBDA_TELEMETRY_LOG_FD"]  # log records go to stdout as text
        self._output = output
        self._arn = config.arn
        with output.open("wb") as file:
            self._drain = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)
        self._process = subprocess.Popen(
            command_line(config),
            cwd=config.task_root,
            env=environment,
            stdout=self._drain.stdin,
            stderr=subprocess.STDOUT,
        )
        assert self._drain.stdin is not None
        self._drain.stdin.close()
        self._peer: socket.socket | None = None
        self._buffer = b""
        self._next()

    def __enter__(self) -> WarmProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._drain.wait()
        self._listener.close()
        if self._peer is not None:
            self._peer.close()

    def invoke(self, payload: bytes) -> float:
        """Hand the event over, wait for the result; return the µs between. Raises SystemExit on an error."""
        request_id = str(uuid.uuid4())
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 30_000}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {self._arn}\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        )
        assert self._peer is not None
        start = time.perf_counter_ns()
        self._peer.sendall(head.encode() + payload)
        line = self._request()
        took = time.perf_counter_ns() - start
        if not line.endswith("/response HTTP/1.1"):
            raise SystemExit(f"the function failed: {line}")
        self._peer.sendall(_ACCEPTED)
        self._next()
        return took / 1000

    def cpu_us(self) -> float:
        """Return the µs of processor time that the process has used, its own and the kernel's for it."""
        folder = Path(f"/proc/{self._process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in folder.iterdir()) / 1000

    def written(self) -> int:
        """Return the bytes that have come through stdout by now."""
        return os.stat(self._output).st_size

    def settled(self) -> int:
        """Return them when the drain has read everything."""
        size = -1
        while size != (size := self.written()):
            time.sleep(0.02)
        return size

    def _next(self) -> None:
        line = self._request()
        if not line.startswith("GET "):
            raise SystemExit(f"the function did not start: {line}")

    def _request(self) -> str:
        """The request line of the next request, its body read."""
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if separator:
                length = _length(head)
                if len(rest) >= length:
                    self._buffer = rest[length:]
                    return head.split(b"\r\n", 1)[0].decode()
            self._more()

    def _more(self) -> None:
        if self._peer is None:
            self._peer, _ = self._listener.accept()
            self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = self._peer.recv(1 << 16)
        if not data:  # the client opens a new connection
            self._peer.close()
            self._peer, self._buffer = None, b""
        self._buffer += data


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
