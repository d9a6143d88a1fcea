"""What a call and a request can be compared by."""

from __future__ import annotations

from typing import Any

import pytest

from subscribers.correlate_told import FUNCTION, METHOD, PATH, REST, WHOLE, call_keys, request_keys
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
