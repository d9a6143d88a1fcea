"""What goes into a format and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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


#: What a line begins with that goes on with the one before: a frame of a stack trace, most often.
GOES_ON = (" ", "\t", "Caused by", "... ")
#: So many lines are looked at for one where a page may be cut: more than a record has.
_LOOKED_BACK = 1_024


def between(events: Sequence[LogEvent], begin: int, end: int) -> int:
    """Return the last place before `end` that is between two records, as far as their lines tell; else `end`.

    An exception's own line begins like any other: so neither it nor those beside it may go on.
    """

    def goes_on(at: int) -> bool:
        text = events[at].message if at < len(events) else "."
        return not text or text.startswith(GOES_ON) or text.isspace()

    places = range(end, max(begin + 1, end - _LOOKED_BACK), -1)
    calm = (at for at in places if not any(map(goes_on, (at - 1, at, at + 1))))
    quiet = (at for at in places if not goes_on(at))
    return next(calm, 0) or next(quiet, end)


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
    #: Which file the lines are of, where several have one log stream; "" of a stream.
    file: str = ""

    def part(self, begin: int, end: int) -> Page:
        """Return the events from begin to end, exclusive, as a page of its own."""
        events, ids = self.events[begin:end], self.event_ids[begin:end]
        return msgspec.structs.replace(self, events=events, event_ids=ids, first=self.first + begin)

    def parts(self, most: int = 8_192) -> Iterator[Page]:
        """Yield the page in pieces of about `most` events, so that what is made of them stays small.

        They are cut where an invocation starts, if one does; else where no line goes on with the one before,
        if such a place is near: CloudWatch cuts streams anywhere itself.
        """
        begin, size = 0, len(self.events)
        while begin < size:
            end = min(begin + most, size)
            starts = (at for at in range(end, begin, -1) if at < size and self._starts(at))
            cut = size if end == size else next(starts, 0) or between(self.events, begin, end)
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
