"""Flows: what starts here must arrive there in time. Who did not, who did so too late, who came twice.

    Marker       signals -> entries: written by every subscriber (flows_marks)
    judge_flow   entries -> a finding and a report: once a minute, by one evaluator

A start is judged when its deadline is over for `late_s`. What did not arrive at each end by then is overdue
until it does, or for 7 days; then it is given up, and counted. One that is told again is not judged again,
and starts of a key within two minutes are one: those of a gateway and of the service behind it.

Counts are exact unless the evaluator is killed between two writes: then those of that minute may be missing
or there twice. Which starts are overdue is not affected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from subscribers.alerts.flows_counts import Counts, Hour, counts_entry, read_counts
from subscribers.alerts.flows_join import AFTER, Arrival, arrivals
from subscribers.alerts.flows_marks import (
    KEEP_S,
    LATE_S,
    NS_PER_S,
    START,
    Mark,
    Marker,
    end_ids,
    partition_of,
)
from subscribers.alerts.flows_open import (
    OVERDUE_MAX,
    Due,
    Recovered,
    Start,
    arrived_at,
    body_of,
    is_same,
    judged_entries,
    read_due,
    read_start,
)
from subscribers.alerts.flows_said import FlowReport, Overdue, finding_of
from subscribers.alerts.model import Finding, Flow
from subscribers.alerts.state import Entry, State

__all__ = ["KEEP_S", "LATE_S", "START", "FlowReport", "Mark", "Marker", "forget_flow", "judge_flow"]

#: Starts that arrived late are told for a day, this many of them.
_TOLD_S = 86_400
_TOLD_MAX = 50
_READ_MAX = 1_000


class _Judged(msgspec.Struct):
    """What judging some starts comes to. over: those that are no longer waited for."""

    overdue: list[tuple[Start, tuple[str, ...]]]
    put: list[Entry]
    over: list[Start]


class _Open(msgspec.Struct):
    """What has to be judged: starts for the first time, and `known` ones that were overdue.

    same: starts told by somebody else; twice: starts that are both, where an evaluator was killed in between.
    """

    due: Due
    starts: tuple[Start, ...]
    same: tuple[Start, ...]
    known: tuple[Start, ...]
    twice: set[str]
    is_capped: bool


def judge_flow(
    flow: Flow, state: State, now_s: int, *, late_s: int = LATE_S
) -> tuple[list[Finding], FlowReport]:
    """Return the flow's finding and report at a time, and remember what was judged.

    late_s: how long events may take to come. Raises StateError.
    """
    partition = partition_of(flow.name)
    found = _read(state, partition, now_s, late_s)
    came = arrivals(state, partition, (start.key for start in (*found.starts, *found.known)))
    counts = read_counts(state, partition)
    for start in found.starts:
        counts.add(start)
    _count_duplicates(counts, found.starts, found.due.keys, came, late_s)
    judging = _Judging(flow, partition, counts, came, now_s, late_s)
    new, old = judging.judge(found.starts), judging.judge(found.known)
    _write(state, partition, found, new, old, counts_entry(partition, counts, now_s))
    overdue = sorted((*old.overdue, *new.overdue), key=lambda item: _age(item[0]))
    report = FlowReport(
        flow=flow.name,
        at_s=now_s,
        overdue=tuple(Overdue(start.mark, missing) for start, missing in overdue),
        around=counts.around(start for start, _ in overdue),
        total=counts.total(),
        is_capped=found.is_capped,
        pending=found.due.pending,
        unjudged=found.due.more,
        recovered=_recovered(state, partition, now_s),
    )
    return [finding_of(flow, report)], report


def forget_flow(name: str, state: State, most: int = 10_000) -> int:
    """Remove what is remembered of a flow, at most so many entries at once; return how many there were.

    Nobody has to: every entry of a flow expires. Raises StateError.
    """
    partition = partition_of(name)
    keys = [(partition, entry.sort) for entry in islice(state.query(partition), most)]
    state.delete(keys)
    return len(keys)


def _read(state: State, partition: str, now_s: int, late_s: int) -> _Open:
    due = read_due(state, partition, now_s, late_s)
    entries = islice(state.query(partition, "o#", f"o#{AFTER}"), OVERDUE_MAX)
    known = [read_start(entry) for entry in entries]
    starts, same = _without_known(due, known, late_s)
    fresh = {start.sort for start in starts}
    return _Open(
        due=due,
        starts=starts,
        same=same,
        known=tuple(start for start in known if start.sort not in fresh),
        twice={start.sort for start in known if start.sort in fresh},
        is_capped=len(known) >= OVERDUE_MAX,
    )


def _write(state: State, partition: str, found: _Open, new: _Judged, old: _Judged, counts: Entry) -> None:
    """Remember first, remove then: who is killed in between has lost nothing."""
    put = [_overdue(partition, start) for start, _ in new.overdue]
    put += [*new.put, *old.put, *judged_entries(partition, (*found.starts, *found.same))]
    if put or old.over:
        state.put([*put, counts])
    judged = (*found.starts, *found.same, *found.due.again)
    over = (*old.over, *(start for start in new.over if start.sort in found.twice))
    if judged or over:
        keys = [f"s#{start.sort}" for start in judged] + [f"o#{start.sort}" for start in over]
        state.delete((partition, key) for key in keys)


def _without_known(
    due: Due, known: Sequence[Start], late_s: int
) -> tuple[tuple[Start, ...], tuple[Start, ...]]:
    """The starts to judge, and the same ones told by somebody else, some of an overdue one."""
    overdue: dict[str, list[Start]] = {}
    for start in known:
        overdue.setdefault(start.key, []).append(start)
    starts: list[Start] = []
    same = list(due.same)
    for start in due.starts:
        others = (other for other in overdue.get(start.key, ()) if other.sort != start.sort)
        (same if any(is_same(start, other, late_s) for other in others) else starts).append(start)
    return tuple(starts), tuple(same)


class _Judging:
    """Decides what becomes of starts at one time."""

    def __init__(
        self,
        flow: Flow,
        partition: str,
        counts: Counts,
        came: Mapping[str, Sequence[Arrival]],
        now_s: int,
        late_s: int,
    ) -> None:
        self._ends = dict(zip(end_ids(flow), (end.name for end in flow.ends), strict=True))
        self._partition, self._counts, self._came = partition, counts, came
        self._now_s, self._late_s = now_s, late_s

    def judge(self, starts: Sequence[Start]) -> _Judged:
        found = _Judged([], [], [])
        for start in starts:
            hour = self._counts.of(start)
            times = arrived_at(start, self._ends, self._came.get(start.key, ()), self._late_s)
            if len(times) == len(self._ends):
                found.over.append(start)
                found.put += self._arrived(start, hour, max(times.values()))
            elif start.deadline_s + KEEP_S <= self._now_s:
                hour.given_up += 1
                found.over.append(start)
            else:
                missing = tuple(name for end, name in self._ends.items() if end not in times)
                found.overdue.append((start, missing))
        return found

    def _arrived(self, start: Start, hour: Hour, arrived_unix_nano: int) -> Iterator[Entry]:
        if arrived_unix_nano <= start.deadline_s * NS_PER_S:
            # It may still have been overdue: the end was told very late.
            hour.in_time += 1
            return
        hour.late += 1
        mark = start.mark
        told = Recovered(mark.key, mark.time_unix_nano, mark.deadline_s, arrived_unix_nano, mark.sample)
        arrived_s = arrived_unix_nano // NS_PER_S
        _, key, event = start.sort.split("#")
        yield Entry(
            self._partition,
            f"r#{arrived_s:011d}#{key}#{event}",
            msgspec.msgpack.encode(told),
            max(arrived_s, self._now_s) + KEEP_S,
        )


def _age(start: Start) -> tuple[int, int, str]:
    return start.deadline_s, start.mark.time_unix_nano, start.sort


def _overdue(partition: str, start: Start) -> Entry:
    body = msgspec.msgpack.encode(start.mark)
    return Entry(partition, f"o#{start.sort}", body, start.deadline_s + 2 * KEEP_S)


def _count_duplicates(
    counts: Counts,
    starts: Sequence[Start],
    keys: Counter[str],
    came: Mapping[str, Sequence[Arrival]],
    late_s: int,
) -> None:
    """Count how often ends came more often than the starts of their key."""
    counted: set[str] = set()
    for start in starts:
        if start.key in counted:
            continue
        counted.add(start.key)
        first = start.mark.time_unix_nano - late_s * NS_PER_S
        ends = Counter(a.end for a in came.get(start.key, ()) if a.time_unix_nano >= first)
        hour = counts.of(start)
        hour.duplicates += sum(max(0, number - max(1, keys[start.key])) for number in ends.values())


def _recovered(state: State, partition: str, now_s: int) -> tuple[Recovered, ...]:
    """The latest that arrived after their deadlines."""
    entries = state.query(partition, f"r#{max(0, now_s - _TOLD_S):011d}", f"r#{AFTER}")
    found = [body_of(entry, Recovered) for entry in islice(entries, _READ_MAX)]
    return tuple(found[-_TOLD_MAX:])
