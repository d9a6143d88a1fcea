"""What is told, before anything is deployed: alarms with thresholds, reasons and prices, and what is off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Console

from console.terminal import line
from console.words import counted
from dashboards.alarms.build import override_notes
from dashboards.alarms.prices import ASSUMPTION, monthly_usd, total_usd
from dashboards.alarms.values import Alarm, Alarms, Composite, Slo
from dashboards.alarms.words import amount, condition_words, length, missing_words
from dashboards.resources import Place, System
from subscribers.alerts.model import SEVERITIES, Severity

_STYLES: dict[Severity, str] = {"critical": "bold red", "error": "red", "warning": "yellow", "info": "cyan"}
#: Cells of what stands before a title and before a text.
_HEAD, _LABEL = 10, 11
#: Subjects that one line of what is not judged names; `--json` has all of them.
_SUBJECTS_MAX = 3


def render(system: System, alarms: Alarms, out: Console) -> None:
    """Print every alarm by severity and subject, then promises, composites, totals, what is off and mistakes.

    Names of templates and of observe.yaml are data, never markup.
    """
    line(out, f"Alarms of {system.title}", style="bold")
    by_child = {child: one.name for one in alarms.composites for child in one.children}
    for alarm in _ordered(alarms):
        _block(out, alarm.severity, _STYLES[alarm.severity], alarm.title, _alarm(alarm, by_child))
    for slo in alarms.slos:
        _block(out, "promise", "bold", slo.title, _slo(slo))
    for composite in alarms.composites:
        style = _STYLES[composite.severity]
        _block(out, composite.severity, style, composite.title, _composite(composite, by_child))
    _totals(alarms, out)
    _off(alarms, out)
    notes = override_notes(system)
    if notes:
        out.print()
        line(out, "Overrides that do not hold", style="bold")
    for note in notes:
        line(out, f"{place}: {note.text}" if (place := str(note.place)) else note.text, "- ", "yellow")


def _block(out: Console, head: str, style: str, title: str, rows: Iterator[tuple[str, str]]) -> None:
    out.print()
    line(out, title, f"{head:<{_HEAD}}", style)
    for label, text in rows:
        line(out, text, f"{'':<{_HEAD}}{label:<{_LABEL}}")


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


def _alarm(alarm: Alarm, by_child: dict[str, str]) -> Iterator[tuple[str, str]]:
    condition = alarm.condition
    yield "name", _with_place(alarm.name, alarm.place)
    yield "when", f"{condition_words(condition)}; {missing_words(condition.missing)}"
    yield "threshold", f"{amount(condition.threshold, condition.unit)}: {alarm.reason}"
    yield from _told(alarm, by_child)
    yield from _whose(alarm.owner, alarm.runbook, monthly_usd(alarm))


def _slo(slo: Slo) -> Iterator[tuple[str, str]]:
    yield "name", _with_place(slo.name, slo.place)
    yield "over", f"{length(slo.window_s)}; from {slo.minimum:,g} requests in the long window on"
    for burn in slo.burns:
        windows = f"over {length(burn.long_s)} and over {length(burn.short_s)}"
        yield burn.severity, f"{burn.factor:g} times the rate that keeps the promise, {windows}"
    yield from _whose(slo.owner, slo.runbook, monthly_usd(slo))


def _composite(composite: Composite, by_child: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield "name", composite.name
    yield "when", f"any of {', '.join(composite.children)} is open"
    yield from _told(composite, by_child)
    yield from _whose(composite.owner, composite.runbook, monthly_usd(composite))


def _told(one: Alarm | Composite, by_child: dict[str, str]) -> Iterator[tuple[str, str]]:
    if one.suppressed_by:
        yield "silent", f"while {' or '.join(one.suppressed_by)} is open"
    if not one.is_told:
        yield "told by", by_child.get(one.name, "nobody")


def _whose(owner: str, runbook: str, usd: float) -> Iterator[tuple[str, str]]:
    yield "owner", f"{owner or 'nobody is named'}; runbook: {runbook or 'none'}; USD {usd:.2f} a month"


def _with_place(name: str, place: Place) -> str:
    return f"{name}, {place}" if str(place) else name


def _totals(alarms: Alarms, out: Console) -> None:
    rows: list[tuple[str, int, float]] = []
    for severity in reversed(SEVERITIES):
        own = [one for one in alarms.alarms if one.severity == severity]
        if own:
            rows.append((f"alarms, {severity}", len(own), sum(map(monthly_usd, own))))
    for name, several in (("promises", alarms.slos), ("composites", alarms.composites)):
        if several:
            rows.append((name, len(several), sum(monthly_usd(one) for one in several)))
    total = len(alarms.alarms) + len(alarms.slos) + len(alarms.composites)
    rows.append(("all", total, total_usd(alarms)))
    out.print()
    line(out, "Estimate of what they cost a month in CloudWatch", style="bold")
    for name, number, usd in rows:
        line(out, f"{name:<18}{number:>7,}  USD {usd:>9,.2f}")
    told = sum(one.is_told for one in alarms.alarms)
    by_others = len(alarms.alarms) - told
    composed = f", {by_others:,} by their composite" if by_others else ""
    line(
        out, f"{counted(told, 'alarm')} of {len(alarms.alarms):,} tell by themselves{composed}. {ASSUMPTION}"
    )


def _off(alarms: Alarms, out: Console) -> None:
    """What is not judged: what has the same reason together, as it may be hundreds."""
    if alarms.off:
        out.print()
        line(out, "Not judged", style="bold")
    groups: dict[tuple[str, str], list[str]] = {}
    for text, place in alarms.off:
        named, _, why = text.partition(": ")
        rule, _, subject = named.partition(" of ")
        groups.setdefault((rule, why), []).append(f"{subject} ({place})" if str(place) else subject)
    for (rule, why), subjects in groups.items():
        more = len(subjects) - _SUBJECTS_MAX
        shown = ", ".join(subjects[:_SUBJECTS_MAX]) + (f" and {more:,} more" if more > 0 else "")
        line(out, f"{rule} of {shown}: {why}", "- ")
