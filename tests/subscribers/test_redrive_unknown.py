"""A redrive after which nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from subscribers.dead_letter import FolderKeeper
from tests.subscribers.redriving import CHANNEL, Sink, leftovers, redriven


@pytest.fixture
def folder(tmp_path: Path) -> FolderKeeper:
    return FolderKeeper(tmp_path / "dead", lambda: 1_795_000_000_000_000_000)


def test_what_may_have_been_delivered_is_not_tried_again_unasked(folder: FolderKeeper) -> None:
    """It was transient; now nobody knows, and it is kept as that."""
    folder.retry("logs", CHANNEL, leftovers("a", "b"))
    told = redriven(folder.storage, Sink(lambda item: "unknown"))
    assert (told.left, told.removed) == ({"outcome_unknown": 2}, 1)
    again = Sink()
    redriven(folder.storage, again)
    assert again.calls == []
