"""Hours of both sides: when they differ, and what weights make of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.insight.parity_hours import at_one_time, differ, reweighted
from subscribers.insight.parity_traffic import Served
from subscribers.insight.sketch import Sketch

HOURS = st.dictionaries(st.integers(0, 48), st.integers(1, 10_000), min_size=1)


def served(count: int, ms: float, failed: int = 0) -> Served:
    """Requests that all take as long."""
    return Served(count=count, failed=failed, latency=Sketch.of([ms] * count))


@given(HOURS, st.integers(1, 50))
def test_the_same_hours_do_not_differ(hours: dict[int, int], times: int) -> None:
    """However much more traffic one side has: its hours are the other's."""
    more = {hour: times * n for hour, n in hours.items()}
    assert not differ(hours, more)
    assert not differ(more, hours)
    assert at_one_time(hours, more)


@pytest.mark.parametrize(
    ("old", "new", "is_told"),
    [
        ({0: 900, 1: 100}, {0: 100, 1: 900}, True),
        ({0: 500, 1: 500}, {0: 560, 1: 440}, False),  # less than a tenth
        ({0: 5, 1: 5}, {0: 3, 1: 7}, False),  # chance
        ({}, {0: 5}, False),
    ],
)
def test_when_hours_differ(old: dict[int, int], new: dict[int, int], is_told: bool) -> None:
    """By more than chance and a tenth."""
    assert differ(old, new) == is_told


@pytest.mark.parametrize(
    ("old", "new", "is_one"),
    [
        ({0: 100}, {0: 100}, True),
        ({0: 100}, {0: 4, 9: 96}, False),
        ({0: 100}, {0: 5, 9: 95}, True),
        ({0: 4, 1: 96}, {0: 100}, False),
        ({0: 1}, {1: 1}, False),
    ],
)
def test_at_one_time(old: dict[int, int], new: dict[int, int], is_one: bool) -> None:
    """A twentieth of each side's requests lies in hours in which both served."""
    assert at_one_time(old, new) == is_one


def test_weights_of_hours() -> None:
    """Each hour of the new side weighs what it does on the old side."""
    found = reweighted([(served(90, 400), served(10, 600, 1)), (served(10, 100), served(90, 150))])
    assert found.new_ms["p50"] == pytest.approx(600, rel=0.02)
    assert (found.old_errors, found.new_errors) == (0.0, 0.09)
    assert found.verdict == "regressed"


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0.1, 1e5))
def test_one_hour_is_the_whole(n: int, m: int, ms: float) -> None:
    """With one hour weights change nothing."""
    found = reweighted([(served(n, ms), served(m, ms))])
    assert found.old_ms == found.new_ms
    assert found.verdict == "as_good"
