"""Numbers, times and things as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts.measures import measure_of
from subscribers.alerts.model import Selector, Statistic
from subscribers.alerts.saying import (
    at_most,
    clock,
    counted,
    duration,
    number,
    quantity,
    shortened,
    statistic_said,
    things,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (5.0, "5"),
        (-3, "-3"),
        (1234567, "1,234,567"),
        (5.1923, "5.2"),
        (3.96, "4"),
        (312.4, "312"),
        (0.05, "0.05"),
        (0.0123, "0.012"),
        (0.999, "1"),
        (1e-7, "0.0000001"),
        (1e9, "1,000,000,000"),
        (999_999_999_999_999.0, "999,999,999,999,999"),
        (1e15, "1.0e15"),
        (1.79e308, "1.8e308"),
        (-1e300, "-1.0e300"),
        (5e-324, "4.9e-324"),
        (float("inf"), "more than can be told"),
        (float("-inf"), "less than can be told"),
        (float("nan"), "no number"),
    ],
)
def test_a_number_is_short(value: float, text: str) -> None:
    """As few digits as say it."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (5.2, "%", "5.2%"),
        (640, "ms", "640 ms"),
        (1240, "ms", "1.2 s"),
        (60_000, "ms", "1 min"),
        (90_500, "ms", "1 min 30 s"),
        (42, "s", "42 s"),
        (5400, "s", "1 h 30 min"),
        (0.5, "ms", "0.5 ms"),
        (512, "By", "512 B"),
        (3 * 1024**2, "By", "3 MiB"),
        (1.5 * 1024**3, "By", "1.5 GiB"),
        (12, "1", "12"),
        (12, "", "12"),
        (7, "{claim}", "7 claim"),
        (-90_000, "ms", "-1 min 30 s"),
    ],
)
def test_a_quantity_has_its_unit(value: float, unit: str, text: str) -> None:
    """The unit people use for so much of it."""
    assert quantity(value, unit) == text


@given(st.floats(), st.floats(), st.sampled_from(["%", "ms", "s", "By", "1", ""]))
def test_every_number_can_be_told(value: float, unlike: float, unit: str) -> None:
    """Law: whatever came out of a line, what is told is short, and telling it never fails."""
    assert len(quantity(value, unit)) <= 40
    assert len(quantity(value, unit, unlike)) <= 40
    assert duration(value)


@given(
    st.floats(0.001, 1e9),
    st.floats(1e-6, 0.2),
    st.sampled_from(["%", "ms", "s", "By", "1"]),
)
def test_what_passes_a_limit_does_not_read_like_it(limit: float, part: float, unit: str) -> None:
    """Law: beside its limit a number has as many digits as it needs to differ."""
    value = limit * (1 + part)
    assert quantity(value, unit, limit) != quantity(limit, unit)
    assert quantity(limit, unit, limit) == quantity(limit, unit)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (45, "45 s"),
        (60, "1 min"),
        (300, "5 min"),
        (3_600, "1 h"),
        (5_430, "1 h 30 min"),
        (90_000, "1 d 1 h"),
        (86_460, "1 d"),
        (28 * 86_400, "28 d"),
        (59.6, "59.6 s"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    """The two largest that stand beside each other."""
    assert duration(seconds) == text


def test_a_time_has_its_day_where_that_is_another() -> None:
    """23:50 yesterday is not 23:50 today, by the clocks of the zone."""
    midnight = 1_795_219_200
    assert clock(midnight, "Europe/Paris", midnight + 60) == "01:00 Europe/Paris"
    assert clock(midnight, beside_s=midnight + 86_400) == "Sat 2026-11-21 00:00 UTC"
    assert clock(midnight - 600, "Europe/Paris", midnight) == "00:50 Europe/Paris"
    assert clock(midnight - 600) == "Fri 2026-11-20 23:50 UTC"
    assert clock(midnight, "Mars/Base", midnight) == "00:00 UTC"


@pytest.mark.parametrize(
    ("selector", "several"),
    [
        (Selector(signal="log"), "log lines"),
        (Selector(signal="log", levels=("ERROR", "FATAL")), "error lines"),
        (Selector(signal="log", levels=("ERROR", "INFO")), "log lines"),
        (Selector(signal="log", levels=("WARN",), contains="slow"), 'warnings with "slow"'),
        (Selector(signal="log", matches="a" * 99), f'log lines that match "{"a" * 59}…"'),
        (Selector(signal="span", is_request=True), "requests"),
        (Selector(signal="span", is_request=True, status="error"), "failed requests"),
        (Selector(signal="span", is_request=True, above=800), "requests above 800 ms"),
        (Selector(signal="span", kinds=("consumer",), is_request=True), "invocations"),
        (Selector(signal="span", kinds=("client", "producer")), "outgoing calls"),
        (Selector(signal="span", name="S3.PutObject"), "calls of S3.PutObject"),
        (Selector(signal="span"), "operations"),
        (
            Selector(signal="span", kinds=("client",), fields={"error.type": ("A", "B", "C"), "n": (2.0,)}),
            "outgoing calls with error.type A or B or others, with n 2",
        ),
        (Selector(signal="metric", metric="aws.lambda.timeouts"), "timeouts"),
        (Selector(signal="metric", metric="aws.lambda.duration"), "invocations"),
        (Selector(signal="metric", metric="claims.submitted"), "values of claims.submitted"),
    ],
)
def test_a_selector_is_what_it_selects(selector: Selector, several: str) -> None:
    """Words of engineers, not of our model."""
    assert things(selector)[1] == several


def test_one_is_not_several_and_none_is_none() -> None:
    """1 request, 2 requests, no requests; few are only so many."""
    requests = Selector(signal="span", is_request=True)
    assert [counted(n, requests) for n in (0, 1, 2)] == ["no requests", "1 request", "2 requests"]
    assert [at_most(n, requests) for n in (0, 1)] == ["no requests", "only 1 request"]


@pytest.mark.parametrize(
    ("statistic", "selector", "field", "said"),
    [
        ("count", Selector(signal="log"), "", "12 log lines"),
        ("sum", Selector(signal="metric", metric="aws.lambda.timeouts"), "", "12 timeouts"),
        ("sum", Selector(signal="metric", metric="claims"), "", "claims came to 12 x"),
        (
            "avg",
            Selector(signal="metric", metric="claims"),
            "",
            "average claims of 30 values of claims was 12 x",
        ),
        (
            "max",
            Selector(signal="span", kinds=("consumer",), is_request=True),
            "age_ms",
            "highest age_ms of 30 invocations was 12 x",
        ),
        ("p95", Selector(signal="span", is_request=True), "", "p95 duration of 30 requests was 12 x"),
        (
            "p99",
            Selector(signal="metric", metric="aws.lambda.duration"),
            "",
            "p99 duration of 30 invocations was 12 x",
        ),
    ],
)
def test_a_statistic_says_of_what(statistic: Statistic, selector: Selector, field: str, said: str) -> None:
    """Which number, of how many."""
    assert statistic_said(statistic, measure_of(selector, field=field), 12, 30, "12 x") == said


def test_a_text_is_one_short_line() -> None:
    """Messages have lines and no end."""
    assert shortened("a\n  b\tc") == "a b c"
    assert len(shortened("x" * 1000)) == 60
