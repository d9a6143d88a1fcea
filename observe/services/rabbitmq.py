"""RabbitMQ by Amazon MQ: the headers table, and AMQP's own correlation ID.

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
    """Return one Record a message, header names as they are meant.

    event: {"rmqMessagesByQueue": {"<queue>::<vhost>": [{"basicProperties": {"correlationId", "messageId",
    "headers": {name: {"bytes": octets} or text, number or boolean}}}, ...]}}. correlationId counts where no
    header has the correlation ID.
    """
    return [
        record_of(found.get("headers"), found.get("correlationId"), found.get("messageId"))
        for found in _messages(event)
    ]


def _messages(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The basicProperties of every message, queue after queue."""
    return [
        mapping(mapping(message).get("basicProperties"))
        for batch in mapping(event.get("rmqMessagesByQueue")).values()
        for message in sequence(batch)
    ]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process QUEUE` and the messaging attributes; the virtual host is left off the queue's name."""
    messages = _messages(event)
    queue = next((text(key) for key in mapping(event.get("rmqMessagesByQueue"))), "").partition("::")[0]
    name, attributes = received("rabbitmq", queue, [text(message.get("messageId")) for message in messages])
    return name, {key: value for key, value in attributes.items() if value != ""}


RABBITMQ = Source(
    "RabbitMQ",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
