"""A number over a window passes a limit, in so many of the last windows.

A window that begins before counting did is unknown, unless what is known of it breaches already and more
events could not mend that: a count or a maximum that is too high, a minimum that is too low.
A group that had no data in any of the windows has no finding.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from subscribers.alerts.looks import (
    Look,
    Together,
    Verdict,
    arrived_s,
    began_said,
    end_s,
    events_of,
    groups_of,
    is_known,
    last_windows,
    period_said,
    together,
    value_of,
    whole,
)
from subscribers.alerts.model import SLOT_S, Finding, Group, Op, Statistic, Sum, Threshold, Windows
from subscribers.alerts.saying import at_most, counted, limit_said, quantity, statistic_said
from subscribers.alerts.subjects import finding, subject_of
from subscribers.config import EMPTY, Config

COMPARE: dict[Op, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
#: Statistics that more events can only move one way, and the comparisons they break then for good.
_FINAL: dict[Statistic, tuple[Op, ...]] = {"count": (">", ">="), "max": (">", ">="), "min": ("<", "<=")}


def judge_threshold(rule: Threshold, windows: Windows, now_s: int, config: Config = EMPTY) -> list[Finding]:
    """Return a finding for each group with data in the last `of` windows; without `by` always one."""
    at_s = end_s(now_s, rule.measure)
    spans = last_windows(at_s, rule.window_s, rule.of)
    sums = [windows.over(rule.measure, *span) for span in spans]
    found = []
    for group in groups_of(rule.measure, *sums):
        looks = [
            _look(rule, windows, span, one.get(group), group, at_s)
            for span, one in zip(spans, sums, strict=True)
        ]
        made = together(looks, rule.breaching)
        samples = next((one[group].samples for one in reversed(sums) if group in one), ())
        found.append(
            finding(
                rule,
                subject_of(rule.measure, group, made.shown.samples or samples, config),
                made.verdict,
                at_s,
                made.said,
                since_s=_since_s(rule, windows, group, made),
                value=made.shown.value,
                limit=made.shown.limit,
                unit=rule.unit,
                samples=made.shown.samples,
                details=made.shown.details,
            )
        )
    return found


def _since_s(rule: Threshold, windows: Windows, group: Group, made: Together) -> int:
    """Return when it began: the first minute of the first window that breached in which there was something
    to count, or whose own number is beyond the limit. What is too low is so for all of its window."""
    if not made.since_s or rule.op not in (">", ">="):
        return made.since_s
    last_s = made.since_s + whole(rule.window_s)
    if rule.statistic in ("count", "sum"):
        return arrived_s(windows, rule.measure, group, made.since_s, last_s) or made.since_s
    limit = rule.limits.get(group[0], rule.value) if group else rule.value
    for first_s in range(made.since_s, last_s, SLOT_S):
        found = windows.over(rule.measure, first_s, first_s + SLOT_S).get(group)
        value = value_of(rule.statistic, rule.measure, found)
        if value is not None and COMPARE[rule.op](value, limit):
            return first_s
    return made.since_s


def _look(
    rule: Threshold, windows: Windows, span: tuple[int, int], found: Sum | None, group: Group, at_s: int
) -> Look:
    limit = rule.limits.get(group[0], rule.value) if group else rule.value
    value = value_of(rule.statistic, rule.measure, found)
    events = events_of(rule.measure, found)
    is_broken = value is not None and COMPARE[rule.op](value, limit)
    is_sure = is_known(windows, span[0], rule.measure) or (
        is_broken and rule.op in _FINAL.get(rule.statistic, ())
    )
    period = period_said(*span, at_s)
    verdict: Verdict = "unknown"
    if not is_sure:
        said = began_said(windows, at_s, rule.measure)
    elif value is None or events < rule.minimum:
        said = _too_few(rule, events, period)
    else:
        verdict, said = "breach" if is_broken else "ok", _said(rule, value, limit, events, period)
    return Look(
        first_s=span[0],
        verdict=verdict,
        said=said,
        value=value,
        limit=limit,
        samples=found.samples if found else (),
        details={"events": events},
    )


def _said(rule: Threshold, value: float, limit: float, events: float, period: str) -> str:
    text = quantity(value, rule.unit, limit)
    told = statistic_said(rule.statistic, rule.measure, value, events, text)
    return f"{told} in {period} ({limit_said(rule.op, limit, rule.unit)})"


def _too_few(rule: Threshold, events: float, period: str) -> str:
    """Why there is no verdict: too little traffic, or no number in what there is."""
    told = counted(events, rule.measure.selector)
    if events >= rule.minimum and events:
        return f"{told} in {period}, but none tells a number to judge"
    if rule.minimum:
        few = at_most(events, rule.measure.selector)
        return f"{few} in {period}, and {rule.minimum} are needed to judge"
    return f"{told} in {period}, so there is no {rule.statistic}"
