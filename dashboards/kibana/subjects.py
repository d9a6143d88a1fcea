"""Filters that say whose documents are meant: of a service, a function, one side of an endpoint.

Names that only a deployed stack has are patterns with `*`. The requests of an endpoint have as route the
implementation's own or the endpoint's; names of parameters do not matter.
"""

from __future__ import annotations

import re

from dashboards.kibana.filters import Every, Filter, Like, Not, Term, either
from dashboards.resources import Implementation, Name, System

_PARAMETER = re.compile(r"\{[^{}/]*\}|(?<=/):[^/]+|<[^<>/]+>")
#: How frameworks write a parameter.
_STYLES = ("{*}", ":*", "<*>")


def of_service(name: str) -> Filter:
    """Documents of a service of observe.yaml."""
    return Term("service.name", name)


def of_groups(groups: tuple[Name, ...]) -> Filter:
    """Documents that came from any of these log groups."""
    return either(tuple(_named("aws.cloudwatch.log_group", group.known or group.pattern) for group in groups))


def in_function(resource_id: str, system: System) -> Filter | None:
    """Documents of a function, by its log groups; None where there is no such function."""
    resource = system.resources.get(resource_id)
    if resource is None or resource.kind != "function":
        return None
    group = f"/aws/lambda/{resource.name.known or resource.name.pattern}"
    return of_groups(resource.log_groups or (Name(known=group, pattern=group),))


def in_implementation(subject: str, system: System) -> Every | str:
    """Requests of one side of an endpoint, as spans; subject: `NAME/legacy`. Else why there are none."""
    name, _, side = subject.rpartition("/")
    view = system.endpoints.get(name)
    found = next((one for one in view.sides if one.side == side), None) if view else None
    if view is None or found is None:
        return f"there is no {side or 'such'} implementation of {name or subject}"
    return Every((of_service(found.service), Term("span.kind", "server"), _routed(found, view.route)))


def _routed(found: Implementation, route: str) -> Filter:
    routes = dict.fromkeys(one for one in (found.route, route) if one)
    return either(tuple(_route(one) for one in routes))


def _route(route: str) -> Filter:
    method, _, path = route.partition(" ")
    path = path.rstrip("/") or "/"
    parts: tuple[Filter, ...] = (_path(path),)
    return parts[0] if method == "ANY" else Every((Term("http.request.method", method), *parts))


def _path(path: str) -> Filter:
    """A route as it is written; with parameters also with other names of them."""
    exact = Term("http.route", path)
    if not _PARAMETER.search(path):
        return exact
    return either((exact, *(_styled(path, style) for style in _STYLES)))


def _styled(path: str, style: str) -> Filter:
    """Routes of the same shape: `*` is any text, so what has one more part is excluded."""
    pattern = _PARAMETER.sub(style, path)
    return Every((Like("http.route", pattern), Not(Like("http.route", f"/*{'/*' * path.count('/')}"))))


def _named(field: str, name: str) -> Filter:
    return Like(field, name) if "*" in name else Term(field, name)
