"""Rules and windows -> findings. Pure: the same windows and the same time give the same findings.

What remembers more than windows do is judged elsewhere: new errors by judge_new_error, flows by flows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from subscribers.alerts.burn import judge_objective
from subscribers.alerts.judge_absence import judge_absence
from subscribers.alerts.judge_change import judge_change
from subscribers.alerts.judge_new_error import judge_new_error
from subscribers.alerts.judge_rate import judge_rate
from subscribers.alerts.judge_threshold import judge_threshold
from subscribers.alerts.model import Absence, Change, Finding, Objective, Rate, Rule, Threshold, Windows
from subscribers.config import EMPTY, Config

__all__ = ["JUDGES", "judge", "judge_new_error"]

JUDGES: dict[type[Rule], Callable[[Any, Windows, int, Config], list[Finding]]] = {
    Threshold: judge_threshold,
    Rate: judge_rate,
    Change: judge_change,
    Absence: judge_absence,
    Objective: judge_objective,
}


def judge(rule: Rule, windows: Windows, now_s: int, config: Config = EMPTY) -> list[Finding]:
    """Return what a rule says at a time, a finding for each group; see each judge for which groups.

    now_s: epoch seconds. Windows end at the last whole minute of which no event is waited for any more.
    config: names of routes and sides of services. Raises TypeError for NewError and Flow, which need what
    was known before; and what the windows raise.
    """
    judged_by = JUDGES.get(type(rule))
    if judged_by is None:
        raise TypeError(f"{type(rule).__name__} is not judged by windows alone")
    return judged_by(rule, windows, now_s, config)
