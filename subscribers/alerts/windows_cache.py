"""Sums that were read from the state, or just made: they never change, so they are read once.

Minutes are kept for some hours, hours as long as windows reach: what is asked beyond that is read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b

import msgspec

from subscribers.alerts.model import SLOT_S, Group, Measure, Sample, Sum
from subscribers.alerts.state import LAST, Entry, State, StateError
from subscribers.insight.sketch import Sketch

HOUR_SLOTS = 60
#: Slots whose sums stay in memory.
_HELD_SLOTS = 3 * HOUR_SLOTS
_DAY_S = 86_400

MINUTES, HOURS = "m", "h"


class _Summed(msgspec.Struct, array_like=True):
    group: Group
    sketch: Sketch
    samples: tuple[Sample, ...]


def digest_of(group: Group) -> str:
    """Return what a group is called in sort keys."""
    return blake2b("\x1f".join(group).encode("utf-8", "replace"), digest_size=8).hexdigest()


def sum_entry(measure: Measure, kind: str, slot: int, group: Group, one: Sum) -> Entry:
    """Return the entry of a sum. kind: MINUTES or HOURS; slot: of the minute, or the number of the hour."""
    body = msgspec.msgpack.encode(_Summed(group, one.sketch, one.samples))
    length, kept_s = (HOUR_SLOTS, measure.keep_hours_s) if kind == HOURS else (1, measure.keep_s)
    # Minutes are what an hour is made of, however short they are kept.
    expires_s = (slot + 1) * length * SLOT_S + max(kept_s, 2 * HOUR_SLOTS * SLOT_S) + _DAY_S
    return Entry(f"sum#{measure.id}", f"{kind}{slot:08x}#{digest_of(group)}", body, expires_s)


class Cache:
    """The sums of one measure."""

    def __init__(self, state: State, measure: Measure) -> None:
        self.minutes: dict[int, dict[Group, Sum]] = {}
        self.hours: dict[int, dict[Group, Sum]] = {}
        self._state, self._measure = state, measure
        #: What was asked of the state: slots and hours, whether or not they had any sums.
        self._asked: dict[str, set[int]] = {MINUTES: set(), HOURS: set()}

    def of_minutes(self, first: int, last: int) -> Iterator[Mapping[Group, Sum]]:
        """Yield the sums of slots that had any. Raises StateError."""
        return self._of(MINUTES, self.minutes, range(first, last))

    def of_hours(self, hours: range) -> Iterator[Mapping[Group, Sum]]:
        """Yield the sums of hours that had any. Raises StateError."""
        return self._of(HOURS, self.hours, hours)

    def forget(self, sealed_slot: int) -> None:
        """Let go of what is seldom asked for."""
        oldest = sealed_slot - _HELD_SLOTS
        hour = (sealed_slot - self._measure.keep_hours_s // SLOT_S) // HOUR_SLOTS - 1
        for kind, kept, limit in ((MINUTES, self.minutes, oldest), (HOURS, self.hours, hour)):
            for slot in [slot for slot in kept if slot < limit]:
                del kept[slot]
            self._asked[kind] = {slot for slot in self._asked[kind] if slot >= limit}

    def _of(
        self, kind: str, kept: dict[int, dict[Group, Sum]], wanted: range
    ) -> Iterator[Mapping[Group, Sum]]:
        asked = self._asked[kind]
        missing = [slot for slot in wanted if slot not in asked and slot not in kept]
        if missing:
            first, last = f"{kind}{missing[0]:08x}", f"{kind}{missing[-1]:08x}{LAST}"
            for entry in self._state.query(f"sum#{self._measure.id}", first, last):
                one = _decoded(entry)
                by_group = kept.setdefault(int(entry.sort[1:9], 16), {})
                by_group[one.group] = Sum(sketch=one.sketch, samples=one.samples)
            asked.update(missing)
        return (kept[slot] for slot in wanted if slot in kept)


def _decoded(entry: Entry) -> _Summed:
    try:
        return msgspec.msgpack.decode(entry.body, type=_Summed)
    except (msgspec.DecodeError, ValueError) as error:
        said = f"the entry {entry.partition} {entry.sort} cannot be read: {error}"
        raise StateError(said, "corrupt") from error
