"""Saved log queries: newest errors, and everything of one correlation ID over both sides."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from dashboards.pages.layout import chunks, numbered
from dashboards.pages.scene import Scene
from dashboards.pages.titles import SIDES
from dashboards.panels import Link, LogQuery, Panel
from dashboards.resources import EndpointView, Name, ServiceView, System

#: Log groups that one query of CloudWatch may search.
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
MOST_GROUPS = 50
_STORY_LINES = 1000
#: observe.yaml's `links` that have a name of their own in the documentation.
_LABELS = {
    "trace": "Open the trace",
    "logs": "Open the logs",
    "metrics": "Open the metrics",
    "dashboard": "Open the dashboard",
    "deployment": "Open the deployment",
}


def of_system(system: System) -> tuple[LogQuery, ...]:
    """Return `story`, `story-2` ...: one correlation ID over all log groups of the system."""
    groups = distinct(
        [group for service in system.services.values() for group in service.log_groups]
        + [group for end in system.endpoints.values() for side in end.sides for group in side.log_groups]
    )
    query = LogQuery(
        name="story",
        title="Everything of one correlation ID, both sides",
        services=tuple(system.services),
        log_groups=groups,
        is_by_correlation_id=True,
        limit=_STORY_LINES,
    )
    return split(query) if groups or system.services else ()


def of_endpoint(scene: Scene, endpoint: EndpointView) -> tuple[LogQuery, ...]:
    """Return the newest errors of both sides of an endpoint, and one correlation ID over both sides."""
    groups = distinct(group for side in endpoint.sides for group in side.log_groups)
    services = tuple(dict.fromkeys(side.service for side in endpoint.sides if side.service))
    errors = LogQuery(
        name=scene.names.errors[endpoint.name],
        title=f"Newest errors of {endpoint.name}",
        services=services,
        log_groups=groups,
        is_errors=True,
        endpoint=endpoint.name if endpoint.config else "",
    )
    story = LogQuery(
        name=scene.names.stories[endpoint.name],
        title=f"Everything of one correlation ID of {endpoint.name}, {_sides(endpoint)}",
        services=services,
        log_groups=groups,
        is_by_correlation_id=True,
        limit=_STORY_LINES,
    )
    return (*split(errors), *split(story)) if groups or services else ()


def of_service(scene: Scene, service: ServiceView) -> tuple[LogQuery, ...]:
    """Return the newest errors of a service."""
    return split(
        LogQuery(
            name=scene.names.service_errors[service.name],
            title=f"Newest errors of {service.name}",
            services=(service.name,),
            log_groups=distinct(service.log_groups),
            is_errors=True,
        )
    )


def split(query: LogQuery) -> tuple[LogQuery, ...]:
    """Return queries of at most MOST_GROUPS log groups; the second is `story-2`, of others `<name>--2`.

    Two hyphens: no slug has them, so that no other subject's query is called that.
    """
    between = "-" if query.name == "story" else "--"
    parts = list(chunks(query.log_groups, MOST_GROUPS)) or [()]
    return tuple(
        replace(
            query,
            name=query.name if index == 0 else f"{query.name}{between}{index + 1}",
            title=numbered(query.title, index, len(parts)),
            log_groups=groups,
        )
        for index, groups in enumerate(parts)
    )


def distinct(names: Iterable[Name]) -> tuple[Name, ...]:
    """Return names, each once, in order."""
    return tuple({(name.shown, repr(name.expression)): name for name in names}.values())


def newest_errors(scene: Scene, id: str, queries: tuple[LogQuery, ...], services: Iterable[str]) -> Panel:
    """Return the panel of newest errors: the first query, links to the others, to traces and the like."""
    first = queries[0]
    return Panel(
        id=id,
        title=first.title,
        kind="logs",
        width=24,
        height=8,
        query=first,
        links=(*query_links(queries), *web_links(scene.system, services)),
        help="The newest error lines with their correlation IDs; with such an ID the query of one "
        "correlation ID shows what happened on both sides, in order of time.",
        empty="No line means that there was no error, or that the log groups are not known here.",
    )


def query_links(queries: Iterable[LogQuery]) -> tuple[Link, ...]:
    """Return a link to each query."""
    return tuple(Link(label=query.title, query=query.name) for query in queries)


def web_links(system: System, services: Iterable[str] = ()) -> tuple[Link, ...]:
    """Return observe.yaml's address templates: those of the system, with those of some services."""
    found = dict(system.config.links)
    for name in services:
        if name in system.config.services:
            found.update(system.config.services[name].links)
    return tuple(Link(label=_LABELS.get(name, name), url=url) for name, url in found.items())


def _sides(endpoint: EndpointView) -> str:
    names = [SIDES[side.side].lower() for side in endpoint.sides]
    return "both sides" if len(names) == 2 else f"{''.join(names)} side"
