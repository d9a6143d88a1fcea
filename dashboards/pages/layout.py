"""How panels stand beside each other: rows that fill the grid of 24 columns, texts as high as they need."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec.structs import replace

from dashboards.panels import COLUMNS, Link, Panel

T = TypeVar("T")
#: Characters of a text over the whole width, about; and lines of text in a row of the grid.
_CHARACTERS = 150
_LINES_A_ROW = 1.7
_LINK = re.compile(r"\]\([^)]*\)")


def row(*panels: Panel) -> tuple[Panel, ...]:
    """Return panels as one row that fills the grid, as high as the highest; five are two rows of 3 and 2."""
    if not panels:
        return ()
    if COLUMNS % (2 * len(panels)):
        half = math.ceil(len(panels) / 2)
        return (*row(*panels[:half]), *row(*panels[half:]))
    width = COLUMNS // len(panels)
    return level(*(fitted(replace(panel, width=width)) for panel in panels))


def level(*panels: Panel) -> tuple[Panel, ...]:
    """Return panels of one row with the height of the highest."""
    highest = max((panel.height for panel in panels), default=0)
    return tuple(replace(panel, height=highest) for panel in panels)


def rows(panels: Sequence[Panel], a_row: int = 3) -> tuple[Panel, ...]:
    """Return panels in rows of some; those of the last row are wider where they are fewer."""
    return tuple(panel for some in chunks(panels, a_row) for panel in row(*some))


def text(id: str, title: str, markdown: str, width: int = COLUMNS, links: tuple[Link, ...] = ()) -> Panel:
    """Return a panel of text that is as high as its text needs."""
    return fitted(Panel(id=id, title=title, kind="text", width=width, text=markdown, links=links))


def fitted(panel: Panel) -> Panel:
    """Return a panel of text with the height that its text needs at its width; others as they are."""
    return replace(panel, height=text_rows(panel.text, panel.width)) if panel.kind == "text" else panel


def text_rows(markdown: str, width: int) -> int:
    """Return the rows of the grid that markdown needs at a width, the title included; at least 3."""
    line = max(1, _CHARACTERS * width // COLUMNS)
    shown = _LINK.sub("]", markdown).splitlines()
    lines = sum(max(1, math.ceil(len(one) / line)) for one in shown)
    return max(3, 1 + math.ceil(lines / _LINES_A_ROW))


def chunks(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Yield items in groups of a size, in order."""
    some: list[T] = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield tuple(some)
            some = []
    if some:
        yield tuple(some)


def numbered(title: str, index: int, of: int) -> str:
    """Return a title with `(2 of 3)` where there are several."""
    return title if of == 1 else f"{title} ({index + 1} of {of})"
