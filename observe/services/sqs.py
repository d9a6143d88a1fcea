"""SQS, both directions: message attributes, and the free AWSTraceHeader where they have no room.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

from __future__ import annotations

from observe.context import XRAY, xray_header
from observe.services.attributes import carried, receipt, received, room_of, sent, size_of
from observe.source import Carrier, Record, Source, mapping, text
from observe.wire import KIND_CONSUMER, KIND_PRODUCER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a message, header names lower-cased.

    event: {"Records": [{"messageId", "messageAttributes": {name: {"stringValue"}}, "attributes":
    {"AWSTraceHeader"}}]}. A record that is no dictionary counts as one without headers.
    """
    return [_record(mapping(message)) for message in event["Records"]]


def _record(message: Mapping[str, Any]) -> Record:
    headers = {
        name.lower(): value["stringValue"]
        for name, value in mapping(message.get("messageAttributes")).items()
        if isinstance(value, dict) and isinstance(value.get("stringValue"), str) and isinstance(name, str)
    }
    xray = mapping(message.get("attributes")).get("AWSTraceHeader")
    if isinstance(xray, str):
        headers.setdefault(XRAY, xray)
    return Record(headers, text(message.get("messageId")))


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process QUEUE` and the messaging attributes of the batch."""
    messages = [mapping(message) for message in event["Records"]]
    queue = text(messages[0].get("eventSourceARN")).rpartition(":")[2]
    return received("aws_sqs", queue, [text(message.get("messageId")) for message in messages])


SQS = Source(
    "SQS",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
    partial=True,
)


# --- Sending --------------------------------------------------------------------------------


def carry_message(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """SendMessage: {"QueueUrl", "MessageBody", "MessageAttributes"?} with the context added."""
    return _carried(params, context, room_of(_size(params)))


def carry_batch(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """SendMessageBatch: {"QueueUrl", "Entries": [message, ...]}; the size limit is the whole batch's."""
    entries = params.get("Entries")
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, dict) for entry in entries):
        return dict(params)  # botocore will tell the caller
    room = room_of(sum(_size(entry) for entry in entries))
    out: list[Mapping[str, Any]] = []
    for entry in entries:
        grown = _carried(entry, context, room)
        room -= _size(grown) - _size(entry)
        out.append(grown)
    return {**params, "Entries": out}


def _carried(message: Mapping[str, Any], context: Context, room: int) -> dict[str, Any]:
    """The message with as many attributes as have room; else AWSTraceHeader."""
    return carried(message, context, room) or _traced(message, context)


def _traced(message: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """AWSTraceHeader counts towards neither limit."""
    existing = message.get("MessageSystemAttributes")
    if existing is not None and (not isinstance(existing, dict) or "AWSTraceHeader" in existing):
        return dict(message)
    header = {"DataType": "String", "StringValue": xray_header(context)}
    return {**message, "MessageSystemAttributes": {**(existing or {}), "AWSTraceHeader": header}}


def _size(message: Mapping[str, Any]) -> int:
    return size_of(message, "MessageBody")


def _describe_send(params: Mapping[str, Any]) -> Description:
    queue = text(params.get("QueueUrl")).rpartition("/")[2]
    return sent("aws_sqs", queue, params.get("Entries"))


SEND = Carrier(kind=KIND_PRODUCER, carry=carry_message, describe=_describe_send, receipt=receipt)
SEND_BATCH = Carrier(kind=KIND_PRODUCER, carry=carry_batch, describe=_describe_send, receipt=receipt)
