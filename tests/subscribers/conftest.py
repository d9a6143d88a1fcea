"""What the tests of the subscribers share."""

from __future__ import annotations

from pathlib import Path

import pytest

from subscribers.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that does not exist yet."""
    return Store(tmp_path / "store")
