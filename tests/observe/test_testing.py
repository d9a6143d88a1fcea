"""What a team's own tests can ask: does the ID survive each outbound call of a handler?"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from moto import mock_aws

import observe
from observe import settings, testing, watched
from observe.testing import LambdaContext
from tests.observe.running import sqs_event

EVENT = sqs_event({"x-correlation-id": "CLM-1"})


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A queue and a topic."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws(), testing.capture():
        yield None
    assert os.environ["AWS_DEFAULT_REGION"] == "eu-west-1"


def publishing(attributes: int) -> Any:
    """A handler that publishes with so many attributes of its own."""

    def handler(event: Any, context: Any) -> None:
        sns = boto3.Session().client("sns")
        topic = sns.create_topic(Name="t")["TopicArn"]
        own = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(attributes)}
        sns.publish(TopicArn=topic, Message="{}", MessageAttributes=own)

    return observe.instrument(handler)


def test_an_id_that_survives(aws: Any) -> None:
    """Nothing is raised, and the calls are told by name."""
    with testing.calls() as sent:
        publishing(7)(EVENT, LambdaContext())
    sent.assert_carried()
    assert [repr(call) for call in sent.made] == ["sns.Publish: carried"]
    assert watched.listener is None


def test_ten_attributes_fail_here_not_at_night(aws: Any) -> None:
    """The assertion names the call and why; a team that knows says so."""
    with testing.calls() as sent:
        publishing(10)(EVENT, LambdaContext())
    with pytest.raises(AssertionError, match=r"sns.Publish \(no_attribute_room: ten attributes"):
        sent.assert_carried()
    sent.assert_carried(except_for=("sns.Publish",))
    sent.assert_carried(except_for="sns.Publish")


@pytest.mark.parametrize("own", [8, 9])
def test_a_part_that_is_lost_is_not_carried(aws: Any, own: int) -> None:
    """Eight attributes leave no room for baggage, nine none for the correlation ID either."""
    with testing.calls() as sent:
        publishing(own)(EVENT, LambdaContext())
    assert [call.lost for call in sent.made] == ["no_attribute_room"]


@pytest.mark.parametrize(
    ("entries", "own"), [(1, 8), (1, 9), (1, 10), (2, 10)], ids=["baggage", "id", "all", "two"]
)
def test_a_message_of_a_batch_without_room_is_not_carried(aws: Any, entries: int, own: int) -> None:
    """Of one entry and of several: a trace header of X-Ray's does not make it whole."""

    def handler(event: Any, context: Any) -> None:
        sqs = boto3.Session().client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        named: Any = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(own)}
        sqs.send_message(QueueUrl=url, MessageBody="{}", MessageAttributes=named)
        batch: Any = [{"Id": str(n), "MessageBody": "{}", "MessageAttributes": named} for n in range(entries)]
        sqs.send_message_batch(QueueUrl=url, Entries=batch)

    with testing.calls() as sent:
        observe.instrument(handler)(EVENT, LambdaContext())
    assert [call.lost for call in sent.made] == ["no_attribute_room"] * 2
    assert [call.name for call in sent.made] == ["sqs.SendMessage", "sqs.SendMessageBatch"]


def test_what_is_apart_is_named_and_was_called(aws: Any) -> None:
    """By keyword alone, as it says the opposite of the rest; a name that was not called is a mistake."""
    with testing.calls() as sent:
        publishing(1)(EVENT, LambdaContext())
    with pytest.raises(TypeError):
        sent.assert_carried("sns.Publish")  # type: ignore[call-arg]
    with pytest.raises(AssertionError, match=r"not called: sqs.SendMessage; called were sns.Publish"):
        sent.assert_carried(except_for="sqs.SendMessage")
    sent.assert_carried(except_for=["sns.Publish"])


def test_a_test_that_watches_nothing_fails() -> None:
    """A handler that sends nothing, or that is not observed, proves nothing."""
    with testing.calls() as sent:
        pass
    with pytest.raises(AssertionError, match="no outbound call was seen"):
        sent.assert_carried()


@pytest.mark.parametrize(
    ("hosts", "own", "lost"),
    [
        ("", "", ""),
        ("", "Traceparent", "caller_has_own"),
        ("", "X-Correlation-ID", "caller_has_own"),
        ("", "X-Request-ID", ""),
        ("", "Accept", ""),
        ("other.example.com", "", "not_forwarded"),
        ("other.example.com", "X-Correlation-ID", "not_forwarded"),
    ],
)
def test_http_calls_are_watched(monkeypatch: pytest.MonkeyPatch, hosts: str, own: str, lost: str) -> None:
    """By their host, with the allow-list in force; here to a port that nobody listens on."""
    monkeypatch.setenv("OBSERVE_FORWARD_HOSTS", hosts)
    settings.reset()

    def handler(event: Any, context: Any) -> None:
        with httpx.Client() as client, pytest.raises(httpx.ConnectError):
            client.get(f"http://127.0.0.1:{port}/policies/1", headers={own: "1"} if own else {})

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with testing.capture(), testing.calls() as sent:
            observe.instrument(handler)(EVENT, LambdaContext())
    assert [(call.name, call.lost) for call in sent.made] == [("http 127.0.0.1", lost)]


@pytest.mark.parametrize("log_format", ["TEXT", "JSON"])
@pytest.mark.parametrize(
    ("form", "is_told"),
    [
        ("monitoring", lambda line: "|2|count|claims|#message:m" in line),
        ("dogstatsd", lambda line: line.startswith("claims:2|c|#message:m")),
        ("datadog", lambda line: '"m":"claims"' in line),
        ("emf", lambda line: '"claims":2' in line),
    ],
)
def test_metrics_are_told_in_every_format(
    monkeypatch: pytest.MonkeyPatch, form: str, log_format: str, is_told: Any
) -> None:
    """A line each, and none of them among the log lines."""
    monkeypatch.setenv("OBSERVE_METRICS_FORMAT", form)
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", log_format)
    settings.reset()

    def handler(event: Any, context: Any) -> None:
        observe.metrics.increment("claims", 2, tags={"message": "m"})
        observe.log.info("told", metric="own")

    with testing.capture() as lines:
        observe.instrument(handler)({}, LambdaContext())
    (metric,) = lines.metrics
    assert is_told(metric)
    assert [line["message"] for line in lines.logs] == ["told"]
