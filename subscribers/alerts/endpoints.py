"""Which endpoint of observe.yaml a signal belongs to, told from its service, method and route.

A span's `http.route` is the endpoint's or the implementation's own; names of parameters do not matter, and
ANY is every method. Without a route, the path is matched. What the platform alone tells of a function that
implements one endpoint and nothing else is that endpoint's: an inference, for it names no route.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import msgspec

from observe.semconv import HTTP_REQUEST_METHOD, HTTP_ROUTE, URL_PATH
from subscribers.alerts import values
from subscribers.alerts.values import Value, text
from subscribers.config import EMPTY, Config, Endpoint, Service
from subscribers.parsers.platform import PREFIX
from subscribers.routes import Routes
from subscribers.signals import Metric, Signal, Span

ENDPOINT = "endpoint"
_ANY = "ANY"
_PARAMETER = re.compile(r"\{[^{}/]*?(\+?)\}")


class Endpoints:
    """The endpoints of a configuration, ready to be asked for every signal."""

    def __init__(self, config: Config = EMPTY) -> None:
        self._names: dict[tuple[str, str, str], str] = {}
        self._services: dict[str, frozenset[str]] = {}
        of_service: dict[str, list[str]] = defaultdict(list)
        for endpoint in config.endpoints.values():
            sides = [side for side in (endpoint.legacy, endpoint.serverless) if side is not None]
            self._services[endpoint.name] = frozenset(side.service for side in sides)
            for side in sides:
                of_service[side.service].append(endpoint.name)
                for route in (side.route, endpoint.route):
                    method, _, path = route.partition(" ")
                    self._names.setdefault((side.service, method, _alike(path)), endpoint.name)
        # Routes tells a path template; here it is to tell the endpoint's name.
        self._routes = Routes(map(_named, config.endpoints.values()))
        self._single = {
            service: names[0]
            for service, names in of_service.items()
            if len(names) == 1 and _is_one_function(config.services.get(service))
        }

    def services_of(self, endpoint: str) -> frozenset[str]:
        """Return the services that implement an endpoint; none where it is not known."""
        return self._services.get(endpoint, frozenset())

    def of(self, signal: Signal) -> str:
        """Return the name of a signal's endpoint, "" where it has none."""
        if not self._services:
            return ""
        service = signal.origin.service
        tags: dict[str, Any] = signal.tags if isinstance(signal, Metric) else signal.attributes
        if isinstance(signal, Span) and signal.kind != "server":
            return ""
        method, route, path = tags.get(HTTP_REQUEST_METHOD), tags.get(HTTP_ROUTE), tags.get(URL_PATH)
        if isinstance(route, str) and " " in route:  # API Gateway's route key
            method, _, route = route.partition(" ")
        if isinstance(method, str):
            if isinstance(route, str) and (name := self._of_route(service, method, route)):
                return name
            if isinstance(path, str) and (name := self._routes.template(service, method, path)):
                return name
        told = tags.get(ENDPOINT)
        if not isinstance(signal, Span) and isinstance(told, str) and told in self._services:
            return told
        return self._single.get(service, "") if _is_platforms(signal) else ""

    def value_of(self, signal: Signal, name: str) -> Value:
        """Return what a signal has under a name, `endpoint` included; see values."""
        return (self.of(signal) or None) if name == ENDPOINT else values.value_of(signal, name)

    def text_of(self, signal: Signal, name: str) -> str:
        """Return it as text: numbers as people write them, "" where there is none."""
        return text(self.value_of(signal, name))

    def _of_route(self, service: str, method: str, route: str) -> str:
        path = _alike(route)
        names = self._names
        return names.get((service, method, path)) or names.get((service, _ANY, path), "")


def _alike(path: str) -> str:
    """A path template without the names of its parameters: `/claims/{}`."""
    return _PARAMETER.sub(r"{\1}", path) if "{" in path else path


def _named(endpoint: Endpoint) -> Endpoint:
    return msgspec.structs.replace(endpoint, route=f"{_ANY} {endpoint.name}")


def _is_one_function(service: Service | None) -> bool:
    """Whether a service is one function, as far as the configuration says."""
    if service is None or service.side != "serverless":
        return False
    return len(service.groups) == 1 and not service.groups[0].name.endswith("*")


def _is_platforms(signal: Signal) -> bool:
    if isinstance(signal, Span):
        return signal.told_by == "platform"
    return isinstance(signal, Metric) and signal.name.startswith(PREFIX)
