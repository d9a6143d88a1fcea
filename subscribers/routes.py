"""Which endpoint of observe.yaml a request was, told from its service, method and path.

`{name}` is one segment, `{proxy+}` the rest. Where several routes fit, the one that is exact for longest
wins over `{name}`, and that over `{proxy+}`; then a method wins over ANY.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from subscribers.config import Endpoint

_ANY = "ANY"
_PARAMETER = re.compile(r"\{([^{}/]*)\}")


class _Route(NamedTuple):
    rank: tuple[tuple[int, ...], bool]
    method: str
    path: re.Pattern[str]
    template: str


class Routes:
    """The routes of every implementation; compiled once."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._of: dict[str, list[_Route]] = defaultdict(list)
        for endpoint in endpoints:
            template = endpoint.route.partition(" ")[2]
            for side in (endpoint.legacy, endpoint.serverless):
                if side is not None:
                    self._of[side.service].append(_route(side.route, template))
        for routes in self._of.values():
            routes.sort(key=lambda route: route.rank)

    def template(self, service: str, method: str, path: str) -> str:
        """Return the endpoint's path template, `/claims/{id}`, or "" where no route of the service fits.

        It is the endpoint's whatever path its implementation sees: one text for both sides, the one that
        API Gateway's route key has.
        """
        for route in self._of.get(service, ()):
            if route.method in (method, _ANY) and route.path.fullmatch(path):
                return route.template
        return ""


def _route(route: str, template: str) -> _Route:
    method, _, path = route.partition(" ")
    rank = tuple(_rank(segment) for segment in path.split("/")[1:])
    return _Route((rank, method == _ANY), method, re.compile(_expression(path), re.DOTALL), template)


def _rank(segment: str) -> int:
    parameter = _PARAMETER.search(segment)
    if parameter is None:
        return 0
    if parameter[1].endswith("+"):
        return 3
    return 2 if parameter[0] == segment else 1


def _expression(path: str) -> str:
    """A parameter reaches to the first occurrence of what follows it: no path is scanned twice."""
    pieces = _PARAMETER.split(path)  # text, name, text, name, ..., text
    out = re.escape(pieces[0])
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        stop = f"(?!{re.escape(text)})" if text else ""
        out += f"(?:{stop}{'.' if name.endswith('+') else '[^/]'})++{re.escape(text)}"
    return out
