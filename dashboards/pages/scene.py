"""What pages are made from: the system and its alarms, with the indexes that every page asks."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dashboards.alarms.values import Alarm, Alarms
from dashboards.expressions import Expression, metrics_of
from dashboards.pages.drawn import count, total
from dashboards.pages.names import Names, names_of
from dashboards.resources import EndpointView, How, Kind, Resource, ServiceView, System
from subscribers.alerts.model import SEVERITIES

#: Functions of one service whose metrics are summed; of more the service's own count is drawn.
MOST_SUMMED = 40


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A system and its alarms. subjects: of each alarm's name, what it judges: IDs, endpoints, services."""

    system: System
    alarms: Alarms
    names: Names
    subjects: dict[str, frozenset[str]]

    def resources(self, ids: Iterable[str], *kinds: Kind) -> tuple[Resource, ...]:
        """Return the resources of some IDs, each once, in order; of some kinds where any is given."""
        found = (self.system.resources.get(id) for id in dict.fromkeys(ids))
        return tuple(one for one in found if one is not None and (not kinds or one.kind in kinds))

    def sources(self, targets: Iterable[str], *hows: How) -> tuple[str, ...]:
        """Return the IDs of what leads to any of some resources, each once."""
        return tuple(dict.fromkeys(edge.source for to in targets for edge in self.system.into(to, *hows)))

    def targets(self, sources: Iterable[str], *hows: How) -> tuple[str, ...]:
        """Return the IDs of what any of some resources leads to, each once."""
        return tuple(dict.fromkeys(edge.target for of in sources for edge in self.system.out_of(of, *hows)))

    def alarms_of(self, page: str, subjects: Iterable[str]) -> tuple[str, ...]:
        """Return the names of alarms that name a page or judge one of some subjects, most urgent first."""
        wanted = frozenset(subjects)
        return in_order(
            alarm
            for alarm in self.alarms.alarms
            if (page and alarm.page == page) or not wanted.isdisjoint(self.subjects[alarm.name])
        )


def scene_of(system: System, alarms: Alarms) -> Scene:
    """Return the scene of a system and its alarms."""
    subjects = {alarm.name: _subjects(alarm) for alarm in alarms.alarms}
    return Scene(system=system, alarms=alarms, names=names_of(system), subjects=subjects)


def in_order(alarms: Iterable[Alarm]) -> tuple[str, ...]:
    """Return the names of alarms, the most urgent first."""
    return tuple(alarm.name for alarm in sorted(alarms, key=lambda one: -SEVERITIES.index(one.severity)))


def _subjects(alarm: Alarm) -> frozenset[str]:
    return frozenset({alarm.subject, *(metric.subject for metric in metrics_of(alarm.condition.of))} - {""})


def endpoint_subjects(endpoint: EndpointView) -> tuple[str, ...]:
    """Return everything of an endpoint that an alarm may judge."""
    own = [endpoint.name, *(f"{endpoint.name}/{side.side}" for side in endpoint.sides)]
    parts = (part for side in endpoint.sides for part in (*side.routes, *side.functions))
    return (*own, *parts, *endpoint.downstream, *endpoint.dead_letters)


def is_summed(service: ServiceView) -> bool:
    """Return whether a service's requests are the invocations of its functions, few enough to be summed."""
    return 0 < len(service.functions) <= MOST_SUMMED


def service_requests(service: ServiceView) -> Expression:
    """Return how many requests a service answers: invocations where it is functions, else its own count."""
    if is_summed(service):
        return total(count("function.invocations", id) for id in service.functions)
    return count("service.requests", service.name)


def service_errors(service: ServiceView) -> Expression:
    """Return how many requests of a service fail."""
    if is_summed(service):
        return total(count("function.errors", id) for id in service.functions)
    return count("service.errors", service.name)
