"""A webhook: the documented JSON, signed, with a key by which repeats are known."""

from __future__ import annotations

import hmac
import json
from pathlib import Path

from hypothesis import given, settings
from jsonschema import Draft202012Validator

from subscribers.alerts.message import Message
from tests.backends.server import FAULTS, Backend, Received, Reply
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

SCHEMA = Path(__file__).parents[4] / "docs/spec/notification-v1.schema.json"
valid = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


class Hook(Backend):
    """Takes what is valid and signed, once a key."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.seen: list[Received] = []
        self.status = 204

    def answer(self, request: Received) -> Reply:
        at, said = request.headers["x-observe-timestamp"], request.headers["x-observe-signature"]
        wanted = hmac.new(b"hunter2", at.encode() + b"." + request.body, "sha256").hexdigest()
        if said != f"sha256={wanted}":
            return Reply(401, b"not signed")
        valid.validate(json.loads(request.body))
        with self.lock:
            self.seen.append(request)
            self.accepted[request.headers["idempotency-key"]] += 1
        return Reply(self.status, b"" if self.status == 204 else b"what comes of it")


def known(**more: str) -> Known:
    return Known(signing="hunter2", **more)


def test_what_arrives() -> None:
    """Three notices, each with its own key; headers of the configuration, those that are secrets, too."""
    with Hook() as hook:
        headers = {"X-Team": "claims", "Authorization": "ssm:/token"}
        found = made("webhook", url=f"{hook.url}/in?a=b", headers=headers)
        assert deliver(found, messages(), known(token="Bearer abc")).delivered == 3
        first = hook.seen[0]
        assert (first.path, first.query) == ("/in", {"a": "b"})
        assert (first.headers["x-team"], first.headers["authorization"]) == ("claims", "Bearer abc")
        assert list(hook.accepted.values()) == [1, 1, 1]
        told = json.loads(first.body)
        assert told["id"] == first.headers["idempotency-key"]
        assert (told["action"], told["since"], told["key"]) == (
            "trigger",
            "2026-11-21T03:25:00Z",
            "observe/errors",
        )
        assert told["samples"][0]["links"]["logs"] == "https://k.example/?q=corr-0"


def test_an_address_that_is_a_secret() -> None:
    """It is put in at the last moment; without a signing key nothing is signed."""

    class Open(Hook):
        def answer(self, request: Received) -> Reply:
            assert "x-observe-signature" not in request.headers
            self.accepted[request.path] += 1
            return Reply(200, b"thanks")

    with Open() as hook:
        from subscribers.alerts.destinations import DESTINATIONS

        found = DESTINATIONS["webhook"]({"type": "webhook", "url": {"secretsmanager": "s", "key": "k"}})
        secrets = Known()
        secrets.get = lambda reference: f"{hook.url}/secret-path"  # type: ignore[method-assign]
        assert deliver(found, messages()[:1], secrets).delivered == 1
        assert hook.accepted == {"/secret-path": 1}


def test_faults_of_every_kind() -> None:
    """The same key each time, so that the receiver can tell a repeat."""
    for fault in FAULTS:
        with Hook(lambda n, request, fault=fault: fault if n == 1 else None) as hook:
            hook.hang_s = 0.4
            outcome = deliver(made("webhook", url=hook.url), messages()[:1], known())
            assert outcome.delivered + len(reasons(outcome)) == 1
            assert (reasons(outcome) or "sent") in ("sent", ["too_large"])
            assert len(hook.accepted) <= 1


def test_the_most_hostile_signals_are_told() -> None:
    """Valid JSON by the schema, within its limits."""
    with Hook() as hook:
        assert deliver(made("webhook", url=hook.url), hostile_messages(), known()).delivered == 3
        assert max(len(one.body) for one in hook.seen) < 380 * 1024 * 3 / 4


@given(any_messages())
@settings(max_examples=100, deadline=None)
def test_every_message_is_by_the_schema(message: Message) -> None:
    """A law: whatever signals hold."""
    valid.validate(tree(made("webhook"), message))
