"""One page for one cause: the alarms of an endpoint as one, and what explains it.

Only alarms of severity `error` are children, so that a composite is never more urgent than what opened it:
critical ones tell by themselves and silence the composite, warnings are silenced by it. Promises (Slo) tell
by the severity of each burn. A cause silences its symptom only where it is told, and at least as urgent.

Dead letters lie for days, and a composite that is open tells nobody of what fails next. So they are no
child of it and silence nothing: they wait for it to close, and tell themselves if they are still there.
Nor is what merely comes near a limit a cause: it may stay so for weeks.
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
#: Endpoints that may silence what is over all of them.
EXPLAINED_MAX = 10


#: What tells of trouble that is over for everybody but those who clean up.
_LASTING = frozenset({"dead-letters"})


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm, the endpoint it belongs to ("" for none), and the endpoints that, in trouble, explain it."""

    alarm: Alarm
    endpoint: str = ""
    explained_by: tuple[str, ...] = ()


def with_composites(
    around: Around, alarms: Sequence[Placed], taken: set[str]
) -> tuple[list[Alarm], list[Composite]]:
    """Return alarms and composites. taken: names that are used already; those of composites are added."""
    by_endpoint: dict[str, list[Alarm]] = {}
    for one in alarms:
        by_endpoint.setdefault(one.endpoint, []).append(one.alarm)
    told = {one.alarm.name: one.alarm for one in alarms}
    changed: dict[str, Alarm] = {}
    composites: list[Composite] = []
    tellers: dict[str, tuple[str, ...]] = {}
    for key, own in by_endpoint.items():
        if key:
            view = around.system.endpoints[key]
            causes = _causes(view, own, told)
            made = _of(around, view, own, causes, taken)
            composites.extend(made)
            tellers[key] = _tellers(own, made)
            for alarm in _marked(own, made, causes):
                changed[alarm.name] = alarm
    for one in alarms:
        if not one.endpoint and (by := _explained(one, tellers)):
            changed[one.alarm.name] = msgspec.structs.replace(one.alarm, suppressed_by=by)
    return [changed.get(one.alarm.name, one.alarm) for one in alarms], composites


def _explained(placed: Placed, tellers: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Who tells for the endpoints that explain an alarm; nobody where there are so many that one of them is
    always in some trouble."""
    if len(placed.explained_by) > EXPLAINED_MAX:
        return ()
    return tuple(dict.fromkeys(name for one in placed.explained_by for name in tellers.get(one, ())))


def _of(
    around: Around, endpoint: EndpointView, own: Sequence[Alarm], causes: tuple[str, ...], taken: set[str]
) -> list[Composite]:
    """The composite of an endpoint, the parts of a large one first; none where one alarm is enough."""
    children = [alarm for alarm in own if _is_child(alarm)]
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

    The pool of the legacy side explains it only where that side serves alone: else it would hide what is
    wrong on the serverless one.
    """
    critical = [alarm.name for alarm in own if alarm.severity == "critical" and alarm.rule not in _LASTING]
    legacy, config = endpoint.legacy, endpoint.config
    is_alone = endpoint.serverless is None or (config is not None and config.split == 0)
    if legacy is None or not is_alone:
        return tuple(critical)
    found = [
        alarm.name
        for alarm in told.values()
        if (alarm.rule, alarm.subject) == ("legacy-pool", legacy.service)
        and alarm.severity in ("error", "critical")
    ]
    return tuple(dict.fromkeys((*critical, *found)))


def _marked(
    own: Sequence[Alarm], composites: Sequence[Composite], causes: tuple[str, ...]
) -> Iterator[Alarm]:
    """Yield the alarms that a composite tells for, and those that it or a cause silences."""
    teller = _tellers(own, composites)
    for alarm in own:
        if _is_child(alarm) and composites:
            yield msgspec.structs.replace(alarm, is_told=False)
        elif _is_child(alarm) and causes:
            yield msgspec.structs.replace(alarm, suppressed_by=causes)
        elif alarm.severity != "critical" and not _is_child(alarm) and teller:
            yield msgspec.structs.replace(alarm, suppressed_by=teller)


def _is_child(alarm: Alarm) -> bool:
    return alarm.severity == "error" and alarm.rule not in _LASTING


def _tellers(own: Sequence[Alarm], composites: Sequence[Composite]) -> tuple[str, ...]:
    """What tells for an endpoint: its composite, or its only error."""
    if composites:
        return (composites[-1].name,)
    return tuple(alarm.name for alarm in own if _is_child(alarm))
