"""What is told, before anything is deployed: alarms with thresholds, reasons and prices, and what is off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Console

from console.insight_tables import show
from console.terminal import line
from console.words import counted
from dashboards.alarms.build import override_notes
from dashboards.alarms.prices import ASSUMPTION, monthly_usd, total_usd
from dashboards.alarms.values import Alarm, Alarms, Composite, Slo
from dashboards.alarms.words import amount, condition_words, length, missing_words
from dashboards.resources import System
from subscribers.alerts.model import SEVERITIES, Severity
from subscribers.insight.answer import Column, Table

_STYLES: dict[Severity, str] = {"critical": "bold red", "error": "red", "warning": "yellow", "info": "cyan"}
_HEAD = 10


def render(system: System, alarms: Alarms, out: Console) -> None:
    """Print every alarm by severity and subject, then promises, composites, totals, what is off and mistakes.

    Names of templates and of observe.yaml are data, never markup.
    """
    line(out, f"Alarms of {system.title}", style="bold")
    for alarm in _ordered(alarms):
        out.print()
        line(out, alarm.title, f"{alarm.severity:<{_HEAD}}", _STYLES[alarm.severity])
        for text in _alarm(alarm):
            line(out, text, " " * _HEAD)
    for slo in alarms.slos:
        out.print()
        line(out, slo.title, f"{'promise':<{_HEAD}}", "bold")
        for text in _slo(slo):
            line(out, text, " " * _HEAD)
    for composite in alarms.composites:
        out.print()
        line(out, composite.title, f"{composite.severity:<{_HEAD}}", _STYLES[composite.severity])
        for text in _composite(composite):
            line(out, text, " " * _HEAD)
    _totals(alarms, out)
    _off(alarms, out)
    for note in override_notes(system):
        line(out, f"{place}: {note.text}" if (place := str(note.place)) else note.text, "- ", "yellow")


def as_json(system: System, alarms: Alarms) -> dict[str, Any]:
    """Return the same for programs; prices in USD a month, thresholds in the UCUM unit beside them."""
    return {
        "title": system.title,
        "alarms": [_tree(alarm) for alarm in _ordered(alarms)],
        "slos": [_tree(slo) for slo in alarms.slos],
        "composites": [_tree(composite) for composite in alarms.composites],
        "off": [{"text": text, "place": str(place)} for text, place in alarms.off],
        "notes": [{"level": n.level, "text": n.text, "place": str(n.place)} for n in override_notes(system)],
        "usd_per_month": total_usd(alarms),
        "price_assumption": ASSUMPTION,
    }


def _tree(one: Alarm | Slo | Composite) -> dict[str, Any]:
    tree: dict[str, Any] = {**msgspec.to_builtins(one), "usd_per_month": monthly_usd(one)}
    if not isinstance(one, Composite):
        tree["place"] = str(one.place)
    if isinstance(one, Alarm):
        tree["condition_words"] = condition_words(one.condition)
    return tree


def _ordered(alarms: Alarms) -> list[Alarm]:
    """The most urgent first, then by subject."""
    return sorted(alarms.alarms, key=lambda one: (-SEVERITIES.index(one.severity), one.subject, one.name))


def _alarm(alarm: Alarm) -> Iterator[str]:
    condition = alarm.condition
    yield f"{alarm.name}, {alarm.place}" if str(alarm.place) else alarm.name
    yield f"when       {condition_words(condition)}; {missing_words(condition.missing)}"
    yield f"threshold  {amount(condition.threshold, condition.unit)}: {alarm.reason}"
    if alarm.suppressed_by:
        yield f"silent     while {' or '.join(alarm.suppressed_by)} is open"
    if not alarm.is_told:
        yield "tells      nobody by itself: another alarm tells of it"
    yield from _whose(alarm.owner, alarm.runbook, monthly_usd(alarm))


def _slo(slo: Slo) -> Iterator[str]:
    yield f"{slo.name}, {slo.place}" if str(slo.place) else slo.name
    yield f"over       {length(slo.window_s)}; from {slo.minimum:,g} requests in the long window on"
    for burn in slo.burns:
        windows = f"over {length(burn.long_s)} and over {length(burn.short_s)}"
        yield f"{burn.severity:<9}  {burn.factor:g} times the rate that keeps the promise, {windows}"
    yield from _whose(slo.owner, slo.runbook, monthly_usd(slo))


def _composite(composite: Composite) -> Iterator[str]:
    yield composite.name
    yield f"when       any of {', '.join(composite.children)} is open"
    if composite.suppressed_by:
        yield f"silent     while {' or '.join(composite.suppressed_by)} is open"
    yield from _whose(composite.owner, composite.runbook, monthly_usd(composite))


def _whose(owner: str, runbook: str, usd: float) -> Iterator[str]:
    yield f"owner      {owner or 'nobody is named'}; runbook {runbook or 'none'}; USD {usd:.2f} a month"


def _totals(alarms: Alarms, out: Console) -> None:
    rows: list[tuple[str, int, float]] = []
    for severity in reversed(SEVERITIES):
        own = [one for one in alarms.alarms if one.severity == severity]
        if own:
            rows.append((f"alarms, {severity}", len(own), round(sum(map(monthly_usd, own)), 2)))
    for name, several in (("promises", alarms.slos), ("composites", alarms.composites)):
        if several:
            rows.append((name, len(several), round(sum(monthly_usd(one) for one in several), 2)))
    total = len(alarms.alarms) + len(alarms.slos) + len(alarms.composites)
    rows.append(("all", total, total_usd(alarms)))
    columns = (Column("what", "What"), Column("number", "Number", "1"), Column("usd", "A month", "{USD}"))
    out.print()
    show(Table(name="totals", title="In CloudWatch", columns=columns, rows=tuple(rows)), out)
    told = sum(one.is_told for one in alarms.alarms)
    line(out, f"{counted(told, 'alarm')} of {len(alarms.alarms):,} tell by themselves. {ASSUMPTION}")


def _off(alarms: Alarms, out: Console) -> None:
    if alarms.off:
        out.print()
        line(out, "Not judged", style="bold")
    for text, place in alarms.off:
        line(out, f"{text} ({place})" if str(place) else text, "- ")
