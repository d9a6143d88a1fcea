"""Fixtures for every test."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from observe import context, guard, handler, invocation, notes, settings, spans, testing

ROOT = Path(__file__).parents[1]

# No test asserts a time: a slow machine is no failure.
hypothesis.settings.register_profile("observe", deadline=None)
# The same cases each time, so that a change is judged by what it changes: `make check`. `make test` looks on.
hypothesis.settings.register_profile("check", deadline=None, derandomize=True)
hypothesis.settings.load_profile("observe")


def pytest_configure() -> None:
    """A shell ignores Ctrl-C for what it runs in the background, and so would all that tests start."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test starts as a fresh process would: nothing said, no settings read, nothing active."""
    for name in settings.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    settings.reset()
    guard.faults.clear()
    notes._said.clear()
    yield
    invocation.leave()
    context.set_bridge(None)
    handler.attach = spans.attach = None
    settings.reset()


@pytest.fixture
def lines() -> Iterator[testing.Lines]:
    """What the layer writes during the test."""
    with testing.capture() as captured:
        yield captured


@pytest.fixture(scope="session")
def layer_zip() -> Path:
    """The layer's zip, built from the present sources."""
    from lambda_layer import build

    return build.ensure(ROOT / "build")


@pytest.fixture(scope="session")
def opt(layer_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The zip unpacked read-only, where /opt would be."""
    from lambda_layer import build

    folder = tmp_path_factory.mktemp("layer") / "opt"
    build.unpack(layer_zip, folder)
    yield folder
    build.remove(folder)
