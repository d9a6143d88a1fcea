"""How many starts a flow had, and what became of them: one document, by the hour of their deadlines."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from subscribers.alerts.flows_marks import KEEP_S, NS_PER_S
from subscribers.alerts.flows_open import HOUR_S, Start, body_of
from subscribers.alerts.state import Entry, State

_SORT = "c"


class Hour(msgspec.Struct, array_like=True):
    """The starts that were due in an hour. first_s: when the first of them started.

    late: arrived, but after the deadline; given_up: did not arrive for as long as anything is remembered;
    duplicates: ends that came more often than their start.
    """

    starts: int = 0
    first_s: int = 0
    in_time: int = 0
    late: int = 0
    given_up: int = 0
    duplicates: int = 0


class Counts(msgspec.Struct):
    """hours: by the epoch hour of the deadline. What is older than is remembered is gone."""

    hours: dict[int, Hour] = {}

    def of(self, start: Start) -> Hour:
        """Return the hour of a start."""
        return self.hours.setdefault(start.deadline_s // HOUR_S, Hour())

    def add(self, start: Start) -> Hour:
        """Count a start that is judged for the first time."""
        hour, at_s = self.of(start), start.mark.time_unix_nano // NS_PER_S
        hour.first_s = min(hour.first_s, at_s) if hour.starts else at_s
        hour.starts += 1
        return hour

    def total(self) -> Hour:
        """Return the sum of all hours."""
        return _sum(self.hours.values())

    def around(self, starts: Iterable[Start]) -> Hour:
        """Return the sum of the hours in which starts were due."""
        wanted = {start.deadline_s // HOUR_S for start in starts}
        return _sum(hour for at, hour in self.hours.items() if at in wanted)


def read_counts(state: State, partition: str) -> Counts:
    """Return a flow's counts. Raises StateError."""
    entry = state.get(partition, _SORT)
    return Counts() if entry is None else body_of(entry, Counts)


def counts_entry(partition: str, counts: Counts, now_s: int) -> Entry:
    """Return the entry that holds counts, without hours that are forgotten."""
    first = (now_s - 2 * KEEP_S) // HOUR_S
    kept = Counts({at: hour for at, hour in counts.hours.items() if at >= first})
    return Entry(partition, _SORT, msgspec.msgpack.encode(kept), now_s + 3 * KEEP_S)


def _sum(hours: Iterable[Hour]) -> Hour:
    found = Hour()
    for hour in hours:
        found.first_s = min(found.first_s, hour.first_s) if found.starts else hour.first_s
        found.starts += hour.starts
        found.in_time += hour.in_time
        found.late += hour.late
        found.given_up += hour.given_up
        found.duplicates += hour.duplicates
    return found
