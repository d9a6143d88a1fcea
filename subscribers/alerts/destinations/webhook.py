"""Any HTTP endpoint that takes JSON: docs/spec/notification-v1.schema.json, docs/notifications.md.

    POST {url}    any 2xx is taken

`Idempotency-Key` is the notice's ID: the same however often it is sent. With a signing key
`X-Observe-Signature` is `sha256=` and the HMAC of `<X-Observe-Timestamp>.<body>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from subscribers.alerts.destinations.channel import (
    Destination,
    Notices,
    is_reference,
    limits,
    reference,
    refused,
)
from subscribers.alerts.message import Message, Shown
from subscribers.sinks.channel import (
    HttpRequest,
    Item,
    Request,
    Response,
    Secret,
    SecretReference,
    Signature,
    Verdict,
)

VERSION = 1
LIMITS = limits(1_000_000)


class Webhook(Notices, frozen=True, kw_only=True):
    """One endpoint. url: "" where the address is a secret."""

    url: str
    headers: Mapping[str, str | Secret]
    secret_url: Secret | None = None
    signing_key: SecretReference = ""

    def told(self, message: Message) -> tuple[Item, ...]:
        """Return the message as JSON."""
        return (Item(message.id, msgspec.json.encode(_tree(message))),)

    def request(self, items: Sequence[Item]) -> Request:
        """Return the request of one message."""
        own = {"Content-Type": "application/json", "Idempotency-Key": items[0].event_id}
        return HttpRequest(
            url=self.url,
            secret_url=self.secret_url,
            body=items[0].body,
            headers={**self.headers, **own},
            signature=Signature(self.signing_key) if self.signing_key else None,
        )

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of it: 2xx is a success, whatever the body says."""
        if not response.fault and 200 <= response.status < 300:
            return Verdict()
        return refused(items, response)


def make_webhook(settings: Mapping[str, Any]) -> Destination:
    """Return the channel of a destination of type `webhook`."""
    url = settings["url"]
    headers = settings.get("headers", {})
    return Webhook(
        url="" if is_reference(url) else url,
        secret_url=Secret(reference(url)) if is_reference(url) else None,
        headers={
            name: Secret(reference(value)) if is_reference(value) else value
            for name, value in headers.items()
        },
        signing_key=reference(settings["signing_key"]) if "signing_key" in settings else "",
        limits=LIMITS,
    )


def _tree(message: Message) -> dict[str, Any]:
    return {
        "version": VERSION,
        "id": message.id,
        "key": message.key,
        "action": message.action,
        "revision": message.revision,
        "severity": message.severity,
        "rule": message.rule,
        "title": message.title,
        "said": message.said,
        "at": _instant(message.at_s),
        "since": _instant(message.since_s),
        "triggered": _instant(message.triggered_s),
        "service": message.service,
        "side": message.side,
        "endpoint": message.endpoint,
        "facts": dict(message.facts),
        "members": list(message.members),
        "members_left_out": message.members_left_out,
        "recovered": list(message.recovered),
        "changes": list(message.changes),
        "samples": [_sample(shown) for shown in message.samples],
        "links": {link.name: link.url for link in message.links},
        "details": dict(message.details),
        "labels": dict(message.labels),
        "evidence": message.evidence,
    }


def _sample(shown: Shown) -> dict[str, Any]:
    return {
        "id": shown.id,
        "at": shown.at,
        "service": shown.service,
        "text": shown.text,
        "command": shown.command,
        "links": {link.name: link.url for link in shown.links},
    }


def _instant(at_s: int) -> str:
    return datetime.fromtimestamp(max(0, at_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
