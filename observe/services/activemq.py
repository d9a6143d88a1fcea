"""ActiveMQ by Amazon MQ: JMS properties, and JMS's own correlation ID.

https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
"""

from __future__ import annotations

from observe.services.attributes import received
from observe.services.properties import record_of, sequence
from observe.source import Record, Source, mapping, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a message, property names as the headers that they mean.

    event: {"messages": [{"messageID", "correlationID"?, "properties"?: {name: text, number or boolean},
    "destination": {"physicalName"}}, ...]}; some of AWS's samples write correlationId.
    """
    return [
        record_of(message.get("properties"), _correlation_id(message), message.get("messageID"))
        for message in _messages(event)
    ]


def _correlation_id(message: Mapping[str, Any]) -> object:
    return message.get("correlationID") or message.get("correlationId")


def _messages(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [mapping(message) for message in sequence(event.get("messages"))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process QUEUE` and the messaging attributes; EventBridge Pipes writes `physicalname`."""
    messages = _messages(event)
    destination = mapping(messages[0].get("destination")) if messages else {}
    queue = text(destination.get("physicalName")) or text(destination.get("physicalname"))
    return received("activemq", queue, [text(message.get("messageID")) for message in messages])


ACTIVEMQ = Source(
    "ActiveMQ",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
