"""Cutovers and deployments as events, which graphs lay over their lines.

An event has the tags `system:`, `endpoint:` of a cutover and `service:` of a deployment; `service:all` where
it is of every one. Datadog takes events of the last 18 hours and the next two, so one is posted on the day
(install.md says how). https://docs.datadoghq.com/api/latest/events/#post-an-event
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dashboards.datadog.messages import plain
from dashboards.datadog.searches import escaped, system_tag
from dashboards.panels import Mark, Page
from dashboards.resources import System, slug

#: Service of a deployment that is drawn on all pages.
ALL = "all"


def events(system: System) -> dict[str, dict[str, Any]]:
    """Return the events by name, as bodies of the API: one a mark, whatever number of graphs draws it."""
    found: dict[str, dict[str, Any]] = {}
    for mark, tags in _marked(system):
        name = f"{slug(mark.label)}-{slug(mark.at)}"
        # Services that were deployed together, under one name, are one event.
        others = found[name]["tags"] if name in found else []
        found[name] = _event(mark, sorted({*tags, *others, system_tag(system), "managed_by:hybrid_observe"}))
    return dict(sorted(found.items()))


def overlays(system: System, page: Page) -> list[dict[str, str]]:
    """Return the searches of the events that belong on a page.

    https://docs.datadoghq.com/dashboards/widgets/timeseries/#event-overlay
    """
    searches = [("cutover", ""), ("deployment", "")]
    if page.kind != "system":
        cutover = [("cutover", _tag("endpoint", page.subject))] if page.kind == "endpoint" else []
        searches = cutover + [("deployment", _tag("service", one)) for one in _services(system, page)]
    return [
        {"q": " AND ".join(one for one in (f"tags:{kind}", system_tag(system), tag) if one)}
        for kind, tag in searches
    ]


def _services(system: System, page: Page) -> list[str]:
    endpoint = system.endpoints.get(page.subject) if page.kind == "endpoint" else None
    own = [side.service for side in endpoint.sides] if endpoint else []
    if page.kind == "service":
        own = [page.subject]
    return list(dict.fromkeys([*own, ALL]))


def _tag(key: str, value: str) -> str:
    return f"{key}:{escaped(plain(value))}"


def _marked(system: System) -> Iterator[tuple[Mark, list[str]]]:
    for name, endpoint in system.endpoints.items():
        if endpoint.config and endpoint.config.cutover:
            mark = Mark(label=f"Cutover of {name}", at=endpoint.config.cutover)
            yield mark, ["cutover", f"endpoint:{plain(name)}"]
    deployments: list[dict[str, Any]] = system.config.dashboards.get("deployments", [])
    for one in deployments:
        service = plain(str(one.get("service", ""))) or ALL
        mark = Mark(label=str(one["label"]), at=str(one["at"]))
        yield mark, ["deployment", f"service:{service}"]


def _event(mark: Mark, tags: list[str]) -> dict[str, Any]:
    return {
        "title": mark.label,
        "text": f"{mark.label} at {mark.at}.",
        "date_happened": int(datetime.fromisoformat(mark.at).timestamp()),
        "alert_type": "info",
        "priority": "normal",
        "tags": tags,
    }
