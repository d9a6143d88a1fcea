"""Cutovers and deployments as annotations in Grafana's database: one each, found by its tags.

https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from dashboards.panels import Page
from dashboards.resources import System, slug

TAG = "hybrid-observe"
#: Of a deployment that observe.yaml gives no service.
EVERYWHERE = "all-services"


def tags_of(system: System) -> list[str]:
    """Return the tags of everything that is one system's."""
    return [TAG, slug(system.title)]


def marks(system: System) -> list[dict[str, Any]]:
    """Return bodies of POST /api/annotations: cutovers and deployments, each once, in order of time."""
    found = {(time, label, tuple(tags)) for time, label, tags in (*_cutovers(system), *_deployments(system))}
    return [
        {"time": time, "tags": [*tags_of(system), *tags], "text": label}
        for time, label, tags in sorted(found)
    ]


def queried(page: Page, system: System) -> Iterator[tuple[str, list[str]]]:
    """Yield name and tags of the annotations of a page: all on the system's, its own on another.

    An annotation has every tag of such a query, so that each service has one of its own.
    """
    if page.kind == "system":
        yield "Cutovers", ["cutover"]
        yield "Deployments", ["deployment"]
        return
    services: list[str] = []
    if page.kind == "service":
        services = [page.subject]
    elif page.kind == "endpoint":
        yield "Cutovers", ["cutover", _of("endpoint", page.subject)]
        endpoint = system.endpoints.get(page.subject)
        services = [side.service for side in endpoint.sides] if endpoint else []
    for service in dict.fromkeys(one for one in services if one):
        yield f"Deployments of {service}", ["deployment", _of("service", service)]
    yield "Deployments of all", ["deployment", EVERYWHERE]


def _cutovers(system: System) -> Iterator[tuple[int, str, list[str]]]:
    for endpoint in system.endpoints.values():
        if endpoint.config and endpoint.config.cutover:
            time = _milliseconds(endpoint.config.cutover)
            yield time, f"Cutover of {endpoint.name}", ["cutover", _of("endpoint", endpoint.name)]


def _deployments(system: System) -> Iterator[tuple[int, str, list[str]]]:
    for one in system.config.dashboards.get("deployments", []):
        service = one.get("service", "")
        of = _of("service", service) if service else EVERYWHERE
        yield _milliseconds(str(one["at"])), str(one["label"]), ["deployment", of]


def _of(kind: str, name: str) -> str:
    return f"{kind}:{slug(name)}"


def _milliseconds(at: str) -> int:
    """Since 1970; a time without an offset is UTC, wherever the files are made."""
    time = datetime.fromisoformat(at)
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
