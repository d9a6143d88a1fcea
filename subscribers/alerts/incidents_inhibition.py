"""One cause, one page: which incidents stay quiet because another one is open.

    same service; where either names none, the same endpoint; a source that is about nothing in particular
    (no group, service or endpoint) silences its targets everywhere

Of rules that silence each other, directly or around, the incident that was seen first is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from subscribers.alerts.incidents_values import Incident, Inhibition


def inhibited(live: Sequence[Incident], rules: Iterable[Inhibition]) -> dict[str, Incident]:
    """Return ID -> the open incident that is its cause, for each of `live` that stays quiet."""
    sources: dict[str, set[str]] = {}
    for entry in rules:
        for target in entry.targets:
            sources.setdefault(target, set()).add(entry.source)
    by_rule: dict[str, list[Incident]] = {}
    for incident in sorted(live, key=_order):
        by_rule.setdefault(incident.rule, []).append(incident)
    found: dict[str, Incident] = {}
    for incident in live:
        cause = _cause(incident, sources, by_rule)
        if cause is not None:
            found[incident.id] = cause
    return found


def _cause(
    target: Incident, sources: Mapping[str, set[str]], by_rule: Mapping[str, Sequence[Incident]]
) -> Incident | None:
    for rule in sorted(sources.get(target.rule, ())):
        # Without this each would wait for the other, and nobody would be told of either.
        is_mutual = _is_above(target.rule, rule, sources)
        for source in by_rule.get(rule, ()):
            if (
                source.id != target.id
                and _is_related(source, target)
                and not (is_mutual and _order(target) < _order(source))
            ):
                return source
    return None


def _is_above(rule: str, other: str, sources: Mapping[str, set[str]]) -> bool:
    """Whether `rule` silences `other`, maybe through rules between them."""
    seen: set[str] = set()
    ahead = {other}
    while ahead:
        name = ahead.pop()
        above = sources.get(name, set())
        if rule in above:
            return True
        seen.add(name)
        ahead |= above - seen
    return False


def _is_related(source: Incident, target: Incident) -> bool:
    a, b = source.finding, target.finding
    if a.service and b.service:
        return a.service == b.service
    if a.endpoint and b.endpoint:
        return a.endpoint == b.endpoint
    return not (source.group or a.service or a.endpoint)


def _order(incident: Incident) -> tuple[int, str]:
    return incident.opened_s, incident.id
