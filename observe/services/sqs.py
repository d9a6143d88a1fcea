"""SQS, both directions: message attributes, and the free AWSTraceHeader where they have no room.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

from __future__ import annotations

from observe import semconv, xray
from observe.context import XRAY
from observe.services import shapes
from observe.services.attributes import (
    carried,
    entries_of,
    ids_in,
    lost_of,
    of_sqs,
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
    from observe.services.envelopes import Opened
    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a message, header names lower-cased.

    event: {"Records": [{"messageId", "body", "messageAttributes": {name: {"stringValue"}}, "attributes":
    {"AWSTraceHeader"}}]}. JMS's `x_correlation_id` and Datadog's `_datadog` are read, too. Where the
    attributes carry no ID of ours, what is inside the body may: see envelopes. AWSTraceHeader comes last. A
    record that is no dictionary counts as one without headers.
    """
    return [_record(mapping(message)) for message in event["Records"]]


def _record(message: Mapping[str, Any]) -> Record:
    headers = _headers(message)
    found = _opened(message, headers)
    receipts: tuple[str, ...] = ()
    if found is not None:
        headers, receipts = found.inside(headers), tuple(found.receipts)
    trace = mapping(message.get("attributes")).get("AWSTraceHeader")
    if isinstance(trace, str):
        headers.setdefault(XRAY, trace)
    record = Record(headers, text(message.get("messageId")), receipts)
    record.public = found is not None and found.public
    return record


def _headers(message: Mapping[str, Any]) -> dict[str, str]:
    return told(message.get("messageAttributes"), of_sqs)


def _opened(message: Mapping[str, Any], headers: Mapping[str, str]) -> Opened | None:
    """What the body has inside, or None where it need not be looked for or cannot be there.

    Lambda's own dead-letter queue has the event as the body and the attributes RequestID and ErrorCode.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq
    """
    if identified(headers):
        return None
    body = text(message.get("body"))
    failed = headers.get("requestid", "") if "errorcode" in headers else ""
    if not failed and not shapes.enveloped(body):
        return None
    from observe.services import envelopes  # few messages need it

    return envelopes.opened(body, failed)


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process QUEUE` and the messaging attributes; of a single message also where it has been."""
    messages = [mapping(message) for message in event["Records"]]
    queue = text(messages[0].get("eventSourceARN")).rpartition(":")[2]
    name, attributes = received("aws_sqs", queue, [text(message.get("messageId")) for message in messages])
    return name, attributes | (_way(messages[0]) if len(messages) == 1 else {})


def _way(message: Mapping[str, Any]) -> dict[str, Any]:
    """Whose envelopes it was in, and of a dead letter where it comes from."""
    headers = _headers(message)
    found = _opened(message, headers)
    source = text(mapping(message.get("attributes")).get("DeadLetterQueueSourceArn")).rpartition(":")[2]
    code = headers.get("errorcode", "")
    told = {
        semconv.ENVELOPE: "/".join(found.kinds) if found is not None else "",
        semconv.AWS_SQS_DEAD_LETTER_SOURCE_NAME: source,
        semconv.AWS_LAMBDA_DEAD_LETTER_ERROR_CODE: code if "requestid" in headers and code.isdigit() else "",
    }
    return {name: value for name, value in told.items() if value}


def _md5(body: str) -> str:
    from hashlib import md5

    return md5(body.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _strip(event: Any) -> Any:
    """Our member may be in an event of EventBridge. What Lambda gave up is left whole: it may be replayed."""
    if not any(f'"{OWN}"' in text(mapping(message).get("body")) for message in event["Records"]):
        return event
    from observe.services import member  # few messages need it

    def stripped(message: Any) -> Any:
        replay = "errorcode" in _headers(mapping(message))
        left = message if replay else member.within(message, ("body",), member.body_without)
        if left is message or "md5OfBody" not in left:
            return left
        return {**left, "md5OfBody": _md5(left["body"])}

    return member.within(event, ("Records",), lambda found: member.in_each(found, (), stripped))


SQS = Source(
    "SQS",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
    partial=True,
    strip=_strip,
)


# --- Sending --------------------------------------------------------------------------------


def carry_message(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """SendMessage: {"QueueUrl", "MessageBody", "MessageAttributes"?} with the context added."""
    return _carried(params, context, room_of(_size(params)))


def carry_batch(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """SendMessageBatch: {"QueueUrl", "Entries": [message, ...]}; the size limit is the whole batch's."""
    entries = entries_of(params, "Entries")
    if entries is None:
        return dict(params)
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
    """AWSTraceHeader counts towards neither limit; where X-Ray records, SQS has it from the HTTP request."""
    existing, trace = message.get("MessageSystemAttributes", {}), xray.header(context)
    if not trace or not isinstance(existing, dict) or "AWSTraceHeader" in existing:
        return dict(message)
    header = {"DataType": "String", "StringValue": trace}
    return {**message, "MessageSystemAttributes": {**existing, "AWSTraceHeader": header}}


def _lost(params: Mapping[str, Any], context: Context) -> str:
    """AWSTraceHeader does not carry the correlation ID, so a message that has only that has lost some."""
    return lost_of(carry_message(params, context), context)


def _lost_in_batch(params: Mapping[str, Any], context: Context) -> str:
    entries = entries_of(carry_batch(params, context), "Entries") or ()
    return next(filter(None, (lost_of(entry, context) for entry in entries)), "")


def _size(message: Mapping[str, Any]) -> int:
    return size_of(message, "MessageBody")


def _describe_send(params: Mapping[str, Any]) -> Description:
    queue = text(params.get("QueueUrl")).rpartition("/")[2]
    return sent("aws_sqs", queue, params.get("Entries"))


SEND = Carrier(kind=KIND_PRODUCER, carry=carry_message, describe=_describe_send, receipt=receipt, lost=_lost)
SEND_BATCH = Carrier(
    kind=KIND_PRODUCER,
    carry=carry_batch,
    describe=_describe_send,
    receipt=receipt,
    ids=ids_in("Successful", "MessageId"),
    lost=_lost_in_batch,
)
