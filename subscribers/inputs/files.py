"""Lines of a file to batches. Where a file begins with the same line and has the same line at the same place,
it is the same file: so a log and the rotated, compressed copy of it agree.

The event ID of a line, 32 lower-case hex digits: BLAKE2b of 16 bytes, no key, over `<service>` LF
`<hex of SHA-256 of the file's first line>` LF `<offset in decimal digits>` LF `<the line's bytes>`. The line
is in it because logs with a header (W3C, CSV) all begin with the same line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b, sha256

import msgspec

from subscribers.envelope import FileBatch, LogEvent, MalformedEnvelope
from subscribers.inputs.inflate import Piece
from subscribers.inputs.lines import texts
from subscribers.parsers.page import between

#: CloudWatch's own limits of a batch; it is cut between two records, if such a place is near.
EVENTS_MAX = 10_000
BYTES_MAX = 4 * 1024 * 1024


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which log a file belongs to, as configuration has it. service: the name in the event IDs."""

    account: str
    log_group: str
    log_stream: str
    service: str
    #: Milliseconds since the epoch: when the file was written, which is the time of lines that tell none.
    time_ms: int
    encoding: str = "utf-8"
    #: Records of so many bytes instead of lines; 0 for lines.
    record_bytes: int = 0


def batches(pieces: Iterable[Piece], place: Place) -> Iterator[FileBatch | MalformedEnvelope]:
    """Yield the lines of a file in batches, and why a part of it could not be read.

    Raises BadLayout for an encoding that is not known.
    """
    cuts, decode = texts(pieces, place.encoding, place.record_bytes)
    batch = _Batch(place, decode)
    for cut in cuts:
        if isinstance(cut, MalformedEnvelope):
            yield from batch.take()
            yield cut
            continue
        batch.add(*cut)
        if batch.is_full:
            yield from batch.take(batch.place_to_cut())
    yield from batch.take()


class _Batch:
    """The batch that is being filled."""

    def __init__(self, place: Place, decode: Callable[[bytes], str]) -> None:
        self._place, self._decode = place, decode
        self._base: blake2b | None = None
        self._events: list[LogEvent] = []
        self._ids: list[str] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether it has to be taken."""
        return len(self._events) > EVENTS_MAX or self._size >= BYTES_MAX

    def place_to_cut(self) -> int:
        """Return how many lines to take: the last one waits, for it tells of the one before."""
        return between(self._events, 0, len(self._events) - 1) or len(self._events)

    def add(self, offset: int, line: bytes) -> None:
        """Add a line; the first of all names the file."""
        if self._base is None:
            first = sha256(line).hexdigest()
            self._base = blake2b(
                f"{self._place.service}\n{first}\n".encode("utf-8", "replace"), digest_size=16
            )
        named = self._base.copy()
        named.update(b"%d\n" % offset + line)
        self._ids.append(named.hexdigest())
        self._events.append(LogEvent(timestamp_ms=self._place.time_ms, message=self._decode(line)))
        self._size += len(line)

    def take(self, lines: int | None = None) -> Iterator[FileBatch]:
        """Yield so many of the lines, or all there are, and go on with the others."""
        if self._events:
            yield FileBatch(
                owner=self._place.account,
                log_group=self._place.log_group,
                log_stream=self._place.log_stream,
                message_type="DATA_MESSAGE",
                events=tuple(self._events[:lines]),
                line_ids=tuple(self._ids[:lines]),
                file=self._base.hexdigest() if self._base else "",
            )
        taken = len(self._events) if lines is None else lines
        self._events, self._ids = self._events[taken:], self._ids[taken:]
        self._size = sum(len(event.message) for event in self._events)
