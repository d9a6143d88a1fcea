"""Objectives, minute by minute: the pages, the tickets, and the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts.burn_rates import PAIRS, allowed
from subscribers.alerts.judge import judge
from tests.subscribers.alerts.burning import BEFORE, Traffic, burning, objective, states_of
from tests.subscribers.alerts.test_judge_threshold import CONFIG
from tests.subscribers.alerts.worlds import DAY, FAILED, HOUR, MINUTE, REQUESTS, START, World, measured


def busy(bad: int, first: int, last: int, total: int = 60) -> Traffic:
    """60 requests a minute, of which so many fail in minutes [first, last)."""
    return lambda minute: (bad if first <= minute < last else 0, total)


def test_a_fast_burn_pages_at_its_minute_and_ends_soon() -> None:
    """6 of 60 fail a minute: above 1.44% of an hour is 52, after 9 minutes; 5 after the end it is over."""
    told = burning(objective(), busy(6, 0, 20), range(-5, 90))
    assert [minute for minute, found in told.items() if found.verdict == "breach"] == [*range(9, 25)]
    assert [minute for minute, found in told.items() if found.verdict == "ok"] == [
        *range(-5, 9),
        *range(25, 90),
    ]
    page = told[9]
    assert page.said == (
        "POST /claims: 1.5% of 3,600 requests failed in 1 h and 10% in the last 5 min, 15 times what is"
        " allowed (limit 14.4 times; allowed are 0.1% in 28 d); 79.5% of the error budget of the 3 d 1 h that"
        " are known is left, and that of 28 d lasts 1 d 19 h more at this rate (estimated)"
    )
    assert (page.severity, page.endpoint, page.group, page.limit) == ("critical", "submit", {}, 14.4)
    assert page.value == pytest.approx(15)
    assert page.since_s == START + 4 * MINUTE


def test_a_slower_burn_pages_later_and_a_slow_one_is_a_ticket() -> None:
    """0.7% for hours burns 7 times as fast: 6 h 30 min pages; 0.34% is 3.4 times, a ticket one step lower."""
    told = burning(objective(), busy(7, -1000, 600, total=1000), range(0, 60, 10))
    assert {found.verdict for found in told.values()} == {"breach"}
    assert {(found.limit, found.severity) for found in told.values()} == {(6.0, "critical")}
    assert states_of(told[0]) == ["calm", "burns", "burns", "burns"]
    slow = burning(objective(), busy(34, -1440, 600, total=10_000), range(0, 60, 10))
    assert {(found.limit, found.severity) for found in slow.values()} == {(3.0, "error")}
    slowest = burning(objective(), busy(12, -BEFORE, 600, total=10_000), range(0, 60, 10))
    assert {(found.limit, found.severity) for found in slowest.values()} == {(1.0, "error")}
    fine = burning(objective(), busy(10, -BEFORE, 600, total=10_000), range(0, 60, 10))
    assert {found.verdict for found in fine.values()} == {"ok"}


def test_one_finding_tells_the_fastest_pair() -> None:
    """In an outage every pair burns: one finding, the page."""
    told = burning(objective(), busy(60, -400, 60), range(60))
    assert all(states_of(found) == ["burns"] * 4 for found in told.values())
    assert {found.limit for found in told.values()} == {14.4}
    assert told[59].said.endswith("the error budget of 28 d is spent")
    assert told[59].details["budget"]["gone_in_s"] == 0


def test_no_traffic_is_unknown_and_sparse_traffic_quiet() -> None:
    """Two requests an hour, both failing, wake nobody: in no short window there are enough."""
    silent = burning(objective(), lambda _: (0, 0), range(0, 120, 5))
    assert {found.verdict for found in silent.values()} == {"unknown"}
    assert silent[5].said == "POST /claims: no requests in 3 d, and 10 are needed to judge"
    sparse = burning(objective(minimum=20), lambda m: (int(m % 30 == 0), int(m % 30 == 0)), range(0, 240, 7))
    assert {found.verdict for found in sparse.values()} == {"unknown"}
    assert sparse[35].said.endswith("only 1 request in 5 min, and 20 are needed to judge")


def test_one_failure_of_sparse_traffic_is_a_ticket_and_no_page() -> None:
    """One of 144 requests in three days is 7 times what is allowed, but only six hours have ten of them."""
    told = burning(objective(), lambda m: (int(m == 0), int(m % 30 == 0)), range(0, 240, 7))
    breaches = [found for found in told.values() if found.verdict == "breach"]
    assert {(found.limit, found.severity) for found in breaches} == {(1.0, "error")}


def test_a_night_without_failures_is_fine_however_little_traffic() -> None:
    """A few requests an hour that all succeed are ok by what three days say."""
    told = burning(objective(), lambda minute: (0, int(minute % 15 == 0)), range(0, 120, 5))
    assert {found.verdict for found in told.values()} == {"ok"}
    assert told[5].said == (
        "POST /claims: 0% of 4 requests failed in 1 h (allowed are 0.1% in 28 d);"
        " 100% of the error budget of the 3 d 1 h that are known is left"
    )


def test_traffic_that_stops_in_an_outage_is_unknown_not_fine() -> None:
    """The hour still burns, the last five minutes say nothing; when the hour is over it is fine."""
    told = burning(objective(), lambda m: (6 if m >= -12 else 0, 60) if m < 0 else (0, 0), range(60))
    assert [minute for minute, found in told.items() if found.verdict == "breach"] == [0, 1, 2, 3, 4]
    assert states_of(told[5]) == ["unsure", "calm", "calm", "calm"]
    assert told[5].said == "POST /claims: no requests in 5 min, and 10 are needed to judge"
    assert {told[minute].verdict for minute in range(5, 40)} == {"unknown"}


def test_after_a_deployment_unknown_time_counts_as_good() -> None:
    """An outage pages once it would burn even if the rest of the hour was good: after a minute."""
    rule = objective()
    told = burning(rule, lambda _: (60, 60), range(20), began=0)
    assert told[0].verdict == "unknown"
    assert told[0].said == "POST /claims: nothing is known yet: counting has only begun"
    assert [minute for minute, found in told.items() if found.verdict == "breach"] == [*range(1, 20)]
    assert told[5].details["pairs"][0]["is_lower_bound"]
    mild = burning(rule, busy(3, 0, 20), range(1, 20), began=0)
    assert [minute for minute, found in mild.items() if found.verdict == "breach"] == [*range(18, 20)]


def test_the_budget_of_a_known_period_is_exact() -> None:
    """A period of two days: 0.1% of 172,800 requests are 172.8, of which 60 are spent."""
    told = burning(objective(window_s=2 * DAY), busy(6, -100, -90), [0])
    budget = told[0].details["budget"]
    assert budget["known_s"] == budget["period_s"] == 2 * DAY
    assert (budget["bad"], budget["total"]) == (60, 172_800)
    assert budget["left_percent"] == pytest.approx(100 * (1 - 60 / 172.8))
    assert told[0].said.endswith("; 65.3% of the error budget is left")


def test_the_time_left_is_what_remains_at_this_rate() -> None:
    """One day of a two-day budget at burn 1 lasts a day; at burn 20 a twentieth of it."""
    rule = objective(window_s=2 * DAY)
    told = burning(rule, busy(2, -60, 0, total=100), [0])[0]
    spent = 120 / (0.001 * 2 * 1440 * 100)
    assert told.details["budget"]["gone_in_s"] == pytest.approx((1 - spent) * 2 * DAY / 20)


def test_latency_says_how_slow() -> None:
    """A latency objective counts slow requests."""
    rule = objective(kind="latency", percent=95, limit_ms=800)
    told = burning(rule, busy(60, -60, 1), [0])[0]
    assert "100% of 3,600 requests took longer than 800 ms in 1 h" in told.said
    assert "allowed are 5% in 28 d" in told.said


def test_a_rate_that_cannot_be_reached_is_told() -> None:
    """At 90% an outage burns 10 times as fast at most: the first pair never fires."""
    told = burning(objective(percent=90), lambda _: (60, 60), [0])[0]
    assert [pair["is_reachable"] for pair in told.details["pairs"]] == [False, True, True, True]
    assert told.limit == 6.0


def test_what_has_groups_is_one_objective() -> None:
    """Implementations of both sides serve one promise."""
    bad, total = measured(FAILED, "service"), measured(REQUESTS, "service")
    rule, world = objective(bad=bad, total=total), World(began_s=0)
    for service, failed in (("claims-legacy", 0), ("submit-claim", 100)):
        world.add(total, START, service, value=1_000)
        world.add(bad, START, service, value=failed)
    (found,) = judge(rule, world, START + MINUTE, CONFIG)
    assert (found.verdict, found.group) == ("breach", {})
    assert found.details["pairs"][0]["long_total"] == 2_000


@given(
    incidents=st.lists(
        st.tuples(st.integers(-BEFORE, 30), st.integers(1, 600), st.integers(1, 60)), max_size=4
    ),
    sparse=st.booleans(),
    percent=st.sampled_from([90.0, 95.0, 99.0, 99.5, 99.9, 99.99]),
)
def test_burn_rates_agree_with_counting_by_hand(
    incidents: list[tuple[int, int, int]], sparse: bool, percent: float
) -> None:
    """Law: each window's burn rate is its share of bad minutes over what is allowed; verdicts follow."""
    rule = objective(percent=percent)
    minutes = []
    for minute in range(-BEFORE, 30):
        total = 1 if sparse else 60
        bad = max((n for first, length, n in incidents if first <= minute < first + length), default=0)
        minutes.append((min(bad, total), total))
    (found,) = burning(rule, lambda minute: minutes[minute + BEFORE], [30]).values()
    expected = []
    for pair, told in zip(PAIRS, found.details["pairs"], strict=True):
        burns = []
        for name, length_s in (("long", pair.long_s), ("short", pair.short_s)):
            window = minutes[-length_s // MINUTE :]
            bad, total = (sum(column) for column in zip(*window, strict=True))
            burns.append(bad / total / (1 - percent / 100))
            assert told[f"{name}_burn"] == pytest.approx(burns[-1])
            assert told[f"{name}_total"] == total
        enough = (5 if sparse and pair.short_s == 300 else 10) >= 10
        expected.append(min(burns) > pair.factor and enough)
    assert [state == "burns" for state in states_of(found)] == expected
    assert (found.verdict == "breach") == any(expected)
    if any(expected):
        assert found.limit == PAIRS[expected.index(True)].factor


def test_pairs_are_those_of_the_workbook() -> None:
    """A page spends 2% in an hour or 5% in 6 h of a budget of 30 days, a ticket 10% in a day or in three."""
    spent = [pair.factor * pair.long_s / (30 * DAY) for pair in PAIRS]
    assert spent == pytest.approx([0.02, 0.05, 0.1, 0.1])
    assert [pair.long_s // pair.short_s for pair in PAIRS] == [12] * 4
    assert allowed(objective()) == 0.001
    assert PAIRS[0].long_s == HOUR
