"""Deadlines of a calendar: "by 03:30 Europe/Paris on weekdays".

A time of day that clocks skip (02:30 on the day summer time begins) or show twice (02:30 on the day it ends)
is the later of what it can mean: a deadline is never earlier than people expect. So the skipped 02:30 is
03:30 of the new time, and the doubled one the second.

    ZoneError    the time zone is not in the machine's data, nor in the package tzdata
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from subscribers.alerts.model import Calendar

DAY_S = 86_400
_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS = {"daily": range(7), "weekdays": range(5), "weekends": range(5, 7)}
#: Beyond it there is no day: each may be an exception. Years, for calendars of one day a year.
_DAYS_MAX = 1_200


class ZoneError(LookupError):
    """A time zone that this machine does not know. reason: unknown_zone."""

    reason = "unknown_zone"


def calendar_of(tree: Mapping[str, Any]) -> Calendar:
    """Return a calendar of observe.yaml, which is valid: {"by": "03:30", "timezone", "days", "except"}."""
    hours, _, minutes = str(tree["by"]).partition(":")
    days = tree.get("days", "daily")
    numbers = _GROUPS[days] if isinstance(days, str) else sorted(_NAMES.index(day) for day in days)
    return Calendar(
        by_minute=int(hours) * 60 + int(minutes),
        timezone=tree["timezone"],
        days=tuple(numbers),
        except_=tuple(str(day) for day in tree.get("except", ())),
    )


def deadline_of(calendar: Calendar, day: date) -> int:
    """Return the deadline of a local day in epoch seconds, whether or not the day is one of the calendar's.

    Raises ZoneError.
    """
    local = datetime.combine(day, time(*divmod(calendar.by_minute, 60)), zone_of(calendar.timezone))
    return int(max(local.replace(fold=fold).timestamp() for fold in (0, 1)))


def is_expected(calendar: Calendar, day: date) -> bool:
    """Whether a local day is one of the calendar's."""
    return day.weekday() in calendar.days and day.isoformat() not in calendar.except_


def next_deadline(calendar: Calendar, at_s: int) -> int | None:
    """Return the first deadline at or after a time, in epoch seconds; None where no day is left.

    Raises ZoneError.
    """
    return next((found for found in _deadlines(calendar, at_s, 1) if found >= at_s), None)


def last_deadline(calendar: Calendar, at_s: int) -> int | None:
    """Return the last deadline at or before a time, in epoch seconds; None where there was none.

    Raises ZoneError.
    """
    return next((found for found in _deadlines(calendar, at_s, -1) if found <= at_s), None)


def reach_s(calendar: Calendar) -> int:
    """Return how far back what counts for a deadline may be, until the next one: twice the longest gap.

    Exceptions that make a gap longer are left out: there may be any number of them.
    """
    days = sorted(set(calendar.days)) or [0]
    gaps = (after - before for before, after in zip(days, [*days[1:], days[0] + 7], strict=True))
    return (2 * max(gaps) + 1) * DAY_S


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises ZoneError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ZoneError(f"the time zone {name} is not known here; is the package tzdata missing?") from error


def local_of(timezone: str, at_s: int) -> datetime:
    """Return a time as the clocks of a zone show it. Raises ZoneError."""
    return datetime.fromtimestamp(at_s, UTC).astimezone(zone_of(timezone))


def _deadlines(calendar: Calendar, at_s: int, step: int) -> Iterator[int]:
    """Yield the deadlines of the calendar's days, from the day beside a time's in one direction."""
    day = local_of(calendar.timezone, at_s).date() - timedelta(days=step)
    for _ in range(_DAYS_MAX):
        if is_expected(calendar, day):
            yield deadline_of(calendar, day)
        day += timedelta(days=step)
