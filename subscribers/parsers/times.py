"""Times as lines write them, in nanoseconds since the epoch; None for what is no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANO_MAX = (1 << 63) - 1
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: English month name, three letters -> its number.
MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}


def rfc3339(text: str) -> int | None:
    """Return the time of `2026-11-21T03:30:10.123Z` if it has a fraction and an offset, else None.

    Whole seconds are less than what CloudWatch knows about the line, so they are not a time here.
    https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    """
    if len(text) < 21 or text[19] not in ".,":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return unix_nano(moment) if moment.tzinfo else None


def apache(text: str) -> int | None:
    """Return the time of `21/Nov/2026:03:30:10.123 +0000`, the fraction optional.

    https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
    """
    clock, _, zone = text.partition(" ")
    whole, _, fraction = clock.partition(".")
    try:
        moment = datetime(
            int(whole[7:11]),
            MONTHS[whole[3:6]],
            int(whole[0:2]),
            int(whole[12:14]),
            int(whole[15:17]),
            int(whole[18:20]),
            tzinfo=_zone(zone),
        )
        below = int(fraction[:9].ljust(9, "0")) if fraction else 0
    except (ValueError, KeyError):
        return None
    whole_nano = unix_nano(moment)
    return None if whole_nano is None else whole_nano + below


def epoch_seconds(text: str) -> int | None:
    """Return the time of `1795231810` or `1795231810.5` seconds since the epoch."""
    try:
        nano = int(text) * 1_000_000_000 if text.isdecimal() else round(float(text) * 1_000_000_000)
    except (ValueError, OverflowError):
        return None
    return in_range(nano)


def in_range(nano: int) -> int | None:
    """Return `nano` if it is a time a table can hold: not negative, 63 bits."""
    return nano if 0 <= nano <= _NANO_MAX else None


def unix_nano(moment: datetime) -> int | None:
    """Return the nanoseconds since the epoch of a moment that knows its zone."""
    # Integers, for a float of seconds is exact to 200 ns only.
    try:
        since = moment - _EPOCH
    except OverflowError:
        return None
    return in_range((since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000)


def _zone(text: str) -> timezone:
    sign = {"+": 1, "-": -1}[text[:1]]
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[3:5])))
