"""Slack, incoming webhook: a message of blocks each time, for it knows no alerts that go on.

    POST {the webhook, a secret}    200 `ok`; else a word such as `no_service` with 400, 403, 404, 410

What others have written is only in texts of the type plain_text, which Slack does not format, and escaped
besides: no log line can call a channel, make a link or be set in bold. Links are built from names of
observe.yaml and addresses that are URL-encoded.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from subscribers.alerts.destinations.channel import (
    Destination,
    Notices,
    bad_response,
    limits,
    reference,
    refused,
)
from subscribers.alerts.links import Link
from subscribers.alerts.message import Message
from subscribers.alerts.texts import ELLIPSIS
from subscribers.sinks.channel import HttpRequest, Item, Refusal, Request, Response, Secret, Verdict

BLOCKS_MAX, HEADER_MAX, TEXT_MAX, FIELDS_MAX, FIELD_MAX = 50, 150, 3_000, 10, 2_000
#: Of the text that notifications show.
FALLBACK_MAX = 500
LIMITS = limits(200_000)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_WORD = re.compile(rb"[a-z_]{1,40}")
#: What a webhook says when it or its channel is gone, as it is counted.
_REASONS = frozenset(
    ("no_service", "no_service_id", "no_team", "team_disabled", "channel_not_found", "channel_is_archived")
)
_NAME = re.compile(r"[^A-Za-z0-9 ._-]")


class Slack(Notices, frozen=True, kw_only=True):
    """One incoming webhook."""

    webhook_url: Secret
    #: Where the webhook allows another; "" for its own.
    channel: str = ""

    def told(self, message: Message) -> tuple[Item, ...]:
        """Return the message."""
        tree = {
            "text": escaped(message.title, FALLBACK_MAX),
            "mrkdwn": False,
            # Slack shall fetch nothing that a log line names.
            "unfurl_links": False,
            "unfurl_media": False,
            "blocks": list(_blocks(message))[:BLOCKS_MAX],
            **({"channel": self.channel} if self.channel else {}),
        }
        return (Item(message.id, msgspec.json.encode(tree)),)

    def request(self, items: Sequence[Item]) -> Request:
        """Return the request of one message."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return HttpRequest(secret_url=self.webhook_url, body=items[0].body, headers=headers)

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of it: only `ok` is a success."""
        said = response.body.strip()
        if not response.fault and 200 <= response.status < 300:
            is_ours = response.status == 200 and said == b"ok"
            return Verdict() if is_ours else bad_response(items, response, "this is not Slack's answer")
        word = said.decode() if _WORD.fullmatch(said) else ""
        if word in _REASONS:
            refusal = Refusal(word, response.status, word)
            return Verdict(rejected=dict.fromkeys(range(len(items)), refusal))
        return refused(items, response, word)


def make_slack(settings: Mapping[str, Any]) -> Destination:
    """Return the channel of a destination of type `slack`."""
    return Slack(
        webhook_url=Secret(reference(settings["webhook_url"])),
        channel=settings.get("channel", ""),
        limits=LIMITS,
    )


def escaped(text: str, most: int) -> str:
    """Return a text with Slack's three control characters escaped, at most so many characters, cut whole."""
    made: list[str] = []
    left = most
    for c in text:
        piece = _ENTITIES.get(c, c)
        size = len(piece) + (c > "\uffff")
        if size > left:
            while made and left < len(ELLIPSIS):
                left += len(made.pop())
            made.append(ELLIPSIS[:left])
            break
        made.append(piece)
        left -= size
    return "".join(made)


def linked(links: Iterable[Link], most: int = TEXT_MAX) -> str:
    """Return links in Slack's writing, as many as there is room for."""
    made = ""
    for link in links:
        url = link.url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
        one = f"{' · ' if made else ''}<{url}|{_NAME.sub('_', link.name)}>"
        if len(made) + len(one) <= most:
            made += one
    return made


def _blocks(message: Message) -> Iterable[dict[str, Any]]:
    yield {"type": "header", "text": _plain(message.title, HEADER_MAX)}
    yield _section(message.said)
    facts = [(name, text) for name, text in message.facts if name != "Runbook"]
    for at in range(0, len(facts), FIELDS_MAX):
        some = [_plain(f"{name}\n{text}", FIELD_MAX) for name, text in facts[at : at + FIELDS_MAX]]
        yield {"type": "section", "fields": some}
    runbook = [Link("Runbook", text) for name, text in message.facts if name == "Runbook"]
    yield from _links([*runbook, *message.links])
    if message.changes:
        yield _section("Changed before it (near in time, not shown to be the cause):", *message.changes)
    for shown in message.samples:
        head = f"{shown.at} {shown.service} {shown.id}"
        yield _section(head, *([shown.text] if shown.text else []), shown.command)
        yield from _links(shown.links)
    if message.members:
        more = [f"and {message.members_left_out} more"] if message.members_left_out else []
        yield _section(f"All {len(message.members) + message.members_left_out}:", *more, *message.members)
    if message.recovered:
        yield _section("Recovered meanwhile:", *message.recovered)
    if message.details:
        yield _section("Details:", *(f"{name}: {text}" for name, text in message.details))
    foot = f"Evidence: {message.evidence}. {message.key}, notice {message.revision}"
    yield {"type": "context", "elements": [_plain(foot, FIELD_MAX)]}


def _section(*lines: str) -> dict[str, Any]:
    return {"type": "section", "text": _plain("\n".join(lines), TEXT_MAX)}


def _links(links: Sequence[Link]) -> Iterable[dict[str, Any]]:
    if text := linked(links):
        yield {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": escaped(text, most) or "-", "emoji": False}
