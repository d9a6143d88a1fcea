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

#: CloudWatch's own limits of a batch; a batch ends where a line begins that goes on with no record.
EVENTS_MAX = 10_000
BYTES_MAX = 4 * 1024 * 1024
_EVENTS_HARD_MAX = EVENTS_MAX + 512
_GOES_ON = (b" ", b"\t", b"Caused by", b"... ")


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
        if batch.is_full(cut[1]):
            yield from batch.take()
        batch.add(*cut)
    yield from batch.take()


class _Batch:
    """The batch that is being filled."""

    def __init__(self, place: Place, decode: Callable[[bytes], str]) -> None:
        self._place, self._decode = place, decode
        self._base: blake2b | None = None
        self._events: list[LogEvent] = []
        self._ids: list[str] = []
        self._size = 0

    def is_full(self, line: bytes) -> bool:
        """Whether a line belongs into the next batch."""
        if len(self._events) < EVENTS_MAX and self._size < BYTES_MAX:
            return False
        return len(self._events) >= _EVENTS_HARD_MAX or not line.startswith(_GOES_ON)

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

    def take(self) -> Iterator[FileBatch]:
        """Yield what there is, and begin again."""
        if self._events:
            yield FileBatch(
                owner=self._place.account,
                log_group=self._place.log_group,
                log_stream=self._place.log_stream,
                message_type="DATA_MESSAGE",
                events=tuple(self._events),
                line_ids=tuple(self._ids),
            )
        self._events, self._ids, self._size = [], [], 0
