"""A strict Logstash: its HTTP input, and a pipeline whose output writes by `%{[event][id]}`.

https://www.elastic.co/docs/reference/logstash/plugins/plugins-inputs-http
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

from tests.backends.server import Backend, Fault, Received, Reply


class Logstash(Backend):
    """documents: what the pipeline wrote, by ID; events: of the input; failures: bodies that are no JSON."""

    def __init__(
        self,
        faults: Callable[[int, Received], Fault | None] | None = None,
        *,
        basic: tuple[str, str] | None = None,
        content_max_bytes: int = 100 * 1024 * 1024,
        response_code: int = 200,
    ) -> None:
        """basic: user and password of the input; response_code: as its option of that name."""
        super().__init__(faults)
        self.basic, self.content_max_bytes, self.response_code = basic, content_max_bytes, response_code
        self.is_busy = False
        self.documents: dict[str, dict[str, Any]] = {}
        self.events = 0
        self.failures: list[bytes] = []

    def fault_reply(self, status: int) -> Reply:
        """Netty's: nothing but the status."""
        return Reply(status)

    def answer(self, request: Received) -> Reply:
        """Answer as the input does: any method and path will do."""
        with self.lock:
            if self.is_busy:
                return Reply(429)
            body = _inflated(request, self.content_max_bytes)
            if body is None:
                return Reply(413)
            if self.basic is not None:
                given = request.headers.get("authorization")
                if given is None:
                    return Reply(401, b"", {"WWW-Authenticate": 'Basic realm="Logstash HTTP Input"'})
                if given != "Basic " + base64.b64encode(":".join(self.basic).encode()).decode():
                    return Reply(401)
            for event in self._decoded(request, body):
                self._write(event)
            said = b"" if self.response_code == 204 else b"ok"
            return Reply(self.response_code, said, {"Content-Type": "text/plain"})

    def _decoded(self, request: Received, body: bytes) -> list[dict[str, Any]]:
        """What the codec makes of a body: of `application/json` an array is so many events."""
        if request.headers.get("content-type", "").partition(";")[0] != "application/json" or not body:
            return [{"message": body.decode("utf-8", "replace")}]
        try:
            tree = json.loads(body)
        except (ValueError, RecursionError):
            tree = None
        found = tree if isinstance(tree, list) else [tree]
        if not all(isinstance(one, dict) for one in found):
            self.failures.append(body)
            return [{"message": body.decode("utf-8", "replace"), "tags": ["_jsonparsefailure"]}]
        return found

    def _write(self, event: dict[str, Any]) -> None:
        self.events += 1
        field = event.get("event")
        # What is not there stays as it is written: one document for all of those.
        id = str(field["id"]) if isinstance(field, dict) and "id" in field else "%{[event][id]}"
        if id not in self.documents:
            self.accepted[id] += 1
        self.documents[id] = event


def _inflated(request: Received, most: int) -> bytes | None:
    """The body as the aggregator behind the decompressor has it; None where it is too long."""
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = zlib.decompressobj(wbits=31).decompress(body, most + 1)
    return body if len(body) <= most else None
