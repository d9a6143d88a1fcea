"""Records of the Kinesis Producer Library: several user records in one, behind a magic number, before an MD5.

What has not the magic number, or not the right digest, is an ordinary record, as Amazon's own reader has it.

https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5

from observe.services import kinesis
from subscribers.envelope import MalformedEnvelope

_MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES = 16
#: AggregatedRecord.records and Record.data.
_RECORDS = _DATA = 3
_VARINT, _I64, _LENGTH_DELIMITED, _I32 = 0, 1, 2, 5
#: An aggregate is at most 1 MiB, and an empty record in it two bytes.
_RECORDS_MAX = 100_000


def user_records(data: bytes) -> list[bytes]:
    """Return the data of each user record, in order; of an ordinary record itself.

    Raises MalformedEnvelope with `bad_aggregate` where the digest is right and the structure is not.
    """
    message, digest = data[len(_MAGIC) : -_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if not data.startswith(_MAGIC) or len(data) < len(_MAGIC) + _DIGEST_BYTES:
        return [data]
    if md5(message, usedforsecurity=False).digest() != digest:
        return [data]
    found = [_data(record) for number, record in _fields(message) if number == _RECORDS]
    if len(found) > _RECORDS_MAX:
        raise MalformedEnvelope("bad_aggregate", f"has more than {_RECORDS_MAX} records")
    return found


def _data(record: bytes) -> bytes:
    """The last one, as protocol buffers have it; the field is required."""
    data = [part for number, part in _fields(record) if number == _DATA]
    if not data:
        raise MalformedEnvelope("bad_aggregate", "a user record has no data")
    return data[-1]


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (number, value) of the length-delimited fields; others are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
            continue
        if kind == _LENGTH_DELIMITED:
            length, at = _varint(message, at)
        elif kind in (_I64, _I32):
            length = 8 if kind == _I64 else 4
        else:
            raise MalformedEnvelope("bad_aggregate", f"wire type {kind} is not known")
        if length > len(message) - at:
            raise MalformedEnvelope("bad_aggregate", "a field reaches beyond the end")
        if kind == _LENGTH_DELIMITED:
            yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value, end = kinesis.varint(message, at)
    if value < 0:
        raise MalformedEnvelope("bad_aggregate", "a number has no end")
    return value, end
