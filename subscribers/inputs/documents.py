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
    decode_document,
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

    limit: bytes that the record may inflate to, all user records together.
    """
    found: list[Found] = []
    try:
        records = user_records(data)
    except MalformedEnvelope as error:
        return (error,)
    for record in records:
        try:
            plain = gunzip(record, limit) if record.startswith(GZIP_MAGIC) else record
        except MalformedEnvelope as error:
            found.append(error)
            continue
        limit -= len(plain)
        if not plain[:_BLANKS_MAX].lstrip().startswith(b"{"):
            reason = "is neither gzip nor JSON" if plain is record else "holds no JSON"
            found.append(
                MalformedEnvelope("bad_gzip" if plain is record else "bad_json", f"the record {reason}")
            )
            continue
        found += batches([plain])
    return tuple(found)


def batches(pieces: Iterable[bytes | MalformedEnvelope], limit: int = INFLATED_MAX_BYTES) -> Iterator[Found]:
    """Yield the batch of each document in pieces of bytes, or why there is none.

    limit: how long one document may be. What is broken between the pieces ends the document before it.
    """
    for document in _documents(pieces, limit):
        if isinstance(document, MalformedEnvelope):
            yield document
            continue
        try:
            yield decode_document(document)
        except MalformedEnvelope as error:
            yield error


def _documents(
    pieces: Iterable[bytes | MalformedEnvelope], limit: int
) -> Iterator[bytes | MalformedEnvelope]:
    rest = bytearray()
    for piece in pieces:
        if isinstance(piece, MalformedEnvelope):
            if rest.strip():
                yield bytes(rest)
            yield piece
            rest.clear()
            continue
        searched = max(0, len(rest) - _OVERLAP_BYTES)
        rest += piece
        start = 0
        for end in [boundary.end() for boundary in _BOUNDARY.finditer(rest, searched)]:
            yield bytes(rest[start:end])
            start = end
        del rest[:start]
        if len(rest) > limit:
            yield MalformedEnvelope("too_large", f"a document is longer than {limit} bytes")
            return
    if rest.strip():
        yield bytes(rest)
