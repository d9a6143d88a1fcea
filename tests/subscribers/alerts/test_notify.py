"""Notices to destinations over real sockets: who is told, what is owed, what becomes a dead letter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from subscribers.alerts.notice import Notice
from subscribers.alerts.notify import OWED_MAX_S, Notifier, Owed, Told, shippers
from subscribers.config import loads
from subscribers.configured import deliverers
from subscribers.dead_letter import FolderKeeper
from subscribers.dead_letter_storage import StorageError
from subscribers.kept import decode
from subscribers.redrive import Redrive
from subscribers.redrive_plan import Filters, plan
from subscribers.sinks.channel import Leftover
from tests.backends import opsgenie, pagerduty, slack
from tests.backends.server import Received, Reply
from tests.subscribers.alerts.destinations.telling import Known, notices
from tests.subscribers.alerts.test_message import around
from tests.subscribers.alerts.timelines import START_S, Timeline, finding, policy, threshold


class Night:
    """PagerDuty and Slack, and a notifier that tells them."""

    def __init__(self, pager: pagerduty.PagerDuty, chat: slack.Slack, folder: Path, **settings: Any) -> None:
        self.pager, self.chat = pager, chat
        self.secrets = Known(routing=pagerduty.ROUTING_KEY, slack=chat.webhook)
        self.destinations: dict[str, dict[str, Any]] = {
            "pager": {
                "type": "pagerduty",
                "routing_key": "ssm:/routing",
                "url": f"{pager.url}/v2/enqueue",
                **settings,
            },
            "chat": {"type": "slack", "webhook_url": "ssm:/slack"},
        }
        self.keeper = FolderKeeper(folder)
        self.notifier = Notifier(self.destinations, self.keeper, self.secrets)
        self.told = Told()

    def tell(self, *some: Notice, now_s: int = START_S, deadline_s: float = 2.0) -> Told:
        """Tell notices and what is owed, as the evaluator does."""
        self.told = self.notifier.notify(some, around(), now_s, self.told.owed, deadline_s)
        return self.told

    def restarted(self) -> None:
        """Another process: its circuit breakers know nothing."""
        self.notifier = Notifier(self.destinations, self.keeper, self.secrets)


def actions(pager: pagerduty.PagerDuty) -> list[str]:
    return [event["event_action"] for event in pager.events]


def test_everybody_is_told(tmp_path: Path) -> None:
    """One alert: a page that is opened and closed, three messages."""
    with pagerduty.PagerDuty() as pager, slack.Slack() as chat:
        night = Night(pager, chat, tmp_path)
        told = night.tell(*notices())
        # Of one alert in one round only the newest of what is not an end is told: here the end.
        assert (told.sent, told.failed, told.owed) == (2, (), ())
        for notice in notices():
            assert night.tell(notice).sent == 2
        assert pager.pages == ["observe/errors"]
        assert pager.open == {}
        assert len(chat.messages) == 4


def test_severities(tmp_path: Path) -> None:
    """Who is told from critical on is told by the update, as a trigger, and then of the end."""
    with pagerduty.PagerDuty() as pager, slack.Slack() as chat:
        night = Night(pager, chat, tmp_path, min_severity="critical")
        trigger, update, resolve = notices()
        assert night.tell(trigger).sent == 1
        assert pager.events == []
        assert night.tell(update).sent == 2
        assert pager.events[0]["payload"]["summary"].startswith("CRITICAL errors")
        assert night.tell(resolve).sent == 2
        assert actions(pager) == ["trigger", "resolve"]


def test_an_update_that_is_news_opens_an_alert(tmp_path: Path) -> None:
    """Opsgenie would note it on an alert that is not there."""
    with opsgenie.Opsgenie() as backend:
        settings = {"type": "opsgenie", "api_key": "ssm:/o", "min_severity": "critical", "url": backend.url}
        notifier = Notifier({"o": settings}, FolderKeeper(tmp_path), Known(o=opsgenie.API_KEY))
        notifier.notify(notices()[:1], around(), START_S)
        notifier.notify(notices()[1:2], around(), START_S)
        assert backend.open["observe/errors"]["priority"] == "P1"


def test_the_rule_names_who_is_told(tmp_path: Path) -> None:
    """Others are not; a name that nobody has any more is said, and what it was to be told is kept."""
    with pagerduty.PagerDuty() as pager, slack.Slack() as chat:
        night = Night(pager, chat, tmp_path)
        line = Timeline(policy(threshold(notify=("chat", "gone"))))
        line.step(finding())
        told = night.tell(*line.notices)
        assert (told.sent, told.failed, told.buried) == (1, (("gone", "no_such_destination"),), 1)
        assert (len(chat.messages), pager.events) == (1, [])
    nobody = Notifier({}, FolderKeeper(tmp_path))
    assert nobody.untold(notices()) == 3
    assert nobody.notify(notices(), around(), START_S) == Told()


def test_what_cannot_be_sent_is_owed(tmp_path: Path) -> None:
    """The others are told; a minute later, it is sent; it is an alarm each time."""
    with pagerduty.PagerDuty() as pager, slack.Slack() as chat:
        night = Night(pager, chat, tmp_path)
        with pager.refusing():
            told = night.tell(notices()[0])
            assert (told.sent, told.failed, told.buried) == (1, (("pager", "refused"),), 0)
            (owed,) = told.owed
            assert owed.refusal is not None
            kept = msgspec.json.decode(msgspec.json.encode(told.owed), type=tuple[Owed, ...])
            assert kept == told.owed
            assert pagerduty.ROUTING_KEY not in msgspec.json.encode(kept).decode()
        night.restarted()
        assert night.tell().sent == 1
        assert night.told.owed == ()
        assert pager.pages == ["observe/errors"]


def test_only_the_newest_is_owed(tmp_path: Path) -> None:
    """An end makes the beginning needless: no page is opened behind it, that nobody would close."""
    with pagerduty.PagerDuty() as pager, slack.Slack() as chat:
        night = Night(pager, chat, tmp_path)
        trigger, update, resolve = notices()
        with pager.refusing():
            night.tell(trigger)
            night.restarted()
            (owed,) = night.tell(update).owed
            assert owed.action == "trigger"
            night.restarted()
            (owed,) = night.tell(resolve).owed
            assert owed.action == "resolve"
        night.restarted()
        assert night.tell().sent == 1
        assert (actions(pager), pager.open) == (["resolve"], {})


def test_an_end_that_is_owed_comes_before_the_next_beginning(tmp_path: Path) -> None:
    """Else the new page would be taken for the old one, and then be closed."""
    with pagerduty.PagerDuty() as pager, slack.Slack() as chat:
        night = Night(pager, chat, tmp_path)
        line = Timeline(policy(flapping_hold_s=0))
        for verdict in ("breach", "ok", "breach"):
            line.step(finding(verdict))
        first, end, second = line.notices
        night.tell(first)
        with pager.refusing():
            night.tell(end)
            night.restarted()
            told = night.tell(second)
            assert [one.action for one in told.owed] == ["resolve", "trigger"]
            assert told.failed == (("pager", "refused"), ("pager", "out_of_time"))
        night.restarted()
        assert night.tell().sent == 2
        assert pager.pages == ["observe/errors"] * 2
        assert actions(pager) == ["trigger", "resolve", "trigger"]


def test_what_is_refused_for_good_is_a_dead_letter_that_can_be_redriven(tmp_path: Path) -> None:
    """Under the name of the destination, without its secret; somebody mends it and delivers it again."""

    class Picky(pagerduty.PagerDuty):
        is_picky = True

        def answer(self, request: Received) -> Reply:
            return Reply(400, {"errors": ["no"]}) if self.is_picky else super().answer(request)

    with Picky() as pager, slack.Slack() as chat:
        night = Night(pager, chat, tmp_path)
        told = night.tell(notices()[0])
        assert (told.sent, told.failed, told.buried, told.owed) == (1, (("pager", "bad_request"),), 1, ())
        storage = night.keeper.storage
        made = plan(storage, Filters(), 1e10)
        assert [(group.sink, group.channel) for group in made.groups] == [("destination.pager", "notices")]
        read = storage.read(made.objects[0].key)
        assert read is not None
        kept = decode(read.data)
        assert pagerduty.ROUTING_KEY not in str(kept)
        pager.is_picky = False
        redriven = Redrive(storage, shippers(night.destinations, night.secrets)).run(made)
        assert (redriven.delivered, redriven.removed) == (1, 1)
        assert pager.pages == ["observe/errors"]


def test_what_is_owed_for_hours_is_a_dead_letter(tmp_path: Path) -> None:
    """Whoever would wake up to it would look at what is over."""
    with pagerduty.PagerDuty() as pager, slack.Slack() as chat:
        night = Night(pager, chat, tmp_path)
        with pager.refusing():
            night.tell(notices()[0])
            night.restarted()
            assert night.tell(now_s=START_S + OWED_MAX_S - 1).buried == 0
            night.restarted()
            told = night.tell(now_s=START_S + OWED_MAX_S)
        assert (told.buried, told.owed) == (1, ())


def test_dead_letters_that_cannot_be_kept_are_owed(tmp_path: Path) -> None:
    """Nothing is lost without a word."""

    class Full:
        def retry(self, sink: str, channel: str, leftovers: Sequence[Leftover]) -> object:
            raise AssertionError("notices are never queued")

        def bury(self, sink: str, channel: str, leftovers: Sequence[Leftover]) -> object:
            raise StorageError("unreachable", "no disk")

        def dead_letter(self, reason: str, document: bytes, detail: object) -> object:
            raise AssertionError

    with slack.Slack() as chat:
        chat.gone = "no_service"
        settings = {"chat": {"type": "slack", "webhook_url": "ssm:/slack"}}
        notifier = Notifier(settings, Full(), Known(slack=chat.webhook))
        told = notifier.notify(notices()[:1], around(), START_S)
        assert told.failed == (("chat", "no_service"), ("chat", "not_kept"))
        assert len(told.owed) == 1
        chat.gone = ""
        assert notifier.deliver(told.owed, START_S).sent == 1


def test_part_of_a_notice_is_owed(tmp_path: Path) -> None:
    """Of an update's two calls the one that was not taken."""

    class Half(opsgenie.Opsgenie):
        is_half = True

        def answer(self, request: Received) -> Reply:
            if self.is_half and request.path.endswith("/priority"):
                return self.fault_reply(503)
            return super().answer(request)

    with Half() as backend:
        settings = {"type": "opsgenie", "api_key": "ssm:/o", "url": backend.url}
        notifier = Notifier({"o": settings}, FolderKeeper(tmp_path), Known(o=opsgenie.API_KEY))
        notifier.notify(notices()[:1], around(), START_S)
        told = notifier.notify(notices()[1:2], around(), START_S, deadline_s=1.0)
        (owed,) = told.owed
        assert [item.event_id.partition(":")[2] for item in owed.items] == ["priority"]
        backend.is_half = False
        assert notifier.deliver(told.owed, START_S).sent == 1
        assert backend.accepted["observe/errors/notes"] == 1
        assert backend.open["observe/errors"]["priority"] == "P1"


def test_no_time_left(tmp_path: Path) -> None:
    """Nothing is begun, and all of it is owed."""
    with pagerduty.PagerDuty() as pager, slack.Slack() as chat:
        told = Night(pager, chat, tmp_path).tell(notices()[0], deadline_s=0.0)
        assert (told.sent, len(told.owed), pager.events) == (0, 2, [])


YAML = """
version: 1
destinations:
  pager: {type: pagerduty, routing_key: "ssm:/routing"}
  team: {type: opsgenie, api_key: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:o", region: eu}
  chat: {type: slack, webhook_url: {secretsmanager: slack, key: url}}
  mail: {type: sns, topic_arn: "arn:aws:sns:eu-west-1:123456789012:oncall"}
  hook: {type: webhook, url: "https://hook.example/in", headers: {X-A: b}, signing_key: "ssm:/s"}
  secret-hook: {type: webhook, url: "ssm:/hook"}
"""


def test_every_destination_of_observe_yaml() -> None:
    """Each type that the schema knows can be made, and redriven, without asking for a secret."""
    config = loads(YAML)
    names = {f"destination.{name}" for name in config.destinations}
    assert set(shippers(config.destinations)) == names
    assert set(deliverers(config, {})) == names


@pytest.mark.parametrize("name", ["pager", "team", "chat", "mail", "hook"])
def test_a_signal_is_no_notice(name: str) -> None:
    """A channel of a destination makes no items of signals."""
    shipper = shippers(loads(YAML).destinations)[f"destination.{name}"]
    assert list(shipper.channels["notices"].items([])) == []
