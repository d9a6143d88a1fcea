"""How amounts, shares and times of costs are said, and what a month would cost."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from subscribers.insight.answer import Question
from subscribers.insight.cost_idle import Extent

_HOUR_S = 3600.0
#: Hours of a month, as AWS's calculator has them.
MONTH_H = 730


def usd(amount: float) -> str:
    """Return an amount for people: `~1,234 USD`, `~0.42 USD`, `~0.00023 USD`."""
    if amount >= 100 or not amount:
        return f"~{amount:,.0f} USD"
    places = max(2, min(12, 1 - math.floor(math.log10(amount))))
    return f"~{amount:.{places}f} USD"


def percent(part: float, whole: float) -> str:
    """Return a share: `12%`, `0.4%`."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f}%" if share >= 1 or not share else f"{share:.1g}%"


def day(time_unix_nano: int) -> str:
    """Return a time: `2026-11-21 08:00 UTC`."""
    return datetime.fromtimestamp(time_unix_nano // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def asked_s(question: Question, extent: Extent) -> float:
    """Return how many seconds amounts are of: what was asked for, as far as the store has lines of it."""
    if extent.first_ever is None or extent.last_ever is None:
        return 0.0
    first = max(question.first_unix_nano, extent.first_ever)
    last = min(question.last_unix_nano, extent.last_ever)
    return max(0, last - first) / 1e9


def monthly(amount: float, question: Question, extent: Extent) -> float | None:
    """Return an amount a month if all stays as it is; None for less than an hour of it."""
    seconds = asked_s(question, extent)
    return amount * MONTH_H * _HOUR_S / seconds if seconds >= _HOUR_S else None
