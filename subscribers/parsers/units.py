"""CloudWatch's units of metrics as (kind, UCUM unit).

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
https://ucum.org/ucum
"""

from __future__ import annotations

from collections.abc import Mapping

from subscribers.parsers.draft import MetricKind

_SIZES = {
    f"{prefix}{word}".capitalize(): f"{letter}{unit}"
    for word, unit in (("bytes", "By"), ("bits", "bit"))
    for prefix, letter in (("", ""), ("kilo", "k"), ("mega", "M"), ("giga", "G"), ("tera", "T"))
}
#: A unit that is not here, `None` among them, is of a distribution without a unit.
BY_NAME: Mapping[str, tuple[MetricKind, str]] = {
    "Count": ("count", "1"),
    "Count/Second": ("distribution", "1/s"),
    "Seconds": ("distribution", "s"),
    "Milliseconds": ("timing", "ms"),
    "Microseconds": ("distribution", "us"),
    "Percent": ("distribution", "%"),
    **{name: ("distribution", unit) for name, unit in _SIZES.items()},
    **{f"{name}/Second": ("distribution", f"{unit}/s") for name, unit in _SIZES.items()},
}
_BY_WORD = {name.lower(): found for name, found in BY_NAME.items()}
_NONE: tuple[MetricKind, str] = ("distribution", "")


def by_word(word: str) -> tuple[MetricKind, str] | None:
    """Return a unit whatever its case, as `MONITORING` lines have it; None for a word that is none."""
    return _NONE if word.lower() == "none" else _BY_WORD.get(word.lower())
