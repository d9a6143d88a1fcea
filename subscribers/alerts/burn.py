"""Objectives: how fast an error budget burns, judged over a long and a short window at once.

    pair    burns faster than   over        and over   severity
    page    14.4                1 h         5 min      the rule's
    page    6                   6 h         30 min     the rule's
    ticket  3                   1 d         2 h        one step less urgent
    ticket  1                   3 d         6 h        one step less urgent

A burn rate is the share of bad requests over the share that is allowed: at 1 the budget lasts exactly its
period. The short window ends an alert soon after the cause has. The fastest pair that burns is the finding;
slower ones are in its details. An allowed share of 1/14.4 (6.9%) or more makes the first pair unreachable,
which the details say too.

Time before counting began is taken as free of bad requests with the traffic there is since: a burn rate of
a window that is known in part is a lower bound. A short window with fewer requests than `minimum` never
burns; where the long window does, that is unknown.

https://sre.google/workbook/alerting-on-slos/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from subscribers.alerts.burn_rates import (
    PAIRS,
    Budget,
    Burnt,
    Pair,
    allowed,
    budget_of,
    burnt_over,
    gone_in_s,
    state_of,
)
from subscribers.alerts.burn_saying import budget_said, burning_said, calm_said, few_said
from subscribers.alerts.looks import Verdict, end_s
from subscribers.alerts.model import SEVERITIES, SLOT_S, Finding, Objective, Severity, Windows
from subscribers.alerts.saying import duration
from subscribers.alerts.subjects import finding, subject_of
from subscribers.config import EMPTY, Config


def judge_objective(rule: Objective, windows: Windows, now_s: int, config: Config = EMPTY) -> list[Finding]:
    """Return one finding: the fastest pair that burns; ok or unknown where none does."""
    at_s = end_s(now_s, rule.bad, rule.total)
    lengths = {length for pair in PAIRS for length in (pair.long_s, pair.short_s)}
    burnt = {length: burnt_over(rule, windows, at_s, length) for length in lengths}
    budget = budget_of(rule, burnt_over(rule, windows, at_s, rule.window_s))
    burning = next((pair for pair in PAIRS if state_of(rule, pair, burnt) == "burns"), None)
    shown = burning or PAIRS[0]
    gone_s = gone_in_s(budget, burnt[shown.long_s].burn) if burning else None
    verdict: Verdict = "breach"
    if burning:
        said = f"{burning_said(rule, burning, burnt)}; {budget_said(budget, gone_s)}"
    elif reason := _unknown(rule, burnt):
        verdict, said = "unknown", reason
    else:
        verdict, said = "ok", f"{calm_said(rule, burnt)}; {budget_said(budget, None)}"
    samples = burnt[shown.short_s].samples or burnt[shown.long_s].samples if burning else ()
    return [
        finding(
            rule,
            subject_of(msgspec.structs.replace(rule.total, by=()), (), samples, config, rule.endpoint),
            verdict,
            at_s,
            said,
            severity=rule.severity if shown.is_page else lower(rule.severity),
            since_s=at_s - shown.short_s if burning else 0,
            value=burnt[shown.long_s].burn,
            limit=shown.factor,
            unit="x",
            samples=samples,
            details=_details(rule, burnt, budget, gone_s),
        )
    ]


def lower(severity: Severity) -> Severity:
    """Return the severity one step less urgent."""
    return SEVERITIES[max(SEVERITIES.index(severity) - 1, 0)]


def _unknown(rule: Objective, burnt: Mapping[int, Burnt]) -> str:
    """Why nothing can be said, or "" where it can."""
    slowest = PAIRS[-1].long_s
    if burnt[slowest].known_s < SLOT_S:
        return "nothing is known yet: counting has only begun"
    unsure = next((pair for pair in PAIRS if state_of(rule, pair, burnt) == "unsure"), None)
    if unsure:
        return few_said(rule, burnt[unsure.short_s], unsure.short_s)
    if burnt[slowest].total < max(rule.minimum, 1):
        return few_said(rule, burnt[slowest], slowest)
    return ""


def _details(
    rule: Objective, burnt: Mapping[int, Burnt], budget: Budget, gone_s: float | None
) -> dict[str, Any]:
    return {
        "objective_percent": rule.percent,
        "pairs": [_of_pair(rule, pair, burnt) for pair in PAIRS],
        "budget": {
            "period_s": budget.period_s,
            "known_s": budget.known_s,
            "bad": budget.bad,
            "total": budget.total,
            "left_percent": budget.left_percent,
            "gone_in_s": gone_s,
            "gone_in_basis": "estimated: traffic and failures go on like this, and unknown time had none",
        },
    }


def _of_pair(rule: Objective, pair: Pair, burnt: Mapping[int, Burnt]) -> dict[str, Any]:
    long, short = burnt[pair.long_s], burnt[pair.short_s]
    return {
        "limit": pair.factor,
        "long": duration(pair.long_s),
        "short": duration(pair.short_s),
        "long_burn": long.burn,
        "short_burn": short.burn,
        "long_total": long.total,
        "short_total": short.total,
        "state": state_of(rule, pair, burnt),
        "is_reachable": pair.factor * allowed(rule) < 1,
        "is_lower_bound": long.known_s < pair.long_s,
    }
