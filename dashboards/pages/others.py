"""Resources that belong to no endpoint and no service: a section of the system page, or pages by kind."""

from __future__ import annotations

from itertools import groupby

from dashboards.pages import function_groups, legacy, marks
from dashboards.pages.layout import row, text
from dashboards.pages.scene import Scene
from dashboards.pages.services import dead_letters, hosts, neighbours
from dashboards.pages.titles import KINDS, bullets, kind_and_name, page_link
from dashboards.panels import Page, Panel, Section
from dashboards.resources import Resource

#: Others that the system page itself shows; more have pages of their own.
MOST = 12
_GATEWAYS = ("rest_api", "http_api", "websocket_api")


def of_system(scene: Scene) -> tuple[Resource, ...]:
    """Return the resources that no page of an endpoint, service or of the pipeline shows."""
    known = set(scene.system.pipeline)
    for endpoint in scene.system.endpoints.values():
        known.update(endpoint.downstream, endpoint.dead_letters)
        known.update(id for side in endpoint.sides for id in side.functions)
    for service in scene.system.services.values():
        known.update(service.functions, dead_letters(scene, service))
        known.update(one.id for one in hosts(scene, service))
        known.update(one.id for some in neighbours(scene, service) for one in some)
    every = scene.system.resources.values()
    return tuple(one for one in every if one.id not in known and one.kind not in _GATEWAYS)


def section(scene: Scene, others: tuple[Resource, ...]) -> tuple[Section, ...]:
    """Return the section of the system page: the graphs of few, links to the pages of many."""
    if not others:
        return ()
    panels = _linked(others) if len(others) > MOST else _drawn(scene, others)
    return (
        Section(title="Other resources", panels=panels, note="They belong to no endpoint and no service."),
    )


def pages_of(scene: Scene, others: tuple[Resource, ...]) -> tuple[Page, ...]:
    """Return a page for each kind, `resources-<kind>`, where they are too many for the system page."""
    if len(others) <= MOST:
        return ()
    return tuple(
        Page(
            name=_name(some[0]),
            title=f"Other resources: {KINDS[some[0].kind][1]}",
            kind="service",
            about=page_link("System", "system"),
            sections=(Section(title=KINDS[some[0].kind][1], panels=_drawn(scene, some)),),
        )
        for some in _by_kind(others)
    )


def _by_kind(others: tuple[Resource, ...]) -> list[tuple[Resource, ...]]:
    ordered = sorted(others, key=lambda one: list(KINDS).index(one.kind))
    return [tuple(some) for _, some in groupby(ordered, key=lambda one: one.kind)]


def _name(resource: Resource) -> str:
    return f"resources-{resource.kind.replace('_', '-')}"


def _linked(others: tuple[Resource, ...]) -> tuple[Panel, ...]:
    links = [f"{page_link(KINDS[some[0].kind][1], _name(some[0]))}: {len(some)}" for some in _by_kind(others)]
    return row(text("others", "Other resources by kind", bullets(links)))


def _drawn(scene: Scene, resources: tuple[Resource, ...]) -> tuple[Panel, ...]:
    drawn = marks.of_services(scene.system, ())
    out: list[Panel] = list(function_groups.several(scene, [one.id for one in resources], drawn))
    blind: list[str] = []
    for resource in resources:
        own = legacy.hosting(scene, (resource,), drawn)
        out += own
        if not own and resource.kind != "function":
            blind.append(kind_and_name(resource))
    if blind:
        out.append(text("blind", "Without metrics of their own", bullets(blind)))
    return tuple(out)
