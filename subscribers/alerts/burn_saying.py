"""What objectives say: shares, burn rates and budgets in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from subscribers.alerts.burn_rates import PAIRS, Budget, Burnt, Pair, allowed
from subscribers.alerts.model import Objective
from subscribers.alerts.saying import at_most, counted, duration, number, quantity


def burning_said(rule: Objective, pair: Pair, burnt: Mapping[int, Burnt]) -> str:
    """Return what burns: the shares of both windows, and how many times what is allowed that is."""
    long, short = burnt[pair.long_s], burnt[pair.short_s]
    recent = f"and {_percent(short)} in the last {duration(min(pair.short_s, short.known_s))}"
    times = f"{quantity(long.burn or 0.0, '', pair.factor)} times what is allowed"
    over = duration(min(pair.long_s, long.known_s))
    limit = f"limit {number(pair.factor)} times; {_promise(rule)}"
    return f"{_share(rule, long)} in {over} {recent}, {times} ({limit})"


def calm_said(rule: Objective, burnt: Mapping[int, Burnt]) -> str:
    """Return the share of the last hour, or of as long as anything is known where the hour had no traffic."""
    hour, longest = burnt[PAIRS[0].long_s], burnt[PAIRS[-1].long_s]
    told = hour if hour.total else longest
    return f"{_share(rule, told)} in {duration(told.known_s)} ({_promise(rule)})"


def few_said(rule: Objective, told: Burnt, length_s: int) -> str:
    """Return that a window has too few requests."""
    few = f"{at_most(told.total, rule.total.selector)} in {duration(length_s)}"
    return f"{few}, and {max(rule.minimum, 1)} are needed to judge"


def budget_said(budget: Budget, gone_s: float | None) -> str:
    """Return what is left of the budget, of the part that is known; gone_s: None where it does not burn."""
    if budget.left_percent is None:
        return "of the error budget nothing is known"
    part = "" if budget.known_s >= budget.period_s else f" of the {duration(budget.known_s)} that are known"
    period = duration(budget.period_s)
    if gone_s == 0:
        return f"the error budget of {period} is spent"
    said = f"{quantity(max(budget.left_percent, 0.0), '%')} of the error budget{part} is left"
    if gone_s is None:
        return said
    return f"{said}, and that of {period} lasts {duration(gone_s)} more at this rate (estimated)"


def _share(rule: Objective, told: Burnt) -> str:
    became = f"took longer than {quantity(rule.limit_ms, 'ms')}" if rule.kind == "latency" else "failed"
    return f"{_percent(told)} of {counted(told.total, rule.total.selector)} {became}"


def _percent(told: Burnt) -> str:
    return quantity(min(100 * told.bad / told.total, 100.0) if told.total else 0.0, "%")


def _promise(rule: Objective) -> str:
    return f"allowed are {number(round(100 * allowed(rule), 10))}% in {duration(rule.window_s)}"
