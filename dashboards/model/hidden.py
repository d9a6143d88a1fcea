"""What `hide: true` leaves out: resources, endpoints and services, and all that speaks of them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dashboards.model.overrides import Overrides
from dashboards.resources import EndpointView, Implementation, Note, Route, ServiceView, System


def without_hidden(system: System, overrides: Overrides) -> System:
    """Return the system without what is hidden, each with a note that says so."""
    resources = {one.id for one in system.resources.values() if overrides.hides_resource(one)}
    endpoints = {name for name in system.endpoints if overrides.hides(name)}
    services = {name for name in system.services if overrides.hides(name)}
    # A service that is nothing but a hidden function goes with it.
    services |= {view.name for view in system.services.values() if _is_only(view, resources)}
    if not (resources or endpoints or services):
        return system
    gone = [*(one for one in system.resources if one in resources), *sorted(endpoints), *sorted(services)]
    notes = [Note(level="info", text=f"{name} is hidden, as asked.", subject=name) for name in gone]
    kept = {name: view for name, view in system.services.items() if name not in services}
    return msgspec.structs.replace(
        system,
        resources={name: one for name, one in system.resources.items() if name not in resources},
        edges=tuple(one for one in system.edges if not {one.source, one.target} & resources),
        routes=_routes(system, resources),
        endpoints={
            name: _endpoint(view, resources, system)
            for name, view in system.endpoints.items()
            if name not in endpoints
        },
        services={name: _service(view, resources, endpoints) for name, view in kept.items()},
        pipeline=_left(system.pipeline, resources),
        notes=(*(note for note in system.notes if note.subject not in gone), *notes),
    )


def _is_only(view: ServiceView, hidden: set[str]) -> bool:
    return view.config is None and bool(view.functions) and set(view.functions) <= hidden


def _routes(system: System, hidden: set[str]) -> dict[str, Route]:
    return {
        name: msgspec.structs.replace(route, target="") if route.target in hidden else route
        for name, route in system.routes.items()
        if route.api not in hidden
    }


def _left(names: Iterable[str], hidden: set[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in hidden)


def _endpoint(view: EndpointView, hidden: set[str], system: System) -> EndpointView:
    return msgspec.structs.replace(
        view,
        legacy=_side(view.legacy, hidden, system),
        serverless=_side(view.serverless, hidden, system),
        downstream=_left(view.downstream, hidden),
        dead_letters=_left(view.dead_letters, hidden),
    )


def _side(side: Implementation | None, hidden: set[str], system: System) -> Implementation | None:
    if side is None:
        return None
    return msgspec.structs.replace(
        side,
        routes=tuple(one for one in side.routes if system.routes[one].api not in hidden),
        functions=_left(side.functions, hidden),
        resources=_left(side.resources, hidden),
        is_alone=side.is_alone and not set(side.functions) & hidden,
    )


def _service(view: ServiceView, hidden: set[str], endpoints: set[str]) -> ServiceView:
    return msgspec.structs.replace(
        view,
        functions=_left(view.functions, hidden),
        resources=_left(view.resources, hidden),
        endpoints=_left(view.endpoints, endpoints),
    )
