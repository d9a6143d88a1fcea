"""Something expected did not come: by a time of day, or within any so many seconds.

With a calendar an expectation reaches from 6 hours after the deadline before it to its own deadline: a
report of 23:50 is the one of 03:30. What comes in the 6 hours after a deadline is that deadline's, as late as
it may be or once more, and never the next one's: a report at 04:12 on Monday does not hide that there is
none on Tuesday. That is an inference, since nothing says of a report which day's it is. Whatever comes later
still resolves the alert.

    deadline + lateness   breach, unless enough came in time
    enough came           ok: "came at 04:12, 42 min late"
    too few came, and counting began after the expectation did, or
    what came at its begin is no longer kept                            unknown

Deadlines on days the clocks change: see calendars.
"""

from __future__ import annotations

import msgspec

from subscribers.alerts.calendars import ZoneError, last_deadline, next_deadline
from subscribers.alerts.looks import (
    Verdict,
    arrived_s,
    began_said,
    end_s,
    events_of,
    groups_of,
    last_arrived_s,
    whole,
)
from subscribers.alerts.model import SLOT_S, Absence, Calendar, Finding, Group, Sample, Sum, Windows
from subscribers.alerts.saying import clock, counted, duration, number, things
from subscribers.alerts.subjects import finding, subject_of
from subscribers.config import EMPTY, Config

#: How long after a deadline what comes is still that deadline's.
LATE_FOR_S = 6 * 3600


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What is so for one group. value: how many came in time."""

    verdict: Verdict
    said: str
    since_s: int = 0
    value: float | None = None
    details: dict[str, float | int | None] = {}


def judge_absence(rule: Absence, windows: Windows, now_s: int, config: Config = EMPTY) -> list[Finding]:
    """Return a finding for each group seen as far as windows reach back; without `by` always one."""
    at_s = end_s(now_s, rule.measure)
    seen = windows.over(rule.measure, max(at_s - _reach_s(rule), 0), at_s)
    found = []
    for group in groups_of(rule.measure, seen):
        told = _told(rule, windows, group, at_s, seen.get(group))
        samples: tuple[Sample, ...] = seen[group].samples if group in seen else ()
        found.append(
            finding(
                rule,
                subject_of(rule.measure, group, samples, config),
                told.verdict,
                at_s,
                told.said,
                since_s=told.since_s,
                value=told.value,
                limit=rule.count,
                unit="1",
                samples=samples,
                details={"last_s": last_arrived_s(seen.get(group)), **told.details},
            )
        )
    return found


def _told(rule: Absence, windows: Windows, group: Group, at_s: int, seen: Sum | None) -> _Seen:
    if rule.calendar is None:
        return _of_silence(rule, windows, group, at_s, seen)
    try:
        return _of_calendar(rule, rule.calendar, windows, group, at_s, seen)
    except ZoneError as error:
        return _Seen(verdict="unknown", said=f"the deadline cannot be told: {error}")


def _of_silence(rule: Absence, windows: Windows, group: Group, at_s: int, seen: Sum | None) -> _Seen:
    first_s = at_s - whole(rule.every_s)
    came = _count(rule, windows, group, first_s, at_s)
    told = f"{counted(came, rule.measure.selector)} came in {duration(at_s - first_s)}"
    wanted = f"at least {number(rule.count)} expected"
    if came >= rule.count:
        return _Seen(verdict="ok", said=f"{told} ({wanted})", value=came)
    if windows.began_s(rule.measure) > first_s:
        return _Seen(verdict="unknown", said=began_said(windows, at_s, rule.measure), value=came)
    last_s = last_arrived_s(seen)
    # Of one that is expected it is known since when it is overdue.
    since_s = last_s + rule.every_s if last_s is not None and rule.count == 1 else first_s
    said = told if came else f"no {things(rule.measure.selector)[0]} came in {duration(at_s - first_s)}"
    said = f"{said} ({wanted}); {_last_said(rule, last_s, at_s)}"
    return _Seen(verdict="breach", said=said, since_s=min(since_s, at_s), value=came)


def _of_calendar(
    rule: Absence, calendar: Calendar, windows: Windows, group: Group, at_s: int, seen: Sum | None
) -> _Seen:
    deadline_s = last_deadline(calendar, at_s)
    if deadline_s is None:
        return _Seen(verdict="unknown", said="the calendar has no day on which it was expected")
    first_s = _begin_s(calendar, deadline_s)
    in_time = _count(rule, windows, group, first_s, deadline_s)
    details: dict[str, float | int | None] = {
        "deadline_s": deadline_s,
        "next_deadline_s": next_deadline(calendar, at_s + 1),
    }
    due = f"by {clock(deadline_s, calendar.timezone, at_s)}"
    if in_time >= rule.count:
        said = f"{counted(in_time, rule.measure.selector)} came {due}"
        return _Seen(verdict="ok", said=f"{said}, as expected", value=in_time, details=details)
    wanted_s = arrived_s(windows, rule.measure, group, deadline_s, at_s, rule.count - in_time)
    if wanted_s is not None:
        details["late_s"] = wanted_s - deadline_s
        came = f"{_wanted(rule)} {due} came at {clock(wanted_s, calendar.timezone, at_s)}"
        said = f"{came}, {duration(wanted_s - deadline_s)} late"
        return _Seen(verdict="ok", said=said, value=in_time, details=details)
    if reason := _unknown(rule, windows, first_s, at_s):
        said = f"whether {_wanted(rule)} {due} came is not known: {reason}"
        return _Seen(verdict="unknown", said=said, details=details)
    so_far = in_time + _count(rule, windows, group, deadline_s, at_s)
    number_so_far = f", {number(so_far)} of {number(rule.count)} came" if rule.count > 1 else ""
    said = (
        f"{_wanted(rule)} {due} did not come{number_so_far}; {_last_said(rule, last_arrived_s(seen), at_s)}"
    )
    return _Seen(verdict="breach", said=said, since_s=deadline_s, value=so_far, details=details)


def _begin_s(calendar: Calendar, deadline_s: int) -> int:
    """Where the expectation of a deadline begins: of the first there is, a day before it."""
    before_s = last_deadline(calendar, deadline_s - 1)
    return (deadline_s - 86_400 if before_s is None else before_s) + LATE_FOR_S


def _count(rule: Absence, windows: Windows, group: Group, first_s: int, last_s: int) -> float:
    # Zones whose offset is no whole minute are history.
    first_s, last_s = first_s // SLOT_S * SLOT_S, last_s // SLOT_S * SLOT_S
    return events_of(rule.measure, windows.over(rule.measure, first_s, last_s).get(group))


def _wanted(rule: Absence) -> str:
    if rule.called and rule.count == 1:
        return f"{rule.called} expected"
    one, several = things(rule.measure.selector)
    return f"the {one if rule.count == 1 else f'{number(rule.count)} {several}'} expected"


def _unknown(rule: Absence, windows: Windows, first_s: int, at_s: int) -> str:
    """Why it is not known what came since then, or "" where it is."""
    if windows.began_s(rule.measure) > first_s:
        return began_said(windows, at_s, rule.measure)
    if at_s - _reach_s(rule) > first_s:
        return f"only the last {duration(_reach_s(rule))} are kept"
    return ""


def _reach_s(rule: Absence) -> int:
    return whole(max(rule.measure.keep_s, rule.measure.keep_hours_s))


def _last_said(rule: Absence, last_s: int | None, at_s: int) -> str:
    timezone = rule.calendar.timezone if rule.calendar else "UTC"
    if last_s is None:
        return f"none is known of the {duration(_reach_s(rule))} before"
    return f"the last one came at {clock(last_s, timezone, at_s)}, {duration(max(at_s - last_s, 0))} ago"
