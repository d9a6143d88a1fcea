"""Times as Java writes them: SimpleDateFormat's letters and the names that log4j gives to some patterns.

    BadDate     a pattern that no time can be read with

What a line leaves out is taken from CloudWatch's time of the event: the nearest day or year that fits. Of
the two moments that a clock shows twice when summer ends it is the nearer one, too. A file's lines were there
when it was last written: of them the latest that fits is meant. Two digits of a year
mean one from 79 years before that time to 20 after it, as SimpleDateFormat has it. Names of months are read
in English.

https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/text/SimpleDateFormat.html
https://logging.apache.org/log4j/2.x/manual/pattern-layout.html#converter-date
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from subscribers.parsers import times

#: Letter of the pattern -> what a line says there.
Parts = dict[str, str]

#: log4j 2's FixedDateFormat; log4j 1.x has the first four, STRICT is logback's. In these a blank and `T`, a
#: comma and a dot are read alike.
NAMED = {
    "": "yyyy-MM-dd HH:mm:ss,SSS",
    "ISO8601": "yyyy-MM-dd HH:mm:ss,SSS",
    "ABSOLUTE": "HH:mm:ss,SSS",
    "DATE": "dd MMM yyyy HH:mm:ss,SSS",
    "STRICT": "yyyy-MM-dd HH:mm:ss,SSS",
    "DEFAULT": "yyyy-MM-dd HH:mm:ss,SSS",
    "DEFAULT_MICROS": "yyyy-MM-dd HH:mm:ss,SSSSSS",
    "DEFAULT_NANOS": "yyyy-MM-dd HH:mm:ss,SSSSSSSSS",
    "DEFAULT_PERIOD": "yyyy-MM-dd HH:mm:ss.SSS",
    "ISO8601_BASIC": "yyyyMMdd'T'HHmmss,SSS",
    "ISO8601_BASIC_PERIOD": "yyyyMMdd'T'HHmmss.SSS",
    "ISO8601_OFFSET_DATE_TIME_HH": "yyyy-MM-dd'T'HH:mm:ss,SSSX",
    "ISO8601_OFFSET_DATE_TIME_HHMM": "yyyy-MM-dd'T'HH:mm:ss,SSSXX",
    "ISO8601_OFFSET_DATE_TIME_HHCMM": "yyyy-MM-dd'T'HH:mm:ss,SSSXXX",
    "ISO8601_PERIOD": "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "ISO8601_PERIOD_MICROS": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
    "ABSOLUTE_MICROS": "HH:mm:ss,SSSSSS",
    "ABSOLUTE_NANOS": "HH:mm:ss,SSSSSSSSS",
    "ABSOLUTE_PERIOD": "HH:mm:ss.SSS",
    "COMPACT": "yyyyMMddHHmmssSSS",
    "DATE_PERIOD": "dd MMM yyyy HH:mm:ss.SSS",
    "US_MONTH_DAY_YEAR2_TIME": "MM/dd/yy HH:mm:ss.SSS",
    "US_MONTH_DAY_YEAR4_TIME": "MM/dd/yyyy HH:mm:ss.SSS",
}
_EPOCH = {"UNIX": r"\d{1,12}+(?:\.\d{1,12}+)?+", "UNIX_MILLIS": r"\d{1,15}+"}
_ALIKE = {" ": "[ T]", "T": "[ T]", ",": "[,.]", ".": "[,.]"}

# Every expression is possessive or of one length, so that none is tried twice.
_NUMBERS = frozenset("dHkhKmsDwWF")
_WORD = r"[^\W\d_]{1,20}+\.?+"
_SHAPES = {
    "a": r"[AaPp]\.?+[Mm]\.?+",
    "E": _WORD,
    "G": r"[A-Za-z]{2,3}+",
    "z": r"[A-Za-z][A-Za-z_/]{0,40}+(?:[+-]\d{1,2}+(?::?+\d{2})?+)?+",
    "Z": r"(?:Z|[+-]\d{2}:?+\d{2})",
    "X": r"(?:Z|[+-]\d{2}(?::?+\d{2})?+)",
    "n": r"\d{1,9}+",
}
#: What reads the same text from its end, where that differs; what was found is read forwards then.
_BACKWARDS = {
    _WORD: r"\.?+[^\W\d_]{1,20}+",
    _SHAPES["a"]: r"\.?+[Mm]\.?+[AaPp]",
    _SHAPES["z"]: r"[A-Za-z0-9_/:+-]{1,48}+",
    _SHAPES["Z"]: r"(?:Z|\d{2}:?+\d{2}[+-])",
    _SHAPES["X"]: r"(?:Z|\d{2}(?::?+\d{2})?+[+-])",
}
#: Letters of java.time and of SimpleDateFormat that mean the same.
_SAME = {"u": "y", "Y": "y", "L": "M", "x": "X", "V": "z", "O": "z", "B": "a"}
_ZONES = "zZX"
#: How much later than a file's last line its time may be: clocks differ.
_AHEAD_MAX_NS = 300 * 10**9
#: Until when two digits of a year are in the future.
_YEARS_AHEAD = 20
_ELEMENT = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.DOTALL)
_OFFSET = re.compile(r"(?:GMT|UTC|UT)?([+-])(\d{1,2}):?+(\d{2})?")


class BadDate(ValueError):  # noqa: N818 - the layout's errors end up as sentences of one kind
    """A date pattern that no time can be read with; the text says why."""


class DateFormat(msgspec.Struct, frozen=True):
    """How one `%d` writes. `shape`: an expression without groups that no line is scanned twice with.

    `backwards`: the same for the text read from its end.
    """

    shape: str
    backwards: str
    letters: tuple[tuple[str, int], ...]
    groups: str
    zone: tzinfo | None = None

    def parts(self, text: str) -> Parts:
        """Return letter -> text for what a date says; {} where it is not written like this."""
        match = re.fullmatch(self.groups, text)
        if match is None:
            return {}
        found = {}
        for (letter, count), said in zip(self.letters, match.groups(), strict=True):
            # `S` alone is a number of milliseconds, without leading zeros; more of them are a fraction.
            found[letter] = said.zfill(3) if (letter, count) == ("S", 1) else said
        return found


@lru_cache(maxsize=256)
def date_format(name: str, zone: str = "") -> DateFormat:
    """Return the format of a pattern or of a name of NAMED, UNIX or UNIX_MILLIS. Raises BadDate.

    zone: Java's ID of the zone it is written in (`Europe/Paris`, `GMT+1`), "" where the service's counts.
    """
    own = _zone_named(zone) if zone else None
    if zone and own is None:
        raise BadDate(f"there is no time zone '{zone}'")
    if name in _EPOCH:
        return DateFormat(_EPOCH[name], _EPOCH[name], ((name, 0),), f"({_EPOCH[name]})", own)
    elements = list(_elements(NAMED.get(name, name), named=name in NAMED))
    letters = tuple((letter, count) for letter, count, _ in elements if letter)
    if not letters:
        raise BadDate(f"the date pattern '{name}' names no part of a time")
    groups = "".join(f"({shape})" if letter else shape for letter, _, shape in elements)
    shapes = [shape for _, _, shape in elements]
    backwards = "".join(_BACKWARDS.get(shape, shape) for shape in reversed(shapes))
    return DateFormat("".join(shapes), backwards, letters, groups, own)


def unix_nano(parts: Parts, zone: tzinfo, near_unix_nano: int, *, is_latest: bool = False) -> int | None:
    """Return the time that parts tell, nanoseconds since the epoch; None where they tell no time of day.

    zone: of times that name none; near_unix_nano: about when it was, for what the parts leave out; is_latest:
    whether it was then at the latest.
    """
    if "UNIX" in parts:
        return times.epoch_seconds(parts["UNIX"])
    if "UNIX_MILLIS" in parts:
        return times.in_range(int(parts["UNIX_MILLIS"]) * 1_000_000)
    zone = _zone_told(parts) or zone
    try:
        clock = _clock(parts)
        if clock is None:
            return None
        found = [
            nano
            for day in _days(parts, datetime.fromtimestamp(near_unix_nano // 10**9, zone))
            for fold in _folds(parts, day.replace(hour=clock[0], minute=clock[1], second=clock[2]), zone)
            if (nano := times.unix_nano(fold)) is not None
        ]
    except (ValueError, OverflowError, KeyError):
        return None
    return meant(found, near_unix_nano, is_latest=is_latest) + clock[3] if found else None


def meant(found: Sequence[int], near_unix_nano: int, *, is_latest: bool) -> int:
    """Return which of several times a line means, of which there is at least one: the nearest; or, where it
    was then at the latest, the last that is not after it, but for five minutes."""
    if is_latest:
        latest = near_unix_nano + _AHEAD_MAX_NS
        return max((nano for nano in found if nano <= latest), default=min(found))
    return min(found, key=lambda nano: abs(nano - near_unix_nano))


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """Return a zone by its IANA name; UTC where this machine does not know it."""
    return _zone_named(name) or UTC


def _elements(pattern: str, *, named: bool) -> Iterator[tuple[str, int, str]]:
    """Yield (letter or "", how often, expression) of each part of a pattern; texts character by character."""
    for match in _ELEMENT.finditer(pattern):
        quoted, letter, other = match.groups()
        if letter:
            letter, count = _SAME.get(letter, letter), len(match[0])
            yield letter, count, _shape(letter, count, pattern)
        elif other == "'":
            raise BadDate(f"a quote in the date pattern '{pattern}' is never closed")
        else:
            text = other or quoted.replace("''", "'") or "'"
            for character in text:
                yield "", 0, (_ALIKE if named else {}).get(character, re.escape(character))


def _shape(letter: str, count: int, pattern: str) -> str:
    if letter == "y":
        return r"\d{2}" if count == 2 else r"\d{4}"
    if letter == "M" and count > 2:
        return _WORD
    if letter == "S":
        return rf"\d{{{min(count, 9)}}}" if count > 2 else r"\d{1,3}+"
    if letter in _NUMBERS or letter == "M":
        return r"\d{1,3}+" if letter == "D" else r"\d{1,2}+" if count == 1 else r"\d{2}"
    if letter not in _SHAPES:
        raise BadDate(f"the letter '{letter}' of the date pattern '{pattern}' is not supported")
    return _SHAPES[letter]


def _clock(parts: Parts) -> tuple[int, int, int, int] | None:
    """(hour, minute, second, nanoseconds), or None where the parts name no hour."""
    if "H" in parts or "k" in parts:
        hour = int(parts["H"]) if "H" in parts else int(parts["k"]) % 24
    elif "h" in parts or "K" in parts:
        afternoon = parts.get("a", "a")[0] in "pP"
        hour = int(parts.get("h") or parts["K"]) % 12 + 12 * afternoon
    else:
        return None
    fraction = parts.get("n", "").rjust(9, "0") if "n" in parts else parts.get("S", "")[:9].ljust(9, "0")
    return hour, int(parts.get("m", 0)), int(parts.get("s", 0)), int(fraction)


def _days(parts: Parts, near: datetime) -> Iterator[datetime]:
    """Yield the midnights that may be meant: one, or those around `near` where day or year are left out."""
    near = datetime(near.year, near.month, near.day)
    if "D" in parts and "y" in parts:
        yield near.replace(year=_year(parts["y"], near), month=1, day=1) + timedelta(days=int(parts["D"]) - 1)
    elif "d" not in parts:
        yield from (near + timedelta(days=n) for n in (-1, 0, 1))
    else:
        month = _month(parts["M"]) if "M" in parts else near.month
        for year in [_year(parts["y"], near)] if "y" in parts else [near.year - 1, near.year, near.year + 1]:
            if (month, int(parts["d"])) != (2, 29) or "y" in parts or _is_leap(year):
                yield near.replace(year=year, month=month, day=int(parts["d"]))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _year(said: str, near: datetime) -> int:
    year = int(said)
    if len(said) != 2:
        return year
    last = near.year + _YEARS_AHEAD
    return last - (last - year) % 100


def _month(text: str) -> int:
    return int(text) if text.isdecimal() else times.MONTHS[text[:3].title()]


def _folds(parts: Parts, moment: datetime, zone: tzinfo) -> list[datetime]:
    """The moments a wall clock may mean: two where summer ends, unless the line names its zone."""
    if isinstance(zone, timezone):
        return [moment.replace(tzinfo=zone)]
    both = [moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    return [fold for fold in both if fold.tzname() == parts.get("z")] or both


def _zone_told(parts: Parts) -> tzinfo | None:
    said = next((parts[letter] for letter in _ZONES if letter in parts), "")
    return _zone_named(said) if said else None


@lru_cache(maxsize=256)
def _zone_named(name: str) -> tzinfo | None:
    if name in ("Z", "UTC", "GMT", "UT"):
        return UTC
    if match := _OFFSET.fullmatch(name):
        hours, minutes = int(match[2]), int(match[3] or 0)
        if hours > 23 or minutes > 59:
            return None
        return timezone((1 if match[1] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return None
