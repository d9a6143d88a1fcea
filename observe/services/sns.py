"""SNS, both directions: message attributes, as many as a raw SQS subscription would take.

https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
"""

from __future__ import annotations

from observe.services import shapes
from observe.services.attributes import (
    carried,
    entries_of,
    ids_in,
    lost_of,
    of_sns,
    receipt,
    received,
    room_of,
    sent,
    size_of,
    told,
)
from observe.source import OWN, Carrier, Record, Source, identified, mapping, text
from observe.wire import KIND_CONSUMER, KIND_PRODUCER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

SYSTEM = "aws.sns"


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a message, header names lower-cased.

    event: {"Records": [{"Sns": {"MessageId", "Message", "MessageAttributes": {name: {"Type", "Value"}}}}]}.
    Binary values are not text and are left out. Where the attributes carry no ID of ours, what is inside the
    message may: see envelopes.
    """
    return [_record(mapping(mapping(record).get("Sns"))) for record in event["Records"]]


def _record(message: Mapping[str, Any]) -> Record:
    headers = told(message.get("MessageAttributes"), of_sns)
    receipts: tuple[str, ...] = ()
    found = None
    inside = text(message.get("Message"))
    if not identified(headers) and shapes.enveloped(inside):
        from observe.services import envelopes  # few messages need it

        found = envelopes.opened(inside)
        headers, receipts = found.inside(headers), tuple(found.receipts)
    record = Record(headers, text(message.get("MessageId")), receipts)
    record.public = found is not None and found.public
    return record


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process TOPIC` and the messaging attributes of the delivery."""
    messages = [mapping(mapping(record).get("Sns")) for record in event["Records"]]
    topic = text(messages[0].get("TopicArn")).rpartition(":")[2]
    return received(SYSTEM, topic, [text(message.get("MessageId")) for message in messages])


def _strip(event: Any) -> Any:
    """Our member may be in an event of EventBridge."""
    if not any(
        f'"{OWN}"' in text(mapping(mapping(record).get("Sns")).get("Message")) for record in event["Records"]
    ):
        return event
    from observe.services import member

    return member.within(
        event, ("Records",), lambda found: member.in_each(found, ("Sns", "Message"), member.body_without)
    )


SNS = Source(
    "SNS",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
    strip=_strip,
)


# --- Publishing -----------------------------------------------------------------------------


def carry_message(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Publish: {"TopicArn" | "TargetArn" | "PhoneNumber", "Message", "MessageAttributes"?} and the context.

    A text message to a phone has attributes of its own meaning and is left alone.
    """
    if "PhoneNumber" in params:
        return dict(params)
    return carried(params, context, room_of(_size(params))) or dict(params)


def carry_batch(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """PublishBatch: {"TopicArn", "PublishBatchRequestEntries": [message, ...]}; one size limit for all."""
    entries = entries_of(params, "PublishBatchRequestEntries")
    if entries is None:
        return dict(params)
    room = room_of(sum(_size(entry) for entry in entries))
    out: list[Mapping[str, Any]] = []
    for entry in entries:
        grown = carried(entry, context, room) or entry
        room -= _size(grown) - _size(entry)
        out.append(grown)
    return {**params, "PublishBatchRequestEntries": out}


def _lost(params: Mapping[str, Any], context: Context) -> str:
    """Nothing of ours is lost on its way to a phone."""
    return "" if "PhoneNumber" in params else lost_of(carry_message(params, context), context)


def _lost_in_batch(params: Mapping[str, Any], context: Context) -> str:
    entries = entries_of(carry_batch(params, context), "PublishBatchRequestEntries") or ()
    return next(filter(None, (lost_of(entry, context) for entry in entries)), "")


def _size(message: Mapping[str, Any]) -> int:
    return size_of(message, "Message")


def _describe_publish(params: Mapping[str, Any]) -> Description:
    """A phone number is a person's: it becomes no attribute."""
    topic = text(params.get("TopicArn") or params.get("TargetArn")).rpartition(":")[2]
    return sent(SYSTEM, topic, params.get("PublishBatchRequestEntries"))


PUBLISH = Carrier(
    kind=KIND_PRODUCER, carry=carry_message, describe=_describe_publish, receipt=receipt, lost=_lost
)
PUBLISH_BATCH = Carrier(
    kind=KIND_PRODUCER,
    carry=carry_batch,
    describe=_describe_publish,
    receipt=receipt,
    ids=ids_in("Successful", "MessageId"),
    lost=_lost_in_batch,
)
