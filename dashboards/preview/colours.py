"""Shades of one colour: percentiles of one side are told apart by shade and dashes, and stay of that side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from dashboards.preview.charts import Drawn

#: Of the second, third and fourth series of a colour: mixed with what, and how much of that.
_MIXED = ((0, 0.45), (255, 0.45), (0, 0.7))


def shaded(series: Sequence[Drawn]) -> list[Drawn]:
    """Return series with shades where several have one colour; the first of them keeps it."""
    used = Counter(one.colour for one in series)
    return [
        replace(one, colour=shade(one.colour, one.nth)) if used[one.colour] > 1 else one for one in series
    ]


def shade(colour: str, nth: int) -> str:
    """Return the nth shade of a colour, `#rrggbb`: 0 is the colour itself; after four they come again."""
    number = nth % (len(_MIXED) + 1)
    if not number:
        return colour
    other, share = _MIXED[number - 1]
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part * (1 - share) + other * share):02x}" for part in parts)
