"""Subscriptions through Kinesis Data Streams: records to batches, and the reply for those that failed.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

import msgspec

from subscribers.envelope import INFLATED_MAX_BYTES, MalformedEnvelope, base64_bytes
from subscribers.inputs.documents import Found, batches_in


class Part(msgspec.Struct, frozen=True):
    """One record of an event. record_id: its sequence number or record ID; data: its bytes, to be kept if
    need be."""

    record_id: str
    data: bytes
    found: tuple[Found, ...]


def is_event(event: object) -> bool:
    """Whether an event is one of Kinesis."""
    records = event.get("Records") if isinstance(event, dict) else None
    return isinstance(records, list) and any(isinstance(r, dict) and "kinesis" in r for r in records)


def parts(event: dict[str, Any], limit: int = INFLATED_MAX_BYTES) -> Iterator[Part]:
    """Yield each record with its batches, in order, one at a time in memory.

    event: {"Records": [{"kinesis": {"data": base64, "sequenceNumber"}}]}; limit: what one record may inflate
    to.
    """
    for record_id, data in records(event):
        yield part(record_id, data, limit)


def records(event: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield (sequence number, data as the event has it) of each record; "" and None where it has none."""
    for record in event["Records"]:
        told = record.get("kinesis") if isinstance(record, dict) else None
        told = told if isinstance(told, dict) else {}
        number = told.get("sequenceNumber")
        yield number if isinstance(number, str) else "", told.get("data")


def part(record_id: str, data: object, limit: int) -> Part:
    """Return one record; what is no base64 is kept as the text it is."""
    return Part(record_id, raw(data), tuple(found_in(data, limit)))


def raw(data: object) -> bytes:
    """Return the bytes of a record's data; what is no base64 is the text it is."""
    try:
        return base64_bytes(data)
    except MalformedEnvelope:
        return str(data).encode("utf-8", "replace")


def found_in(data: object, limit: int = INFLATED_MAX_BYTES) -> Iterator[Found]:
    """Yield what is in a record's data, decoded when it is asked for."""
    try:
        plain = base64_bytes(data)
    except MalformedEnvelope as error:
        yield error
        return
    yield from batches_in(plain, limit)


def failures(event: dict[str, Any], failed: Container[str]) -> dict[str, Any]:
    """Return the reply that makes Lambda begin again at the first record that failed.

    failed: sequence numbers of records that could not even be stored. One without a number fails the whole
    event.
    """
    for record_id, _ in records(event):
        if record_id in failed:
            # All that came behind it is sent again, so one is enough.
            return {"batchItemFailures": [{"itemIdentifier": record_id}]}
    return {"batchItemFailures": []}
