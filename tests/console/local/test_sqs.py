"""The SQS poller and the CloudWatch writer, against moto's server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from console.local.cloudwatch import CloudWatchLogWriter, LogEvent, LogsNotWrittenError, read_events
from console.local.invocation import InvokeResult
from console.local.moto_server import MotoServer
from console.local.sqs import Polled, SqsPoller, failed_ids

from .conftest import MakeFunction

ATTRIBUTES = {
    "text": {"DataType": "String", "StringValue": "é"},
    "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}


@pytest.fixture
def queue_url(moto: MotoServer) -> Iterator[str]:
    """A queue whose messages are visible again at once."""
    client = moto.client("sqs")
    url = client.create_queue(QueueName=f"q{uuid4().hex}", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    yield url
    client.delete_queue(QueueUrl=url)


def _send(moto: MotoServer, queue_url: str, *bodies: str) -> None:
    for body in bodies:
        moto.client("sqs").send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=ATTRIBUTES)


def _left(moto: MotoServer, queue_url: str) -> list[str]:
    reply = moto.client("sqs").receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
    return sorted(message["Body"] for message in reply.get("Messages", []))


class _Recorder:
    """Keeps the event and answers what it was told to."""

    def __init__(self, reply: object) -> None:
        self.reply = reply
        self.events: list[Any] = []

    def invoke(self, event: object) -> InvokeResult:
        self.events.append(event)
        return _result(self.reply)


def _result(reply: object, status: Any = "success") -> InvokeResult:
    payload = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return InvokeResult(status, payload, "id", None, 1.0, None, False, 1, 1)


def test_the_event_is_lambdas(moto: MotoServer, queue_url: str) -> None:
    """Every key of an SQS record is there, binary attributes in base64."""
    recorder = _Recorder(None)
    _send(moto, queue_url, "body")
    assert SqsPoller(moto.client("sqs"), queue_url, recorder, wait_s=0).poll_once() == Polled(1, 1, 0)
    record = recorder.events[0]["Records"][0]
    json.dumps(record)
    assert record["body"] == "body"
    assert record["messageAttributes"] == {
        "text": {"stringValue": "é", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
        "bytes": {
            "binaryValue": "AP8=",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "Binary",
        },
    }
    assert {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    } <= set(record["attributes"])
    assert (record["eventSource"], record["awsRegion"]) == ("aws:sqs", "eu-west-1")
    assert record["eventSourceARN"].startswith("arn:aws:sqs:eu-west-1:123456789012:q")
    assert {"messageId", "receiptHandle", "md5OfBody"} <= set(record)


@pytest.mark.runtime
def test_a_function_on_a_queue(moto: MotoServer, queue_url: str, function: MakeFunction) -> None:
    """What the function reports as failed stays in the queue, the rest is deleted."""
    source = """
        def handler(event, context):
            bad = [r["messageId"] for r in event["Records"] if r["body"].startswith("bad")]
            return {"batchItemFailures": [{"itemIdentifier": i} for i in bad]}
    """
    _send(moto, queue_url, "good 1", "bad 1", "good 2")
    polled = SqsPoller(moto.client("sqs"), queue_url, function(source), wait_s=0).poll_once()
    assert polled == Polled(3, 2, 1)
    assert _left(moto, queue_url) == ["bad 1"]


@pytest.mark.runtime
def test_a_failing_function_keeps_the_batch(moto: MotoServer, queue_url: str, function: MakeFunction) -> None:
    """An exception leaves every message in the queue."""
    _send(moto, queue_url, "a", "b")
    fn = function("def handler(event, context): raise ValueError('poison')")
    assert SqsPoller(moto.client("sqs"), queue_url, fn, wait_s=0).poll_once() == Polled(2, 0, 2)
    assert _left(moto, queue_url) == ["a", "b"]


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"other": 1}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, {"a", "b"}),
        ({"batchItemFailures": [{"id": "a"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": "z"}]}, {"a", "b"}),
        ({"batchItemFailures": "a"}, {"a", "b"}),
        ([1], {"a", "b"}),
        (b"not json", {"a", "b"}),
    ],
)
def test_partial_replies(reply: object, failed: set[str]) -> None:
    """A valid partial reply names what failed; an invalid one fails the batch."""
    assert failed_ids(_result(reply), ["a", "b"], partial=True) == failed


def test_without_partial_replies_the_reply_does_not_matter() -> None:
    """Unless the mapping asks for partial replies, a success deletes everything."""
    assert failed_ids(_result(b"not json"), ["a"], partial=False) == set()
    assert failed_ids(_result({}, "timeout"), ["a"], partial=False) == {"a"}


def test_the_thread_polls_until_stopped(moto: MotoServer, queue_url: str) -> None:
    """Started, it drains the queue and survives errors; stopped, its thread is gone."""
    recorder = _Recorder(None)
    with SqsPoller(moto.client("sqs"), queue_url, recorder, wait_s=0) as poller:
        _send(moto, queue_url, "a", "b", "c")
        deadline = time.monotonic() + 20
        while sum(len(event["Records"]) for event in recorder.events) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
    assert sorted(r["body"] for event in recorder.events for r in event["Records"]) == ["a", "b", "c"]
    assert poller.poll_errors == 0
    broken = SqsPoller(moto.client("sqs"), queue_url + "-gone", recorder, wait_s=0).start()
    while broken.poll_errors == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    broken.stop()
    assert broken.poll_errors > 0


def test_a_batch_may_be_larger_than_sqs_hands_out(moto: MotoServer, queue_url: str) -> None:
    """Within its window a batch is filled by several receipts, and deleted by several calls."""
    client = moto.client("sqs")
    client.set_queue_attributes(QueueUrl=queue_url, Attributes={"VisibilityTimeout": "30"})
    _send(moto, queue_url, *map(str, range(13)))
    recorder = _Recorder(None)
    poller = SqsPoller(client, queue_url, recorder, batch_size=12, wait_s=0, window_s=20)
    assert poller.poll_once() == Polled(12, 12, 0)
    assert len(recorder.events[0]["Records"]) == 12
    assert len(_left(moto, queue_url)) == 1


def test_logs_written_can_be_read_back(moto: MotoServer) -> None:
    """Groups and streams are made on first use and events come back in order, over several pages."""
    now_ms = time.time_ns() // 1_000_000
    events = [LogEvent(now_ms + n, f"line {n}\n") for n in range(25_000)]
    group = f"/aws/lambda/{uuid4().hex}"
    with CloudWatchLogWriter(moto.client("logs")) as writer:
        writer.write(group, "2026/01/01/[$LATEST]0", events[:15_000])
        writer.write(group, "2026/01/01/[$LATEST]0", events[15_000:])
        writer.flush()
        assert read_events(moto.client("logs"), group, "2026/01/01/[$LATEST]0") == events


def test_refused_logs_are_reported(moto: MotoServer) -> None:
    """What CloudWatch refuses is an error of flush(), not of the invocation, and only once."""
    writer = CloudWatchLogWriter(moto.client("logs"))
    writer.write("x" * 600, "s", [LogEvent(1, "x")])
    with pytest.raises(LogsNotWrittenError):
        writer.flush()
    writer.close()
