"""The database: one SQLite file, a pool of connections, one writer at a time.

PoolExhaustedError  no connection came free in time
TableLockedError    another process did not let go of a table in time
"""

import logging
import os
import queue
import sqlite3
import time
from contextlib import closing, contextmanager

import seed

WAIT_SECONDS = 5
WORTH_A_WARNING_MS = 100

SCHEMA = """
CREATE TABLE IF NOT EXISTS policies (number TEXT PRIMARY KEY, status TEXT, tariff TEXT, archived INTEGER);
CREATE TABLE IF NOT EXISTS tariffs (code TEXT PRIMARY KEY, rate TEXT, loaded_on TEXT);
CREATE TABLE IF NOT EXISTS claims (number TEXT PRIMARY KEY, policy TEXT, amount_cents INTEGER, status TEXT,
                                   registered_at TEXT);
"""

log = logging.getLogger("com.example.claims.ConnectionPool")


class PoolExhaustedError(Exception):
    """All connections are in use, and stayed so."""


class TableLockedError(Exception):
    """Another process has locked a table, and kept it."""


def connect(folder):
    """Open claims.db in `folder`, in autocommit mode; any thread may use the connection."""
    path = os.path.join(folder, "claims.db")
    return sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)


def create(folder):
    """Create and seed the database, unless that has been done."""
    with closing(connect(folder)) as db:
        db.execute("PRAGMA journal_mode=WAL")  # readers go on while a job writes
        db.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA.split(";"):
            db.execute(statement)
        if not db.execute("SELECT count(*) FROM policies").fetchone()[0]:
            db.executemany("INSERT INTO policies VALUES (?, ?, ?, ?)", seed.policies())
            db.executemany("INSERT INTO tariffs VALUES (?, ?, ?)", seed.tariffs())
            db.executemany("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", seed.claims())
        db.execute("COMMIT")


class Pool:
    """`size` connections that all requests share."""

    def __init__(self, folder, size):
        self.size = size
        self._free = queue.LifoQueue()
        for _ in range(size):
            self._free.put(connect(folder))

    @contextmanager
    def connection(self):
        """Lend a connection. Raises PoolExhaustedError."""
        started = time.monotonic()
        try:
            db = self._free.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise PoolExhaustedError(
                f"no database connection after {_ms_since(started)} ms (pool of {self.size})"
            ) from None
        try:
            if (waited := _ms_since(started)) > WORTH_A_WARNING_MS:
                log.warning("waited %d ms for a database connection (pool of %d)", waited, self.size)
            yield db
        finally:
            self._free.put(db)


@contextmanager
def writing(db, table):
    """Change `table` in a transaction. Raises TableLockedError if another job has it for too long."""
    started = time.monotonic()
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise TableLockedError(
            f"gave up after {_ms_since(started)} ms: table {table} is locked by another job"
        ) from error
    if (waited := _ms_since(started)) > WORTH_A_WARNING_MS:
        log.warning("waited %d ms for table %s, locked by another job", waited, table)
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _ms_since(started):
    return int((time.monotonic() - started) * 1000)
