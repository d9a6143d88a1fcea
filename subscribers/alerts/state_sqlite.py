"""State in one SQLite file, which several processes and threads of one machine write.

Write-ahead logging, so readers never wait for a writer; writers wait for each other, at most `busy_s`. What
was committed survives the process, and all but the last moments survive a power cut (synchronous=NORMAL).

    StateError      unavailable: it cannot be opened or written, or others hold it for too long
                    corrupt: it is no such file, or is damaged

https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace as changed

from subscribers.alerts.state import LAST, Entry, StateConflictError, StateError
from subscribers.alerts.state_entries import bounds, check_key, checked, is_live

#: "obsS": how a file of ours is told from any other database, and which layout it has.
_APPLICATION_ID = 0x6F627353
_LAYOUT = 1
_LAYOUT_SQL = (
    """CREATE TABLE entries (
        partition TEXT NOT NULL, sort TEXT NOT NULL, body BLOB NOT NULL,
        version INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (partition, sort))""",
    "CREATE INDEX expiring ON entries (expires) WHERE expires > 0",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_LAYOUT}",
)
_WRITE = "INSERT OR REPLACE INTO entries (partition, sort, body, version, expires) VALUES (?, ?, ?, ?, ?)"
_FOUND = "SELECT body, expires, version FROM entries WHERE partition = ? AND sort = ?"
_PAGE = """SELECT sort, body, expires, version FROM entries
    WHERE partition = ? AND sort >= ? AND sort <= ? ORDER BY sort LIMIT ?"""
_EXPIRE = """DELETE FROM entries WHERE rowid IN
    (SELECT rowid FROM entries WHERE expires > 0 AND expires < ? ORDER BY expires LIMIT ?)"""
_PAGE_ROWS = 200
#: What has expired is removed by whoever writes, so often and so many at a time at most.
_EXPIRE_EVERY_S = 60.0
_EXPIRE_ROWS = 2_000
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_POLL_S = 0.02


class SqliteState:
    """A State in a file, made with its folder when it is first used. Threads and forks may share it.

    busy_s: how long others may hold it; now_s: the clock that expiries are on.
    """

    def __init__(
        self, path: Path | str, now_s: Callable[[], float] = time.time, busy_s: float = 10.0
    ) -> None:
        self.path = Path(path)
        self._now_s, self._busy_s = now_s, busy_s
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = os.getpid()
        #: Connections of the process that this one was forked from: using or closing one breaks its locks.
        self._inherited: list[sqlite3.Connection] = []
        self._expired_s = 0.0

    def put(self, entries: Iterable[Entry]) -> None:
        """Write entries, all or none, whatever was there. Raises ValueError."""
        rows = [_row(checked(entry), 0) for entry in entries]
        if not rows:
            return
        with self._writing() as connection:
            connection.executemany(_WRITE, rows)
            self._expire(connection)

    def query(self, partition: str, first: str = "", last: str = LAST) -> Iterator[Entry]:
        """Yield a partition's entries with first <= sort <= last, in order; nothing is locked meanwhile."""
        wanted = bounds(partition, first, last)
        while wanted is not None:
            with self._using() as connection:
                rows = connection.execute(_PAGE, (partition, *wanted, _PAGE_ROWS)).fetchall()
            now_s = self._now_s()
            for sort, body, expires_s, version in rows:
                if is_live(expires_s, now_s):
                    yield Entry(partition, sort, body, expires_s, version)
            wanted = (rows[-1][0] + "\0", last) if len(rows) == _PAGE_ROWS else None

    def get(self, partition: str, sort: str) -> Entry | None:
        """Return one entry, or None."""
        check_key(partition, sort)
        with self._using() as connection:
            return self._found(connection, partition, sort)

    def delete(self, keys: Iterable[tuple[str, str]]) -> None:
        """Remove entries, all or none; those that are not there are no mistake."""
        wanted = list(keys)
        for partition, sort in wanted:
            check_key(partition, sort)
        if wanted:
            with self._writing() as connection:
                connection.executemany("DELETE FROM entries WHERE partition = ? AND sort = ?", wanted)

    def replace(self, entry: Entry) -> Entry:
        """Write an entry if its version is as it was read; return it with the next one."""
        checked(entry)
        with self._writing() as connection:
            found = self._found(connection, entry.partition, entry.sort)
            if (
                (found is not None)
                if not entry.version
                else (found is None or found.version != entry.version)
            ):
                raise StateConflictError(f"{entry.partition} {entry.sort} was changed by somebody else")
            connection.execute(_WRITE, _row(entry, entry.version + 1))
            self._expire(connection)
        return changed(entry, version=entry.version + 1)

    def close(self) -> None:
        """Let go of the file; whoever uses the state again opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
                self._connection = None

    def _found(self, connection: sqlite3.Connection, partition: str, sort: str) -> Entry | None:
        row = connection.execute(_FOUND, (partition, sort)).fetchone()
        if row is None or not is_live(row[1], self._now_s()):
            return None
        return Entry(partition, sort, *row)

    def _expire(self, connection: sqlite3.Connection) -> None:
        """Remove some of what has expired, now and then."""
        now_s = self._now_s()
        if abs(now_s - self._expired_s) >= _EXPIRE_EVERY_S:
            self._expired_s = now_s
            connection.execute(_EXPIRE, (int(now_s), _EXPIRE_ROWS))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the right to write from its beginning, so it never has to be repeated."""
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """The connection, one thread at a time. SQLite's errors are StateError."""
        self._after_fork()
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                raise self._fault(error) from error

    def _after_fork(self) -> None:
        if self._process != os.getpid():
            self._process, self._lock = os.getpid(), threading.RLock()
            if self._connection is not None:
                self._inherited.append(self._connection)
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=self._busy_s, isolation_level=None, check_same_thread=False
        )
        try:
            _use_wal(connection, self._busy_s)
            connection.execute("PRAGMA synchronous = NORMAL")
            self._lay_out(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        """Make the table in a new file; refuse a file that is somebody else's."""
        if _marks(connection) == (_APPLICATION_ID, _LAYOUT):
            return
        connection.execute("BEGIN IMMEDIATE")
        marks = _marks(connection)
        if marks == (0, 0) and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in _LAYOUT_SQL:
                connection.execute(statement)
        elif marks[0] != _APPLICATION_ID:
            raise StateError(f"{self.path} is a database of something else; name another file", "corrupt")
        elif marks[1] != _LAYOUT:
            said = f"has layout {marks[1]}, and this version knows {_LAYOUT}; update, or name another file"
            raise StateError(f"{self.path} {said}")
        connection.execute("COMMIT")

    def _fault(self, error: sqlite3.Error | OSError) -> StateError:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _CORRUPT:
            return StateError(
                f"{self.path} cannot be read: {error}. Move it away; what it held is counted anew", "corrupt"
            )
        return StateError(f"{self.path} cannot be used: {error}")


def _use_wal(connection: sqlite3.Connection, busy_s: float) -> None:
    """Switch to write-ahead logging. Who switches at the same time is told `locked` without any waiting."""
    until_s = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            is_busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() >= until_s:
                raise
            time.sleep(_POLL_S)
        else:
            return


def _marks(connection: sqlite3.Connection) -> tuple[int, int]:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    return application, connection.execute("PRAGMA user_version").fetchone()[0]


def _row(entry: Entry, version: int) -> tuple[str, str, bytes, int, int]:
    return entry.partition, entry.sort, entry.body, version, entry.expires_s
