"""PagerDuty, Events API v2: one alert a rule, by its key; an update is a trigger with the same key.

    POST https://events.pagerduty.com/v2/enqueue    202 {"status": "success"}

The routing key is a secret in the body; the edge puts it there.

https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/02-Trigger-Events.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from subscribers.alerts.destinations.channel import (
    Destination,
    Notices,
    bad_response,
    limits,
    reference,
    refused,
    tree_of,
)
from subscribers.alerts.message import Message
from subscribers.alerts.texts import cut
from subscribers.sinks.channel import (
    DETAIL_MAX,
    HttpRequest,
    Item,
    Limits,
    Request,
    Response,
    Secret,
    Verdict,
)

URL = "https://events.pagerduty.com/v2/enqueue"
#: "Events API payloads are limited to 512 KB"; some of it is for the routing key.
LIMITS: Limits = limits(511 * 1000)
SUMMARY_MAX = 1024
CLIENT = "Hybrid Observe"


class PagerDuty(Notices, frozen=True, kw_only=True):
    """One integration of a service, or of an event orchestration."""

    url: str
    routing_key: Secret

    def told(self, message: Message) -> tuple[Item, ...]:
        """Return the event of a message."""
        return (Item(message.id, msgspec.json.encode(_event(message))),)

    def request(self, items: Sequence[Item]) -> Request:
        """Return the request of one event."""
        headers = {"Content-Type": "application/json"}
        members = {"routing_key": self.routing_key}
        return HttpRequest(url=self.url, body=items[0].body, headers=headers, secret_members=members)

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of it: 400 for a wrong routing key, too, which somebody may have replaced."""
        tree = tree_of(response.body)
        if response.status == 202:
            is_ours = tree.get("status") == "success"
            return Verdict() if is_ours else bad_response(items, response, "this is not PagerDuty's answer")
        if not response.fault and 200 <= response.status < 300:
            return bad_response(items, response, "this is not PagerDuty's answer")
        said = _said(tree)
        if response.status == 400 and ("routing_key" in said or "invalid key" in said.lower()):
            return refused(items, replace(response, status=401), said)
        return refused(items, response, said)


def make_pagerduty(settings: Mapping[str, Any]) -> Destination:
    """Return the channel of a destination of type `pagerduty`."""
    return PagerDuty(
        url=settings.get("url", URL), routing_key=Secret(reference(settings["routing_key"])), limits=LIMITS
    )


def _event(message: Message) -> dict[str, Any]:
    links = [(message.rule, link) for link in message.links]
    links += [(shown.id, link) for shown in message.samples for link in shown.links]
    return {
        "event_action": "resolve" if message.action == "resolve" else "trigger",
        "dedup_key": message.key,
        "client": CLIENT,
        "payload": {
            "summary": cut(message.title, SUMMARY_MAX),
            "timestamp": datetime.fromtimestamp(max(0, message.at_s), UTC).isoformat(timespec="milliseconds"),
            "severity": message.severity,
            "source": message.service or message.endpoint or message.key,
            "component": message.service or message.endpoint or message.rule,
            "group": message.side or "both sides",
            "class": message.rule,
            "custom_details": _details(message),
        },
        "links": [{"href": link.url, "text": f"{link.name} ({about})"} for about, link in links],
    }


def _details(message: Message) -> dict[str, Any]:
    """What is so, as PagerDuty shows it: names to texts and lists."""
    told: dict[str, Any] = {"What is so": message.said, **dict(message.facts)}
    told["What changed before (near in time, not shown to be the cause)"] = list(message.changes)
    told["Requests that it hit"] = [
        {"id": s.id, "at": s.at, "service": s.service, "said": s.text, "command": s.command}
        for s in message.samples
    ]
    told["All of them"] = list(message.members)
    told["And more"] = message.members_left_out or ""
    told["Recovered meanwhile"] = list(message.recovered)
    told["Details"] = dict(message.details)
    told["Labels"] = dict(message.labels)
    told["Evidence"] = message.evidence
    return {name: value for name, value in told.items() if value}


def _said(tree: Mapping[str, Any]) -> str:
    errors = tree.get("errors")
    texts = [tree.get("status"), tree.get("message"), *(errors if isinstance(errors, list) else ())]
    return "; ".join(str(text) for text in texts if text)[:DETAIL_MAX]
