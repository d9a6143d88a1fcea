"""Times in the shapes that many formats share, in nanoseconds since the epoch; None for what is no time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from subscribers.formats.told import Clock
from subscribers.parsers import java_dates, times

#: ISO 8601 as logs write it: a blank for the T, a comma for the dot, and a zone or none.
ISO = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9}+)?+(?: ?(?:Z|UTC|[+-]\d\d(?::?\d\d)?+))?+"
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*+)?+"
    r"(?: ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?+))?+"
)
#: Larger numbers are milliseconds, microseconds, nanoseconds: seconds reach this in the year 5138.
_STEPS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))
_SECONDS_LEAST = 10**8


def iso(text: str, clock: Clock) -> int | None:
    """Return the time of `2026-11-21T03:30:10.123Z` and its kin; in the clock's zone where none is named.

    https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    """
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    zone = match[8]
    if (zone in ("Z", "z")) if zone else clock.zone is UTC:
        # The common case, without a look at any calendar of zones.
        try:
            whole = times.unix_nano(datetime.fromisoformat(f"{text[:10]}T{text[11:19]}+00:00"))
        except ValueError:
            return None
        return None if whole is None else whole + int((match[7] or "").ljust(9, "0"))
    parts = dict(zip("yMdHmsS", match.groups(""), strict=False))
    if zone:
        parts["X"] = zone
    return java_dates.unix_nano(parts, clock.zone, clock.near_unix_nano)


def month_day(month: str, day: str, time: str, clock: Clock, year: str = "") -> int | None:
    """Return the time of `Jun 14 15:16:01`, the fraction optional; without a year the nearest is meant."""
    whole, _, fraction = time.partition(".")
    parts = {"M": month, "d": day, "H": whole[0:2], "m": whole[3:5], "s": whole[6:8], "S": fraction}
    if year:
        parts["y"] = year
    return java_dates.unix_nano(parts, clock.zone, clock.near_unix_nano)


def epoch(number: float) -> int | None:
    """Return the time of a number of seconds, milliseconds, microseconds or nanoseconds: its size tells."""
    if isinstance(number, bool) or not _SECONDS_LEAST <= number < 10**20:
        return None
    step = next((step for below, step in _STEPS if number < below), 1)
    # A float of seconds knows microseconds, and no more.
    return times.in_range(number * step if isinstance(number, int) else round(number * step / 1e3) * 1000)
