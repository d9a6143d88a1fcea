"""Which time a preview shows, and in how long pieces: from the data, not from what panels ask for."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

import msgspec

from subscribers.insight.answer import Source

NS_PER_S = 1_000_000_000
#: Pieces of a graph at most.
MOST = 120
_STEPS_S = (
    *(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 2 * 86_400, 7 * 86_400),
)
#: Pieces that facts are fetched in at most: a finer grid would be as long as the rows themselves.
_MOST_FETCHED = 20_000

_EXTENT = """
SELECT min(first) AS first, max(last) AS last FROM (
    SELECT min(start_unix_nano) AS first, max(end_unix_nano) AS last FROM spans
    WHERE start_unix_nano BETWEEN $first AND $last
    UNION ALL SELECT min(time_unix_nano), max(time_unix_nano) FROM logs
    WHERE time_unix_nano BETWEEN $first AND $last
    UNION ALL SELECT min(time_unix_nano), max(time_unix_nano) FROM metrics
    WHERE time_unix_nano BETWEEN $first AND $last
    UNION ALL SELECT min(time_unix_nano), max(time_unix_nano) FROM ledger
    WHERE time_unix_nano BETWEEN $first AND $last
)
"""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The time shown: nanoseconds since the epoch, both included.

    step_s: length of a piece of a graph; base_s: of the pieces that facts are fetched in, which divides it
    and the periods of alarms where that is possible. has_data: whether the store has anything in it.
    Pieces are numbered from the epoch: piece n of length s begins at n * s.
    """

    first_unix_nano: int
    last_unix_nano: int
    step_s: int
    base_s: int
    has_data: bool = True

    @property
    def pieces(self) -> range:
        """Numbers of the pieces of a graph, oldest first."""
        return self.pieces_of(self.step_s)

    def pieces_of(self, length_s: int) -> range:
        """Numbers of the pieces of some length that the window touches."""
        length_ns = length_s * NS_PER_S
        return range(self.first_unix_nano // length_ns, self.last_unix_nano // length_ns + 1)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.last_unix_nano - self.first_unix_nano) / NS_PER_S


def window_of(
    source: Source, first_unix_nano: int, last_unix_nano: int, periods_s: Iterable[int] = ()
) -> Window:
    """Return the part of a time that has data, divided into at most MOST pieces of a readable length.

    periods_s: lengths that alarms judge in.
    """
    asked = {"first": first_unix_nano, "last": last_unix_nano}
    (found,) = source(_EXTENT, asked)
    if found["first"] is None:
        first = max(0, min(first_unix_nano, last_unix_nano))
        last = min(max(first, last_unix_nano), first + 3600 * NS_PER_S)
        return Window(first_unix_nano=first, last_unix_nano=last, step_s=60, base_s=60, has_data=False)
    first = max(0, found["first"])
    last = max(first, min(found["last"], last_unix_nano))
    step_s = step_of(first, last)
    return Window(
        first_unix_nano=first,
        last_unix_nano=last,
        step_s=step_s,
        base_s=_base(step_s, (last - first) // NS_PER_S, periods_s),
    )


def step_of(first_unix_nano: int, last_unix_nano: int) -> int:
    """Return the shortest readable length, in seconds, of which MOST pieces cover a time."""
    for step_s in _STEPS_S:
        length_ns = step_s * NS_PER_S
        if last_unix_nano // length_ns - first_unix_nano // length_ns < MOST:
            return step_s
    longest = _STEPS_S[-1]
    return -(-(last_unix_nano - first_unix_nano) // (longest * NS_PER_S * (MOST - 1))) * longest


def _base(step_s: int, seconds: int, periods_s: Iterable[int]) -> int:
    """What divides the length of graphs and, where that is not too fine, the periods of alarms."""
    base_s = gcd(step_s, *periods_s)
    return base_s if seconds / base_s <= _MOST_FETCHED else step_s
