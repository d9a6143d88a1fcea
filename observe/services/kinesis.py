"""Kinesis Data Streams, both directions: a member of JSON data, where the team asks for it.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
"""

from __future__ import annotations

from observe import semconv
from observe.services.attributes import bytes_of, entries_of, ids_in, oldest_of, received, sent
from observe.services.member import (
    added,
    all_added,
    base64_without,
    decoded,
    headers_of,
    in_each,
    opted_in,
    room_of,
    within,
)
from observe.source import Carrier, Record, Source, mapping, text
from observe.wire import KIND_CONSUMER, KIND_PRODUCER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

SYSTEM = "aws.kinesis"
#: Data and partition key of one record: what a stream takes unless its limit was raised, and at most.
RECORD_LIMITS = (1024 * 1024, 10 * 1024 * 1024)
#: All records of one request: until October 2025, and since.
REQUEST_LIMITS = (5 * 1024 * 1024, 10 * 1024 * 1024)

# --- Reading --------------------------------------------------------------------------------

#: How much of a record of the Kinesis Producer Library is looked into, and how many user records are taken.
AGGREGATE_MAX_BYTES = 1024 * 1024
USER_RECORDS_MAX = 1000
#: https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
_MAGIC = b"\xf3\x89\x9a\xc2"
#: The same in base64, without the digit that the next byte has a part in.
_MAGIC_BASE64 = "84maw"
_MD5_BYTES = 16
_RECORDS = _DATA = 3


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a user record; the message ID is the sequence number of the Kinesis record it is in.

    event: {"Records": [{"kinesis": {"data": base64, "sequenceNumber"}}]}. Several user records are in
    one that the Kinesis Producer Library aggregated; of others the first members of a JSON object are read.
    """
    return [
        found for record in event["Records"] for found in _records(mapping(mapping(record).get("kinesis")))
    ]


def _records(kinesis: Mapping[str, Any]) -> list[Record]:
    number = text(kinesis.get("sequenceNumber"))
    return [Record(headers, number) for headers in all_headers(kinesis.get("data"))]


def all_headers(data: object) -> list[dict[str, str]]:
    """Return the headers of each user record in the base64 of one Kinesis record; at least one."""
    if text(data).startswith(_MAGIC_BASE64):
        whole = decoded(data, AGGREGATE_MAX_BYTES)
        if whole.startswith(_MAGIC):
            return [headers_of(part) for part in user_records(whole)] or [{}]
    return [headers_of(decoded(data, 12 * 1024))]


def user_records(aggregate: bytes) -> list[bytes]:
    """Return the data of each user record in an aggregate: magic, protocol buffers, MD5; never raises.

    What is damaged ends the reading. The MD5 is not compared: four bytes of magic and this structure are
    enough to be told from other data, and whoever reads the records compares it.
    """
    found = []
    for field, record in _fields(aggregate[len(_MAGIC) : -_MD5_BYTES]):
        if field == _RECORDS:
            found.append(next((part for number, part in _fields(record) if number == _DATA), b""))
        if len(found) >= USER_RECORDS_MAX:
            break
    return found


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (number, value) of the length-delimited fields of a message; the others are numbers, and skipped.

    https://protobuf.dev/programming-guides/encoding/#structure
    """
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        length, at = varint(message, at)
        if tag & 7 == 0:  # a number, which has just been read
            continue
        if tag & 7 != 2 or not 0 <= length <= len(message) - at:
            return
        yield tag >> 3, message[at : at + length]
        at += length


def varint(message: bytes, at: int) -> tuple[int, int]:
    """(value, index after it) of a base 128 varint of at most ten bytes; (-1, end) for a damaged one."""
    value = 0
    for shift, byte in enumerate(message[at : at + 10]):
        value |= (byte & 127) << 7 * shift
        if byte < 128:
            return value, at + shift + 1
    return -1, len(message)


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process STREAM`, the messaging attributes of the batch (Kinesis records count), and its age.

    The ARN is the stream's, or with enhanced fan-out its consumer's: `stream/<name>/consumer/<name>:<time>`.
    """
    found = [mapping(record) for record in event["Records"]]
    arn = text((found[0] if found else event).get("eventSourceARN"))
    stream = arn.partition(":stream/")[2].partition("/")[0]
    numbers = [text(mapping(record.get("kinesis")).get("sequenceNumber")) for record in found]
    name, attributes = received(SYSTEM, stream, numbers)
    arrived = (mapping(record.get("kinesis")).get("approximateArrivalTimestamp") for record in found)
    return name, {**attributes, **oldest_of(arrived)}


def _strip(event: Any) -> Any:
    return within(event, ("Records",), lambda found: in_each(found, ("kinesis", "data"), base64_without))


KINESIS = Source(
    "Kinesis",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
    partial=True,
    strip=_strip,
)


# --- Putting --------------------------------------------------------------------------------


def _one(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    if not opted_in("kinesis"):
        return {**params}, "opt_in"
    before = params.get("Data")
    data, reason = added(before, context, _room(params))
    return {**params, "Data": data} if data is not before else {**params}, reason


def _many(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    entries = entries_of(params, "Records")
    if entries is None or not opted_in("kinesis"):
        return {**params}, "opt_in" if entries else ""
    room = room_of(sum(map(_size, entries)), *REQUEST_LIMITS)
    out, reason = all_added(entries, "Data", context, room, _room)
    return {**params, "Records": out}, reason


def _room(record: Mapping[str, Any]) -> int:
    return room_of(_size(record), *RECORD_LIMITS)


def _size(record: Mapping[str, Any]) -> int:
    return bytes_of(record.get("Data")) + bytes_of(record.get("PartitionKey"))


def _describe_put(params: Mapping[str, Any]) -> Description:
    stream = text(params.get("StreamName")) or text(params.get("StreamARN")).rpartition("/")[2]
    return sent(SYSTEM, stream, params.get("Records"))


def _receipt(response: Mapping[str, Any]) -> dict[str, str]:
    number = text(response.get("SequenceNumber"))
    return {semconv.MESSAGING_MESSAGE_ID: number} if number else {}


PUT = Carrier(
    kind=KIND_PRODUCER,
    carry=lambda params, context: _one(params, context)[0],
    describe=_describe_put,
    receipt=_receipt,
    lost=lambda params, context: _one(params, context)[1],
)
PUT_BATCH = Carrier(
    kind=KIND_PRODUCER,
    carry=lambda params, context: _many(params, context)[0],
    describe=_describe_put,
    receipt=lambda _: {},
    ids=ids_in("Records", "SequenceNumber"),
    lost=lambda params, context: _many(params, context)[1],
)
