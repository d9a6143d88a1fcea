"""What is inside a message of a topic that a function subscribes: other services' events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from observe.context import extract
from observe.services import source_of
from observe.source import Record

TRACEPARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def delivered(message: str, attributes: dict[str, Any] | None = None) -> Record:
    event = {
        "Records": [
            {
                "EventSource": "aws:sns",
                "Sns": {"MessageId": "m-1", "Message": message, "MessageAttributes": attributes or {}},
            }
        ]
    }
    source = source_of(event)
    assert source is not None
    assert source.name == "SNS"
    (record,) = source.records(event)
    return record


def test_a_notification_of_s3_through_a_topic() -> None:
    """The request that wrote the object has its ID: its writer's receipt."""
    notification = {
        "Records": [{"eventSource": "aws:s3", "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"}}]
    }
    assert delivered(json.dumps(notification)).receipts == ("C3D13FE58DE4C810",)


def test_an_event_of_a_bus_through_a_topic() -> None:
    """Its detail carries the context, its ID is the receipt."""
    event = {
        "id": "e-1",
        "source": "claims",
        "detail-type": "ClaimSubmitted",
        "detail": {"_observe": {"traceparent": TRACEPARENT, "x-correlation-id": "CLM-1"}},
    }
    record = delivered(json.dumps(event))
    assert record.receipts == ("e-1",)
    assert extract(record.headers).correlation_id == "CLM-1"


def test_the_attributes_are_nearer() -> None:
    """Where the sender's own attributes tell, the message is not looked into."""
    told = {"traceparent": {"Type": "String", "Value": TRACEPARENT}}
    inner = json.dumps({"traceparent": "00-" + "c" * 32 + "-" + "d" * 16 + "-01"})
    assert delivered(inner, told).headers == {"traceparent": TRACEPARENT}


@pytest.mark.parametrize("message", ["", "{", "[]", '{"a":3}', '{"Records":[null]}', "\ud800", "x" * 10**6])
def test_any_message_is_a_message(message: str) -> None:
    """Nothing raises, nothing is invented."""
    record = delivered(message)
    assert (record.message_id, record.headers, record.receipts) == ("m-1", {}, ())
