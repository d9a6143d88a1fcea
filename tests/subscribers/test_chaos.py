"""A short run of chaos for each sink; `make chaos` runs a million events. Every event is accounted for."""

from __future__ import annotations

from itertools import count

import pytest

from tests.backends.otlp import Otlp
from tests.backends.server import Received, Reply
from tests.chaos.run import Result, Target, run
from tests.chaos.targets import TARGETS

#: Each sink its own faults, the same every time.
SEEDS = {target.name: seed for seed, target in zip(count(3), TARGETS, strict=False)}


def accounted(target: Target, kill_share: float) -> Result:
    """A run of which nothing is missing."""
    found = run(
        target,
        2_000,
        SEEDS[target.name],
        kill_share=kill_share,
        fault_share=0.3,
        keeper_share=0.1,
        batch_records=8,
        request_items=60,
    )
    assert found.problems == ()
    assert found.accepted + found.stored == found.events
    received, settled = found.ledger
    assert received == settled == found.events
    assert sum(found.faults.values()) > 0
    return found


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_event_is_accounted_for(target: Target) -> None:
    """Through faults, kills and a keeper that fails: taken by the backend, or kept with a reason."""
    accounted(target, 0.2)


@pytest.mark.parametrize(
    "target", [t for t in TARGETS if not t.is_repeatable], ids=lambda target: target.name
)
def test_nothing_is_doubled(target: Target) -> None:
    """Where a backend recognises no repeats, none is sent while the process lives and can keep what fails."""
    found = run(
        target,
        2_000,
        SEEDS[target.name],
        kill_share=0,
        fault_share=0.3,
        keeper_share=0,
        batch_records=8,
        request_items=60,
    )
    assert found.problems == ()
    assert found.repeated == 0


class DownOtlp(Otlp):
    """Whatever comes, it is out of order."""

    def answer(self, request: Received) -> Reply:
        return self.fault_reply(503)


def test_a_run_in_which_nothing_arrives_fails() -> None:
    """All of it is kept, and so accounted for, which proves nothing."""
    down = Target("down", DownOtlp, lambda url: {"type": "otlp", "url": url, "signals": ["spans"]}, ("span",))
    found = run(down, 100, 1, fault_share=0, kill_share=0, keeper_share=0, batch_records=8)
    assert (found.unaccounted, found.stored, found.waiting) == (0, 100, 100)
    nothing, waiting = found.problems
    assert nothing == "down: the backend accepted nothing"
    assert waiting.startswith("down: after the faults 100 events could not be redriven: {")
