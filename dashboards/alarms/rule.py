"""What a rule of alarms is."""

from __future__ import annotations

import msgspec

from dashboards.alarms.values import Missing
from subscribers.alerts.model import Op, Severity

#: Requests, invocations or executions a period below which a share is not judged.
GATE = 20.0


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. of: what its subjects are; about: what it means and what to do first.

    title: of an alarm, `{}` is its subject. threshold: in `unit`; None where the subject's configuration
    gives it. reason: why this threshold, where it is the same for all. minimum: the gate of a share, 0 where
    it has none. is_opt_in: whether it exists only where an override names it.
    """

    of: str
    title: str
    about: str
    severity: Severity = "error"
    op: Op = ">"
    unit: str = "1"
    threshold: float | None = None
    reason: str = ""
    period_s: int = 300
    periods: int = 3
    datapoints: int = 3
    missing: Missing = "ok"
    minimum: float = 0.0
    is_opt_in: bool = False


def outage(of: str, title: str, about: str) -> Rule:
    """A rule on what hardly ever succeeds, for traffic that is below the gate of a share of failures."""
    reason = (
        "Half of at least five in an hour: with little traffic five percent are never judged, and one "
        "failure is none."
    )
    return Rule(
        of=of,
        title=title,
        about=about,
        op=">=",
        unit="%",
        threshold=50.0,
        reason=reason,
        period_s=3_600,
        periods=1,
        datapoints=1,
        minimum=5.0,
    )


def share(of: str, title: str, about: str, minimum: float = GATE) -> Rule:
    """A rule on a share of failures in enough traffic."""
    reason = (
        "More than 5% fail: AWS's recommended limit for 5xx. With less traffic, one failure would be "
        "many percent."
    )
    return Rule(
        of=of,
        title=title,
        about=about,
        unit="%",
        threshold=5.0,
        reason=reason,
        datapoints=2,
        minimum=minimum,
    )
