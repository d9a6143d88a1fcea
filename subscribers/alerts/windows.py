"""What was counted, by time: parts as subscribers write them, summed once no more of them can come.

A part holds the events that one delivery had for a measure, a slot and a group: a hash and a number of each,
so that the same event in another part (delivered twice, or cut into batches otherwise) is one event. When a
slot's lateness is over its parts become one sum without the hashes; 60 sums of minutes become one of an
hour. What comes later still is counted as late, and is in no window.

    part#<measure>   <slot>#<group>#<events>       hashes, numbers, samples
    sum#<measure>    m<slot>#<group>, h<hour>#<group>
    seal#<measure>   since when it is counted, and up to which slot it is summed
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import TypeVar

import msgspec

from subscribers.alerts.model import SLOT_S, Group, Measure, Sample, Sum
from subscribers.alerts.state import LAST, Entry, State, StateError
from subscribers.insight.sketch import Sketch

_T = TypeVar("_T")

HOUR_SLOTS = 60
SAMPLES = 3
#: Events in one part at most: a hash and a number of each are 16 bytes, and a body has 380 KB.
PART_EVENTS = 20_000
_DAY_S = 86_400
#: Bytes of a sample's text.
TEXT_MAX = 300


class _Part(msgspec.Struct, array_like=True):
    group: Group
    hashes: bytes
    #: b"" where each event weighs 1.
    numbers: bytes
    samples: tuple[Sample, ...]


class _Summed(msgspec.Struct, array_like=True):
    group: Group
    sketch: Sketch
    samples: tuple[Sample, ...]


class _Seal(msgspec.Struct):
    began_slot: int
    #: Slots up to this one, not included, are summed.
    sealed_slot: int
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
        sort = f"{slot:08x}#{_digest(group)}#{blake2b(packed, digest_size=8).hexdigest()}"
        expires_s = (slot + 1) * SLOT_S + measure.late_s + _DAY_S
        yield Entry(f"part#{measure.id}", sort, msgspec.msgpack.encode(part), expires_s), hashes


def merged(measure: Measure, some: Iterable[Points]) -> Sum:
    """Return the sum of the points' union."""
    union = Points({})
    samples: tuple[Sample, ...] = ()
    for points in some:
        for event, number in points.numbers.items():
            union.add(event, number)
        samples = latest(samples, points.samples)
    numbers = union.numbers.values()
    if measure.is_valued:
        return Sum(sketch=Sketch.of(numbers), samples=samples)
    return Sum(sketch=_counted(len(numbers), sum(numbers)), samples=samples)


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
        self._state = state
        self._unreadable = 0
        self._seals: dict[str, _Seal] = {}
        self._cached: dict[str, _Cache] = {}

    def advance(self, measure: Measure, now_s: int) -> None:
        """Sum the slots of a measure of which nothing more is waited for, an hour at a time: after a pause
        there may be many. Raises StateError; what was summed until then stays."""
        until = (now_s - measure.late_s) // SLOT_S
        seal = self._seal(measure, now_s // SLOT_S)
        self._state.delete(self._late(measure, seal))
        if seal.is_removing:
            self._write(measure, _Seal(seal.began_slot, seal.sealed_slot))
        for first in range(seal.sealed_slot, until, HOUR_SLOTS):
            self._advance(measure, seal.began_slot, first, min(first + HOUR_SLOTS, until))
        self._cache(measure).forget(self._sealed(measure))

    def _advance(self, measure: Measure, began: int, first: int, until: int) -> None:
        """Sum slots from the first, included, until the last, not included."""
        keys: list[tuple[str, str]] = []
        found: dict[tuple[int, Group], list[Points]] = defaultdict(list)
        for entry in self._state.query(f"part#{measure.id}", f"{first:08x}", f"{until:08x}"):
            keys.append((entry.partition, entry.sort))
            if read := self._points(entry):
                slot, group, points = read
                found[slot, group].append(points)
        self._sum(measure, found, first, until)
        self._write(measure, _Seal(began, until, is_removing=bool(keys)))
        if keys:
            self._state.delete(keys)
            self._write(measure, _Seal(began, until))

    def take_late(self) -> dict[str, int]:
        """Return how many events came too late since this was last asked, by the ID of the measure."""
        taken, self._too_late = self._too_late, defaultdict(int)
        return taken

    def take_unreadable(self) -> int:
        """Return how many parts could not be read, and were removed, since this was last asked."""
        taken, self._unreadable = self._unreadable, 0
        return taken

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

    def _points(self, entry: Entry) -> tuple[int, Group, Points] | None:
        """Return a part's slot, group and points; None, counted, where it is damaged: the rest counts on."""
        try:
            part = msgspec.msgpack.decode(entry.body, type=_Part)
            hashes, numbers = array("Q"), array("d")
            hashes.frombytes(part.hashes)
            numbers.frombytes(part.numbers)
            pairs = zip(hashes, numbers or [1.0] * len(hashes), strict=True)
            return int(entry.sort[:8], 16), part.group, Points(dict(pairs), part.samples)
        except (msgspec.DecodeError, ValueError):
            self._unreadable += 1
            return None

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

    def _sum(
        self, measure: Measure, found: Mapping[tuple[int, Group], list[Points]], before: int, until: int
    ) -> None:
        """Write the sums of slots, and of the hours that have ended with them."""
        sums = {where: merged(measure, some) for where, some in found.items()}
        self._state.put([_entry(measure, "m", slot, group, one) for (slot, group), one in sums.items()])
        cache = self._cache(measure)
        for (slot, group), one in sums.items():
            cache.minutes.setdefault(slot, {})[group] = one
        self._hours(measure, before, until)

    def _hours(self, measure: Measure, before: int, until: int) -> None:
        """Sum the hours that have ended since."""
        if not measure.keep_hours_s:
            return
        cache = self._cache(measure)
        for hour in range(before // HOUR_SLOTS, until // HOUR_SLOTS):
            found: dict[Group, list[Sum]] = defaultdict(list)
            for by_group in cache.of_minutes(hour * HOUR_SLOTS, (hour + 1) * HOUR_SLOTS):
                for group, one in by_group.items():
                    found[group].append(one)
            sums = {group: plus(some) for group, some in found.items()}
            self._state.put([_entry(measure, "h", hour, group, one) for group, one in sums.items()])
            cache.hours[hour] = sums

    def _seal(self, measure: Measure, now_slot: int) -> _Seal:
        entry = self._state.get(f"seal#{measure.id}", "seal")
        if entry:
            self._seals[measure.id] = _decoded(entry, _Seal)
        else:
            # It is counted since subscribers know of it, which may be before the first evaluation.
            oldest = f"{now_slot - _DAY_S // SLOT_S:08x}"
            first = next(iter(self._state.query(f"part#{measure.id}", oldest, f"{now_slot:08x}")), None)
            began = int(first.sort[:8], 16) if first else now_slot
            self._write(measure, _Seal(began, began))
        return self._seals[measure.id]

    def _write(self, measure: Measure, seal: _Seal) -> None:
        self._state.put([Entry(f"seal#{measure.id}", "seal", msgspec.msgpack.encode(seal))])
        self._seals[measure.id] = seal

    def _late(self, measure: Measure, seal: _Seal) -> list[tuple[str, str]]:
        """Return the keys of parts whose slots are summed already, and count what is in them."""
        keys = []
        for entry in self._state.query(f"part#{measure.id}", "", f"{seal.sealed_slot:08x}"):
            keys.append((entry.partition, entry.sort))
            read = self._points(entry)
            # Before the first evaluation nobody asked for it.
            if read and not seal.is_removing and read[0] >= seal.began_slot:
                self._too_late[measure.id] += len(read[2].numbers)
        return keys

    def _cache(self, measure: Measure) -> _Cache:
        if measure.id not in self._cached:
            self._cached[measure.id] = _Cache(self._state, measure)
        return self._cached[measure.id]


class _Cache:
    """Sums of one measure, read from the state once: they never change."""

    def __init__(self, state: State, measure: Measure) -> None:
        self.minutes: dict[int, dict[Group, Sum]] = {}
        self.hours: dict[int, dict[Group, Sum]] = {}
        self._state, self._measure = state, measure
        #: What was asked of the state: slots and hours, whether or not they had any sums.
        self._asked: dict[str, set[int]] = {"m": set(), "h": set()}

    def of_minutes(self, first: int, last: int) -> Iterator[Mapping[Group, Sum]]:
        """Yield the sums of slots that had any."""
        return self._of("m", self.minutes, range(first, last))

    def of_hours(self, hours: range) -> Iterator[Mapping[Group, Sum]]:
        """Yield the sums of hours that had any."""
        return self._of("h", self.hours, hours)

    def forget(self, sealed_slot: int) -> None:
        """Let go of what no window reaches any more."""
        oldest = sealed_slot - max(self._measure.keep_s // SLOT_S, 2 * HOUR_SLOTS)
        hour = (sealed_slot - self._measure.keep_hours_s // SLOT_S) // HOUR_SLOTS - 1
        for kept, limit in ((self.minutes, oldest), (self.hours, hour)):
            for slot in [slot for slot in kept if slot < limit]:
                del kept[slot]
        self._asked["m"] = {slot for slot in self._asked["m"] if slot >= oldest}
        self._asked["h"] = {slot for slot in self._asked["h"] if slot >= hour}

    def _of(
        self, kind: str, kept: dict[int, dict[Group, Sum]], wanted: range
    ) -> Iterator[Mapping[Group, Sum]]:
        asked = self._asked[kind]
        missing = [slot for slot in wanted if slot not in asked and slot not in kept]
        if missing:
            first, last = missing[0], missing[-1]
            for entry in self._state.query(
                f"sum#{self._measure.id}", f"{kind}{first:08x}", f"{kind}{last:08x}{LAST}"
            ):
                one = _decoded(entry, _Summed)
                slot = int(entry.sort[1:9], 16)
                kept.setdefault(slot, {})[one.group] = Sum(sketch=one.sketch, samples=one.samples)
            asked.update(missing)
        return (kept[slot] for slot in wanted if slot in kept)


def _entry(measure: Measure, kind: str, slot: int, group: Group, one: Sum) -> Entry:
    body = msgspec.msgpack.encode(_Summed(group, one.sketch, one.samples))
    length, kept_s = (HOUR_SLOTS, measure.keep_hours_s) if kind == "h" else (1, measure.keep_s)
    # Minutes are what an hour is made of, however short they are kept.
    expires_s = (slot + 1) * length * SLOT_S + max(kept_s, 2 * HOUR_SLOTS * SLOT_S) + _DAY_S
    return Entry(f"sum#{measure.id}", f"{kind}{slot:08x}#{_digest(group)}", body, expires_s)


def _decoded(entry: Entry, type: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(entry.body, type=type)
    except (msgspec.DecodeError, ValueError) as error:
        said = f"the entry {entry.partition} {entry.sort} cannot be read: {error}"
        raise StateError(said, "corrupt") from error


def _counted(count: int, total: float) -> Sketch:
    return Sketch(count=count, total=total)


def _digest(group: Group) -> str:
    return blake2b("\x1f".join(group).encode("utf-8", "replace"), digest_size=8).hexdigest()
