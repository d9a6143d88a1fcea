"""The page of a service of either side: its functions or its application, what feeds it, its log queries."""

from __future__ import annotations

from dashboards.pages import function_groups, functions, kinds, legacy, marks, queries, queues, states
from dashboards.pages.layout import row, text
from dashboards.pages.scene import Scene
from dashboards.pages.titles import (
    SIDES,
    bullets,
    code,
    escaped,
    kind_and_name,
    page_link,
    query_link,
    web_link,
)
from dashboards.panels import LogQuery, Mark, Page, Panel, Section
from dashboards.resources import Resource, ServiceView

#: Names that a list shows, at most.
_MOST = 12


def page_of(scene: Scene, service: ServiceView) -> Page:
    """Return the page of a service."""
    searches = queries.of_service(scene, service)
    page = scene.names.services[service.name]
    drawn = marks.of_services(scene.system, [service.name])
    around = neighbours(scene, service)
    alarms = scene.alarms_of(page, [service.name, *service.functions, *service.resources])
    sections = (
        Section(title="Alarms", panels=states.panels_of(alarms, f"service {service.name}")),
        *_application(service, drawn),
        *_functions(scene, service, drawn),
        Section(title="What it runs on", panels=legacy.hosting(scene, hosts(scene, service), drawn)),
        Section(title="What feeds it", panels=_graphs(around[0], drawn)),
        Section(title="What it writes to", panels=_graphs(around[1], drawn)),
        Section(title="Dead letters", panels=queues.dead_letters(scene, dead_letters(scene, service))),
        Section(title="Who depends on it", panels=_dependants(scene, service)),
        Section(
            title="Newest errors",
            panels=(queries.newest_errors(scene, "newest-errors", searches, [service.name]),),
        ),
    )
    return Page(
        name=page,
        title=f"{service.name} ({SIDES[service.side].lower()})",
        kind="service",
        subject=service.name,
        about=_about(scene, service, searches),
        sections=tuple(section for section in sections if section.panels),
        queries=searches,
    )


def hosts(scene: Scene, service: ServiceView) -> tuple[Resource, ...]:
    """Return the resources that belong to a service, its functions left out."""
    return tuple(one for one in scene.resources(service.resources) if one.kind != "function")


def neighbours(scene: Scene, service: ServiceView) -> tuple[tuple[Resource, ...], tuple[Resource, ...]]:
    """Return what feeds a service's functions, and what they write to; functions and its own left out."""
    own = {*service.functions, *service.resources}
    before = [id for id in scene.sources(service.functions, "feeds", "fronts") if id not in own]
    after = [id for id in scene.targets(service.functions, "writes") if id not in {*own, *before}]
    feeding = [one for one in scene.resources(before) if one.kind != "function"]
    written = [one for one in scene.resources(after) if one.kind not in ("function", "database")]
    return tuple(feeding), tuple(written)


def dead_letters(scene: Scene, service: ServiceView) -> tuple[str, ...]:
    """Return the IDs of the dead letters of a service's functions, and of the queues that feed them."""
    feeding = scene.sources(service.functions, "feeds")
    return scene.targets((*service.functions, *service.resources, *feeding), "dead_letters")


def _application(service: ServiceView, drawn: tuple[Mark, ...]) -> tuple[Section, ...]:
    if service.functions:
        return ()
    requests = Section(title="Requests", panels=legacy.requests(service, drawn))
    if service.side == "serverless":
        return (requests,)
    return (requests, Section(title="How full it is", panels=legacy.saturation(service, drawn)))


def _functions(scene: Scene, service: ServiceView, drawn: tuple[Mark, ...]) -> tuple[Section, ...]:
    found = scene.resources(service.functions, "function")
    if not found:
        return ()
    lines = Section(title="Log lines", panels=row(legacy.error_lines(service, drawn)))
    if len(found) > function_groups.MOST:
        return (Section(title="Functions", panels=function_groups.together(found, "functions", drawn)), lines)
    own = (
        Section(
            title=f"Function {one.name.known or one.logical_id}", panels=functions.whole(scene, one, drawn)
        )
        for one in found
    )
    return (*own, lines)


def _graphs(resources: tuple[Resource, ...], drawn: tuple[Mark, ...]) -> tuple[Panel, ...]:
    return tuple(panel for one in resources for panel in row(*kinds.panels_of(one, drawn)))


def _dependants(scene: Scene, service: ServiceView) -> tuple[Panel, ...]:
    """Say which endpoints it answers, and which resources of others lead to its own."""
    endpoints = [
        page_link(name, scene.names.endpoints[name])
        for name in service.endpoints
        if name in scene.names.endpoints
    ]
    own = (*service.functions, *service.resources)
    others = [one for one in scene.resources(scene.sources(own)) if one.id not in own]
    lines = []
    if endpoints:
        lines.append(f"Endpoints: {_some(endpoints)}")
    if others:
        lines.append(f"Resources: {_some([code(kind_and_name(one)) for one in others])}")
    return row(text("dependants", "Who depends on it", bullets(lines))) if lines else ()


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _about(scene: Scene, service: ServiceView, searches: tuple[LogQuery, ...]) -> str:
    config = service.config
    lines = [escaped(config.description)] if config and config.description else []
    owner = f" Owner: {escaped(service.owner)}." if service.owner else ""
    lines.append(f"A service of the **{service.side}** side.{owner}")
    links = [page_link("System", "system")]
    if service.runbook:
        links.append(web_link("Runbook", service.runbook))
    links += [
        page_link(name, scene.names.endpoints[name])
        for name in service.endpoints[:_MOST]
        if name in scene.names.endpoints
    ]
    links += [query_link(query.title, query.name) for query in searches]
    return "\n\n".join([*lines, " · ".join(links)])
