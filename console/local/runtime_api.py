"""Lambda's Runtime API, version 2018-06-01, for one process on loopback.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

What the runtime tells is put on `RuntimeApi.messages` in the order it was told: Next, then Response
or Failure, then Next again; or InitFailure.
"""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass
from http import HTTPStatus

from console.local.http_edge import BadBodyError, EdgeServer, JsonHandler
from console.local.invocation import MAX_PAYLOAD_BYTES, Invocation

_PREFIX = "/2018-06-01/runtime/"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


@dataclass(frozen=True, slots=True)
class Next:
    """The runtime asks for an invocation: it has finished starting, or the one before."""


@dataclass(frozen=True, slots=True)
class Response:
    """The handler's reply."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """The handler's error: {"errorType", "errorMessage", "stackTrace", "requestId"}."""

    body: bytes
    error_type: str


@dataclass(frozen=True, slots=True)
class InitFailure:
    """The runtime could not load the handler; the same document as a Failure."""

    body: bytes
    error_type: str


Message = Next | Response | Failure | InitFailure


class RefusedError(Exception):
    """A call the Runtime API turns down, with the status and error type it answers."""

    def __init__(self, status: HTTPStatus, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.document = {"errorMessage": message, "errorType": error_type}


class RuntimeApi:
    """One Runtime API for one runtime process. Close it, or use it as a context manager."""

    def __init__(self) -> None:
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._offers: queue.SimpleQueue[tuple[Invocation, int] | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._current: str | None = None
        self._answered = False
        self._ready = False
        self._server = EdgeServer(type("Handler", (_Handler,), {"api": self}))

    @property
    def address(self) -> str:
        """`host:port`, for AWS_LAMBDA_RUNTIME_API."""
        return self._server.address

    def offer(self, invocation: Invocation, deadline_ms: int) -> None:
        """Hand an invocation to the runtime's next, or waiting, call. deadline_ms: Unix time."""
        with self._guard:
            self._current, self._answered = invocation.request_id, False
        self._offers.put((invocation, deadline_ms))

    def close(self) -> None:
        """Wake a waiting runtime, end its connection, stop the server."""
        self._offers.put(None)
        self._server.close()

    def __enter__(self) -> RuntimeApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What the handler of a connection calls.

    def take(self) -> tuple[Invocation, int] | None:
        """Tell Next and wait for an invocation; None when the API was closed meanwhile."""
        self._ready = True
        self.messages.put(Next())
        offer = self._offers.get()
        if offer is None:
            self._offers.put(None)  # for whoever else waits
        return offer

    def answer(self, request_id: str, message: Response | Failure) -> None:
        """Accept the answer to the current invocation, once. Raises RefusedError."""
        with self._guard:
            if request_id != self._current:
                raise RefusedError(HTTPStatus.BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
            if self._answered:
                raise RefusedError(
                    HTTPStatus.FORBIDDEN, "InvalidStateTransition", "Transition from an answered invocation"
                )
            self._answered = True
        self.messages.put(message)

    def fail_init(self, message: InitFailure) -> None:
        """Accept an initialisation error, which only a starting runtime has. Raises RefusedError."""
        if self._ready:
            raise RefusedError(HTTPStatus.FORBIDDEN, "InvalidStateTransition", "Initialisation is over")
        self.messages.put(message)


class _Handler(JsonHandler):
    api: RuntimeApi

    def do_GET(self) -> None:  # noqa: N802 - http.server calls it by this name
        if self.path == _PREFIX + "restore/next":
            return self.respond_json(HTTPStatus.OK, {})  # "restored" as soon as it asks
        if self.path != _PREFIX + "invocation/next":
            return self._not_found()
        offer = self.api.take()
        if offer is None:
            self.close_connection = True
            return None
        invocation, deadline_ms = offer
        return self.respond(HTTPStatus.OK, invocation.payload, _next_headers(invocation, deadline_ms))

    def do_POST(self) -> None:  # noqa: N802
        try:
            self._accept(self.read_body(MAX_PAYLOAD_BYTES))
        except BadBodyError as bad:
            self._refuse_body(bad)
        except RefusedError as refused:
            self.respond_json(refused.status, refused.document)

    def _accept(self, body: bytes) -> None:
        match self.path.removeprefix(_PREFIX).split("/"):
            case ["invocation", request_id, "response"]:
                self.api.answer(request_id, Response(body))
            case ["invocation", request_id, "error"]:
                self.api.answer(request_id, Failure(body, self._error_type(body)))
            case ["init", "error"]:
                self.api.fail_init(InitFailure(body, self._error_type(body)))
            case _:
                return self._not_found()
        return self.respond_json(HTTPStatus.ACCEPTED, {"status": "OK"})

    def _refuse_body(self, bad: BadBodyError) -> None:
        message = f"Exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes)."
        if bad.reason != "too_large":
            return self.respond_json(bad.status, {"errorMessage": bad.reason, "errorType": "InvalidRequest"})
        match self.path.removeprefix(_PREFIX).split("/"):
            case ["invocation", request_id, "response"]:
                # The caller is told by Lambda itself, whatever the runtime makes of its 413.
                self.api.answer(request_id, _too_large(message))
        return self.respond_json(bad.status, {"errorMessage": message, "errorType": "RequestEntityTooLarge"})

    def _not_found(self) -> None:
        self.respond(HTTPStatus.NOT_FOUND, b"404 page not found\n", [("Content-Type", "text/plain")])

    def _error_type(self, body: bytes) -> str:
        return self.headers.get(_ERROR_TYPE) or error_type_of(body) or "Runtime.Unknown"


def error_type_of(document: bytes) -> str | None:
    """Return `errorType` of a Lambda error document, None when there is none to read."""
    try:
        value = json.loads(document)
    except ValueError:
        return None
    found = value.get("errorType") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None


def _too_large(message: str) -> Failure:
    error_type = "Function.ResponseSizeTooLarge"
    text = message.replace("Exceeded", "Response payload size exceeded")
    return Failure(json.dumps({"errorType": error_type, "errorMessage": text}).encode(), error_type)


def _next_headers(invocation: Invocation, deadline_ms: int) -> list[tuple[str, str]]:
    headers = [
        ("Content-Type", "application/json"),
        ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", invocation.arn),
        ("Lambda-Runtime-Trace-Id", invocation.trace_header),
    ]
    if invocation.client_context is not None:
        headers.append(("Lambda-Runtime-Client-Context", invocation.client_context))
    return headers
