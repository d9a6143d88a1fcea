"""The sinks that one process has: every signal is offered to each, and each has a fate of its own.

    local       called in the process: the embedded store, standard output. What it cannot keep fails upward,
                but for a sink that says so itself (Missed): alerts must not stop logs
    shipped     spoken to by requests (shipping.Shipper). What it does not take is kept: transient leftovers
                in its retry queue, permanent ones in its dead letters; what cannot be kept fails upward

Local ones come first: where one fails nothing was sent yet, so nothing is doubled when all of it comes again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from subscribers.shipping import Shipper, drive
from subscribers.signals import Log, Metric, Signal, Span
from subscribers.sinks.bulk import Names
from subscribers.sinks.bulk_lines import BulkBodies, BulkLines
from subscribers.sinks.channel import Deliverer, Item, Keeper, LedgerChannel, Outcome
from subscribers.tables import Row

ALL_KINDS: frozenset[type] = frozenset((Log, Metric, Span))
_KINDS: dict[str, type] = {"logs": Log, "metrics": Metric, "spans": Span}


class Sink(Protocol):
    """A local sink; `store.Store` is one. Each call either keeps everything it was given or raises."""

    def append(self, signals: Iterable[Signal]) -> object:
        """Keep signals; those that are there already, by event ID, are kept once.

        A sink that does not want all of them returns the frozenset of the events that it took; one that
        nothing else may wait for returns Missed where it could keep none.
        """

    def record(self, ledger_rows: Iterable[Row]) -> object:
        """Keep rows of the ledger."""

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> object:
        """Keep a document that cannot be delivered, byte for byte."""


class Fates(msgspec.Struct):
    """What became of log events at one sink, by event ID; those that are not named were delivered."""

    stored: dict[str, str] = {}
    dropped: dict[str, str] = {}
    #: For the summary: requests, repeats, bytes sent, documents that were cut.
    told: dict[str, int] = {}


class Missed(msgspec.Struct, frozen=True):
    """What a local sink says that could not keep what it wanted, and does without.

    events: those that it wanted; reason: a low-cardinality word.
    """

    events: frozenset[str]
    reason: str


class Local(msgspec.Struct, frozen=True):
    """A sink that is called in the process."""

    name: str
    sink: Sink
    kinds: frozenset[type] = ALL_KINDS
    has_ledger: bool = True


class Shipped(msgspec.Struct, frozen=True):
    """A sink that is spoken to by requests."""

    name: str
    shipper: Shipper
    kinds: frozenset[type] = ALL_KINDS
    #: What its indices are called, where it takes `_bulk` bodies of all signals, as the fast lane writes.
    names: Names | None = None


Outlet = Local | Shipped


class Outlets:
    """What there is to deliver to, and where that is kept which cannot be delivered."""

    def __init__(
        self,
        outlets: Sequence[Outlet],
        dead_letters: Keeper | Sink,
        keeper: Keeper | None = None,
        notes: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """dead_letters: where documents of the input go that cannot be read; keeper: where that goes which
        sinks do not take; notes: counts of the process, for the summary. Raises ValueError where a sink is
        spoken to by requests and there is no keeper."""
        self.outlets = tuple(outlets)
        self.notes = notes
        self._dead_letters, self._keeper = dead_letters, keeper
        if keeper is None and any(isinstance(outlet, Shipped) for outlet in outlets):
            raise ValueError("what a sink does not take has to be kept somewhere")

    @property
    def names(self) -> Names | None:
        """What the indices are called where nothing but `_bulk` bodies of the same indices is wanted, so that
        no signal needs to be made; else None."""
        found = {outlet.names if isinstance(outlet, Shipped) else None for outlet in self.outlets}
        return found.pop() if len(found) == 1 else None

    @property
    def keeper(self) -> Keeper | None:
        """Where that is kept which sinks do not take; None where all are local."""
        return self._keeper

    @property
    def deliverers(self) -> dict[str, Deliverer]:
        """The sinks that are spoken to by requests, by name."""
        return {outlet.name: outlet.shipper for outlet in self.outlets if isinstance(outlet, Shipped)}

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> None:
        """Keep a document of the input that could not be read. Raises what the keeper raises."""
        self._dead_letters.dead_letter(reason, document, detail)

    def record(self, ledger_rows: Iterable[Row], deadline_s: float | None = None) -> None:
        """Give the rows of the ledger to the sinks that take them.

        deadline_s: seconds from now. Raises what a local sink or the keeper raises.
        """
        rows = list(ledger_rows)
        for outlet in self.outlets:
            if isinstance(outlet, Local):
                if outlet.has_ledger:
                    outlet.sink.record(rows)
                continue
            items = {
                name: channel.ledger_items(rows)
                for name, channel in outlet.shipper.channels.items()
                if isinstance(channel, LedgerChannel)
            }
            if items and self._keeper is not None:
                keep(self._keeper, outlet.name, outlet.shipper.deliver(items, deadline_s))

    def deliver(
        self, signals: Sequence[Signal], bodies: Sequence[BulkLines], deadline_s: float | None = None
    ) -> dict[str, Fates]:
        """Deliver to every sink, and return what became of the events by sink.

        bodies: what the fast lane made, only where `names`; deadline_s: seconds from now. Raises what a
        local sink or the keeper raises: then all of it has to come again.
        """
        fates: dict[str, Fates] = {}
        for outlet in self.outlets:
            if isinstance(outlet, Local):
                offered_here = _of(outlet.kinds, signals)
                taken = outlet.sink.append(offered_here)
                fates[outlet.name] = _fates_here(offered_here, taken)
        shipped = [outlet for outlet in self.outlets if isinstance(outlet, Shipped)]
        offered = {outlet.name: _Offered(outlet, signals, bodies) for outlet in shipped}
        jobs = {o.name: o.shipper.jobs(offered[o.name].items, deadline_s) for o in shipped}
        drive([job for some in jobs.values() for job in some])
        for outlet in shipped:
            outcomes = [job.outcome for job in jobs[outlet.name]]
            fates[outlet.name] = self._kept(outlet.name, outcomes, offered[outlet.name])
        return fates

    def _kept(self, sink: str, outcomes: Iterable[Outcome], offered: _Offered) -> Fates:
        """Keep what was not delivered, and say which events that were."""
        fates = Fates(dropped=dict.fromkeys(offered.not_taken(), "not_taken"))
        told = {"requests": 0, "retries": 0, "bytes_sent": 0, "truncated": 0}
        for outcome in outcomes:
            told["requests"] += outcome.requests
            told["retries"] += outcome.retries
            told["bytes_sent"] += outcome.bytes_sent
            told["truncated"] += sum(map(len, outcome.cut.values()))
            if self._keeper is not None:
                keep(self._keeper, sink, outcome)
            for by_channel in (outcome.retry, outcome.rejected):
                for leftovers in by_channel.values():
                    for leftover in leftovers:
                        for event in events_of(leftover.item):
                            fates.stored[event] = leftover.refusal.reason
        fates.told = {name: n for name, n in told.items() if n}
        return fates


def _fates_here(offered: Iterable[Signal], taken: object) -> Fates:
    """What became of the events at a local sink, by what it returned."""
    if not isinstance(taken, frozenset | Missed):
        return Fates()
    wanted = taken.events if isinstance(taken, Missed) else taken
    dropped = dict.fromkeys({_event(signal.event_id) for signal in offered} - wanted, "not_taken")
    if isinstance(taken, Missed):
        dropped.update(dict.fromkeys(wanted, taken.reason))
    return Fates(dropped=dropped)


def keep(keeper: Keeper, sink: str, outcome: Outcome) -> None:
    """Keep what a sink did not take. Raises what the keeper raises."""
    for channel, leftovers in outcome.retry.items():
        keeper.retry(sink, channel, leftovers)
    for kept in (outcome.rejected, outcome.cut):
        for channel, leftovers in kept.items():
            keeper.bury(sink, channel, leftovers)


class _Offered:
    """What one sink is offered, as items by channel; they are made while others are being sent."""

    def __init__(self, outlet: Shipped, signals: Sequence[Signal], bodies: Sequence[BulkLines]) -> None:
        self._signals = _of(outlet.kinds, signals)
        self._taken: set[str] = set()
        self.items: dict[str, Iterable[Item]] = {}
        for name, channel in outlet.shipper.channels.items():
            if outlet.names and bodies:
                self.items[name] = BulkBodies([*bodies, *_bulk(channel.items(self._signals))])
                self._taken |= {_event(signal.event_id) for signal in self._signals}
            elif self._signals:
                self.items[name] = self._noted(channel.items(self._signals))

    def not_taken(self) -> set[str]:
        """Return the events with signals of which no channel made an item."""
        return {_event(signal.event_id) for signal in self._signals} - self._taken

    def _noted(self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            self._taken.update(events_of(item))
            yield item


def _bulk(items: Iterable[Item]) -> Iterator[BulkLines]:
    found = list(items)
    if found:
        yield BulkLines(b"".join([item.body + b"\n" for item in found]), len(found))


def events_of(item: Item) -> Iterator[str]:
    """Yield the IDs of the log events that an item stands for."""
    yield _event(item.event_id)
    for event_id in item.more:
        yield _event(event_id)


def _event(event_id: str) -> str:
    return event_id.partition(":")[0]


def _of(kinds: frozenset[type], signals: Sequence[Signal]) -> Sequence[Signal]:
    return signals if kinds == ALL_KINDS else [signal for signal in signals if type(signal) in kinds]


def kinds_of(names: Collection[str] | None) -> frozenset[type]:
    """Return the types of `signals` of observe.yaml; all where missing."""
    return ALL_KINDS if names is None else frozenset(_KINDS[name] for name in names if name in _KINDS)
