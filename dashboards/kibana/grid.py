"""Where panels are on a grid of 48 columns, whose rows are lower than ours: of both products."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dashboards.panels import Page, Panel, placed, section_rows, title_rows

GRID_COLUMNS = 48


class Box(msgspec.Struct, frozen=True):
    """Columns and rows from 0."""

    x: int
    y: int
    w: int
    h: int

    def at(self, index: str) -> dict[str, object]:
        """Return it as `gridData` of a panel."""
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h, "i": index}


class Spot(msgspec.Struct, frozen=True):
    """A panel of a page and where it is."""

    panel: Panel
    box: Box


def spots(page: Page) -> Iterator[Spot]:
    """Yield the panels of a page, heads of the page and of its sections as texts, from top to bottom."""
    yield _head("head", page.title, page.about, 0, title_rows(page), "##")
    for number, (section, panels) in enumerate(placed(page)):
        top = min((one.y for one in panels), default=0)
        rows = section_rows(section)
        if panels:
            yield _head(f"section-{number}", section.title, section.note, top - rows, rows, "###")
        for one in panels:
            yield Spot(one.panel, _box(one.x, one.y, one.panel.width, one.panel.height))


def _head(name: str, title: str, note: str, y: int, rows: int, mark: str) -> Spot:
    text = f"{mark} {title}" + (f"\n\n{note}" if note else "")
    return Spot(Panel(id=name, title=title, kind="text", text=text), _box(0, y, GRID_COLUMNS // 2, rows))


def _box(x: int, y: int, width: int, height: int) -> Box:
    top, bottom = _row(y), _row(y + height)
    return Box(x * 2, top, width * 2, bottom - top)


def _row(y: int) -> int:
    """A row of ours is two and a half of theirs: six rows are a graph of the usual height."""
    return y * 5 // 2
