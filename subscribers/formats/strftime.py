"""Times as strftime writes them: its letters as fields of a layout. Names of months are read in English.

https://pubs.opengroup.org/onlinepubs/9799919799/functions/strftime.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from subscribers.formats.access import MS_NS, S_NS, US_NS, Access, Moment, Role, ignore
from subscribers.formats.field_layout import Field, Token
from subscribers.parsers import times
from subscribers.parsers.java_layout import BadLayout

_NUMBER = r"\d{2}"
#: The same with a blank for a leading zero.
_TWO = r"[ \d]\d"
_WORD = r"[^\W\d_]{1,20}+\.?+"
#: Letter -> letter of java_dates and what it looks like; "" for what no time needs.
_LETTERS = {
    "Y": ("y", r"\d{4}"),
    "y": ("y", _NUMBER),
    "m": ("M", _NUMBER),
    **dict.fromkeys("bBh", ("M", _WORD)),
    "d": ("d", _NUMBER),
    "e": ("d", _TWO),
    "j": ("D", r"\d{3}"),
    "H": ("H", _NUMBER),
    "k": ("H", _TWO),
    "I": ("h", _NUMBER),
    "l": ("h", _TWO),
    "M": ("m", _NUMBER),
    "S": ("s", _NUMBER),
    **dict.fromkeys("pP", ("a", r"[AaPp]\.?+[Mm]\.?+")),
    "z": ("Z", r"[+-]\d{4}"),
    "Z": ("z", r"[A-Z]{2,5}+|[+-]\d{2,4}+"),
    "s": ("UNIX", r"\d{1,12}+"),
    **dict.fromkeys("aA", ("", _WORD)),
    **dict.fromkeys("uw", ("", r"\d")),
    **dict.fromkeys("CgUVW", ("", _NUMBER)),
    "G": ("", r"\d{4}"),
}
#: Letters that stand for several, as the C locale has them.
_SHORT = {
    "T": "%H:%M:%S",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "c": "%a %b %e %H:%M:%S %Y",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
}
_TEXTS = {"n": "\n", "t": "\t", "%": "%"}
_ELEMENT = re.compile(r"%[EO^_0#-]?+(.)|%|[^%]++", re.DOTALL)

#: `21/Nov/2026:03:30:10 +0000`, maybe with a fraction.
CLF = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\.\d{1,9}+)?+ [+-]\d{4}"


def fields(format: str, time: str) -> Iterator[Token]:
    """Yield the tokens of a strftime pattern. Raises BadLayout. time: which it is, `begin` or `end`."""
    for match in _ELEMENT.finditer(format):
        letter = match[1]
        if letter is None:
            if match[0] == "%":
                raise BadLayout(f"the time '{format}' ends in a %")
            yield match[0]
        elif letter in _SHORT:
            yield from fields(_SHORT[letter], time)
        elif letter in _TEXTS:
            yield _TEXTS[letter]
        elif letter in _LETTERS:
            name, shape = _LETTERS[letter]
            yield Field(_part(name, time) if name else ignore, shape, time if name else "")
        else:
            raise BadLayout(f"the letter %{letter} of the time '{format}' is not known")


def clf(time: str) -> Field:
    """The time as the common log format has it, without its brackets."""

    def role(access: Access, said: str) -> None:
        nano = clf_nano(said)
        if nano is None:
            access.is_broken = True
        else:
            _moment(access, time).take(nano, S_NS if len(said) <= 26 else MS_NS)

    return Field(role, CLF, time)


def epoch(unit_ns: int, time: str) -> Field:
    """The time in whole units since the epoch."""

    def role(access: Access, said: str) -> None:
        nano = times.in_range(int(said) * unit_ns)
        if nano is None:
            access.is_broken = True
        else:
            _moment(access, time).take(nano, unit_ns)

    return Field(role, r"\d{1,18}+", time)


def fraction(unit_ns: int, time: str) -> Field:
    """What is below the second, in units, with leading zeros."""

    def role(access: Access, said: str) -> None:
        _moment(access, time).fraction_ns = int(said) * unit_ns

    return Field(role, r"\d{3}" if unit_ns == MS_NS else r"\d{6}", time)


#: Name of a time that is no strftime pattern -> the field that it is.
SPECIAL = {
    "sec": lambda time: epoch(S_NS, time),
    "msec": lambda time: epoch(MS_NS, time),
    "usec": lambda time: epoch(US_NS, time),
    "msec_frac": lambda time: fraction(MS_NS, time),
    "usec_frac": lambda time: fraction(US_NS, time),
}


#: Many lines are of one second.
_of_second = lru_cache(maxsize=1024)(times.apache)


def clf_nano(said: str) -> int | None:
    """Return the time of the common log format, nanoseconds since the epoch, or None."""
    if len(said) == 26:
        return _of_second(said)
    millis = said[21:24]
    if len(said) != 30 or said[20] != "." or not (millis.isascii() and millis.isdecimal()):
        return times.apache(said)
    nano = _of_second(said[:20] + said[24:])
    return None if nano is None else nano + int(millis) * MS_NS


def _part(letter: str, time: str) -> Role:
    def role(access: Access, said: str) -> None:
        _moment(access, time).parts[letter] = said.strip(" ")

    return role


def _moment(access: Access, time: str) -> Moment:
    return access.ended if time == "end" else access.began
