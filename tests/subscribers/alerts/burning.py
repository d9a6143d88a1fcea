"""Traffic of an endpoint, minute by minute, for what judges objectives."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from subscribers.alerts.model import Finding, Objective
from tests.subscribers.alerts.test_judge_threshold import CONFIG
from tests.subscribers.alerts.worlds import DAY, FAILED, MINUTE, REQUESTS, START, World, measured, timeline

#: Minutes before START for which there is traffic: a little more than the longest window.
BEFORE = 3 * 1440 + 60
#: Minute since START -> bad requests and all of them.
Traffic = Callable[[int], tuple[int, int]]


def objective(**more: object) -> Objective:
    """Return an objective of 99.9% in 28 days."""
    bad, total = (measured(selector, keep_hours_s=28 * DAY) for selector in (FAILED, REQUESTS))
    told = {"name": "slo.submit", "endpoint": "submit", "kind": "availability", "percent": 99.9}
    return Objective(**{**told, "bad": bad, "total": total, "severity": "critical", **more})  # type: ignore[arg-type]


def world_of(rule: Objective, traffic: Traffic, until: int, *, began: int = -BEFORE) -> World:
    """Return a world with the traffic of minutes from `began` on: one event a minute that weighs as many."""
    world = World(began_s=START + began * MINUTE)
    for minute in range(began, until):
        bad, total = traffic(minute)
        for measure, weight in ((rule.bad, bad), (rule.total, total)):
            if weight:
                world.add(measure, START + minute * MINUTE, value=weight)
    return world


def burning(
    rule: Objective, traffic: Traffic, minutes: Iterable[int], *, began: int = -BEFORE
) -> dict[int, Finding]:
    """Return the finding of each minute."""
    wanted = list(minutes)
    world = world_of(rule, traffic, max(wanted), began=began)
    return {minute: found for minute, (found,) in timeline(rule, world, wanted, CONFIG).items()}


def states_of(found: Finding) -> list[str]:
    """Return the states of the pairs, the fastest first."""
    return [pair["state"] for pair in found.details["pairs"]]
