"""Services: those of observe.yaml with their functions, resources and log groups, and functions of none."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

import msgspec

from dashboards.model.draft import Draft
from dashboards.model.marks import Marks
from dashboards.model.names import known
from dashboards.resources import Name, Resource, ServiceView
from subscribers.config import Config, Service
from subscribers.config_groups import lambda_log_group, unknown

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
#: What people add to a logical ID that is no part of the name.
_ENDINGS = ("-function", "-lambda", "-fn", "-handler")


def services_of(
    config: Config, draft: Draft, marks: Marks, without: Iterable[str] = ()
) -> dict[str, ServiceView]:
    """Return every service by name. without: IDs of functions that are none (the pipeline's own)."""
    found: dict[str, ServiceView] = {}
    free = {
        one.id: one
        for one in draft.resources.values()
        if one.kind == "function" and one.id not in set(without)
    }
    for service in config.services.values():
        functions = [one for one in free.values() if _is_of(one, service)]
        if not functions and service.side == "serverless":
            functions = [one for one in free.values() if not one.name.known and is_called(one, service.name)]
        found[service.name] = _view(service, [one.id for one in functions], draft, marks)
        for one in found[service.name].functions:
            free.pop(one, None)
            draft.change(one, facts={"service": service.name})
        for resource in found[service.name].resources:
            draft.change(resource, facts={"service": service.name})
    for function in free.values():
        name = _name(function, found)
        draft.change(function.id, facts={"service": name})
        found[name] = ServiceView(
            name=name,
            side="serverless",
            functions=(function.id,),
            log_groups=function.log_groups,
            place=function.place,
        )
    return found


def is_called(function: Resource, name: str) -> bool:
    """Whether a logical ID is a service's name in the other spelling: SubmitClaimFunction is submit-claim."""
    words = "-".join(word for word in _WORDS.split(function.logical_id) if word).lower()
    wanted = "-".join(word for word in _WORDS.split(name) if word).lower()
    return wanted == words or any(words == wanted + ending for ending in _ENDINGS)


def has_log_group(group: Name, pattern: str) -> bool:
    """Whether a log group is one that observe.yaml means by a name or a beginning with `*`."""
    if group.known:
        fits = pattern.endswith("*") and group.known.startswith(pattern[:-1])
        return group.known == pattern or fits
    shape = group.pattern
    if not shape.strip("*"):
        return False
    if pattern.endswith("*"):
        return len(pattern) > 1 and shape.split("*")[0].startswith(pattern[:-1])
    return fnmatch.fnmatchcase(pattern, shape)


def _is_of(function: Resource, service: Service) -> bool:
    if function.logical_id in service.resources:
        return True
    name = function.name
    for one in service.functions:
        if name.known == one or (not name.known and name.pattern and fnmatch.fnmatchcase(one, name.pattern)):
            return True
    return any(has_log_group(own, group.name) for own in function.log_groups for group in service.groups)


def _view(service: Service, functions: list[str], draft: Draft, marks: Marks) -> ServiceView:
    resources = [
        one.id
        for one in draft.resources.values()
        if one.kind != "function" and one.logical_id in service.resources
    ]
    _say_missing(service, draft, marks)
    groups = {group.shown: group for group in draft.names_of(functions)}
    own = [_group(group.name) for group in service.groups]
    named = {group.shown: group for group in own if not _is_told(group, groups, service, functions)}
    return ServiceView(
        name=service.name,
        side=service.side,
        functions=tuple(functions),
        resources=tuple(resources),
        log_groups=tuple({**groups, **named}.values()),
        config=service,
        runbook=service.runbook,
        place=marks.place("services", service.name),
    )


def _is_told(group: Name, groups: dict[str, Name], service: Service, functions: list[str]) -> bool:
    """Whether a group of observe.yaml is one that a function of the templates has, or stands for it."""
    if group.shown in groups:
        return True
    # Where nobody named a group, /aws/lambda/<service> is only a guess, which the template answers better.
    return bool(functions) and group.shown == lambda_log_group(service.name) and not service.functions


def _group(name: str) -> Name:
    return known(name) if "*" not in name else Name(pattern=name)


def _say_missing(service: Service, draft: Draft, marks: Marks) -> None:
    ids = {item.logical_id for item in draft.items.values()}
    ids |= {item.source_id for item in draft.items.values() if item.source_id}
    for i, logical_id in enumerate(service.resources):
        if logical_id not in ids:
            said = unknown("resource", logical_id, sorted(ids))
            place = marks.place("services", service.name, "resources", i)
            draft.note("warning", f"services.{service.name}: {said} in the templates.", place, service.name)


def _name(function: Resource, taken: dict[str, ServiceView]) -> str:
    for name in (function.name.known or function.logical_id, function.id.partition(":")[2]):
        if name not in taken:
            return name
    return function.id


def with_endpoint(view: ServiceView, endpoint: str) -> ServiceView:
    """Return the service with an endpoint more."""
    if endpoint in view.endpoints:
        return view
    return msgspec.structs.replace(view, endpoints=(*view.endpoints, endpoint))
