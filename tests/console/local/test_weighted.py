"""Two targets for one route."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.local.weighted import Spread, Weighted


@given(st.integers(0, 100), st.integers(0, 5))
def test_of_every_hundred_the_percentage_is_exact(percent: int, hundreds: int) -> None:
    """Law: 100 requests give each target exactly its share, whichever hundred it is."""
    weighted = Weighted("new", "old", percent)
    for _ in range(hundreds):
        [weighted.pick() for _ in range(100)]
    assert [weighted.pick() for _ in range(100)].count("new") == percent


@given(st.floats(0, 100), st.integers(1, 200))
def test_the_share_is_even_from_the_start(percent: float, count: int) -> None:
    """Law: at no time does a target have much more or less than its share."""
    weighted = Weighted("new", "old", percent)
    got = [weighted.pick() for _ in range(count)].count("new")
    assert abs(got - count * percent / 100) <= 5


def test_fractions_are_met_in_the_long_run() -> None:
    """Half a percent of 10,000 is 50."""
    weighted = Weighted("new", "old", 0.5)
    assert [weighted.pick() for _ in range(10_000)].count("new") == pytest.approx(50, abs=2)


def test_threads_share_one_sequence() -> None:
    """Requests at the same time are counted once each."""
    spread = Spread()
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: spread(), range(100)))
    assert sorted(numbers) == list(range(100))


def test_the_source_can_be_given() -> None:
    """A test, or a die, chooses."""
    assert Weighted("new", "old", 50, lambda: 49.9).pick() == "new"
    assert Weighted("new", "old", 50, lambda: 50).pick() == "old"


@pytest.mark.parametrize("percent", [-1, 101, float("nan")])
def test_what_is_no_percentage_is_refused(percent: float) -> None:
    """A split over 100 percent is a mistake."""
    with pytest.raises(ValueError, match="percentage"):
        Weighted("new", "old", percent)
