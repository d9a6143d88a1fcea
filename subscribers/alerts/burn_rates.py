"""The arithmetic of error budgets: burn rates of windows, what is left, and how long it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from subscribers.alerts.looks import events_of
from subscribers.alerts.model import Measure, Objective, Sample, Windows

State = Literal["burns", "calm", "unsure"]

_HOUR_S, _DAY_S = 3_600, 86_400


class Pair(msgspec.Struct, frozen=True):
    """A burn rate that must be passed over a long and a short window."""

    factor: float
    long_s: int
    short_s: int
    is_page: bool


#: From the fastest to the slowest.
PAIRS = (
    Pair(14.4, _HOUR_S, 300, is_page=True),
    Pair(6.0, 6 * _HOUR_S, 1_800, is_page=True),
    Pair(3.0, _DAY_S, 2 * _HOUR_S, is_page=False),
    Pair(1.0, 3 * _DAY_S, 6 * _HOUR_S, is_page=False),
)


class Burnt(msgspec.Struct, frozen=True, kw_only=True):
    """What one window says. burn: None without requests; known_s: how much of the window is known."""

    bad: float
    total: float
    known_s: int
    burn: float | None
    samples: tuple[Sample, ...] = ()


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of the error budget.

    left_percent: of the part of the period that is known, below 0 where more was spent; None without any.
    spent: share of the whole period's budget, an estimate: unknown time had the same traffic and none bad.
    """

    period_s: int
    known_s: int
    bad: float
    total: float
    left_percent: float | None
    spent: float


def burnt_over(rule: Objective, windows: Windows, at_s: int, length_s: int) -> Burnt:
    """Return what a window that ends at at_s says: all groups of the measures as one."""
    first_s = at_s - length_s
    known_s = min(max(at_s - max(first_s, known_from_s(rule, windows, at_s)), 0), length_s)
    bad, samples = _sum(windows, rule.bad, first_s, at_s)
    total, _ = _sum(windows, rule.total, first_s, at_s)
    share = min(bad / total, 1.0) if total else None
    burn = None if share is None else share / allowed(rule) * (known_s / length_s)
    return Burnt(bad=bad, total=total, known_s=known_s, burn=burn, samples=samples)


def known_from_s(rule: Objective, windows: Windows, at_s: int) -> int:
    """Return since when both measures are known: since counting began, or as far as they are kept."""
    kept = [at_s - max(one.keep_s, one.keep_hours_s) for one in (rule.bad, rule.total)]
    return max(windows.began_s(rule.bad), windows.began_s(rule.total), *kept)


def allowed(rule: Objective) -> float:
    """Return the share of requests that may be bad."""
    # 1 - 0.999 is not 0.001; to so many places it is.
    return round(1 - rule.percent / 100, 12)


def budget_of(rule: Objective, period: Burnt) -> Budget:
    """Return what is left of the budget after a period, or the known part of it."""
    used = period.bad / (period.total * allowed(rule)) if period.total else None
    return Budget(
        period_s=rule.window_s,
        known_s=period.known_s,
        bad=period.bad,
        total=period.total,
        left_percent=None if used is None else 100 * (1 - used),
        spent=(used or 0.0) * period.known_s / rule.window_s,
    )


def gone_in_s(budget: Budget, burn: float | None) -> float | None:
    """Return in how long the whole period's budget is spent if it burns on like this; an estimate."""
    if not burn or not budget.total:
        return None
    return max(1 - budget.spent, 0.0) * budget.period_s / burn


def _sum(windows: Windows, measure: Measure, first_s: int, last_s: int) -> tuple[float, tuple[Sample, ...]]:
    sums = windows.over(measure, max(first_s, 0), last_s).values()
    samples = sorted((s for one in sums for s in one.samples), key=lambda s: -s.time_unix_nano)
    return sum(events_of(measure, one) for one in sums), tuple(samples[:3])


def state_of(rule: Objective, pair: Pair, burnt: Mapping[int, Burnt]) -> State:
    """Return whether a pair `burns`, is `calm`, or `unsure`: it would burn, but too few requests say so."""
    long, short = burnt[pair.long_s], burnt[pair.short_s]
    if long.burn is None or long.burn <= pair.factor:
        return "calm"
    if short.total < max(rule.minimum, 1):
        return "unsure"
    return "burns" if short.burn is not None and short.burn > pair.factor else "calm"
