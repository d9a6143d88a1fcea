"""Asynchronous invocation against moto's queues, and the events of SNS and S3 beside real ones."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from console.local.asynchronous import AsyncPoller
from console.local.invocation import InvokeResult
from console.local.moto_server import MotoServer
from console.local.s3 import s3_event
from console.local.sns import sns_event, subscribe


@pytest.fixture
def queue_url(moto: MotoServer) -> Iterator[str]:
    """A queue."""
    url = moto.client("sqs").create_queue(QueueName=f"q{uuid4().hex}")["QueueUrl"]
    yield url
    moto.client("sqs").delete_queue(QueueUrl=url)


class _Function:
    """Answers in turn, then succeeds."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[Any, str | None, str | None]] = []

    def invoke(self, event: object, *, trace_header: str | None, request_id: str | None) -> InvokeResult:
        self.calls.append((event, trace_header, request_id))
        status: Any = self.answers.pop(0) if self.answers else "success"
        if isinstance(status, Exception):
            raise status
        return InvokeResult(status, b"", request_id or "", None, 1.0, None, False, 1, 1)


def _wait(poller: AsyncPoller, ended: int) -> None:
    deadline = time.monotonic() + 20
    while poller.delivered + poller.dropped < ended and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("answers", "calls", "delivered"),
    [([], 1, 1), (["error"], 2, 1), (["timeout", "error"], 3, 1), (["error"] * 3, 3, 0)],
)
def test_an_event_is_tried_three_times(
    moto: MotoServer, queue_url: str, answers: list[str], calls: int, delivered: int
) -> None:
    """Errors and timeouts are retried with the same request and trace, then dropped and counted."""
    moto.client("sqs").send_message(QueueUrl=queue_url, MessageBody='{"n": 1}')
    function = _Function(*answers)
    with AsyncPoller(moto.client("sqs"), queue_url, function, dict, retry_delay_s=0.01) as poller:
        _wait(poller, 1)
    assert (len(function.calls), poller.delivered, poller.dropped) == (calls, delivered, 1 - delivered)
    assert len({repr(call) for call in function.calls}) == 1
    assert (poller.taken, poller.in_hand, poller.poll_errors) == (1, 0, 0)


def test_a_fault_of_an_invocation_is_counted_and_said(
    moto: MotoServer, queue_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The event is dropped, the next one goes on."""
    for n in range(2):
        moto.client("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps({"n": n}))
    function = _Function(OSError("no descriptors"))
    with AsyncPoller(moto.client("sqs"), queue_url, function, dict) as poller:
        _wait(poller, 2)
    assert (poller.taken, poller.delivered, poller.dropped, poller.in_hand) == (2, 1, 1, 0)
    assert (poller.poll_errors, capsys.readouterr().err.count("OSError: no descriptors")) == (1, 1)


def test_stop_gives_up_what_waits_for_a_retry(moto: MotoServer, queue_url: str) -> None:
    """It does not wait for the delay; the event is counted."""
    moto.client("sqs").send_message(QueueUrl=queue_url, MessageBody="{}")
    function = _Function("error")
    started_s = time.monotonic()
    with AsyncPoller(moto.client("sqs"), queue_url, function, dict, retry_delay_s=60) as poller:
        while not function.calls and time.monotonic() < started_s + 20:
            time.sleep(0.01)
    assert time.monotonic() < started_s + 30
    assert (poller.dropped, poller.in_hand) == (1, 0)


def test_what_is_no_event_is_left_out(moto: MotoServer, queue_url: str) -> None:
    """S3's test event and anything that is not JSON do not reach the function."""
    client, function = moto.client("sqs"), _Function()
    for body in ('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}', "not JSON"):
        client.send_message(QueueUrl=queue_url, MessageBody=body)
    poller = AsyncPoller(client, queue_url, function, s3_event)
    assert poller.poll() == 2
    poller.stop()
    assert (function.calls, poller.taken, poller.dropped) == ([], 0, 0)


def test_the_sns_event_is_lambdas(moto: MotoServer, queue_url: str) -> None:
    """Attributes are text whatever their type, binary ones in base64; without a subject it is null."""
    sqs, sns = moto.client("sqs"), moto.client("sns")
    topic = sns.create_topic(Name=f"t{uuid4().hex}")["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = subscribe(sns, topic, arn)
    attributes = {
        "text": {"DataType": "String", "StringValue": "é"},
        "number": {"DataType": "Number", "StringValue": "7"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sns.publish(TopicArn=topic, Message="m", Subject="s", MessageAttributes=attributes)
    sns.publish(TopicArn=topic, Message="n")
    messages = [sqs.receive_message(QueueUrl=queue_url)["Messages"][0] for _ in range(2)]
    first, second = (sns_event(json.loads(message["Body"]), subscription) for message in messages)
    assert first is not None
    assert second is not None
    sent = first["Records"][0]["Sns"]
    assert (sent["Message"], sent["Subject"], sent["Type"]) == ("m", "s", "Notification")
    assert sent["MessageAttributes"] == {
        "text": {"Type": "String", "Value": "é"},
        "number": {"Type": "Number", "Value": "7"},
        "bytes": {"Type": "Binary", "Value": "AP8="},
    }
    assert sent["UnsubscribeUrl"].endswith(subscription)
    assert second["Records"][0]["Sns"]["Subject"] is None
    assert second["Records"][0]["Sns"]["MessageAttributes"] == {}


def test_a_removed_object_has_neither_size_nor_etag() -> None:
    """As in S3's own event."""
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectRemoved:Delete",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "c",
            "bucket": {"name": "b", "arn": "arn:aws:s3:::b"},
            "object": {"key": "a%2Fb+c", "size": 1, "eTag": "e"},
        },
    }
    event = s3_event({"Records": [record]})
    assert event is not None
    found = event["Records"][0]["s3"]["object"]
    assert (set(found), found["key"]) == ({"key", "sequencer"}, "a/b+c")
