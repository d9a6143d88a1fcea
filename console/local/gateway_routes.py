"""API Gateway's route selection: exact before {param} before {proxy+} before $default. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote, unquote, urlsplit

from console.local.gateway_event import GatewayRequest

T = TypeVar("T")

_KEY = re.compile(r"(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[^\s?#]*)")
_PARAMETER = re.compile(r"\{([A-Za-z0-9._-]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A selected route; parameters are percent-decoded."""

    route_key: str
    target: T
    parameters: Mapping[str, str]

    def url(self, request: GatewayRequest) -> str:
        """Return the URL an http_proxy target names for this request, its query appended."""
        template = str(self.target)
        url = template
        for name, value in self.parameters.items():
            url = url.replace("{" + name + "}", quote(value, safe="/"))
        if not urlsplit(template).path:
            url += request.path
        return f"{url}?{request.query}" if request.query else url


@dataclass(frozen=True, slots=True)
class _Route(Generic[T]):
    key: str
    method: str
    pattern: re.Pattern[str]
    rank: tuple[tuple[int, ...], bool]
    target: T


class RouteTable(Generic[T]):
    """Routes by key. Raises ValueError for a key that is none."""

    def __init__(self, routes: Mapping[str, T]) -> None:
        self._default = routes.get("$default")
        compiled = [_compile(key, target) for key, target in routes.items() if key != "$default"]
        self._routes = sorted(compiled, key=lambda route: route.rank)

    def match(self, method: str, path: str) -> Match[T] | None:
        """Return the best route for a request; path is percent-encoded as received."""
        for route in self._routes:
            found = route.pattern.fullmatch(path) if route.method in ("ANY", method) else None
            if found:
                names = [name for name, _ in _PARAMETER.findall(route.key)]
                values = [unquote(value) for value in found.groups()]
                return Match(route.key, route.target, dict(zip(names, values, strict=True)))
        return Match("$default", self._default, {}) if self._default is not None else None


def _compile(key: str, target: T) -> _Route[T]:
    parsed = _KEY.fullmatch(key)
    if parsed is None:
        raise ValueError(f"not a route: {key!r}; expected 'METHOD /path/{{param}}' or '$default'")
    method, path = parsed.groups()
    segments = path.split("/")
    pattern = "/".join(_segment_pattern(segment) for segment in segments)
    rank = (tuple(_segment_rank(segment) for segment in segments), method == "ANY")
    return _Route(key, method, re.compile(pattern), rank, target)


def _segment_pattern(segment: str) -> str:
    parameter = _PARAMETER.fullmatch(segment)
    if parameter is None:
        return re.escape(segment)
    return "(.+)" if parameter[2] else "([^/]+)"


def _segment_rank(segment: str) -> int:
    parameter = _PARAMETER.fullmatch(segment)
    return 0 if parameter is None else 2 if parameter[2] else 1
