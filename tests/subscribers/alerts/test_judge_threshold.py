"""Thresholds, minute by minute: when they fire, when they end, and what keeps them quiet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts.judge import judge
from subscribers.alerts.model import Op, Selector, Statistic, Threshold
from subscribers.config import loads
from tests.subscribers.alerts.worlds import HOUR, MINUTE, START, World, measured, minutes_of, timeline

ERRORS = Selector(signal="log", levels=("ERROR", "FATAL"))
CONFIG = loads(
    """
version: 1
services:
  submit-claim: {side: serverless, log_groups: [/aws/lambda/submit-claim]}
  claims-legacy: {side: legacy, log_groups: [/legacy/claims]}
endpoints:
  submit: {route: POST /claims, legacy: {service: claims-legacy}, serverless: {service: submit-claim}}
"""
)


def errors(**more: object) -> Threshold:
    return Threshold(**{"name": "errors", "measure": measured(ERRORS), "value": 10, **more})  # type: ignore[arg-type]


def test_it_fires_at_the_minute_and_ends_with_its_window() -> None:
    """The 11th error falls into minute 32: breach from 33 until the window has fewer."""
    rule, world = errors(), World()
    for minute, times in ((30, 5), (31, 5), (32, 1), (35, 30), (40, 3)):
        world.add(rule.measure, START + minute * MINUTE + 20, times=times)
    told = timeline(rule, world, range(90))
    assert minutes_of(told, "breach") == [*range(33, 41)]
    assert minutes_of(told, "ok") == [*range(33), *range(41, 90)]
    assert all(len(findings) == 1 for findings in told.values())
    first = told[33][0]
    assert first.said == "11 error lines in 5 min (limit 10)"
    assert (first.value, first.limit, first.at_s) == (11, 10, START + 33 * MINUTE)
    assert first.since_s == START + 30 * MINUTE


def test_no_traffic_at_all_is_a_count_of_nothing() -> None:
    """Without events a count is 0: below a lower limit, never above an upper one."""
    world = World()
    assert minutes_of(timeline(errors(), world, range(60)), "ok") == [*range(60)]
    told = timeline(errors(op="<", value=5), world, range(60))
    assert minutes_of(told, "breach") == [*range(60)]
    assert told[7][0].said == "no error lines in 5 min (must be at least 5)"


def test_a_lower_limit_waits_until_a_whole_window_is_known() -> None:
    """In the first minutes after a deployment nothing is missing yet."""
    rule = errors(op="<", value=5)
    told = timeline(rule, World(began_s=START), range(60))
    assert minutes_of(told, "unknown") == [*range(5)]
    assert minutes_of(told, "breach") == [*range(5, 60)]
    assert told[3][0].said.startswith("too little is known yet: counting began at 00:00 UTC")


def test_what_is_too_much_already_needs_no_whole_window() -> None:
    """Errors in the first minutes after a deployment are as many as they are, and may be more."""
    rule, world = errors(window_s=HOUR), World(began_s=START)
    world.add(rule.measure, START + 3 * MINUTE, times=11)
    told = timeline(rule, world, range(90))
    assert minutes_of(told, "breach") == [*range(4, 64)]
    assert minutes_of(told, "unknown") == [0, 1, 2, 3]


def test_it_waits_for_late_events_and_counts_them() -> None:
    """With two minutes of lateness a verdict comes two minutes later, and events so late change nothing."""
    in_time, late = errors(measure=measured(ERRORS, late_s=120)), World()
    late.add(in_time.measure, START + 30 * MINUTE, times=11, after_s=119)
    told = timeline(in_time, late, range(60))
    assert minutes_of(told, "breach") == [*range(33, 38)]
    assert told[33][0].at_s == START + 31 * MINUTE


def test_several_of_the_last_windows_must_breach() -> None:
    """2 of 3 windows: one bad window is none, and two are, with or without a good one between them."""
    rule, world = errors(breaching=2, of=3, value=2), World()
    world.add(rule.measure, START + 20 * MINUTE + 1, times=3)
    once = timeline(rule, world, range(60))
    assert minutes_of(once, "breach") == []
    world.add(rule.measure, START + 31 * MINUTE + 1, times=3)
    told = timeline(rule, world, range(60))
    assert minutes_of(told, "breach") == [32, 33, 34, 35]
    assert told[32][0].said == "3 error lines in 5 min (limit 2), in 2 of the last 3 windows"
    # The window before it was good: the run that goes on began with the last one.
    assert told[32][0].since_s == START + 31 * MINUTE + 1


def test_it_is_told_since_when_without_interruption() -> None:
    """Four windows of five breach: since the first of those that follow each other up to the last."""
    rule, world = errors(breaching=4, of=5, value=0), World()
    for minute in (3, 8, 18, 23, 28, 33, 38):
        world.add(rule.measure, START + minute * MINUTE)
    told = timeline(rule, world, [30, 40, 45])
    assert [told[minute][0].since_s for minute in (30, 40, 45)] == [
        START + 18 * MINUTE,
        START + 18 * MINUTE,
        START + 23 * MINUTE,
    ]
    assert (
        told[45][0].said == "1 error line in the 5 min before 00:40 UTC (limit 0), in 4 of the last 5 windows"
    )


def test_each_group_is_judged_by_itself() -> None:
    """A function with errors is not another one, and one that is silent is none."""
    rule, world = errors(measure=measured(ERRORS, "service")), World()
    world.add(rule.measure, START + 30 * MINUTE, "submit-claim", times=11)
    world.add(rule.measure, START + 30 * MINUTE, "claims-legacy", times=10)
    told = timeline(rule, world, range(60), CONFIG)
    assert minutes_of(told, "breach", lambda f: f.service == "submit-claim") == [*range(31, 36)]
    assert minutes_of(told, "ok", lambda f: f.service == "claims-legacy") == [*range(31, 36)]
    assert [len(found) for found in told.values()] == [*([0] * 31), *([2] * 5), *([0] * 24)]
    legacy, function = told[31]
    assert function.said == "submit-claim (serverless): 11 error lines in 5 min (limit 10)"
    assert function.group == {"service": "submit-claim"}
    assert (function.side, legacy.side) == ("serverless", "legacy")


def test_a_group_can_have_a_limit_of_its_own() -> None:
    """A function's own timeout is its limit; others have the rule's."""
    durations = measured(Selector(signal="metric", metric="aws.lambda.duration"), "service", is_valued=True)
    rule = errors(
        measure=durations,
        statistic="p99",
        value=900_000,
        limits={"submit-claim": 27_000},
        unit="ms",
        minimum=3,
    )
    world = World()
    for service in ("submit-claim", "notify-customer"):
        world.add(durations, START, service, value=28_000, times=20)
    found = judge(rule, world, START + MINUTE, CONFIG)
    assert [(f.service, f.verdict, f.limit) for f in found] == [
        ("notify-customer", "ok", 900_000),
        ("submit-claim", "breach", 27_000),
    ]
    assert (
        found[1].said
        == "submit-claim (serverless): p99 duration of 20 invocations was 28 s in 5 min (limit 27 s)"
    )


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("count", 4), ("sum", 130), ("avg", 32.5), ("min", 10), ("max", 60), ("p50", 20), ("p90", 60)],
)
def test_every_statistic_is_the_number_it_says(statistic: Statistic, value: float) -> None:
    """10, 20, 40 and 60 ms; percentiles are within 1%."""
    rule = errors(measure=measured(is_valued=True), statistic=statistic, unit="ms")
    world = World()
    for ms in (10, 20, 40, 60):
        world.add(rule.measure, START, value=ms)
    (found,) = judge(rule, world, START + MINUTE)
    assert found.value == pytest.approx(value, rel=0.01)


def test_what_nothing_has_is_unknown() -> None:
    """Without requests there is no 95th percentile, however the limit is meant."""
    for op in (">", "<"):
        rule = errors(measure=measured(is_valued=True), statistic="p95", op=op, unit="ms")
        told = timeline(rule, World(), range(60))
        assert minutes_of(told, "unknown") == [*range(60)]
        assert told[9][0].said == "no requests in 5 min, so there is no p95"


def test_a_metric_that_counts_weighs_its_value() -> None:
    """One point that says 12 is 12 timeouts."""
    rule = errors(measure=measured(Selector(signal="metric", metric="aws.lambda.timeouts"), "service"))
    world = World()
    world.add(rule.measure, START, "submit-claim", value=12)
    (found,) = judge(rule, world, START + MINUTE, CONFIG)
    assert (found.verdict, found.said) == (
        "breach",
        "submit-claim (serverless): 12 timeouts in 5 min (limit 10)",
    )


def test_sparse_traffic_is_quiet() -> None:
    """One slow request every seven minutes is below the minimum: never a breach, always said why."""
    rule = errors(measure=measured(is_valued=True), statistic="p95", value=800, unit="ms", minimum=5)
    world = World()
    for minute in range(0, 180, 7):
        world.add(rule.measure, START + minute * MINUTE, value=30_000)
    told = timeline(rule, world, range(180))
    assert minutes_of(told, "unknown") == [*range(180)]
    assert told[8][0].said == "only 1 request in 5 min, and 5 are needed to judge"


def test_a_window_of_odd_length_is_made_of_whole_minutes() -> None:
    """90 s are two minutes."""
    rule, world = errors(window_s=90), World()
    world.add(rule.measure, START, times=11)
    assert minutes_of(timeline(rule, world, range(5)), "breach") == [1, 2]


@pytest.mark.parametrize(
    ("op", "is_broken"),
    [
        (">", (False, False, True)),
        (">=", (False, True, True)),
        ("<", (True, False, False)),
        ("<=", (True, True, False)),
    ],
)
def test_every_comparison_is_what_it_says(op: Op, is_broken: tuple[bool, ...]) -> None:
    """Below, at and above a limit of 3."""
    for count, expected in zip((2, 3, 4), is_broken, strict=True):
        rule, world = errors(op=op, value=3), World()
        world.add(rule.measure, START, times=count)
        assert (judge(rule, world, START + MINUTE)[0].verdict == "breach") == expected


@given(
    st.lists(st.tuples(st.integers(0, 59), st.integers(0, 170)), max_size=60),
    st.integers(1, 3),
    st.integers(1, 600),
)
def test_lateness_within_the_allowance_changes_no_verdict(
    events: list[tuple[int, int]], breaching: int, window_s: int
) -> None:
    """Law: what has arrived by then says of each minute what all events say."""
    rule = errors(measure=measured(ERRORS, late_s=180), value=2, breaching=breaching, of=3, window_s=window_s)
    world = World()
    for minute, after_s in events:
        world.add(rule.measure, START + minute * MINUTE, after_s=after_s)
    told = timeline(rule, world, range(70))
    world.now_s = None
    judged: Callable[[int], object] = lambda minute: judge(rule, world, START + minute * MINUTE)  # noqa: E731
    assert told == {minute: judged(minute) for minute in range(70)}


def test_a_percentile_began_in_the_minute_that_was_beyond_the_limit_itself() -> None:
    """Not with the window that it is in: what was deployed three minutes before is what changed."""
    measure = measured(is_valued=True)
    rule, world = errors(measure=measure, statistic="p95", value=500), World()
    for minute in range(30):
        world.add(rule.measure, START + minute * MINUTE + 5, value=900.0 if minute >= 27 else 10.0, times=20)
    told = timeline(rule, world, [30])
    assert (told[30][0].verdict, told[30][0].since_s) == ("breach", START + 27 * MINUTE)
