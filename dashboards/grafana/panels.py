"""Panels as Grafana's JSON: what they ask, how they show it, where they lead.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import json
from typing import Any

from dashboards.cloudwatch.metrics import Absent
from dashboards.grafana.asked import MIXED, Drawn, Source, Target
from dashboards.grafana.fields import field_config, titled
from dashboards.grafana.links import Links
from dashboards.panels import Link, Panel

_TYPES = {
    "lines": "timeseries",
    "area": "timeseries",
    "bars": "timeseries",
    "number": "stat",
    "table": "table",
}
CHARTS = tuple(_TYPES)
_DAY_S = 86_400


def chart(panel: Panel, drawn: Drawn, links: Links) -> dict[str, Any]:
    """Return a graph, number or table without its place."""
    made = {
        **_head(panel, _TYPES[panel.kind], links, drawn),
        "datasource": _datasource(drawn),
        "targets": list(drawn.targets),
        "fieldConfig": field_config(panel, drawn),
        "options": _options(panel),
    }
    if panel.period_s >= _DAY_S:
        made["timeFrom"] = f"{max(panel.period_s // _DAY_S, 30 if panel.period_s == _DAY_S else 1)}d"
    if panel.kind == "table":
        # A row a series with its newest value.
        options = {"reducers": ["lastNotNull"], "labelsToFields": False, "mode": "seriesToRows"}
        made["transformations"] = [{"id": "reduce", "options": options}]
        made["fieldConfig"]["defaults"]["color"] = {"mode": "thresholds"}
    return made


def text(title: str, markdown: str, links: Links) -> dict[str, Any]:
    """Return a text."""
    return {
        "type": "text",
        "title": title,
        "transparent": True,
        "options": {"mode": "markdown", "content": links.markdown(markdown)},
    }


def alarm_list(panel: Panel, system_label: str, links: Links) -> dict[str, Any]:
    """Return the states of some alarms, which are found by their labels."""
    names = "|".join(panel.alarms)
    where = f'{{alarm=~"{names}",system="{system_label}"}}' if names else f'{{system="{system_label}"}}'
    return {
        **_head(panel, "alertlist", links),
        "options": {
            "alertInstanceLabelFilter": where,
            "alertName": "",
            "dashboardAlerts": False,
            "groupBy": [],
            "groupMode": "default",
            "maxItems": 100,
            "sortOrder": 3,
            "stateFilter": {"error": True, "firing": True, "noData": True, "normal": True, "pending": True},
            "viewMode": "list",
        },
    }


def logs(panel: Panel, source: Source, links: Links) -> dict[str, Any] | Absent:
    """Return the newest lines of a query, or why the data source has none."""
    if panel.query is None:
        return Absent("The panel has no query.")
    target = source.logs(panel.query)
    if isinstance(target, Absent):
        return target
    return {
        **_head(panel, "logs", links),
        "datasource": target["datasource"],
        "targets": [target],
        "fieldConfig": {"defaults": {}, "overrides": _line_links(panel, links)},
        "options": {
            "dedupStrategy": "none",
            "enableLogDetails": True,
            "prettifyLogMessage": False,
            "showCommonLabels": False,
            "showLabels": False,
            "showTime": True,
            "sortOrder": "Ascending" if panel.query.is_by_correlation_id else "Descending",
            "wrapLogMessage": True,
        },
    }


def _line_links(panel: Panel, links: Links) -> list[dict[str, Any]]:
    """From a line's correlation ID to its trace and to everything with this ID, on both sides."""
    own = [(link.label, links.filled(link.url)) for link in panel.links if link.url]
    # What the panel calls otherwise is still the same link.
    by_address = {address: label for label, address in [*links.system_links(), *own] if address}
    found = [_link(label, address) for address, label in by_address.items()]
    if story := links.explore(links.story(), "${__value.raw}") if links.story() else "":
        found.append(_link("Everything of this correlation ID", story))
    if not found:
        return []
    return [
        {
            "matcher": {"id": "byName", "options": "correlation_id"},
            "properties": [{"id": "links", "value": found}],
        }
    ]


def _link(label: str, address: str) -> dict[str, Any]:
    return {"title": label, "url": address, "targetBlank": True}


def _head(panel: Panel, kind: str, links: Links, drawn: Drawn | None = None) -> dict[str, Any]:
    said = " ".join(drawn.said) if drawn else ""
    missing = (
        " ".join(f"Not shown: {titled(what)}. {why}" for what, why in dict.fromkeys(drawn.absent))
        if drawn
        else ""
    )
    lines = "; ".join(f"{line.label}: {line.value:g}" for line in panel.lines)
    parts = (panel.help, f"Lines: {lines}." if lines else "", panel.empty, said, missing)
    return {
        "type": kind,
        "title": _plain(panel.title),
        "description": _plain(" ".join(part for part in parts if part)),
        "links": [_panel_link(link, links) for link in panel.links if _leads(link, links)],
    }


def _leads(link: Link, links: Links) -> bool:
    """Whether a link leads somewhere without a line that is looked at."""
    address = links.address(link)
    return bool(address) and "${__data" not in address


def _panel_link(link: Link, links: Links) -> dict[str, Any]:
    return {"title": link.label, "url": links.address(link), "type": "link", "targetBlank": not link.page}


def _plain(words: str) -> str:
    """A text in which nothing is read as a variable."""
    return words.replace("${", "$ {").replace("[[", "[ [")


def _datasource(drawn: Drawn) -> dict[str, str]:
    found = [target["datasource"] for target in drawn.targets if target["datasource"]["type"] != "__expr__"]
    texts = {json.dumps(one, sort_keys=True) for one in found}
    chosen: Target = found[0] if len(texts) == 1 else MIXED
    return chosen


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "table":
        return {"cellHeight": "sm", "showHeader": True}
    if panel.kind == "number":
        return {
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "auto" if len(panel.series) == 1 else "value_and_name",
            "wideLayout": True,
        }
    return {
        "legend": {
            "calcs": ["lastNotNull", "max"],
            "displayMode": "list",
            "placement": "bottom",
            "showLegend": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
