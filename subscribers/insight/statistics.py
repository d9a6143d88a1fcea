"""Is one rate, or one quantile, larger than another: claims that are wrong at most as often as stated.

Rates are compared by their exact (Clopper-Pearson) limits, put together as Newcombe does (MOVER). Quantiles
are compared without any assumption about the distribution: for every value that the old quantile may be,
the share of requests below it on both sides is looked at, and that share is binomial whatever latencies
look like: long-tailed, with two peaks, or all equal. Requests count as independent of each other.

https://doi.org/10.1093/biomet/26.4.404
https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I
https://doi.org/10.1080/01621459.1994.10476836
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist

import msgspec

from subscribers.insight.sketch import Sketch, bounds_of, bucket_of

#: Part of a claim's error that goes into where the quantiles may lie; the rest into the comparison.
_PLACE = 0.2
#: Standard deviations of a binomial up to which its probabilities are summed; beyond, a series serves.
_EXACT_TO = 20.0
#: Steps of a ratio: a bucket each. e**(0.02 * 500) is 22,000 times.
_RATIO_STEPS = 500
_PER_STEP = 0.02


class Rate(msgspec.Struct, frozen=True):
    """A share from 0 to 1 with its limits, each missed as often as `rate` was told."""

    estimate: float
    low: float
    high: float


class Ranked(msgspec.Struct, frozen=True):
    """A sketch made ready for comparisons: how many values are in or below each bucket, in order."""

    count: int
    buckets: tuple[int, ...]
    cumulated: tuple[int, ...]

    @classmethod
    def of(cls, sketch: Sketch, factor: float = 1.0) -> Ranked:
        """factor: as if each value had been seen that many times."""
        buckets = tuple(sorted(sketch.buckets))
        sums = accumulate(sketch.buckets[bucket] for bucket in buckets)
        return cls(round(sketch.count * factor), buckets, tuple(round(n * factor) for n in sums))

    def at_most(self, bucket: int) -> int:
        """How many values are in a bucket or below it."""
        i = bisect_right(self.buckets, bucket)
        return self.cumulated[i - 1] if i else 0

    def index_of_rank(self, rank: int) -> int:
        """The position in `buckets` of the rank-th smallest value, rank from 1."""
        return bisect_right(self.cumulated, rank - 1)


@lru_cache(maxsize=4096)
def rate(k: int, n: int, alpha: float) -> Rate:
    """Return k of n with its exact limits: each is wrong with a probability of alpha at most."""
    if n == 0:
        return Rate(0.0, 0.0, 1.0)
    low = _solve(lambda p: 1 - binomial_at_most(k - 1, n, p), alpha) if k else 0.0
    high = _solve(lambda p: 1 - binomial_at_most(k, n, p), 1 - alpha) if k < n else 1.0
    return Rate(k / n, low, high)


def known(share: float) -> Rate:
    """Return a rate that is taken as it is, such as one of observe.yaml."""
    return Rate(share, share, share)


def difference(old: Rate, new: Rate) -> tuple[float, float, float]:
    """Return (new - old, its lower limit, its upper limit), limits as those of the rates."""
    between = new.estimate - old.estimate
    low = between - math.hypot(new.estimate - new.low, old.high - old.estimate)
    high = between + math.hypot(new.high - new.estimate, old.estimate - old.low)
    return between, max(low, -1.0), min(high, 1.0)


# Both claims below are tests at every value that old's quantile may have. Of two binomial counts with the
# same q there, one for each side, three things are improbable: that one is far up, that the other is far
# down, and that they are far apart. A claim holds if at every value one of the three is the case.


def exceeds(old: Ranked, new: Ranked, q: float, bound: Callable[[float], float], alpha: float) -> bool:
    """Whether new's q-quantile is above bound(old's q-quantile); wrongly so with alpha at most.

    bound: never falls as its argument grows.
    """
    _, old_last = rank_limits(old.count, q, alpha * _PLACE / 2)
    new_first, _ = rank_limits(new.count, q, alpha * _PLACE / 2)
    if not (old_last and new.count):
        return False
    least = critical(old.count, new.count, q, alpha * (1 - _PLACE))
    for i in range(old.index_of_rank(old_last) + 1):
        # Were old's quantile in this bucket: so many would be below it here, and at most its bound there.
        below = old.cumulated[i - 1] if i else 0
        reached = new.at_most(bucket_of(bound(bounds_of(old.buckets[i])[1])))
        if reached >= new_first and below / old.count - reached / new.count < least:
            return False
    return True


def falls_below(old: Ranked, new: Ranked, q: float, bound: Callable[[float], float], alpha: float) -> bool:
    """Whether new's q-quantile is below bound(old's q-quantile); wrongly so with alpha at most."""
    old_first, _ = rank_limits(old.count, q, alpha * _PLACE / 2)
    _, new_last = rank_limits(new.count, q, alpha * _PLACE / 2)
    if not (old_first and new_last):
        return False
    least = critical(new.count, old.count, q, alpha * (1 - _PLACE))
    for i in range(old.index_of_rank(old_first), len(old.buckets)):
        reached = new.at_most(bucket_of(bound(bounds_of(old.buckets[i])[0])) - 1)
        if reached >= new_last:
            break
        if reached / new.count - old.cumulated[i] / old.count < least:
            return False
    return True


def ratio_limits(old: Ranked, new: Ranked, q: float, alpha: float) -> tuple[float, float]:
    """Return the lower and upper limit of new's q-quantile divided by old's: 0 and infinity where unknown.

    Each is wrong with a probability of alpha at most. They are steps of 2%, rounded outwards.
    """

    def times(step: int) -> Callable[[float], float]:
        return lambda value: value * math.exp(_PER_STEP * step)

    low = _last(lambda step: exceeds(old, new, q, times(step), alpha))
    high = _last(lambda step: falls_below(old, new, q, times(-step), alpha))
    return (
        0.0 if low is None else math.exp(_PER_STEP * low),
        math.inf if high is None else math.exp(-_PER_STEP * high),
    )


def quantile_limits(values: Ranked, q: float, alpha: float) -> tuple[float, float]:
    """Return the limits of a quantile: each is wrong with alpha at most. 0 and infinity where unknown."""
    first, last = rank_limits(values.count, q, alpha)
    low = bounds_of(values.buckets[values.index_of_rank(first)])[0] if first else 0.0
    high = bounds_of(values.buckets[values.index_of_rank(last)])[1] if last else math.inf
    return max(low, 0.0), high


@lru_cache(maxsize=4096)
def rank_limits(n: int, q: float, alpha: float) -> tuple[int, int]:
    """Return the ranks, from 1, of the values between which a quantile lies; 0 where n is too small.

    Below the first, and above the last, it is with a probability of alpha at most.
    """
    if not n:
        return 0, 0
    first = _search(n, lambda rank: binomial_at_most(rank - 1, n, q) > alpha) - 1
    last = _search(n, lambda rank: binomial_at_most(rank - 1, n, q) >= 1 - alpha)
    return max(first, 0), last if last <= n else 0


@lru_cache(maxsize=4096)
def critical(n: int, m: int, q: float, alpha: float) -> float:
    """Return the least d so that P(A / n - B / m >= d) <= alpha for binomial A, B of n and m, each with q."""
    # A larger n than this changes nothing but the time it takes; a smaller one errs on the safe side.
    n, m = min(n, 100 * m + 10_000), min(m, 100 * n + 10_000)
    spread = [math.sqrt(size * q * (1 - q)) for size in (n, m)]
    if min(spread) > _EXACT_TO:
        return _critical_by_series(n, m, q, alpha)
    first, chances = _chances(n, q)
    start, reached = _cumulated(*_chances(m, q))

    def tail(d: float) -> float:
        # Of ties within rounding all count.
        bounds = [math.floor(m * ((first + i) / n - d) + 1e-9) - start for i in range(len(chances))]
        both = zip(chances, bounds, strict=True)
        return math.fsum(chance * reached[min(j, len(reached) - 1)] for chance, j in both if j >= 0)

    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if tail(middle) <= alpha else (middle, high)
    return high


def binomial_at_most(k: int, n: int, p: float) -> float:
    """Return P(X <= k) for a binomial X of n and p: the regularised incomplete beta function."""
    if k < 0:
        return 0.0
    if k >= n or p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    return _beta(n - k, k + 1, 1 - p)


def _critical_by_series(n: int, m: int, q: float, alpha: float) -> float:
    """By Cornish and Fisher's first terms; half a step of each side is added."""
    variance = q * (1 - q)
    spread = math.sqrt(variance * (1 / n + 1 / m))
    skewness = variance * (1 - 2 * q) * (n**-2 - m**-2) / spread**3
    z = NormalDist().inv_cdf(1 - alpha)
    return spread * (z + (z * z - 1) * skewness / 6) + 0.5 / n + 0.5 / m


def _chances(n: int, q: float) -> tuple[int, list[float]]:
    """The first of the numbers that matter, and the probability of each from there on."""
    reach = 9 * math.sqrt(n * q * (1 - q)) + 9
    first, last = max(0, math.floor(n * q - reach)), min(n, math.ceil(n * q + reach))
    constant = math.lgamma(n + 1)
    odds = (math.log(q), math.log1p(-q))
    return first, [
        math.exp(constant - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * odds[0] + (n - k) * odds[1])
        for k in range(first, last + 1)
    ]


def _cumulated(first: int, chances: Sequence[float]) -> tuple[int, list[float]]:
    return first, list(accumulate(chances))


def _beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if front < -745:
        return 0.0
    return math.exp(front) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """Lentz's method; the terms shrink once there are some square roots of a and b of them."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 1_000_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            value *= c * d
        if abs(c * d - 1) < 1e-13:
            break
    return value


def _solve(rising: Callable[[float], float], target: float) -> float:
    """The p from 0 to 1 at which a rising function reaches a target."""
    low, high = 0.0, 1.0
    # Small rates need their relative precision, so it is not the number of steps that ends this.
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2


def _search(n: int, is_reached: Callable[[int], bool]) -> int:
    """The first rank from 1 to n for which it holds, and n + 1 where there is none."""
    low, high = 1, n + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_reached(middle) else (middle + 1, high)
    return low


def _last(holds: Callable[[int], bool]) -> int | None:
    """The last step for which a claim holds that holds for all before it; None where it never does."""
    low, high = -_RATIO_STEPS - 1, _RATIO_STEPS
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return None if low < -_RATIO_STEPS else low
