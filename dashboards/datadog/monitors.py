"""Alarms, burn rates and composites as monitors.

IDs of monitors and SLOs are known once they exist. Where a query needs one it has `${monitor:NAME}` or
`${slo:NAME}`: CloudFormation fills it in by Ref (template.py); who creates the JSON files by API replaces it.

A share with too little traffic, or an alarm that another one explains, is a composite of monitors that tell
nobody: `${monitor:A-condition} && ${monitor:A-traffic} && !(...)`.
https://docs.datadoghq.com/monitors/types/composite/
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dashboards.alarms.told import Told
from dashboards.alarms.values import Alarm, Alarms, Burn, Composite, Condition, Slo
from dashboards.datadog.conditions import Judged, judged, span, traffic
from dashboards.datadog.formulas import number
from dashboards.datadog.messages import message, tags
from dashboards.datadog.readings import NotThereError
from dashboards.panels import Page
from dashboards.resources import Note, NoteLevel, System
from subscribers.alerts.model import Severity

PRIORITIES: dict[Severity, int] = {"critical": 1, "error": 2, "warning": 3, "info": 4}
#: Minutes after which an open alert is told again.
AGAIN_M: dict[Severity, int] = {"critical": 60, "error": 240, "warning": 1440, "info": 0}
#: Monitors that a composite may name.
MOST = 10
#: Windows of burn rates in hours: https://docs.datadoghq.com/service_level_objectives/burn_rate/
LONG_H = (1, 48)
TIMEFRAMES = {7: "7d", 30: "30d", 90: "90d"}


def timeframe(slo: Slo) -> str:
    """Return the window of an SLO that Datadog has and that is nearest: 7d, 30d or 90d."""
    days = slo.window_s / 86_400
    return TIMEFRAMES[min(TIMEFRAMES, key=lambda has: (abs(has - days), has))]


class Monitors:
    """Every monitor of a system. made: name -> body of the API, in order; notes: what cannot be told."""

    def __init__(self, system: System, alarms: Alarms, pages: dict[str, Page]) -> None:
        """Make the monitors of all alarms, SLOs and composites."""
        self.made: dict[str, dict[str, Any]] = {}
        self.notes: list[Note] = []
        self.doubts: set[tuple[str, str]] = set()
        self._system, self._pages = system, pages
        #: Name of an alarm, SLO or composite -> when it is open, in monitors that are no composites.
        self._open: dict[str, str] = {}
        pending = [found for alarm in alarms.alarms if (found := self._leaf(alarm))]
        burning = [found for slo in alarms.slos for found in self._burns(slo)]
        composites = {one.name: one for one in alarms.composites}
        for alarm, told, base in pending:
            self._finish(alarm.name, told, base, alarm.suppressed_by, composites)
        for name, told, base in burning:
            self._finish(name, told, base, (), composites)
        for composite in alarms.composites:
            self._composite(composite, composites)
        self.made = dict(sorted(self.made.items()))

    def _leaf(self, alarm: Alarm) -> tuple[Alarm, Told, Judged] | None:
        told = Told.of_alarm(alarm)
        try:
            enough = traffic(alarm.condition, self._system)
            base = judged(alarm.condition, self._system, is_gated=enough is None)
        except NotThereError as fault:
            self._note(f"The alarm {alarm.name} is not at Datadog: {fault}", alarm, reason=str(fault))
            return None
        self.doubts |= base.doubts
        parts = _is_composed(alarm, enough is not None)
        own = f"{alarm.name}-condition" if parts else alarm.name
        self._open[alarm.name] = _ref(own)
        if enough is not None:
            self._quiet(f"{alarm.name}-traffic", told, enough, "enough traffic to judge it")
            self._open[alarm.name] = f"({_ref(own)} && {_ref(f'{alarm.name}-traffic')})"
        if parts:
            self._quiet(own, told, base, "its condition")
        return alarm, told, base

    def _finish(
        self,
        name: str,
        told: Told,
        base: Judged,
        suppressors: tuple[str, ...],
        composites: dict[str, Composite],
    ) -> None:
        condition = self._open[name]
        if condition == _ref(name):
            self.made[name] = self._body(told, base.type, base.query, base.threshold, base.options, base.how)
            return
        silent = [text for one in suppressors if (text := self._when(one, composites, frozenset()))]
        query = " && ".join([condition, *(f"!{_grouped(text)}" for text in silent)])
        if len(_names(query)) > MOST:
            self._note(f"{name}: a composite names {MOST} monitors at most, so nothing silences it.")
            query = condition
        how = base.how + (f" Silent while {', '.join(suppressors)} is open." if silent else "")
        self.made[name] = self._body(told, "composite", _bare(query), None, {}, how)

    def _composite(self, composite: Composite, composites: dict[str, Composite]) -> None:
        text = self._when(composite.name, composites, frozenset())
        if not text:
            self._note(f"The composite {composite.name} is not at Datadog: none of its children is.")
            return
        silent = [
            found for one in composite.suppressed_by if (found := self._when(one, composites, frozenset()))
        ]
        if len(_names(" ".join(silent))) >= MOST:
            self._note(
                f"{composite.name}: a composite names {MOST} monitors at most, so nothing silences it."
            )
            silent = []
        told = Told.of_composite(composite)
        parts = _shares(text.split(" || "), MOST - len(_names(" ".join(silent))))
        if len(parts) > 1:
            self._note(
                f"{composite.name}: a composite names at most {MOST} monitors, so it is {len(parts)}.",
                level="info",
            )
        for at, part in enumerate(parts, 1):
            first = _grouped(" || ".join(part)) if silent else " || ".join(part)
            query = " && ".join([first, *(f"!{_grouped(found)}" for found in silent)])
            title = composite.title if len(parts) == 1 else f"{composite.title} ({at} of {len(parts)})"
            one = msgspec.structs.replace(told, title=title)
            name = self._free(composite.name if at == 1 else f"{composite.name}-{at}")
            self.made[name] = self._body(one, "composite", _bare(query), None, {}, "Open while any is.")

    def _free(self, name: str) -> str:
        """Return a name that no monitor has: an alarm may be called as a part of a composite would be."""
        return name if name not in self.made else self._free(f"{name}-of-composite")

    def _when(self, name: str, composites: dict[str, Composite], above: frozenset[str]) -> str:
        """Return when an alarm, SLO or composite is open; "" where it is not at Datadog or names itself."""
        if name in above or name not in composites:
            return self._open.get(name, "")
        parts = [self._when(child, composites, above | {name}) for child in composites[name].children]
        return " || ".join(dict.fromkeys(part for part in parts if part))

    def _burns(self, slo: Slo) -> list[tuple[str, Told, Judged]]:
        found = []
        for burn in slo.burns:
            name = f"{slo.name}-burn-{span(burn.long_s // 60)}"
            fault = _burn_fault(slo, burn)
            if fault:
                self._note(f"{name} is not at Datadog: {fault}", slo, reason=fault)
                continue
            told = Told.of_burn(slo, burn)
            base = _burning(slo, burn)
            self._open[name] = _ref(name)
            if slo.minimum > 0:
                self._minimum(name, told, slo, burn, base)
            found.append((name, told, base))
        self._open[slo.name] = " || ".join(self._open[name] for name, _, _ in found)
        return found

    def _minimum(self, name: str, told: Told, slo: Slo, burn: Burn, base: Judged) -> None:
        enough = Condition(
            of=slo.total, op=">=", threshold=slo.minimum, period_s=burn.long_s, periods=1, datapoints=1
        )
        try:
            found = judged(enough, self._system)
        except NotThereError as fault:
            self._note(f"{name} does not ask for {number(slo.minimum)} requests: {fault}", slo)
            return
        self._quiet(f"{name}-traffic", told, found, "enough traffic to judge it")
        self._quiet(f"{name}-condition", told, base, "its condition")
        self._open[name] = f"({_ref(f'{name}-condition')} && {_ref(f'{name}-traffic')})"

    def _quiet(self, name: str, told: Told, base: Judged, what: str) -> None:
        part = told.part(what)
        self.made[name] = self._body(part, base.type, base.query, base.threshold, base.options, base.how)

    def _body(
        self, told: Told, kind: str, query: str, threshold: float | None, options: dict[str, Any], how: str
    ) -> dict[str, Any]:
        again = AGAIN_M[told.severity] if told.is_told else 0
        repeated = {"renotify_interval": again, "renotify_statuses": ["alert"]} if again else {}
        limits = {} if threshold is None else {"thresholds": {"critical": threshold}}
        return {
            "name": told.title,
            "type": kind,
            "query": query,
            "message": message(told, how, self._system, self._pages),
            "tags": tags(told, self._system),
            "priority": PRIORITIES[told.severity] if told.is_told else 5,
            "options": {**limits, "include_tags": False, "notify_audit": False, **repeated, **options},
        }

    def _note(
        self, text: str, of: Alarm | Slo | None = None, level: NoteLevel = "warning", reason: str = ""
    ) -> None:
        subject = "" if of is None else of.endpoint if isinstance(of, Slo) else of.subject
        place: dict[str, Any] = {"place": of.place} if of else {}
        self.notes.append(Note(level=level, text=text, subject=subject, reason=reason, **place))


def _is_composed(alarm: Alarm, has_traffic: bool) -> bool:
    return has_traffic or bool(alarm.suppressed_by)


def _burning(slo: Slo, burn: Burn) -> Judged:
    long, short = span(burn.long_s // 60), burn.short_s // 60
    head = f'burn_rate("${{slo:{slo.name}}}").over("{timeframe(slo)}")'
    query = f'{head}.long_window("{long}").short_window("{short}m") > {number(burn.factor)}'
    how = (
        f"Judged: the budget of {timeframe(slo)} burns {number(burn.factor)} times too fast, in both windows."
    )
    return Judged(type="slo alert", query=query, threshold=burn.factor, options={}, how=how)


def _burn_fault(slo: Slo, burn: Burn) -> str:
    if not LONG_H[0] * 3600 <= burn.long_s <= LONG_H[1] * 3600:
        return "A long window is between 1 hour and 48 hours there."
    if burn.factor * (100 - slo.objective) > 100:
        return (
            f"With {number(slo.objective)}% no rate above {number(100 / (100 - slo.objective))} is possible."
        )
    return ""


def _ref(name: str) -> str:
    return f"${{monitor:{name}}}"


def _names(query: str) -> set[str]:
    return set(re.findall(r"\$\{monitor:([^}]+)\}", query))


def _shares(parts: list[str], most: int) -> list[list[str]]:
    """Return what is open in as many composites as it needs, each of which names at most so many monitors."""
    shares: list[list[str]] = [[]]
    for part in parts:
        if shares[-1] and len(_names(" ".join([*shares[-1], part]))) > most:
            shares.append([])
        shares[-1].append(part)
    return shares


def _grouped(text: str) -> str:
    return f"({text})" if " " in text and not re.fullmatch(r"\([^()]*\)", text) else text


def _bare(query: str) -> str:
    """Return a query without parentheses around the whole of it."""
    return query[1:-1] if re.fullmatch(r"\([^()]*\)", query) else query
