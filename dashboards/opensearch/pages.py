"""A page as a dashboard of OpenSearch Dashboards, and the visualisations that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dashboards.alarms.values import Alarms
from dashboards.kibana.grid import Spot, spots
from dashboards.kibana.objects import dashboard_id, search_id, text
from dashboards.kibana.shown import Shown, help_of
from dashboards.kibana.store import Store
from dashboards.kibana.texts import Places, alarms_text, markdown, plain
from dashboards.opensearch.objects import EMPTY_SOURCE, OPENSEARCH, saved, visualization
from dashboards.opensearch.vega import spec
from dashboards.panels import Page
from dashboards.resources import System


def page_objects(
    found: Shown, system: System, store: Store, alarms: Alarms, places: Places
) -> Iterator[dict[str, Any]]:
    """Yield the visualisations of a page, and its dashboard behind them."""
    name = dashboard_id(found.page.name, system)
    found = msgspec.structs.replace(found, page=_linked(found.page, places))
    panels: list[dict[str, Any]] = []
    references: list[dict[str, str]] = []
    for number, spot in enumerate(spots(found.page)):
        index, reference = str(number), f"panel_{number}"
        panels.append(_panel(index, reference, spot))
        query = spot.panel.query
        if spot.panel.kind == "logs" and query is not None:
            references.append({"id": search_id(query.name, system), "name": reference, "type": "search"})
            continue
        one = _visualization(f"{name}-{number}", spot, found, store, alarms, places)
        references.append({"id": one["id"], "name": reference, "type": "visualization"})
        yield one
    yield saved("dashboard", name, _attributes(found, panels), references)


def _linked(page: Page, places: Places) -> Page:
    """A page with the links of its charts below the titles of their sections: Vega has none of its own."""
    sections = []
    for section in page.sections:
        links: dict[str, None] = {}
        for panel in section.panels:
            for link in panel.links:
                known = places.pages.get(link.page, "") or places.queries.get(link.query, "")
                address = known or (link.url if "{" not in link.url else "")
                if address:
                    links[f"[{panel.title}: {link.label}]({address})"] = None
        note = "\n\n".join(part for part in (section.note, " | ".join(links)) if part)
        sections.append(msgspec.structs.replace(section, note=note))
    return msgspec.structs.replace(page, sections=tuple(sections))


def _panel(index: str, reference: str, spot: Spot) -> dict[str, Any]:
    is_text = spot.panel.kind in ("text", "alarms")
    return {
        "embeddableConfig": {"hidePanelTitles": True} if is_text else {},
        "gridData": spot.box.at(index),
        "panelIndex": index,
        "panelRefName": reference,
        "version": f"{OPENSEARCH}.0",
    }


def _visualization(
    name: str, spot: Spot, found: Shown, store: Store, alarms: Alarms, places: Places
) -> dict[str, Any]:
    panel = spot.panel
    title = f"{found.page.title}: {panel.title}"
    if panel.id in found.drawn:
        drawing = spec(panel, found.drawn[panel.id], store)
        params: dict[str, Any] = {"spec": text(drawing)}
        return visualization(name, title, help_of(panel), "vega", params)
    words = alarms_text(panel, alarms, places) if panel.kind == "alarms" else markdown(panel.text, places)
    params = {"fontSize": 12, "markdown": words, "openLinksInNewTab": False}
    return visualization(name, title, "", "markdown", params)


def _attributes(found: Shown, panels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "description": plain(found.page.about),
        "hits": 0,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(EMPTY_SOURCE)},
        "optionsJSON": text({"hidePanelTitles": False, "useMargins": True}),
        "panelsJSON": text(panels),
        "refreshInterval": {"pause": True, "value": 60000},
        "timeFrom": "now-24h",
        "timeRestore": True,
        "timeTo": "now",
        "title": found.page.title,
        "version": 1,
    }
