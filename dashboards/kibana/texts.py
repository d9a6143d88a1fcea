"""Markdown of panels: links between pages, to saved searches and elsewhere, and what an alarm is."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from dashboards.alarms.values import Alarm, Alarms, Composite, Slo
from dashboards.panels import Panel

_LINK = re.compile(r"\[([^\]]*)\]\((page|query):([^)]*)\)")
_OPS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses, relative to a dashboard's. pages, queries: name -> address; alerts: where alarms are."""

    pages: Mapping[str, str]
    queries: Mapping[str, str]
    alerts: str


def markdown(text: str, places: Places) -> str:
    """Return markdown in which links to pages and queries have addresses; one to nowhere is its label."""

    def linked(found: re.Match[str]) -> str:
        label, kind, name = found.groups()
        address = (places.pages if kind == "page" else places.queries).get(name)
        return f"[{label}]({address})" if address else label

    return _LINK.sub(linked, text)


def alarms_text(panel: Panel, alarms: Alarms, places: Places) -> str:
    """Return the alarms of a panel as a list: what is judged, what it means, where the runbook is."""
    known: dict[str, Alarm | Slo | Composite] = {one.name: one for one in alarms.alarms}
    known.update({one.name: one for one in alarms.slos})
    known.update({one.name: one for one in alarms.composites})
    lines = [_line(known[name]) for name in panel.alarms if name in known]
    return "\n".join([f"**[States of the alarms]({places.alerts})**", "", *lines])


def condition_text(alarm: Alarm) -> str:
    """Return what an alarm judges as words: `above 5 % in 2 of 3 periods of 5 min`."""
    judged = alarm.condition
    unit = "" if judged.unit == "1" else f" {judged.unit.strip('{}')}"
    threshold = f"{_OPS[judged.op]} {judged.threshold:g}{unit}"
    return f"{threshold} in {judged.datapoints} of {judged.periods} periods of {judged.period_s / 60:g} min"


def _line(one: Alarm | Slo | Composite) -> str:
    runbook = f" [Runbook]({one.runbook})" if one.runbook else ""
    about = f" {one.about}" if one.about else ""
    judged = f" ({condition_text(one)})" if isinstance(one, Alarm) else ""
    return f"- **{one.title}**{judged}.{about}{runbook}"
