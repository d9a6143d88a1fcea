"""requests, urllib3 and urllib.request: attempts, sessions, bodies."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import requests
import requests.adapters
import urllib3
from urllib3._collections import HTTPHeaderDict

from observe.testing import Lines
from tests.observe.http_echo import Server, call, sent_by


def test_every_retry_and_redirect_is_a_span(server: Server, lines: Lines) -> None:
    """An attempt is what goes over the wire once, with headers that name it."""

    def function() -> int:
        with requests.Session() as session:
            retry = urllib3.Retry(3, backoff_factor=0, status_forcelist=[503])
            session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
            return session.get(f"{server.url}/to?{server.url}/twice").status_code

    assert call(function) == 200
    spans = lines.spans[1:]
    assert [span["attributes"]["http.response.status_code"] for span in spans] == ["302", "503", "503", "200"]
    assert [headers["traceparent"] for _, _, headers, _ in server.seen] == [sent_by(span) for span in spans]


def test_headers_of_a_session_and_a_pool_are_not_touched(server: Server) -> None:
    """requests.Session.headers, a prepared request's, a pool's and HTTPHeaderDict stay as they were."""
    session = requests.Session()
    prepared = session.prepare_request(requests.Request("GET", server.url))
    pool = urllib3.PoolManager(headers={"x-app": "claims"})
    repeated = HTTPHeaderDict([("x-many", "1"), ("x-many", "2")])
    before = dict(session.headers), dict(prepared.headers), dict(pool.headers), list(repeated.iteritems())

    def function() -> None:
        session.send(prepared)
        session.send(prepared)
        pool.request("GET", server.url)
        pool.request("GET", server.url, headers=repeated)

    call(function)
    after = dict(session.headers), dict(prepared.headers), dict(pool.headers), list(repeated.iteritems())
    assert after == before
    assert len({headers["traceparent"] for _, _, headers, _ in server.seen}) == 4
    assert server.seen[2][2]["x-app"] == "claims"
    session.close()
    pool.clear()


@pytest.mark.parametrize(
    "body",
    [lambda: b"whole", lambda: io.BytesIO(b"whole"), lambda: iter([b"wh", b"ole"])],
    ids=["bytes", "file", "iterator"],
)
def test_bodies_stream_as_they_did(server: Server, lines: Lines, body: Any) -> None:
    """A file and an iterator, which is sent in chunks, arrive whole."""
    call(lambda: requests.post(server.url, data=body()).close())
    method, _, headers, received = server.seen[0]
    assert (method, received) == ("POST", b"whole")
    assert headers["traceparent"] == sent_by(lines.spans[1])


def test_a_streamed_reply_is_readable(server: Server) -> None:
    """The span ends when the headers are in; the body is the caller's to read."""
    read = call(lambda: requests.get(server.url, stream=True).raw.read())
    assert json.loads(read)["x-correlation-id"] == "CLM-1"


def test_an_address_is_told_as_it_was_asked_for(server: Server, lines: Lines) -> None:
    """A port that goes without saying is not said; `*` of OPTIONS names no other host."""

    def function() -> None:
        with pytest.raises(urllib3.exceptions.HTTPError), urllib3.PoolManager() as pool:
            pool.request("GET", "http://claims.invalid/a", retries=False)
        with urllib3.HTTPConnectionPool("127.0.0.1", server.server_address[1]) as own:
            own.urlopen("OPTIONS", "*", retries=False, assert_same_host=False)

    call(function)
    first, second = (span["attributes"] for span in lines.spans[1:])
    assert (first["url.full"], first["server.port"]) == ("http://claims.invalid/a", "80")
    assert second["server.address"] == "127.0.0.1"
    assert server.headers["x-correlation-id"] == "CLM-1"


def test_a_hook_of_the_callers_that_raises_is_theirs(server: Server, lines: Lines) -> None:
    """requests calls hooks when the reply is there: the exception passes, the span tells of the reply."""

    def hook(reply: Any, **_: Any) -> None:
        raise LookupError("theirs")

    with pytest.raises(LookupError, match="theirs"):
        call(lambda: requests.get(server.url, hooks={"response": hook}))
    assert lines.spans[1]["attributes"]["http.response.status_code"] == "200"
