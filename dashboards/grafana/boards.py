"""Pages as dashboards: rows of panels on 24 columns, variables, annotations, links to the other pages.

Classic JSON of Grafana 11.6, schemaVersion 41.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.queries import PARAMETER
from dashboards.grafana.asked import Drawn, Source, grouped
from dashboards.grafana.links import Links
from dashboards.grafana.marks import queried, tags_of
from dashboards.grafana.panels import CHARTS, alarm_list, chart, logs, text
from dashboards.panels import COLUMNS, Page, Panel, Section
from dashboards.resources import System, slug

SCHEMA_VERSION = 41
VERSION = "11.6.0"
#: Characters of a line of markdown over the whole width, about.
_LINE = 160
_ROW_PX = 30


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard. panels: ID of a panel of the page -> number in Grafana; absent: what is not shown, why."""

    body: dict[str, Any]
    panels: dict[str, int]
    absent: tuple[tuple[str, str], ...] = ()


def board(page: Page, system: System, source: Source, links: Links) -> Board:
    """Return the dashboard of a page."""
    grid = _Grid()
    absent: list[tuple[str, str]] = []
    source.variables()
    if page.about:
        grid.whole(text("", page.about, links), page.about)
    for section in page.sections:
        grid.row(section.title)
        if section.note:
            grid.whole(text("", section.note, links), section.note)
        absent += _section(section, system, source, links, grid)
    body = {
        "uid": links.dashboard(page.name),
        "title": page.title if page.kind == "system" else f"{system.title}: {page.title}",
        "description": "",
        "tags": [*tags_of(system), page.kind],
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "refresh": "1m",
        "timezone": "browser",
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "links": list(_page_links(page, system, links)),
        "annotations": {"list": _annotations(page, system)},
        "templating": {"list": _variables(source, grid.panels)},
        "panels": grid.panels,
    }
    return Board(body=body, panels=grid.numbers, absent=tuple(absent))


def _section(
    section: Section, system: System, source: Source, links: Links, grid: _Grid
) -> list[tuple[str, str]]:
    """Place what can be shown; what cannot is one text at the end, each reason once."""
    absent: list[tuple[str, str]] = []
    lost: list[tuple[str, str]] = []
    for panel in section.panels:
        if panel.kind in CHARTS:
            drawn = source.draw(panel)
            absent += drawn.absent
            if drawn.refs:
                grid.place(panel, chart(panel, drawn, links))
            else:
                lost.append((panel.title, _reason(drawn)))
        elif panel.kind == "logs":
            made = logs(panel, source, links)
            if isinstance(made, Absent):
                lost.append((panel.title, made.reason))
            else:
                grid.place(panel, made)
        elif panel.kind == "alarms":
            grid.place(panel, alarm_list(panel, slug(system.title), links))
        else:
            grid.place(panel, text(panel.title, panel.text, links))
    if lost:
        lines = [f"- **{', '.join(names)}**: {reason}" for reason, names in grouped(lost).items()]
        markdown = "\n".join(lines)
        grid.whole(text("Not shown here", markdown, links), markdown, extra=1)
    return absent


def _reason(drawn: Drawn) -> str:
    return drawn.absent[0][1] if drawn.absent else "It has no series."


class _Grid:
    """Places panels left to right and on, below what is there. numbers: ID of a panel -> its number."""

    def __init__(self) -> None:
        self.panels: list[dict[str, Any]] = []
        self.numbers: dict[str, int] = {}
        self._x = self._y = self._bottom = 0

    def row(self, title: str) -> None:
        """Begin a row with a title."""
        self._add({"type": "row", "title": title, "collapsed": False, "panels": []}, COLUMNS, 1)
        self._break()

    def whole(self, panel: dict[str, Any], markdown: str, extra: int = 0) -> None:
        """Place a text over the whole width, as high as it needs."""
        lines = sum(1 + len(line) // _LINE for line in markdown.splitlines())
        self._break()
        self._add(panel, COLUMNS, 2 + extra + lines * 24 // _ROW_PX)
        self._break()

    def place(self, panel: Panel, made: dict[str, Any]) -> None:
        """Place a panel of the page."""
        self.numbers.setdefault(panel.id, len(self.panels) + 1)
        self._add(made, panel.width, panel.height)

    def _add(self, made: dict[str, Any], width: int, height: int) -> None:
        if self._x + width > COLUMNS:
            self._break()
        at = {"x": self._x, "y": self._y, "w": width, "h": height}
        self.panels.append({"id": len(self.panels) + 1, **made, "gridPos": at})
        self._x += width
        self._bottom = max(self._bottom, self._y + height)

    def _break(self) -> None:
        self._x, self._y = 0, self._bottom


def _page_links(page: Page, system: System, links: Links) -> Iterable[dict[str, Any]]:
    """To the system's page, and a list of all the others."""
    if page.name != "system" and "system" in links.pages:
        address = f"/d/{links.dashboard('system')}"
        yield {**_LINK, "title": system.title, "type": "link", "url": address}
    yield {
        **_LINK,
        "title": "Pages",
        "type": "dashboards",
        "asDropdown": True,
        "tags": tags_of(system),
    }


_MARKS = {"cutover": "purple", "deployment": "blue"}
_LINK: dict[str, Any] = {
    "asDropdown": False,
    "icon": "external link",
    "includeVars": False,
    "keepTime": True,
    "tags": [],
    "targetBlank": False,
    "tooltip": "",
    "url": "",
}


def _annotations(page: Page, system: System) -> list[dict[str, Any]]:
    """Annotations of Grafana itself: by hand, and those of annotations.json that this page is about."""
    grafana = {"type": "grafana", "uid": "-- Grafana --"}

    def tagged(name: str, colour: str, tags: list[str]) -> dict[str, Any]:
        return {
            "datasource": grafana,
            "enable": True,
            "hide": False,
            "iconColor": colour,
            "name": name,
            "target": {"limit": 100, "matchAny": False, "tags": tags, "type": "tags"},
        }

    return [
        {
            "builtIn": 1,
            "datasource": grafana,
            "enable": True,
            "hide": True,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "type": "dashboard",
        },
        *(tagged(name, _MARKS[tags[0]], [*tags_of(system), *tags]) for name, tags in queried(page, system)),
    ]


def _variables(source: Source, panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The data sources, what the queries need, and the correlation ID where a query asks for it."""
    found = [
        {
            "name": name,
            "label": f"Data source {name}",
            "type": "datasource",
            "query": source.name,
            "regex": "",
            "hide": 0,
            "includeAll": False,
            "multi": False,
            "refresh": 1,
            "current": {"selected": True, "text": uid, "value": uid},
            "options": [],
        }
        for name, uid in source.uids.items()
    ]
    found += source.variables()
    if any(f"${PARAMETER}" in str(panel.get("targets", "")) for panel in panels):
        known = {"name": PARAMETER, "label": "Correlation ID", "type": "textbox", "query": "", "hide": 0}
        found.append({**known, "current": {"text": "", "value": ""}, "options": []})
    return found
