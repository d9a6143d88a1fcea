"""A record whose lines are too many for one reply, as two: the same lines with the same event IDs.

A record of several user records is halved between these, one of several documents between those, byte for
byte; a document by its events. Lines that are equal in time and text stay together, in their order, because
an event ID counts the equal lines before it in the same document.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable

import msgspec

from subscribers.envelope import LogBatch, LogEvent, MalformedEnvelope, decode_document
from subscribers.inputs import aggregates
from subscribers.inputs.documents import documents, plain_of

#: What an event ID is made of beside where the line comes from: milliseconds, and text as UTF-8 has it.
_Line = tuple[int, bytes]


def halves(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the data of two records with about half of the lines of one each; None where it cannot be
    halved.

    data: of a record of Kinesis or Firehose, see `documents.batches_in`.
    """
    try:
        if two := aggregates.halves(data):
            return two
        records = aggregates.user_records(data)
        record = records[0] if len(records) == 1 else None
        return _documents_halved(plain_of(record)) if isinstance(record, bytes) else None
    except MalformedEnvelope:
        return None


def _documents_halved(plain: bytes) -> tuple[bytes, bytes] | None:
    """Raises MalformedEnvelope where a single document is none."""
    found = [document for document in documents([plain], len(plain)) if isinstance(document, bytes)]
    if len(found) > 1:
        middle = len(found) // 2
        return _gzip(b"".join(found[:middle])), _gzip(b"".join(found[middle:]))
    return _events_halved(decode_document(found[0])) if found else None


def _events_halved(batch: LogBatch) -> tuple[bytes, bytes] | None:
    lines = [_line(event) for event in batch.events]
    first = _first_half(lines)
    if not first or len(first) == len(set(lines)):
        return None
    parts = (
        [event for event, line in zip(batch.events, lines, strict=True) if (line in first) is is_first]
        for is_first in (True, False)
    )
    one, two = (_encoded(batch, events) for events in parts)
    return one, two


def _first_half(lines: list[_Line]) -> set[_Line]:
    """Different lines, from the first on, until they are half of all; never the last of them."""
    counts = Counter(lines)  # in the order in which each came first
    first: set[_Line] = set()
    size = 0
    for line in list(counts)[:-1]:
        if first and size >= len(lines) // 2:
            break
        first.add(line)
        size += counts[line]
    return first


def _line(event: LogEvent) -> _Line:
    return event.timestamp_ms, event.message.encode("utf-8", "replace")


def _encoded(batch: LogBatch, events: Iterable[LogEvent]) -> bytes:
    return _gzip(msgspec.json.encode(msgspec.structs.replace(batch, events=tuple(events))))


def _gzip(data: bytes) -> bytes:
    """As small as it gets, for a stream takes no large records: the same bytes for the same data."""
    return gzip.compress(data, mtime=0)
