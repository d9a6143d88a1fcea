"""What is shown, of no tool: pages of sections of panels. Widths are columns of a grid of 24.

`placed` lays a page out once; renderers scale columns (Kibana has 48, Datadog 12), so widths are even.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dashboards.expressions import Expression
from dashboards.resources import Name

COLUMNS = 24

PageKind = Literal["system", "endpoint", "service", "pipeline"]
#: lines, area (stacked), bars: over time; number: one value, with a sparkline where the tool has one; text:
#: markdown; alarms: states of alarms; logs: newest lines of a query; table: a row a series, newest value.
PanelKind = Literal["lines", "area", "bars", "number", "text", "alarms", "logs", "table"]
#: Series of one role have one colour on every page and in every tool.
Role = Literal["legacy", "serverless", "good", "bad", "neutral"]
COLOURS: dict[Role, str] = {
    "legacy": "#b26a00",
    "serverless": "#1f77b4",
    "good": "#2ca02c",
    "bad": "#d62728",
    "neutral": "",
}
LineRole = Literal["limit", "baseline", "objective", "alarm"]
LINE_COLOURS: dict[LineRole, str] = {
    "limit": "#7f7f7f",
    "baseline": "#b26a00",
    "objective": "#2ca02c",
    "alarm": "#d62728",
}


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a graph. is_right: drawn against the right axis, with `unit` of its own."""

    label: str
    of: Expression
    role: Role = "neutral"
    is_right: bool = False


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A horizontal line: a limit, the legacy baseline, an objective, an alarm's threshold."""

    label: str
    value: float
    role: LineRole


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A vertical line: a cutover, a deployment. at: RFC 3339."""

    label: str
    at: str


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A search in logs of one or both sides; newest first, except by correlation ID: then in order of time.

    The field names are those of the lines: `timestamp`, `level`, `message`, `service`, `correlation_id`,
    `trace_id`, `requestId`; where the sinks name them otherwise the renderer knows.
    """

    name: str
    title: str
    services: tuple[str, ...] = ()
    log_groups: tuple[Name, ...] = ()
    #: Only errors: levels ERROR and FATAL, and lines of an unhandled exception.
    is_errors: bool = False
    #: Asks for one correlation ID, which whoever runs it fills in.
    is_by_correlation_id: bool = False
    #: Only of this endpoint of observe.yaml, where the tool's data has endpoints.
    endpoint: str = ""
    limit: int = 50


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Where one click leads. Exactly one: another page's name, a LogQuery's name, or an address template.

    url: as observe.yaml's `links` has it, with {correlation_id}, {trace_id}, {from} ... in braces.
    """

    label: str
    page: str = ""
    query: str = ""
    url: str = ""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One panel. unit: UCUM (`ms`, `s`, `%`, `By`, `1`, `{USD}`), of the left axis; right_unit of the right.

    empty: why it may be empty and what to do, as a sentence: shown where the tool can, else with the help.
    """

    id: str
    title: str
    kind: PanelKind
    width: int = 8
    height: int = 6
    unit: str = "1"
    right_unit: str = ""
    help: str = ""
    empty: str = ""
    series: tuple[Series, ...] = ()
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    #: Of a text: markdown, with [label](page:NAME), [label](query:NAME) and plain http(s) links.
    text: str = ""
    #: Of `alarms`: names of alarms (alarms.values.Alarm.name).
    alarms: tuple[str, ...] = ()
    #: Of `logs`.
    query: LogQuery | None = None
    links: tuple[Link, ...] = ()
    #: Left axis from 0, and to this where it is known (100 of a share); None: as the data is.
    maximum: float | None = None
    period_s: int = 300


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A titled row of panels. note: markdown under the title."""

    title: str
    panels: tuple[Panel, ...]
    note: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page. name: a slug that is unique in the system (`endpoint-submit`); about: markdown."""

    name: str
    title: str
    kind: PageKind
    #: The endpoint or service it is about; "" for the system and the pipeline.
    subject: str = ""
    about: str = ""
    sections: tuple[Section, ...]
    #: Saved queries of the page, for those that a panel or link names and those worth a click.
    queries: tuple[LogQuery, ...] = ()


class Placed(msgspec.Struct, frozen=True):
    """A panel on the grid: columns and rows from 0."""

    panel: Panel
    x: int
    y: int

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.panel.height


def placed(page: Page) -> tuple[tuple[Section, tuple[Placed, ...]], ...]:
    """Lay a page out: sections one below another, panels left to right and on, without overlaps.

    A section's title takes TITLE_ROWS rows above its panels, and with a note as many more as that needs.
    """
    out: list[tuple[Section, tuple[Placed, ...]]] = []
    y = title_rows(page)
    for section in page.sections:
        y += section_rows(section)
        here, y = _flow(section.panels, y)
        out.append((section, here))
    return tuple(out)


TITLE_ROWS = 1
#: Characters of a line of markdown over the whole width, about.
_LINE = 180


def title_rows(page: Page) -> int:
    """Rows of the head of a page: its title, and what is said about it."""
    return 2 + _lines(page.about)


def section_rows(section: Section) -> int:
    """Rows of the head of a section."""
    return TITLE_ROWS + _lines(section.note)


def _lines(markdown: str) -> int:
    return sum(1 + len(line) // _LINE for line in markdown.splitlines())


def _flow(panels: tuple[Panel, ...], y: int) -> tuple[tuple[Placed, ...], int]:
    here: list[Placed] = []
    x, bottom = 0, y
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y = 0, bottom
        here.append(Placed(panel, x, y))
        x += panel.width
        bottom = max(bottom, y + panel.height)
    return tuple(here), bottom
