"""What must hold of the pages of any system: `broken` returns every law that does not, as a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dashboards.alarms.values import Alarms
from dashboards.expressions import Metric, metrics_of
from dashboards.measures import MEASURES
from dashboards.pages.finish import MOST_METRICS, MOST_PANELS
from dashboards.panels import COLUMNS, Page, Panel, placed
from dashboards.resources import System

_LINK = re.compile(r"\]\((page|query):([^)]*)\)")
_FITTING = {
    "count": {"sum"},
    "gauge": {"avg", "min", "max"},
    "distribution": {"avg", "min", "max", "p50", "p90", "p95", "p99", "count"},
}
_APIS = ("rest_api", "http_api", "websocket_api")


def broken(system: System, alarms: Alarms, pages: Sequence[Page]) -> list[str]:
    """Return what is wrong with pages, in words; empty where every law holds."""
    names = [page.name for page in pages]
    out = [f"page {name} is there twice" for name in set(names) if names.count(name) > 1]
    for page in pages:
        out += [f"{page.name}: {problem}" for problem in _page(system, alarms, page, set(names))]
    return [*out, *_missing(system, pages)]


def panels(page: Page) -> list[Panel]:
    """Return the panels of a page, in order."""
    return [panel for section in page.sections for panel in section.panels]


def _page(system: System, alarms: Alarms, page: Page, names: set[str]) -> Iterator[str]:
    shown = panels(page)
    ids = [panel.id for panel in shown]
    yield from (f"panel {id} is there twice" for id in set(ids) if ids.count(id) > 1)
    yield from _size(shown)
    yield from _overlaps(page)
    queries = {query.name for query in page.queries}
    yield from (
        f"query {query.name} has too many log groups" for query in page.queries if len(query.log_groups) > 50
    )
    texts = [page.about, *(s.note for s in page.sections), *(panel.text for panel in shown)]
    for kind, name in (found for text in texts for found in _LINK.findall(text)):
        if name not in (names if kind == "page" else queries):
            yield f"text leads to {kind} {name}, which is not there"
    for panel in shown:
        yield from (f"{panel.id}: {problem}" for problem in _panel(system, alarms, panel, names, queries))


def _size(shown: list[Panel]) -> Iterator[str]:
    metrics = sum(1 for panel in shown for series in panel.series for _ in metrics_of(series.of))
    if len(shown) > MOST_PANELS:
        yield f"{len(shown)} panels"
    if metrics > MOST_METRICS:
        yield f"{metrics} metrics"


def _overlaps(page: Page) -> Iterator[str]:
    cells: dict[tuple[int, int], str] = {}
    for section, some in placed(page):
        ends = {one.y: one.x + one.panel.width for one in some}
        if section.panels[-1].kind in ("lines", "area", "bars", "number") and some[-1].x == 0:
            ends.pop(some[-1].y)  # a graph alone at the end of a section is not stretched
        yield from (f"row {y} does not fill the grid" for y, end in ends.items() if end != COLUMNS)
        for one in some:
            for x in range(one.x, one.x + one.panel.width):
                for y in range(one.y, one.bottom):
                    if (x, y) in cells:
                        yield f"{one.panel.id} overlaps {cells[x, y]}"
                    cells[x, y] = one.panel.id


def _panel(system: System, alarms: Alarms, panel: Panel, names: set[str], queries: set[str]) -> Iterator[str]:
    if panel.width % 2 or not 0 < panel.width <= COLUMNS:
        yield f"width {panel.width}"
    if not panel.title or (panel.kind != "text" and not panel.help.endswith(".")):
        yield "no title, or no help that is a sentence"
    if panel.kind in ("lines", "area", "bars", "number", "table") and not panel.series:
        yield "nothing is drawn"
    if any(series.is_right for series in panel.series) and not panel.right_unit:
        yield "the right axis has no unit"
    labels = [series.label for series in panel.series]
    yield from (f"label {one} is there twice" for one in set(labels) if labels.count(one) > 1)
    yield from _leads(panel, names, queries)
    known = {alarm.name: alarm for alarm in alarms.alarms}
    yield from (f"alarm {name} is not there" for name in panel.alarms if name not in known)
    titles = {alarm.title: alarm.condition for alarm in alarms.alarms if alarm.condition.unit == panel.unit}
    for line in panel.lines:
        if (
            line.role == "alarm"
            and line.label.startswith("Alarm: ")
            and line.label[7:].partition(" (and ")[0] not in titles
        ):
            yield f"{line.label} is of another unit"
    for metric in (m for series in panel.series for m in metrics_of(series.of)):
        yield from _metric(system, metric)


def _leads(panel: Panel, names: set[str], queries: set[str]) -> Iterator[str]:
    for link in panel.links:
        if [bool(link.page), bool(link.query), bool(link.url)].count(True) != 1:
            yield f"link {link.label} leads to none or several"
        if (link.page and link.page not in names) or (link.query and link.query not in queries):
            yield f"link {link.label} leads nowhere"
    if panel.kind == "logs" and (panel.query is None or panel.query.name not in queries):
        yield "its query is not among those of the page"


def _metric(system: System, metric: Metric) -> Iterator[str]:
    measure = MEASURES.get(metric.measure)
    if measure is None:
        yield f"{metric.measure} is not in the catalogue"
        return
    if metric.statistic not in _FITTING[measure.shape]:
        yield f"{metric.statistic} of {metric.measure}, a {measure.shape}"
    if not _is_known(system, measure.of, metric.subject):
        yield f"{metric.subject!r} is no {measure.of} of the system"


def _is_known(system: System, of: str, subject: str) -> bool:
    if of == "endpoint":
        name, _, side = subject.rpartition("/")
        endpoint = system.endpoints.get(name)
        return endpoint is not None and any(one.side == side for one in endpoint.sides)
    if of in ("route", "service"):
        return subject in (system.routes if of == "route" else system.services)
    if of in ("sink", "pipeline"):
        return subject == "" or (of == "sink" and subject in system.config.sinks)
    resource = system.resources.get(subject)
    return resource is not None and (resource.kind in _APIS if of == "api" else resource.kind == of)


def _missing(system: System, pages: Sequence[Page]) -> Iterator[str]:
    """Every endpoint and service has a page, the first is the system's, and that leads to all."""
    if not pages or pages[0].name != "system":
        yield "the first page is not that of the system"
        return
    subjects = {(page.kind, page.subject): page.name for page in reversed(pages)}
    system_text = "".join(panel.text for page in pages if page.kind == "system" for panel in panels(page))
    for kind, some in (("endpoint", system.endpoints), ("service", system.services)):
        for name in some:
            page = subjects.get((kind, name))  # type: ignore[call-overload]
            if page is None:
                yield f"{kind} {name} has no page"
            elif f"(page:{page})" not in system_text:
                yield f"{page} is not linked from the system's page"
