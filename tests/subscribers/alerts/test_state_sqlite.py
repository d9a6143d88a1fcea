"""State in a file: several processes at once, and files that are none."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from subscribers.alerts.state import Entry, StateError
from subscribers.alerts.state_sqlite import SqliteState
from tests.subscribers.alerts.states import NOW_S, Clock

_WRITER = """
import sys
from subscribers.alerts.state import Entry, StateConflictError
from subscribers.alerts.state_sqlite import SqliteState
path, name = sys.argv[1:]
state = SqliteState(path)
for i in range(40):
    state.put([Entry("parts", f"{name}/{i:03d}", name.encode())])
    while True:
        found = state.get("sum", "n")
        n = int(found.body) if found else 0
        try:
            state.replace(Entry("sum", "n", b"%d" % (n + 1), 0, found.version if found else 0))
            break
        except StateConflictError:
            pass
"""


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    """They make the file together, and nothing that one of them wrote is lost."""
    path = tmp_path / "made/state.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name], stderr=subprocess.PIPE)
        for name in "abcd"
    ]
    said = [writer.communicate()[1].decode() for writer in writers]
    assert said == [""] * 4
    state = SqliteState(path)
    wanted = [f"{name}/{i:03d}" for name in "abcd" for i in range(40)]
    assert [entry.sort for entry in state.query("parts")] == wanted
    assert state.get("sum", "n") == Entry("sum", "n", b"160", version=160)


def _put(state: SqliteState) -> None:
    state.put([Entry("p", "child", b"x")])
    state.close()


def test_a_fork_has_a_connection_of_its_own(tmp_path: Path) -> None:
    """The parent's goes on working, and sees what the child wrote."""
    state = SqliteState(tmp_path / "state.sqlite")
    state.put([Entry("p", "parent", b"x")])
    child = multiprocessing.get_context("fork").Process(target=_put, args=(state,))
    child.start()
    child.join()
    assert child.exitcode == 0
    state.put([Entry("p", "parent again", b"x")])
    assert [entry.sort for entry in state.query("p")] == ["child", "parent", "parent again"]


def test_it_is_there_after_the_process(tmp_path: Path) -> None:
    """Nothing is touched before the first use, and a closed state is opened again."""
    path = tmp_path / "folder/state.sqlite"
    state = SqliteState(path)
    assert not path.parent.exists()
    state.put([Entry("p", "a", b"x")])
    state.close()
    state.close()
    assert SqliteState(path).get("p", "a") == state.get("p", "a") == Entry("p", "a", b"x")


def test_what_has_expired_is_removed(tmp_path: Path) -> None:
    """By whoever writes, so the file does not grow for ever."""
    path, clock = tmp_path / "state.sqlite", Clock()
    state = SqliteState(path, clock)
    state.put([Entry("p", str(i), b"x", NOW_S + 10) for i in range(50)])
    clock.now_s += 100
    state.put([Entry("p", "new", b"x")])
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (1,)


@pytest.mark.parametrize(
    "data", [b"no database at all, but a text\n" * 100, b"SQLite format 3\0" + bytes(4_096)]
)
def test_a_file_that_is_none_is_corrupt(tmp_path: Path, data: bytes) -> None:
    """A sentence names the file, and the file stays as it is."""
    path = tmp_path / "state.sqlite"
    path.write_bytes(data)
    state = SqliteState(path)
    for _ in range(2):
        with pytest.raises(StateError, match=r"state\.sqlite cannot be read") as raised:
            state.put([Entry("p", "a", b"x")])
        assert raised.value.reason == "corrupt"
    assert path.read_bytes() == data


def test_a_damaged_file_is_corrupt(tmp_path: Path) -> None:
    """Where pages are overwritten, a query says so instead of returning less."""
    path = tmp_path / "state.sqlite"
    state = SqliteState(path)
    state.put([Entry("p", f"{i:03d}", os.urandom(2_000)) for i in range(300)])
    state.close()
    data = bytearray(path.read_bytes())
    data[8_192:-4_096] = b"\xff" * (len(data) - 12_288)
    path.write_bytes(data)
    with pytest.raises(StateError) as raised:
        list(SqliteState(path).query("p"))
    assert raised.value.reason == "corrupt"


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """It is not made ours by adding a table."""
    path = tmp_path / "theirs.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(StateError, match="database of something else"):
        SqliteState(path).get("p", "a")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    """An older version of us does not write what it does not understand."""
    path = tmp_path / "state.sqlite"
    state = SqliteState(path)
    state.put([Entry("p", "a", b"x")])
    state.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(StateError, match="layout 2, and this version knows 1") as raised:
        state.get("p", "a")
    assert raised.value.reason == "unavailable"


@pytest.mark.parametrize("path", ["file/state.sqlite", "folder", "/proc/state.sqlite"])
def test_where_nothing_can_be_written_is_unavailable(tmp_path: Path, path: str) -> None:
    """A folder that is a file, a file that is a folder, a file system that takes no files."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateError, match="cannot be used") as raised:
        SqliteState(tmp_path / path).put([Entry("p", "a", b"x")])
    assert raised.value.reason == "unavailable"


def test_a_file_that_may_not_be_written_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own read-only mode stands for permissions, which do not bind root."""
    path = tmp_path / "state.sqlite"
    SqliteState(path).put([Entry("p", "a", b"x")])
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda path, **kwargs: connect(f"file:{path}?mode=ro", uri=True, **kwargs)
    )
    state = SqliteState(path)
    with pytest.raises(StateError, match="readonly"):
        state.put([Entry("p", "b", b"x")])
    assert state.get("p", "a") == Entry("p", "a", b"x")


def test_one_who_holds_it_too_long_is_told_of(tmp_path: Path) -> None:
    """A writer waits no longer than it was told to; readers do not wait at all."""
    path = tmp_path / "state.sqlite"
    state = SqliteState(path, busy_s=0.01)
    state.put([Entry("p", "a", b"x")])
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match="locked"):
        state.put([Entry("p", "b", b"x")])
    assert state.get("p", "a") == Entry("p", "a", b"x")
    holder.execute("ROLLBACK")
    holder.close()
    state.put([Entry("p", "b", b"x")])
