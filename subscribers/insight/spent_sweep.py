"""Whose each instant is: of intervals within intervals, the innermost that is going on. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Interval(NamedTuple):
    """From a time until another, in nanoseconds. parent: index of the one that it lies in."""

    start: int
    end: int
    parent: int


def self_times(intervals: Sequence[Interval]) -> list[int]:
    """Return how many nanoseconds belong to each: their sum is exactly the length of the first.

    intervals: the first is around all others, and each comes after its parent; what sticks out of a parent
    is cut off. An instant belongs to those going on that have nothing within them going on, in equal parts:
    of two parallel calls that take the same second, each has half of it.
    """
    own = [0] * len(intervals)
    busy = [0] * len(intervals)
    innermost: set[int] = set()
    begins, ends = _boundaries(intervals)
    for now, then in pairwise(sorted({*begins, *ends})):
        for i in reversed(ends[now]):
            innermost.discard(i)
            _leave(intervals[i].parent, i, busy, innermost)
        for i in begins[now]:
            innermost.add(i)
            if i:
                busy[intervals[i].parent] += 1
                innermost.discard(intervals[i].parent)
        part, rest = divmod(then - now, len(innermost))
        for place, i in enumerate(sorted(innermost)):
            own[i] += part + (place < rest)
    return own


def _leave(parent: int, i: int, busy: list[int], innermost: set[int]) -> None:
    if i:
        busy[parent] -= 1
        if not busy[parent]:
            innermost.add(parent)


def _boundaries(intervals: Sequence[Interval]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """When each begins and ends, cut to its parent; what has no length is left out."""
    begins: dict[int, list[int]] = defaultdict(list)
    ends: dict[int, list[int]] = defaultdict(list)
    cut: list[tuple[int, int]] = []
    for i, (start, end, parent) in enumerate(intervals):
        if i:
            start, end = max(start, cut[parent][0]), min(end, cut[parent][1])
        cut.append((start, end))
        if start < end:
            begins[start].append(i)
            ends[end].append(i)
    return begins, ends
