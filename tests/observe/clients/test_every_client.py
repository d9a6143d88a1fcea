"""Real HTTP clients against real servers: what each request carries, and what its span tells."""

from __future__ import annotations

import concurrent.futures
import os
import socket
import ssl
import types
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import requests.adapters
import urllib3

import observe
from observe import outbound, patch_aiohttp, patch_httpx, patch_urllib3
from observe.context import Context, is_correlation_id
from observe.testing import Lines
from tests.observe.clients.ways import Send, every, light
from tests.observe.http_echo import (
    OURS,
    Server,
    by_aiohttp,
    by_requests,
    by_urllib,
    by_urllib3,
    call,
    sent_by,
)
from tests.observe.running import sqs_event


@every
def test_a_request_forwards_and_is_a_span(server: Server, lines: Lines, send: Send) -> None:
    """The server gets the IDs; the span, a child of the invocation's, is who its traceparent names."""
    assert call(lambda: send(server.url + "/claims?a=1", {})) == 200
    own, span = lines.spans
    assert server.headers["traceparent"] == sent_by(span)
    assert server.headers["x-correlation-id"] == "CLM-1"
    assert "baggage" not in server.headers
    assert (span["name"], span["kind"], span["parentSpanId"]) == ("GET", 3, own["spanId"])
    told = span["attributes"]
    assert (told["http.request.method"], int(told["http.response.status_code"])) == ("GET", 200)
    assert told["url.full"] == server.url + "/claims?a=1"
    assert not lines.logs


@light
def test_a_span_tells_its_server(server: Server, lines: Lines, send: Send) -> None:
    """Address and port are attributes; a redirect is followed."""
    assert call(lambda: send(f"{server.url}/to?{server.url}/", {})) == 200
    for span in lines.spans[1:]:
        told = span["attributes"]
        assert (told["server.address"], int(told["server.port"])) == ("127.0.0.1", server.server_address[1])


@every
def test_headers_of_the_caller_win_and_stay_theirs(server: Server, lines: Lines, send: Send) -> None:
    """What the caller sends, in any case, is not overwritten, and what we add is not left in it."""
    given = {"TraceParent": f"00-{'a' * 32}-{'b' * 16}-00", "X-Correlation-ID": "mine"}
    headers = dict(given)
    call(lambda: send(server.url, headers))
    assert server.headers["traceparent"] == given["TraceParent"]
    assert server.headers["x-correlation-id"] == "mine"
    assert headers == given
    empty: dict[str, str] = {}
    call(lambda: send(server.url, empty))
    assert empty == {}


@every
def test_outside_of_an_invocation_nothing_is_added(server: Server, send: Send) -> None:
    """A request that a module sends while it is loaded has no identity to forward."""
    call(lambda: None)
    send(server.url, {})
    assert not OURS & set(server.headers)


@every
def test_the_server_is_told_its_dialect(server: Server, monkeypatch: pytest.MonkeyPatch, send: Send) -> None:
    """A host gets what OBSERVE_DIALECTS says it understands, instead of W3C's headers."""
    monkeypatch.setenv("OBSERVE_DIALECTS", "127.0.0.1=!b3+x-request-id")
    seen = call(lambda: (observe.current(), send(server.url, {}))[0])
    assert server.headers["b3"].split("-")[0] == seen.trace_id
    assert server.headers["b3"].split("-")[1] != seen.span_id
    assert server.headers["x-request-id"] == "CLM-1"
    assert not OURS & set(server.headers)


@every
def test_a_redirect_takes_nothing_along(server: Server, monkeypatch: pytest.MonkeyPatch, send: Send) -> None:
    """Each hop is decided on for its own host: one that may not know learns nothing by it."""
    monkeypatch.setenv("OBSERVE_FORWARD_HOSTS", "localhost")
    monkeypatch.setenv("OBSERVE_BAGGAGE_HOSTS", "localhost")
    first = server.url.replace("127.0.0.1", "localhost")
    event = sqs_event({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "baggage": "tenant=7"})
    assert call(lambda: send(f"{first}/to?{server.url}/", {}), event) == 200
    (_, _, allowed, _), (_, _, other, _) = server.seen
    assert allowed["baggage"] == "tenant=7,observe.hops=1"
    assert not OURS & set(other)


@every
def test_only_forwarding_writes_no_span(
    server: Server, lines: Lines, monkeypatch: pytest.MonkeyPatch, send: Send
) -> None:
    """OBSERVE_MODE=propagate forwards the IDs and writes nothing."""
    monkeypatch.setenv("OBSERVE_MODE", "propagate")
    call(lambda: send(server.url, {}))
    assert server.headers["x-correlation-id"] == "CLM-1"
    assert not lines.spans


@every
def test_a_reply_of_failure_fails_the_span(server: Server, lines: Lines, send: Send) -> None:
    """4xx and 5xx are failures of a client's span."""
    assert call(lambda: send(server.url + "/fails", {})) == 503
    span = lines.spans[1]
    assert span["status"]["code"] == 2
    assert int(span["attributes"]["http.response.status_code"]) == 503


@light
def test_a_connection_that_fails_is_told(server: Server, lines: Lines, send: Send) -> None:
    """Nobody listens: the caller's exception is the library's own, the span has its type."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Exception, match=r"(?i)refused|connect"):
            call(lambda: send(url, {}))
    span = lines.spans[1]
    kinds = {"requests": "NewConnectionError", "urllib3": "NewConnectionError", "urllib": "URLError"}
    assert span["attributes"]["error.type"] == kinds.get(send.__name__[3:], "ClientConnectorError")


@every
def test_a_fault_of_ours_changes_no_call(
    server: Server, lines: Lines, monkeypatch: pytest.MonkeyPatch, send: Send
) -> None:
    """The request goes out as it was; the fault is said once."""

    def broken(*args: object) -> dict[str, str]:
        raise RuntimeError("ours")

    monkeypatch.setattr(outbound, "headers", broken)
    assert call(lambda: (send(server.url, {}), send(server.url, {}))) == (200, 200)
    assert len([line for line in lines.logs if line.get("event") == "observe.fault"]) == 1
    told = [int(span["attributes"]["http.response.status_code"]) for span in lines.spans[1:]]
    assert told == [200, 200]


@pytest.mark.parametrize("send", [by_requests, by_urllib3, by_urllib], ids=lambda send: send.__name__[3:])
def test_a_method_that_nobody_knows(server: Server, lines: Lines, send: Send) -> None:
    """A strange method is no span name: whoever counts by names would drown."""
    requests_of = {
        by_requests: lambda: requests.request("BREW", server.url).status_code,
        by_urllib3: lambda: urllib3.PoolManager().request("BREW", server.url).status,
        by_urllib: lambda: urllib.request.urlopen(urllib.request.Request(server.url, method="BREW")).close(),
    }
    call(requests_of[send])
    span = lines.spans[1]
    assert (span["name"], span["attributes"]["http.request.method"]) == ("HTTP", "_OTHER")
    assert span["attributes"]["http.request.method_original"] == "BREW"


@every
def test_a_wrong_address_is_the_callers_mistake(lines: Lines, send: Send) -> None:
    """The client says so; no fault of ours is reported."""
    with pytest.raises(Exception, match=r"(?i)url|address|protocol|label"):
        call(lambda: send("not an address", {}))
    assert not lines.logs


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999/", "http://127.0.0.1:abc/", "http://[::1/", "http:///x"]
)
@every
def test_an_address_that_is_none_is_the_callers_mistake(lines: Lines, send: Send, url: str) -> None:
    """A port that is no port, half an address, no host: the client's own exception, and no fault of ours."""
    with pytest.raises(Exception, match=r"(?i)."):
        call(lambda: send(url, {}))
    assert not lines.logs


@pytest.mark.parametrize("odd", ["a\r\nEvil: 1", "ë中", "a\x00b", " x ", 7], ids=repr)
@every
def test_an_odd_context_of_user_code_fails_no_request(
    server: Server, monkeypatch: pytest.MonkeyPatch, send: Send, odd: Any
) -> None:
    """observe.Context takes anything: no header is put in by it, and the request goes out."""
    monkeypatch.setenv("OBSERVE_BAGGAGE_HOSTS", "127.0.0.1")
    monkeypatch.setenv("OBSERVE_DIALECTS", "127.0.0.1=x-correlation-star")
    context = Context(
        "a" * 32, "b" * 16, correlation_id=odd, tracestate=f"a={odd}", baggage=(("k", f"v{odd}"), ("l", "w"))
    )

    def function() -> int:
        with observe.use(context):
            return send(server.url, {})

    assert call(function) == 200
    assert "evil" not in server.headers
    assert server.headers["traceparent"].startswith(f"00-{'a' * 32}-")
    assert is_correlation_id(server.headers["x-correlation-id"])


@light
def test_a_host_is_known_in_every_spelling(
    server: Server, monkeypatch: pytest.MonkeyPatch, send: Send
) -> None:
    """A host that may know nothing learns nothing by capitals, or by what a client decodes."""
    monkeypatch.setenv("OBSERVE_DIALECTS", "localhost=none")
    port = server.server_address[1]
    spellings = ["LocalHost", *(["%6cocalhost"] if send is not by_aiohttp else [])]
    for host in spellings:
        call(lambda host=host: send(f"http://{host}:{port}/", {}))  # type: ignore[misc]
        assert not OURS & set(server.headers)
    assert len(server.seen) == len(spellings)


def test_secrets_of_an_address_are_not_told(server: Server, lines: Lines) -> None:
    """Credentials and signatures are REDACTED, other parameters stay."""
    url = (
        server.url.replace("//", "//user:secret@") + "/a?X-Amz-Signature=5ecret&access_token=5ecret&n=1#frag"
    )
    call(lambda: by_aiohttp(url, {}))
    call(lambda: by_requests(url, {}))
    told = [span["attributes"]["url.full"] for span in lines.spans if span["kind"] == 3]
    for url in told:
        assert "secret" not in url.replace("5ecret", "secret")
        assert url.endswith("/a?X-Amz-Signature=REDACTED&access_token=REDACTED&n=1")
    assert len(told) == 2


def test_threads_of_user_code_stay_in_the_trace(server: Server, lines: Lines) -> None:
    """A pool of threads inherits no context; its requests are still the invocation's children."""

    def function() -> None:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: by_requests(server.url, {}), range(8)))

    call(function)
    own, *spans = lines.spans
    assert {span["parentSpanId"] for span in spans} == {own["spanId"]}
    assert {headers["traceparent"] for _, _, headers, _ in server.seen} == set(map(sent_by, spans))
    assert len(spans) == 8


@pytest.mark.parametrize("scheme", ["http", "https"])
@light
def test_a_proxy(
    server: Server, lines: Lines, monkeypatch: pytest.MonkeyPatch, certificate: Path, scheme: str, send: Send
) -> None:
    """The host decides, not its proxy; a CONNECT gets nothing of ours."""
    monkeypatch.setenv("OBSERVE_DIALECTS", "localhost=b3,127.0.0.1=none")
    target, tls = f"{scheme}://localhost:8443/claims", ssl.create_default_context(cafile=certificate)
    headers = {"X-App": "claims"}

    def by_urllib3_proxy() -> int:
        with urllib3.ProxyManager(server.url, ssl_context=tls) as pool:
            status: int = pool.request("GET", target, headers=headers, retries=False).status
            return status

    def by_urllib_proxy() -> int:
        proxies = urllib.request.ProxyHandler({scheme: server.url})
        opener = urllib.request.build_opener(proxies, urllib.request.HTTPSHandler(context=tls))
        with opener.open(urllib.request.Request(target, headers=headers)) as reply:
            status: int = reply.status
            return status

    ways: dict[Any, Callable[[], int]] = {
        by_requests: lambda: by_requests(
            target, headers, proxies={scheme: server.url}, verify=str(certificate)
        ),
        by_urllib3: by_urllib3_proxy,
        by_urllib: by_urllib_proxy,
        by_aiohttp: lambda: by_aiohttp(target, headers, proxy=server.url, ssl=tls),
    }
    assert call(ways[send]) == 200
    assert headers == {"X-App": "claims"}
    for method, _, received, _ in server.seen[:-1]:
        assert method == "CONNECT"
        assert not {*OURS, "b3"} & set(received)
    assert len(server.seen) == (2 if scheme == "https" else 1)
    assert server.headers["traceparent"] == sent_by(lines.spans[1])
    assert server.headers["b3"].split("-")[1] == lines.spans[1]["spanId"]
    told = lines.spans[1]["attributes"]
    assert (told["url.full"], told["server.address"], told["server.port"]) == (target, "localhost", "8443")


@pytest.mark.parametrize(
    ("patch", "found"),
    [
        *[(patch_urllib3, "1.25.11"), (patch_urllib3, "3.0"), (patch_aiohttp, "3.7.4")],
        *[(patch_httpx, "0.19.0"), (patch_httpx, "1.0.dev3")],
    ],
)
def test_other_versions_are_not_patched(lines: Lines, patch: Any, found: str) -> None:
    """Outside the versions we know, requests go out as ever, and one warning says so."""
    patch.install(types.SimpleNamespace(__name__=patch.__name__.rpartition("_")[2], __version__=found))
    assert f"{found} is outside" in lines.logs[0]["message"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_process_that_is_forked_stays_in_the_trace(server: Server) -> None:
    """A child of the handler's sends as its parent would."""

    def function() -> Any:
        child = os.fork()
        if not child:
            try:
                by_urllib(server.url, {})
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        return observe.current()

    context = call(function)
    assert server.headers["traceparent"].split("-")[1] == context.trace_id
