"""What an evaluation remembers: whatever it dies of, and wherever, everybody is told once, or once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from subscribers.alerts.model import Threshold
from subscribers.alerts.plan import Plan
from subscribers.alerts.remembered import BusyError, Memory
from subscribers.alerts.state import LAST, Entry, StateError
from subscribers.alerts.state_memory import MemoryState
from tests.subscribers.alerts.test_evaluator import MINUTE, START, Hook, World


class Dying(MemoryState):
    """A memory that fails at its n-th call, once."""

    def __init__(self, dies_at: int | None = None) -> None:
        super().__init__(now_s=lambda: START)
        self.dies_at, self.calls = dies_at, 0
        self.is_armed = False

    def _called(self) -> None:
        if self.is_armed:
            self.calls += 1
            if self.calls == self.dies_at:
                raise StateError("the process is gone")

    def put(self, entries: Any) -> None:
        """Write, or die before it."""
        found = list(entries)
        if found:
            self._called()
        super().put(found)

    def delete(self, keys: Any) -> None:
        """Remove, or die before it."""
        found = list(keys)
        if found:
            self._called()
        super().delete(found)

    def get(self, partition: str, sort: str) -> Entry | None:
        """Read, or die."""
        self._called()
        return super().get(partition, sort)

    def query(self, partition: str, first: str = "", last: str = LAST) -> Iterator[Entry]:
        """Read, or die."""
        self._called()
        return super().query(partition, first, last)

    def replace(self, entry: Entry) -> Entry:
        """Write, or die before it."""
        self._called()
        return super().replace(entry)


@pytest.fixture(name="hook")
def hook_() -> Iterator[Hook]:
    """A webhook on loopback."""
    with Hook() as hook:
        yield hook


def story(hook: Hook, folder: Path, state: Dying, minute: int) -> list[str]:
    """Errors in minute 5; the evaluation of one minute dies at some call. Return what was told."""
    world = World(hook, folder, state)
    told = len(hook.told)
    for now in range(20):
        if now == 5:
            world.errors(5, 3)
        state.is_armed = now == minute
        try:
            world.run(now, now + 1)
        except (StateError, BusyError):
            world.evaluator = world.another()
        # Who was killed leaves its turn, which ends by itself before the next minute.
        state.is_armed = False
        entry = state.get("turn", "turn")
        if entry is not None:
            turn = msgspec.msgpack.decode(entry.body)
            state.replace(
                msgspec.structs.replace(entry, body=msgspec.msgpack.encode({**turn, "until_s": 0.0}))
            )
    return [f"{body['action']} {body['id']}" for body in hook.told[told:]]


@pytest.mark.parametrize("minute", [7, 11])
def test_wherever_it_dies_everybody_is_told_of_the_begin_and_the_end(
    hook: Hook, tmp_path: Path, minute: int
) -> None:
    """At each call of the state in the minute of the trigger (7) and of the resolve (11)."""
    whole = Dying()
    expected = story(hook, tmp_path, whole, minute)
    assert [line.split()[0] for line in expected] == ["trigger", "resolve"]
    for call in range(1, whole.calls + 1):
        state = Dying(call)
        told = story(hook, tmp_path, state, minute)
        actions = [line.split()[0] for line in dict.fromkeys(told)]
        # A notice that is repeated is the same; one that was decided a minute later is another, with its key.
        assert actions[0] == "trigger", (call, told)
        assert actions[-1] == "resolve", (call, told)
        assert actions.count("resolve") == 1, (call, told)
        assert state.calls >= call


def test_one_rule_that_cannot_be_judged_silences_no_other(hook: Hook, tmp_path: Path) -> None:
    """A fault of ours in one of them is told, and the rest is judged."""
    world = World(hook, tmp_path)
    rule = world.plan.rules["errors"]
    assert isinstance(rule, Threshold)
    broken = msgspec.structs.replace(rule, name="broken", op="nonsense")  # type: ignore[arg-type]
    world.plan = Plan(rules={"broken": broken, "errors": rule}, config=world.config)
    world.evaluator = world.another()
    world.run(0, 5)
    world.errors(5, 3)
    made = world.run(5, 8)[-1]
    assert list(made.judged.failed) == ["broken"]
    assert set(hook.actions) == {"trigger rule-not-judged", "trigger errors"}


@pytest.mark.parametrize("place", ["incidents", "owed", "turn", "failed", "done", "seals"])
def test_a_damaged_entry_silences_nobody(hook: Hook, tmp_path: Path, place: str) -> None:
    """It is removed, counted and said; what is breached is told all the same."""
    world = World(hook, tmp_path)
    world.run(0, 3)
    sort = next(iter(world.plan.measures)) if place == "seals" else place
    known = world.state.get(place, sort)
    if known and known.version:
        world.state.replace(msgspec.structs.replace(known, body=b"\xc1garbage"))
    else:
        world.state.put([Entry(place, sort, b"\xc1garbage")])
    made = world.run(3, 4)[0]
    assert made.damaged == (place != "seals")
    world.run(4, 8)
    world.errors(8, 3)
    world.run(8, 12)
    assert hook.actions == ["trigger errors"]


def test_who_comes_too_late_removes_nothing_of_its_successors(hook: Hook, tmp_path: Path) -> None:
    """An evaluation that outlives its turn: what the next one owes stays owed."""
    world = World(hook, tmp_path)
    clock = [1000.0]
    memory = Memory(world.state, clock=lambda: clock[0])
    late = memory.take(START)
    assert memory.is_ours(late)
    clock[0] += 100
    memory.take(START + MINUTE)
    assert not memory.is_ours(late)


def test_keys_are_those_of_the_first_evaluator(hook: Hook, tmp_path: Path) -> None:
    """Whoever evaluates by hand must not page everything a second time under another name."""
    memory = Memory(MemoryState())
    assert memory.scope("my-evaluator") == "my-evaluator"
    assert memory.scope("") == "my-evaluator"


def test_a_clock_that_was_ahead_is_got_over(hook: Hook, tmp_path: Path) -> None:
    """One tick a year ahead must not silence a year: counting begins anew, and what breaks then is told."""
    world = World(hook, tmp_path)
    real: Callable[[], float] = lambda: START + 60.0  # noqa: E731
    world.evaluator._memory._clock = real
    world.run(0, 1)
    world.evaluator.evaluate(START + 366 * 86_400)
    world.run(1, 5)
    world.errors(5, 3)
    world.run(5, 9)
    assert hook.actions == ["trigger errors"]
