"""Texts that others have written, made fit to be shown: log messages, IDs, names may hold anything.

What cannot be shown or lies about its order is removed: control characters, half surrogates, marks that turn
the direction of text. Lengths are of UTF-16 units where it is about characters: no API counts more.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

ELLIPSIS = "…"
#: Control characters but line feed and tab; separators of lines and paragraphs; marks of direction; those
#: that show nothing; what is no character.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]"
    "|[\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """Return a text that can be shown and encoded; lines stay lines. Of a clean text, itself."""
    text = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    return _UNSHOWABLE.sub(" ", text)


def line(text: str, most: int) -> str:
    """Return a text as one clean line of at most so many characters."""
    # What is cut anyway is not looked at.
    return cut(_SPACE.sub(" ", clean(text[: 4 * most])).strip(), most)


def length(text: str) -> int:
    """Return how many characters an API may count: UTF-16 units."""
    return len(text) + sum(c > "\uffff" for c in text)


def cut(text: str, most: int) -> str:
    """Return a text of at most so many characters; what was cut ends in an ellipsis."""
    if length(text) <= most:
        return text
    units = text[:most].encode("utf-16-le", "replace")[: 2 * max(0, most - 1)]
    return (units.decode("utf-16-le", "ignore") + ELLIPSIS)[:most]


def cut_bytes(text: str, most: int) -> str:
    """Return a text of at most so many bytes of UTF-8, no character halved; a cut ends in an ellipsis."""
    data = text.encode("utf-8", "replace")
    if len(data) <= most:
        return data.decode()
    mark = ELLIPSIS if most >= 3 else ""
    return data[: max(0, most - len(mark.encode()))].decode("utf-8", "ignore") + mark


def moment(at_s: float) -> str:
    """Return a time as people are told it: `2026-11-21 03:30:00 UTC`."""
    return datetime.fromtimestamp(max(0, at_s), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(at_s: float) -> str:
    """Return the time of day: `03:30:00 UTC`."""
    return datetime.fromtimestamp(max(0, at_s), UTC).strftime("%H:%M:%S UTC")
