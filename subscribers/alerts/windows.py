"""What was counted, by time: parts as subscribers write them, summed once no more of them can come.

A part holds the events that one delivery had for a measure, a slot and a group: a hash and a number of each,
so that the same event in another part (delivered twice, or cut into batches otherwise) is one event. When a
slot's lateness is over its parts become one sum without the hashes; 60 sums of minutes become one of an
hour. What comes later still is counted as late, and is in no window.

    part#<measure>   <slot>#<group>#<events>       hashes, numbers, samples
    sum#<measure>    m<slot>#<group>, h<hour>#<group>
    seals            <measure>                     since when it is counted, and up to which slot it is summed
"""

from __future__ import annotations

import math
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

import msgspec

from subscribers.alerts.model import SLOT_S, Group, Measure, Sample, Sum
from subscribers.alerts.state import Entry, State
from subscribers.alerts.windows_cache import HOUR_SLOTS, HOURS, MINUTES, Cache, digest_of, sum_entry
from subscribers.insight.sketch import Sketch

SAMPLES = 3
#: Events in one part at most: a hash and a number of each are 16 bytes, and a body has 380 KB.
PART_EVENTS = 20_000
#: The group of what has no room for its own, of a measure and a slot.
OTHER = "(other)"
GROUPS_MAX = 2_000
_DAY_S = 86_400
SEALS = "seals"
#: A measure that was not summed for so long beside others was not counted either: it was in no rule.
_GAP_S = 900
#: What was counted longer before the first evaluation is a line that came late, not the begin of counting.
_BEFORE_S = 600


class _Part(msgspec.Struct, array_like=True):
    group: Group
    hashes: bytes
    #: b"" where each event weighs 1.
    numbers: bytes
    samples: tuple[Sample, ...]


class _Seal(msgspec.Struct, frozen=True):
    began_slot: int
    #: Slots up to this one, not included, are summed.
    sealed_slot: int
    #: How far back sums were kept: who wants more has to wait for it.
    keep_s: int = 0
    keep_hours_s: int = 0
    #: Parts of summed slots are being removed: those that are still there were counted.
    is_removing: bool = False


class Points(msgspec.Struct):
    """Events of one measure, slot and group: hash -> number; the latest samples."""

    numbers: dict[int, float] = {}
    samples: tuple[Sample, ...] = ()

    def add(self, event: int, number: float) -> None:
        """Count an event once; told twice with different numbers, the larger is right."""
        known = self.numbers.get(event)
        if known is None or number > known:
            self.numbers[event] = number

    def join(self, other: Points) -> None:
        """Count the other's events, too."""
        for event, number in other.numbers.items():
            self.add(event, number)
        self.samples = latest(self.samples, other.samples)


def slot_of(time_unix_nano: int) -> int:
    """Return the slot of an event."""
    return time_unix_nano // (SLOT_S * 1_000_000_000)


def parts(measure: Measure, slot: int, group: Group, points: Points) -> Iterator[tuple[Entry, list[int]]]:
    """Yield the entries that hold points, and the hashes in each: several where there are very many."""
    ordered = sorted(points.numbers)
    for start in range(0, len(ordered), PART_EVENTS):
        hashes = ordered[start : start + PART_EVENTS]
        numbers = [points.numbers[event] for event in hashes]
        packed = array("Q", hashes).tobytes()
        weights = b"" if all(number == 1.0 for number in numbers) else array("d", numbers).tobytes()
        part = _Part(group, packed, weights, points.samples if start == 0 else ())
        sort = f"{slot:08x}#{digest_of(group)}#{blake2b(packed, digest_size=8).hexdigest()}"
        expires_s = (slot + 1) * SLOT_S + measure.late_s + _DAY_S
        yield Entry(f"part#{measure.id}", sort, msgspec.msgpack.encode(part), expires_s), hashes


def sum_of(measure: Measure, points: Points) -> Sum:
    """Return points as a sum."""
    numbers = points.numbers.values()
    sketch = Sketch.of(numbers) if measure.is_valued else Sketch(count=len(numbers), total=_total(numbers))
    return Sum(sketch=sketch, samples=points.samples)


def plus(some: Iterable[Sum]) -> Sum:
    """Return sums of different times as one."""
    sketch = Sketch()
    samples: tuple[Sample, ...] = ()
    for one in some:
        sketch = sketch.plus(one.sketch)
        samples = latest(samples, one.samples)
    return Sum(sketch=sketch, samples=samples)


def latest(some: tuple[Sample, ...], more: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """Return the latest few of both, the newest first."""
    if not more:
        return some
    every = {(s.time_unix_nano, s.trace_id, s.span_id, s.text): s for s in (*some, *more)}
    return tuple(every[key] for key in sorted(every, reverse=True)[:SAMPLES])


class Ledgered:
    """The windows of a state: `model.Windows`. One object serves many evaluations: what is summed is kept
    in memory."""

    def __init__(self, state: State) -> None:
        self._too_late: dict[str, int] = defaultdict(int)
        self._unreadable = 0
        self._seals: dict[str, _Seal] = {}
        self._cached: dict[str, Cache] = {}
        self._state = state

    def advance(self, measures: Iterable[Measure], now_s: int, last_s: int = 0) -> None:
        """Sum the slots of measures of which nothing more is waited for, an hour at a time: after a pause
        there may be many. Raises StateError; what was summed until then stays.

        last_s: when measures were advanced the last time, 0 where nobody knows: one that lags behind it was
        not counted meanwhile, and begins anew.
        """
        every = list(measures)
        self._read_seals(every, now_s, last_s)
        until = {measure.id: (now_s - measure.late_s) // SLOT_S for measure in every}
        while left := [m for m in every if self._seals[m.id].sealed_slot < until[m.id]]:
            self._step([(m, min(self._seals[m.id].sealed_slot + HOUR_SLOTS, until[m.id])) for m in left])
        for measure in every:
            self._cache(measure).forget(self._sealed(measure))

    def restart(self, measures: Iterable[Measure], now_s: int) -> None:
        """Begin to count anew: what was summed is of a time that is not yet. Raises StateError."""
        for measure in measures:
            self._seals[measure.id] = _sealed_at(measure, now_s // SLOT_S)
            self._cached.pop(measure.id, None)
            self._state.delete([(e.partition, e.sort) for e in self._state.query(f"sum#{measure.id}")])
        self._state.put([_seal_entry(id, seal) for id, seal in self._seals.items()])

    def over(self, measure: Measure, first_s: int, last_s: int) -> dict[Group, Sum]:
        """See `model.Windows`. Begins at a whole hour where minutes are no longer kept. Raises StateError."""
        first, last = first_s // SLOT_S, min(last_s // SLOT_S, self._sealed(measure))
        found: dict[Group, list[Sum]] = defaultdict(list)
        for by_group in self._stretches(measure, first, last):
            for group, one in by_group.items():
                found[group].append(one)
        return {group: plus(some) for group, some in found.items()}

    def began_s(self, measure: Measure) -> int:
        """See `model.Windows`."""
        seal = self._seals.get(measure.id)
        return seal.began_slot * SLOT_S if seal else (1 << 62)

    def take_late(self) -> dict[str, int]:
        """Return how many events came too late, or again after they were summed, since this was last asked,
        by the ID of the measure."""
        taken, self._too_late = self._too_late, defaultdict(int)
        return taken

    def take_unreadable(self) -> int:
        """Return how many parts could not be read, and were removed, since this was last asked."""
        taken, self._unreadable = self._unreadable, 0
        return taken

    def _read_seals(self, measures: Sequence[Measure], now_s: int, last_s: int) -> None:
        """Read how far each measure is summed; begin with those that were not counted before."""
        known = {entry.sort: _seal(entry) for entry in self._state.query(SEALS)}
        begun: list[Entry] = []
        for measure in measures:
            seal = known.get(measure.id)
            if seal is None:
                seal = _sealed_at(measure, self._first_slot(measure, now_s))
            elif _is_gap(measure, seal, now_s, last_s):
                seal = _sealed_at(measure, now_s // SLOT_S)
            elif (seal.keep_s, seal.keep_hours_s) != (measure.keep_s, measure.keep_hours_s):
                is_more = measure.keep_s > seal.keep_s or measure.keep_hours_s > seal.keep_hours_s
                began = now_s // SLOT_S if is_more else seal.began_slot
                seal = msgspec.structs.replace(
                    seal, began_slot=began, keep_s=measure.keep_s, keep_hours_s=measure.keep_hours_s
                )
            if seal != known.get(measure.id):
                begun.append(_seal_entry(measure.id, seal))
            self._seals[measure.id] = seal
        self._state.put(begun)

    def _first_slot(self, measure: Measure, now_s: int) -> int:
        """It is counted since subscribers know of it, which may be some minutes before an evaluator does."""
        oldest = (now_s - measure.late_s - _BEFORE_S) // SLOT_S
        found = self._state.query(f"part#{measure.id}", f"{oldest:08x}", f"{now_s // SLOT_S:08x}")
        first = next(iter(found), None)
        return int(first.sort[:8], 16) if first else now_s // SLOT_S

    def _step(self, steps: Sequence[tuple[Measure, int]]) -> None:
        """Sum each measure up to a slot, not included: sums, then seals, then the parts are removed."""
        keys: list[tuple[str, str]] = []
        sums: list[Entry] = []
        for measure, until in steps:
            found, read = self._read(measure, until)
            keys += read
            sums += self._summed(measure, found, until)
        self._state.put(sums)
        self._write_seals(steps, is_removing=bool(keys))
        self._state.delete(keys)
        if keys:
            self._write_seals(steps, is_removing=False)

    def _read(
        self, measure: Measure, until: int
    ) -> tuple[dict[int, dict[Group, Points]], list[tuple[str, str]]]:
        """Return the points of slots that are to be summed, and the keys of all parts before `until`."""
        seal = self._seals[measure.id]
        keys: list[tuple[str, str]] = []
        found: dict[int, dict[Group, Points]] = defaultdict(dict)
        for entry in self._state.query(f"part#{measure.id}", "", f"{until:08x}"):
            keys.append((entry.partition, entry.sort))
            if (read := self._points(entry)) is None:
                continue
            slot, group, points = read
            if slot >= seal.sealed_slot:
                found[slot].setdefault(group, Points({})).join(points)
            elif slot >= seal.began_slot and not seal.is_removing:
                self._too_late[measure.id] += len(points.numbers)
        return found, keys

    def _points(self, entry: Entry) -> tuple[int, Group, Points] | None:
        """Return a part's slot, group and points; None, counted, where it is damaged: the rest counts on."""
        try:
            part = msgspec.msgpack.decode(entry.body, type=_Part)
            hashes, numbers = array("Q"), array("d")
            hashes.frombytes(part.hashes)
            numbers.frombytes(part.numbers)
            pairs = zip(hashes, numbers or [1.0] * len(hashes), strict=True)
            finite = {event: number for event, number in pairs if math.isfinite(number)}
            return int(entry.sort[:8], 16), part.group, Points(finite, part.samples)
        except (msgspec.DecodeError, ValueError):
            self._unreadable += 1
            return None

    def _summed(
        self, measure: Measure, found: Mapping[int, dict[Group, Points]], until: int
    ) -> Iterator[Entry]:
        """Yield the sums of slots, and of the hours that have ended with them."""
        cache = self._cache(measure)
        for slot, by_group in found.items():
            made = {group: sum_of(measure, points) for group, points in _bounded(by_group).items()}
            cache.minutes[slot] = made
            for group, one in made.items():
                yield sum_entry(measure, MINUTES, slot, group, one)
        if not measure.keep_hours_s:
            return
        for hour in range(self._sealed(measure) // HOUR_SLOTS, until // HOUR_SLOTS):
            sums: dict[Group, list[Sum]] = defaultdict(list)
            for minute in cache.of_minutes(hour * HOUR_SLOTS, (hour + 1) * HOUR_SLOTS):
                for group, one in minute.items():
                    sums[group].append(one)
            cache.hours[hour] = {group: plus(some) for group, some in sums.items()}
            for group, one in cache.hours[hour].items():
                yield sum_entry(measure, HOURS, hour, group, one)

    def _write_seals(self, steps: Sequence[tuple[Measure, int]], *, is_removing: bool) -> None:
        for measure, until in steps:
            self._seals[measure.id] = msgspec.structs.replace(
                self._seals[measure.id], sealed_slot=until, is_removing=is_removing
            )
        self._state.put([_seal_entry(measure.id, self._seals[measure.id]) for measure, _ in steps])

    def _stretches(self, measure: Measure, first: int, last: int) -> Iterator[Mapping[Group, Sum]]:
        cache = self._cache(measure)
        if not measure.keep_hours_s or last - first < 2 * HOUR_SLOTS:
            yield from cache.of_minutes(first, last)
            return
        hours = range(first // HOUR_SLOTS, last // HOUR_SLOTS)
        if first % HOUR_SLOTS and (self._sealed(measure) - first) * SLOT_S < measure.keep_s:
            yield from cache.of_minutes(first, (hours.start + 1) * HOUR_SLOTS)
            hours = range(hours.start + 1, hours.stop)
        yield from cache.of_hours(hours)
        yield from cache.of_minutes(hours.stop * HOUR_SLOTS, last)

    def _sealed(self, measure: Measure) -> int:
        return self._seals[measure.id].sealed_slot if measure.id in self._seals else 0

    def _cache(self, measure: Measure) -> Cache:
        if measure.id not in self._cached:
            self._cached[measure.id] = Cache(self._state, measure)
        return self._cached[measure.id]


def _is_gap(measure: Measure, seal: _Seal, now_s: int, last_s: int) -> bool:
    """Whether nobody counted, or what was counted has expired, since a measure was summed."""
    summed_s = seal.sealed_slot * SLOT_S + measure.late_s
    return now_s - summed_s >= _DAY_S or (last_s > 0 and last_s - summed_s >= _GAP_S)


def _sealed_at(measure: Measure, slot: int) -> _Seal:
    return _Seal(slot, slot, measure.keep_s, measure.keep_hours_s)


def _seal(entry: Entry) -> _Seal | None:
    """A seal; None where it is damaged: then its measure begins anew."""
    try:
        return msgspec.msgpack.decode(entry.body, type=_Seal)
    except (msgspec.DecodeError, ValueError):
        return None


def _seal_entry(id: str, seal: _Seal) -> Entry:
    return Entry(SEALS, id, msgspec.msgpack.encode(seal))


def _bounded(by_group: dict[Group, Points]) -> dict[Group, Points]:
    """Return the groups of a slot, the largest of them; the rest is one. An event that one delivery had no
    room for, and another had, counts in its own group alone."""
    width = len(next(iter(by_group)))
    other = (OTHER,) * width
    if other not in by_group and len(by_group) <= GROUPS_MAX:
        return by_group
    rest = by_group.pop(other, Points({}))
    ordered = sorted(by_group.items(), key=lambda item: (-len(item[1].numbers), item[0]))
    for _, points in ordered[GROUPS_MAX:]:
        rest.join(points)
    kept = dict(ordered[:GROUPS_MAX])
    own = set().union(*(points.numbers for points in kept.values())) if kept else set()
    numbers = {event: number for event, number in rest.numbers.items() if event not in own}
    return {**kept, other: Points(numbers, rest.samples)} if numbers else kept


def _total(numbers: Iterable[float]) -> float:
    """A sum that is a number: what is too large is as large as there is."""
    total = sum(numbers)
    if math.isfinite(total):
        return total
    return 0.0 if math.isnan(total) else math.copysign(sys.float_info.max, total)
