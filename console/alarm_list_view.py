"""What is told, before anything is deployed: alarms with thresholds, reasons and prices, and what is off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Console

from console.terminal import line
from console.words import counted
from dashboards.alarms.build import override_notes
from dashboards.alarms.values import Alarm, Alarms, Composite, Slo
from dashboards.alarms.words import amount, condition_words, length, missing_words
from dashboards.priced import ASSUMPTION, Bill
from dashboards.resources import Place, System
from subscribers.alerts.model import SEVERITIES, Severity

_STYLES: dict[Severity, str] = {"critical": "bold red", "error": "red", "warning": "yellow", "info": "cyan"}
#: Cells of what stands before a title and before a text.
_HEAD, _LABEL = 10, 11
#: Subjects that one line of what is not judged names; `--json` has all of them.
_SUBJECTS_MAX = 3


def render(system: System, alarms: Alarms, bill: Bill, out: Console) -> None:
    """Print every alarm by severity and subject, then promises, composites, totals, what is off and mistakes.

    bill: what CloudWatch would bill for them.
    Names of templates and of observe.yaml are data, never markup.
    """
    line(out, f"Alarms of {system.title}", style="bold")
    by_child = {child: one.name for one in alarms.composites for child in one.children}
    for alarm in _ordered(alarms):
        _block(out, alarm.severity, _STYLES[alarm.severity], alarm.title, _alarm(alarm, by_child, bill))
    for slo in alarms.slos:
        _block(out, "promise", "bold", slo.title, _slo(slo, bill))
    for composite in alarms.composites:
        style = _STYLES[composite.severity]
        _block(out, composite.severity, style, composite.title, _composite(composite, by_child, bill))
    _totals(alarms, bill, out)
    _absent(bill, out)
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


def as_json(system: System, alarms: Alarms, bill: Bill) -> dict[str, Any]:
    """Return the same for programs; prices in USD a month, thresholds in the UCUM unit beside them."""
    return {
        "title": system.title,
        "alarms": [_tree(alarm, bill) for alarm in _ordered(alarms)],
        "slos": [_tree(slo, bill) for slo in alarms.slos],
        "composites": [_tree(composite, bill) for composite in alarms.composites],
        "off": [{"text": text, "place": str(place)} for text, place in alarms.off],
        "notes": [{"level": n.level, "text": n.text, "place": str(n.place)} for n in override_notes(system)],
        "others": msgspec.to_builtins(bill.others),
        "usd_per_month": bill.total_usd,
        "price_assumption": ASSUMPTION,
    }


def _tree(one: Alarm | Slo | Composite, bill: Bill) -> dict[str, Any]:
    price = {"usd_per_month": bill.usd.get(one.name, 0.0), "not_in_cloudwatch": bill.absent.get(one.name, "")}
    tree: dict[str, Any] = {**msgspec.to_builtins(one), **price}
    if not isinstance(one, Composite):
        tree["place"] = str(one.place)
    if isinstance(one, Alarm):
        tree["condition_words"] = condition_words(one.condition)
    return tree


def _ordered(alarms: Alarms) -> list[Alarm]:
    """The most urgent first, then by subject."""
    return sorted(alarms.alarms, key=lambda one: (-SEVERITIES.index(one.severity), one.subject, one.name))


def _alarm(alarm: Alarm, by_child: dict[str, str], bill: Bill) -> Iterator[tuple[str, str]]:
    condition = alarm.condition
    yield "name", _with_place(alarm.name, alarm.place)
    yield "when", f"{condition_words(condition)}; {missing_words(condition.missing)}"
    yield "threshold", f"{amount(condition.threshold, condition.unit)}: {alarm.reason}"
    yield from _told(alarm, by_child)
    yield from _whose(alarm, bill)


def _slo(slo: Slo, bill: Bill) -> Iterator[tuple[str, str]]:
    yield "name", _with_place(slo.name, slo.place)
    yield "over", f"{length(slo.window_s)}; from {slo.minimum:,g} requests in the long window on"
    for burn in slo.burns:
        windows = f"over {length(burn.long_s)} and over {length(burn.short_s)}"
        yield burn.severity, f"{burn.factor:g} times the rate that keeps the promise, {windows}"
    yield from _whose(slo, bill)


def _composite(composite: Composite, by_child: dict[str, str], bill: Bill) -> Iterator[tuple[str, str]]:
    yield "name", composite.name
    yield "when", f"any of {', '.join(composite.children)} is open"
    yield from _told(composite, by_child)
    yield from _whose(composite, bill)


def _told(one: Alarm | Composite, by_child: dict[str, str]) -> Iterator[tuple[str, str]]:
    if one.suppressed_by:
        yield "silent", f"while {' or '.join(one.suppressed_by)} is open"
    if not one.is_told:
        yield "told by", by_child.get(one.name, "nobody")


def _whose(one: Alarm | Slo | Composite, bill: Bill) -> Iterator[tuple[str, str]]:
    price = f"; USD {bill.usd[one.name]:.2f} a month" if one.name in bill.usd else ""
    yield "owner", f"{one.owner or 'nobody is named'}; runbook: {one.runbook or 'none'}{price}"
    if one.name in bill.absent:
        yield "left out", f"of CloudWatch: {bill.absent[one.name]}"


def _with_place(name: str, place: Place) -> str:
    return f"{name}, {place}" if str(place) else name


def _totals(alarms: Alarms, bill: Bill, out: Console) -> None:
    several: dict[str, list[str]] = {}
    for severity in reversed(SEVERITIES):
        several[f"alarms, {severity}"] = [one.name for one in alarms.alarms if one.severity == severity]
    several["promises"] = [one.name for one in alarms.slos]
    several["composites"] = [one.name for one in alarms.composites]
    out.print()
    line(out, "Estimate of what they cost a month in CloudWatch", style="bold")
    for what, names in several.items():
        there = [name for name in names if name in bill.usd]
        if there:
            _row(out, what, len(there), sum(bill.usd[name] for name in there))
    for other in bill.others:
        _row(out, other.what, other.number, other.usd)
    _row(out, "all", len(bill.usd) + sum(other.number for other in bill.others), bill.total_usd)
    made = f"{counted(bill.alarms, 'alarm')} of {counted(bill.metrics, 'metric')}"
    line(out, f"They are {made} and {counted(bill.composites, 'composite')} there. {ASSUMPTION}")
    told = sum(one.is_told for one in alarms.alarms)
    by_others = len(alarms.alarms) - told
    composed = f", {by_others:,} by their composite" if by_others else ""
    line(out, f"{counted(told, 'alarm')} of {len(alarms.alarms):,} tell by themselves{composed}.")


def _row(out: Console, what: str, number: int, usd: float) -> None:
    line(out, f"{what:<18}{number:>7,}  USD {usd:>9,.2f}")


def _absent(bill: Bill, out: Console) -> None:
    """What CloudWatch cannot tell: what has the same reason together."""
    if bill.absent:
        out.print()
        line(out, "Not in CloudWatch", style="bold")
    groups: dict[str, list[str]] = {}
    for name, why in bill.absent.items():
        groups.setdefault(why, []).append(name)
    for why, names in groups.items():
        line(out, f"{_some(names)}: {why}", "- ")


def _some(names: list[str]) -> str:
    more = len(names) - _SUBJECTS_MAX
    return ", ".join(names[:_SUBJECTS_MAX]) + (f" and {more:,} more" if more > 0 else "")


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
        line(out, f"{rule} of {_some(subjects)}: {why}", "- ")
