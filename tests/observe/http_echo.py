"""A server that remembers what it was asked, and every HTTP client that the layer patches."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import http.server
import ipaddress
import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import requests
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.observe.running import run

EVENT = {"httpMethod": "GET", "requestContext": {}, "headers": {"x-correlation-id": "CLM-1"}}
OURS = {"traceparent", "tracestate", "baggage", "x-correlation-id"}


class Server(http.server.ThreadingHTTPServer):
    """Remembers what it was asked: (method, path, headers by lower-case name, body)."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.failures = 0
        self.tls = tls

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the last request."""
        return self.seen[-1][2]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    """/to?URL redirects there, /fails is 503, /twice is 503 twice, /slow takes its time; a proxy, too."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, self._body()))
        status, location = 200, ""
        if "/to?" in self.path:
            status, location = 302, self.path.partition("/to?")[2]
        elif self.path == "/fails" or (self.path == "/twice" and self.server.failures < 2):
            self.server.failures += 1
            status = 503
        elif self.path == "/slow":
            threading.Event().wait(2)
        body = json.dumps(headers).encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def do_BREW(self) -> None:
        self.do_GET()

    def do_OPTIONS(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        """Be the proxy, and the host behind it."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, b""))
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.handle_one_request()
        self.close_connection = True
        self.connection.close()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *args: object) -> None:
        """Quiet."""


def make_certificate(path: Path) -> None:
    """Write a certificate for localhost, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))


@contextlib.contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    """A server that nobody has asked yet."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate is not None:
        tls.load_cert_chain(certificate)
    with Server(tls) as made:
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        yield made
        made.shutdown()


# --- The clients: each sends a GET and follows redirects --------------------------------------


def by_requests(url: str, headers: Any, **options: Any) -> int:
    with requests.Session() as session:
        return session.get(url, headers=headers, **options).status_code


def by_urllib3(url: str, headers: Any) -> int:
    with urllib3.PoolManager() as pool:
        status: int = pool.request("GET", url, headers=headers, retries=urllib3.Retry(3, connect=0)).status
        return status


def by_urllib(url: str, headers: Any) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as reply:
            status: int = reply.status
            return status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def by_aiohttp(url: str, headers: Any, **options: Any) -> int:
    async def send() -> int:
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers, **options) as reply:
            await reply.read()
            return reply.status

    return asyncio.run(send())


def by_httpx(url: str, headers: Any) -> int:
    with httpx.Client(follow_redirects=True) as client:
        return client.get(url, headers=headers).status_code


def by_httpx_async(url: str, headers: Any) -> int:
    async def send() -> int:
        async with httpx.AsyncClient(follow_redirects=True) as client:
            return (await client.get(url, headers=headers)).status_code

    return asyncio.run(send())


def call(function: Callable[[], Any], event: Any = EVENT) -> Any:
    """Run `function()` as a handler."""
    return run(event, lambda event, context: function())


def sent_by(span: dict[str, Any]) -> str:
    """The traceparent that names `span`."""
    return f"00-{span['traceId']}-{span['spanId']}-01"
