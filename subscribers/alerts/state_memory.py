"""State in memory: gone with the process. For tests, and for a run that nobody continues."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace as changed

from subscribers.alerts.state import LAST, Entry, StateConflictError
from subscribers.alerts.state_entries import bounds, check_key, checked, is_live


class MemoryState:
    """A State in a dictionary; several threads may use it.

    now_s: the clock that expiries are on. What has expired is removed when it is come across.
    """

    def __init__(self, now_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        self._lock = threading.RLock()
        #: Partition -> sort -> entry; and the sort keys in order.
        self._entries: dict[str, dict[str, Entry]] = {}
        self._sorted: dict[str, list[str]] = {}

    def put(self, entries: Iterable[Entry]) -> None:
        """Write entries, whatever was there. Raises ValueError, and then writes none."""
        wanted = [changed(checked(entry), version=0) for entry in entries]
        with self._lock:
            for entry in wanted:
                self._write(entry)

    def query(self, partition: str, first: str = "", last: str = LAST) -> Iterator[Entry]:
        """Yield a partition's entries with first <= sort <= last, in order, as they are when it is asked."""
        wanted = bounds(partition, first, last)
        if wanted is None:
            return
        with self._lock:
            keys = self._sorted.get(partition, [])
            found = [
                entry
                for sort in keys[bisect_left(keys, first) : bisect_right(keys, last)]
                if (entry := self._live(partition, sort)) is not None
            ]
        yield from found

    def get(self, partition: str, sort: str) -> Entry | None:
        """Return one entry, or None."""
        check_key(partition, sort)
        with self._lock:
            return self._live(partition, sort)

    def delete(self, keys: Iterable[tuple[str, str]]) -> None:
        """Remove entries; those that are not there are no mistake."""
        wanted = list(keys)
        for partition, sort in wanted:
            check_key(partition, sort)
        with self._lock:
            for partition, sort in wanted:
                self._remove(partition, sort)

    def replace(self, entry: Entry) -> Entry:
        """Write an entry if its version is as it was read; return it with the next one."""
        checked(entry)
        with self._lock:
            found = self._live(entry.partition, entry.sort)
            if (
                (found is not None)
                if not entry.version
                else (found is None or found.version != entry.version)
            ):
                raise StateConflictError(f"{entry.partition} {entry.sort} was changed by somebody else")
            written = changed(entry, version=entry.version + 1)
            self._write(written)
            return written

    def _live(self, partition: str, sort: str) -> Entry | None:
        found = self._entries.get(partition, {}).get(sort)
        if found is None or is_live(found.expires_s, self._now_s()):
            return found
        self._remove(partition, sort)
        return None

    def _write(self, entry: Entry) -> None:
        entries = self._entries.setdefault(entry.partition, {})
        if entry.sort not in entries:
            insort(self._sorted.setdefault(entry.partition, []), entry.sort)
        entries[entry.sort] = entry

    def _remove(self, partition: str, sort: str) -> None:
        entries = self._entries.get(partition, {})
        if entries.pop(sort, None) is None:
            return
        keys = self._sorted[partition]
        del keys[bisect_left(keys, sort)]
        if not keys:
            del self._entries[partition], self._sorted[partition]
