"""Where alerts remember: entries under a partition and a sort key. In memory, SQLite or DynamoDB.

StateError       the state cannot be read or written. reason: unavailable, corrupt
StateConflictError   somebody else has changed an entry since it was read
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

#: Sort keys are at most this long, in bytes; DynamoDB's limit. Partitions may have twice as much.
SORT_MAX_BYTES = 1024
#: A body is at most this long: DynamoDB's items have 400 KB with their names.
BODY_MAX_BYTES = 380 * 1024
#: Higher than any sort key in use.
LAST = "\U0010ffff"


class StateError(Exception):
    """The state cannot be used. reason: a low-cardinality word."""

    def __init__(self, message: str, reason: str = "unavailable") -> None:
        super().__init__(message)
        self.reason = reason


class StateConflictError(StateError):
    """An entry is not as it was read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "conflict")


class Entry(msgspec.Struct, frozen=True):
    """One entry. expires_s: epoch seconds after which it may be gone, 0 for never."""

    partition: str
    sort: str
    body: bytes
    expires_s: int = 0
    #: Counted up by `replace`; 0 for one that `put` wrote.
    version: int = 0


class State(Protocol):
    """A place to remember. Each call raises StateError where it cannot do what it says."""

    def put(self, entries: Iterable[Entry]) -> None:
        """Write entries, whatever was there: writing the same again changes nothing."""

    def query(self, partition: str, first: str = "", last: str = LAST) -> Iterator[Entry]:
        """Yield a partition's entries with first <= sort <= last, in the order of sort (code points)."""

    def get(self, partition: str, sort: str) -> Entry | None:
        """Return one entry as it was last written, or None."""

    def delete(self, keys: Iterable[tuple[str, str]]) -> None:
        """Remove entries by partition and sort key; those that are not there are no mistake."""

    def replace(self, entry: Entry) -> Entry:
        """Write an entry only if its version is still `entry.version` (0: only if there is none), and return
        it with the next version. Raises StateConflictError."""
