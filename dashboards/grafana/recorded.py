"""Alarms as Prometheus's own rules: recording rules of burn rates, alerting rules of all that it knows.

M of N is a subquery: the comparison (1 or 0) at every period, added up. `keep` is keep_firing_for.
https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-aps-rulegroupsnamespace.html
"""

from __future__ import annotations

import re
from typing import Any

from dashboards.alarms.told import Told
from dashboards.alarms.values import Alarm, Burn, Condition, Slo
from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.sources import number
from dashboards.grafana.promql import promql
from dashboards.grafana.rules import explained, labels, templated
from dashboards.resources import System

#: How long an alarm stays that keeps its state without data: Prometheus has no `for ever`.
KEPT = "1h"


def condition_of(condition: Condition, system: System) -> str | Absent:
    """Return a query that gives a value while the condition holds, and nothing else."""
    found = promql(condition.of, f"{condition.period_s}s", system)
    if isinstance(found, Absent):
        return found
    span_s = condition.periods * condition.period_s
    # Of a subquery `t - range` is included: a second less gives just N points.
    over = f"[{span_s - 1}s:{condition.period_s}s]"
    compared = f"({found} {condition.op} bool {number(condition.threshold)})"
    if condition.missing == "breaching":
        compared = f"({compared} or vector(1))"
    return f"sum_over_time({compared}{over}) >= {condition.datapoints}"


def alert_of(alarm: Alarm, told: Told, system: System, groups: tuple[str, ...]) -> dict[str, Any] | Absent:
    """Return the alerting rule of an alarm."""
    found = condition_of(alarm.condition, system)
    if isinstance(found, Absent):
        return found
    made: dict[str, Any] = {"alert": alarm.name, "expr": found}
    if alarm.condition.missing == "keep":
        made["keep_firing_for"] = KEPT
    return {**made, **_said(told, system, groups)}


def recording(slo: Slo, system: System) -> list[dict[str, Any]] | Absent:
    """Return the recording rules of an SLO: bad and all requests of each window that a burn rate has."""
    made: list[dict[str, Any]] = []
    for seconds in sorted({window for burn in slo.burns for window in (burn.long_s, burn.short_s)}):
        for what, of in (("bad", slo.bad), ("total", slo.total)):
            found = promql(of, f"{seconds}s", system)
            if isinstance(found, Absent):
                return found
            made.append({"record": recorded(slo, what, seconds), "expr": found, "labels": {"slo": slo.name}})
    return made


def burn_alert(slo: Slo, burn: Burn, told: Told, system: System, groups: tuple[str, ...]) -> dict[str, Any]:
    """Return the alerting rule of a burn rate, over recorded numbers: both windows, and enough traffic."""
    limit = number(round(burn.factor * (100 - slo.objective) / 100, 9))
    above = [
        f"({recorded(slo, 'bad', seconds)} > {limit} * {recorded(slo, 'total', seconds)})"
        for seconds in (burn.long_s, burn.short_s)
    ]
    least = f"({recorded(slo, 'total', burn.long_s)} >= {number(max(slo.minimum, 1))})"
    return {"alert": told.name, "expr": " and ".join([*above, least]), **_said(told, system, groups)}


def recorded(slo: Slo, what: str, seconds: int) -> str:
    """Return the name of a recorded number: level, metric, operation."""
    return f"slo:{re.sub(r'[^a-zA-Z0-9_]', '_', slo.name)}_{what}:sum{seconds}s"


def _said(told: Told, system: System, groups: tuple[str, ...]) -> dict[str, Any]:
    # Prometheus reads templates in labels, too, and knows no variables of an environment.
    found = {key: templated(value.replace("$$", "$")) for key, value in labels(told, system, groups).items()}
    return {"labels": found, "annotations": explained(told, (), None)}
