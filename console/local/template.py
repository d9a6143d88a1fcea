"""A SAM template as values: what a team deploys, read for the local Lambda.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
TemplateError           the template cannot be used; the text names file, logical ID and property
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from console.local.template_eventbridge import BUS, DEFAULT_BUS
from console.local.template_parts import (
    BucketPart,
    BusPart,
    EventTrigger,
    FunctionPart,
    Ignored,
    QueuePart,
    QueueSubscription,
    Route,
    Split,
    StreamPart,
    TopicPart,
    Trigger,
)
from console.local.template_resources import Parts, read_resource
from console.local.template_scope import (
    check_references,
    conditions_of,
    kind_checked,
    merged,
    parameters_of,
    pruned,
    pseudo_parameters,
)
from console.local.template_section import Section
from console.local.template_source import TemplateError, read
from console.local.template_values import NO_VALUE, Deferred, Place, Scope, Value, resolve

__all__ = ["Deferred", "Template", "TemplateError", "Value", "load", "resolve"]

# Resources SAM makes by itself; a reference to one is no mistake.
_IMPLICIT = {"ServerlessHttpApi": "AWS::Serverless::HttpApi", "ServerlessRestApi": "AWS::Serverless::Api"}


@dataclass(frozen=True, slots=True)
class Template:
    """What the local Lambda can run of a template, by logical ID. ignored: what it cannot, and why.

    A split takes the place of a route with the same key.
    """

    file: Path
    stack_name: str
    region: str
    account: str
    functions: Mapping[str, FunctionPart]
    queues: Mapping[str, QueuePart]
    topics: Mapping[str, TopicPart]
    buckets: Mapping[str, BucketPart]
    buses: Mapping[str, BusPart]
    streams: Mapping[str, StreamPart]
    subscriptions: tuple[QueueSubscription, ...]
    routes: tuple[Route, ...]
    splits: tuple[Split, ...]
    ignored: tuple[Ignored, ...]


def load(
    path: Path | str,
    parameters: Mapping[str, str] | None = None,
    *,
    stack_name: str = "local",
    region: str = "eu-west-1",
    account: str = "123456789012",
) -> Template:
    """Read a SAM template, YAML or JSON, with these parameters. Raises TemplateError.

    stack_name: AWS::StackName, and the beginning of names the template leaves open.
    """
    file = Path(path)
    document = Section(read(file), Scope({}), Place(file))
    pseudo = pseudo_parameters(stack_name, region, account)
    scope = _scope(document, pseudo, parameters or {})
    if not list(document.section("Resources")):
        raise TemplateError(file, "a template has Resources; this one has none")
    resources, scope = _resources(document, scope, file)
    check_references(file, resources, scope)
    parts = Parts(file.parent, stack_name)
    _note_globals(document, parts)
    for name, node in resources.items():
        resource = Section(node, scope, Place(file, name))
        read_resource(name, kind_checked(resource), resource, parts)
    return _template(parts, file, region, account)


def _scope(document: Section, pseudo: Mapping[str, Any], given: Mapping[str, str]) -> Scope:
    given = {name: str(value) for name, value in given.items()}
    parameters = {**parameters_of(document.section("Parameters"), given), **pseudo}
    mappings = document.raw("Mappings")
    scope = Scope(parameters, mappings if isinstance(mappings, dict) else {})
    conditions = Section(document.raw("Conditions"), scope, document.place.inside("Conditions"))
    return Scope(parameters, scope.mappings, conditions_of(conditions))


def _resources(document: Section, scope: Scope, file: Path) -> tuple[dict[str, Any], Scope]:
    """The resources whose Condition holds, Globals merged into functions, and the scope that knows them."""
    declared = document.section("Resources")
    globally = _pruned_mapping(document.section("Globals").raw("Function"), scope, Place(file, "Globals"))
    found: dict[str, Any] = {}
    left_out: set[str] = set()
    for name in declared:
        place = Place(file, name)
        node = _pruned_mapping(declared.raw(name), scope, place)
        if not _wanted(node, scope, place):
            left_out.add(name)
            continue
        if node.get("Type") == "AWS::Serverless::Function":
            node["Properties"] = merged(globally, _pruned_mapping(node.get("Properties"), scope, place))
        found[name] = node
    kinds = {name: str(node.get("Type")) for name, node in found.items()}
    roles = {f"{name}Role": "AWS::IAM::Role" for name, kind in kinds.items() if kind.endswith("::Function")}
    everything = {**_IMPLICIT, **roles, **kinds}
    return found, Scope(scope.parameters, scope.mappings, scope.conditions, everything, frozenset(left_out))


def _pruned_mapping(node: Any, scope: Scope, place: Place) -> dict[str, Any]:
    found = pruned(node, scope, place)
    if found is None or found is NO_VALUE:
        return {}
    if not isinstance(found, dict):
        raise place.error("a mapping is expected")
    return found


def _wanted(node: Mapping[str, Any], scope: Scope, place: Place) -> bool:
    condition = node.get("Condition")
    if condition is None:
        return True
    if not isinstance(condition, str) or condition not in scope.conditions:
        raise place.inside("Condition").error(f"there is no condition {condition!r}")
    return scope.conditions[condition]


def _note_globals(document: Section, parts: Parts) -> None:
    for name in document.section("Globals"):
        if name != "Function":
            parts.ignore("Globals", name, "only Globals.Function is read")
    if "Transform" in document and document.raw("Transform") != "AWS::Serverless-2016-10-31":
        parts.ignore("Transform", str(document.raw("Transform")), "only SAM's own transform is played")


def _template(parts: Parts, file: Path, region: str, account: str) -> Template:
    ignored = list(parts.ignored)
    routes = _single(file, [route for route in parts.routes if _served(route, parts, ignored)])
    for split in parts.splits:
        if split.to not in parts.functions:
            raise TemplateError(
                file, f"the split of {split.key!r} goes to {split.to}, which does not run here"
            )
    return Template(
        file=file,
        stack_name=parts.stack_name,
        region=region,
        account=account,
        functions=_functions(parts, ignored),
        queues=parts.queues,
        topics=parts.topics,
        buckets=parts.buckets,
        buses=parts.buses,
        streams=parts.streams,
        subscriptions=tuple(parts.subscriptions),
        routes=routes,
        splits=tuple(parts.splits),
        ignored=tuple(ignored),
    )


def _functions(parts: Parts, ignored: list[Ignored]) -> dict[str, FunctionPart]:
    """The functions with the rules that are resources of their own; without those of buses elsewhere."""
    own: dict[str, list[Trigger]] = {name: list(part.triggers) for name, part in parts.functions.items()}
    for function, rule in parts.rules:
        if function in own:
            own[function].append(rule)
        else:
            ignored.append(Ignored(function, "AWS::Events::Rule", "its function does not run here"))
    known = {DEFAULT_BUS, *(bus.name for bus in parts.buses.values())}
    for function, triggers in own.items():
        for trigger in list(triggers):
            if isinstance(trigger, EventTrigger) and _is_elsewhere(trigger, known):
                triggers.remove(trigger)
                ignored.append(Ignored(function, BUS, f"the bus {trigger.bus} is not in this template"))
    return {name: replace(part, triggers=tuple(own[name])) for name, part in parts.functions.items()}


def _is_elsewhere(trigger: EventTrigger, known: set[str]) -> bool:
    return isinstance(trigger.bus, str) and trigger.bus.rpartition("/")[2] not in known


def _served(route: Route, parts: Parts, ignored: list[Ignored]) -> bool:
    if route.function is None or route.function in parts.functions:
        return True
    ignored.append(Ignored(route.function, route.key, "its function does not run here"))
    return False


def _single(file: Path, routes: list[Route]) -> tuple[Route, ...]:
    """The routes, one for each key: a definition may repeat what a function's event says."""
    found: dict[str, Route] = {}
    for route in routes:
        if found.setdefault(route.key, route) != route:
            raise TemplateError(file, f"the route {route.key!r} goes to two places; there is one front door")
    return tuple(found.values())
