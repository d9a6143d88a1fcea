"""Opsgenie's Alert API as it is documented: keys, limits of every field, 202 for what is done later.

https://docs.opsgenie.com/docs/alert-api
https://docs.opsgenie.com/docs/response
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.backends.server import Backend, Fault, Received, Reply

API_KEY = "eb243592-faa2-4ba2-a551-1afdf565c889"
LIMITS = {"message": 130, "alias": 512, "description": 15_000, "entity": 512, "source": 100, "note": 25_000}
_ALERT = re.compile(r"/v2/alerts/([^/]+)/(notes|close|priority)")


class Opsgenie(Backend):
    """One integration. open: alerts by alias, each with its notes, priority and count; closed: aliases."""

    def __init__(self, faults: Callable[[int, Received], Fault | None] | None = None) -> None:
        super().__init__(faults)
        self.open: dict[str, dict[str, Any]] = {}
        self.closed: list[str] = []
        self.api_key = API_KEY
        self._requests = 0

    def answer(self, request: Received) -> Reply:
        """Answer as the Alert API."""
        key = request.headers.get("authorization", "")
        if not key.startswith("GenieKey ") or not re.fullmatch(r"GenieKey [0-9a-f-]{36}", key):
            return _refusal(403, "Key format is not valid!")
        if key != f"GenieKey {self.api_key}":
            return _refusal(401, "Could not authenticate")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _refusal(415, "Unsupported media type")
        try:
            tree = json.loads(request.body)
        except ValueError:
            return _refusal(400, "Could not parse request body")
        if errors := _wrong(tree):
            return _refusal(422, "Request body is not processable. Please check the errors.", errors)
        with self.lock:
            return self._answer(request, tree)

    def fault_reply(self, status: int) -> Reply:
        """Return Opsgenie's error; of 429 with its own headers."""
        reply = _refusal(status, f"status {status}")
        if status == 429:
            return reply._replace(
                headers={"X-RateLimit-State": "THROTTLED", "X-RateLimit-Period-In-Sec": "1"}
            )
        return reply

    def _answer(self, request: Received, tree: dict[str, Any]) -> Reply:
        if request.path == "/v2/alerts" and request.method == "POST":
            if not tree.get("message"):
                return _refusal(
                    422, "Request body is not processable.", {"message": "Message can not be empty."}
                )
            return self._create(tree)
        found = _ALERT.fullmatch(request.path)
        if not found:
            return _refusal(404, "Not found")
        if request.query.get("identifierType") != "alias":
            return _refusal(404, "Alert not found: the identifier is no alias")
        if request.method != ("PUT" if found[2] == "priority" else "POST"):
            return _refusal(405, "Method not allowed")
        return self._change(unquote(found[1]), found[2], tree)

    def _create(self, tree: dict[str, Any]) -> Reply:
        alias = tree.get("alias", "")
        self.accepted[f"{alias}/create"] += 1
        alert = self.open.setdefault(alias, {**tree, "count": 0, "notes": []})
        alert["count"] += 1  # its other fields stay as they are
        return self._accepted()

    def _change(self, alias: str, what: str, tree: dict[str, Any]) -> Reply:
        self.accepted[f"{alias}/{what}"] += 1
        if what == "notes" and not tree.get("note"):
            return _refusal(422, "Request body is not processable.", {"note": "Note can not be empty."})
        if what == "priority" and tree.get("priority") not in ("P1", "P2", "P3", "P4", "P5"):
            return _refusal(422, "Request body is not processable.", {"priority": "Priority is not valid."})
        alert = self.open.get(alias)
        if alert is not None:  # else it is processed, and fails where nobody sees it
            alert["notes"] += [tree["note"]] if "note" in tree else []
            alert["priority"] = tree.get("priority", alert["priority"])
            if what == "close":
                self.closed.append(alias)
                del self.open[alias]
        return self._accepted()

    def _accepted(self) -> Reply:
        self._requests += 1
        answer = {"result": "Request will be processed", "took": 0.302, "requestId": f"r{self._requests}"}
        return Reply(202, answer)


def _wrong(tree: Any) -> dict[str, str]:
    if not isinstance(tree, dict):
        return {"body": "is no object"}
    found = {
        name: f"{name} is longer than {most}"
        for name, most in LIMITS.items()
        if _units(tree.get(name, "")) > most
    }
    tags, details = tree.get("tags", []), tree.get("details", {})
    if len(tags) > 20 or any(_units(tag) > 50 for tag in tags):
        found["tags"] = "more than 20 tags, or one of more than 50 characters"
    if not all(isinstance(value, str) for value in details.values()):
        found["details"] = "are no texts"
    elif sum(_units(name) + _units(value) for name, value in details.items()) > 8_000:
        found["details"] = "are longer than 8000"
    if tree.get("priority", "P3") not in ("P1", "P2", "P3", "P4", "P5"):
        found["priority"] = "is invalid"
    for one in tree.get("responders", ()):
        if one.get("type") not in ("team", "user", "escalation", "schedule") or not one.get("name"):
            found["responders"] = "are invalid"
    return found


def _units(text: str) -> int:
    """As Java counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _refusal(status: int, message: str, errors: dict[str, str] | None = None) -> Reply:
    body = {"message": message, "took": 0.001, "requestId": "r", **({"errors": errors} if errors else {})}
    return Reply(status, body)
