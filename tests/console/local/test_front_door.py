"""The front door, by plain sockets and http.client, as a client would see it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from console.local.front_door import FrontDoor
from console.local.gateway_reply import reply_of
from console.local.gateway_routes import RouteTable
from console.local.http_edge import EdgeServer, JsonHandler
from console.local.invocation import InvokeResult

from .conftest import MakeFunction

Ask = Callable[..., tuple[int, list[tuple[str, str]], bytes]]

ECHO = """
import os
def handler(event, context):
    return {"event": event, "trace": os.environ["_X_AMZN_TRACE_ID"]}
"""


class _Legacy(JsonHandler):
    """The legacy system: tells what it was sent, or misbehaves on request."""

    def do_any(self) -> None:
        body = self.read_body(1 << 20)
        if self.path.startswith("/garbage"):
            self.wfile.write(b"this is not HTTP\r\n\r\n")
            self.close_connection = True
            return
        if self.path.startswith("/hangup"):
            self.close_connection = True
            return
        if self.path.startswith("/slow"):
            threading.Event().wait(3)
        told = {"line": self.requestline, "headers": dict(self.headers.items()), "body": body.decode()}
        headers = [
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("Connection", "x-secret"),
            ("X-Secret", "1"),
        ]
        self.respond(418, json.dumps(told).encode(), headers)

    do_GET = do_POST = do_any  # noqa: N815


@pytest.fixture
def legacy() -> Iterator[EdgeServer]:
    """A running legacy system."""
    server = EdgeServer(_Legacy)
    yield server
    server.close()


@pytest.fixture
def door() -> Iterator[Callable[..., Ask]]:
    """Open a front door with these routes; returns how to ask it."""
    opened: list[FrontDoor] = []

    def make(routes: dict[str, Any], **options: Any) -> Ask:
        opened.append(FrontDoor(routes, **options))
        address = opened[-1].url.removeprefix("http://")

        def ask(
            method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
        ) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection(address, timeout=20)
            try:
                connection.request(method, path, body, headers or {})
                reply = connection.getresponse()
                return reply.status, reply.getheaders(), reply.read()
            finally:
                connection.close()

        ask.address = opened[-1].url.removeprefix("http://")  # type: ignore[attr-defined]
        return ask

    yield make
    for each in opened:
        each.close()


def _result(reply: object, status: Any = "success") -> InvokeResult:
    payload = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return InvokeResult(status, payload, "id", None, 1.0, None, False, 1, 1)


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        ({"statusCode": 201, "body": "made"}, 201, b"made"),
        ({"statusCode": "202"}, 202, b""),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, b"hi"),
        ({"message": "no status"}, 200, b'{"message": "no status"}'),
        ("text", 200, b'"text"'),
        (None, 200, b"null"),
        ([1, 2], 200, b"[1, 2]"),
        ({"statusCode": "x"}, 500, None),
        ({"statusCode": None}, 500, None),
        ({"statusCode": 99}, 500, None),
        ({"statusCode": True}, 500, None),
        ({"statusCode": 200, "body": {"a": 1}}, 500, None),
        ({"statusCode": 200, "body": "%%", "isBase64Encoded": True}, 500, None),
        ({"statusCode": 200, "headers": []}, 200, b""),
        ({"statusCode": 200, "headers": ["a"]}, 500, None),
        ({"statusCode": 200, "headers": {"a": {"b": 1}}}, 500, None),
        ({"statusCode": 200, "headers": {"a b": "1"}}, 500, None),
        ({"statusCode": 200, "headers": {"a": "1\r\nb: 2"}}, 500, None),
        ({"statusCode": 200, "headers": {"a": "\u20ac"}}, 500, None),
        ({"statusCode": 200, "cookies": "a=1"}, 500, None),
        (b"\xff not json", 500, None),
    ],
)
def test_reply_rules(reply: object, status: int, body: bytes | None) -> None:
    """Each kind of reply becomes the answer API Gateway makes of it."""
    made = reply_of(_result(reply))
    assert made.status == status
    assert made.body == (b'{"message":"Internal Server Error"}' if body is None else body)


@pytest.mark.parametrize("status", ["error", "timeout"])
def test_failed_functions_are_a_500(status: str) -> None:
    """A function error or timeout shows nothing of its cause to the client."""
    made = reply_of(_result({"errorMessage": "secret"}, status))
    assert (made.status, made.body) == (500, b'{"message":"Internal Server Error"}')


def test_headers_and_cookies_of_a_reply() -> None:
    """Headers are kept as they are written, cookies become Set-Cookie, text is the default type."""
    made = reply_of(
        _result({"statusCode": 200, "headers": {"X-N": 1, "X-B": True}, "cookies": ["a=1", "b=2"]})
    )
    assert made.headers == (
        ("X-N", "1"),
        ("X-B", "true"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Content-Type", "text/plain; charset=utf-8"),
    )


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/claims", "GET /claims"),
        ("PUT", "/claims", "ANY /claims"),
        ("GET", "/claims/7", "GET /claims/{id}"),
        ("GET", "/claims/new", "GET /claims/new"),
        ("GET", "/claims/7/notes", "ANY /{proxy+}"),
        ("POST", "/", "$default"),
    ],
)
def test_route_selection(method: str, path: str, key: str) -> None:
    """The most specific route wins, in any order of definition."""
    keys = ["$default", "ANY /{proxy+}", "ANY /claims", "GET /claims/{id}", "GET /claims/new", "GET /claims"]
    for order in (keys, keys[::-1]):
        match = RouteTable(dict.fromkeys(order, "x")).match(method, path)
        assert match is not None
        assert match.route_key == key


@pytest.mark.parametrize("key", ["", "GET", "GET claims", "FETCH /x", "GET /a?b"])
def test_a_key_that_is_no_route_is_refused(key: str) -> None:
    """A mistake in the table is an error at once."""
    with pytest.raises(ValueError, match="not a route"):
        RouteTable({key: "x"})


@pytest.mark.runtime
def test_the_event_is_payload_format_2(function: MakeFunction, door: Callable[..., Ask]) -> None:
    """Path, query, headers, cookies, body and context are where API Gateway puts them."""
    ask = door({"POST /claims/{id}/notes": function(ECHO)})
    headers = {"X-One": "a", "Cookie": "c=1; d=2", "Content-Type": "application/json", "User-Agent": "me"}
    status, _, body = ask("POST", "/claims/CLM%201/notes?x=1&x=2&y=%26", b'{"n":1}', headers)
    told = json.loads(body)
    event, context = told["event"], told["event"]["requestContext"]
    assert status == 200
    assert (event["version"], event["routeKey"]) == ("2.0", "POST /claims/{id}/notes")
    assert event["pathParameters"] == {"id": "CLM 1"}
    assert event["queryStringParameters"] == {"x": "1,2", "y": "&"}
    assert event["rawQueryString"] == "x=1&x=2&y=%26"
    assert event["cookies"] == ["c=1", "d=2"]
    assert (event["headers"]["x-one"], event["headers"]["x-forwarded-for"]) == ("a", "127.0.0.1")
    assert "cookie" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"n":1}', False)
    assert (context["http"]["method"], context["http"]["userAgent"]) == ("POST", "me")
    assert {"accountId", "apiId", "domainName", "requestId", "stage", "time", "timeEpoch"} <= set(context)
    root = event["headers"]["x-amzn-trace-id"]
    assert root.startswith("Root=1-")
    assert told["trace"].startswith(root + ";Parent=")


@pytest.mark.runtime
def test_bytes_and_trace_of_the_client(function: MakeFunction, door: Callable[..., Ask]) -> None:
    """A body that is no text comes in base64; the client's own trace is kept."""
    ask = door({"$default": function(ECHO)})
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    headers = {"Content-Type": "image/png", "X-Amzn-Trace-Id": trace}
    told = json.loads(ask("PUT", "/any", b"\x89PNG", headers)[2])
    assert (told["event"]["body"], told["event"]["isBase64Encoded"]) == ("iVBORw==", True)
    assert told["event"]["headers"]["x-amzn-trace-id"] == told["trace"] == trace


@pytest.mark.runtime
def test_failures_of_functions(function: MakeFunction, door: Callable[..., Ask]) -> None:
    """No route is 404, an exception 500, and a function slower than the integration limit 503."""
    slow = "import time\ndef handler(event, context): time.sleep(2)"
    routes = {"GET /bad": function("def handler(e, c): raise ValueError(1)"), "GET /slow": function(slow)}
    ask = door(routes, integration_timeout_s=1.0)
    answers = [
        (status, json.loads(body)) for status, _, body in (ask("GET", p) for p in ("/x", "/bad", "/slow"))
    ]
    assert answers == [
        (404, {"message": "Not Found"}),
        (500, {"message": "Internal Server Error"}),
        (503, {"message": "Service Unavailable"}),
    ]


def test_requests_are_passed_to_the_legacy_system(door: Callable[..., Ask], legacy: EdgeServer) -> None:
    """Method, path, query, headers and body arrive; the answer comes back without hop-by-hop headers."""
    ask = door({"ANY /old/{proxy+}": f"http://{legacy.address}/app/{{proxy}}"})
    sent = {"X-One": "1", "Connection": "x-hop", "X-Hop": "1"}
    status, headers, body = ask("POST", "/old/claims/a%20b?x=1", b"hello", sent)
    told = json.loads(body)
    received = {name.lower(): value for name, value in told["headers"].items()}
    assert (status, told["line"], told["body"]) == (418, "POST /app/claims/a%20b?x=1 HTTP/1.1", "hello")
    assert (received["host"], received["x-one"]) == (legacy.address, "1")
    assert received["x-amzn-trace-id"].startswith("Root=1-")
    assert {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"} <= set(received)
    assert "x-hop" not in received
    assert [value for name, value in headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert "X-Secret" not in dict(headers)


def test_odd_bytes_reach_the_legacy_system_encoded(door: Callable[..., Ask], legacy: EdgeServer) -> None:
    """Bytes that no URL may contain are percent-encoded, folded headers unfolded."""
    ask = door({"$default": f"http://{legacy.address}"})
    host, port = ask.address.split(":")  # type: ignore[attr-defined]
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(b"GET /\xc3\xa9?\xff HTTP/1.0\r\nX-Fold: a\r\n b\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert told["line"] == "GET /%C3%A9?%FF HTTP/1.1"
    assert told["headers"]["x-fold"].split() == ["a", "b"]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/garbage", 502, "Bad Gateway"),
        ("/hangup", 502, "Bad Gateway"),
        ("/slow", 504, "Endpoint request timed out"),
    ],
)
def test_a_legacy_system_that_misbehaves(
    door: Callable[..., Ask], legacy: EdgeServer, path: str, status: int, message: str
) -> None:
    """What is not HTTP is 502 and what does not come is 504."""
    ask = door({"$default": f"http://{legacy.address}"}, integration_timeout_s=0.5)
    got, _, body = ask("GET", path)
    assert (got, json.loads(body)) == (status, {"message": message})


def test_a_dead_legacy_system(door: Callable[..., Ask]) -> None:
    """Where nothing listens, the client gets 503."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert door({"$default": f"http://127.0.0.1:{port}"})("GET", "/x")[0] == 503
    assert door({"$default": "http://no-such-host.invalid"})("GET", "/x")[0] == 503


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x00\xff garbage\r\n\r\n", b"400"),
        (b"GET\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", b"501"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"431"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"POST / HTTP/1.1\r\nContent-Length: lots\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nshort", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nx", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"GET / HTTP/1.1\r\nX-Amzn-Trace-Id: \xff;;=;Root\r\nCookie: ;;;\r\n\r\n", b"404"),
        (b"GET /\xe9?\xe9 HTTP/1.1\r\nX: a\r\n b\r\n\r\n", b"404"),
        (b"GET /%zz%ff?%=&& HTTP/1.1\r\nno colon here\r\n\r\n", b"404"),
    ],
)
def test_garbage_gets_a_json_answer(
    door: Callable[..., Ask], capfd: pytest.CaptureFixture[str], data: bytes, status: bytes
) -> None:
    """Whatever comes in, the client gets a status and JSON, and nobody a traceback."""
    ask = door({"GET /only": "http://127.0.0.1:1"})
    host, port = ask.address.split(":")  # type: ignore[attr-defined]
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert set(json.loads(body)) == {"message"}
    assert "Traceback" not in capfd.readouterr().err
