"""What could be told before overrides: one draft a rule and subject, with the threshold that fits it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dashboards.alarms.rules import RULES
from dashboards.expressions import Expression, Metric, Statistic
from dashboards.pages.names import PIPELINE, SYSTEM, Names, names_of
from dashboards.resources import EndpointView, Place, Resource, ServiceView, System, kebab
from subscribers.alerts.model import Severity

#: Characters of a name, so that renderers have room for a prefix within CloudWatch's 255.
NAME_MAX = 160


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm as the rule and its subject's own configuration have it.

    keys: names by which observe.yaml's `dashboards.resources` may mean it, the least specific first. label:
    what it is called in names. threshold: None where it is not known; reason then says why. detail: a
    sentence behind the rule's own. endpoint: whose composite it may be part of.
    """

    rule: str
    subject: str
    keys: tuple[str, ...]
    label: str
    shown: str
    of: Expression
    threshold: float | None
    reason: str
    metadata: Mapping[str, Any] = {}
    detail: str = ""
    owner: str = ""
    runbook: str = ""
    page: str = SYSTEM
    endpoint: str = ""
    #: Instead of the rule's own: how urgent it is here, and the gate of its share.
    severity: Severity | None = None
    minimum: float | None = None
    #: Whether it exists only where an override names it, as with Rule.is_opt_in; why: for the listing.
    is_opt_in: bool = False
    why: str = ""
    #: Sides of endpoints (`NAME/serverless`) whose failures are these: while one tells, this is silent.
    told_by: tuple[str, ...] = ()
    place: Place = Place()

    @property
    def name(self) -> str:
        """The alarm's name, unique where labels are."""
        name = f"{self.rule}-{kebab(self.label)}" if self.label else self.rule
        return name[:NAME_MAX].rstrip("-")


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked up for every resource, found once. Keys are IDs of resources."""

    system: System
    #: Endpoints that it serves, in order.
    serves: dict[str, tuple[EndpointView, ...]]
    #: Endpoints that it is downstream of or dead letters of.
    behind: dict[str, tuple[EndpointView, ...]]
    services: dict[str, ServiceView]
    fed_by: dict[str, tuple[Resource, ...]]
    feeds: dict[str, tuple[Resource, ...]]
    #: Queues of dead letters: what gives up into them.
    gives_up: dict[str, tuple[str, ...]]
    pages: Names


def around(system: System) -> Around:
    """Return the lookups of a system."""
    serves: dict[str, list[EndpointView]] = {}
    behind: dict[str, list[EndpointView]] = {}
    for endpoint in system.endpoints.values():
        for one in dict.fromkeys(i for side in endpoint.sides for i in side.functions):
            serves.setdefault(one, []).append(endpoint)
        for one in dict.fromkeys((*endpoint.downstream, *endpoint.dead_letters)):
            behind.setdefault(one, []).append(endpoint)
    services: dict[str, ServiceView] = {}
    for service in system.services.values():
        for one in (*service.functions, *service.resources):
            services.setdefault(one, service)
    fed_by: dict[str, list[Resource]] = {}
    feeds: dict[str, list[Resource]] = {}
    gives_up: dict[str, list[str]] = {}
    for edge in system.edges:
        if edge.how == "dead_letters":
            gives_up.setdefault(edge.target, []).append(edge.source)
        if edge.how == "feeds" and edge.source in system.resources:
            fed_by.setdefault(edge.target, []).append(system.resources[edge.source])
        if edge.how == "feeds" and edge.target in system.resources:
            feeds.setdefault(edge.source, []).append(system.resources[edge.target])
    return Around(
        system=system,
        serves=_frozen(serves),
        behind=_frozen(behind),
        services=services,
        fed_by=_frozen(fed_by),
        feeds=_frozen(feeds),
        gives_up=_frozen(gives_up),
        pages=names_of(system),
    )


def of_resource(
    around: Around,
    resource: Resource,
    rule: str,
    of: Expression,
    limit: tuple[float | None, str] | None = None,
    *,
    detail: str = "",
    endpoint: str = "",
    told_by: tuple[str, ...] = (),
    severity: Severity | None = None,
    minimum: float | None = None,
    opt_in: str = "",
) -> Draft:
    """Return a draft about a resource. limit: its own threshold and why; the rule's where there is none.

    opt_in: why it exists only where an override names it, "" for always.
    """
    threshold, reason = limit or (RULES[rule].threshold, RULES[rule].reason)
    service = around.services.get(resource.id)
    endpoints = around.serves.get(resource.id) or around.behind.get(resource.id) or ()
    owners: list[ServiceView | EndpointView] = [*((service,) if service else ()), *endpoints]
    return Draft(
        rule=rule,
        subject=resource.id,
        keys=tuple(dict.fromkeys((*((service.name,) if service else ()), resource.logical_id, resource.id))),
        label=resource.id.partition(":")[2],
        shown=resource.name.known or resource.logical_id,
        of=of,
        threshold=threshold,
        reason=reason,
        metadata=resource.metadata,
        detail=detail,
        owner=next((one.owner for one in owners if one.owner), ""),
        runbook=next((one.runbook for one in owners if one.runbook), ""),
        page=_page(around, resource, service, endpoints),
        endpoint=endpoint,
        told_by=told_by,
        severity=severity,
        minimum=minimum,
        is_opt_in=bool(opt_in),
        why=opt_in,
        place=resource.place,
    )


def metric(measure: str, subject: str, statistic: Statistic = "sum") -> Metric:
    """Return a metric; counts are summed where nothing else is said."""
    return Metric(measure, subject, statistic)


def percent_of(
    limit: float | None, percent: float, what: str, scale: float = 1.0
) -> tuple[float | None, str]:
    """Return a threshold as so many percent of a limit, with its reason; None where the limit is not known.

    what: such as `its Timeout of {} s`; scale: from the limit's unit to the measure's.
    """
    if limit is None:
        return None, f"{what.partition(' of {}')[0]} is not known"
    threshold = limit * scale * percent / 100
    # Nobody has half a connection.
    rounded = float(round(threshold)) if scale == 1 else round(threshold, 6)
    return rounded, f"{percent:g}% of {what.format(f'{limit:,g}')}."


def _page(
    around: Around, resource: Resource, service: ServiceView | None, endpoints: Iterable[EndpointView]
) -> str:
    if resource.id in around.system.pipeline:
        return PIPELINE
    if service is not None:
        return around.pages.services[service.name]
    first = next(iter(endpoints), None)
    return around.pages.endpoints[first.name] if first else SYSTEM


def _frozen(lists: Mapping[str, list[Any]]) -> dict[str, tuple[Any, ...]]:
    return {key: tuple(values) for key, values in lists.items()}
