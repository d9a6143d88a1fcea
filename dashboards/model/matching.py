"""Which routes of the templates are those of an endpoint, and how well a route covers a path.

The way of `subscribers.insight.routes`: names of parameters do not matter and ANY is every method. Beside
that a gateway's greedy routes (`/{proxy+}`, `/claims/*`, `$default`) cover what no other route names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from dashboards.resources import Route, Target
from subscribers.insight.routes import canonical

_GREEDY = re.compile(r"/?(?:\{\+\}|\*)\Z")
_ANY = ("ANY", "*")
#: The routes of a template are compared with each other: 300 of them 45,000 times.
_canonical = lru_cache(maxsize=4096)(canonical)


def matching(routes: Iterable[Route], side: Target, *wanted: str) -> list[Route]:
    """Return the routes of a side that are one of the wanted (`METHOD /path`), else the nearest greedy."""
    own = [route for route in routes if route.side == side]
    exact = [route for route in own if any(is_same(route, one) for one in wanted)]
    if exact:
        return exact
    scored = [(max((reach(route, one) for one in wanted), default=0), route) for route in own]
    best = max((score for score, _ in scored), default=0)
    return [route for score, route in scored if best and score == best]


def is_same(route: Route, wanted: str) -> bool:
    """Whether a route is the wanted one, whatever its parameters are called."""
    method, path = _canonical(wanted)
    own_method, own_path = _canonical(route.route)
    return path == own_path and (method == own_method or own_method in _ANY or method in _ANY)


def reach(route: Route, wanted: str) -> int:
    """Return how well a greedy route covers the wanted one: 0 not at all, more the longer it is."""
    method, path = _canonical(wanted)
    own_method, own_path = _canonical(route.route)
    if own_method not in _ANY and own_method != method:
        return 0
    if own_path == "$default":
        return 1
    match = _GREEDY.search(own_path)
    if match is None:
        return 0
    before = own_path[: match.start()]
    # `/claims*` of a load balancer has no slash before its star.
    fits = path == before or path.startswith(before + "/" if match[0].startswith("/") else before)
    return 2 + len(before) if fits else 0
