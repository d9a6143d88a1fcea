"""A state that is read, and never written: what is written stays in memory, on top of it.

For whoever looks at what would be judged while the evaluator is at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from subscribers.alerts.state import LAST, Entry, State
from subscribers.alerts.state_memory import MemoryState


class OverlayState:
    """A `State` over another one. Raises what that one raises."""

    def __init__(self, below: State) -> None:
        self._below = below
        # What has expired below is not returned by it; what is written here is needed at once.
        self._above = MemoryState(now_s=lambda: 0)
        self._gone: set[tuple[str, str]] = set()

    def put(self, entries: Iterable[Entry]) -> None:
        """Write entries, here alone."""
        for entry in entries:
            self._gone.discard((entry.partition, entry.sort))
            self._above.put([entry])

    def query(self, partition: str, first: str = "", last: str = LAST) -> Iterator[Entry]:
        """Yield what there is of a partition, as it would be."""
        found = {entry.sort: entry for entry in self._below.query(partition, first, last)}
        found |= {entry.sort: entry for entry in self._above.query(partition, first, last)}
        for sort in sorted(found):
            if (partition, sort) not in self._gone:
                yield found[sort]

    def get(self, partition: str, sort: str) -> Entry | None:
        """Return one entry as it would be."""
        if (partition, sort) in self._gone:
            return None
        return self._above.get(partition, sort) or self._below.get(partition, sort)

    def delete(self, keys: Iterable[tuple[str, str]]) -> None:
        """Remove entries, here alone."""
        for key in keys:
            self._gone.add(key)
            self._above.delete([key])

    def replace(self, entry: Entry) -> Entry:
        """Write an entry whose version nobody else can change."""
        self.put([entry])
        return entry
