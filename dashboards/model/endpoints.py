"""Endpoints: those of observe.yaml with what the templates have of either side, and routes of no endpoint."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dashboards.model import services as of_services
from dashboards.model.draft import Draft
from dashboards.model.integrations import host_of
from dashboards.model.marks import Marks
from dashboards.model.matching import is_same, matching
from dashboards.resources import EndpointView, Implementation, Route, ServiceView, slug
from subscribers.config import Config, Endpoint
from subscribers.config import Implementation as Written
from subscribers.signals import Side

_SIDES: tuple[Side, ...] = ("legacy", "serverless")
_BEHIND = ("load_balancer", "target_group", "ecs_service", "database", "database_cluster")


class Finder:
    """Finds endpoints, and gives services their endpoints on the way."""

    def __init__(self, draft: Draft, services: dict[str, ServiceView], marks: Marks) -> None:
        self.draft, self.services, self.marks = draft, services, marks
        self.found: dict[str, EndpointView] = {}
        self._used: set[str] = set()

    def all(self, config: Config, without: Iterable[str]) -> dict[str, EndpointView]:
        """Return every endpoint by name. without: IDs of functions whose routes are none."""
        left_out = set(without)
        for endpoint in config.endpoints.values():
            self._add(self._written(endpoint))
        free = [route for route in self.draft.routes.values() if self._is_free(route, left_out)]
        while free:
            group = _together(free)
            free = [route for route in free if route not in group]
            self._add(self._own(group))
        return self._judged()

    def _is_free(self, route: Route, left_out: set[str]) -> bool:
        # A browser's preflight requests are nobody's endpoint.
        own = route.side != "unknown" and route.method != "OPTIONS"
        return (
            own and route.id not in self._used and route.target not in left_out and not self._is_inner(route)
        )

    def _is_inner(self, route: Route) -> bool:
        """Whether a load balancer's rule for everything is only the way on from a gateway's routes."""
        balancer = self.draft.resources[route.api].kind == "load_balancer" and route.path == "/*"
        return balancer and any(one.target == route.api for one in self.draft.routes.values())

    def _add(self, view: EndpointView) -> None:
        self.found[view.name] = view
        for side in view.sides:
            self._used |= set(side.routes)
            if side.service not in self.services:
                self.services[side.service] = ServiceView(name=side.service, side=side.side, place=view.place)
            service = of_services.with_endpoint(self.services[side.service], view.name)
            resources = tuple(dict.fromkeys((*service.resources, *side.resources)))
            self.services[side.service] = msgspec.structs.replace(service, resources=resources)

    def _written(self, endpoint: Endpoint) -> EndpointView:
        sides = {side: self._side(endpoint, side, getattr(endpoint, side)) for side in _SIDES}
        return EndpointView(
            name=endpoint.name,
            route=endpoint.route,
            legacy=sides["legacy"],
            serverless=sides["serverless"],
            config=endpoint,
            runbook=endpoint.runbook,
            place=self.marks.place("endpoints", endpoint.name),
        )

    def _side(self, endpoint: Endpoint, side: Side, written: Written | None) -> Implementation | None:
        if written is None:
            return None
        service = self.services.get(written.service)
        routes = matching(self.draft.routes.values(), side, written.route, endpoint.route)
        functions = self._functions(routes) if side == "serverless" else []
        if service is not None and side == "serverless":
            routes, functions = self._checked(endpoint, service, routes, functions)
        return self._implementation(side, written.service, written.route, routes, functions)

    def _checked(
        self, endpoint: Endpoint, service: ServiceView, routes: list[Route], functions: list[str]
    ) -> tuple[list[Route], list[str]]:
        """Return the routes and functions of a serverless side; say where templates and file disagree."""
        place = self.marks.place("endpoints", endpoint.name, "serverless", "service")
        both = [one for one in functions if one in service.functions]
        if both:
            return [route for route in routes if route.target in both or not self._is_function(route)], both
        if functions and service.functions:
            said = f"endpoints.{endpoint.name}: {endpoint.route} leads to {', '.join(functions)}, which"
            self.draft.note(
                "warning", f"{said} the service {service.name} does not have.", place, endpoint.name
            )
        if not functions and not service.functions and not routes:
            said = (
                f"endpoints.{endpoint.name}: no function and no route of the templates is its serverless side"
            )
            why = (
                f"neither a function of the service {service.name} nor the route {endpoint.route} is in them"
            )
            self.draft.note("warning", f"{said}: {why}.", place, endpoint.name)
        return routes, functions or list(service.functions)

    def _is_function(self, route: Route) -> bool:
        return bool(route.target) and self.draft.resources[route.target].kind == "function"

    def _functions(self, routes: Iterable[Route]) -> list[str]:
        return list(dict.fromkeys(route.target for route in routes if self._is_function(route)))

    def _implementation(
        self, side: Side, service: str, route: str, routes: list[Route], functions: list[str]
    ) -> Implementation:
        view = self.services.get(service)
        resources = list(view.resources) if view is not None else []
        resources += [one for route in routes for one in self._behind(route.target)]
        resources += [
            route.api for route in routes if self.draft.resources[route.api].kind == "load_balancer"
        ]
        groups = {group.shown: group for group in self.draft.names_of(functions)}
        if view is not None and (side == "legacy" or not groups):
            groups |= {group.shown: group for group in view.log_groups}
        return Implementation(
            side=side,
            service=service,
            route=route,
            routes=tuple(route.id for route in routes),
            functions=tuple(functions),
            resources=tuple(dict.fromkeys(resources))
            if side == "legacy"
            else tuple(view.resources if view else ()),
            log_groups=tuple(groups.values()),
        )

    def _behind(self, target: str) -> list[str]:
        """A target that is a load balancer, a target group, ..., and what is behind it."""
        found = [target] if target and self.draft.resources[target].kind in _BEHIND else []
        for one in found:
            next_ones = [
                edge.target for edge in self.draft.edges if edge.source == one and edge.how == "fronts"
            ]
            kinds = [each for each in next_ones if self.draft.resources[each].kind in _BEHIND]
            found += [each for each in kinds if each not in found]
        return found

    def _own(self, routes: list[Route]) -> EndpointView:
        """An endpoint of routes that observe.yaml does not name."""
        sides: dict[Side, Implementation | None] = {}
        for side in _SIDES:
            own = [route for route in routes if route.side == side]
            functions = self._functions(own) if side == "serverless" else []
            service = self._service_of(own, functions, side) if own else ""
            sides[side] = self._implementation(side, service, own[0].route, own, functions) if own else None
        # What names a method says more than a rule of a load balancer or a CDN.
        first = next((route for route in routes if route.method != "ANY"), routes[0])
        return EndpointView(
            name=self._name(first),
            route=first.route,
            legacy=sides["legacy"],
            serverless=sides["serverless"],
            place=first.place,
        )

    def _name(self, route: Route) -> str:
        api = self.draft.resources[route.api].logical_id
        names = [slug(route.route), f"{slug(route.route)}-{slug(api)}"]
        names += [f"{names[1]}-{number}" for number in range(2, len(self.found) + 3)]
        return next(name for name in names if name not in self.found)

    def _service_of(self, routes: list[Route], functions: list[str], side: Side) -> str:
        if functions:
            return self.draft.resources[functions[0]].facts.get("service", "")
        if side == "serverless":
            target = routes[0].target
            return self.draft.resources[target].logical_id if target else slug(routes[0].route)
        host = host_of(routes[0].url)
        known = (
            view.legacy.service
            for view in self.found.values()
            if view.legacy is not None and view.config is not None
            for route in view.legacy.routes
            if host and host_of(self.draft.routes[route].url) == host
        )
        target = routes[0].target
        behind = self.draft.resources[target].facts.get("service", "") if target else ""
        name = self.draft.resources[target].logical_id if target else "legacy"
        return next(known, "") or behind or _plain(host) or name

    def _judged(self) -> dict[str, EndpointView]:
        """Return the endpoints, each side knowing whether its function serves nothing else."""
        users: dict[str, set[str]] = {}
        for view in self.found.values():
            for function in view.serverless.functions if view.serverless else ():
                users.setdefault(function, set()).add(view.name)
        return {name: self._with_alone(view, users) for name, view in self.found.items()}

    def _with_alone(self, view: EndpointView, users: dict[str, set[str]]) -> EndpointView:
        side = view.serverless
        if side is None or len(side.functions) != 1:
            return view
        function = side.functions[0]
        others = [
            one for one in self.draft.routes.values() if one.target == function and one.id not in side.routes
        ]
        fed = [
            edge for edge in self.draft.edges if edge.target == function and edge.how in ("feeds", "writes")
        ]
        graph = [
            edge
            for edge in self.draft.edges
            if edge.target == function and self.draft.resources[edge.source].kind == "graphql"
        ]
        is_alone = (
            users[function] == {view.name}
            and not (others or fed or graph)
            and "schedule" not in self.draft.resources[function].facts
        )
        return msgspec.structs.replace(view, serverless=msgspec.structs.replace(side, is_alone=is_alone))


def _together(free: list[Route]) -> list[Route]:
    """The first route that is left, and those that are the other side of the same requests."""
    first = free[0]
    same = [route for route in free[1:] if is_same(route, first.route) and route.side != first.side]
    # Of weighted target groups and regional APIs of one path several may be of one side.
    same += [route for route in free[1:] if _is_twin(route, first)]
    return [route for route in free if route is first or route in same]


def _is_twin(route: Route, first: Route) -> bool:
    return route.api == first.api and route.route == first.route


def _plain(host: str) -> str:
    return host if "*" not in host else ""
