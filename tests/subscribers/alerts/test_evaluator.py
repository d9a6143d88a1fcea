"""The evaluator: signals go in, minutes go by, and somebody is told over real HTTP. Once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from subscribers.alerts import evaluator as edge
from subscribers.alerts.changes import changes_of, remember_plan
from subscribers.alerts.counting import Counting
from subscribers.alerts.evaluator import Evaluator, evaluator_of, metric_lines, summary_line
from subscribers.alerts.notify import Notifier
from subscribers.alerts.plan import Plan, plan_of
from subscribers.alerts.remembered import TURN_S, BusyError, Memory
from subscribers.alerts.state import Entry, StateError
from subscribers.alerts.state_memory import MemoryState
from subscribers.alerts.state_sqlite import SqliteState
from subscribers.alerts.tally import Tally
from subscribers.config import loads
from subscribers.dead_letter import FolderKeeper
from subscribers.settings_error import SettingsError
from tests.backends.server import Backend, Received, Reply
from tests.subscribers.samples import log

MINUTE = 60
#: A whole minute.
START = 1_795_305_600
YAML = """
version: 1
services: {web: {side: legacy, log_groups: [/web]}}
destinations: {hook: {type: webhook, url: "%s"}}
alerts:
  defaults: {built_in: false, flapping_hold: 2m}
  rules:
    errors:
      {type: threshold, of: {signal: log, level: [ERROR]}, value: 2, by: [service], window: 1m, late: 1m}
"""


class Hook(Backend):
    """A webhook that keeps what it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []
        self.status = 200

    def answer(self, request: Received) -> Reply:
        """Take a notification, or answer as the test says."""
        if self.status == 200:
            self.told.append(json.loads(request.body))
        return Reply(self.status, b"")

    @property
    def actions(self) -> list[str]:
        """What it was told, in order."""
        return [f"{body['action']} {body['rule']}" for body in self.told]


@pytest.fixture(name="hook")
def hook_() -> Iterator[Hook]:
    """A webhook on loopback."""
    with Hook() as hook:
        yield hook


class World:
    """One deployment whose clock is the test's."""

    def __init__(self, hook: Hook, folder: Path, state: Any = None, yaml: str = YAML) -> None:
        self.config = loads(yaml % hook.url)
        self.plan: Plan = plan_of(self.config)
        self.state = state or MemoryState(now_s=lambda: START)
        self.folder = folder
        self.evaluator = self.another()
        self.now_s = START

    def another(self) -> Evaluator:
        """Another process that evaluates the same state."""
        notifier = Notifier(self.config.destinations, FolderKeeper(self.folder / "kept"))
        return Evaluator(self.plan, self.state, notifier)

    def errors(self, minute: int, number: int, service: str = "web") -> None:
        """Let errors be logged in a minute, and be counted."""
        sink = Counting(Tally(self.plan, clock=lambda: START + minute * MINUTE), self.state)
        sink.append(
            log(
                f"{minute}-{n}-{service}",
                service=service,
                level="ERROR",
                correlation_id=f"web-{n}",
                time_unix_nano=(START + minute * MINUTE + 1) * 10**9,
            )
            for n in range(number)
        )

    def run(self, first: int, last: int) -> list[edge.Evaluated]:
        """Evaluate minute by minute."""
        return [self.evaluator.evaluate(START + minute * MINUTE + 7) for minute in range(first, last)]


@pytest.fixture(name="world")
def world_(hook: Hook, tmp_path: Path) -> World:
    """A world with one rule."""
    return World(hook, tmp_path)


def test_somebody_is_told_at_the_minute_it_is_known_and_when_it_is_over(world: World, hook: Hook) -> None:
    """Errors of minute 5 can be late until minute 7; the alert is held two minutes before it is over."""
    world.run(0, 5)
    world.errors(5, 3)
    world.run(5, 7)
    assert hook.actions == []
    world.run(7, 8)
    assert hook.actions == ["trigger errors"]
    world.run(8, 20)
    assert hook.actions == ["trigger errors", "resolve errors"]
    trigger = hook.told[0]
    assert (trigger["service"], trigger["side"], trigger["severity"]) == ("web", "legacy", "error")
    assert trigger["said"].startswith("web (legacy): 3 ")
    assert trigger["samples"][0]["command"] == "observe trace web-2"
    assert hook.told[1]["key"] == trigger["key"]


def test_quiet_traffic_wakes_nobody(world: World, hook: Hook) -> None:
    """Two errors a minute are what the rule allows, for ever."""
    for minute in range(30):
        world.errors(minute, 2)
        world.run(minute, minute + 1)
    assert hook.actions == []


def test_the_same_minute_again_tells_nothing_new(world: World, hook: Hook) -> None:
    """An invocation that is repeated, in the same process or another."""
    world.run(0, 5)
    world.errors(5, 3)
    world.run(5, 8)
    world.run(7, 8)
    world.evaluator = world.another()
    world.run(7, 8)
    assert hook.actions == ["trigger errors"]


def test_an_earlier_minute_is_refused(world: World) -> None:
    """Two schedules, or a clock that went back: what was told cannot be taken back."""
    world.run(0, 5)
    with pytest.raises(BusyError, match="a later minute"):
        world.run(3, 4)


def test_two_evaluations_at_a_time_are_one(world: World) -> None:
    """The second is told so; who was killed is not waited for for ever."""
    clock = [1000.0]
    memory = Memory(world.state, clock=lambda: clock[0])
    with memory.turn(START), pytest.raises(BusyError, match="at work"), memory.turn(START):
        pass
    with memory.turn(START):
        pass
    killed = memory.take(START)
    with pytest.raises(BusyError, match="at work"), memory.turn(START):
        pass
    assert killed.entry.version
    clock[0] += TURN_S + 1
    with memory.turn(START):
        pass


def test_a_destination_that_refuses_is_an_alert_itself(hook: Hook, tmp_path: Path) -> None:
    """What it refused is a dead letter, the other destination hears of it, and of its end."""
    hook.status = 400
    with Hook() as other:
        world = World(
            hook, tmp_path, yaml=YAML.replace('"%s"}', f'"%s"}}, b: {{type: webhook, url: "{other.url}"}}')
        )
        world.run(0, 5)
        world.errors(5, 3)
        made = world.run(5, 20)
        ((_, reason),) = made[2].told.failed
        assert [one.told.buried for one in made[2:4]] == [1, 0]
        assert other.actions[:2] == ["trigger errors", "trigger notification-failed"]
        assert "resolve notification-failed" in other.actions
        assert other.told[1]["said"].startswith(f"hook could not be told of an alert ({reason})")
    assert list((tmp_path / "kept").rglob("*"))
    assert json.loads(metric_lines(made[2], 1)[0])["NotificationsFailed"] == 1
    assert json.loads(summary_line(made[2], world.plan))["level"] == "WARN"


def test_the_only_destination_is_not_told_that_it_cannot_be_told(world: World, hook: Hook) -> None:
    """That is what the metric and its alarm are for."""
    hook.status = 403
    world.run(0, 5)
    world.errors(5, 3)
    world.run(5, 9)
    assert {one.rule for one in world.run(9, 10)[0].incidents} == {"errors"}


def test_what_is_owed_outlives_the_process(world: World, hook: Hook) -> None:
    """The destination is down when it happens; another process tells it when it is up."""
    hook.status = 500
    world.run(0, 5)
    world.errors(5, 3)
    failed = world.run(5, 8)[-1]
    assert failed.told.owed
    hook.status = 200
    world.evaluator = world.another()
    world.run(8, 9)
    assert "trigger errors" in hook.actions


def test_a_damaged_sum_silences_its_rule_aloud(world: World, hook: Hook) -> None:
    """Others are judged on, and that it is not judged is told."""
    world.run(0, 5)
    measure = next(iter(world.plan.measures))
    world.state.put([Entry(f"sum#{measure}", f"m{START // 60 + 5:08x}#x", b"garbage")])
    made = world.run(5, 8)
    assert "errors" in made[-1].judged.failed
    assert "trigger rule-not-judged" in hook.actions


def test_a_state_that_is_gone_fails_the_evaluation(hook: Hook, tmp_path: Path) -> None:
    """So that the alarm of the evaluator goes off, and not silence."""
    (tmp_path / "alerts.sqlite").write_bytes(b"not a database" * 100)
    world = World(hook, tmp_path, SqliteState(tmp_path / "alerts.sqlite"))
    with pytest.raises(StateError):
        world.run(0, 1)


def test_the_state_may_be_a_file(hook: Hook, tmp_path: Path) -> None:
    """The embedded run: the same story from SQLite."""
    world = World(hook, tmp_path, SqliteState(tmp_path / "alerts.sqlite", now_s=lambda: START))
    world.run(0, 5)
    world.errors(5, 3)
    world.run(5, 20)
    assert hook.actions == ["trigger errors", "resolve errors"]


def test_what_changed_before_is_told(world: World, hook: Hook) -> None:
    """A version that was not there before is what whoever is on call asks for first."""
    world.run(0, 5)
    for version, minute in (("41", 0), ("42", 4)):
        tally = Tally(world.plan, clock=lambda minute=minute: START + minute * MINUTE)  # type: ignore[misc]
        at = (START + minute * MINUTE) * 10**9
        signals = [log("v", service="web", attributes={"service.version": version}, time_unix_nano=at)]
        Counting(tally, world.state).append(signals)
    assert [change.said for change in changes_of(world.plan, world.state, START + 600, ["web"])] == [
        "web version 42 first seen"
    ]
    world.errors(5, 3)
    world.run(5, 8)
    said = "deployment: web version 42 first seen, 00:04:00 UTC, 1 min 1 s before"
    assert hook.told[0]["changes"] == [said]


def test_rules_that_changed_are_told(world: World) -> None:
    """Another observe.yaml is a change, the first one is not."""
    remember_plan(world.plan, world.state, START)
    assert changes_of(world.plan, world.state, START, []) == ()
    other = plan_of(loads((YAML % "http://x").replace("value: 2", "value: 3")))
    assert changes_of(other, world.state, START + 60, []) == ()
    remember_plan(other, world.state, START + 60)
    (change,) = changes_of(other, world.state, START + 90, [])
    assert (change.kind, change.at_s) == ("configuration", START + 60)


def test_nobody_to_tell_is_said(tmp_path: Path, hook: Hook) -> None:
    """Without destinations alerts are kept, and the summary says that nobody heard."""
    config = YAML.replace('destinations: {hook: {type: webhook, url: "%s"}}', "# %s")
    world = World(hook, tmp_path, yaml=config)
    world.run(0, 5)
    world.errors(5, 3)
    made = world.run(5, 8)[-1]
    assert (len(made.open), made.untold) == (1, 1)


@pytest.mark.parametrize(
    ("environ", "said"),
    [({}, "OBSERVE_STATE is not set"), ({"OBSERVE_STATE": "nowhere"}, "OBSERVE_STATE: 'nowhere'")],
)
def test_settings_that_cannot_be_used_are_said(environ: dict[str, str], said: str) -> None:
    """A sentence, and no evaluation of nothing."""
    with pytest.raises(SettingsError, match=said):
        evaluator_of(environ)


def test_the_function_judges_and_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line of metrics, one of summary; what the schedule's event says does not matter."""
    monkeypatch.setenv("OBSERVE_STATE", str(tmp_path / "alerts.sqlite"))
    monkeypatch.setenv("OBSERVE_STORE", str(tmp_path))
    monkeypatch.delenv("OBSERVE_CONFIG", raising=False)
    edge._from_environment.cache_clear()
    try:
        assert edge.handler({"anything": 1}, None, lambda: START + 5.0) == {
            "at_s": START,
            "open": 0,
            "notices": 0,
        }
    finally:
        edge._from_environment.cache_clear()
    metrics, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "HybridObserve"
    assert (summary["message"], summary["rules"]) == ("rules judged", 9)
