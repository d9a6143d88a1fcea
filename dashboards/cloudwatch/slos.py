"""Burn rates of SLOs: an alarm a window, a composite for both windows, a slower one silent under a faster.

A window up to a day is one period. CloudWatch has no longer period: of a window of several days every day has
to be above the factor, which tells later than the mean of all would, and is said in a note.
https://sre.google/workbook/alerting-on-slos/
"""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.alarms.values import Burn, Composite, Slo
from dashboards.alarms.words import length
from dashboards.cloudwatch.alarms import DAY_S, WEEK_S, metrics_of, tags
from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.descriptions import description
from dashboards.cloudwatch.mathematics import Formulas
from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.naming import deployed
from dashboards.cloudwatch.sources import number


class Burning(msgspec.Struct, frozen=True, kw_only=True):
    """One SLO's alarms (name -> properties), its composites over both windows with their names."""

    alarms: dict[str, dict[str, Any]]
    both: tuple[tuple[Composite, str, str], ...]


def burning(slo: Slo, context: Context) -> Burning:
    """Return the alarms of an SLO; none where CloudWatch cannot count it, which is noted."""
    alarms: dict[str, dict[str, Any]] = {}
    both: list[tuple[Composite, str, str]] = []
    for burn in slo.burns:
        name = f"{slo.name}-{burn_name(burn)}"
        found = {
            f"{name}-{which}": _window(slo, burn, seconds, f"{name}-{which}", context)
            for which, seconds in (("long", burn.long_s), ("short", burn.short_s))
        }
        reasons = [one.reason for one in found.values() if isinstance(one, Absent)]
        if reasons:
            context.note(
                "warning", f"The burn rate {name} is left out: {reasons[0]}", slo.endpoint, slo.place
            )
            continue
        alarms |= {key: one for key, one in found.items() if not isinstance(one, Absent)}
        both.append((_composite(slo, burn, name, both), f"{name}-long", f"{name}-short"))
    return Burning(alarms=alarms, both=tuple(both))


def burn_name(burn: Burn) -> str:
    """Return a burn rate's part of names: factor and long window, e.g. `14x4-1h`."""
    return f"{number(burn.factor).replace('.', '-')}x-{_span(burn.long_s)}"


def _span(seconds: int) -> str:
    for size, unit in ((DAY_S, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _composite(slo: Slo, burn: Burn, name: str, before: list[tuple[Composite, str, str]]) -> Composite:
    about = (
        f"Over {length(burn.long_s)} and {length(burn.short_s)} the error budget is used {_times(burn)} "
        f"it may be. {slo.about}"
    )
    return Composite(
        name=name,
        title=slo.title,
        children=(f"{name}-long", f"{name}-short"),
        severity=burn.severity,
        about=about.strip(),
        owner=slo.owner,
        runbook=slo.runbook,
        page=slo.page,
        suppressed_by=(before[-1][0].name,) if before else (),
    )


def _times(burn: Burn) -> str:
    return "faster than" if burn.factor == 1 else f"{number(burn.factor)} times as fast as"


def _window(slo: Slo, burn: Burn, seconds: int, name: str, context: Context) -> dict[str, Any] | Absent:
    period_s, periods = (seconds, 1) if seconds <= DAY_S else (DAY_S, -(-seconds // DAY_S))
    if seconds % 60 or periods * period_s > WEEK_S:
        return Absent(
            f"A window of {length(seconds)} is more than CloudWatch judges: seven days, whole minutes."
        )
    if periods > 1:
        context.note(
            "info",
            f"{name}: CloudWatch has no window of {length(seconds)}. It opens when each of {periods} days "
            "is above the factor; one bad day alone does not open it.",
            slo.endpoint,
            slo.place,
        )
    formulas = Formulas(context.system)
    bad, total = formulas.of(slo.bad), formulas.of(slo.total)
    if isinstance(bad, Absent) or isinstance(total, Absent):
        return bad if isinstance(bad, Absent) else total  # type: ignore[return-value]
    budget = 1 - slo.objective / 100
    least = number(max(slo.minimum * seconds / burn.long_s, 1))
    formula = f"IF(FILL({total},0)>={least},FILL({bad},0)/({total}*{number(round(budget, 12))}),0)"
    found = metrics_of(formulas, formula, period_s, None, context)
    if isinstance(found, Absent):
        return found
    context.used(formulas)
    said = f"Part of a burn rate of {slo.title}: {length(seconds)}."
    return {
        "AlarmName": deployed(context.system, name),
        "AlarmDescription": description((said,), slo.runbook, slo.page, (), context),
        **found,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": burn.factor,
        "EvaluationPeriods": periods,
        "DatapointsToAlarm": periods,
        "TreatMissingData": "notBreaching",
        "Tags": tags({"severity": burn.severity, "rule": "slo", "subject": slo.endpoint, "owner": slo.owner}),
    }
