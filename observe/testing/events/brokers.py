"""Events of message brokers: Kafka, ActiveMQ and RabbitMQ; contexts as `observe.legacy.mq` puts them there.

https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html
https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
"""

from __future__ import annotations

from observe.legacy import mq
from observe.testing.carrying import headers_of, why
from observe.testing.events.parts import (
    REGION,
    TIME,
    arn,
    at,
    base64_of,
    checked,
    each,
    epoch_ms,
    month,
    numbered,
    octets_of,
    signed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Body, Event, Message

_BROKER = "b-9bcfa592-423a-4942-879d-eb284b418fc8"
_MESSAGE = f"ID:{_BROKER}-1.mq.{REGION}.amazonaws.com-37557-1234520418293-4:1:1:1"


@checked
def kafka(
    *values: Body | Message | None,
    context: Context | None = None,
    headers: Mapping[str, str | bytes] | None = None,
    key: str | bytes | None = None,
    topic: str = "topic",
    partition: int = 0,
    offset: int | None = None,
    cluster: str = "cluster",
    self_managed: bool = False,
    time: datetime = TIME,
) -> Event:
    """A batch of records. Each record's: context, headers, key, topic, partition, offset.

    values: None for a tombstone. offset: counted from 0 in each partition where it is not given.
    self_managed: a cluster that is not MSK's.
    """
    options = {
        "context": context,
        "headers": headers,
        "key": key,
        "topic": topic,
        "partition": partition,
        "offset": offset,
    }
    records: dict[str, list[dict[str, Any]]] = {}
    for value, own in each("kafka", values, **options):
        batch = records.setdefault(f"{own['topic']}-{own['partition']}", [])
        batch.append(
            {
                "topic": own["topic"],
                "partition": own["partition"],
                "offset": len(batch) if own["offset"] is None else own["offset"],
                "timestamp": epoch_ms(at(time, "kafka")),
                "timestampType": "CREATE_TIME",
                "key": None if own["key"] is None else base64_of(octets_of(own["key"], "kafka")),
                "value": None if value is None else base64_of(octets_of(value, "kafka")),
                "headers": _kafka_headers(own["headers"], own["context"]),
            }
        )
    host = f"{cluster}.a1bcde.c1.kafka.{REGION}.amazonaws.com:9092"
    managed = {
        "eventSource": "aws:kafka",
        "eventSourceArn": arn("kafka", f"cluster/{cluster}/{numbered(0x4AF40000, 0)}-2"),
    }
    return {
        **({"eventSource": "SelfManagedKafka"} if self_managed else managed),
        "bootstrapServers": "broker.example.com:9092" if self_managed else f"b-1.{host},b-2.{host}",
        "records": records,
    }


def _kafka_headers(given: Any, context: Context | None) -> list[dict[str, list[int]]]:
    pairs = [(name, octets_of(value, "kafka")) for name, value in (given or {}).items()]
    headers = headers_of(context, "kafka")
    carried = mq.carry_kafka(pairs, context) if context is not None else pairs
    _whole(len(carried) - len(pairs), headers, "kafka")
    return [{name: signed(value or b"")} for name, value in carried]


@checked
def activemq(
    *messages: Body | Message,
    context: Context | None = None,
    properties: Mapping[str, str | int | float | bool] | None = None,
    correlation_id: str | None = None,
    message_id: str = "",
    queue: str = "queue",
    broker: str = "broker",
    time: datetime = TIME,
) -> Event:
    """A batch of messages. Each message's: context, properties, correlation_id (JMS's own), message_id.

    Bytes are a bytes message, anything else is a text message.
    """
    sent_ms = epoch_ms(at(time, "activemq"))
    options = {
        "context": context,
        "properties": properties,
        "correlation_id": correlation_id,
        "message_id": message_id,
    }
    found = []
    for n, (body, own) in enumerate(each("activemq", messages, **options)):
        kind = "bytes" if isinstance(body, bytes | bytearray) else "text"
        found.append(
            {
                "messageID": own["message_id"] or f"{_MESSAGE}:{n + 1}",
                "messageType": f"jms/{kind}-message",
                "deliveryMode": 1,
                "replyTo": None,
                "type": None,
                "expiration": 0,
                "priority": 4,
                "correlationID": own["correlation_id"],
                "redelivered": False,
                "destination": {"physicalName": queue},
                "data": base64_of(octets_of(body, "activemq")),
                "timestamp": sent_ms,
                "brokerInTime": sent_ms,
                "brokerOutTime": sent_ms + 1,
                "properties": _properties(own["properties"], own["context"]),
            }
        )
    return {
        "eventSource": "aws:mq",
        "eventSourceArn": arn("mq", f"broker:{broker}:{_BROKER}"),
        "messages": found,
    }


def _properties(given: Any, context: Context | None) -> dict[str, Any]:
    own = dict(given or {})
    headers = headers_of(context, "activemq")
    carried = mq.carry_jms(own, context) if context is not None else own
    _whole(len(carried) - len(own), headers, "activemq")
    return carried


@checked
def rabbitmq(
    *messages: Body | Message,
    context: Context | None = None,
    headers: Mapping[str, str | bytes | int | bool] | None = None,
    correlation_id: str | None = None,
    message_id: str | None = None,
    queue: str = "queue",
    virtual_host: str = "/",
    broker: str = "broker",
    time: datetime = TIME,
) -> Event:
    """A batch of messages. Each message's: context, headers, correlation_id (AMQP's own), message_id, queue.

    headers: text and bytes come as octets, numbers as they are. Without a correlation_id of its own a message
    with a context has that one's.
    """
    time = at(time, "rabbitmq")
    options = {
        "context": context,
        "headers": headers,
        "queue": queue,
        "correlation_id": correlation_id,
        "message_id": message_id,
    }
    queues: dict[str, list[dict[str, Any]]] = {}
    for body, own in each("rabbitmq", messages, **options):
        payload = octets_of(body, "rabbitmq")
        queues.setdefault(f"{own['queue']}::{virtual_host}", []).append(
            {
                "basicProperties": _amqp(own, len(payload), time),
                "redelivered": False,
                "data": base64_of(payload),
            }
        )
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": arn("mq", f"broker:{broker}:{_BROKER}"),
        "rmqMessagesByQueue": queues,
    }


def _amqp(own: Mapping[str, Any], size: int, time: datetime) -> dict[str, Any]:
    table, context = dict(own["headers"] or {}), own["context"]
    properties = {"headers": table, "correlation_id": own["correlation_id"]}
    headers = headers_of(context, "rabbitmq")
    if context is not None:
        properties = mq.carry_amqp(properties, context)
    carried: Any = properties["headers"]
    _whole(len(carried) - len(table), headers, "rabbitmq")
    hour, half = time.hour % 12 or 12, "PM" if time.hour > 11 else "AM"
    return {
        "contentType": "text/plain",
        "contentEncoding": None,
        "headers": {name: _field(name, value) for name, value in carried.items()},
        "deliveryMode": 1,
        "priority": 0,
        "correlationId": properties["correlation_id"],
        "replyTo": None,
        "expiration": None,
        "messageId": own["message_id"],
        "timestamp": f"{month(time)} {time.day}, {time.year}, {hour}:{time:%M:%S} {half}",
        "type": None,
        "userId": None,
        "appId": None,
        "clusterId": None,
        "bodySize": size,
    }


def _field(name: str, value: Any) -> Any:
    if isinstance(value, str | bytes | bytearray):
        return {"bytes": signed(octets_of(value, "rabbitmq"))}
    if value is None or isinstance(value, int | float):
        return value
    raise TypeError(f"rabbitmq: header {name!r} is {value!r}; it has to be text, bytes or a number")


def _whole(added: int, headers: Mapping[str, str], builder: str) -> None:
    """Nothing of a context may be missing because the caller has set its own."""
    if added != len(headers):
        raise ValueError(why(builder, "caller_has_own"))
