"""Slack against a stricter one: no text of anybody's is formatted, calls people or makes links."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.alerts.destinations import Destination
from subscribers.alerts.destinations.slack import escaped, linked
from subscribers.alerts.links import Link
from subscribers.alerts.message import Message
from subscribers.alerts.texts import length
from tests.backends import slack
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


def channel(**settings_: object) -> Destination:
    return made("slack", **settings_)


def test_three_messages() -> None:
    """Slack knows no alerts that go on: each notice is a message, and says which it is."""
    with slack.Slack() as backend:
        assert deliver(channel(channel="#night"), messages(), Known(slack=backend.webhook)).delivered == 3
        heads = [message["blocks"][0]["text"]["text"] for message in backend.messages]
        assert [head.split(":")[0] for head in heads] == [
            "WARNING errors",
            "CRITICAL (update) errors",
            "RESOLVED errors",
        ]
        assert backend.messages[0]["channel"] == "#night"


def test_a_message() -> None:
    """What is so, facts in two columns, links that can be tapped."""
    told = tree(channel(), messages()[0])
    links = [b["text"]["text"] for b in told["blocks"] if b.get("text", {}).get("type") == "mrkdwn"]
    assert links[0] == "<https://wiki.example/errors|Runbook> · <https://g.example/?s=claims|dashboard>"
    assert links[1].endswith(" · <https://k.example/?q=corr-0|logs>")
    assert told["text"].startswith("WARNING errors: claims")
    assert (told["unfurl_links"], told["mrkdwn"]) == (False, False)
    fields = [field["text"] for block in told["blocks"] for field in block.get("fields", ())]
    assert "Owner\nteam-submit" in fields


def test_the_most_hostile_signals_are_told() -> None:
    """Nobody is called, nothing is formatted, no limit is passed."""
    with slack.Slack() as backend:
        outcome = deliver(channel(), hostile_messages(), Known(slack=backend.webhook))
        assert (outcome.delivered, reasons(outcome)) == (3, [])
        assert "<!channel>" not in json.dumps(backend.messages)


def test_the_webhook_is_a_secret() -> None:
    """It is in no request that is kept, and in nothing that is said of a failure."""
    with slack.Slack() as backend:
        secret = f"{backend.url}/services/T0/wrong-and-secret"
        outcome = deliver(channel(), messages()[:1], Known(slack=secret))
        assert reasons(outcome) == ["forbidden"]
        assert "wrong-and-secret" not in str(outcome)
        found = channel()
        assert backend.url not in str(found.request(found.told(messages()[0])))
    assert reasons(deliver(channel(), messages()[:1], Known(slack="no address"))) == ["unsendable"]
    assert reasons(deliver(channel(), messages()[:1], Known())) == ["secret_unavailable"]


@pytest.mark.parametrize("word", ["no_service", "channel_not_found", "channel_is_archived", "no_team"])
def test_a_webhook_that_is_gone(word: str) -> None:
    """For good, and with Slack's word for it."""
    with slack.Slack() as backend:
        backend.gone = word
        outcome = deliver(channel(), messages()[:1], Known(slack=backend.webhook))
        assert [left.refusal.reason for left in outcome.rejected["notices"]] == [word]


def test_faults_of_every_kind() -> None:
    """A message may come twice, but it comes or is kept."""
    for fault in FAULTS:
        with slack.Slack(lambda n, request, fault=fault: fault if n == 1 else None) as backend:  # type: ignore[misc]
            backend.hang_s = 0.4
            outcome = deliver(channel(), messages()[:1], Known(slack=backend.webhook))
            assert outcome.delivered + len(reasons(outcome)) == 1
            assert (reasons(outcome) or "sent") in ("sent", ["too_large"])


@given(any_messages())
@settings(max_examples=100, deadline=None)
def test_every_message_is_blocks(message: Message) -> None:
    """A law: whatever signals hold."""
    told = tree(channel(), message)
    assert slack._is_blocks(told["blocks"])
    assert not slack._is_unsafe(told["text"])


@given(st.text("a<>&é😀", max_size=60), st.integers(1, 80))
def test_escaping(text: str, most: int) -> None:
    """A law: within the limit, no entity halved, whole where there is room."""
    made_ = escaped(text, most)
    assert length(made_) <= most
    assert not slack._is_unsafe(made_)
    if length(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) <= most:
        assert made_.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


def test_links_that_would_be_more_than_links() -> None:
    """An address or a name with Slack's marks in it stays what it is; those beyond the limit are left out."""
    link = Link("a|b>", "https://x.example/<!here>|y?a=1&b=2")
    assert linked([link]) == "<https://x.example/%3C!here%3E%7Cy?a=1&amp;b=2|a_b_>"
    assert linked([link] * 9, 100).count("<") == 1
