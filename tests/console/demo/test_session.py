"""Whose store a demo may empty, and that it is alone on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.demo import session, system
from console.demo.session import DemoFailedError
from subscribers.store import Store
from tests.subscribers.samples import span


def demo_store(path: Path) -> Path:
    """A store as a demo leaves it."""
    Store(path).append([span("entry")])
    session._sign(path)
    return path


def test_its_own_store_is_emptied(tmp_path: Path) -> None:
    """What a demo wrote, the next one removes."""
    store = demo_store(tmp_path / "store")
    session.fresh(store)
    assert list(store.iterdir()) == []


def test_a_killed_demos_store_is_its_own(tmp_path: Path) -> None:
    """It could not sign what it had written."""
    store = demo_store(tmp_path / "store")
    (store / session.MARK).write_text(session._UNFINISHED)
    Store(store).append([span("more")])
    (store / session.OFFLINE).mkdir()
    session.fresh(store)
    assert list(store.iterdir()) == []


def test_what_somebody_added_to_is_refused(tmp_path: Path) -> None:
    """Data in it, a file beside it, a link to it: each stays as it was."""
    added = demo_store(tmp_path / "added")
    Store(added).append([span("mine")])
    beside = demo_store(tmp_path / "beside")
    (beside / "thesis.txt").write_text("x")
    link = tmp_path / "link"
    link.symlink_to(demo_store(tmp_path / "store"))
    for path in (added, beside, link):
        before = sorted(p.name for p in path.iterdir())
        with pytest.raises(DemoFailedError, match="did not write"):
            session.fresh(path)
        assert sorted(p.name for p in path.iterdir()) == before


def test_one_demo_a_store(tmp_path: Path) -> None:
    """A second one is told so, also by another name of the same folder; afterwards there is room."""
    store = tmp_path / "store"
    with session.alone(store):
        for same in (store, tmp_path / "x" / ".." / "store"):
            with pytest.raises(DemoFailedError, match="is running on"), session.alone(same):
                pass
        with session.alone(tmp_path / "other"):
            pass
    with session.alone(store):
        pass


def test_folders_of_killed_demos_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of demos that still run, and whatever else has such a name, stay."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gone = tmp_path / "observe-demo-4194305-abc"
    (gone / "opt" / "python").mkdir(parents=True)
    (gone / "opt" / "python").chmod(0o555)
    mine, other = tmp_path / f"observe-demo-{os.getpid()}-abc", tmp_path / "observe-demo-mine-abc"
    for folder in (mine, other):
        folder.mkdir()
    system.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([mine.name, other.name])
