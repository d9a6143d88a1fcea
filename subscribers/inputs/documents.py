"""Bytes that hold subscription documents, one or many, to batches: a document that is broken costs only
itself.

Firehose concatenates what it delivers without a separator, so that an object is `{...}{...}`. A `}` and a
`{"` with a letter behind it are a boundary wherever they stand: within a text the quote would be its end, and
no letter follows that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from subscribers.envelope import (
    GZIP_MAGIC,
    INFLATED_MAX_BYTES,
    LogBatch,
    MalformedEnvelope,
    decode_events,
    gunzip,
)
from subscribers.inputs.aggregates import user_records

Found = LogBatch | MalformedEnvelope

_BOUNDARY = re.compile(rb"\}[ \t\r\n]{0,8}+(?=\{[ \t\r\n]{0,8}+\"\w)")
#: How many blanks may stand before a document.
_BLANKS_MAX = 64
#: What the last piece's end and the next one's beginning can hold of a boundary.
_OVERLAP_BYTES = 20


def batches_in(data: bytes, limit: int = INFLATED_MAX_BYTES) -> tuple[Found, ...]:
    """Return the batches in one record of Kinesis or Firehose: gzip or plain JSON, aggregated or not.

    limit: bytes that may be inflated, over all user records; what came plain needs no room of its own.
    """
    found: list[Found] = []
    try:
        records = user_records(data)
    except MalformedEnvelope as error:
        return (error,)
    for record in records:
        if isinstance(record, MalformedEnvelope):
            found.append(record)
            continue
        try:
            plain = plain_of(record, limit)
        except MalformedEnvelope as error:
            found.append(error)
            continue
        if plain is not record:
            limit -= len(plain)
        if not plain[:_BLANKS_MAX].lstrip().startswith(b"{"):
            reason = "is neither gzip nor JSON" if plain is record else "holds no JSON"
            found.append(
                MalformedEnvelope("bad_gzip" if plain is record else "bad_json", f"the record {reason}")
            )
            continue
        found += batches([plain])
    return tuple(found)


def plain_of(record: bytes, limit: int = INFLATED_MAX_BYTES) -> bytes:
    """Return what a user record holds; the record itself where it is not compressed.

    Raises MalformedEnvelope with `bad_gzip` or `too_large`.
    """
    return gunzip(record, limit) if record.startswith(GZIP_MAGIC) else record


def batches(pieces: Iterable[bytes | MalformedEnvelope], limit: int = INFLATED_MAX_BYTES) -> Iterator[Found]:
    """Yield the batch of each document in pieces of bytes, or why there is none.

    limit: how long one document may be; a longer one costs only itself. What is broken between the pieces
    ends the document before it.
    """
    for document in documents(pieces, limit):
        if isinstance(document, MalformedEnvelope):
            yield document
            continue
        yield from decode_events(document)


def documents(
    pieces: Iterable[bytes | MalformedEnvelope], limit: int = INFLATED_MAX_BYTES
) -> Iterator[bytes | MalformedEnvelope]:
    """Yield the bytes of each document, or why there are none: one behind the other they are the pieces."""
    rest = bytearray()
    is_lost = False  # whether `rest` is of a document that was too long
    for piece in pieces:
        if isinstance(piece, MalformedEnvelope):
            if rest.strip() and not is_lost:
                yield bytes(rest)
            yield piece
            rest.clear()
            is_lost = False
            continue
        searched = max(0, len(rest) - _OVERLAP_BYTES)
        rest += piece
        start = 0
        for end in [boundary.end() for boundary in _BOUNDARY.finditer(rest, searched)]:
            if not is_lost:
                yield _within(rest[start:end], limit)
            start, is_lost = end, False
        del rest[:start]
        if len(rest) > limit and not is_lost:
            yield _within(rest, limit)
            is_lost = True
        if is_lost:
            del rest[:-_OVERLAP_BYTES]
    if rest.strip() and not is_lost:
        yield bytes(rest)


def _within(document: bytearray, limit: int) -> bytes | MalformedEnvelope:
    if len(document) > limit:
        return MalformedEnvelope("too_large", f"a document is longer than {limit} bytes")
    return bytes(document)
