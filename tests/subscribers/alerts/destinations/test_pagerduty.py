"""PagerDuty against a strict one: an alert's life, its keys, its limits, its secret."""

from __future__ import annotations

import json

from hypothesis import given, settings

from subscribers.alerts.destinations.pagerduty import URL, PagerDuty
from subscribers.alerts.message import Message
from subscribers.sinks.channel import HttpRequest, Item, Response
from tests.backends import pagerduty
from tests.backends.server import FAULTS, Received, Reply
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


def known() -> Known:
    return Known(routing=pagerduty.ROUTING_KEY)


def channel(backend: pagerduty.PagerDuty) -> PagerDuty:
    found = made("pagerduty", url=f"{backend.url}/v2/enqueue")
    assert isinstance(found, PagerDuty)
    return found


def test_the_life_of_an_alert() -> None:
    """One page; an update changes it, a resolve closes it; all by one key."""
    with pagerduty.PagerDuty() as backend:
        some = messages()
        assert deliver(channel(backend), some[:2], known()).delivered == 2
        assert set(backend.open) == {"observe/errors"}
        assert backend.pages == ["observe/errors"]
        assert deliver(channel(backend), some[2:], known()).delivered == 1
        assert backend.open == {}
        assert [event["event_action"] for event in backend.events] == ["trigger", "trigger", "resolve"]
        first, second, _ = backend.events
        assert (first["payload"]["severity"], second["payload"]["severity"]) == ("warning", "critical")


def test_forty_functions_are_one_page() -> None:
    """With each of them in its details."""
    with pagerduty.PagerDuty() as backend:
        deliver(channel(backend), messages(*(f"f{n}" for n in range(40)))[:1], known())
        assert backend.pages == ["observe/errors"]
        assert len(backend.events[0]["payload"]["custom_details"]["All of them"]) == 40


def test_a_payload() -> None:
    """What the person who is called sees first."""
    told = tree(made("pagerduty"), messages()[0])
    payload = told["payload"]
    assert payload["summary"].startswith("WARNING errors: claims (serverless side): 12 of 40 requests failed")
    assert (payload["source"], payload["component"], payload["group"], payload["class"]) == (
        "claims",
        "claims",
        "serverless",
        "errors",
    )
    assert payload["timestamp"] == "2026-11-21T03:30:00.000+00:00"
    assert payload["custom_details"]["Runbook"] == "https://wiki.example/errors"
    assert payload["custom_details"]["Requests that it hit"][0]["command"] == "observe trace corr-0"
    assert {"href": "https://k.example/?q=corr-0", "text": "logs (corr-0)"} in told["links"]
    assert "routing_key" not in told


def test_the_most_hostile_signals_are_told() -> None:
    """Nothing of it is refused, and none of it is the key."""
    with pagerduty.PagerDuty() as backend:
        assert deliver(channel(backend), hostile_messages(), known()).delivered == 3
        assert max(len(json.dumps(event)) for event in backend.events) < 512 * 1000


def test_a_routing_key_that_was_replaced() -> None:
    """It is asked for anew once; and where that is wrong, too, the notice can be sent again later."""
    with pagerduty.PagerDuty() as backend:
        secrets = known()
        backend.routing_key = secrets.now["routing"] = "f" * 32
        assert deliver(channel(backend), messages()[:1], secrets).delivered == 1
        backend.routing_key = "0" * 32
        outcome = deliver(channel(backend), messages()[:1], secrets)
        assert reasons(outcome) == ["unauthorized"]
        assert "f" * 32 not in str(outcome)


def test_faults_of_every_kind() -> None:
    """A page is sent again, or kept; two of one key are one page."""
    for fault in FAULTS:
        with pagerduty.PagerDuty(lambda n, request, fault=fault: fault if n == 1 else None) as backend:  # type: ignore[misc]
            backend.hang_s = 0.4
            outcome = deliver(channel(backend), messages()[:1], known())
            assert outcome.delivered + len(reasons(outcome)) == 1
            assert (reasons(outcome) or "sent") in ("sent", ["too_large"])
            assert len(backend.pages) <= 1


def test_what_is_refused_for_good_says_why() -> None:
    """The errors of the answer, and nothing of the key."""

    class Broken(pagerduty.PagerDuty):
        def answer(self, request: Received) -> Reply:
            return Reply(
                400, {"status": "invalid event", "message": "no", "errors": ["'payload' is missing"]}
            )

    with Broken() as backend:
        outcome = deliver(channel(backend), messages()[:1], known())
    (left,) = outcome.rejected["notices"]
    assert (left.refusal.reason, left.refusal.detail) == (
        "bad_request",
        "invalid event; no; 'payload' is missing",
    )
    assert pagerduty.ROUTING_KEY not in str(left)


def test_its_address_and_verdicts_of_nonsense() -> None:
    """The documented one, unless it says another; a portal's page is no success."""
    found = made("pagerduty")
    request = found.request([Item("a", b"{}")])
    assert isinstance(request, HttpRequest)
    assert request.url == URL
    for status, body in ((200, b"<html>"), (202, b"[]"), (204, b"")):
        assert found.verdict([Item("a", b"{}")], Response(status=status, body=body)).retry
    assert not found.verdict([Item("a", b"{}")], Response(status=202, body=b'{"status":"success"}')).retry


@given(any_messages())
@settings(max_examples=100, deadline=None)
def test_every_message_is_an_event(message: Message) -> None:
    """A law: whatever signals hold, the API's rules are kept."""
    event = {**tree(made("pagerduty"), message), "routing_key": "r"}
    assert pagerduty._wrong(event, "r") == []
