"""What a SAM or CloudFormation template says of limits: timeouts of functions, gateways and queues.

TemplateError (a ValueError): the template cannot be read; the text names the file and says why.

Only what is written there is taken: literals, and parameters by their defaults. What an intrinsic makes
of its arguments when the stack is deployed is unknown here, and is said.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from subscribers.insight.template_limits_yaml import UNREADABLE, TemplateError, read_tree, reason

__all__ = ["Gateway", "Limit", "Queue", "Route", "TemplateError", "limits", "read_limits"]

Gateway = Literal["HTTP API", "REST API"]

#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
_DEFAULT_S, _DEFAULT_VISIBILITY_S = 3.0, 30.0
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html and limits.html
_GATEWAY_S: dict[Gateway, float] = {"HTTP API": 30.0, "REST API": 29.0}
_EVENTS: dict[str, Gateway] = {"HttpApi": "HTTP API", "Api": "REST API"}
_FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
_SUB = re.compile(r"\$\{([^!}][^}]*)\}")
_MS_PER_S = 1000

_Tree = Mapping[str, Any]


class Route(msgspec.Struct, frozen=True):
    """A route that a gateway sends to a function, and how many seconds it waits for the answer."""

    gateway: Gateway
    route: str
    limit_s: float


class Queue(msgspec.Struct, frozen=True):
    """A queue that a function reads. visibility_s: None where the template does not say."""

    name: str
    visibility_s: float | None
    window_s: float = 0.0


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What a template says of one function. name: its FunctionName, else "". Seconds; None for unknown.

    notes: what is not known, or known by a parameter's default alone.
    """

    logical_id: str
    name: str = ""
    timeout_s: float | None = None
    routes: tuple[Route, ...] = ()
    queues: tuple[Queue, ...] = ()
    notes: tuple[str, ...] = ()

    def is_of(self, function: str) -> bool:
        """Whether a function of that name is this one; CloudFormation makes names of the logical ID."""
        made = re.fullmatch(rf"(.+-)?{re.escape(self.logical_id)}-[A-Za-z0-9]{{6,}}", function)
        return function == self.name or (not self.name and (function == self.logical_id or bool(made)))


def read_limits(path: Path) -> tuple[Limit, ...]:
    """Return the limits of a template's functions, by logical ID. Raises TemplateError."""
    document = read_tree(path)
    try:
        return limits(document)
    except UNREADABLE as error:
        raise TemplateError(f"{path} cannot be understood: {reason(error)}") from error


def limits(document: _Tree) -> tuple[Limit, ...]:
    """Return the limits of the functions of a template's tree, intrinsics in their long form. Pure."""
    reader = _Reader(document)
    return tuple(reader.limit(name) for name, kind in reader.kinds.items() if kind in _FUNCTIONS)


class _Reader:
    """A template's resources and parameters."""

    def __init__(self, document: _Tree) -> None:
        self._parameters = _mapping(document.get("Parameters"))
        self._globals = _mapping(_mapping(document.get("Globals")).get("Function"))
        self._resources = _mapping(document.get("Resources"))
        self.kinds = {
            name: _mapping(resource).get("Type")
            for name, resource in self._resources.items()
            if isinstance(name, str)
        }
        #: Logical ID -> the integrations and mappings that name it.
        self._naming: dict[str, list[str]] = {}
        for name in self.kinds:
            for function in _named(self._target(name)):
                self._naming.setdefault(function, []).append(name)

    def limit(self, name: str) -> Limit:
        """Return what is said of one function."""
        notes: list[str] = []
        own = self._properties(name)
        is_sam = self.kinds[name] == _FUNCTIONS[0]
        timeout = own.get("Timeout", self._globals.get("Timeout") if is_sam else None)
        physical = self._value(own.get("FunctionName"))[0]
        routes = [*self._event_routes(own, notes), *self._integrations(name)]
        return Limit(
            logical_id=name,
            name=physical if isinstance(physical, str) else "",
            timeout_s=_DEFAULT_S if timeout is None else self._seconds(timeout, f"{name}: Timeout", notes),
            routes=tuple(dict.fromkeys(routes)),
            queues=tuple(dict.fromkeys((*self._event_queues(own, notes), *self._mapped(name, notes)))),
            notes=tuple(notes),
        )

    def _properties(self, name: str) -> _Tree:
        return _mapping(_mapping(self._resources.get(name)).get("Properties"))

    def _value(self, node: Any) -> tuple[Any, bool]:
        """What a node is, None where that is known only when it is deployed; whether by a default."""
        if isinstance(node, dict) and set(node) == {"Ref"} and isinstance(node["Ref"], str):
            return _mapping(self._parameters.get(node["Ref"])).get("Default"), True
        if isinstance(node, dict) and isinstance(node.get("Fn::Sub"), str):
            names = _SUB.findall(node["Fn::Sub"])
            known = {name: self._value({"Ref": name})[0] for name in names}
            if None in known.values():
                return None, False
            return _SUB.sub(lambda found: str(known[found[1]]), node["Fn::Sub"]), bool(names)
        return (None, False) if isinstance(node, dict | list) else (node, False)

    def _seconds(self, node: Any, of: str, notes: list[str]) -> float | None:
        value, by_default = self._value(node)
        try:
            seconds = None if value is None or isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            seconds = None
        if seconds is None or not 0 <= seconds < 1e9:
            notes.append(f"{of} is known only when the template is deployed.")
            return None
        if by_default:
            notes.append(f"{of} is a parameter's default, {seconds:g}.")
        return seconds

    def _events(self, own: _Tree) -> Iterator[tuple[str, _Tree]]:
        for event in _mapping(own.get("Events")).values():
            yield str(_mapping(event).get("Type")), _mapping(_mapping(event).get("Properties"))

    def _event_routes(self, own: _Tree, notes: list[str]) -> Iterator[Route]:
        for kind, event in self._events(own):
            gateway = _EVENTS.get(kind)
            if gateway is not None:
                route = f"{str(event.get('Method', 'ANY')).upper()} {event.get('Path', '$default')}"
                yield Route(gateway, route, self._gateway_s(gateway, event, route, notes))

    def _gateway_s(self, gateway: Gateway, node: _Tree, of: str, notes: list[str]) -> float:
        ms = node.get("TimeoutInMillis")
        told = None if ms is None else self._seconds(ms, f"{of}: TimeoutInMillis", notes)
        return _GATEWAY_S[gateway] if told is None else told / _MS_PER_S

    def _integrations(self, function: str) -> Iterator[Route]:
        """Gateways that are not SAM's: what names the function in its integration's URI."""
        for name in self._naming.get(function, ()):
            own, kind = self._properties(name), self.kinds[name]
            if kind == "AWS::ApiGatewayV2::Integration":
                yield Route("HTTP API", name, self._gateway_s("HTTP API", own, name, []))
            elif kind == "AWS::ApiGateway::Method":
                inner = _mapping(own.get("Integration"))
                yield Route("REST API", name, self._gateway_s("REST API", inner, name, []))

    def _target(self, name: str) -> Any:
        """Where a resource names its function."""
        own, kind = self._properties(name), self.kinds[name]
        if kind == "AWS::ApiGatewayV2::Integration":
            return own.get("IntegrationUri")
        if kind == "AWS::ApiGateway::Method":
            return _mapping(own.get("Integration")).get("Uri")
        return own.get("FunctionName") if kind == "AWS::Lambda::EventSourceMapping" else None

    def _event_queues(self, own: _Tree, notes: list[str]) -> Iterator[Queue]:
        for kind, event in self._events(own):
            if kind == "SQS":
                yield from self._queues(event.get("Queue"), event, notes)

    def _mapped(self, function: str, notes: list[str]) -> Iterator[Queue]:
        for name in self._naming.get(function, ()):
            if self.kinds[name] == "AWS::Lambda::EventSourceMapping":
                own = self._properties(name)
                yield from self._queues(own.get("EventSourceArn"), own, notes)

    def _queues(self, source: Any, mapping: _Tree, notes: list[str]) -> Iterator[Queue]:
        for name in sorted(_named(source)):
            if self.kinds.get(name) != "AWS::SQS::Queue":
                continue
            told = self._properties(name).get("VisibilityTimeout", _DEFAULT_VISIBILITY_S)
            visible = self._seconds(told, f"{name}: VisibilityTimeout", notes)
            window = mapping.get("MaximumBatchingWindowInSeconds", 0)
            yield Queue(name, visible, self._seconds(window, f"{name}: its batching window", notes) or 0.0)


def _mapping(node: Any) -> _Tree:
    return node if isinstance(node, dict) else {}


def _named(node: Any) -> set[str]:
    """The logical IDs that an intrinsic names; each node is looked at once, however many aliases it has."""
    found: set[str] = set()
    seen: set[int] = set()
    left = [node]
    while left:
        node = left.pop()
        if not isinstance(node, dict | list) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, list):
            left += node
            continue
        for key, value in node.items():
            if key == "Ref" and isinstance(value, str):
                found.add(value)
            elif key == "Fn::GetAtt":
                found.add(str(value[0] if isinstance(value, list) and value else value).partition(".")[0])
            elif key == "Fn::Sub" and isinstance(value, str):
                found |= {name.partition(".")[0] for name in _SUB.findall(value)}
            else:
                left.append(value)
    return found
