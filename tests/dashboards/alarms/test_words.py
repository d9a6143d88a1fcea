"""Conditions as people say them, and what alarms cost."""

from __future__ import annotations

import pytest

from dashboards.alarms.build import alarms_of
from dashboards.alarms.prices import monthly_usd, total_usd
from dashboards.alarms.values import Alarm, Alarms, Composite, Condition
from dashboards.alarms.words import amount, condition_words, missing_words
from dashboards.expressions import Metric, Percent, Quotient, Scaled, Total
from tests.dashboards.sample import ALARMS, SYSTEM

_ERRORS, _REQUESTS = (
    Metric("endpoint.errors", "a/legacy", "sum"),
    Metric("endpoint.requests", "a/legacy", "sum"),
)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            Condition(of=Percent(_ERRORS, _REQUESTS, gate=20), op=">", threshold=5, unit="%"),
            "failed requests: more than 5% of at least 20 requests, in 2 of 3 periods of 5 min",
        ),
        (
            Condition(
                of=Metric("function.duration", "f", "p99"),
                op=">=",
                threshold=1800,
                unit="ms",
                periods=1,
                datapoints=1,
            ),
            "p99 of duration: at least 1,800 ms, in a period of 5 min",
        ),
        (
            Condition(
                of=Metric("queue.age", "q", "max"),
                op=">",
                threshold=900,
                unit="s",
                period_s=3600,
                datapoints=3,
            ),
            "highest age of the oldest message: more than 15 min, in 3 periods of 1 h in a row",
        ),
        (
            Condition(
                of=Total(
                    (Metric("table.read_throttled", "t", "sum"), Metric("table.write_throttled", "t", "sum"))
                ),
                op="<",
                threshold=0.5,
            ),
            "reads throttled + writes throttled: less than 0.5, in 2 of 3 periods of 5 min",
        ),
        (
            Condition(
                of=Scaled(
                    Quotient(Metric("service.pool_used", "s", "max"), Metric("service.pool_max", "s", "max")),
                    100,
                ),
                op="<=",
                threshold=90,
                unit="%",
            ),
            "highest connections in use against highest connections of the pool: at most 90%, "
            "in 2 of 3 periods of 5 min",
        ),
    ],
)
def test_a_condition_in_words(condition: Condition, words: str) -> None:
    """What is measured, how much is too much, how often."""
    assert condition_words(condition) == words


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (5, "%", "5%"),
        (0, "1", "0"),
        (0.00012, "1", "0.00012"),
        (2 * 2**30, "By", "2 GiB"),
        (90, "By", "90 B"),
        (1_728_000, "ms", "28.8 min"),
        (86_400, "s", "1 d"),
        (0.7, "s", "0.7 s"),
    ],
)
def test_an_amount_has_a_unit_that_is_read(value: float, unit: str, said: str) -> None:
    """Long times in minutes, bytes in powers of 1,024, and nothing rounded to 0."""
    assert amount(value, unit) == said


def test_missing_data_is_said_on_purpose() -> None:
    """Three meanings, three sentences."""
    assert len({missing_words(one) for one in ("ok", "breaching", "keep")}) == 3


def _alarm(condition: Condition, suppressed_by: tuple[str, ...] = ()) -> Alarm:
    return Alarm(name="a", rule="r", subject="s", title="t", condition=condition, suppressed_by=suppressed_by)


def test_an_alarm_costs_by_its_metrics_and_by_what_silences_it() -> None:
    """One metric that stands twice is paid once; a suppressor needs composites."""
    one = Condition(of=_ERRORS, op=">", threshold=1)
    two = Condition(of=Percent(_ERRORS, Total((_ERRORS, _REQUESTS))), op=">", threshold=1)
    assert monthly_usd(_alarm(one)) == 0.1
    assert monthly_usd(_alarm(two)) == 0.2
    assert monthly_usd(_alarm(one, ("x",))) == 0.6
    assert monthly_usd(_alarm(one, ("x", "y", "z"))) == 1.1
    assert monthly_usd(Composite(name="c", title="t", children=("a",))) == 0.5


def test_a_promise_costs_two_alarms_and_a_composite_a_burn() -> None:
    """Of four burns the one over three days is not for CloudWatch: 3 x (2 x 4 metrics + a composite)."""
    assert monthly_usd(ALARMS.slos[0]) == pytest.approx(3 * (2 * 4 * 0.1 + 0.5))


def test_the_total_is_the_sum() -> None:
    """Of alarms, promises and composites."""
    made = alarms_of(SYSTEM)
    several = [*made.alarms, *made.slos, *made.composites]
    assert total_usd(made) == pytest.approx(sum(map(monthly_usd, several)))
    assert total_usd(Alarms()) == 0
