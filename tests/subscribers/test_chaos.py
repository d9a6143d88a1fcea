"""A short run of chaos for each sink; `make chaos` runs a million events. Every event is accounted for."""

from __future__ import annotations

from itertools import count

import pytest

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
    assert (found.unaccounted, found.invented) == (0, 0)
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
    assert (found.unaccounted, found.invented, found.repeated) == (0, 0, 0)
