"""A page as a dashboard: panels by value, saved searches by reference.

https://www.elastic.co/docs/explore-analyze/dashboards
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.alarms.values import Alarms
from dashboards.kibana.charts import lens
from dashboards.kibana.grid import Spot, spots
from dashboards.kibana.objects import dashboard_id, saved, search_id, text
from dashboards.kibana.shown import Shown
from dashboards.kibana.texts import Places, alarms_text, markdown, plain
from dashboards.panels import LogQuery, Page, Panel
from dashboards.resources import System

References = list[dict[str, str]]
_TO_PAGE = "DASHBOARD_TO_DASHBOARD_DRILLDOWN"


def places_of(system: System, pages: Sequence[Page]) -> Places:
    """Return the addresses of pages and queries, relative to that of a dashboard."""
    return Places(
        pages={page.name: f"#/view/{dashboard_id(page.name, system)}" for page in pages},
        queries={name: f"discover#/view/{search_id(name, system)}" for name in queries_of(pages)},
        alerts="observability/alerts",
    )


def queries_of(pages: Sequence[Page]) -> dict[str, LogQuery]:
    """Return every query that a page or a panel names, by name."""
    out: dict[str, LogQuery] = {}
    for page in pages:
        panels = [panel for section in page.sections for panel in section.panels]
        for query in (*page.queries, *(panel.query for panel in panels if panel.query)):
            out.setdefault(query.name, query)
    return out


def dashboard(found: Shown, system: System, alarms: Alarms, places: Places) -> dict[str, Any]:
    """Return the saved object of a page."""
    page = found.page
    panels, references = [], []
    for number, spot in enumerate(spots(page)):
        one, used = _panel(f"p{number}", spot, found, system, alarms, places)
        panels.append(one)
        references.extend(used)
    attributes = {
        "description": plain(page.about),
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": text({"filter": [], "query": {"language": "kuery", "query": ""}})
        },
        "optionsJSON": text(
            {
                "hidePanelTitles": False,
                "syncColors": False,
                "syncCursor": True,
                "syncTooltips": False,
                "useMargins": True,
            }
        ),
        "panelsJSON": text(panels),
        "refreshInterval": {"pause": True, "value": 60000},
        "timeFrom": "now-24h",
        "timeRestore": True,
        "timeTo": "now",
        "title": page.title,
    }
    return saved("dashboard", dashboard_id(page.name, system), attributes, references)


def _panel(
    index: str, spot: Spot, found: Shown, system: System, alarms: Alarms, places: Places
) -> tuple[dict[str, Any], References]:
    panel = spot.panel
    base: dict[str, Any] = {"gridData": spot.box.at(index), "panelIndex": index}
    if panel.kind == "logs" and panel.query is not None:
        name = f"panel_{index}"
        one = {
            "embeddableConfig": {"enhancements": {}},
            "panelRefName": name,
            "title": panel.title,
            "type": "search",
        }
        used = {"id": search_id(panel.query.name, system), "name": f"{index}:{name}", "type": "search"}
        return {**base, **one}, [used]
    if panel.id in found.drawn:
        return _chart(base, panel, found, system, places)
    words = alarms_text(panel, alarms, places) if panel.kind == "alarms" else markdown(panel.text, places)
    return {**base, **_text(panel, words)}, []


def _chart(
    base: dict[str, Any], panel: Panel, found: Shown, system: System, places: Places
) -> tuple[dict[str, Any], References]:
    index = str(base["panelIndex"])
    attributes = lens(panel, found.drawn[panel.id])
    events, used = _drilldowns(index, panel, system, places)
    references = [{**one, "name": f"{index}:{one['name']}"} for one in attributes["references"]]
    config = {
        "attributes": attributes,
        "enhancements": {"dynamicActions": {"events": events}} if events else {},
        "hidePanelTitles": False,
    }
    return {**base, "embeddableConfig": config, "title": panel.title, "type": "lens"}, [*references, *used]


def _drilldowns(
    index: str, panel: Panel, system: System, places: Places
) -> tuple[list[dict[str, Any]], References]:
    """What a click on a point offers: another page; the panel's menu: a search, an address."""
    events: list[dict[str, Any]] = []
    references: References = []
    for number, link in enumerate(panel.links):
        event = f"link{number}"
        if link.page in places.pages:
            config: dict[str, Any] = {
                "openInNewTab": False,
                "useCurrentDateRange": True,
                "useCurrentFilters": True,
            }
            events.append(_event(event, "FILTER_TRIGGER", _TO_PAGE, link.label, config))
            name = f"{index}:drilldown:{_TO_PAGE}:{event}:dashboardId"
            references.append({"id": dashboard_id(link.page, system), "name": name, "type": "dashboard"})
            continue
        address = _template(link.url, link.query, places)
        if address:
            config = {"encodeUrl": True, "openInNewTab": True, "url": {"template": address}}
            events.append(_event(event, "CONTEXT_MENU_TRIGGER", "URL_DRILLDOWN", link.label, config))
    return events, references


def _template(url: str, query: str, places: Places) -> str:
    """An address of a drilldown; one that needs an ID is none, for a graph has no ID."""
    if query in places.queries:
        return f"{{{{kibanaUrl}}}}/app/{places.queries[query]}"
    for name in ("from", "to"):
        url = url.replace(f"{{{name}}}", f"{{{{date context.panel.timeRange.{name}}}}}")
    return "" if "{" in url.replace("{{", "").replace("}}", "") else url


def _event(event: str, trigger: str, factory: str, label: str, config: dict[str, Any]) -> dict[str, Any]:
    action = {"config": config, "factoryId": factory, "name": label}
    return {"action": action, "eventId": event, "triggers": [trigger]}


def _text(panel: Panel, words: str) -> dict[str, Any]:
    source = {"filter": [], "query": {"language": "kuery", "query": ""}}
    vis = {
        "data": {"aggs": [], "searchSource": source},
        "description": "",
        "id": "",
        "params": {"fontSize": 12, "markdown": words, "openLinksInNewTab": False},
        "title": panel.title,
        "type": "markdown",
        "uiState": {},
    }
    config = {"enhancements": {}, "hidePanelTitles": True, "savedVis": vis}
    return {"embeddableConfig": config, "title": panel.title, "type": "visualization"}
