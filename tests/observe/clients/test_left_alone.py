"""Requests that are somebody else's: signed ones, traced ones, Lambda's own."""

from __future__ import annotations

from typing import Any

import boto3
import httpx
import pytest
import requests
import requests.auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from observe.testing import Lines
from tests.observe.clients.ways import Send, every, light
from tests.observe.http_echo import OURS, Server, by_aiohttp, by_httpx, by_httpx_async, call


def test_signed_requests_of_botocore_are_left_alone(server: Server, lines: Lines) -> None:
    """A request that an AWS SDK signed is sent as it was, and is no second span."""
    client: Any = boto3.client(
        "sts", "eu-west-1", endpoint_url=server.url, aws_access_key_id="t", aws_secret_access_key="t"
    )
    with pytest.raises(Exception, match=r"(?i)invalid|parse"):
        call(client.get_caller_identity)
    assert "authorization" in server.headers
    assert not OURS & set(server.headers)
    assert len(lines.spans) == 1
    client.close()


@pytest.mark.parametrize("send", [by_aiohttp, by_httpx, by_httpx_async], ids=lambda send: send.__name__[3:])
def test_signed_requests_of_aiobotocore_are_left_alone(server: Server, send: Send) -> None:
    """aiobotocore sends by aiohttp or httpx, and says who it is."""
    call(lambda: send(server.url, {"User-Agent": "aiobotocore/2.13 md/Botocore#1.34 ua/2.0"}))
    assert not OURS & set(server.headers)


@light
def test_an_instrumentation_of_the_functions_own_makes_the_span(
    server: Server, lines: Lines, send: Send
) -> None:
    """Where OpenTelemetry's instrumentation of requests is above us, only what is absent is added."""
    from opentelemetry.instrumentation.utils import suppress_http_instrumentation, suppress_instrumentation

    def theirs() -> int:
        with suppress_http_instrumentation():
            return send(server.url, {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})

    def exporter() -> int:
        with suppress_instrumentation():
            return send(server.url, {})

    call(theirs)
    assert server.headers["traceparent"].startswith("00-aaaa")
    assert server.headers["x-correlation-id"] == "CLM-1"
    call(exporter)
    assert not OURS & set(server.headers)
    assert [span["kind"] for span in lines.spans] == [2, 2]


class _Signed(requests.auth.AuthBase, httpx.Auth):
    """A request that is signed by hand, as for an API with IAM authorization."""

    def __call__(self, request: Any) -> Any:
        signed = AWSRequest(request.method, request.url, headers={"host": "claims"}, data=request.body)
        SigV4Auth(Credentials("t", "t"), "execute-api", "eu-west-1").add_auth(signed)
        request.headers.update(signed.headers)
        return request

    def auth_flow(self, request: Any) -> Any:
        signed = AWSRequest(request.method, str(request.url), headers={"host": "claims"}, data=b"")
        SigV4Auth(Credentials("t", "t"), "execute-api", "eu-west-1").add_auth(signed)
        request.headers.update(dict(signed.headers))
        yield request


@pytest.mark.parametrize(
    "send",
    [
        lambda url: requests.get(url, auth=_Signed()).status_code,
        lambda url: httpx.get(url, auth=_Signed()).status_code,
    ],
    ids=["requests", "httpx"],
)
def test_what_is_signed_by_hand_stays_valid(server: Server, send: Any) -> None:
    """What we add comes after the signature and is not covered by it; what is covered does not change."""
    assert call(lambda: send(server.url)) == 200
    received = server.headers
    covered = received["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert received["x-correlation-id"] == "CLM-1"
    assert not OURS & set(covered)
    again = AWSRequest("GET", server.url, headers={name: received[name] for name in covered}, data=b"")
    again.context["timestamp"] = received["x-amz-date"]
    auth = SigV4Auth(Credentials("t", "t"), "execute-api", "eu-west-1")
    signature = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    assert received["authorization"].endswith(signature)


@every
def test_lambdas_own_api_is_left_alone(
    server: Server, lines: Lines, monkeypatch: pytest.MonkeyPatch, send: Send
) -> None:
    """An extension in the function waits there for its next event, which is no call of the handler's."""
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", server.url.removeprefix("http://"))
    call(lambda: send(f"{server.url}/2020-01-01/extension/event/next", {}))
    assert not OURS & set(server.headers)
    if send not in (by_httpx, by_httpx_async):  # whose spans are OpenTelemetry's
        assert len(lines.spans) == 1
