"""What the tests of the subscribers share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.local.moto_server import MotoServer
from subscribers.aws import Aws
from subscribers.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that does not exist yet."""
    return Store(tmp_path / "store")


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    """AWS, empty at first."""
    with MotoServer() as server:
        yield server


@pytest.fixture
def aws(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The module's own clients, pointed at moto."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", moto.region)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    return Aws(sleep=lambda _: None)
