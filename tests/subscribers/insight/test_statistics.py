"""Claims about rates and quantiles are wrong at most as often as they say."""

from __future__ import annotations

import math
import random
from collections import Counter
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.insight.sketch import Sketch, bucket_of, value_of
from subscribers.insight.statistics import (
    Ranked,
    Rate,
    binomial_at_most,
    critical,
    difference,
    exceeds,
    falls_below,
    known,
    quantile_limits,
    rank_limits,
    rate,
    ratio_limits,
)


def chances(n: int, p: float) -> list[float]:
    """The probabilities of a binomial, by their definition."""
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


@given(st.integers(1, 60), st.integers(-1, 61), st.floats(0.001, 0.999))
def test_binomial_at_most(n: int, k: int, p: float) -> None:
    """The distribution function is the sum of the probabilities."""
    exact = math.fsum(chances(n, p)[: max(k + 1, 0)])
    assert math.isclose(binomial_at_most(k, n, p), exact, rel_tol=1e-9, abs_tol=1e-12)


def test_binomial_of_a_million() -> None:
    """Large numbers agree with the normal distribution, and end."""
    n, p = 1_000_000, 0.95
    spread = math.sqrt(n * p * (1 - p))
    for z in (-3.0, -0.5, 0.0, 2.0):
        k = math.floor(n * p + z * spread)
        normal = NormalDist().cdf((k + 0.5 - n * p) / spread)
        assert math.isclose(binomial_at_most(k, n, p), normal, rel_tol=0.02)


@pytest.mark.parametrize(
    ("k", "n", "alpha", "low", "high"),
    [
        # Clopper and Pearson's tables: 5 of 100 and 10 of 20 at 95%; the rule of three: -ln(alpha) / n.
        (5, 100, 0.025, 0.0164, 0.1128),
        (10, 20, 0.025, 0.2720, 0.7280),
        (0, 1000, 0.05, 0.0, 0.00299),
        (20, 20, 0.05, 0.8609, 1.0),
    ],
)
def test_limits_of_a_rate(k: int, n: int, alpha: float, low: float, high: float) -> None:
    """Limits are Clopper and Pearson's."""
    found = rate(k, n, alpha)
    assert math.isclose(found.low, low, abs_tol=5e-5)
    assert math.isclose(found.high, high, abs_tol=5e-5)


def test_a_rate_of_nothing_may_be_anything() -> None:
    """Without requests the limits are 0 and 1, and a difference from it knows nothing."""
    assert rate(0, 0, 0.01) == Rate(0.0, 0.0, 1.0)
    assert difference(rate(0, 0, 0.01), known(0.5))[1:] == (-0.5, 0.5)


@pytest.mark.parametrize(("n", "m"), [(50, 50), (200, 200), (300, 100), (100, 300)])
@pytest.mark.parametrize("old", [0.0, 0.005, 0.02, 0.1])
def test_differences_of_rates_are_wrong_as_rarely_as_stated(n: int, m: int, old: float) -> None:
    """Of all outcomes together those whose limits exclude the truth are as improbable as stated, or nearly.

    By enumeration, not by simulation. Newcombe's way is not exact: a tenth more is allowed for.
    """
    alpha, margin = 0.005, 0.01
    before, after = chances(n, old), chances(m, old + margin)
    too_high = too_low = 0.0
    rates = [rate(k, n, alpha) for k in range(n + 1) if before[k] > 1e-9]
    others = [rate(j, m, alpha) for j in range(m + 1) if after[j] > 1e-9]
    for one in rates:
        for other in others:
            _, low, high = difference(one, other)
            weight = before[round(one.estimate * n)] * after[round(other.estimate * m)]
            too_high += weight * (low > margin)
            too_low += weight * (high < margin)
    assert too_high <= 1.1 * alpha
    assert too_low <= 1.1 * alpha


@given(st.integers(1, 300), st.sampled_from([0.5, 0.95, 0.99]), st.sampled_from([0.05, 0.005]))
def test_rank_limits(n: int, q: float, alpha: float) -> None:
    """A quantile lies outside of the ranks as rarely as stated, and one rank nearer would be too often."""
    first, last = rank_limits(n, q, alpha)
    if first:
        assert binomial_at_most(first - 1, n, q) <= alpha
    assert binomial_at_most(first, n, q) > alpha
    if last:
        assert 1 - binomial_at_most(last - 1, n, q) <= alpha + 1e-12
    assert 1 - binomial_at_most((last or n + 1) - 2, n, q) > alpha


@pytest.mark.parametrize(("n", "m"), [(20, 30), (100, 40), (150, 600)])
@pytest.mark.parametrize("q", [0.5, 0.95])
def test_critical_differences(n: int, m: int, q: float) -> None:
    """The probability to reach the critical difference is at most alpha, and just below it more."""
    alpha = 0.01
    reach = critical(n, m, q, alpha)
    both = [(k / n - j / m, a * b) for k, a in enumerate(chances(n, q)) for j, b in enumerate(chances(m, q))]
    assert math.fsum(p for d, p in both if d >= reach) <= alpha
    assert math.fsum(p for d, p in both if d >= reach - 1e-6) > alpha


@pytest.mark.parametrize("m_per_n", [1, 4])
def test_the_series_goes_on_where_the_sum_ends(m_per_n: int) -> None:
    """Between 8,000 and 9,000 requests a series takes over: the critical difference shrinks smoothly."""
    summed, series = (critical(n, m_per_n * n, 0.95, 0.002) for n in (8_000, 9_000))
    assert math.isclose(series, summed * math.sqrt(8 / 9), rel_tol=0.025)


def test_critical_of_very_different_numbers() -> None:
    """A thousand million on one side neither take long nor make the difference smaller than it may be."""
    assert critical(10**9, 100, 0.95, 0.002) <= critical(1_000, 100, 0.95, 0.002)
    assert critical(10**9, 10**9, 0.95, 0.002) < 1e-4


VALUES = st.lists(st.floats(0.1, 1e5), min_size=1, max_size=40)


@given(VALUES, VALUES, st.sampled_from([0.5, 0.95]))
def test_claims_never_contradict_each_other(a: list[float], b: list[float], q: float) -> None:
    """A quantile is not claimed to be above and below another, nor a lower limit above the upper one."""
    old, new = Ranked.of(Sketch.of(a)), Ranked.of(Sketch.of(b))
    assert not (exceeds(old, new, q, float, 0.01) and falls_below(old, new, q, float, 0.01))
    low, high = ratio_limits(old, new, q, 0.01)
    assert low <= high


@given(VALUES, st.floats(0.2, 5))
def test_limits_are_those_of_scaled_values(values: list[float], times: float) -> None:
    """Values that are all a times larger have limits around a; a bucket is given away on either side."""
    many = [value for value in values for _ in range(200)]
    old, new = Ranked.of(Sketch.of(many)), Ranked.of(Sketch.of(value * times for value in many))
    low, high = ratio_limits(old, new, 0.5, 0.01)
    assert low <= times * math.exp(0.02) <= high * math.exp(0.04)


def test_quantile_limits_need_enough_values() -> None:
    """The 95th percentile of 20 values has no upper limit at 99%, of 2,000 it has both."""
    low, high = quantile_limits(Ranked.of(Sketch.of(range(1, 21))), 0.95, 0.005)
    assert low > 0
    assert high == math.inf
    low, high = quantile_limits(Ranked.of(Sketch.of(range(1, 2001))), 0.95, 0.005)
    assert 1840 < low < 1900 < high < 1970


@given(st.floats(0.5, 2), st.sampled_from([0.5, 0.95]), st.floats(1, 1000) | st.just(1.0))
def test_what_is_exactly_at_the_bound_is_on_neither_side(times: float, q: float, value: float) -> None:
    """Values that are all the bound of the other side's are claimed to be neither above nor below it."""
    old, new = Ranked.of(Sketch.of([value] * 500)), Ranked.of(Sketch.of([times * value] * 500))
    assert not exceeds(old, new, q, lambda x: x * times, 0.01)
    assert not falls_below(old, new, q, lambda x: x * times, 0.01)
    assert exceeds(old, new, q, lambda x: x * times / 1.05, 0.01)
    assert falls_below(old, new, q, lambda x: x * times * 1.05, 0.01)


def test_nothing_is_claimed_of_nothing() -> None:
    """Without values there is no claim, and no limit."""
    none, some = Ranked.of(Sketch()), Ranked.of(Sketch.of([1.0] * 500))
    for old, new in ((none, some), (some, none), (none, none)):
        assert not exceeds(old, new, 0.95, float, 0.01)
        assert not falls_below(old, new, 0.95, float, 0.01)
        assert ratio_limits(old, new, 0.95, 0.01) == (0.0, math.inf)


@pytest.mark.parametrize("q", [0.5, 0.95])
@pytest.mark.parametrize(("n", "m"), [(250, 250), (3000, 250), (250, 3000), (1500, 1500)])
def test_ratios_are_missed_as_rarely_as_stated(q: float, n: int, m: int) -> None:
    """Of 150 pairs with two peaks, one near the quantile, hardly any limit misses the truth.

    This is where comparisons that assume a smooth distribution fail.
    """
    generator = random.Random(f"{q}{n}{m}")
    peaks = [bucket_of(x) for x in (50.0, 52.0, 800.0)]
    weights = [0.3, q - 0.295, 0.7 - q + 0.295]  # the second peak ends half a percent above the quantile
    alpha = 0.01
    missed = 0
    for _ in range(150):
        sides = [Counter(generator.choices(peaks, weights, k=size)) for size in (n, m)]
        old, new = (
            Ranked.of(Sketch.of_counts(dict(side), 0.0, value_of(min(side)), value_of(max(side))))
            for side in sides
        )
        low, high = ratio_limits(old, new, q, alpha)
        missed += (low > 1) + (high < 1)
    # Twice 1% of 150 are expected at most; seven or more are as improbable as 1 in 100.
    assert missed <= 7
