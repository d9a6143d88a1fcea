"""The Runtime API by its own protocol, without a runtime."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from console.local.invocation import MAX_PAYLOAD_BYTES, Invocation
from console.local.runtime_api import Failure, InitFailure, Next, Response, RuntimeApi

PREFIX = "/2018-06-01/runtime"
CALL = Invocation("id-1", b'{"a":1}', "Root=1-2-3", "arn:aws:lambda:eu-west-1:1:function:f", '{"custom":{}}')


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    """A running Runtime API."""
    with RuntimeApi() as running:
        yield running


def _call(
    api: RuntimeApi, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(api.address, timeout=10)
    try:
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()
    finally:
        connection.close()


def _serve(api: RuntimeApi) -> dict[str, str]:
    api.offer(CALL, 1_700_000_000_000)
    status, headers, body = _call(api, "GET", f"{PREFIX}/invocation/next")
    assert (status, body) == (200, CALL.payload)
    return headers


def test_next_carries_the_invocation_in_its_headers(api: RuntimeApi) -> None:
    """The invocation's ID, deadline, ARN, trace and client context are headers."""
    headers = _serve(api)
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
    assert headers["Lambda-Runtime-Deadline-Ms"] == "1700000000000"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == CALL.arn
    assert headers["Lambda-Runtime-Trace-Id"] == "Root=1-2-3"
    assert headers["Lambda-Runtime-Client-Context"] == '{"custom":{}}'


def test_a_response_is_taken_once(api: RuntimeApi) -> None:
    """The first answer is accepted, a second one is an invalid transition."""
    _serve(api)
    assert _call(api, "POST", f"{PREFIX}/invocation/id-1/response", b"7")[0] == 202
    assert _call(api, "POST", f"{PREFIX}/invocation/id-1/error", b"{}")[0] == 403
    assert [api.messages.get(timeout=5), api.messages.get(timeout=5)] == [Next(), Response(b"7")]


def test_an_error_brings_its_type(api: RuntimeApi) -> None:
    """An error's type is its header, or the errorType of its document."""
    _serve(api)
    body = b'{"errorType": "ValueError"}'
    assert _call(api, "POST", f"{PREFIX}/invocation/id-1/error", body)[0] == 202
    assert [api.messages.get(timeout=5), api.messages.get(timeout=5)] == [Next(), Failure(body, "ValueError")]


def test_an_init_error_is_taken_before_the_first_next_only(api: RuntimeApi) -> None:
    """A runtime that has asked for an invocation cannot fail to initialise."""
    header = {"Lambda_Runtime_Function_Error_Type": "Runtime.Bad"}
    assert _call(api, "POST", f"{PREFIX}/init/error", b"x", **header)[0] == 202
    assert api.messages.get(timeout=5) == InitFailure(b"x", "Runtime.Bad")
    _serve(api)
    assert _call(api, "POST", f"{PREFIX}/init/error", b"{}")[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "status", "error_type"),
    [
        ("POST", "/invocation/other/response", 400, "InvalidRequestID"),
        ("POST", "/invocation/other/error", 400, "InvalidRequestID"),
        ("POST", "/nothing", 404, None),
        ("GET", "/nothing", 404, None),
        ("DELETE", "/invocation/next", 501, None),
    ],
)
def test_wrong_calls_are_refused(
    api: RuntimeApi, method: str, path: str, status: int, error_type: str | None
) -> None:
    """Unknown IDs, paths and methods get the status Lambda gives them."""
    got, _, body = _call(api, method, PREFIX + path, b"{}")
    assert got == status
    if error_type:
        assert json.loads(body)["errorType"] == error_type


def test_a_response_over_the_limit_is_413_and_fails_the_invocation(api: RuntimeApi) -> None:
    """Over 6 MiB the runtime gets 413 and the caller an error of Lambda's."""
    _serve(api)
    body = b"x" * (MAX_PAYLOAD_BYTES + 1)
    status, _, answer = _call(api, "POST", f"{PREFIX}/invocation/id-1/response", body)
    assert (status, json.loads(answer)["errorType"]) == (413, "RequestEntityTooLarge")
    api.messages.get(timeout=5)
    failure = api.messages.get(timeout=5)
    assert isinstance(failure, Failure)
    assert failure.error_type == "Function.ResponseSizeTooLarge"


@pytest.mark.parametrize("length", ["-1", "x", "1_0", ""])
def test_a_wrong_length_is_a_bad_request(api: RuntimeApi, length: str) -> None:
    """A Content-Length that is no number is answered with 400."""
    assert _call(api, "POST", f"{PREFIX}/invocation/id-1/response", None, Content_Length=length)[0] == 400


def test_closing_wakes_a_waiting_runtime() -> None:
    """A runtime that waits for its next invocation sees its connection end."""
    api = RuntimeApi()
    connection = http.client.HTTPConnection(api.address, timeout=10)
    connection.request("GET", f"{PREFIX}/invocation/next")
    api.messages.get(timeout=5)
    api.close()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        connection.getresponse()
    connection.close()
