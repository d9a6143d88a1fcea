"""A share passes a limit in percent, where a window has enough traffic to tell.

Below the minimum a window is unknown: one failure of two requests wakes nobody. Bad events of a group that
has no total (a route that only errors name) have no share either: that is unknown, and said. More bad ones
than there are in total, which is possible where they are counted by other signals, are 100%.
"""

from __future__ import annotations

from subscribers.alerts.looks import (
    Look,
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
    whole,
)
from subscribers.alerts.model import Finding, Rate, Sample, Sum, Windows
from subscribers.alerts.saying import at_most, counted, quantity, share_said
from subscribers.alerts.subjects import finding, subject_of
from subscribers.config import EMPTY, Config


def judge_rate(rule: Rate, windows: Windows, now_s: int, config: Config = EMPTY) -> list[Finding]:
    """Return a finding for each group with data in the last `of` windows; without `by` always one."""
    at_s = end_s(now_s, rule.bad, rule.total)
    spans = last_windows(at_s, rule.window_s, rule.of)
    bad = [windows.over(rule.bad, *span) for span in spans]
    total = [windows.over(rule.total, *span) for span in spans]
    found = []
    for group in groups_of(rule.total, *bad, *total):
        each = zip(spans, bad, total, strict=True)
        looks = [_look(rule, windows, span, b.get(group), t.get(group), at_s) for span, b, t in each]
        made = together(looks, rule.breaching)
        # It began with the first bad one, not with the window that it is in.
        last_s = made.since_s + whole(rule.window_s)
        since_s = made.since_s and arrived_s(windows, rule.bad, group, made.since_s, last_s)
        seen = next((one[group].samples for one in (*reversed(bad), *reversed(total)) if group in one), ())
        found.append(
            finding(
                rule,
                subject_of(rule.total, group, made.shown.samples or seen, config),
                made.verdict,
                at_s,
                made.said,
                since_s=since_s or made.since_s,
                value=made.shown.value,
                limit=rule.above,
                unit="%",
                samples=made.shown.samples,
                details=made.shown.details,
            )
        )
    return found


def percent_of(bad: float, total: float) -> float | None:
    """Return the share of bad ones in percent, None of nothing."""
    # 100 * (7 / 100) is more than 7.
    return min(100 * bad / total, 100.0) if total > 0 else None


def _look(
    rule: Rate, windows: Windows, span: tuple[int, int], bad: Sum | None, total: Sum | None, at_s: int
) -> Look:
    n_bad, n_total = events_of(rule.bad, bad), events_of(rule.total, total)
    percent = percent_of(n_bad, n_total)
    period = period_said(*span, at_s)
    verdict: Verdict = "unknown"
    if not is_known(windows, span[0], rule.bad, rule.total):
        said = began_said(windows, at_s, rule.bad, rule.total)
    elif percent is None or n_total < rule.minimum:
        said = _too_few(rule, n_bad, n_total, period)
    else:
        verdict = "breach" if percent > rule.above else "ok"
        part = quantity(percent, "%", rule.above)
        told = share_said(part, n_total, rule.bad.selector, rule.total.selector)
        said = f"{told} in {period} (limit {quantity(rule.above, '%')})"
    samples: tuple[Sample, ...] = bad.samples if bad else ()
    details = {"bad": n_bad, "total": n_total}
    return Look(first_s=span[0], verdict=verdict, said=said, value=percent, samples=samples, details=details)


def _too_few(rule: Rate, bad: float, total: float, period: str) -> str:
    told = counted(total, rule.total.selector)
    if bad and not total:
        return f"{counted(bad, rule.bad.selector)} but {told} in {period}, so there is no share to judge"
    few = at_most(total, rule.total.selector)
    return f"{few} in {period}, and {max(rule.minimum, 1)} are needed to judge"
