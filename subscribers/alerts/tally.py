"""What a subscriber counts for the rules: signals -> entries of the state, idempotent.

An entry is named by the events in it, so the same delivery writes the same entry again, and events that come
in another delivery are recognised when parts are summed (windows). Nothing is read here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b

import msgspec

from observe.semconv import FAAS_VERSION
from subscribers.alerts import windows
from subscribers.alerts.endpoints import Endpoints
from subscribers.alerts.flows_marks import Marker
from subscribers.alerts.model import Flow, FlowPoint, Group, Measure
from subscribers.alerts.plan import Plan
from subscribers.alerts.samples import ID_MAX, Samples, time_of
from subscribers.alerts.selectors import Router, nested
from subscribers.alerts.state import BODY_MAX_BYTES, Entry
from subscribers.alerts.state_entries import checked
from subscribers.alerts.values import valid, value_of
from subscribers.alerts.versions import version_entry
from subscribers.alerts.windows import Points
from subscribers.alerts.windows_cache import HOUR_SLOTS
from subscribers.signals import Log, Metric, Signal, Span

#: An entry and the IDs of the events in it.
Counted = tuple[Entry, tuple[str, ...]]

#: Characters of a group's value, and groups of one measure and slot in one delivery: an attribute that a
#: stranger chooses must not fill the table.
VALUE_MAX = 128
GROUPS_MAX = 500
#: Larger numbers are none: sums of them are infinite, and whoever prints one wants to break something.
NUMBER_MAX = 1e100
#: Versions of a service in an hour: a line may tell any.
VERSIONS_MAX = 20
#: Services and hours of which versions are remembered.
_HOURS_MAX = 5_000
#: Older events are in no window any more, and later ones are a clock that is wrong.
_OLDEST_S = 86_400
_AHEAD_S = 3_600
_NS_PER_S = 1_000_000_000
_VERSIONS = frozenset(("service.version", FAAS_VERSION))
_NOT_A_VERSION = ("", "$LATEST")


class _Cell(msgspec.Struct):
    points: Points
    events: dict[int, str]


class Tally:
    """Counts for a plan. notes: what was not counted, by reason, since the object was made."""

    def __init__(self, plan: Plan, *, key_secret: str = "", clock: Callable[[], float] = time.time) -> None:
        """key_secret: of the marks of business keys; clock: epoch seconds."""
        self.notes: Counter[str] = Counter()
        self._measures = list(plan.measures.values())
        self._points: list[tuple[Flow, int]] = [
            (flow, at) for flow in plan.flows.values() for at in range(-1, len(flow.ends))
        ]
        self._endpoints = Endpoints(plan.config)
        wanted = [measure.selector for measure in self._measures]
        wanted += [_point(flow, at).selector for flow, at in self._points]
        self._requests = {n for n, selector in enumerate(wanted) if selector.is_request}
        self._router = Router(wanted, self._endpoints)
        self._marker = Marker(plan.config, key_secret)
        self._clock = clock
        #: Service and hour -> the versions that were told of.
        self._versions: dict[tuple[str, int], set[str]] = {}
        #: Of the signals that are being counted.
        self._samples = Samples()

    def count(self, signals: Sequence[Signal]) -> list[Counted]:
        """Return the entries that signals amount to, and the events in each."""
        now_s = self._clock()
        cells: dict[tuple[int, int, Group], _Cell] = {}
        found: list[Counted] = []
        groups: Counter[tuple[int, int]] = Counter()
        measures = len(self._measures)
        self._samples = Samples(signals)
        parts_of_requests = nested(signals) if self._requests else frozenset()
        for signal in signals:
            wanted = self._router.wanted(signal)
            has_version = not isinstance(signal, Metric) and not _VERSIONS.isdisjoint(signal.attributes)
            if not wanted and not has_version:
                continue
            if reason := self._untimely(signal, now_s):
                self.notes[reason] += bool(wanted)
                continue
            if has_version:
                found += self._version(signal)  # type: ignore[arg-type]
            is_nested = signal.event_id in parts_of_requests
            for n in wanted:
                if is_nested and n in self._requests:
                    continue
                if n < measures:
                    self._add(cells, groups, n, signal)
                else:
                    found += self._mark(self._points[n - measures], signal)
        return list(self._storable([*self._written(cells), *found]))

    def _untimely(self, signal: Signal, now_s: float) -> str:
        age_s = now_s - time_of(signal) / _NS_PER_S
        return "alerts_too_old" if age_s > _OLDEST_S else "alerts_ahead" if age_s < -_AHEAD_S else ""

    def _add(
        self,
        cells: dict[tuple[int, int, Group], _Cell],
        groups: Counter[tuple[int, int]],
        n: int,
        signal: Signal,
    ) -> None:
        measure = self._measures[n]
        number = number_of(measure, signal)
        if number is None:
            self.notes["alerts_no_number"] += 1
            return
        slot = windows.slot_of(time_of(signal))
        group = tuple([valid(self._endpoints.text_of(signal, name)[:VALUE_MAX]) for name in measure.by])
        cell = cells.get((n, slot, group))
        if cell is None:
            if groups[n, slot] >= GROUPS_MAX:
                self.notes["alerts_too_many_groups"] += 1
                # In another delivery the same event may be in its own group; it has the same hash there, by
                # which whoever sums them counts it once.
                group = (windows.OTHER,) * len(measure.by)
            else:
                groups[n, slot] += 1
            cell = cells.setdefault((n, slot, group), _Cell(Points({}), {}))
        event = identity_of(signal)
        cell.points.add(event, number)
        cell.events[event] = signal.event_id
        samples = cell.points.samples
        if len(samples) < windows.SAMPLES or time_of(signal) >= samples[-1].time_unix_nano:
            cell.points.samples = windows.latest(samples, (self._samples.of(signal),))

    def _written(self, cells: dict[tuple[int, int, Group], _Cell]) -> Iterator[Counted]:
        for (n, slot, group), cell in cells.items():
            found = list(windows.parts(self._measures[n], slot, group, cell.points))
            if any(len(entry.body) > BODY_MAX_BYTES for entry, _ in found):
                bare = windows.Points(cell.points.numbers)
                found = list(windows.parts(self._measures[n], slot, group, bare))
            for entry, hashes in found:
                yield entry, tuple(cell.events[event] for event in hashes)

    def _storable(self, counted: Iterable[Counted]) -> Iterator[Counted]:
        """Leave out, and say so, what no state could hold: one entry must not fail a payload."""
        for entry, events in counted:
            try:
                yield checked(entry), events
            except ValueError:
                self.notes["alerts_too_large"] += 1

    def _mark(self, at: tuple[Flow, int], signal: Signal) -> Iterator[Counted]:
        flow, position = at
        entries = self._marker.marks(flow, position, signal, self._samples.of(signal))
        self.notes["alerts_no_key"] += not entries
        for entry in entries:
            yield entry, (signal.event_id,)

    def _version(self, signal: Log | Span) -> Iterator[Counted]:
        """Tell of a version that runs, once an hour and process: what changed is the first question."""
        version = value_of(signal, "version")
        if not isinstance(version, str) or version in _NOT_A_VERSION:
            return
        slot = windows.slot_of(time_of(signal))
        version = valid(version[:ID_MAX])
        if len(self._versions) >= _HOURS_MAX:
            self._versions.clear()  # telling of one again is harmless
        told = self._versions.setdefault((signal.origin.service, slot // HOUR_SLOTS), set())
        if version in told:
            return
        if len(told) >= VERSIONS_MAX:
            self.notes["alerts_too_many_versions"] += 1
            return
        told.add(version)
        yield version_entry(valid(signal.origin.service), version, slot), (signal.event_id,)


def _point(flow: Flow, at: int) -> FlowPoint:
    """Return the flow's start (-1) or one of its ends."""
    return flow.start if at < 0 else flow.ends[at]


def number_of(measure: Measure, signal: Signal) -> float | None:
    """Return what a signal adds to a measure, or None where it has no such number."""
    if measure.field:
        value = value_of(signal, measure.field)
        return _number(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if isinstance(signal, Metric):
        return _number(signal.value) if measure.is_valued or signal.kind == "count" else 1.0
    if isinstance(signal, Span) and measure.is_valued:
        return (signal.end_unix_nano - signal.start_unix_nano) / 1e6
    return 1.0


def _number(value: float) -> float | None:
    """A number that can be summed, else None: not NaN either. An int may have any number of digits."""
    return float(value) if -NUMBER_MAX <= value <= NUMBER_MAX else None


def identity_of(signal: Signal) -> int:
    """Return 64 bits that are the same however often an event is told: a span by two lines, too."""
    if isinstance(signal, Span) and signal.span_id:
        text = f"{signal.trace_id}{signal.span_id}"
    else:
        text = signal.event_id
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
