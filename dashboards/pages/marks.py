"""Vertical lines of graphs: cutovers of endpoints, deployments of observe.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashboards.panels import Mark
from dashboards.resources import EndpointView, System

#: Where a graph has more lines than it can show, the newest stay.
MOST = 20


def of_endpoint(system: System, endpoint: EndpointView) -> tuple[Mark, ...]:
    """Return an endpoint's cutover and the deployments of its services."""
    cutover = [Mark(label="Cutover", at=_cutover(endpoint))] if _cutover(endpoint) else []
    return _newest([*cutover, *_deployments(system, {side.service for side in endpoint.sides})])


def of_services(system: System, services: Iterable[str]) -> tuple[Mark, ...]:
    """Return the deployments of some services, and those that are of all."""
    return _newest(_deployments(system, set(services)))


def of_system(system: System) -> tuple[Mark, ...]:
    """Return every cutover and every deployment."""
    cutovers = [
        Mark(label=f"Cutover of {endpoint.name}", at=_cutover(endpoint))
        for endpoint in system.endpoints.values()
        if _cutover(endpoint)
    ]
    return _newest([*cutovers, *_deployments(system, None)])


def _cutover(endpoint: EndpointView) -> str:
    return endpoint.config.cutover if endpoint.config else ""


def _deployments(system: System, services: set[str] | None) -> list[Mark]:
    written: list[dict[str, Any]] = system.config.dashboards.get("deployments", [])
    return [
        Mark(label=str(one["label"]), at=str(one["at"]))
        for one in written
        if services is None or one.get("service", "") in {"", *services}
    ]


def _newest(marks: list[Mark]) -> tuple[Mark, ...]:
    ordered = sorted(dict.fromkeys(marks), key=lambda mark: (mark.at, mark.label))
    return tuple(ordered[-MOST:])
