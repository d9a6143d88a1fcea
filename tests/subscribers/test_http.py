"""The edge: one response whatever happens on the way, and no secret in what is said of it."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from console.local.moto_server import MotoServer
from subscribers import http
from subscribers.http import AwsEdge, Edge, HttpEdge, Settings
from subscribers.sinks.channel import (
    AwsCall,
    Basic,
    HttpRequest,
    Response,
    Secret,
    SecretReference,
    SigV4,
)
from tests.backends.certificates import certificate
from tests.backends.server import Backend, Received, Reply


class Echo(Backend):
    """Answers with what it got."""

    hang_s = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Received] = []

    def answer(self, request: Received) -> Reply:
        self.seen.append(request)
        return Reply(200, {"path": request.path, "size": len(request.body)}, {"X-Told": "yes"})


class Secrets:
    """One secret, which is another one after it was asked for anew."""

    def __init__(self) -> None:
        self.refreshed: list[SecretReference] = []

    def get(self, reference: SecretReference) -> str:
        if reference == "ssm:/none":
            raise LookupError("hunter2 is not to be said")
        return f"hunter{2 + len(self.refreshed)}"

    def refresh(self, reference: SecretReference) -> None:
        self.refreshed.append(reference)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as backend:
        yield backend


def test_a_request_and_its_response(echo: Echo) -> None:
    """Body, headers and path arrive; status, body and headers come back."""
    told = HttpEdge().send(HttpRequest(url=f"{echo.url}/a/b?c=d", body=b"xyz", headers={"X-A": "b"}))
    assert (told.status, told.body, told.headers["x-told"]) == (200, b'{"path": "/a/b", "size": 3}', "yes")
    assert parsedate_to_datetime(told.headers["date"]).year >= 2026
    (seen,) = echo.seen
    assert (seen.method, seen.query, seen.headers["x-a"]) == ("POST", {"c": "d"}, "b")
    assert seen.headers["user-agent"] == "hybrid-observe"


def test_connections_are_kept(echo: Echo) -> None:
    """One connection serves many requests."""
    ports: set[int] = set()
    edge = HttpEdge()
    pool = edge._pool(echo.url)
    for _ in range(5):
        edge.send(HttpRequest(url=echo.url))
        ports.add(pool.connection_from_url(echo.url).num_connections)
    assert ports == {1}


@pytest.mark.parametrize(
    ("fault", "said", "is_unknown"),
    [
        ("reset", "reset", True),
        ("lost", "reset", True),
        ("half", "half_response", True),
        ("hang", "read_timeout", True),
        ("hang_after", "read_timeout", True),
    ],
)
def test_no_response_says_whether_it_may_have_been_taken(
    echo: Echo, fault: str, said: str, is_unknown: bool
) -> None:
    """A repeat is harmless or not by what the request was, not by what we hope."""
    echo.faults = lambda n, request: fault  # type: ignore[return-value]
    told = HttpEdge(Settings(timeout_s=0.3)).send(HttpRequest(url=echo.url, body=b"x"))
    assert (told.status, told.fault, told.is_unknown) == (0, said, is_unknown)
    echo.faults = None
    assert HttpEdge().send(HttpRequest(url=echo.url)).status == 200


def test_what_was_never_sent_is_not_unknown(echo: Echo) -> None:
    """Refused, unresolved, without TLS."""
    with echo.refusing():
        assert HttpEdge().send(HttpRequest(url=echo.url)).fault == "refused"
    assert HttpEdge().send(HttpRequest(url="http://nowhere.invalid")).fault == "unresolved"
    told = HttpEdge().send(HttpRequest(url=echo.url.replace("http:", "https:")))
    assert (told.fault, told.is_unknown) == ("tls_failed", False)


def test_a_body_that_dribbles_for_ever_is_left(echo: Echo) -> None:
    """The time of a request is for all of it."""
    echo.faults = lambda n, request: "slow"
    echo.dribble_s = 0.1
    told = HttpEdge(Settings(timeout_s=0.4)).send(HttpRequest(url=echo.url))
    assert (told.fault, told.detail) == ("half_response", "status 200, then too slowly")


def test_a_body_without_end_is_not_kept(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory has a bound."""
    monkeypatch.setattr(http, "RESPONSE_MAX_BYTES", 10)
    assert HttpEdge().send(HttpRequest(url=echo.url)).fault == "half_response"


def test_redirections_are_not_followed() -> None:
    """A secret must not go elsewhere."""

    class Moved(Backend):
        def answer(self, request: Received) -> Reply:
            return Reply(302, b"", {"Location": "http://127.0.0.1:1/"})

    with Moved() as moved:
        assert HttpEdge().send(HttpRequest(url=moved.url)).status == 302


def test_secrets_are_put_in_last_and_asked_for_anew(echo: Echo) -> None:
    """Headers, users and passwords; a refresh asks for each that the request names."""
    secrets = Secrets()
    edge = Edge(secrets=secrets)
    request = HttpRequest(
        url=echo.url,
        headers={"DD-API-KEY": Secret("ssm:/key")},
        auth=Basic("me", {"secretsmanager": "a", "key": "b"}),
    )
    edge.send(request)
    edge.refresh(request)
    edge.send(request)
    before, after = echo.seen
    assert (before.headers["dd-api-key"], after.headers["dd-api-key"]) == ("hunter2", "hunter4")
    assert base64.b64decode(before.headers["authorization"].split()[1]) == b"me:hunter2"
    assert secrets.refreshed == ["ssm:/key", {"secretsmanager": "a", "key": "b"}]


def test_a_secret_that_cannot_be_had_is_said_without_it(echo: Echo) -> None:
    """Nothing is sent, and what a source of secrets says is not repeated."""
    told = HttpEdge(secrets=Secrets()).send(HttpRequest(url=echo.url, headers={"A": Secret("ssm:/none")}))
    assert (told.fault, "hunter2" in told.detail, echo.seen) == ("secret_unavailable", False, [])
    assert (
        HttpEdge().send(HttpRequest(url=echo.url, headers={"A": Secret("ssm:/x")})).fault
        == "secret_unavailable"
    )


def test_a_refusal_that_repeats_a_secret(echo: Echo) -> None:
    """Its words are kept beside the items: the secret is not."""

    class Telltale(Echo):
        def answer(self, request: Received) -> Reply:
            return Reply(
                403, {"error": f"{request.headers['a']} and {request.headers['authorization']} are none"}
            )

    with Telltale() as telltale:
        request = HttpRequest(
            url=telltale.url, headers={"A": Secret("ssm:/key", "Key ")}, auth=Basic("me", "ssm:/password")
        )
        told = HttpEdge(secrets=Secrets()).send(request)
    assert told.status == 403
    assert b"hunter2" not in told.body
    assert base64.b64encode(b"me:hunter2") not in told.body
    assert told.body.count(b"[secret]") == 2


def test_requests_are_signed_for_aws(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """By botocore, the hash of the body among the headers, as OpenSearch Serverless wants it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    edge = HttpEdge()
    edge.send(HttpRequest(url=f"{echo.url}/_bulk?a=b%2Cc", body=b"xyz", auth=SigV4("eu-west-1", "aoss")))
    headers = echo.seen[0].headers
    assert "Credential=AKIDEXAMPLE/" in headers["authorization"]
    assert "/eu-west-1/aoss/aws4_request" in headers["authorization"]
    assert "x-amz-content-sha256" in headers["authorization"]
    assert headers["x-amz-content-sha256"] == hashlib.sha256(b"xyz").hexdigest()
    assert headers["x-amz-security-token"] == "token"
    assert "hunter2" not in str(headers)


def test_tls_is_verified_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    """A certificate of nobody's is refused; of an own authority it is taken; and it can be switched off."""
    made, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    with Echo() as echo:
        assert echo._server is not None
        echo._server.socket = context.wrap_socket(echo._server.socket, server_side=True)
        url = echo.url.replace("http:", "https:")

        def sent(**settings: object) -> Response:
            return HttpEdge(Settings(**settings)).send(HttpRequest(url=url))  # type: ignore[arg-type]

        refused = sent()
        assert (refused.fault, "CERTIFICATE_VERIFY_FAILED" in refused.detail) == ("tls_failed", True)
        assert sent(ca_file=str(made)).status == 200
        assert sent(verify_tls=False).status == 200


def test_tls_that_breaks_behind_the_handshake_is_unknown(tmp_path: Path) -> None:
    """The request may have been taken: a sink that recognises no repeats must not send it again."""
    made, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            wrapped = context.wrap_socket(plain, server_side=True)
            wrapped.recv(65536)
            with socket.socket(fileno=wrapped.detach()) as raw:
                raw.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        told = HttpEdge(Settings(timeout_s=3, ca_file=str(made))).send(HttpRequest(url=url, body=b"x"))
        thread.join()
    assert (told.fault, told.is_unknown) == ("reset", True)


def test_a_file_of_authorities_that_is_none(echo: Echo, tmp_path: Path) -> None:
    """Nothing is sent, and it is said."""
    url = echo.url.replace("http:", "https:")
    for path in (tmp_path / "none.pem", Path(__file__)):
        told = HttpEdge(Settings(ca_file=str(path))).send(HttpRequest(url=url))
        assert (told.fault, "ca_file" in told.detail or "AuthoritiesError" in told.detail) == (
            "tls_failed",
            True,
        )


class Untellable(Secrets):
    """A secret that no header can hold."""

    def get(self, reference: SecretReference) -> str:
        return "cl\u00e9-\u2019"


def test_what_no_header_can_hold_is_never_sent(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is what a proxy of another kind should carry: nothing may have been taken."""
    request = HttpRequest(url=echo.url, headers={"A": Secret("ssm:/x")})
    told = HttpEdge(secrets=Untellable()).send(request)
    assert (told.fault, told.is_unknown, echo.seen) == ("unsendable", False, [])
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    assert HttpEdge().send(HttpRequest(url=echo.url)).fault == "unsendable"


def test_an_idle_connection_is_not_believed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was forgotten meanwhile would be known only with a request on it, maybe taken."""
    now = [1_000.0]
    monkeypatch.setattr(http.time, "time", lambda: now[0])
    with Echo() as echo:
        edge = HttpEdge()
        edge.send(HttpRequest(url=echo.url))
        first = edge._pool(echo.url).connection_from_url(echo.url)
        now[0] += 1
        assert edge._pool(echo.url).connection_from_url(echo.url) is first
        now[0] += 600
        assert edge._pool(echo.url).connection_from_url(echo.url) is not first
        assert edge.send(HttpRequest(url=echo.url)).status == 200


def test_proxies_of_the_environment(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY with user and password, and NO_PROXY."""
    target = "http://elastic.internal:9200/_bulk"
    monkeypatch.setenv("http_proxy", echo.url.replace("//", "//me:hunter2@"))
    told = HttpEdge().send(HttpRequest(url=target, body=b"x"))
    assert told.status == 200
    (seen,) = echo.seen
    assert seen.headers["host"] == "elastic.internal:9200"
    assert base64.b64decode(seen.headers["proxy-authorization"].split()[1]) == b"me:hunter2"
    monkeypatch.setenv("no_proxy", ".internal")
    assert HttpEdge().send(HttpRequest(url=target)).fault == "unresolved"
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    refused = HttpEdge().send(HttpRequest(url=target))
    assert (refused.fault, refused.is_unknown) == ("proxy_failed", False)


def test_many_threads(echo: Echo) -> None:
    """One edge serves them all."""
    edge, told = HttpEdge(), []
    threads = [
        threading.Thread(target=lambda: told.append(edge.send(HttpRequest(url=echo.url)))) for _ in range(16)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [one.status for one in told] == [200] * 16


def test_calls_of_aws(moto: MotoServer, aws: object) -> None:
    """Results, errors with their status and code, and parameters that the SDK refuses."""
    edge = AwsEdge(Settings(timeout_s=3))
    made = edge.send(AwsCall(service="sqs", operation="create_queue", parameters={"QueueName": "q"}))
    assert (made.status, made.result["QueueUrl"].endswith("/q")) == (200, True)
    gone = edge.send(AwsCall(service="sqs", operation="get_queue_url", parameters={"QueueName": "none"}))
    assert (gone.status, gone.error_code) == (400, "AWS.SimpleQueueService.NonExistentQueue")
    wrong = edge.send(AwsCall(service="sqs", operation="get_queue_url", parameters={"QueueName": 5}))
    assert (wrong.status, wrong.error_code) == (400, "ParamValidationError")


def test_calls_of_aws_that_find_nobody(aws: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not sent, or nobody knows; one attempt each."""
    call = AwsCall(service="sqs", operation="list_queues", parameters={}, region="eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert AwsEdge().send(call).fault == "refused"
    with Echo() as echo:
        echo.faults = lambda n, request: "reset"
        monkeypatch.setenv("AWS_ENDPOINT_URL", echo.url)
        told = Edge().send(call)
        assert (told.fault, told.is_unknown, echo.answers["reset"]) == ("reset", True, 1)
