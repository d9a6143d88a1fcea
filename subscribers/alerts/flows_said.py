"""What is so with a flow, as values and as a sentence that can be read alone. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from subscribers.alerts.calendars import zone_of
from subscribers.alerts.flows_counts import Hour
from subscribers.alerts.flows_marks import NS_PER_S, Mark
from subscribers.alerts.flows_open import PENDING_MAX, Recovered
from subscribers.alerts.model import Finding, Flow

#: Starts that a finding names, and whose samples it has.
LISTED_MAX = 50
SAMPLES_MAX = 3
_DAY_S = 86_400


class Overdue(msgspec.Struct, frozen=True):
    """A start that did not arrive, and the names of the ends it did not come to."""

    mark: Mark
    missing: tuple[str, ...]


class FlowReport(msgspec.Struct, frozen=True, kw_only=True):
    """A flow at a time. overdue: the oldest deadline first; recovered: of the last day, the latest 50.

    around: of the hours in which the overdue were due; total: of all that is remembered, two weeks.
    pending: not due yet, counted up to 2,000; unjudged: due, but left for the next call. is_capped: more are
    overdue than one call looks at, 20,000.
    """

    flow: str
    at_s: int
    overdue: tuple[Overdue, ...] = ()
    around: Hour
    total: Hour
    pending: int = 0
    unjudged: int = 0
    is_capped: bool = False
    recovered: tuple[Recovered, ...] = ()


def finding_of(flow: Flow, report: FlowReport) -> Finding:
    """Return what an alert is made of: a breach as long as anything is overdue."""
    overdue = report.overdue
    service = flow.start.selector.services
    return Finding(
        rule=flow.name,
        verdict="breach" if overdue else "ok",
        at_s=report.at_s,
        severity=flow.severity,
        since_s=min((item.mark.deadline_s for item in overdue), default=0),
        said=_said(flow, report),
        value=float(len(overdue)),
        limit=0.0,
        unit="1",
        service=service[0] if len(service) == 1 else "",
        side=flow.start.selector.side,
        endpoint=flow.start.selector.endpoint,
        samples=tuple(item.mark.sample for item in overdue[:SAMPLES_MAX]),
        details=details_of(report),
    )


def details_of(report: FlowReport) -> dict[str, Any]:
    """Return a report as JSON: times are RFC 3339, UTC; a list has at most 50."""
    return {
        "overdue": [
            {
                "key": item.mark.key,
                "since": _utc(item.mark.time_unix_nano // NS_PER_S),
                "deadline": _utc(item.mark.deadline_s),
                "correlation_id": item.mark.sample.correlation_id,
                "trace_id": item.mark.sample.trace_id,
                "missing": list(item.missing),
            }
            for item in report.overdue[:LISTED_MAX]
        ],
        "overdue_more": max(0, len(report.overdue) - LISTED_MAX),
        "recovered": [
            {
                "key": item.key,
                "since": _utc(item.time_unix_nano // NS_PER_S),
                "arrived": _utc(item.arrived_unix_nano // NS_PER_S),
                "late_s": round(item.arrived_unix_nano / NS_PER_S - item.deadline_s, 3),
                "correlation_id": item.sample.correlation_id,
            }
            for item in reversed(report.recovered)
        ],
        "starts": report.total.starts,
        "in_time": report.total.in_time,
        "late": report.total.late,
        "given_up": report.total.given_up,
        "duplicates": report.total.duplicates,
        "pending": report.pending,
        "pending_is_at_least": report.pending >= PENDING_MAX,
        "unjudged": report.unjudged,
        "overdue_is_at_least": report.is_capped,
    }


def _said(flow: Flow, report: FlowReport) -> str:
    overdue, noun = report.overdue, _noun(flow)
    if not overdue:
        return _all_is_well(flow, report)
    # With a time of day alone the deadline's zone is that of the other times too, and is named behind.
    zone = "" if flow.calendar and not flow.within_s else f" {_zone(flow)}"
    if len(overdue) == 1:
        item = overdue[0]
        since = _clock(flow, item.mark.time_unix_nano // NS_PER_S, report.at_s)
        return (
            f"{noun} {item.mark.key} of {flow.start.name} since {since}{zone} "
            f"never appeared in {' and '.join(item.missing)} ({_by(flow)})"
        )
    total = max(report.around.starts, len(overdue))
    firsts = [item.mark.time_unix_nano // NS_PER_S for item in overdue]
    first_s = min([report.around.first_s, *firsts] if report.around.starts else firsts)
    since, oldest = (_clock(flow, at_s, report.at_s) for at_s in (first_s, min(firsts)))
    least = "at least " if report.is_capped else ""
    return (
        f"{least}{len(overdue):,} of {total:,} {_plural(noun)} of {flow.start.name} since {since}{zone} "
        f"never appeared in {_where(report)} ({_by(flow)}), the oldest since {oldest}"
    )


def _all_is_well(flow: Flow, report: FlowReport) -> str:
    ends = " and ".join(end.name for end in flow.ends)
    nouns, total = _plural(_noun(flow)), report.total
    if not total.starts:
        return f"no {nouns} of {flow.start.name} were due in {ends} yet"
    late = f", {total.late:,} of them late" if total.late else ""
    arrived = total.in_time + total.late
    given_up = f"; {total.given_up:,} never came and were given up" if total.given_up else ""
    return f"{arrived:,} of {total.starts:,} {nouns} of {flow.start.name} appeared in {ends}{late}{given_up}"


def _where(report: FlowReport) -> str:
    """The ends that are missing; how many at each, where it is not all of them."""
    missing = Counter(name for item in report.overdue for name in item.missing)
    if all(number == len(report.overdue) for number in missing.values()):
        return " and ".join(missing)
    return ", ".join(f"{name} ({number:,})" for name, number in missing.items())


def _by(flow: Flow) -> str:
    within = f"within {_duration(flow.within_s)}" if flow.within_s else ""
    if flow.calendar is None:
        return within
    by = f"by {_time_of_day(flow.calendar.by_minute)} {flow.calendar.timezone}"
    return f"{within} and {by}" if within else by


def _noun(flow: Flow) -> str:
    key = flow.start.key.rpartition(".")[2].replace("_", " ").replace("-", " ").strip()
    return key or "start"


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def _clock(flow: Flow, at_s: int, now_s: int) -> str:
    """A time of day where the flow's calendar is, with the day where it is not of the last 24 hours."""
    local = datetime.fromtimestamp(at_s, UTC).astimezone(_tz(flow))
    return f"{local:%H:%M}" if 0 <= now_s - at_s < _DAY_S else f"{local:%Y-%m-%d %H:%M}"


def _tz(flow: Flow) -> ZoneInfo:
    return zone_of(flow.calendar.timezone if flow.calendar else "UTC")


def _zone(flow: Flow) -> str:
    return flow.calendar.timezone if flow.calendar else "UTC"


def _time_of_day(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _duration(seconds: int) -> str:
    for unit, size in (("days", _DAY_S), ("h", 3600), ("min", 60)):
        if seconds % size == 0 and seconds >= (2 * size if unit == "days" else size):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
