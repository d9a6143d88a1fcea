"""What a call and a request can be compared by."""

from __future__ import annotations

from typing import Any

import pytest

from subscribers.correlate_told import (
    FUNCTION,
    METHOD,
    PATH,
    REST,
    WHOLE,
    Told,
    call_keys,
    is_another,
    request_keys,
)
from tests.subscribers.samples import span


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://h/claims/7?full=1#top", "/claims/7"),
        ("https://h", "/"),
        ("https://h?x=/y", "/"),
        ("h/claims/7", ""),
        ("", ""),
        (7, ""),
    ],
)
def test_the_path_of_a_url(url: Any, path: str) -> None:
    """Without host, query and fragment; only a whole URL has one."""
    keys = request_keys(span("a", attributes={"http.request.method": "GET", "url.full": url}))
    assert keys[PATH] == (("path", "GET", path) if path else None)


def test_a_request_and_its_call_agree() -> None:
    """An access log tells path and host, the layer the whole URL."""
    told = {"http.request.method": "GET", "url.path": "/a", "server.address": "Legacy.example"}
    call = {
        "http.request.method": "GET",
        "url.full": "http://legacy.example/a?b",
        "server.address": "legacy.example",
    }
    request, made = request_keys(span("a", attributes=told)), call_keys(span("b", attributes=call))
    assert request[FUNCTION] is None
    assert set(request[WHOLE:REST]) < set(made)
    assert request[REST] not in made  # the methods could be compared


def test_a_function() -> None:
    """It is known by its log group, and its invocation by its name alone."""
    keys = request_keys(span("a", service="assess", side="serverless"))
    assert (keys[FUNCTION], keys[METHOD]) == (("function", "assess"), None)
    assert call_keys(span("b", attributes={"faas.invoked_name": "assess"})) == (keys[FUNCTION],)
    assert keys[REST] in call_keys(span("c", attributes={"http.request.method": "GET"}))


def test_what_is_no_http() -> None:
    """A query or a message is no request."""
    for name in ("db.system.name", "messaging.system", "aws.request_id", "rpc.service"):
        assert call_keys(span("b", attributes={name: "x"})) == ()


@pytest.mark.parametrize(
    ("call", "request_path", "another"),
    [
        ("/v1/claims/7", "/claims/7", False),
        ("/claims/7", "/old/app/claims/7", False),
        ("/v1/claims/7", "/old/claims/7", False),
        ("/claims/7", "/7/", False),
        ("/claims/7", "/policies/7", True),
        ("/v1/charges", "/unrelated", True),
        ("/v1/charges", "/", True),
        ("/", "/", False),
        ("", "/unrelated", False),
        ("/v1/charges", "", False),
    ],
)
def test_another_path(call: str, request_path: str, another: bool) -> None:
    """Rewritten, the end of a path stays; with the same host it may be any."""
    one, other = Told("GET", call, "a"), Told("GET", request_path, "b")
    assert (is_another(one, other), is_another(other, one)) == (another, another)
    assert is_another(one, other._replace(host="")) == another
    assert not is_another(one, other._replace(host="a"))


def test_a_host_without_a_method() -> None:
    """It is no call over HTTP, unless it tells a URL."""
    assert call_keys(span("b", attributes={"server.address": "db.internal"})) == ()
    assert call_keys(span("b", attributes={"url.full": "http://h/a"})) != ()
