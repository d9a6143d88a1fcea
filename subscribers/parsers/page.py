"""What goes into a format and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

from subscribers.envelope import LogEvent
from subscribers.signals import Origin, Signal


class Line(NamedTuple):
    """One line. sequence: its position in the payload; unix_nano: CloudWatch's time."""

    event_id: str
    sequence: int
    unix_nano: int
    text: str


class Page(msgspec.Struct, frozen=True):
    """The lines of one batch, and what every format needs to know about them."""

    origin: Origin
    events: tuple[LogEvent, ...]
    #: One an event, see `identity`.
    event_ids: list[str]
    #: When the batch arrived.
    now_unix_nano: int
    #: Position of the first event in its payload.
    first: int = 0

    def part(self, begin: int, end: int) -> Page:
        """Return the events from begin to end, exclusive, as a page of its own."""
        events, ids = self.events[begin:end], self.event_ids[begin:end]
        return msgspec.structs.replace(self, events=events, event_ids=ids, first=self.first + begin)

    def parts(self, most: int = 8_192) -> Iterator[Page]:
        """Yield the page in pieces of about `most` events, so that what is made of them stays small.

        They are cut where an invocation starts, if one does: CloudWatch cuts streams anywhere itself.
        """
        begin, size = 0, len(self.events)
        while begin < size:
            end = min(begin + most, size)
            starts = (at for at in range(end, begin, -1) if at < size and self._starts(at))
            cut = size if end == size else next(starts, end)
            yield self if cut - begin == size else self.part(begin, cut)
            begin = cut

    def _starts(self, at: int) -> bool:
        return self.events[at].message.startswith("START ")

    def lines(self) -> Iterator[Line]:
        """Yield each line in order, as valid UTF-8 without its line end."""
        numbered = enumerate(zip(self.event_ids, self.events, strict=True), self.first)
        for sequence, (event_id, event) in numbered:
            text = _valid(event.message).rstrip("\r\n")
            yield Line(event_id, sequence, event.timestamp_ms * 1_000_000, text)


class Parsed(msgspec.Struct):
    """What a batch became. `notes` counts by reason what was kept but not understood."""

    signals: list[Signal] = []
    notes: dict[str, int] = {}
    #: How many events yielded no signal: blank lines and span lines without a span.
    silent: int = 0
    #: Event that became part of the log of an earlier one -> that one's event ID.
    joined: dict[str, str] = {}
    #: With `format: auto`: (the format that was taken, how sure that is, 0 to 1).
    detected: tuple[str, float] | None = None

    def note(self, reason: str) -> None:
        """Count one line under a low-cardinality reason."""
        self.notes[reason] = self.notes.get(reason, 0) + 1


#: Never raises, whatever the lines are.
Format = Callable[[Page], Parsed]


def _valid(text: str) -> str:
    """Text that every sink can encode: lone surrogates become `?`."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=256)
def served_by(origin: Origin, service: str) -> Origin:
    """Return the origin with the service that the line itself names, if it names one."""
    return msgspec.structs.replace(origin, service=service) if service else origin
