"""Firehose, both directions: events of a transformation; a member of JSON data where the team asks for it.

The ID that PutRecord returns is not the one that a transformation sees; of a stream before it, the sequence
number is.
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
"""

from __future__ import annotations

from observe import semconv
from observe.services.attributes import bytes_of, entries_of, ids_in, received, sent
from observe.services.kinesis import all_headers
from observe.services.member import added, all_added, base64_without, in_each, opted_in, room_of, within
from observe.source import Carrier, Record, Source, mapping, text
from observe.wire import KIND_CONSUMER, KIND_PRODUCER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

SYSTEM = "aws.firehose"
#: "up to 1,000 KiB in size", before base64.
RECORD_MAX_BYTES = 1_024_000
#: "4 MB for the entire request"
REQUEST_MAX_BYTES = 4_000_000


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a user record; its message ID is the stream's sequence number, else Firehose's own.

    event: {"records": [{"recordId", "data": base64, "kinesisRecordMetadata"?: {"sequenceNumber"}}]}
    """
    return [
        Record(headers, _id(record))
        for record in _entries(event)
        for headers in all_headers(record.get("data"))
    ]


def _entries(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = event.get("records")
    return [mapping(record) for record in found] if isinstance(found, list) else []


def _id(record: Mapping[str, Any]) -> str:
    metadata = mapping(record.get("kinesisRecordMetadata"))
    return text(metadata.get("sequenceNumber")) or text(record.get("recordId"))


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process DELIVERY STREAM` and the messaging attributes of the batch."""
    stream = text(event.get("deliveryStreamArn")).rpartition("/")[2]
    return received(SYSTEM, stream, [_id(record) for record in _entries(event)])


def _strip(event: Any) -> Any:
    return within(event, ("records",), lambda found: in_each(found, ("data",), base64_without))


FIREHOSE = Source(
    "Firehose",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
    strip=_strip,
)


# --- Putting --------------------------------------------------------------------------------


def _one(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    record = params.get("Record")
    if not isinstance(record, dict) or not opted_in("firehose"):
        return {**params}, "opt_in" if isinstance(record, dict) else ""
    before = record.get("Data")
    data, reason = added(before, context, _room(record))
    return {**params, "Record": {**record, "Data": data}} if data is not before else {**params}, reason


def _many(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    entries = entries_of(params, "Records")
    if entries is None or not opted_in("firehose"):
        return {**params}, "opt_in" if entries else ""
    room = room_of(sum(bytes_of(record.get("Data")) for record in entries), REQUEST_MAX_BYTES)
    out, reason = all_added(entries, "Data", context, room, _room)
    return {**params, "Records": out}, reason


def _room(record: Mapping[str, Any]) -> int:
    return room_of(bytes_of(record.get("Data")), RECORD_MAX_BYTES)


def _describe_put(params: Mapping[str, Any]) -> Description:
    return sent(SYSTEM, text(params.get("DeliveryStreamName")), params.get("Records"))


def _receipt(response: Mapping[str, Any]) -> dict[str, str]:
    record_id = text(response.get("RecordId"))
    return {semconv.MESSAGING_MESSAGE_ID: record_id} if record_id else {}


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
    ids=ids_in("RequestResponses", "RecordId"),
    lost=lambda params, context: _many(params, context)[1],
)
