"""Kafka, of MSK or self-managed: the headers of records.

https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html
https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
"""

from __future__ import annotations

from observe import semconv
from observe.services.attributes import received
from observe.services.properties import HEADERS_MAX, octets, projected, sequence
from observe.source import Record, Source, mapping
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from observe.source import Description

    #: (topic, partition, offset), "" and None where a record does not say.
    Position = tuple[str, str, int | None]


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a message; its message ID is `<topic>-<partition>@<offset>`.

    event: {"records": {"<topic>-<partition>": [{"topic", "partition", "offset", "headers": [{name: octets},
    ...]}, ...]}}. Of headers with one name the last counts, as with Java's Headers.lastHeader.
    https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html#msk-sample-event
    """
    return [Record(projected(_headers(record)), _id(_position(key, record))) for key, record in _items(event)]


def _items(event: Mapping[str, Any]) -> Iterator[tuple[object, Mapping[str, Any]]]:
    for key, batch in mapping(event.get("records")).items():
        for record in sequence(batch):
            yield key, mapping(record)


def _headers(record: Mapping[str, Any]) -> Iterator[tuple[object, str | None]]:
    """The last are the likeliest to be ours: what traces a producer adds them when it sends."""
    found = record.get("headers")
    for header in sequence(found)[-HEADERS_MAX:]:
        for name, value in mapping(header).items():
            yield name, value if isinstance(value, str) else octets(value)


def _position(key: object, record: Mapping[str, Any]) -> Position:
    topic, _, partition = key.rpartition("-") if isinstance(key, str) else ("", "", "")
    told, number, offset = record.get("topic"), record.get("partition"), record.get("offset")
    return (
        told if isinstance(told, str) else topic,
        str(number) if _is_long(number) else partition,
        offset if _is_long(offset) else None,
    )


def _is_long(value: object) -> bool:
    return type(value) is int and value.bit_length() < 64


def _id(position: Position) -> str:
    topic, partition, offset = position
    return f"{topic}-{partition}@{offset}" if topic and offset is not None else ""


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process TOPIC` and the messaging attributes; partition and offset of a single record.

    The consumer group is not in the event. A key is payload and stays out.
    https://opentelemetry.io/docs/specs/semconv/messaging/kafka/
    """
    positions = [_position(key, record) for key, record in _items(event)]
    topic, partition, offset = positions[0] if positions else ("", "", None)
    name, attributes = received("kafka", topic, [_id(position) for position in positions])
    if len(positions) == 1:
        if partition:
            attributes[semconv.MESSAGING_DESTINATION_PARTITION_ID] = partition
        if offset is not None:
            attributes[semconv.MESSAGING_KAFKA_OFFSET] = offset
    return name, attributes


def _item(message_id: str) -> object:
    """{"partition": "<topic>-<partition>", "offset": n}; "" of one that did not say: all come again."""
    partition, at, offset = message_id.rpartition("@")
    return {"partition": partition, "offset": int(offset)} if at else ""


#: Not `partial` of itself: Lambda heeds batchItemFailures here of a mapping in provisioned mode alone, which
#: few are, and a failure that is told in a reply which nobody reads would lose the record.
#: https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
KAFKA = Source(
    "Kafka",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
    item=_item,
)
