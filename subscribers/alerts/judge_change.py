"""A number differs from the same window earlier, by percent of what it was.

Both windows need the minimum of events: a difference to nearly nothing says nothing. So traffic that stops
is no change but unknown; that is what `absence` and thresholds with `<` are for. `against_s` is elapsed time:
in the week after the clocks change, the same time last week is an hour off by the clock.
"""

from __future__ import annotations

import math

from subscribers.alerts.looks import (
    Verdict,
    began_said,
    end_s,
    events_of,
    groups_of,
    is_known,
    value_of,
    whole,
)
from subscribers.alerts.model import Change, Finding, Group, Sum, Windows
from subscribers.alerts.saying import counted, duration, number, quantity, statistic_said
from subscribers.alerts.subjects import finding, subject_of
from subscribers.config import EMPTY, Config

Sums = dict[Group, Sum]
#: Nobody needs to know more of a difference.
PERCENT_MAX = 1e9


def judge_change(rule: Change, windows: Windows, now_s: int, config: Config = EMPTY) -> list[Finding]:
    """Return a finding for each group with data now or then; without `by` always one."""
    at_s, length, back_s = end_s(now_s, rule.measure), whole(rule.window_s), whole(rule.against_s)
    now = windows.over(rule.measure, at_s - length, at_s)
    then = windows.over(rule.measure, at_s - length - back_s, at_s - back_s)
    is_sure = is_known(windows, at_s - length - back_s, rule.measure)
    unsure = "" if is_sure else _nothing_then(rule, windows, at_s)
    groups = groups_of(rule.measure, now, then)
    return [_judged(rule, group, now.get(group), then.get(group), at_s, unsure, config) for group in groups]


def _judged(
    rule: Change, group: Group, now: Sum | None, then: Sum | None, at_s: int, unsure: str, config: Config
) -> Finding:
    percent = change(
        value_of(rule.statistic, rule.measure, now), value_of(rule.statistic, rule.measure, then)
    )
    events = (events_of(rule.measure, now), events_of(rule.measure, then))
    samples = now.samples if now else ()
    verdict: Verdict = "unknown"
    if unsure:
        said = unsure
    elif percent is None or min(events) < rule.minimum:
        said = _too_few(rule, *events)
    else:
        verdict = "breach" if _is_beyond(rule, percent) else "ok"
        said = _said(rule, now, then, percent)
    is_breach = verdict == "breach"
    return finding(
        rule,
        subject_of(rule.measure, group, samples or (then.samples if then else ()), config),
        verdict,
        at_s,
        said,
        since_s=at_s - whole(rule.window_s) if is_breach else 0,
        value=None if unsure else percent,
        limit=rule.percent,
        unit="%",
        samples=samples,
        details={
            "now": value_of(rule.statistic, rule.measure, now),
            "then": value_of(rule.statistic, rule.measure, then),
            "events": events[0],
            "events_then": events[1],
            "unit": rule.unit,
        },
    )


def change(now: float | None, then: float | None) -> float | None:
    """Return a difference in percent of what it was; None where either has no number, or it was 0.

    At most PERCENT_MAX either way: from nearly nothing to very much there is no telling.
    """
    if now is None or then is None or then == 0:
        return None
    percent = 100 * ((now - then) / abs(then))
    return None if math.isnan(percent) else max(-PERCENT_MAX, min(PERCENT_MAX, percent))


def _is_beyond(rule: Change, percent: float) -> bool:
    """Whether a difference is what the rule looks for; as large as `percent` is large enough."""
    if rule.direction == "up":
        return percent >= rule.percent
    return (abs(percent) if rule.direction == "either" else -percent) >= rule.percent


def _said(rule: Change, now: Sum | None, then: Sum | None, percent: float) -> str:
    value, before = (value_of(rule.statistic, rule.measure, one) or 0.0 for one in (now, then))
    told = quantity(value, rule.unit, before)
    sentence = statistic_said(rule.statistic, rule.measure, value, events_of(rule.measure, now), told)
    way = f"{quantity(abs(percent), '%', rule.percent)} {'more' if percent > 0 else 'less'} than"
    compared = (
        f"{way} {quantity(before, rule.unit)}" if percent else f"the same as {quantity(before, rule.unit)}"
    )
    limit = f"limit {number(rule.percent)}%{'' if rule.direction == 'either' else ' ' + rule.direction}"
    return f"{sentence} in {duration(whole(rule.window_s))}, {compared} {_ago(rule)} ({limit})"


def _too_few(rule: Change, now: float, then: float) -> str:
    told = f"{counted(now, rule.measure.selector)} in {duration(whole(rule.window_s))}"
    told = f"{told}, {number(then)} {_ago(rule)}"
    if min(now, then) < rule.minimum:
        return f"{told}: at least {rule.minimum} are needed in both to compare"
    return f"{told}: there is no number to compare with"


def _nothing_then(rule: Change, windows: Windows, at_s: int) -> str:
    return f"nothing to compare with {_ago(rule)}: {began_said(windows, at_s, rule.measure)}"


def _ago(rule: Change) -> str:
    return f"{duration(rule.against_s)} earlier"
