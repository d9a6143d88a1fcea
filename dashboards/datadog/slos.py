"""SLOs as metric SLOs: good requests over all, in the window of Datadog that is nearest.

https://docs.datadoghq.com/service_level_objectives/metric/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.alarms.values import Slo
from dashboards.datadog.formulas import formula, good_of
from dashboards.datadog.messages import plain
from dashboards.datadog.monitors import timeframe
from dashboards.datadog.readings import NotThereError
from dashboards.datadog.searches import system_tag
from dashboards.resources import Note, System


def objectives(slos: Sequence[Slo], system: System) -> tuple[dict[str, dict[str, Any]], list[Note]]:
    """Return the SLOs by name, as bodies of the API, and what Datadog cannot have as it was asked."""
    made: dict[str, dict[str, Any]] = {}
    notes = []
    for slo in slos:
        try:
            made[slo.name] = _body(slo, system)
        except NotThereError as fault:
            notes.append(_note(slo, f"The SLO {slo.name} is not at Datadog: {fault}", str(fault)))
            continue
        if timeframe(slo) != f"{slo.window_s // 86_400}d":
            why = f"Datadog has SLOs of 7, 30 and 90 days, so it is over {timeframe(slo)}."
            notes.append(_note(slo, f"{slo.name}: {why}", why))
    return made, notes


def _body(slo: Slo, system: System) -> dict[str, Any]:
    good, all_of = good_of(slo.bad, system), formula(slo.total, system, lambda reading: reading.text)
    described = [slo.about, f"Owner: {slo.owner}" if slo.owner else "", slo.runbook]
    tags = {"alarm": slo.name, "endpoint": slo.endpoint, "managed_by": "hybrid_observe", "team": slo.owner}
    named = [f"{key}:{plain(value)}" for key, value in tags.items() if value]
    return {
        "name": slo.title,
        "type": "metric",
        "description": " ".join(text for text in described if text),
        "query": {"numerator": good, "denominator": all_of},
        "thresholds": [{"target": slo.objective, "timeframe": timeframe(slo)}],
        "tags": sorted([*named, system_tag(system)]),
    }


def _note(slo: Slo, text: str, reason: str) -> Note:
    return Note(level="info", text=text, subject=slo.endpoint, place=slo.place, reason=reason)
