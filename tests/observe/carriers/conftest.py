"""AWS on this machine, clients for it, and every payload carrier asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.client
import pytest

from console.local.moto_server import MotoServer
from observe import patch_botocore
from tests.observe.carriers.cases import asked


@pytest.fixture
def opted() -> Iterator[None]:
    """The same for a whole test."""
    with asked():
        yield


@pytest.fixture(scope="package")
def moto() -> Iterator[MotoServer]:
    """One moto server for these tests."""
    with MotoServer() as server:
        yield server


@pytest.fixture
def client(moto: MotoServer) -> Iterator[Callable[[str], Any]]:
    """Make clients of a session that was made after the hook was installed."""
    patch_botocore.install(botocore.client)
    session: Any = boto3.Session("t", "t", region_name="eu-west-1")
    made: list[Any] = []

    def make(service: str) -> Any:
        made.append(session.client(service, endpoint_url=moto.endpoint_url))
        return made[-1]

    yield make
    for one in made:
        one.close()
