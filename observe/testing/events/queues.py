"""Events of SQS, with what SNS and Lambda put into queues, and of SNS.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq

`attributes` of a message are by name: text is a String, a number a Number, bytes are Binary, and
{"DataType", "StringValue" or "BinaryValue"} is as it is.
"""

from __future__ import annotations

import hashlib
import struct

from observe.services.attributes import ATTRIBUTES_MAX
from observe.testing.carrying import sent
from observe.testing.events.parts import (
    FUNCTION,
    REGION,
    REQUEST_ID,
    TIME,
    arn,
    at,
    base64_of,
    checked,
    each,
    epoch_ms,
    iso_ms,
    json_of,
    numbered,
    octets_of,
    text_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Body, Event, Message

_HANDLE = "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0aEXAMPLE"
_SENDER = "AIDAIENQZJOLO23YVJ4VO"
#: As whom SNS sends to queues.
_SENDER_SNS = "AIDAISMY7JYY5F7RTT6AO"
_DELAY_MS = 10


@checked
def sqs(
    *messages: Body | Message,
    context: Context | None = None,
    attributes: Mapping[str, Any] | None = None,
    message_id: str = "",
    group: str = "",
    trace_header: str = "",
    receives: int = 1,
    queue: str = "queue",
    dead_letter_of: str = "",
    time: datetime = TIME,
) -> Event:
    """A batch of messages. Each message's: context, attributes, message_id, group, trace_header, receives.

    group: a FIFO queue's message group; its name ends with .fifo. trace_header: AWSTraceHeader, as it is.
    receives: how often the message has come. dead_letter_of: where a dead-letter queue's messages were moved
    from. A body that is another service's event is what that service puts into a queue: `sqs(s3("key"))`.
    """
    options = {
        "context": context,
        "attributes": attributes,
        "message_id": message_id,
        "group": group,
        "trace_header": trace_header,
        "receives": receives,
    }
    records = [
        _record("sqs", n, queue, at(time, "sqs"), body, **own)
        for n, (body, own) in enumerate(each("sqs", messages, **options))
    ]
    for record in records if dead_letter_of else ():
        record["attributes"]["DeadLetterQueueSourceArn"] = arn("sqs", dead_letter_of)
    return {"Records": records}


def _record(
    builder: str,
    n: int,
    queue: str,
    time: datetime,
    body: Any,
    *,
    context: Context | None = None,
    attributes: Mapping[str, Any] | None = None,
    message_id: str = "",
    group: str = "",
    trace_header: str = "",
    receives: int = 1,
    sender: str = _SENDER,
) -> dict[str, Any]:
    if queue.endswith(".fifo") and not group:
        raise ValueError(f"{builder}: group= is missing: every message of the FIFO queue {queue!r} has one")
    if group and not queue.endswith(".fifo"):
        raise ValueError(
            f"{builder}: queue {queue!r} with group {group!r}: that of a FIFO queue ends with .fifo"
        )
    text = text_of(body, builder)
    params = {"QueueUrl": queue, "MessageBody": text, "MessageAttributes": _attributes(attributes, builder)}
    own = sent("sqs", "SendMessage", params, context, builder)["MessageAttributes"]
    if len(own) > ATTRIBUTES_MAX:
        raise ValueError(f"{builder}: SQS takes no message with {len(own)} attributes: ten is the limit")
    sent_ms = epoch_ms(time)
    system = {
        "ApproximateReceiveCount": str(receives),
        "SentTimestamp": str(sent_ms),
        "SenderId": sender,
        "ApproximateFirstReceiveTimestamp": str(sent_ms + _DELAY_MS),
    }
    if group:
        system["SequenceNumber"] = str(18_873_177_232_222_703_872 + n * 256)
        system["MessageGroupId"] = group
        system["MessageDeduplicationId"] = hashlib.sha256(octets_of(text, builder)).hexdigest()
    if trace_header:
        system["AWSTraceHeader"] = trace_header
    return {
        "messageId": message_id or numbered(0x59500000, n),
        "receiptHandle": f"{_HANDLE}{n}",
        "body": text,
        "attributes": system,
        "messageAttributes": {name: _received(value) for name, value in own.items()},
        "md5OfBody": _md5(octets_of(text, builder)),
        **({"md5OfMessageAttributes": _md5(_digested(own))} if own else {}),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn("sqs", queue),
        "awsRegion": REGION,
    }


@checked
def sns_to_sqs(
    *messages: Body | Message,
    raw: bool = False,
    context: Context | None = None,
    attributes: Mapping[str, Any] | None = None,
    message_id: str = "",
    subject: str = "",
    topic: str = "topic",
    queue: str = "queue",
    time: datetime = TIME,
) -> Event:
    """Messages that a topic puts into a queue. Each message's: context, attributes, message_id, subject.

    raw: with raw message delivery, where attributes of the topic's message become the queue's; else they are
    in the notification that the body is. message_id: what SNS calls it, which raw delivery does not tell. A
    message that is S3's event is what S3 tells a topic: `sns_to_sqs(s3("key"))`.
    """
    options = {"context": context, "attributes": attributes, "message_id": message_id, "subject": subject}
    time = at(time, "sns_to_sqs")
    records = []
    for n, (body, own) in enumerate(each("sns_to_sqs", messages, **options)):
        published = _published("sns_to_sqs", body, own["attributes"], own["context"])
        told = _notification(n, published, topic, own["subject"], own["message_id"], time, "URL")
        records.append(
            _record(
                "sns_to_sqs",
                n,
                queue,
                time,
                published["Message"] if raw else told,
                attributes=published["MessageAttributes"] if raw else None,
                sender=_SENDER_SNS,
            )
        )
    return {"Records": records}


@checked
def sns(
    message: Body,
    *,
    context: Context | None = None,
    attributes: Mapping[str, Any] | None = None,
    message_id: str = "",
    subject: str = "",
    topic: str = "topic",
    time: datetime = TIME,
) -> Event:
    """A message of a topic; SNS delivers one at a time."""
    published = _published("sns", message, attributes, context)
    told = _notification(0, published, topic, subject, message_id, at(time, "sns"), "Url")
    absent: dict[str, Any] = {"Subject": None, "MessageAttributes": {}}
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{arn('sns', topic)}:{numbered(0x5B500000, 0)}",
                "Sns": {**absent, **told},
            }
        ]
    }


@checked
def dead_letter(
    payload: Any,
    *,
    function: str = FUNCTION,
    error_message: str = "Task timed out after 3.00 seconds",
    error_code: int = 200,
    request_id: str = REQUEST_ID,
    queue: str = "dead-letters",
    time: datetime = TIME,
) -> Event:
    """What Lambda's own dead-letter queue has of an asynchronous invocation that failed.

    payload: the event that `function` was invoked with, as another builder makes it: the context is in there.
    """
    told = {"RequestID": request_id, "ErrorCode": error_code, "ErrorMessage": error_message}
    record = _record(
        "dead_letter",
        0,
        queue,
        at(time, "dead_letter"),
        json_of(payload, "dead_letter"),
        attributes=told,
        sender=f"AROAIENQZJOLO23YVJ4VO:{function}",
    )
    return {"Records": [record]}


# --- Notifications and attributes -----------------------------------------------------------


def _published(
    builder: str, message: Any, attributes: Mapping[str, Any] | None, context: Context | None
) -> dict[str, Any]:
    params = {
        "TopicArn": "topic",
        "Message": text_of(message, builder),
        "MessageAttributes": _attributes(attributes, builder),
    }
    return sent("sns", "Publish", params, context, builder)


def _notification(
    n: int,
    published: Mapping[str, Any],
    topic: str,
    subject: str,
    message_id: str,
    time: datetime,
    url: str,
) -> dict[str, Any]:
    """What SNS says of a message. url: how it spells that, `Url` to a function and `URL` to anybody else."""
    host = f"https://sns.{REGION}.amazonaws.com"
    subscription = f"{arn('sns', topic)}:{numbered(0x5B500000, 0)}"
    attributes = {
        name: {"Type": value["DataType"], "Value": _value(value)}
        for name, value in published["MessageAttributes"].items()
    }
    return {
        "Type": "Notification",
        "MessageId": message_id or numbered(0x54500000, n),
        "TopicArn": arn("sns", topic),
        **({"Subject": subject} if subject else {}),
        "Message": published["Message"],
        "Timestamp": iso_ms(time),
        "SignatureVersion": "1",
        "Signature": "RVhBTVBMRQ==",
        f"SigningCert{url}": f"{host}/SimpleNotificationService-example.pem",
        f"Unsubscribe{url}": f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription}",
        **({"MessageAttributes": attributes} if attributes else {}),
    }


def _attributes(given: Mapping[str, Any] | None, builder: str) -> dict[str, dict[str, Any]]:
    """Message attributes as an SDK takes them."""
    return {name: _typed(name, value, builder) for name, value in (given or {}).items()}


def _typed(name: str, value: Any, builder: str) -> dict[str, Any]:
    if isinstance(value, dict) and "DataType" in value and {"StringValue", "BinaryValue"} & value.keys():
        return dict(value)
    if isinstance(value, bytes | bytearray):
        return {"DataType": "Binary", "BinaryValue": bytes(value)}
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"DataType": "Number", "StringValue": str(value)}
    raise TypeError(f"{builder}: attribute {name!r} is {value!r}; it has to be text, a number or bytes")


def _value(attribute: Mapping[str, Any]) -> str:
    value = attribute.get("StringValue")
    return base64_of(attribute["BinaryValue"]) if value is None else str(value)


def _received(attribute: Mapping[str, Any]) -> dict[str, Any]:
    key = "binaryValue" if attribute.get("StringValue") is None else "stringValue"
    return {
        key: _value(attribute),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": attribute["DataType"],
    }


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _digested(attributes: Mapping[str, Mapping[str, Any]]) -> bytes:
    """What the digest of attributes is of: by name; each part after its length, values after their kind.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
    """
    out = b""
    for name, attribute in sorted(attributes.items()):
        text = attribute.get("StringValue")
        value = attribute["BinaryValue"] if text is None else text.encode()
        for part in (name.encode(), attribute["DataType"].encode()):
            out += struct.pack(">I", len(part)) + part
        out += (b"\2" if text is None else b"\1") + struct.pack(">I", len(value)) + value
    return out
