"""Rules of event buses against moto: what they send, whole and as EventBridge writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from console.local.eventbridge import eventbridge_event, rule
from console.local.moto_server import MotoServer
from console.local.resources import hidden_queue

REAL = Path(__file__).parents[2] / "data" / "events" / "eventbridge.json"
CLAIMS = '{"source": ["claims"]}'


class Bus:
    """A bus, and a queue for what its rules send."""

    def __init__(self, moto: MotoServer, queue: tuple[str, str]) -> None:
        self.sqs, self.events = moto.client("sqs"), moto.client("events")
        self.queue_url, self.queue_arn = queue
        self.name = f"b{uuid4().hex}"
        self.arn: str = self.events.create_event_bus(Name=self.name)["EventBusArn"]

    def put(self, detail: object, **more: Any) -> str:
        entry = {
            "EventBusName": self.name,
            "Source": "claims",
            "DetailType": "ClaimSubmitted",
            "Detail": detail if isinstance(detail, str) else json.dumps(detail),
            **more,
        }
        reply = self.events.put_events(Entries=[entry])
        assert reply["FailedEntryCount"] == 0
        return str(reply["Entries"][0]["EventId"])

    def received(self) -> list[Any]:
        reply = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in reply.get("Messages", [])]


@pytest.fixture
def bus(moto: MotoServer) -> Iterator[Bus]:
    """A bus of its own."""
    with hidden_queue(moto.client("sqs")) as queue:
        yield Bus(moto, queue)


def test_the_event_is_eventbridges(bus: Bus) -> None:
    """The same members in the same order as in a real event; the ID is the one that PutEvents returned."""
    with rule(bus.events, bus.name, "r", CLAIMS, bus.queue_arn):
        sent = bus.put({"claim": "CLM-1"}, Resources=["arn:aws:s3:::b"], Time=1_767_225_600)
    (event,) = bus.received()
    real = json.loads(REAL.read_text())["event"]
    assert list(event) == list(real)
    assert event == {
        "version": "0",
        "id": sent,
        "detail-type": "ClaimSubmitted",
        "source": "claims",
        "account": "123456789012",
        "time": "2026-01-01T00:00:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:s3:::b"],
        "detail": {"claim": "CLM-1"},
    }


@pytest.mark.parametrize(
    "detail",
    [
        {"text": "<source> <detail-type> <aws.events.event.json> \"quoted\" é"},
        {"_observe": {"traceparent": "00-1-2-01"}, "nested": {"list": [1.5, None, True, {}]}},
    ],
)  # fmt: skip
def test_a_detail_comes_as_it_was_put(bus: Bus, detail: dict[str, Any]) -> None:
    """Whatever text is in it, nothing of it is taken for a placeholder."""
    with rule(bus.events, bus.name, "r", CLAIMS, bus.queue_arn):
        bus.put(detail, DetailType='a "type"')
    (event,) = bus.received()
    assert (event["detail"], event["detail-type"]) == (detail, 'a "type"')


def test_only_what_matches_is_sent(bus: Bus) -> None:
    """By its source and its detail; each rule by its own pattern."""
    pattern = '{"source": ["claims"], "detail": {"amount": [{"numeric": [">", 100]}]}}'
    with rule(bus.events, bus.name, "large", pattern, bus.queue_arn):
        bus.put({"amount": 101})
        bus.put({"amount": 100})
        bus.put({"amount": 101}, Source="others")
    assert [event["detail"]["amount"] for event in bus.received()] == [101]


def test_a_disabled_rule_sends_nothing(bus: Bus) -> None:
    """Until it is enabled again; moto alone does not ask."""
    with rule(bus.events, bus.name, "r", CLAIMS, bus.queue_arn):
        bus.events.disable_rule(Name="r", EventBusName=bus.name)
        bus.put({"n": 1})
        bus.events.enable_rule(Name="r", EventBusName=bus.name)
        bus.put({"n": 2})
    assert [event["detail"] for event in bus.received()] == [{"n": 2}]


def test_a_bus_may_be_named_by_its_arn(bus: Bus) -> None:
    """As the template may give it."""
    with rule(bus.events, bus.arn, "r", CLAIMS, bus.queue_arn):
        bus.put({})
    assert len(bus.received()) == 1


def test_a_rule_ends_with_its_block(bus: Bus) -> None:
    """Nothing is sent afterwards, and the rule is gone."""
    with rule(bus.events, bus.name, "r", CLAIMS, bus.queue_arn):
        assert [found["Name"] for found in bus.events.list_rules(EventBusName=bus.name)["Rules"]] == ["r"]
    bus.put({})
    assert bus.received() == []
    assert bus.events.list_rules(EventBusName=bus.name)["Rules"] == []


def test_a_bus_that_is_not_there_is_botocores_error(moto: MotoServer) -> None:
    """Which the deployment turns into a sentence."""
    with pytest.raises(ClientError), rule(moto.client("events"), "nowhere", "r", CLAIMS, "arn:q"):
        pytest.fail("made")


def test_a_function_gets_the_event_or_what_the_rule_gives_instead() -> None:
    """`Input` is a constant; what is no event is left out."""
    assert eventbridge_event({"id": "1"}) == {"id": "1"}
    assert eventbridge_event({"id": "1"}, {"task": "tidy"}) == {"task": "tidy"}
    assert eventbridge_event({"id": "1"}, {}) == {}
    assert eventbridge_event(["x"]) is None
