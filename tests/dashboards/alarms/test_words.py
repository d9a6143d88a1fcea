"""Conditions as people say them."""

from __future__ import annotations

import pytest

from dashboards.alarms.values import Condition
from dashboards.alarms.words import amount, condition_words, missing_words
from dashboards.expressions import Metric, Percent, Quotient, Scaled, Total

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
