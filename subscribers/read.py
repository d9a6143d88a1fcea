"""What a part of a batch became: signals, or the text of documents; and how many events are in either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from subscribers.config import Service
from subscribers.parsers import serverless
from subscribers.parsers.page import Format, Parsed
from subscribers.sinks.bulk_lines import BulkLines


class Body(NamedTuple):
    """The lines of `_bulk` requests, and what became of the events in them, for the ledger.

    delivered: events with documents in it, or that are a part of another's; dropped: the others, by reason;
    documents: how many there are; notes: see Parsed.notes; joined: events that are a part of another's log.
    Each event of a page is in one body.
    """

    lines: bytes
    documents: int
    delivered: int
    dropped: dict[str, int]
    notes: dict[str, int]
    joined: Mapping[str, str] = {}


class Read(NamedTuple):
    """What a part of a batch became. events: how many it had, of so many characters; dropped: how many of
    them are left out on purpose, by reason; body: instead of signals, where the fast lane told it."""

    parsed: Parsed
    dropped: Mapping[str, int]
    events: int = 0
    characters: int = 0
    body: Body | None = None

    @property
    def signals(self) -> int:
        """How many signals, or documents, it has."""
        return self.body.documents if self.body else len(self.parsed.signals)

    @property
    def notes(self) -> Mapping[str, int]:
        """See Parsed.notes."""
        return self.body.notes if self.body else self.parsed.notes

    @property
    def delivered(self) -> int:
        """How many events reach a sink that takes all: with signals of their own, or as a part of another
        event's log.

        Counted from what is to be written, not from what was read: else a ledger could only agree with
        itself.
        """
        if self.body:
            return self.body.delivered
        told = {signal.event_id.partition(":")[0] for signal in self.parsed.signals}
        joined = self.parsed.joined.items()
        return len(told) + sum(log in told for event, log in joined if event not in told)

    def delivered_of(self, kinds: frozenset[type]) -> int:
        """How many events reach a sink that takes these types of signals."""
        return sum(self.weights(kinds).values())

    def weights(self, kinds: frozenset[type]) -> Counter[str]:
        """Return events with such signals, and how many each stands for: itself and the parts of its log."""
        if self.body:
            items = BulkLines(self.body.lines, self.body.documents)
            told = {item.event_id.partition(":")[0] for item in items}
            joined = self.body.joined
        else:
            signals = self.parsed.signals
            told = {signal.event_id.partition(":")[0] for signal in signals if type(signal) in kinds}
            joined = self.parsed.joined
        weights = Counter(dict.fromkeys(told, 1))
        weights.update(log for event, log in joined.items() if log in told and event not in told)
        return weights


def priced(format: Format, service: Service | None) -> Format:
    """Return the format with which a service's lines are read: what its invocations cost is the service's."""
    if format is serverless.parse and service is not None:
        return partial(serverless.parse, pricing=service.pricing)
    return format
