"""Intervals of time, and which of them contain one: n log n to make, log n for each that is found. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from itertools import islice

#: Intervals around one that are looked at.
MOST = 100


class Intervals:
    """Intervals by their beginning, and above them a tree of the latest ends."""

    def __init__(self, times: Iterable[tuple[int, int, int]]) -> None:
        """times: (first, last, index) of each; at least one."""
        ordered = sorted(times, key=lambda time: (time[0], -time[1], time[2]))
        self._firsts = [first for first, _, _ in ordered]
        self._indices = [index for _, _, index in ordered]
        self._width = 1 << (len(ordered) - 1).bit_length()
        least = min(last for _, last, _ in ordered) - 1
        self._latest = [least] * (2 * self._width)
        self._latest[self._width : self._width + len(ordered)] = [last for _, last, _ in ordered]
        for node in range(self._width - 1, 0, -1):
            self._latest[node] = max(self._latest[2 * node], self._latest[2 * node + 1])

    def containing(self, first: int, last: int) -> Iterator[int]:
        """Yield the indices of those that begin at `first` at the latest and end at `last` at the earliest.

        What began last comes first, and of that what ended first; then the highest index.
        """
        end = bisect_right(self._firsts, first)
        stack = [(1, 0, self._width)]
        while stack:
            node, left, width = stack.pop()
            if left >= end or self._latest[node] < last:
                continue
            if width == 1:
                yield self._indices[left]
                continue
            half = width // 2
            stack.append((2 * node, left, half))
            stack.append((2 * node + 1, left + half, half))


class Pool:
    """Intervals by what they can be asked for."""

    def __init__(self) -> None:
        self._times: dict[Hashable, list[tuple[int, int, int]]] = defaultdict(list)
        self._ready: dict[Hashable, Intervals] = {}

    def add(self, key: Hashable, times: tuple[int, int, int]) -> None:
        """Take (first, last, index); not once it was asked for that key."""
        self._times[key].append(times)

    def containing(self, key: Hashable, first: int, last: int) -> list[int] | None:
        """Return those that begin at `first` at the latest and end at `last` at the earliest.

        None: there are more than MOST.
        """
        ready = self._ready.get(key)
        if ready is None:
            if key not in self._times:
                return []
            ready = self._ready[key] = Intervals(self._times[key])
        found = list(islice(ready.containing(first, last), MOST + 1))
        return found if len(found) <= MOST else None
