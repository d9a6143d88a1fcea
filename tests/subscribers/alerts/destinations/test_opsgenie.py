"""Opsgenie against a strict one: an alert's life by its alias, and the limits of every field."""

from __future__ import annotations

import json

from hypothesis import given, settings

from subscribers.alerts.destinations import Destination
from subscribers.alerts.message import Message
from subscribers.sinks.channel import HttpRequest, Item, Response
from tests.backends import opsgenie
from tests.backends.server import FAULTS
from tests.subscribers.alerts.destinations.telling import (
    Known,
    any_messages,
    deliver,
    hostile_messages,
    made,
    messages,
    reasons,
    tree,
)

KEY = "observe/errors"


def known() -> Known:
    return Known(opsgenie=opsgenie.API_KEY)


def channel(backend: opsgenie.Opsgenie) -> Destination:
    return made("opsgenie", url=backend.url)


def test_the_life_of_an_alert() -> None:
    """Created, noted with its new priority, closed."""
    with opsgenie.Opsgenie() as backend:
        some = messages()
        assert deliver(channel(backend), some[:1], known()).delivered == 1
        assert backend.open[KEY]["priority"] == "P3"
        assert backend.open[KEY]["responders"][1] == {"type": "team", "name": "night"}
        assert deliver(channel(backend), some[1:2], known()).delivered == 2
        assert (backend.open[KEY]["priority"], backend.open[KEY]["count"]) == ("P1", 1)
        assert backend.open[KEY]["notes"][0].startswith("CRITICAL (update) errors: claims")
        assert deliver(channel(backend), some[2:], known()).delivered == 1
        assert (backend.open, backend.closed) == ({}, [KEY])


def test_an_alert() -> None:
    """What the person who is called sees first, and what it can be routed by."""
    told = tree(made("opsgenie"), messages()[0])
    assert len(told["message"]) <= 130
    assert told["alias"] == KEY
    assert told["tags"] == ["errors", "warning", "serverless", "claims", "submit"]
    assert told["details"]["Owner"] == "team-submit"
    assert told["details"]["story of corr-0"] == "observe trace corr-0"
    assert told["details"]["logs of corr-0"] == "https://k.example/?q=corr-0"
    assert "What changed before" in told["description"]


def test_regions() -> None:
    """The account's, or another address."""
    for settings_, wanted in (
        ({}, "https://api.opsgenie.com/v2/alerts"),
        ({"region": "eu"}, "https://api.eu.opsgenie.com/v2/alerts"),
    ):
        found = made("opsgenie", **settings_)
        request = found.request(found.told(messages()[0]))
        assert isinstance(request, HttpRequest)
        assert request.url == wanted
        resolve = found.request(found.told(messages()[2]))
        assert isinstance(resolve, HttpRequest)
        assert resolve.url == f"{wanted}/observe%2Ferrors/close?identifierType=alias"


def test_the_most_hostile_signals_are_told() -> None:
    """Nothing of it is refused: create, note, priority, close."""
    with opsgenie.Opsgenie() as backend:
        outcome = deliver(channel(backend), hostile_messages(), known())
        assert (outcome.delivered, reasons(outcome)) == (4, [])


def test_faults_of_every_kind() -> None:
    """Sent again, or kept; an alias has one alert however often it is created."""
    for fault in FAULTS:
        with opsgenie.Opsgenie(lambda n, request, fault=fault: fault if n == 1 else None) as backend:  # type: ignore[misc]
            backend.hang_s = 0.4
            outcome = deliver(channel(backend), messages()[:1], known())
            assert outcome.delivered + len(reasons(outcome)) == 1
            assert (reasons(outcome) or "sent") in ("sent", ["too_large"])
            assert len(backend.open) <= 1


def test_a_key_that_is_wrong() -> None:
    """Transient: somebody will mend it. A wrong format is 403, another key 401."""
    with opsgenie.Opsgenie() as backend:
        for key, reason in (("nonsense", "forbidden"), ("0" * 36, "unauthorized")):
            outcome = deliver(channel(backend), messages()[:1], Known(opsgenie=key))
            assert reasons(outcome) == [reason]
            assert outcome.retry["notices"]
            assert key not in str(outcome.retry["notices"][0].refusal)


def test_verdicts() -> None:
    """The time of a 429 is in its own header; 422 is for good and says which field."""
    found, items = made("opsgenie"), [Item("a", b"{}")]
    throttled = Response(status=429, headers={"x-ratelimit-period-in-sec": "7"}, body=b"{}")
    assert found.verdict(items, throttled).after_s == 7
    body = json.dumps({"message": "not processable", "errors": {"message": "is empty"}}).encode()
    refused = found.verdict(items, Response(status=422, body=body)).rejected[0]
    assert (refused.reason, "is empty" in refused.detail) == ("unprocessable", True)
    assert found.verdict(items, Response(status=202, body=b"<html>")).retry


@given(any_messages())
@settings(max_examples=100, deadline=None)
def test_every_message_is_within_the_limits(message: Message) -> None:
    """A law: whatever signals hold."""
    assert opsgenie._wrong(tree(made("opsgenie"), message)) == {}
