"""Alarms as Grafana's alert rules, by file provisioning.

M of N: a query gives a point a period over N periods; each is compared with the threshold (1 or 0), the ones
are added up, and the rule is open from M of them on. What no data means is chosen for each alarm.
https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from dashboards.alarms.told import Told
from dashboards.alarms.values import Burn, Composite, Condition, Missing, Slo
from dashboards.alarms.words import length
from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.sources import number
from dashboards.grafana.asked import Refs, Source, Target, expression_node, mathematics, reduced, threshold
from dashboards.resources import System, slug

#: State without data, state of a query that fails, by what no data means.
STATES: dict[Missing, tuple[str, str]] = {
    "ok": ("OK", "Error"),
    "breaching": ("Alerting", "Alerting"),
    "keep": ("KeepLast", "KeepLast"),
}
#: How late the newest points are.
LATE_S = 120
_DAY_S = 86_400


def told_of_burn(slo: Slo, burn: Burn) -> Told:
    """Return what one burn rate tells, and over which windows it is judged."""
    windows = f"Judged over {length(burn.long_s)} and {length(burn.short_s)} at once."
    return msgspec.structs.replace(Told.of_burn(slo, burn), reason=windows)


def judged(condition: Condition, source: Source) -> list[Target] | Absent:
    """Return the nodes of a condition, the last of which is the one that decides."""
    refs = Refs()
    window = (condition.periods * condition.period_s + LATE_S, LATE_S)
    asked = source.ranged(condition.of, condition.period_s, window, refs)
    if isinstance(asked, Absent):
        return asked
    breached, count, open_ = (refs.take() for _ in range(3))
    comparison = f"${asked.ref} {condition.op} {number(condition.threshold)}"
    return [
        *asked.nodes,
        expression_node(mathematics(breached, comparison)),
        expression_node(reduced(count, breached, "sum", 1 if condition.missing == "breaching" else None)),
        expression_node(threshold(open_, count, condition.datapoints - 0.5)),
    ]


def burned(slo: Slo, burn: Burn, source: Source) -> list[Target] | Absent:
    """Return the nodes of a burn rate: both windows above the factor, and enough traffic in the long one."""
    refs = Refs()
    nodes: list[Target] = []
    totals: list[str] = []
    for seconds in (burn.long_s, burn.short_s):
        period_s = 300 if seconds <= _DAY_S else 3600
        for of in (slo.bad, slo.total):
            asked = source.ranged(of, period_s, (seconds + LATE_S, LATE_S), refs)
            if isinstance(asked, Absent):
                return asked
            totals.append(refs.take())
            nodes += [*asked.nodes, expression_node(reduced(totals[-1], asked.ref, "sum", 0))]
    limit = number(round(burn.factor * (100 - slo.objective) / 100, 9))
    long_bad, long_all, short_bad, short_all = totals
    both, open_ = refs.take(), refs.take()
    # Without a division: no traffic is no burning, and never a division by zero.
    text = (
        f"(${long_bad} > {limit} * ${long_all}) && (${short_bad} > {limit} * ${short_all}) "
        f"&& (${long_all} >= {number(max(slo.minimum, 1))})"
    )
    return [*nodes, expression_node(mathematics(both, text)), expression_node(threshold(open_, both, 0.5))]


def rule(told: Told, nodes: Sequence[Target], missing: Missing, **where: Any) -> dict[str, Any]:
    """Return a rule. where: uid, system, dashboard (UID and number of a panel, or None), links, groups."""
    no_data, failing = STATES[missing]
    system: System = where["system"]
    return {
        "uid": where["uid"],
        "title": literal(f"{told.title} ({told.name})"[:190]),
        "condition": nodes[-1]["refId"],
        "data": list(nodes),
        "for": "0s",
        "noDataState": no_data,
        "execErrState": failing,
        "isPaused": False,
        "labels": labels(told, system, where["groups"]),
        "annotations": explained(told, where["links"], where["dashboard"]),
    }


def labels(told: Told, system: System, groups: Sequence[str]) -> dict[str, str]:
    """Return the labels that routes and lists go by; a dollar sign would be read as a variable."""
    found = {
        "alarm": told.alarm,
        "notify": "yes" if told.is_told else "no",
        "owner": told.owner,
        "rule": told.rule,
        "severity": told.severity,
        "subject": told.subject,
        "suppressed_by": ",".join(told.suppressed_by),
        "composite": ",".join(groups),
        "system": slug(system.title),
    }
    return {key: literal(value) for key, value in sorted(found.items()) if value}


def explained(
    told: Told, links: Sequence[tuple[str, str]], dashboard: tuple[str, int] | None
) -> dict[str, str]:
    """Return what is told: summary, description, runbook, and the panel that shows it."""
    lines = [told.about, f"Why this limit: {told.reason}" if told.reason else ""]
    lines += [f"{label}: {address}" for label, address in links]
    found = {
        "summary": told.title,
        "description": "\n".join(line for line in lines if line),
        "runbook_url": told.runbook,
    }
    if dashboard:
        found |= {"__dashboardUid__": dashboard[0], "__panelId__": str(dashboard[1])}
    return {key: templated(value) for key, value in found.items() if value}


def literal(words: str) -> str:
    """Return a text in which file provisioning reads no variable of the environment."""
    return words.replace("$", "$$")


def templated(words: str) -> str:
    """Return a text in which nothing is read as a template."""
    return words.replace("{{", "{ {").replace("}}", "} }")


def groups_of(name: str, composites: Sequence[Composite]) -> tuple[str, ...]:
    """Return the composites that an alarm is a child of, nearest first."""
    found: list[str] = []
    wanted = [name]
    while wanted:
        child = wanted.pop(0)
        above = [one.name for one in composites if child in one.children and one.name not in found]
        found += above
        wanted += above
    return tuple(found)
