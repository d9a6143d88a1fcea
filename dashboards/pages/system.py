"""The page of the system: endpoints, services, alarms, migration progress, cost, links to all pages."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from dashboards.pages import comparison, cost, kinds, marks, others, queries, queues, states, traffic
from dashboards.pages.drawn import share
from dashboards.pages.layout import chunks, level, numbered, row, rows, text
from dashboards.pages.migration import answer
from dashboards.pages.names import SYSTEM
from dashboards.pages.scene import Scene, in_order, is_summed, service_errors, service_requests
from dashboards.pages.titles import SIDES, code, page_link, query_link, web_link
from dashboards.panels import Link, LogQuery, Page, Panel, Section, Series
from dashboards.resources import EndpointView, Resource, ServiceView

#: Endpoints that have a row of graphs each; more are rows of tables.
MOST_ROWS = 15
#: Pages whose links stand beside each other, and after what they are about.
_FEW_PAGES = 40
#: Rows of one table.
_ROWS = 20
#: Functions that the rows of one table sum, at most: each counts three times.
_SUMMED = 80


def page_of(scene: Scene, rest: tuple[Resource, ...], pages: tuple[Page, ...]) -> Page:
    """Return the system's page. rest: resources of no other page; pages: all other pages, for the links."""
    searches = queries.of_system(scene.system)
    alarms = in_order(scene.alarms.alarms)
    endpoints = Section(title="Endpoints", panels=_endpoints(scene))
    told = Section(title="Alarms", panels=states.panels_of(alarms[: states.MOST], "the system"))
    links = Section(title="All pages", panels=_links(scene, pages))
    # What may be cut into several pages must not stand before what the first page has to have.
    is_small = len(pages) <= _FEW_PAGES
    glance = Section(title="At a glance", panels=traffic.panels_of(scene), note=_glance(scene))
    sections = (
        *((glance, endpoints, told) if is_small else (links, told, glance, endpoints)),
        Section(title="Services", panels=_services(scene)),
        Section(title="Dead letters", panels=queues.dead_letters(scene, _dead_letters(scene))),
        Section(title="Gateways", panels=_gateways(scene)),
        Section(title="Cost", panels=cost.panels_of(scene)),
        *((links,) if is_small else ()),
        *others.section(scene, rest),
        Section(title="More alarms", panels=_more_alarms(alarms)),
    )
    return Page(
        name=SYSTEM,
        title=scene.system.title,
        kind="system",
        about=_about(scene, searches),
        sections=tuple(section for section in sections if section.panels),
        queries=searches,
    )


def _more_alarms(alarms: tuple[str, ...]) -> tuple[Panel, ...]:
    """The less urgent ones of very many: at the end, so that they do not stand before everything else."""
    rest = alarms[states.MOST :]
    return states.panels_of(rest, "the system", "more-alarms") if rest else ()


def _about(scene: Scene, searches: tuple[LogQuery, ...]) -> str:
    system = scene.system
    sizes = [(len(system.endpoints), "endpoints"), (len(system.services), "services")]
    lines = [f"{', '.join(f'{size} {what}' for size, what in sizes)}. Legacy is orange, serverless is blue."]
    links = [query_link(query.title, query.name) for query in searches]
    links += [web_link(name, url) for name, url in system.config.links.items() if "{" not in url]
    return "\n\n".join([*lines, *([" · ".join(links)] if links else [])])


def _glance(scene: Scene) -> str:
    if len(scene.system.endpoints) <= traffic.MOST:
        return ""
    return f"There are more than {traffic.MOST} endpoints, so they are not summed here: see the tables."


def _links(scene: Scene, pages: tuple[Page, ...]) -> tuple[Panel, ...]:
    """Return links to all pages: endpoints beside services and the rest, by side."""
    services = scene.system.services
    groups = [
        ("Endpoints", [page for page in pages if page.kind == "endpoint"]),
        *(
            (f"{SIDES[side]} services", [page for page in pages if _is_of(services, page, side)])
            for side in comparison.SIDES_IN_ORDER
        ),
        ("More", [page for page in pages if page.kind in ("pipeline", "service") and not page.subject]),
    ]
    panels = [
        text(
            f"links-{title.lower().replace(' ', '-')}",
            title,
            " · ".join(page_link(page.subject or page.title, page.name) for page in some),
        )
        for title, some in groups
        if some
    ]
    return row(*panels) if len(pages) <= _FEW_PAGES else rows(panels, 1)


def _is_of(services: dict[str, ServiceView], page: Page, side: str) -> bool:
    return page.kind == "service" and page.subject in services and services[page.subject].side == side


def _endpoints(scene: Scene) -> tuple[Panel, ...]:
    endpoints = tuple(one for one in scene.system.endpoints.values() if one.sides)
    if len(endpoints) > MOST_ROWS:
        return _tables(endpoints)
    return tuple(panel for endpoint in endpoints for panel in _row(scene, endpoint))


def _row(scene: Scene, endpoint: EndpointView) -> tuple[Panel, ...]:
    """One endpoint: who answers, share, error rate, p95."""
    page, name = scene.names.endpoints[endpoint.name], endpoint.name
    drawn = marks.of_endpoint(scene.system, endpoint)
    told = f"{code(endpoint.route)}\n\n{answer(endpoint)}\n\n{page_link(f'Page of {name}', page)}"
    graphs = (
        Panel(
            id=f"{page}-share",
            title=f"{name}: share of traffic",
            kind="area",
            unit="%",
            maximum=100,
            help="Requests answered by each side, in percent of both.",
            series=comparison.share_series(endpoint),
        ),
        Panel(
            id=f"{page}-errors",
            title=f"{name}: error rate",
            kind="lines",
            unit="%",
            help="Failed requests of each side, in percent of all that it answered.",
            series=comparison.failure_series(endpoint),
            lines=comparison.failure_lines(endpoint),
        ),
        Panel(
            id=f"{page}-p95",
            title=f"{name}: p95",
            kind="lines",
            unit="ms",
            help="How long 95% of the requests of each side take at most.",
            series=comparison.p95_series(endpoint),
            lines=comparison.latency_lines(endpoint),
        ),
    )
    return level(
        text(f"{page}-answer", name, told, width=6),
        *(replace(panel, width=6, marks=drawn, links=_link(page)) for panel in graphs),
    )


def _tables(endpoints: tuple[EndpointView, ...]) -> tuple[Panel, ...]:
    groups = list(chunks(endpoints, _ROWS))
    return tuple(panel for index, some in enumerate(groups) for panel in _table(some, index, len(groups)))


def _table(endpoints: tuple[EndpointView, ...], index: int, of: int) -> tuple[Panel, ...]:
    columns = (
        ("share", "Share of traffic", "%", "Requests that each side answered.", comparison.share_series),
        ("errors", "Error rate", "%", "Failed requests of each side.", comparison.failure_series),
        ("p95", "p95", "ms", "How long 95% of the requests take at most.", comparison.p95_series),
    )
    return row(
        *(
            Panel(
                id=f"endpoints-{key}" if index == 0 else f"endpoints-{key}-{index + 1}",
                title=numbered(title, index, of),
                kind="table",
                height=8,
                unit=unit,
                help=help,
                series=tuple(
                    replace(series, label=f"{endpoint.name}, {series.label.lower()}")
                    for endpoint in endpoints
                    for series in of_endpoint(endpoint)
                ),
            )
            for key, title, unit, help, of_endpoint in columns
        )
    )


def _services(scene: Scene) -> tuple[Panel, ...]:
    """Every service: requests and failures, legacy left."""
    out: list[Panel] = []
    for side in comparison.SIDES_IN_ORDER:
        some = [one for one in scene.system.services.values() if one.side == side]
        groups = list(_by_size(some))
        for index, services in enumerate(groups):
            title = numbered(f"{SIDES[side]} services", index, len(groups))
            out += _service_tables(side, title, services, index)
    return tuple(out)


def _by_size(services: list[ServiceView]) -> Iterator[tuple[ServiceView, ...]]:
    """Yield services in groups whose tables have at most _ROWS rows and _SUMMED functions."""
    here: list[ServiceView] = []
    functions = 0
    for service in services:
        size = len(service.functions) if is_summed(service) else 1
        if here and (len(here) == _ROWS or functions + size > _SUMMED):
            yield tuple(here)
            here, functions = [], 0
        here.append(service)
        functions += size
    if here:
        yield tuple(here)


def _service_tables(
    side: str, title: str, services: tuple[ServiceView, ...], index: int
) -> tuple[Panel, ...]:
    key = f"services-{side}" if index == 0 else f"services-{side}-{index + 1}"
    role = services[0].side
    height = max(5, min(8, 3 + len(services)))
    requests = tuple(Series(label=one.name, of=service_requests(one), role=role) for one in services)
    failed = tuple(
        Series(label=one.name, of=share(service_errors(one), service_requests(one)), role=role)
        for one in services
    )
    return row(
        Panel(
            id=f"{key}-requests",
            title=f"{title}: requests",
            kind="table",
            height=height,
            help="Requests, or invocations of its functions, in the newest five minutes.",
            series=requests,
        ),
        Panel(
            id=f"{key}-errors",
            title=f"{title}: error rate",
            kind="table",
            height=height,
            unit="%",
            help="Failed requests, or failed invocations of its functions, in percent.",
            series=failed,
        ),
    )


def _gateways(scene: Scene) -> tuple[Panel, ...]:
    apis = scene.system.of_kind("rest_api", "http_api", "websocket_api")
    return tuple(panel for api in apis for panel in row(*kinds.panels_of(api)))


def _dead_letters(scene: Scene) -> tuple[str, ...]:
    """Every queue that something is given up to, and those that endpoints name."""
    system = scene.system
    named = (id for endpoint in system.endpoints.values() for id in endpoint.dead_letters)
    given_up = (edge.target for edge in system.edges if edge.how == "dead_letters")
    return tuple(dict.fromkeys((*named, *given_up)))


def _link(page: str) -> tuple[Link, ...]:
    return (Link(label="Page of the endpoint", page=page),)
