"""Secrets in a request's body, its address and its signature: put in at the edge, and never told."""

from __future__ import annotations

import hmac
import json

import pytest

from subscribers.http import HttpEdge
from subscribers.sinks.channel import HttpRequest, Secret, SecretReference, Signature
from tests.backends.server import Received, Reply
from tests.subscribers.test_http import Echo, Secrets, echo

__all__ = ["echo"]


class Known(Secrets):
    """Secrets by reference."""

    def __init__(self, **known: str) -> None:
        super().__init__()
        self.known = known

    def get(self, reference: SecretReference) -> str:
        return self.known[str(reference).removeprefix("ssm:/")]


def test_secrets_of_the_body_and_the_address(echo: Echo) -> None:
    """They are placed, so that a body that asks for a secret gets none; quotes in one break no JSON."""
    edge = HttpEdge(secrets=Known(url=f"{echo.url}/services/T0/hunter2?token=abc", key='a"b'))
    body = b'{"said": "routing_key ssm:/key {key} [secret]"}'
    request = HttpRequest(
        secret_url=Secret("ssm:/url"), secret_members={"routing_key": Secret("ssm:/key")}, body=body
    )
    assert edge.send(request).status == 200
    assert (
        edge.send(HttpRequest(url=echo.url, secret_members=request.secret_members, body=b"{}")).status == 200
    )
    first, second = echo.seen
    assert (first.path, first.query) == ("/services/T0/hunter2", {"token": "abc"})
    assert json.loads(first.body) == {"routing_key": 'a"b', **json.loads(body)}
    assert json.loads(second.body) == {"routing_key": 'a"b'}
    edge.refresh(request)  # asks for both


@pytest.mark.parametrize(
    "secret", ["hunter2", "ftp://hunter2", "http://", "https://[hunter2", "javascript:1"]
)
def test_a_secret_that_is_no_address(secret: str) -> None:
    """Nothing is sent, and the secret is not told."""
    told = HttpEdge(secrets=Known(url=secret)).send(HttpRequest(secret_url=Secret("ssm:/url")))
    assert (told.fault, told.is_unknown, "hunter2" in told.detail) == ("unsendable", False, False)


def test_a_body_that_can_hold_no_secret(echo: Echo) -> None:
    """An array, or what is compressed."""
    request = HttpRequest(url=echo.url, body=b"[]", secret_members={"a": Secret("ssm:/key")})
    assert HttpEdge(secrets=Known(key="hunter2")).send(request).fault == "unsendable"
    assert echo.seen == []


def test_a_refusal_that_repeats_a_secret_address() -> None:
    """Neither the address nor its path is kept."""

    class Telltale(Echo):
        def answer(self, request: Received) -> Reply:
            return Reply(404, {"error": f"no {request.path}, no {self.url}{request.path}"})

    with Telltale() as telltale:
        edge = HttpEdge(secrets=Known(url=f"{telltale.url}/services/hunter2"))
        told = edge.send(HttpRequest(secret_url=Secret("ssm:/url")))
    assert (told.status, b"hunter2" in told.body) == (404, False)


def test_a_signed_body(echo: Echo) -> None:
    """Time and body together: who knows the key can tell that it is ours, and of now."""
    edge = HttpEdge(secrets=Known(key="hunter2", routing="r"))
    edge.send(
        HttpRequest(
            url=echo.url,
            body=b'{"a":1}',
            signature=Signature("ssm:/key"),
            secret_members={"r": Secret("ssm:/routing")},
        )
    )
    (seen,) = echo.seen
    at = seen.headers["x-observe-timestamp"]
    wanted = hmac.new(b"hunter2", f"{at}.".encode() + seen.body, "sha256").hexdigest()
    assert seen.headers["x-observe-signature"] == f"sha256={wanted}"
    assert json.loads(seen.body) == {"r": "r", "a": 1}
