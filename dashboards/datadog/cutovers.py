"""Cutovers and deployments as events, which graphs lay over their lines.

Datadog takes events of the last 18 hours and the next two, so one is posted on the day (install.md says how).
https://docs.datadoghq.com/api/latest/events/#post-an-event
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dashboards.datadog.messages import plain
from dashboards.panels import Mark, Page
from dashboards.resources import slug


def events(pages: Sequence[Page]) -> dict[str, dict[str, Any]]:
    """Return the events by name, as bodies of the API: one a mark, whatever number of graphs draws it."""
    found: dict[str, dict[str, Any]] = {}
    for page in pages:
        for mark in _marks(page):
            label = mark.label if page.kind != "endpoint" else f"{mark.label} of {page.subject}"
            name = f"{slug(label)}-{slug(mark.at)}"
            if name not in found:
                found[name] = _event(mark, label, page.subject if page.kind == "endpoint" else "")
            elif page.kind == "endpoint":
                found[name] = _event(mark, label, page.subject)
    return dict(sorted(found.items()))


def _marks(page: Page) -> list[Mark]:
    marks = [
        mark
        for section in page.sections
        for panel in section.panels
        # A mark of the endpoint's own graphs on the system page is said again on the endpoint's page.
        if page.kind == "endpoint" or not panel.links
        for mark in panel.marks
    ]
    return list(dict.fromkeys(marks))


def _event(mark: Mark, label: str, endpoint: str) -> dict[str, Any]:
    kind = "cutover" if "cutover" in label.lower() else "deployment"
    return {
        "title": label,
        "text": f"{label} at {mark.at}.",
        "date_happened": int(datetime.fromisoformat(mark.at).timestamp()),
        "alert_type": "info",
        "priority": "normal",
        "tags": [kind, *([f"endpoint:{plain(endpoint)}"] if endpoint else []), "managed_by:hybrid_observe"],
    }
