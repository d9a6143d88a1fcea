"""Numbers and ticks as people read them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.preview.axes import time_ticks, unix_nano_of
from dashboards.preview.units import length, shown, ticks
from dashboards.preview.window import MOST, NS_PER_S, Window, step_of

_UNITS = ("ms", "s", "By", "MBy", "%", "{USD}", "1", "", "furlong")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (420, "ms", "420 ms"),
        (1234, "ms", "1.23 s"),
        (0.25, "s", "250 ms"),
        (300, "s", "5 min"),
        (1536, "By", "1.5 KiB"),
        (3 * 2**20, "By", "3 MiB"),
        (66, "MBy", "66 MB"),
        (0.8, "%", "0.8 %"),
        (0.0000197, "{USD}", "19.7 µUSD"),
        (12.5, "{USD}", "12.5 USD"),
        (210, "1", "210"),
        (12_345, "1", "12.3 k"),
        (-2.5, "%", "-2.5 %"),
        (0, "ms", "0 ms"),
        (None, "ms", "-"),
        (float("nan"), "ms", "-"),
        (3, "furlong", "3 furlong"),
    ],
)
def test_a_value_is_shown_with_its_unit(value: float | None, unit: str, text: str) -> None:
    """Three digits that matter."""
    assert shown(value, unit) == text


@pytest.mark.parametrize(
    ("high", "unit", "labels"),
    [
        (420, "ms", ["0 ms", "200 ms", "400 ms", "600 ms"]),
        (1800, "ms", ["0 s", "0.5 s", "1 s", "1.5 s", "2 s"]),
        (2, "1", ["0", "1", "2"]),
        (100, "%", ["0 %", "25 %", "50 %", "75 %", "100 %"]),
        (5000, "By", ["0 KiB", "2 KiB", "4 KiB", "6 KiB"]),
        (0, "1", ["0", "1"]),
    ],
)
def test_ticks_are_round_numbers_in_one_unit(high: float, unit: str, labels: list[str]) -> None:
    """From 0 to the first tick that is not below the highest value."""
    assert [label for _, label in ticks(high, unit, most=4)] == labels


@given(st.floats(1e-9, 1e15), st.sampled_from(_UNITS))
def test_ticks_cover_every_height_evenly(high: float, unit: str) -> None:
    """At most one more than was asked for, at even distances."""
    found = [value for value, _ in ticks(high, unit)]

    assert found[0] == 0
    assert found[-1] >= high * (1 - 1e-6)
    assert 2 <= len(found) <= 7
    steps = {round((b - a) / found[-1], 6) for a, b in pairwise(found)}
    assert len(steps) == 1


@given(st.integers(0, 4_000_000_000), st.integers(0, 2_000_000_000))
def test_a_window_has_at_most_as_many_pieces_as_a_graph_can_show(first_s: int, seconds: int) -> None:
    """From a second to decades, and ticks of time are inside of it, in order."""
    first, last = first_s * NS_PER_S, (first_s + seconds) * NS_PER_S
    step_s = step_of(first, last)
    window = Window(first_unix_nano=first, last_unix_nano=last, step_s=step_s, base_s=step_s)

    assert 1 <= len(window.pieces) <= MOST
    places = [place for place, _ in time_ticks(window)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 s"), (25, "25 s"), (300, "5 min"), (3600, "1 h"), (86_400, "1 day"), (28 * 86_400, "28 days")],
)
def test_a_length_of_time_is_in_words(seconds: float, text: str) -> None:
    """The largest unit that it is a readable number of."""
    assert length(seconds) == text


def test_a_mark_may_be_a_date_and_need_not_be_a_time() -> None:
    """A date is its midnight, UTC; what is no time is None."""
    assert unix_nano_of("1970-01-02") == 86_400 * NS_PER_S
    assert unix_nano_of("1970-01-01T02:00:00+01:00") == 3600 * NS_PER_S
    assert unix_nano_of("soon") is None
