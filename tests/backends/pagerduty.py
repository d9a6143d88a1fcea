"""PagerDuty's Events API v2 as it is documented: keys, fields, lengths, the size of a payload, alerts by key.

https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/02-Trigger-Events.md
https://github.com/PagerDuty/api-schema/blob/main/reference/events-v2/openapiv3.json
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tests.backends.server import Backend, Fault, Received, Reply

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
SEVERITIES = ("critical", "error", "warning", "info")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class PagerDuty(Backend):
    """One integration. accepted: by `dedup_key/event_action`; open, pages: alerts by key, and what woke."""

    def __init__(self, faults: Callable[[int, Received], Fault | None] | None = None) -> None:
        super().__init__(faults)
        self.events: list[dict[str, Any]] = []
        self.open: dict[str, dict[str, Any]] = {}
        #: Keys in the order in which they were opened: somebody was called each time.
        self.pages: list[str] = []
        self.routing_key = ROUTING_KEY

    def answer(self, request: Received) -> Reply:
        """Answer as /v2/enqueue."""
        if (request.method, request.path) != ("POST", "/v2/enqueue"):
            return Reply(404, b"not found")
        if len(request.body) > 512 * 1024:
            return Reply(413, b"Request Entity Too Large")
        try:
            event = json.loads(request.body)
        except ValueError:
            return _refusal("Unrecognized object", "JSON parse error")
        if wrong := list(_wrong(event, self.routing_key)):
            return _refusal("invalid event", *wrong)
        with self.lock:
            self._take(event)
        answer = {"status": "success", "message": "Event processed", "dedup_key": event.get("dedup_key", "")}
        return Reply(202, answer)

    def fault_reply(self, status: int) -> Reply:
        """Return PagerDuty's error, without Retry-After, which it does not send."""
        return Reply(status, {"status": "error", "message": f"status {status}", "errors": []})

    def _take(self, event: dict[str, Any]) -> None:
        key, action = event["dedup_key"], event["event_action"]
        self.accepted[f"{key}/{action}"] += 1
        self.events.append(event)
        if action == "resolve":
            self.open.pop(key, None)  # of an alert that is not open it is dropped
        elif key not in self.open:
            self.open[key] = event
            self.pages.append(key)


def _wrong(event: Any, routing_key: str) -> list[str]:
    if not isinstance(event, dict):
        return ["the event is no object"]
    found = []
    if event.get("routing_key") != routing_key:
        found.append("'routing_key' is invalid")
    action = event.get("event_action")
    if action not in ("trigger", "acknowledge", "resolve"):
        found.append("'event_action' is invalid")
    key = event.get("dedup_key")
    if key is None and action != "trigger":
        found.append("'dedup_key' is missing")
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= 255):
        found.append("'dedup_key' is longer than 255")
    if action == "trigger" or "payload" in event:
        found += _wrong_payload(event.get("payload"))
    for link in event.get("links", ()):
        if urlsplit(str(link.get("href"))).scheme not in ("http", "https"):
            found.append("'links' has an address that is none")
    return found + [f"a control character in {event_key!r}" for event_key in _controls(event)]


def _wrong_payload(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing"]
    found = []
    summary = payload.get("summary")
    if not isinstance(summary, str) or not 0 < len(summary) <= 1024:
        found.append("'payload.summary' is missing or longer than 1024")
    if payload.get("severity") not in SEVERITIES:
        found.append("'payload.severity' is invalid")
    if not isinstance(payload.get("source"), str) or not payload["source"]:
        found.append("'payload.source' is missing")
    for name in ("component", "group", "class"):
        if not isinstance(payload.get(name, ""), str):
            found.append(f"'payload.{name}' is no text")
    if not isinstance(payload.get("custom_details", {}), dict):
        found.append("'payload.custom_details' is no object")
    try:
        datetime.fromisoformat(payload.get("timestamp", "2026-01-01T00:00:00Z"))
    except ValueError:
        found.append("'payload.timestamp' is no time")
    return found


def _controls(tree: Any) -> list[str]:
    """Texts that no page can show."""
    if isinstance(tree, str):
        return [tree] if _CONTROL.search(tree) or any("\ud800" <= c <= "\udfff" for c in tree) else []
    inner = [*tree, *tree.values()] if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    return [text for one in inner for text in _controls(one)]


def _refusal(status: str, *errors: str) -> Reply:
    return Reply(400, {"status": status, "message": "Event object is invalid", "errors": list(errors)})
