"""One page for one cause: the alarms of an endpoint as one, and what explains it.

Only alarms of severity `error` are children, so that a composite is never more urgent than what opened it:
critical ones tell by themselves and silence the composite, warnings are silenced by it. Promises (Slo) tell
by the severity of each burn. A cause silences its symptom only where it is told, and at least as urgent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from dashboards.alarms.drafts import Around
from dashboards.alarms.values import Alarm, Composite
from dashboards.pages.names import free
from dashboards.resources import EndpointView

#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
CHILDREN_MAX, RULE_MAX = 100, 10_240
#: Characters of a rule around a name: `ALARM("...") OR `, and a prefix of a stack's name (at most 128).
_AROUND_NAME = 14 + 129


def with_composites(
    around: Around, alarms: Sequence[tuple[Alarm, str]], taken: set[str]
) -> tuple[list[Alarm], list[Composite]]:
    """Return alarms and composites. alarms: each with the endpoint it belongs to, "" for none.

    taken: names that are used already; those of composites are added.
    """
    by_endpoint: dict[str, list[Alarm]] = {}
    for alarm, endpoint in alarms:
        by_endpoint.setdefault(endpoint, []).append(alarm)
    told = {alarm.name: alarm for alarm, _ in alarms if alarm.is_told}
    changed: dict[str, Alarm] = {}
    composites: list[Composite] = []
    for key, own in by_endpoint.items():
        if key:
            view = around.system.endpoints[key]
            causes = _causes(view, own, told)
            made = _of(around, view, own, causes, taken)
            composites.extend(made)
            for alarm in _marked(own, made, causes):
                changed[alarm.name] = alarm
    return [changed.get(alarm.name, alarm) for alarm, _ in alarms], composites


def _of(
    around: Around, endpoint: EndpointView, own: Sequence[Alarm], causes: tuple[str, ...], taken: set[str]
) -> list[Composite]:
    """The composite of an endpoint, the parts of a large one first; none where one alarm is enough."""
    children = [alarm for alarm in own if alarm.severity == "error"]
    if len(children) < 2:
        return []
    name = free(around.pages.endpoints[endpoint.name], taken)
    parts = list(_levels(name, tuple(alarm.name for alarm in children), taken))
    whole = Composite(
        name=name,
        title=f"{endpoint.route} is in trouble",
        children=parts[-1],
        about=(
            "At least one alarm of this endpoint is open. Its page shows both sides, its queues and "
            "the newest errors."
        ),
        owner=children[0].owner,
        runbook=children[0].runbook,
        page=around.pages.endpoints[endpoint.name],
        suppressed_by=causes,
    )
    smaller = [
        msgspec.structs.replace(whole, name=part_name, children=part, suppressed_by=(), is_told=False)
        for part_name, part in zip(parts[-1], parts[:-1], strict=False)
    ]
    return [*smaller, whole]


def _levels(name: str, children: tuple[str, ...], taken: set[str]) -> Iterator[tuple[str, ...]]:
    """Yield the children of each part, and last those of the whole: names of alarms, or of parts."""
    parts = list(chunks(children))
    if len(parts) == 1:
        yield children
        return
    yield from parts
    names = tuple(free(f"{name}-part-{n}", taken) for n in range(1, len(parts) + 1))
    yield names


def chunks(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the names in order, cut so that each part fits into one rule of CloudWatch."""
    part: list[str] = []
    size = 0
    for name in names:
        cost = len(name) + _AROUND_NAME
        if part and (len(part) == CHILDREN_MAX or size + cost > RULE_MAX):
            yield tuple(part)
            part, size = [], 0
        part.append(name)
        size += cost
    yield tuple(part)


def _causes(endpoint: EndpointView, own: Sequence[Alarm], told: dict[str, Alarm]) -> tuple[str, ...]:
    """Names of what explains all of an endpoint's trouble, and is told itself.

    The pool and the database of the legacy side explain it only where that side serves alone: else they
    would hide what is wrong on the serverless one.
    """
    critical = [alarm.name for alarm in own if alarm.severity == "critical" and alarm.is_told]
    legacy, config = endpoint.legacy, endpoint.config
    is_alone = endpoint.serverless is None or (config is not None and config.split == 0)
    if legacy is None or not is_alone:
        return tuple(critical)
    subjects = {("legacy-pool", legacy.service), *(("database-connections", one) for one in legacy.resources)}
    found = [
        alarm.name
        for alarm in told.values()
        if (alarm.rule, alarm.subject) in subjects and alarm.severity in ("error", "critical")
    ]
    return tuple(dict.fromkeys((*critical, *found)))


def _marked(
    own: Sequence[Alarm], composites: Sequence[Composite], causes: tuple[str, ...]
) -> Iterator[Alarm]:
    """Yield the alarms that a composite tells for, and those that it or a cause silences."""
    errors = [alarm for alarm in own if alarm.severity == "error"]
    # What tells for the endpoint: the composite, or its only error where that is told.
    lone = [alarm.name for alarm in errors if alarm.is_told]
    teller = (composites[-1].name,) if composites else tuple(lone)
    for alarm in own:
        if alarm.severity == "error" and composites:
            yield msgspec.structs.replace(alarm, is_told=False)
        elif alarm.severity == "error" and causes and alarm.is_told:
            yield msgspec.structs.replace(alarm, suppressed_by=causes)
        elif alarm.severity in ("warning", "info") and teller and alarm.is_told:
            yield msgspec.structs.replace(alarm, suppressed_by=teller)
