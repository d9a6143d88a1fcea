"""When nobody is notified: once, from one instant to another, or every week by the clock of a zone.

A window begins at its first moment that the clock shows, and ends at the first moment of its end: what the
clock leaves out in spring begins where it goes on, and an hour that comes twice in autumn is not muted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from subscribers.alerts.calendars import ZoneError, zone_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
GROUPS = {"daily": DAYS, "weekdays": DAYS[:5], "weekends": DAYS[5:]}
_DAY_MINUTES = 24 * 60
#: No clock leaves out more than a day.
_GAP_MINUTES_MAX = _DAY_MINUTES + 60


def muting(mutes: Iterable[Mapping[str, Any]], at_s: float) -> Mapping[str, Any] | None:
    """Return the first window of observe.yaml's `mute` that holds at a time, None where none does.

    A window with both (from, to) and (days, start, end) holds where both do; one with neither never.
    """
    return next((mute for mute in mutes if _holds(mute, at_s)), None)


def _holds(mute: Mapping[str, Any], at_s: float) -> bool:
    is_once, is_weekly = "from" in mute and "to" in mute, "start" in mute and "end" in mute
    if is_once and not _instant_s(mute["from"]) <= at_s < _instant_s(mute["to"]):
        return False
    if is_weekly and not _holds_weekly(mute, at_s):
        return False
    return is_once or is_weekly


def _holds_weekly(mute: Mapping[str, Any], at_s: float) -> bool:
    try:
        zone = zone_of(mute.get("timezone", "UTC"))
    except ZoneError:
        return False  # better told in vain than not told
    start, end = _minutes(mute["start"]), _minutes(mute["end"])
    days = _days(mute.get("days", "daily"))
    today = datetime.fromtimestamp(at_s, zone).date()
    for begins in (today - timedelta(days=1), today):
        if begins.weekday() in days:
            ends = begins if end > start else begins + timedelta(days=1)
            if _moment_s(begins, start, zone) <= at_s < _moment_s(ends, end, zone):
                return True
    return False


def _moment_s(day: date, minutes: int, zone: ZoneInfo) -> float:
    """The first moment at which the clock shows at least this."""
    shown = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    for _ in range(_GAP_MINUTES_MAX):
        moment = shown.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == shown:
            return moment.timestamp()
        shown += timedelta(minutes=1)  # the clock leaves it out
    return moment.timestamp()


def _instant_s(text: str) -> float:
    """Seconds since the epoch of RFC 3339, as the schema has checked it."""
    return datetime.fromisoformat(text).timestamp()


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def _days(told: str | Iterable[str]) -> frozenset[int]:
    names = GROUPS[told] if isinstance(told, str) else told
    return frozenset(DAYS.index(name) for name in names)
