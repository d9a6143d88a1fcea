"""Rates, minute by minute: with traffic they fire, without it they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts.judge import judge
from subscribers.alerts.model import Rate, Selector
from tests.subscribers.alerts.test_judge_threshold import CONFIG
from tests.subscribers.alerts.worlds import (
    FAILED,
    MINUTE,
    REQUESTS,
    START,
    World,
    measured,
    minutes_of,
    timeline,
)

BY = ("service", "endpoint")


def failures(*by: str, **more: object) -> Rate:
    bad, total = measured(FAILED, *by), measured(REQUESTS, *by)
    return Rate(**{"name": "5xx", "bad": bad, "total": total, "above": 2, "minimum": 20, **more})  # type: ignore[arg-type]


def test_it_fires_at_the_minute_and_resolves() -> None:
    """60 requests a minute, from minute 30 to 39 three of them fail: above 2% is 7 of 300."""
    rule, world = failures(), World()
    world.each_minute(rule.total, START, 120, 60)
    world.each_minute(rule.bad, START + 30 * MINUTE, 10, 3)
    told = timeline(rule, world, range(5, 120))
    assert minutes_of(told, "breach") == [*range(33, 43)]
    assert minutes_of(told, "unknown") == []
    assert told[33][0].said == "3% of 300 requests failed in 5 min (limit 2%)"
    assert told[35][0].said == "5% of 300 requests failed in 5 min (limit 2%)"
    assert told[35][0].details == {"bad": 15, "total": 300}
    assert (told[35][0].value, told[35][0].limit, told[35][0].unit) == (5.0, 2, "%")


def test_two_of_three_windows_ride_out_a_short_burst() -> None:
    """The same burst of ten minutes breaches two windows in a row for less long."""
    rule, world = failures(breaching=2, of=3), World()
    world.each_minute(rule.total, START, 120, 60)
    world.each_minute(rule.bad, START + 30 * MINUTE, 10, 3)
    told = timeline(rule, world, range(15, 120))
    assert minutes_of(told, "breach") == [*range(38, 48)]
    assert told[38][0].since_s == START + 30 * MINUTE
    assert told[47][0].said.endswith("in the 5 min before 00:42 UTC (limit 2%), in 2 of the last 3 windows")


def test_exactly_the_limit_is_within_it() -> None:
    """7 of 100 are 7%, not a little more."""
    for limit, bad, total in ((7, 7, 100), (0.1, 1, 1000), (29, 29, 100)):
        rule, world = failures(above=limit), World()
        world.add(rule.total, START, times=total)
        world.add(rule.bad, START, times=bad)
        assert judge(rule, world, START + MINUTE)[0].verdict == "ok"
        world.add(rule.bad, START)
        assert judge(rule, world, START + MINUTE)[0].verdict == "breach"


def test_a_share_never_reads_like_the_limit_it_passes() -> None:
    """2.004% are not told as 2%."""
    rule, world = failures(), World()
    world.add(rule.total, START, times=10_000)
    world.add(rule.bad, START, times=201)
    assert judge(rule, world, START + MINUTE)[0].said == "2.01% of 10,000 requests failed in 5 min (limit 2%)"


def test_sparse_traffic_and_none_are_quiet() -> None:
    """A request every two minutes, each failing, wakes nobody; nor does a night without any."""
    rule, world = failures(), World()
    for minute in range(0, 120, 2):
        world.add(rule.total, START + minute * MINUTE)
        world.add(rule.bad, START + minute * MINUTE)
    told = timeline(rule, world, range(240))
    assert minutes_of(told, "unknown") == [*range(240)]
    assert told[10][0].said == "only 2 requests in 5 min, and 20 are needed to judge"
    assert told[200][0].said == "no requests in 5 min, and 20 are needed to judge"


def test_time_before_counting_began_is_unknown() -> None:
    """A window that reaches back before the deployment says nothing."""
    rule, world = failures(), World(began_s=START)
    world.each_minute(rule.total, START, 60, 60)
    world.each_minute(rule.bad, START, 60, 60)
    told = timeline(rule, world, range(60))
    assert minutes_of(told, "unknown") == [*range(5)]
    assert minutes_of(told, "breach") == [*range(5, 60)]


def test_bad_ones_without_a_total_have_no_share() -> None:
    """A group that only failures name is unknown, and said."""
    rule, world = failures("service"), World()
    world.add(rule.bad, START, "submit-claim", times=30)
    (found,) = judge(rule, world, START + MINUTE, CONFIG)
    assert found.verdict == "unknown"
    said = "30 failed requests but no requests in 5 min, so there is no share to judge"
    assert found.said == f"submit-claim (serverless): {said}"


def test_more_bad_ones_than_there_are_is_all_of_them() -> None:
    """Counted by other signals, failures can be more than requests."""
    rule, world = failures(), World()
    world.add(rule.bad, START, times=30)
    world.add(rule.total, START, times=20)
    (found,) = judge(rule, world, START + MINUTE)
    assert (found.value, found.details) == (100, {"bad": 30, "total": 20})


def test_groups_say_where_it_is() -> None:
    """An endpoint's route, its implementation and its side, each judged by itself."""
    rule, world = failures(*BY), World()
    for service, bad in (("claims-legacy", 10), ("submit-claim", 1)):
        world.add(rule.total, START, service, "submit", times=100)
        world.add(rule.bad, START, service, "submit", times=bad)
    legacy, function = judge(rule, world, START + MINUTE, CONFIG)
    assert legacy.said == (
        "POST /claims, claims-legacy (legacy): 10% of 100 requests failed in 5 min (limit 2%)"
    )
    assert (legacy.verdict, legacy.service, legacy.side, legacy.endpoint) == (
        "breach",
        "claims-legacy",
        "legacy",
        "submit",
    )
    assert (function.verdict, function.side) == ("ok", "serverless")
    assert legacy.group == {"service": "claims-legacy", "endpoint": "submit"}


def test_the_slower_of_two_measures_is_waited_for() -> None:
    """Failures that may come three minutes late are waited for, though requests never are late."""
    rule = failures(bad=measured(FAILED, late_s=180))
    world = World()
    world.add(rule.total, START + 30 * MINUTE, times=100)
    world.add(rule.bad, START + 30 * MINUTE, times=100, after_s=170)
    told = timeline(rule, world, range(60))
    assert minutes_of(told, "breach") == [*range(34, 39)]
    assert minutes_of(told, "ok") == []


INVOCATIONS = Selector(signal="metric", metric="aws.lambda.invocations")


def of_metric(name: str) -> Selector:
    return Selector(signal="metric", metric=name)


def spans(**more: object) -> Selector:
    return Selector(signal="span", is_request=True, **more)  # type: ignore[arg-type]


LINES = Selector(signal="log")


@pytest.mark.parametrize(
    ("bad", "total", "said"),
    [
        (of_metric("aws.lambda.errors"), INVOCATIONS, "10% of 100 invocations failed"),
        (of_metric("aws.lambda.cold_starts"), INVOCATIONS, "10% of 100 invocations started cold"),
        (of_metric("claims.rejected"), of_metric("claims"), "claims.rejected came to 10% of 100 claims"),
        (spans(above=800), REQUESTS, "10% of 100 requests took longer than 800 ms"),
        (spans(fields={"status": (503,)}), REQUESTS, "10% of 100 requests were those with status 503"),
        (Selector(signal="log", levels=("ERROR",)), LINES, "10% of 100 log lines were errors"),
        (
            Selector(signal="log", contains="pool exhausted"),
            LINES,
            '10% of 100 log lines were those with "pool exhausted"',
        ),
        (Selector(signal="log", levels=("WARN",)), LINES, "10% of 100 log lines were warnings"),
    ],
)
def test_it_says_what_became_of_them(bad: Selector, total: Selector, said: str) -> None:
    """What is bad is said as it is asked for."""
    rule, world = failures(bad=measured(bad), total=measured(total)), World()
    world.add(rule.total, START, times=100)
    world.add(rule.bad, START, times=10)
    assert judge(rule, world, START + MINUTE)[0].said == f"{said} in 5 min (limit 2%)"


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=30, max_size=30))
def test_it_agrees_with_counting_by_hand(minutes: list[tuple[int, int]]) -> None:
    """Law: a breach is a share above the limit of at least as many requests as there must be."""
    rule, world = failures(), World()
    for n, (good, bad) in enumerate(minutes):
        world.add(rule.total, START + n * MINUTE, times=good + bad)
        world.add(rule.bad, START + n * MINUTE, times=bad)
    for minute, (found,) in timeline(rule, world, range(31)).items():
        window = minutes[max(minute - 5, 0) : minute]
        total, bad = sum(g + b for g, b in window), sum(b for _, b in window)
        expected = "unknown" if total < 20 else "breach" if bad > 0.02 * total else "ok"
        assert found.verdict == expected
