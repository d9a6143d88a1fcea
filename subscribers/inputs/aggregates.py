"""Records of the Kinesis Producer Library: several user records in one, behind a magic number, before an MD5.

What has not the magic number, or not the right digest, is an ordinary record, as Amazon's own reader has it.
A user record that cannot be read costs only itself.

https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5
from typing import NamedTuple

from observe.services import kinesis
from subscribers.envelope import MalformedEnvelope

_MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES = 16
#: AggregatedRecord.records and Record.data.
_RECORDS = _DATA = 3
_VARINT, _I64, _LENGTH_DELIMITED, _I32 = 0, 1, 2, 5
#: An aggregate is at most 1 MiB, and an empty record in it two bytes.
_RECORDS_MAX = 100_000


def user_records(data: bytes) -> list[bytes | MalformedEnvelope]:
    """Return the data of each user record, in order, or why there is none; of an ordinary record itself.

    Raises MalformedEnvelope with `bad_aggregate` where the digest is right and the structure is not.
    """
    message = _message(data)
    if message is None:
        return [data]
    return [_data(record) for record in _records(message)]


def halves(data: bytes) -> tuple[bytes, bytes] | None:
    """Return an aggregate as two, with half of its user records each, byte for byte; None where it has less
    than two of them, or is none.

    Raises MalformedEnvelope as `user_records`.
    """
    message = _message(data)
    fields = list(_fields(message)) if message is not None else []
    records = [field.whole for field in fields if field.number == _RECORDS]
    if len(records) < 2:
        return None
    # The tables of keys are in both: user records name their keys by their places in them.
    tables = [field.whole for field in fields if field.number != _RECORDS]
    middle = len(records) // 2
    return _aggregate(tables + records[:middle]), _aggregate(tables + records[middle:])


def _message(data: bytes) -> bytes | None:
    """The protocol buffer of an aggregate; None of an ordinary record."""
    message, digest = data[len(_MAGIC) : -_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if not data.startswith(_MAGIC) or len(data) < len(_MAGIC) + _DIGEST_BYTES:
        return None
    return message if _digest(message) == digest else None


def _aggregate(fields: list[bytes]) -> bytes:
    message = b"".join(fields)
    return _MAGIC + message + _digest(message)


def _digest(message: bytes) -> bytes:
    return md5(message, usedforsecurity=False).digest()


def _records(message: bytes) -> list[bytes]:
    found = [field.value for field in _fields(message) if field.number == _RECORDS]
    if len(found) > _RECORDS_MAX:
        raise MalformedEnvelope("bad_aggregate", f"has more than {_RECORDS_MAX} records")
    return found


def _data(record: bytes) -> bytes | MalformedEnvelope:
    """The last one, as protocol buffers have it; the field is required."""
    try:
        data = [field.value for field in _fields(record) if field.number == _DATA]
    except MalformedEnvelope as error:
        return error
    return data[-1] if data else MalformedEnvelope("bad_aggregate", "a user record has no data")


class _Field(NamedTuple):
    """One field of a message. value: of a length-delimited one; whole: with its number and length."""

    number: int
    value: bytes
    whole: bytes


def _fields(message: bytes) -> Iterator[_Field]:
    """Yield the length-delimited fields; others are passed over."""
    at = 0
    while at < len(message):
        begin = at
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
        end = at + length
        if kind == _LENGTH_DELIMITED:
            yield _Field(tag >> 3, message[at:end], message[begin:end])
        at = end


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value, end = kinesis.varint(message, at)
    if value < 0:
        raise MalformedEnvelope("bad_aggregate", "a number has no end")
    return value, end
