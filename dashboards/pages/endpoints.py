"""The page of an endpoint: both sides beside each other, its promises, what it calls, its newest errors."""

from __future__ import annotations

from dashboards.pages import (
    budgets,
    comparison,
    function_groups,
    functions,
    gateways,
    kinds,
    marks,
    migration,
    queries,
    queues,
    states,
)
from dashboards.pages.layout import row
from dashboards.pages.scene import Scene, endpoint_subjects
from dashboards.pages.titles import SIDES, called, code, escaped, page_link, query_link, web_link
from dashboards.panels import LogQuery, Page, Panel, Section
from dashboards.resources import EndpointView, Implementation

_ONE_SIDE = "This endpoint has a {side} implementation only, so there is nothing to compare it with"


def page_of(scene: Scene, endpoint: EndpointView) -> Page:
    """Return the page of an endpoint."""
    searches = queries.of_endpoint(scene, endpoint)
    page = scene.names.endpoints[endpoint.name]
    alarms = scene.alarms_of(page, endpoint_subjects(endpoint))
    sections = (
        Section(title="Side by side", note=_note(endpoint), panels=_comparison(scene, endpoint)),
        Section(title="Promises and error budget", panels=_budgets(scene, endpoint)),
        Section(title="Alarms", panels=states.panels_of(alarms, f"endpoint {endpoint.name}")),
        Section(title="At the gateway", panels=_gateway(scene, endpoint)),
        Section(title="Functions", panels=_functions(scene, endpoint)),
        Section(title="What it passes on to", panels=_downstream(scene, endpoint)),
        Section(title="Dead letters", panels=queues.dead_letters(scene, endpoint.dead_letters)),
        Section(title="Newest errors", panels=_errors(scene, endpoint, searches)),
    )
    return Page(
        name=page,
        title=_title(endpoint),
        kind="endpoint",
        subject=endpoint.name,
        about=_about(scene, endpoint, searches),
        sections=tuple(section for section in sections if section.panels),
        queries=searches,
    )


def _title(endpoint: EndpointView) -> str:
    return endpoint.name if endpoint.name == endpoint.route else f"{endpoint.name}: {endpoint.route}"


def _about(scene: Scene, endpoint: EndpointView, searches: tuple[LogQuery, ...]) -> str:
    config = endpoint.config
    lines = [escaped(config.description)] if config and config.description else []
    lines.append(migration.answer(endpoint))
    lines += [_side(scene, side) for side in endpoint.sides]
    facts = [f"Owner: {escaped(endpoint.owner)}."] if endpoint.owner else []
    if config and config.cutover:
        facts.append(f"Cutover: {config.cutover}.")
    links = [page_link("System", "system")]
    if endpoint.runbook:
        links.append(web_link("Runbook", endpoint.runbook))
    links += [query_link(query.title, query.name) for query in searches]
    return "\n\n".join([*lines, *([" ".join(facts)] if facts else []), " · ".join(links)])


def _side(scene: Scene, side: Implementation) -> str:
    page = scene.names.services.get(side.service)
    service = page_link(side.service, page) if page else code(side.service or "unknown")
    through = [code(called(one)) for one in scene.resources(side.functions)]
    what = f" by {', '.join(through[:5])}" if through else ""
    return f"{SIDES[side.side]}: service {service}{what}, as {code(side.route)}."


def _note(endpoint: EndpointView) -> str:
    lines = [migration.history(endpoint)] if len(endpoint.sides) == 2 else [_alone(endpoint)]
    return "\n".join(line for line in lines if line)


def _alone(endpoint: EndpointView) -> str:
    side = endpoint.sides[0].side if endpoint.sides else "legacy"
    known = bool(endpoint.config and {"p95_ms", "error_percent"} & endpoint.config.baseline.keys())
    rest = " but the legacy baseline, which is drawn as a line." if known else "."
    return f"{_ONE_SIDE.format(side=side)}{rest} {migration.history(endpoint)}".strip()


def _comparison(scene: Scene, endpoint: EndpointView) -> tuple[Panel, ...]:
    return comparison.panels_of(scene.system, endpoint) if endpoint.sides else ()


def _budgets(scene: Scene, endpoint: EndpointView) -> tuple[Panel, ...]:
    drawn = marks.of_endpoint(scene.system, endpoint)
    own = [slo for slo in scene.alarms.slos if slo.endpoint == endpoint.name]
    return tuple(panel for slo in own for panel in budgets.panels_of(slo, drawn))


def _gateway(scene: Scene, endpoint: EndpointView) -> tuple[Panel, ...]:
    routes = [route for side in endpoint.sides for route in side.routes]
    return gateways.panels_of(scene, routes, marks.of_endpoint(scene.system, endpoint))


def _functions(scene: Scene, endpoint: EndpointView) -> tuple[Panel, ...]:
    own = [id for side in endpoint.sides for id in side.functions]
    return function_groups.several(scene, own, marks.of_endpoint(scene.system, endpoint))


def _downstream(scene: Scene, endpoint: EndpointView) -> tuple[Panel, ...]:
    own = {id for side in endpoint.sides for id in side.functions}
    after = [id for id in endpoint.downstream if id not in own and id not in endpoint.dead_letters]
    drawn = marks.of_endpoint(scene.system, endpoint)
    panels: list[Panel] = []
    for resource in scene.resources(after):
        if resource.kind == "function":
            panels += functions.brief(scene, resource, drawn)
        else:
            panels += row(*kinds.panels_of(resource, drawn, most=2))
    return tuple(panels)


def _errors(scene: Scene, endpoint: EndpointView, searches: tuple[LogQuery, ...]) -> tuple[Panel, ...]:
    if not searches:
        return ()
    services = [side.service for side in endpoint.sides]
    return (queries.newest_errors(scene, "newest-errors", searches, services),)
