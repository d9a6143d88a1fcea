"""The starts of a flow that are judged: those that are due, those that are overdue.

What a start comes to is decided by times alone, so it does not matter when an end was told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from subscribers.alerts.flows_join import AFTER, Arrival
from subscribers.alerts.flows_marks import KEEP_S, NS_PER_S, Mark
from subscribers.alerts.model import Sample
from subscribers.alerts.state import Entry, State, StateError

Body = TypeVar("Body")

#: Starts that one call judges, and overdue ones that it looks at again; the rest is the next call's.
DUE_MAX = 20_000
OVERDUE_MAX = 20_000
#: Starts that are not due yet are read up to here: every minute, and reading has a price.
PENDING_MAX = 2_000
#: Of a deadline's minute it is known which starts were judged, of its hour how many.
MINUTE_S, HOUR_S = 60, 3_600
_ID_BYTES = 16


class Start(msgspec.Struct, frozen=True):
    """A start in the state. sort: of its entry, without the letter; see flows_marks."""

    sort: str
    mark: Mark

    def __hash__(self) -> int:
        return hash(self.sort)

    @property
    def deadline_s(self) -> int:
        """By when it must arrive."""
        return self.mark.deadline_s

    @property
    def key(self) -> str:
        """The hash of its key."""
        return self.sort.split("#")[1]

    @property
    def id(self) -> bytes:
        """Key and event, packed."""
        _, key, event = self.sort.split("#")
        return bytes.fromhex(key + event)


class Recovered(msgspec.Struct, frozen=True, array_like=True):
    """A start that arrived at all its ends, the last of them after the deadline."""

    key: str
    time_unix_nano: int
    deadline_s: int
    arrived_unix_nano: int
    sample: Sample


class Due(msgspec.Struct, frozen=True):
    """What has to be judged now.

    starts: those to judge; same: of the same key and nearly the same time as one of them, or judged before:
    told by somebody else, or once more. keys: how many starts each key has, of those that are judged or wait.
    more: due, but for the next call.
    """

    starts: tuple[Start, ...]
    same: tuple[Start, ...]
    again: tuple[Start, ...]
    keys: Counter[str]
    pending: int
    more: int


def read_due(state: State, partition: str, now_s: int, late_s: int) -> Due:
    """Read the starts whose deadline is over for `late_s`. Raises StateError."""
    due: list[Start] = []
    waiting: list[Entry] = []
    more = 0
    for entry in islice(state.query(partition, "s#", f"s#{AFTER}"), DUE_MAX + PENDING_MAX):
        if int(entry.sort[2:13]) + late_s > now_s:
            waiting.append(entry)
        elif len(due) < DUE_MAX:
            due.append(read_start(entry))
        else:
            more += 1
    judged = _judged(state, partition, due)
    again = tuple(start for start in due if start.id in judged)
    fresh = [start for start in due if start.id not in judged]
    keys = {start.key for start in fresh}
    near = [read_start(entry) for entry in waiting if _key_of(entry) in keys]
    starts, same = _folded(fresh, near, late_s)
    told = Counter(start.key for start in starts)
    told.update(start.key for start in set(near) - set(same))
    pending = len(waiting) - len(set(near) & set(same))
    return Due(tuple(starts), tuple(same), again, told, pending, more)


def is_same(one: Start, other: Start, late_s: int) -> bool:
    """Whether two starts of a key are one that two have told: a gateway and the service behind it."""
    return abs(one.mark.time_unix_nano - other.mark.time_unix_nano) <= late_s * NS_PER_S


def _folded(due: Sequence[Start], near: Sequence[Start], late_s: int) -> tuple[list[Start], list[Start]]:
    """The starts to judge, and those that are one of them told by somebody else: the earliest counts."""
    firsts: dict[str, Start] = {}
    starts: list[Start] = []
    same: list[Start] = []
    waiting = set(near)
    for start in sorted((*due, *near), key=lambda start: (start.mark.time_unix_nano, start.sort)):
        first = firsts.get(start.key)
        if first is not None and is_same(first, start, late_s):
            same.append(start)
        elif start not in waiting:
            firsts[start.key] = start
            starts.append(start)
    return starts, same


def _key_of(entry: Entry) -> str:
    return entry.sort.split("#")[2]


def read_start(entry: Entry) -> Start:
    """Return an entry as a start. Raises StateError for one that is none."""
    return Start(entry.sort[2:], body_of(entry, Mark))


def body_of(entry: Entry, type: type[Body]) -> Body:
    """Return what an entry holds. Raises StateError where that is something else."""
    try:
        return msgspec.msgpack.decode(entry.body, type=type)
    except msgspec.MsgspecError as error:
        raise StateError(f"{entry.partition} {entry.sort} cannot be read: {error}", "corrupt") from error


def judged_entries(partition: str, starts: Sequence[Start]) -> Iterator[Entry]:
    """Yield what remembers that starts were judged: one entry for each minute of their deadlines."""
    minutes: dict[int, set[bytes]] = {}
    for start in starts:
        minutes.setdefault(start.deadline_s // MINUTE_S, set()).add(start.id)
    for minute, ids in minutes.items():
        packed = b"".join(sorted(ids))
        name = packed[:_ID_BYTES].hex()
        expires_s = (minute + 1) * MINUTE_S + 2 * KEEP_S
        yield Entry(partition, f"z#{minute:010d}#{name}", packed, expires_s)


def judged_ids(state: State, partition: str, first: str, last: str) -> Iterator[bytes]:
    """Yield the IDs of the starts that were judged, of a range of minutes. Raises StateError."""
    for entry in state.query(partition, f"z#{first}", f"z#{last}{AFTER}"):
        body = entry.body
        yield from (body[at : at + _ID_BYTES] for at in range(0, len(body), _ID_BYTES))


def arrived_at(start: Start, ends: Iterable[str], came: Sequence[Arrival], late_s: int) -> dict[str, int]:
    """Return when a start came to each end that it came to: end -> epoch nanoseconds.

    An end may seem to be earlier than its start, by what the clocks of two hosts differ.
    """
    first = start.mark.time_unix_nano - late_s * NS_PER_S
    times: dict[str, int] = {}
    for arrival in came:
        if arrival.time_unix_nano >= first:
            times.setdefault(arrival.end, arrival.time_unix_nano)
    return {end: times[end] for end in ends if end in times}


def _judged(state: State, partition: str, due: Sequence[Start]) -> set[bytes]:
    """The starts that were judged before: somebody has told them once more."""
    known: set[bytes] = set()
    wanted = sorted({start.deadline_s // MINUTE_S for start in due})
    for first, last in _runs(wanted):
        known.update(judged_ids(state, partition, f"{first:010d}", f"{last:010d}"))
    return known


def _runs(minutes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Join minutes that are near each other: [1, 2, 3, 900] -> (1, 3), (900, 900)."""
    begin = 0
    for n in range(1, len(minutes) + 1):
        if n == len(minutes) or minutes[n] - minutes[n - 1] > HOUR_S // MINUTE_S:
            yield minutes[begin], minutes[n - 1]
            begin = n
