"""Which endpoint of observe.yaml a request belongs to; names of parameters in routes do not matter.

A side's own route counts and the endpoint's, and `ANY` stands for every method.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from subscribers.config import Endpoint
from subscribers.signals import Side

_PARAMETER = re.compile(r"\{[^{}/]*?(\+?)\}")
#: How Express, Rails, Flask and Spring's older half write a parameter.
_OTHER_PARAMETER = re.compile(r"(?<=/)(?::[^/]+|<[^<>/]+>)")


def canonical(route: str) -> tuple[str, str]:
    """Return (method, path) of a route, without the names of its parameters and a slash at the end."""
    method, _, path = route.partition(" ")
    path = _PARAMETER.sub(r"{\1}", _OTHER_PARAMETER.sub("{}", path))
    return method, path.rstrip("/") or "/"


class Routes:
    """The routes of some endpoints, to look requests up in."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._own = _implementations(endpoints)
        self._any = {key[2:]: name for key, name in reversed(self._own.items())}

    def endpoint(self, side: Side, service: str, route: str) -> str:
        """Return the endpoint of a request; route: `METHOD /path/{name}`. "" where none names it."""
        method, path = canonical(route)
        own = self._own
        return own.get((side, service, method, path)) or own.get((side, service, "ANY", path)) or ""

    def stray_of(self, route: str) -> str:
        """Return the endpoint that has a route, at whatever service; "" where none has."""
        method, path = canonical(route)
        return self._any.get((method, path)) or self._any.get(("ANY", path)) or ""


def endpoint_of(endpoints: Mapping[str, Endpoint], side: Side, service: str, route: str) -> str:
    """Return the endpoint of one request, as `Routes.endpoint` does; of many, make a Routes once."""
    return Routes(endpoints).endpoint(side, service, route)


def _implementations(endpoints: Mapping[str, Endpoint]) -> dict[tuple[str, str, str, str], str]:
    """(side, service, method, path) -> endpoint. A side's own route wins over the endpoint's."""
    out: dict[tuple[str, str, str, str], str] = {}
    sides = [
        (side, implementation, endpoint)
        for endpoint in endpoints.values()
        for side, implementation in (("legacy", endpoint.legacy), ("serverless", endpoint.serverless))
        if implementation is not None
    ]
    for side, implementation, endpoint in sides:
        out.setdefault((side, implementation.service, *canonical(implementation.route)), endpoint.name)
    for side, implementation, endpoint in sides:
        out.setdefault((side, implementation.service, *canonical(endpoint.route)), endpoint.name)
    return out
