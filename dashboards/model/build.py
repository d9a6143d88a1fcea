"""Templates and observe.yaml -> the model of the system that every page, alarm and renderer is made of."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dashboards.model import (
    balancers,
    checks,
    databases,
    distributions,
    events,
    functions,
    gateways,
    grants,
    graphql,
    kinds,
    machines,
    messages,
    sources,
)
from dashboards.model.downstream import Graph
from dashboards.model.draft import Draft
from dashboards.model.endpoints import Finder
from dashboards.model.hidden import without_hidden
from dashboards.model.marks import marks_of
from dashboards.model.overrides import Overrides, read_metadata, say_unknown
from dashboards.model.pipeline import pipeline_of
from dashboards.model.services import services_of
from dashboards.resources import EndpointView, ServiceView, System
from dashboards.template.values import Templates
from subscribers.config import Config

#: What connects resources, in this order: aliases before what names them, grants when all feeds are known.
_CONNECT = (
    functions.connect,
    sources.connect,
    messages.connect,
    events.connect,
    machines.connect,
    gateways.connect,
    balancers.connect,
    graphql.connect,
    distributions.connect,
    databases.connect,
    grants.connect,
)


def model_of(templates: Templates, config: Config) -> System:
    """Return the system that templates and observe.yaml describe; never raises, whatever they say.

    config: `subscribers.config.EMPTY` where there is no observe.yaml. Its files are read again for the lines
    of their keys. What was not understood, is missing or is worth knowing is in `System.notes`.
    """
    draft, marks = Draft(templates), marks_of(config)
    kinds.describe(draft)
    for connect in _CONNECT:
        connect(draft)
    read_metadata(draft)
    pipeline = pipeline_of(draft)
    services = services_of(config, draft, marks, pipeline)
    endpoints = Finder(draft, services, marks).all(config, pipeline)
    overrides = Overrides(config, draft)
    say_unknown(overrides, draft, endpoints, services, marks)
    checks.check(draft, pipeline)
    graph = Graph(draft)
    system = System(
        title=_title(templates, config),
        resources=draft.resources,
        edges=draft.edges,
        routes=draft.routes,
        endpoints={name: _whole(view, services, graph, overrides) for name, view in endpoints.items()},
        services={name: _answered_for(view, overrides) for name, view in services.items()},
        pipeline=pipeline,
        notes=tuple(draft.notes),
        config=config,
        files=templates.files,
        region=templates.deployment.region,
        account=templates.deployment.account,
        stack=templates.deployment.stack,
    )
    return without_hidden(system, overrides)


def _title(templates: Templates, config: Config) -> str:
    written = config.dashboards.get("title")
    file = next(iter((*config.files, *templates.files)), "")
    return str(written) if written else (Path(file).absolute().parent.name if file else "") or "Hybrid system"


def _whole(
    view: EndpointView, services: dict[str, ServiceView], graph: Graph, overrides: Overrides
) -> EndpointView:
    """Return an endpoint with what its requests pass on to, and who answers for it."""
    downstream, dead_letters = graph.of(view)
    own = [services[side.service] for side in reversed(view.sides)]
    used = [function for side in view.sides for function in side.functions]
    labels = view.config.labels if view.config is not None else {}
    owners = [
        overrides.told("owner", [view.name], ()),
        view.config.owner if view.config is not None else "",
        labels.get("owner", "") or labels.get("team", ""),
        *(_owner(service, overrides) for service in own),
        overrides.told("owner", (), used) or overrides.owner_tag(used),
    ]
    runbooks = [
        overrides.told("runbook", [view.name], ()),
        view.runbook,
        *(_runbook(service, overrides) for service in own),
        overrides.told("runbook", (), used),
    ]
    return msgspec.structs.replace(
        view,
        downstream=downstream,
        dead_letters=dead_letters,
        owner=next((one for one in owners if one), ""),
        runbook=next((one for one in runbooks if one), ""),
    )


def _answered_for(view: ServiceView, overrides: Overrides) -> ServiceView:
    return msgspec.structs.replace(view, owner=_owner(view, overrides), runbook=_runbook(view, overrides))


def _owner(view: ServiceView, overrides: Overrides) -> str:
    """observe.yaml's word on a service, else the template's on what belongs to it."""
    labels = view.config.labels if view.config is not None else {}
    own = (*view.functions, *view.resources)
    told = (
        overrides.told("owner", [view.name], ()),
        view.config.owner if view.config is not None else "",
        labels.get("owner", "") or labels.get("team", ""),
        overrides.told("owner", (), own),
        overrides.owner_tag(own),
    )
    return next((one for one in told if one), "")


def _runbook(view: ServiceView, overrides: Overrides) -> str:
    own = (*view.functions, *view.resources)
    return overrides.told("runbook", [view.name], ()) or view.runbook or overrides.told("runbook", (), own)
