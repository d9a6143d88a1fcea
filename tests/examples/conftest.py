"""Fixtures of the example: one legacy application for the tests that do not stop or starve it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples.legacy import Legacy, running


@pytest.fixture(scope="session")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Legacy]:
    """The application with its default pool; tests use claim numbers of their own."""
    with running(tmp_path_factory.mktemp("legacy")) as application:
        yield application
