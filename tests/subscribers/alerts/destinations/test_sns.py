"""SNS: what AWS takes as a subject, a message and attributes; FIFO topics; what its errors mean."""

from __future__ import annotations

import json
import re

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.local.moto_server import MotoServer
from subscribers.alerts.destinations.sns import subject
from subscribers.alerts.message import Message
from subscribers.sinks.channel import AwsCall, Item, Response
from tests.subscribers.alerts.destinations.telling import (
    any_messages,
    deliver,
    hostile_messages,
    made,
    messages,
    reasons,
)

TOPIC = "arn:aws:sns:eu-west-1:123456789012:oncall"


def parameters(message: Message, topic: str = TOPIC) -> dict[str, object]:
    found = made("sns", topic_arn=topic)
    call = found.request(found.told(message))
    assert isinstance(call, AwsCall)
    assert (call.service, call.operation, call.region) == ("sns", "publish", "eu-west-1")
    return call.parameters


def fits(told: dict[str, object]) -> None:
    """What the API's reference says of a call of Publish."""
    said = str(told["Subject"])
    assert 0 < len(said) < 100
    assert said.isascii()
    assert said.isprintable()
    assert not said.startswith(" ")
    attributes = json.loads(json.dumps(told["MessageAttributes"]))
    size = len(str(told["Message"]).encode()) + len(json.dumps(attributes))
    assert size <= 256 * 1024
    assert len(attributes) <= 10
    for name, value in attributes.items():
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,256}", name)
        assert value["DataType"] == "String"
        assert value["StringValue"]
    texts = json.loads(str(told["Message"]))
    assert set(texts) == {"default", "sms"}
    assert len(texts["sms"].encode()) <= 140


def test_a_message() -> None:
    """An e-mail of plain text, with attributes that subscriptions can filter by."""
    told = parameters(messages()[0])
    fits(told)
    assert told["TopicArn"] == TOPIC
    assert told["Subject"] == (
        "WARNING errors: claims (serverless side): 12 of 40 requests failed (30%); limit 2%"
    )
    assert json.loads(str(told["Message"]))["default"].startswith("WARNING errors: claims")
    attributes = json.loads(json.dumps(told["MessageAttributes"]))
    assert attributes["severity"]["StringValue"] == "warning"
    assert attributes["action"]["StringValue"] == "trigger"
    assert "MessageGroupId" not in told


def test_a_fifo_topic() -> None:
    """The notices of an alert in order, each once."""
    first, second, _ = (parameters(message, f"{TOPIC}.fifo") for message in messages())
    assert first["MessageGroupId"] == second["MessageGroupId"]
    assert first["MessageDeduplicationId"] != second["MessageDeduplicationId"]


def test_it_is_published(moto: MotoServer, aws: object) -> None:
    """By the SDK, to a topic and the queue that subscribes to it."""
    sns, sqs = boto3.client("sns", region_name="eu-west-1"), boto3.client("sqs", region_name="eu-west-1")
    topic = sns.create_topic(Name="oncall")["TopicArn"]
    queue = sqs.create_queue(QueueName="oncall")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    some = [*messages(), *hostile_messages()]
    outcome = deliver(made("sns", topic_arn=topic), some)
    assert (outcome.delivered, reasons(outcome)) == (6, [])
    (first, *_) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(first["Body"])["Subject"].startswith("WARNING")


def test_a_topic_that_is_not_there(moto: MotoServer, aws: object) -> None:
    """For good."""
    outcome = deliver(made("sns", topic_arn=TOPIC + "-gone"), messages()[:1])
    assert reasons(outcome) == ["not_found"]
    assert outcome.rejected["notices"]


@pytest.mark.parametrize(
    ("code", "status", "is_transient"),
    [("Throttling", 400, True), ("AuthorizationError", 403, True), ("InvalidParameter", 400, False)],
)
def test_errors_of_aws(code: str, status: int, is_transient: bool) -> None:
    """By AWS's code, then by the status."""
    verdict = made("sns").verdict([Item("a", b"{}")], Response(status=status, error_code=code))
    assert bool(verdict.retry) == is_transient
    assert bool(verdict.rejected) != is_transient


@given(any_messages())
@settings(max_examples=100, deadline=None)
def test_every_message_can_be_published(message: Message) -> None:
    """A law: whatever signals hold."""
    fits(parameters(message))


@given(st.text(st.characters(), max_size=300))
def test_subjects(title: str) -> None:
    """A law: printable ASCII, shorter than 100 characters, never empty."""
    said = subject(title)
    assert said.isascii()
    assert said.isprintable()
    assert 0 < len(said) < 100
    assert said == said.strip()


def test_the_longest_subject() -> None:
    """99 characters are whole, 100 are cut."""
    assert subject("x" * 99) == "x" * 99
    assert subject("x" * 100) == "x" * 96 + "..."
