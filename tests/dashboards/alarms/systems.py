"""Small systems for the tests of alarms, and the laws that every list of alarms obeys."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dashboards.alarms.rules import RULES
from dashboards.alarms.values import Alarm, Alarms, Composite
from dashboards.expressions import Expression, Percent, Quotient, Scaled, Total, metrics_of
from dashboards.measures import MEASURES
from dashboards.resources import Edge, Kind, Name, Place, Resource, System
from subscribers.alerts.model import SEVERITIES


def resource(kind: Kind, logical_id: str = "Thing", **more: Any) -> Resource:
    """A resource of a template, named as its logical ID."""
    limits = {key: float(value) for key, value in more.pop("limits", {}).items()}
    return Resource(
        id=f"{kind}:{logical_id}",
        kind=kind,
        logical_id=logical_id,
        name=Name(known=logical_id, expression=logical_id, pattern=logical_id),
        limits=limits,
        place=Place("template.yaml", 7),
        **more,
    )


def system(*resources: Resource, edges: tuple[Edge, ...] = (), **more: Any) -> System:
    """A system of these resources."""
    return System(resources={one.id: one for one in resources}, edges=edges, **more)


def problems(system: System, alarms: Alarms) -> list[str]:
    """Every law that is broken, as a sentence."""
    names = Counter(one.name for one in (*alarms.alarms, *alarms.slos, *alarms.composites))
    out = [f"{name} is there {number} times" for name, number in names.items() if number > 1]
    for alarm in alarms.alarms:
        out += [f"{alarm.name}: {text}" for text in _of(system, alarm)]
    alarm_names = {one.name for one in (*alarms.alarms, *alarms.composites)}
    for composite in alarms.composites:
        out += [f"{composite.name}: no child {one}" for one in composite.children if one not in alarm_names]
        if not 1 <= len(composite.children) <= 100:
            out.append(f"{composite.name} has {len(composite.children)} children")
    told = {one.name for one in (*alarms.alarms, *alarms.composites) if one.is_told}
    for one in (*alarms.alarms, *alarms.composites):
        out += [f"{one.name}: {cause} tells nobody" for cause in one.suppressed_by if cause not in told]
    out += _lost(alarms)
    if _circles(alarms):
        out.append("alarms explain each other in a circle")
    out += [f"{text} is said twice" for text, number in Counter(alarms.off).items() if number > 1]
    return out


def _lost(alarms: Alarms) -> list[str]:
    """Alarms that nobody hears of: told by nobody, silenced by less urgent ones or by what lasts for days."""
    by_name: dict[str, Alarm | Composite] = {one.name: one for one in (*alarms.alarms, *alarms.composites)}
    parent = {child: one.name for one in alarms.composites for child in one.children}
    out: list[str] = []
    for one in by_name.values():
        above: Alarm | Composite = one
        while not above.is_told and above.name in parent:
            above = by_name[parent[above.name]]
        if not above.is_told:
            out.append(f"{one.name} tells nobody, and nobody tells of it")
        urgency = SEVERITIES.index(one.severity)
        if SEVERITIES.index(above.severity) < urgency:
            out.append(f"{one.name} is more urgent than {above.name}, which tells of it")
        for name in one.suppressed_by:
            cause = by_name[name]
            if SEVERITIES.index(cause.severity) < urgency:
                out.append(f"{one.name} is silenced by {name}, which is less urgent")
            if isinstance(cause, Alarm) and cause.rule.endswith("dead-letters"):
                out.append(f"{one.name} is silenced for as long as a message lies in {cause.subject}")
        if isinstance(one, Composite):
            lasting = [child for child in one.children if child.startswith("dead-letters-")]
            out += [f"{one.name} stays open with {child}, and tells of nothing new" for child in lasting]
    return out


def _of(system: System, alarm: Alarm) -> list[str]:
    out: list[str] = []
    condition = alarm.condition
    most_s = 86_400 if condition.period_s < 3_600 else 7 * 86_400
    if condition.period_s % 60 or condition.period_s * condition.periods > most_s:
        out.append("its periods are none of CloudWatch")
    if not 1 <= condition.datapoints <= condition.periods:
        out.append("it needs more datapoints than periods")
    if not alarm.reason or not alarm.about or alarm.severity not in SEVERITIES:
        out.append("it does not say why")
    if condition.unit != RULES[alarm.rule].unit:
        out.append("its unit is not its rule's")
    if any(not share.gate for share in _shares(condition.of)):
        out.append("a share has no gate")
    for metric in metrics_of(condition.of):
        if not _exists(system, MEASURES[metric.measure].of, metric.subject):
            out.append(f"{metric.measure} does not fit {metric.subject!r}")
    return out


def _shares(of: Expression) -> list[Percent]:
    match of:
        case Percent():
            return [of]
        case Quotient(of=one, over=over):
            return [*_shares(one), *_shares(over)]
        case Total(of=several):
            return [share for one in several for share in _shares(one)]
        case Scaled(of=one):
            return _shares(one)
    return []


def _exists(system: System, of: str, subject: str) -> bool:
    if of == "endpoint":
        name, _, side = subject.rpartition("/")
        return name in system.endpoints and side in {one.side for one in system.endpoints[name].sides}
    if of in ("service", "pipeline"):
        return subject == "" if of == "pipeline" else subject in system.services
    kinds = ("rest_api", "http_api") if of == "api" else (of,)
    return subject in system.resources and system.resources[subject].kind in kinds


def _circles(alarms: Alarms) -> bool:
    """Whether following children and causes ever comes back."""
    edges = {one.name: [*one.suppressed_by] for one in alarms.alarms}
    edges |= {one.name: [*one.children, *one.suppressed_by] for one in alarms.composites}
    while leaves := [name for name, to in edges.items() if not any(one in edges for one in to)]:
        for name in leaves:
            del edges[name]
    return bool(edges)
