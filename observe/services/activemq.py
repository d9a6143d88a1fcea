"""ActiveMQ by Amazon MQ: JMS properties, and JMS's own correlation ID.

https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
"""

from __future__ import annotations

from itertools import islice

from observe.context import CORRELATION_ID
from observe.services.attributes import received
from observe.services.properties import HEADERS_MAX, projected, scalar, sequence
from observe.source import VALUE_MAX, Record, Source, mapping, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a message, property names as the headers that they mean.

    event: {"messages": [{"messageID", "correlationID"?, "properties"?: {name: text, number or boolean},
    "destination": {"physicalName"}}, ...]}. correlationID counts where no property has the correlation ID.
    """
    return [_record(message) for message in _messages(event)]


def _record(message: Mapping[str, Any]) -> Record:
    properties = islice(mapping(message.get("properties")).items(), HEADERS_MAX)
    headers = projected((name, scalar(value)) for name, value in properties)
    correlation_id = text(message.get("correlationID"))
    if correlation_id and len(correlation_id) <= VALUE_MAX:
        headers.setdefault(CORRELATION_ID, correlation_id)
    return Record(headers, text(message.get("messageID")))


def _messages(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [mapping(message) for message in sequence(event.get("messages"))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process QUEUE` and the messaging attributes."""
    messages = _messages(event)
    queue = text(mapping(messages[0].get("destination")).get("physicalName")) if messages else ""
    return received("activemq", queue, [text(message.get("messageID")) for message in messages])


ACTIVEMQ = Source(
    "ActiveMQ",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
