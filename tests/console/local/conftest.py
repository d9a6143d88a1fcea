"""Functions written to a temporary folder, and the lines they leave."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.local.cloudwatch import MemoryLogWriter
from console.local.function import LocalFunction
from console.local.moto_server import MotoServer

from .streams import Stream

MakeFunction = Callable[..., LocalFunction]


@pytest.fixture
def log() -> MemoryLogWriter:
    """Where the functions of a test log to."""
    return MemoryLogWriter()


@pytest.fixture
def function(tmp_path: Path, log: MemoryLogWriter) -> Iterator[MakeFunction]:
    """Make functions from the source of their module; `handler` is the name of the function in it."""
    made: list[LocalFunction] = []

    def make(source: str, **options: Any) -> LocalFunction:
        root = tmp_path / f"task{len(made)}"
        root.mkdir()
        (root / "app.py").write_text(textwrap.dedent(source))
        options = {"log": log, "timeout_s": 20.0, **options}
        handler = options.pop("handler", "app.handler")
        made.append(LocalFunction(f"fn{len(made)}", handler, root, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    """One moto server for all tests; tests use names of their own."""
    with MotoServer() as server:
        yield server


@pytest.fixture
def stream(moto: MotoServer) -> Iterator[Stream]:
    """A stream of one shard."""
    made = Stream(moto)
    yield made
    made.client.delete_stream(StreamName=made.name)
