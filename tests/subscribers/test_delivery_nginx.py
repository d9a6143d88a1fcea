"""Delivery through a real nginx: TLS, and what a proxy before a cluster refuses."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from subscribers.delivery import Policy
from subscribers.http import Edge, Settings
from subscribers.shipping import Shipper
from subscribers.sinks.channel import Outcome, SecretReference
from subscribers.sinks.elasticsearch import make_elasticsearch
from tests.backends.certificates import certificate
from tests.backends.elastic import Elastic
from tests.subscribers.real_servers import free_port, serving
from tests.subscribers.samples import log

BINARY = shutil.which("nginx") or "/usr/sbin/nginx"
pytestmark = [
    pytest.mark.nginx,
    pytest.mark.skipif(not Path(BINARY).exists(), reason="nginx is not installed"),
]


class Password:
    """A password that is right after it was asked for anew."""

    def __init__(self, *values: str) -> None:
        self._values = list(values)

    def get(self, reference: SecretReference) -> str:
        return self._values[0]

    def refresh(self, reference: SecretReference) -> None:
        del self._values[:-1]


class Proxy:
    """nginx before a cluster, by TLS. url/plain, /small (413), /busy (429), /dead (502), /locked (401)."""

    def __init__(self, folder: Path, elastic: Elastic) -> None:
        self.port, self.folder = free_port(), folder
        self.url = f"https://127.0.0.1:{self.port}"
        self.authority, key = certificate(folder)
        (folder / "users").write_text("observe:{PLAIN}right\n")
        upstream = elastic.url
        (folder / "nginx.conf").write_text(
            f"""
            {"user root;" if os.getuid() == 0 else ""}
            daemon off; pid {folder}/pid; error_log {folder}/error.log;
            events {{}}
            http {{
                access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
                fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                client_max_body_size 50m;
                limit_req_zone $binary_remote_addr zone=few:1m rate=5r/s;
                limit_req_status 429;
                server {{
                    listen 127.0.0.1:{self.port} ssl;
                    ssl_certificate {self.authority}; ssl_certificate_key {key};
                    location /plain/ {{ proxy_pass {upstream}/; }}
                    location /small/ {{ client_max_body_size 900; proxy_pass {upstream}/; }}
                    location /busy/ {{ limit_req zone=few; proxy_pass {upstream}/; }}
                    location /dead/ {{ proxy_pass http://127.0.0.1:1/; }}
                    location /locked/ {{
                        auth_basic "cluster"; auth_basic_user_file {folder}/users; proxy_pass {upstream}/;
                    }}
                }}
            }}
            """
        )

    def delivered(
        self, path: str, count: int, *, password: Password | None = None, authority: str = ""
    ) -> Outcome:
        """Deliver so many logs."""
        settings: dict[str, object] = {"url": f"{self.url}/{path}", "max_items": 20}
        if password:
            settings["basic"] = {"username": "observe", "password": "ssm:/password"}
        edge = Edge(Settings(timeout_s=5, ca_file=authority or str(self.authority)), password)
        policy = Policy(base_s=0.05, cap_s=0.5, attempts=8)
        shipper = Shipper("elk", make_elasticsearch("elk", settings), edge, policy)
        signals = [
            log(f"{path}-{n:06d}", attributes={"n": Random(n).randbytes(40).hex()}) for n in range(count)
        ]
        (channel,) = shipper.channels.values()
        return shipper.deliver({"bulk": channel.items(signals)}, 20)


@pytest.fixture(scope="module")
def elastic() -> Iterator[Elastic]:
    with Elastic() as backend:
        yield backend


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, elastic: Elastic) -> Iterator[Proxy]:
    made = Proxy(tmp_path_factory.mktemp("nginx"), elastic)
    command = [
        BINARY,
        "-p",
        str(made.folder),
        "-c",
        str(made.folder / "nginx.conf"),
        "-e",
        str(made.folder / "e.log"),
    ]
    with serving(command, made.port):
        yield made


def there(elastic: Elastic, path: str) -> int:
    return sum(id.startswith(f"log-{path}") for id in elastic.documents())


def test_by_tls(proxy: Proxy, elastic: Elastic) -> None:
    """The path of the address stays before `_bulk`."""
    assert proxy.delivered("plain", 100).delivered == there(elastic, "plain") == 100


def test_a_certificate_of_nobody(proxy: Proxy, tmp_path: Path) -> None:
    """Nothing is sent, and everything waits for somebody who mends it."""
    other, _ = certificate(tmp_path)
    outcome = proxy.delivered("plain", 40, authority=str(other))
    assert {left.refusal.reason for left in outcome.retry["bulk"]} == {"tls_failed"}
    assert (outcome.delivered, outcome.rejected) == (0, {})


def test_bodies_that_are_too_large_are_halved(proxy: Proxy, elastic: Elastic) -> None:
    """Until they fit."""
    outcome = proxy.delivered("small", 60)
    assert outcome.delivered == there(elastic, "small") == 60
    assert outcome.requests > 3


def test_a_limit_of_requests(proxy: Proxy, elastic: Elastic) -> None:
    """429 from the proxy: later, and each document once."""
    outcome = proxy.delivered("busy", 160)
    assert outcome.retries > 0
    left = Counter(one.refusal.reason for some in outcome.retry.values() for one in some)
    assert outcome.delivered == there(elastic, "busy") == 160 - left.total()
    assert set(left) <= {"throttled"}


def test_nobody_behind_it(proxy: Proxy) -> None:
    """502 until the circuit is open, and all is left for the queue."""
    outcome = proxy.delivered("dead", 200)
    assert (outcome.delivered, sum(map(len, outcome.retry.values()))) == (0, 200)
    assert outcome.requests <= 12


def test_a_password_that_was_changed(proxy: Proxy, elastic: Elastic) -> None:
    """401, asked for anew, delivered."""
    assert proxy.delivered("locked", 40, password=Password("old", "right")).delivered == 40
    refused = proxy.delivered("locked", 40, password=Password("wrong"))
    assert {left.refusal.reason for left in refused.retry["bulk"]} == {"unauthorized"}
