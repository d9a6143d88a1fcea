"""Times in the shapes that many formats share, in nanoseconds since the epoch; None for what is no time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from subscribers.formats.told import Clock
from subscribers.parsers import java_dates, times

#: ISO 8601 as logs write it: a blank for the T, a comma for the dot, and a zone or none.
ISO = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9}+)?+(?: ?(?:Z|UTC|[+-]\d\d(?::?\d\d)?+))?+"
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d[ Tt]\d\d:\d\d:\d\d(?:[.,](\d{1,9})\d*+)?+"
    r"(?: ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?+))?+"
)
#: Larger numbers are milliseconds, microseconds, nanoseconds: seconds reach this in the year 5138.
_STEPS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))
_SECONDS_LEAST = 10**8
_DAY = 86_400 * 10**9


def iso(text: str, clock: Clock) -> int | None:
    """Return the time of `2026-11-21T03:30:10.123Z` and its kin; in the clock's zone where none is named.

    https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    """
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    fraction, offset = match.groups()
    offset = "+00:00" if offset in ("Z", "z", "UTC") else offset or ""
    try:
        moment = datetime.fromisoformat(f"{text[:10]}T{text[11:19]}{offset}")
    except ValueError:
        return None
    whole = times.unix_nano(moment) if offset else _local(moment, clock)
    return None if whole is None else whole + int(fraction.ljust(9, "0")) if fraction else whole


def month_day(month: str, day: str, time: str, clock: Clock, year: str = "") -> int | None:
    """Return the time of `Jun 14 15:16:01`, the fraction optional; without a year the clock's is meant."""
    whole, _, fraction = time.partition(".")
    in_file = clock.is_latest and not year
    date = (
        _date_in_file(month, day, clock) if in_file else _date(month, day, year, clock.near_unix_nano // _DAY)
    )
    if date is None:
        nano = _second(month, day, whole, clock) if in_file else None
        return None if nano is None else nano + int(fraction[:9].ljust(9, "0"))
    try:
        moment = datetime.fromisoformat(f"{date}T{whole}")
    except ValueError:
        return None
    nano = _local(moment, clock)
    return None if nano is None else nano + int(fraction[:9].ljust(9, "0"))


def _local(moment: datetime, clock: Clock) -> int | None:
    """The time of a wall clock; of the two that it shows twice when summer ends the one that is meant."""
    first = moment.replace(tzinfo=clock.zone)
    nano = times.unix_nano(first)
    if clock.zone is UTC:
        return nano
    second = first.replace(fold=1)
    if nano is None or first.utcoffset() == second.utcoffset():
        return nano
    other = times.unix_nano(second)
    return nano if other is None else clock.meant((nano, other))


@lru_cache(maxsize=1024)
def _date_in_file(month: str, day: str, clock: Clock) -> str | None:
    """The ISO date of a day of a month; None where the time of day tells the year, or there is none."""
    dates = set()
    for time in ("00:00:00", "23:59:59"):
        nano = _second(month, day, time, clock)
        if nano is None:
            return None
        dates.add(datetime.fromtimestamp(nano // 10**9, clock.zone).date().isoformat())
    return dates.pop() if len(dates) == 1 else None


def _second(month: str, day: str, time: str, clock: Clock) -> int | None:
    hour, _, rest = time.partition(":")
    minute, _, second = rest.partition(":")
    return clock.unix_nano({"M": month, "d": day, "H": hour, "m": minute, "s": second})


@lru_cache(maxsize=1024)
def _date(month: str, day: str, year: str, near_day: int) -> str | None:
    """The ISO date of a day of a month, in the year that is nearest to a day since the epoch."""
    parts = {"M": month, "d": day, "H": "12", **({"y": year} if year else {})}
    noon = java_dates.unix_nano(parts, UTC, near_day * _DAY + _DAY // 2)
    return None if noon is None else datetime.fromtimestamp(noon // 10**9, UTC).date().isoformat()


def epoch(number: float) -> int | None:
    """Return the time of a number of seconds, milliseconds, microseconds or nanoseconds: its size tells."""
    if isinstance(number, bool) or not _SECONDS_LEAST <= number < 10**20:
        return None
    step = next((step for below, step in _STEPS if number < below), 1)
    # A float of seconds knows microseconds, and no more.
    return times.in_range(number * step if isinstance(number, int) else round(number * step / 1e3) * 1000)
