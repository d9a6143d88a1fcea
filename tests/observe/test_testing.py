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
        publishing(8)(EVENT, LambdaContext())
    sent.assert_carried()
    assert [repr(call) for call in sent.made] == ["sns.Publish: carried"]
    assert watched.listener is None


def test_ten_attributes_fail_here_not_at_night(aws: Any) -> None:
    """The assertion names the call and why; a team that knows says so."""
    with testing.calls() as sent:
        publishing(10)(EVENT, LambdaContext())
    with pytest.raises(AssertionError, match=r"sns.Publish \(no_attribute_room: ten attributes"):
        sent.assert_carried()
    sent.assert_carried("sns.Publish")


def test_a_test_that_watches_nothing_fails() -> None:
    """A handler that sends nothing, or that is not observed, proves nothing."""
    with testing.calls() as sent:
        pass
    with pytest.raises(AssertionError, match="no outbound call was seen"):
        sent.assert_carried()


@pytest.mark.parametrize(("hosts", "lost"), [("", ""), ("other.example.com", "not_forwarded")])
def test_http_calls_are_watched(monkeypatch: pytest.MonkeyPatch, hosts: str, lost: str) -> None:
    """By their host, with the allow-list in force; here to a port that nobody listens on."""
    monkeypatch.setenv("OBSERVE_FORWARD_HOSTS", hosts)
    settings.reset()

    def handler(event: Any, context: Any) -> None:
        with httpx.Client() as client, pytest.raises(httpx.ConnectError):
            client.get(f"http://127.0.0.1:{port}/policies/1")

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with testing.capture(), testing.calls() as sent:
            observe.instrument(handler)(EVENT, LambdaContext())
    assert [(call.name, call.lost) for call in sent.made] == [("http 127.0.0.1", lost)]
