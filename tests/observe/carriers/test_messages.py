"""SQS and SNS: message attributes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from observe.context import extract, inject
from observe.services import carrier_of, sqs
from observe.testing import Lines
from tests.observe.carriers.arbitrary import File
from tests.observe.carriers.cases import CONTEXT, fresh_name, made, queue, receipts_in


def test_attributes_tell_what_had_no_room() -> None:
    """SQS and SNS: ten attributes, the size, and what the caller set itself."""
    ten = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(10)}
    own = {"X-Correlation-Id": {"DataType": "String", "StringValue": "mine"}}
    same = {"x-correlation-id": {"DataType": "String", "StringValue": "CLM-1"}}
    for service, operation, body in (("sqs", "SendMessage", "MessageBody"), ("sns", "Publish", "Message")):
        carrier = carrier_of(service, operation)
        assert carrier is not None
        assert carrier.lost({body: "x", "MessageAttributes": ten}, CONTEXT) == "no_attribute_room"
        assert carrier.lost({body: "x", "MessageAttributes": own}, CONTEXT) == "caller_has_own"
        assert carrier.lost({body: "x", "MessageAttributes": same}, CONTEXT) == ""
        assert carrier.lost({body: "x" * 262_144}, CONTEXT) == "too_large"
    batch = carrier_of("sqs", "SendMessageBatch")
    assert batch is not None
    assert (
        batch.lost({"Entries": [{"MessageBody": "x"}, {"MessageAttributes": ten}]}, CONTEXT)
        == "no_attribute_room"
    )


TEN = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(10)}


def test_without_room_the_lineage_stays_and_x_ray_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWSTraceHeader wins over the HTTP request's: it must not end the search for endless loops, nor a trace
    of X-Ray's that is recorded."""
    message = {"QueueUrl": "q", "MessageBody": "x", "MessageAttributes": TEN}
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-0-1;Parent=2;Sampled=0;Lineage=1:a:0")
    header = sqs.carry_message(message, CONTEXT)["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"]
    assert header.endswith(";Sampled=0;Lineage=1:a:0")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-0-1;Parent=2;Sampled=1;Lineage=1:a:0")
    assert sqs.carry_message(message, CONTEXT) == message
    assert sqs.SEND.lost(message, CONTEXT) == "no_attribute_room"


def test_an_attribute_that_is_a_file_has_no_known_size() -> None:
    """botocore takes a file for bytes: it may be as large as the limit."""
    attributes = {"scan": {"DataType": "Binary", "BinaryValue": File()}}
    carried = sqs.carry_message({"MessageBody": "x", "MessageAttributes": attributes}, CONTEXT)
    assert carried["MessageAttributes"] == attributes
    assert "AWSTraceHeader" in carried["MessageSystemAttributes"]


def test_a_message_that_comes_twice_is_still_one(lines: Lines, client: Callable[[str], Any]) -> None:
    """A FIFO queue that knows messages by their content looks at the body only."""
    fifo = client("sqs")
    url = fifo.create_queue(
        QueueName=f"{fresh_name()}.fifo",
        Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"},
    )["QueueUrl"]
    for _ in range(2):
        made(lambda: fifo.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g"))
    found = fifo.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    (message,) = found["Messages"]
    assert "traceparent" in message["MessageAttributes"]


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("own", [3, 7, 10])
def test_what_is_published_arrives_in_a_queue(
    lines: Lines, client: Callable[[str], Any], raw: bool, own: int
) -> None:
    """Raw or in SNS's envelope, alone and in a batch, with few attributes of the caller's and with many."""
    (fifo, url, arn), topics = queue(client), client("sns")
    topic = topics.create_topic(Name=fresh_name())["TopicArn"]
    attributes = {"RawMessageDelivery": str(raw).lower()}
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    mine = dict(list(TEN.items())[:own])
    reply = made(lambda: topics.publish(TopicArn=topic, Message="x", MessageAttributes=mine))
    entries = [{"Id": str(n), "Message": str(n), "MessageAttributes": mine} for n in range(2)]
    batch = made(lambda: topics.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries))
    found = fifo.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    for message in found["Messages"]:
        told = (message if raw else json.loads(message["Body"])).get("MessageAttributes", {})
        assert len(told) == min(own + 3, 10)
        headers = {name: value["StringValue" if raw else "Value"] for name, value in told.items()}
        assert (extract(headers).trace_id in {span["traceId"] for span in lines.spans}) == (own < 10)
    assert len(found["Messages"]) == 3
    ids = [line["receipts"]["ids"] for line in receipts_in(lines)]
    lost = [[reply["MessageId"]]] if own > 7 else []
    assert ids == [*lost, [one["MessageId"] for one in batch["Successful"]]]


def test_an_attribute_of_the_callers_keeps_its_half(opted: None) -> None:
    """Who brings a traceparent of their own, in any case, gets no tracestate of ours with it."""
    own = {"TraceParent": {"DataType": "String", "StringValue": inject(CONTEXT)["traceparent"]}}
    carried = sqs.carry_message({"MessageBody": "x", "MessageAttributes": own}, CONTEXT)["MessageAttributes"]
    assert set(carried) == {"TraceParent", "x-correlation-id", "baggage"}
