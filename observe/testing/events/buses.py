"""Events of EventBridge: of a bus, of schedules, and batches of Pipes.

https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-source.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

import json

from observe.testing.carrying import sent
from observe.testing.events.parts import (
    ACCOUNT,
    REGION,
    TIME,
    arn,
    at,
    checked,
    iso_s,
    numbered,
    object_of,
    one_of,
    plain,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Event

_EVENT_ID = numbered(0xEB500000, 0)


@checked
def eventbridge(
    detail: Mapping[str, Any] | str,
    *,
    detail_type: str = "Event",
    source: str = "test",
    context: Context | None = None,
    resources: Sequence[str] = (),
    event_id: str = _EVENT_ID,
    time: datetime = TIME,
) -> Event:
    """An event of a bus. detail: a dictionary, or the text of a JSON object, as PutEvents takes it."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": object_of(detail, "eventbridge", "detail"),
        "Resources": list(resources),
    }
    put = sent("events", "PutEvents", {"Entries": [entry]}, context, "eventbridge")["Entries"][0]
    time = at(time, "eventbridge")
    return _event(detail_type, source, resources, json.loads(put["Detail"]), event_id, time)


@checked
def schedule(
    name: str = "nightly", *, by: str = "rule", event_id: str = _EVENT_ID, time: datetime = TIME
) -> Event:
    """What a schedule sends that has no input of its own. by: `rule`, or EventBridge's `scheduler`."""
    one_of(by, ("rule", "scheduler"), "schedule", "by")
    time = at(time, "schedule")
    if by == "rule":
        resource = arn("events", f"rule/{name}")
        return _event("Scheduled Event", "aws.events", [resource], {}, event_id, time)
    resource = arn("scheduler", f"schedule/default/{name}")
    return _event("Scheduled Event", "aws.scheduler", [resource], "{}", event_id, time)


def _event(
    detail_type: str, source: str, resources: Sequence[str], detail: Any, event_id: str, time: datetime
) -> Event:
    return {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": iso_s(time),
        "region": REGION,
        "resources": list(resources),
        "detail": detail,
    }


@checked
def pipes(event: Mapping[str, Any]) -> list[Event]:
    """The batch that a pipe hands over of an event of SQS, Kinesis, DynamoDB, Kafka, ActiveMQ or RabbitMQ.

    event: as the builder of that service makes it: contexts are in there.
    """
    event = plain(event, "pipes")
    outer = {name: value for name, value in event.items() if not isinstance(value, dict | list)}
    if "messages" in event:
        return [_amq(outer, message) for message in event["messages"]]
    for grouped in ("records", "rmqMessagesByQueue"):
        if isinstance(event.get(grouped), dict):
            return [
                {**outer, "eventSourceKey": key, **record}
                for key, records in event[grouped].items()
                for record in records
            ]
    records = event.get("Records", [])
    if records and records[0].get("eventSource") in ("aws:sqs", "aws:kinesis", "aws:dynamodb"):
        return [_flat(record) for record in records]
    raise ValueError("pipes: no pipe reads such an event; of SQS, Kinesis, DynamoDB, Kafka and MQ they do")


def _amq(outer: Mapping[str, Any], message: Mapping[str, Any]) -> Event:
    """A message of ActiveMQ as Pipes spells it, which is not as Lambda does."""
    queue = message["destination"]["physicalName"]
    return {**outer, "eventSource": "aws:amq", **message, "destination": {"physicalname": queue}}


def _flat(record: Mapping[str, Any]) -> Event:
    """A record of Kinesis without the level that an event of Lambda's has."""
    out = {name: value for name, value in record.items() if name != "kinesis"}
    return {**record["kinesis"], **out} if "kinesis" in record else out
