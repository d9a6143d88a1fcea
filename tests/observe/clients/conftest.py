"""A server to ask, with a certificate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from observe import otel
from tests.observe.http_echo import Server, by_httpx, by_httpx_async, make_certificate, serving


@pytest.fixture(scope="package")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, for localhost."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    make_certificate(path)
    return path


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that nobody has asked yet; nothing goes through a proxy of the machine's."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(certificate) as made:
        yield made


@pytest.fixture(autouse=True)
def _joined(request: pytest.FixtureRequest, _clean: None) -> None:
    """httpx's spans are OpenTelemetry's, which a fresh process joins to ours when httpx is imported."""
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and callspec.params.get("send") in (by_httpx, by_httpx_async):
        otel.provider()
        otel._join()
