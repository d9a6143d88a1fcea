"""Verdicts on an endpoint: is the new side's error rate, median and p95 as good as the old side's?

Each verdict is a claim, and `inconclusive` is none:

    regressed       worse by more than the margin
    as_good         not worse by more than the margin
    better          better by more than the margin
    inconclusive    the traffic so far supports none of them

At most FALSE_VERDICTS of the verdicts on an endpoint are false. Where the truth is none of them, `regressed`
and `better` may both be said wrongly, and one of three tests suffices: so each test has a sixth of it. Where
the truth is a regression, `as_good` needs all three, the one that is worse among them: so each has nearly the
whole; a tenth is left, for limits of differences of rates are not exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal, Protocol

import msgspec

from subscribers.insight.sketch import Sketch
from subscribers.insight.statistics import (
    Ranked,
    Rate,
    difference,
    exceeds,
    falls_below,
    known,
    quantile_limits,
    rate,
    ratio_limits,
)

Verdict = Literal["regressed", "better", "as_good", "inconclusive"]
Measure = Literal["errors", "p50", "p95"]

#: How often a verdict on an endpoint is false at most, whatever the truth.
FALSE_VERDICTS = 0.01
#: An error rate may be this much larger: 1 point.
ERROR_MARGIN = 0.01
#: A quantile may be this many times as large, or this many milliseconds larger: what allows more.
LATENCY_MARGIN = 1.2
LATENCY_MARGIN_MS = 10.0
#: The quantiles that are compared: most requests, and the slow ones.
QUANTILES: dict[Measure, float] = {"p50": 0.5, "p95": 0.95}

_ALL_OF = 0.9 * FALSE_VERDICTS
_ONE_OF = FALSE_VERDICTS / 2 / (1 + len(QUANTILES))
#: Limits that are shown: 99% intervals.
_SHOWN = 0.005
#: Times the traffic so far, beyond which no number of further requests is promised to help.
_FACTOR_MAX = 4096


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison. Errors: shares from 0 to 1, and change = new - old. Quantiles: ms, and new / old.

    low, high: limits of the change, together a 99% interval; infinite where the traffic tells none.
    old, new, change: NaN where a side has no requests.
    """

    measure: Measure
    verdict: Verdict
    old: float = math.nan
    new: float = math.nan
    change: float = math.nan
    low: float = -math.inf
    high: float = math.inf
    #: Times the traffic so far that would probably allow a verdict, 1 where there is one, infinite where
    #: none would; and that verdict. An estimate: it takes what is measured for the truth.
    factor: float = 1.0
    then: Verdict = "inconclusive"

    @property
    def is_worse(self) -> bool:
        """Whether the new side is worse at all, with 99.5% confidence: maybe by less than the margin."""
        return self.low > (0 if self.measure == "errors" else 1)


class HasVerdict(Protocol):
    """A Judged, or whatever else has a verdict."""

    @property
    def verdict(self) -> Verdict:
        """The verdict on one measure."""


class Errors(msgspec.Struct, frozen=True):
    """failed of count requests; or `share`, where no more is known than that."""

    failed: int = 0
    count: int = 0
    share: float | None = None

    @property
    def estimate(self) -> float:
        """The error rate, from 0 to 1; NaN where there are no requests."""
        if self.share is not None:
            return self.share
        return self.failed / self.count if self.count else math.nan

    def limits(self, alpha: float, factor: float = 1.0) -> Rate:
        """The rate with its limits; factor: as if there had been so many times the requests."""
        if self.share is not None:
            return known(self.share)
        return rate(round(self.failed * factor), round(self.count * factor), alpha)


def judge_errors(old: Errors, new: Errors, *, old_grows: bool = True) -> Judged:
    """Compare error rates. old_grows: whether more requests of the old side can come."""
    if math.isnan(old.estimate) or math.isnan(new.estimate):
        return Judged(measure="errors", verdict="inconclusive", old=old.estimate, new=new.estimate)

    def verdict(factor: float) -> Verdict:
        return verdict_on_errors(old, new, factor if old_grows else 1.0, factor)

    change, low, high = difference(old.limits(_SHOWN), new.limits(_SHOWN))
    now, factor = verdict(1.0), _factor(verdict)
    return Judged(
        measure="errors",
        verdict=now,
        old=old.estimate,
        new=new.estimate,
        change=change,
        low=low,
        high=high,
        factor=factor,
        then=verdict(factor) if math.isfinite(factor) else now,
    )


def judge_quantile(
    measure: Measure, old: Sketch | float | None, new: Sketch, *, old_grows: bool = True
) -> Judged:
    """Compare a quantile of latencies in ms. old: a sketch, the quantile alone, or None if neither is known.

    old_grows: whether more requests of the old side can come.
    """
    q = QUANTILES[measure]
    before = old.quantile(q) if isinstance(old, Sketch) and old.count else old
    after = new.quantile(q) if new.count else math.nan
    if before is None or isinstance(before, Sketch) or math.isnan(after):
        told = before if isinstance(before, float) else math.nan
        return Judged(measure=measure, verdict="inconclusive", old=told, new=after)

    def verdict(factor: float) -> Verdict:
        return verdict_on_quantile(measure, old, new, factor if old_grows else 1.0, factor)

    if isinstance(old, Sketch):
        low, high = ratio_limits(Ranked.of(old), Ranked.of(new), q, _SHOWN)
    else:
        low, high = (_ratio(limit, before) for limit in quantile_limits(Ranked.of(new), q, _SHOWN))
    now, factor = verdict(1.0), _factor(verdict)
    return Judged(
        measure=measure,
        verdict=now,
        old=before,
        new=after,
        change=_ratio(after, before),
        low=low,
        high=high,
        factor=factor,
        then=verdict(factor) if math.isfinite(factor) else now,
    )


def verdict_on_errors(old: Errors, new: Errors, times: float = 1.0, new_times: float = 1.0) -> Verdict:
    """Return the verdict on error rates; times: as if there had been that many times the requests."""
    one = difference(old.limits(_ONE_OF, times), new.limits(_ONE_OF, new_times))
    if one[1] > ERROR_MARGIN:
        return "regressed"
    if one[2] < -ERROR_MARGIN:
        return "better"
    each = difference(old.limits(_ALL_OF, times), new.limits(_ALL_OF, new_times))
    return "as_good" if each[2] < ERROR_MARGIN else "inconclusive"


def verdict_on_quantile(
    measure: Measure, old: Sketch | float | None, new: Sketch, times: float = 1.0, new_times: float = 1.0
) -> Verdict:
    """Return the verdict on a quantile; times: as if there had been that many times the requests."""
    above, below = _claims(measure, old, new, times, new_times)
    if above(worst_allowed, _ONE_OF):
        return "regressed"
    if below(least_better, _ONE_OF):
        return "better"
    return "as_good" if below(worst_allowed, _ALL_OF) else "inconclusive"


def together(parts: Iterable[HasVerdict]) -> Verdict:
    """One verdict of several: one regression is one, and as good means all of them."""
    verdicts = {part.verdict for part in parts}
    if "regressed" in verdicts or "inconclusive" in verdicts:
        return "regressed" if "regressed" in verdicts else "inconclusive"
    return "better" if "better" in verdicts else "as_good"


def traffic_needed(parts: Iterable[Judged]) -> float:
    """Return how many times the traffic so far would probably allow one verdict on all; maybe infinite."""
    every = list(parts)
    all_settled = max(part.factor for part in every)
    return min([all_settled, *(part.factor for part in every if part.then == "regressed")])


def worst_allowed(ms: float) -> float:
    """Return the latency up to which the new side is as good as an old one of `ms`."""
    return max(ms * LATENCY_MARGIN, ms + LATENCY_MARGIN_MS)


def least_better(ms: float) -> float:
    """Return the latency below which the new side is better than an old one of `ms`."""
    return min(ms / LATENCY_MARGIN, ms - LATENCY_MARGIN_MS)


_Bound = Callable[[float], float]
_Claim = Callable[[_Bound, float], bool]


def _claims(
    measure: Measure, old: Sketch | float | None, new: Sketch, times: float, new_times: float
) -> tuple[_Claim, _Claim]:
    """The two claims that can be made: above a bound that the old side sets, and below it."""
    q, after = QUANTILES[measure], Ranked.of(new, new_times)
    if isinstance(old, Sketch):
        before = Ranked.of(old, times)
        return (
            lambda bound, alpha: exceeds(before, after, q, bound, alpha),
            lambda bound, alpha: falls_below(before, after, q, bound, alpha),
        )
    fixed = old or 0.0
    return (
        lambda bound, alpha: quantile_limits(after, q, alpha)[0] > bound(fixed),
        lambda bound, alpha: quantile_limits(after, q, alpha)[1] < bound(fixed),
    )


def _factor(verdict: Callable[[float], Verdict]) -> float:
    """How many times the traffic so far would allow a verdict, if the rest were like it."""
    high = 1.0
    while verdict(high) == "inconclusive":
        high *= 2
        if high > _FACTOR_MAX:
            return math.inf
    low = high / 2
    for _ in range(4 if high > 1 else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if verdict(middle) == "inconclusive" else (low, middle)
    return high


def _ratio(new: float, old: float) -> float:
    if old:
        return new / old
    return math.inf if new else 1.0
