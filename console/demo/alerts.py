"""The demo's alerts: the evaluator over what the subscriber counted, and somebody who is told.

Rules are those of the example's observe.yaml and the built-in ones. The evaluator is the one that runs on
Lambda; what it tells comes over HTTP, to a receiver of ours in the place of PagerDuty. Its clock is moved on
where the demo cannot wait: to when late events can no longer come, and to the next two nights' deadlines.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from console.demo.example import example
from console.demo.subscribe import STATE
from console.local.http_edge import BadBodyError, EdgeServer, JsonHandler
from console.terminal import line
from subscribers.alerts.calendars import next_deadline
from subscribers.alerts.counting import planned
from subscribers.alerts.evaluator import Evaluator
from subscribers.alerts.model import SLOT_S, Absence
from subscribers.alerts.notify import Notifier
from subscribers.alerts.plan import Plan
from subscribers.alerts.state_sqlite import SqliteState
from subscribers.config import load
from subscribers.dead_letter import FolderKeeper

DESTINATION = "on-call"
#: Events of the demo are complete this long after it, and every rule of one window was judged.
_COMPLETE_S = 600
#: Behind a deadline: late events, and the minute in which it is judged.
_BEHIND_S = 240
_NIGHTS = 2
#: Rules of which the demo's scenario has somebody told.
EXPECTED = frozenset(("function-errors", "statement-slow", "claim-in-report", "nightly-recon"))
_BODY_MAX = 1_000_000
#: Of a message's facts, those that say what to do about it come behind the ones that say where.
_SAMPLES = 2
_FACTS = ("Since", "Over since", "Side", "Service", "Endpoint", "Owner", "Runbook", "Rule")


class Told(msgspec.Struct, frozen=True):
    """What the receiver was told, and by which clock. body: docs/spec/notification-v1.schema.json."""

    at_s: int
    body: dict[str, Any]


class Alerts:
    """The evaluator of one demo."""

    def __init__(self, state: Path, inbox: Inbox, links: dict[str, str] | None = None) -> None:
        """state: the SQLite file; links: address templates besides those of observe.yaml."""
        config = load(example() / "observe.yaml")
        destination = {DESTINATION: {"type": "webhook", "url": inbox.url}}
        links = {**config.links, **(links or {})}
        config = msgspec.structs.replace(config, destinations=destination, links=links)
        self.plan = planned(config)
        self._inbox = inbox
        notifier = Notifier(destination, FolderKeeper(state.parent / "kept"))
        self._evaluator = Evaluator(self.plan, SqliteState(state), notifier)

    def evaluate(self, now_s: float) -> list[Told]:
        """Judge once, and return what was told."""
        made = self._evaluator.evaluate(now_s)
        return [Told(made.judged.at_s, body) for body in self._inbox.take()]


@contextmanager
def copied(store: Path) -> Iterator[Callable[[], Path]]:
    """Yield what makes a copy of a store's state: its clock may be moved on, and the store's own not."""
    with tempfile.TemporaryDirectory(prefix="observe-demo-alerts.") as folder:
        path = Path(folder) / STATE

        def copy() -> Path:
            with closing(sqlite3.connect(store / STATE)) as old, closing(sqlite3.connect(path)) as new:
                old.backup(new)
            return path

        yield copy


def minutes(began_s: float, ended_s: float) -> range:
    """Return when rules are judged: every minute of the demo, and until every window of it is whole."""
    return range(int(began_s) // SLOT_S * SLOT_S, int(ended_s) + _COMPLETE_S + SLOT_S, SLOT_S)


def nights(plan: Plan, at_s: float) -> Iterator[int]:
    """Yield when rules are judged in the nights after: behind deadlines."""
    calendars = [rule.calendar for rule in plan.rules.values() if isinstance(rule, Absence) and rule.calendar]
    deadline: int | None = int(at_s) + _COMPLETE_S
    for _ in range(_NIGHTS if calendars else 0):
        deadline = next_deadline(calendars[0], deadline + 1) if deadline is not None else None
        if deadline is not None:
            yield deadline + _BEHIND_S


class Inbox:
    """Where webhooks arrive. url: of the destination."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock, self._bodies = threading.Lock(), list[dict[str, Any]]()

    def put(self, body: dict[str, Any]) -> None:
        """Keep one notification."""
        with self._lock:
            self._bodies.append(body)

    def take(self) -> list[dict[str, Any]]:
        """Return what came since the last time."""
        with self._lock:
            taken, self._bodies = self._bodies, []
            return taken


@contextmanager
def receiver() -> Iterator[Inbox]:
    """Run a receiver of webhooks on loopback."""
    inbox = Inbox("")
    server = EdgeServer(type("Receiver", (_Receiver,), {"inbox": inbox}))
    inbox.url = f"http://{server.address}/alerts"
    try:
        yield inbox
    finally:
        server.close()


class _Receiver(JsonHandler):
    inbox: Inbox

    def do_POST(self) -> None:  # noqa: N802
        """Take one notification."""
        try:
            self.inbox.put(json.loads(self.read_body(_BODY_MAX)))
        except (BadBodyError, ValueError):
            return self.respond_json(HTTPStatus.BAD_REQUEST, {"message": "no notification"})
        return self.respond_json(HTTPStatus.ACCEPTED, {})


def render(told: Told, out: Console, typed: Callable[[str], str]) -> None:
    """Print one notification as whoever is on call reads it. typed: a command as it can be typed here."""
    body = told.body
    style = "green" if body["action"] == "resolve" else "bold red"
    line(out, body["title"], f"{_moment(told.at_s)}  ", style)
    if body["action"] == "resolve":
        return
    for name in _FACTS:
        if name in body["facts"]:
            line(out, body["facts"][name], f"  {name:<10}")
    for change in body["changes"]:
        line(out, change, f"  {'Changed':<10}")
    for member in body["members"]:
        line(out, member, f"  {'About':<10}")
    for sample in body["samples"][:_SAMPLES]:
        line(out, f"{sample['id']}: {sample['text']}", f"  {'Request':<10}")
        for link in sample["links"].values():
            line(out, link, f"  {'':<10}")
        line(out, typed(sample["command"]), f"  {'':<10}$ ")


def _moment(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%a %H:%M UTC")
