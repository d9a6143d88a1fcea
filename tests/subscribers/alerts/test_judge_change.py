"""Changes against the same time earlier, minute by minute."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from subscribers.alerts.judge import judge
from subscribers.alerts.judge_change import PERCENT_MAX, change
from subscribers.alerts.model import Change, Selector
from tests.subscribers.alerts.test_judge_threshold import CONFIG
from tests.subscribers.alerts.worlds import DAY, MINUTE, START, World, measured, minutes_of, timeline

SUBMITTED = Selector(signal="metric", metric="claims.submitted")


def traffic(*by: str, **more: object) -> Change:
    told = {"name": "traffic", "measure": measured(SUBMITTED, *by), "percent": 50, "minimum": 10}
    return Change(**{**told, **more})  # type: ignore[arg-type]


def test_it_fires_at_the_minute_and_resolves() -> None:
    """20 a minute then, 40 from minute 30 to 49: half as much more needs three of five minutes."""
    rule, world = traffic(direction="up"), World()
    world.each_minute(rule.measure, START - 7 * DAY - 10 * MINUTE, 140, 20)
    world.each_minute(rule.measure, START - 10 * MINUTE, 140, 20)
    world.each_minute(rule.measure, START + 30 * MINUTE, 20, 20)
    told = timeline(rule, world, range(120))
    assert minutes_of(told, "breach") == [*range(33, 53)]
    assert minutes_of(told, "unknown") == []
    first = told[33][0]
    assert first.said == "claims.submitted came to 160 in 5 min, 60% more than 100 7 d earlier (limit 50% up)"
    assert (first.value, first.limit, first.unit) == (60, 50, "%")
    assert first.since_s == START + 28 * MINUTE
    assert first.details["then"] == 100


@pytest.mark.parametrize(
    ("direction", "now", "verdict"),
    [
        ("up", 150, "breach"), ("up", 149, "ok"), ("up", 20, "ok"),
        ("down", 50, "breach"), ("down", 51, "ok"), ("down", 300, "ok"),
        ("either", 150, "breach"), ("either", 50, "breach"), ("either", 100, "ok"),
    ],
)  # fmt: skip
def test_the_direction_is_kept(direction: str, now: int, verdict: str) -> None:
    """As much as the limit is enough; the other way nothing is."""
    rule, world = traffic(direction=direction), World()
    world.add(rule.measure, START, times=now)
    world.add(rule.measure, START - 7 * DAY, times=100)
    assert judge(rule, world, START + MINUTE)[0].verdict == verdict


def test_sparse_traffic_and_none_are_quiet() -> None:
    """One then and five now are 400% more, and nothing."""
    rule, world = traffic(), World()
    world.add(rule.measure, START - 7 * DAY)
    world.add(rule.measure, START, times=5)
    told = timeline(rule, world, range(60))
    assert minutes_of(told, "unknown") == [*range(60)]
    assert told[1][0].said == (
        "5 values of claims.submitted in 5 min, 1 7 d earlier: at least 10 are needed in both to compare"
    )
    assert minutes_of(timeline(rule, World(), range(60)), "unknown") == [*range(60)]


def test_nothing_is_compared_with_time_before_counting_began() -> None:
    """In the first week there is no last week, and a day later there is a yesterday."""
    rule, world = traffic(against_s=DAY), World(began_s=START)
    world.each_minute(rule.measure, START, 26 * 60, 20)
    world.each_minute(rule.measure, START + DAY, 60, 80)
    told = timeline(rule, world, [60, 23 * 60, 24 * 60 + 4, 24 * 60 + 5, 24 * 60 + 30])
    assert minutes_of(told, "unknown") == [60, 23 * 60, 24 * 60 + 4]
    assert minutes_of(told, "breach") == [24 * 60 + 5, 24 * 60 + 30]
    assert told[60][0].said.startswith("nothing to compare with 1 d earlier: too little is known yet")


def test_a_percentile_is_compared_in_its_unit() -> None:
    """The legacy endpoint is slower than an hour before."""
    requests = Selector(signal="span", is_request=True)
    measure = measured(requests, "service", is_valued=True)
    rule = traffic(measure=measure, statistic="p95", against_s=3_600, unit="ms", direction="up")
    world = World()
    world.add(measure, START, "claims-legacy", value=1_240, times=40)
    world.add(measure, START - 3_600, "claims-legacy", value=620, times=40)
    (found,) = judge(rule, world, START + MINUTE, CONFIG)
    assert found.verdict == "breach"
    assert found.said == (
        "claims-legacy (legacy): p95 duration of 40 requests was 1.2 s in 5 min,"
        " 100% more than 620 ms 1 h earlier (limit 50% up)"
    )


def test_a_group_that_is_new_has_nothing_to_compare_with() -> None:
    """Each group is compared with itself; one that has vanished is unknown, too."""
    rule, world = traffic("service"), World()
    world.add(rule.measure, START, "submit-claim", times=100)
    world.add(rule.measure, START - 7 * DAY, "claims-legacy", times=100)
    found = judge(rule, world, START + MINUTE, CONFIG)
    assert [(f.service, f.verdict) for f in found] == [
        ("claims-legacy", "unknown"),
        ("submit-claim", "unknown"),
    ]


def test_a_number_that_was_zero_cannot_have_changed_by_percent() -> None:
    """From an average of 0 there is no percentage."""
    rule = traffic(measure=measured(SUBMITTED, is_valued=True), statistic="avg")
    world = World()
    world.add(rule.measure, START, value=5, times=20)
    world.add(rule.measure, START - 7 * DAY, value=0, times=20)
    (found,) = judge(rule, world, START + MINUTE)
    assert (found.verdict, found.said.rpartition(": ")[2]) == (
        "unknown",
        "there is no number to compare with",
    )


@given(now=st.integers(0, 500), then=st.integers(0, 500), percent=st.integers(1, 300))
def test_it_agrees_with_counting_by_hand(now: int, then: int, percent: int) -> None:
    """Law: a breach is a difference of as many percent of what it was, where both are enough."""
    rule, world = traffic(percent=percent), World()
    world.add(rule.measure, START, times=now)
    world.add(rule.measure, START - 7 * DAY, times=then)
    expected = (
        "unknown" if min(now, then) < 10 else "breach" if 100 * abs(now - then) >= percent * then else "ok"
    )
    assert judge(rule, world, START + MINUTE)[0].verdict == expected


@given(st.floats(), st.floats())
@example(1e300, 1e-300)
@example(1e308, -1e308)
def test_a_difference_is_bounded(now: float, then: float) -> None:
    """Law: from nearly nothing to very much is at most so many percent, and never infinite."""
    percent = change(now, then)
    assert percent is None or abs(percent) <= PERCENT_MAX


def test_the_largest_difference_can_be_told() -> None:
    """From 1e-300 to 1e300."""
    rule = traffic(measure=measured(SUBMITTED, is_valued=True), statistic="avg")
    world = World()
    world.add(rule.measure, START, value=1e300, times=20)
    world.add(rule.measure, START - 7 * DAY, value=1e-300, times=20)
    (found,) = judge(rule, world, START + MINUTE)
    assert (found.verdict, found.value) == ("breach", PERCENT_MAX)
    assert len(found.said) < 200
