"""Intervals: the tree finds what looking at each would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from subscribers.correlate_intervals import MOST, Intervals, Pool

TIMES = st.tuples(st.integers(0, 9), st.integers(0, 9))


@given(st.lists(TIMES, min_size=1, max_size=40), st.integers(-1, 10), st.integers(-1, 10))
def test_intervals(times: list[tuple[int, int]], first: int, last: int) -> None:
    """Exactly those that contain it, the innermost first."""
    found = list(Intervals((a, b, i) for i, (a, b) in enumerate(times)).containing(first, last))
    assert sorted(found) == [i for i, (a, b) in enumerate(times) if a <= first and b >= last]
    assert found == sorted(found, key=lambda i: (-times[i][0], times[i][1], -i))


def test_one_answer_is_soon_found() -> None:
    """Although a hundred thousand began before; the suite's time limit is the judge."""
    intervals = Intervals([(0, 10**9, 0), *((n, n, n) for n in range(1, 100_000))])
    for n in range(1, 100_000):
        assert next(intervals.containing(n + 100_000, n + 100_000)) == 0


def test_a_pool() -> None:
    """What was added by a key is found by it, unless that is too much to look at."""
    pool = Pool()
    for n in range(MOST + 1):
        pool.add("many", (0, 9, n))
    pool.add("one", (0, 9, 7))
    assert (pool.containing("one", 3, 4), pool.containing("one", 3, 10), pool.containing("x", 3, 4)) == (
        [7],
        [],
        [],
    )
    assert pool.containing("many", 3, 4) is None
