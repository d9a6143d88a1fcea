"""Rules in words: when each fires, whom it tells, why it is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.text import Text

from subscribers.alerts.model import (
    Absence,
    AnyRule,
    Calendar,
    Change,
    Flow,
    NewError,
    Objective,
    Rate,
    Rule,
    Threshold,
)
from subscribers.alerts.plan import Plan
from subscribers.alerts.saying import duration, quantity
from subscribers.config_problems import printable

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Limits of their own that are named; the rest is a number.
_LIMITS_MAX = 4


def condition(rule: AnyRule) -> str:
    """Return when a rule fires, in words."""
    return _KINDS[type(rule)][1](rule)


def rules_json(plan: Plan) -> list[dict[str, Any]]:
    """Return the rules for programs: name, type, severity, when it fires, destinations, reason."""
    return [
        {
            "name": rule.name,
            "type": _KINDS[type(rule)][0],
            "severity": rule.severity,
            "fires": condition(rule),
            "notify": list(rule.notify) or sorted(plan.config.destinations),
            "reason": rule.reason,
            "description": rule.description,
        }
        for rule in plan.rules.values()
    ]


def render_rules(plan: Plan, console: Console) -> None:
    """Print the rules, three lines each."""
    for told in rules_json(plan):
        head = Text(printable(told["name"]), "bold")
        head.append(f"  {told['type']}, {told['severity']}", "not bold dim")
        _print(head, console)
        said = f"{told['fires']}; {told['description']}" if told["description"] else told["fires"]
        _print(Text(f"  {printable(said)}"), console)
        to = ", ".join(told["notify"]) or "nobody: observe.yaml has no destinations"
        _print(Text(printable(f"  tells {to}; {told['reason']}"), "dim"), console)
    for note in plan.notes:
        _print(Text(f"note: {printable(note)}", "yellow"), console)


def _print(text: Text, console: Console) -> None:
    console.print(text, highlight=False, soft_wrap=True)


def _threshold(rule: Threshold) -> str:
    least = f", at least {rule.minimum} events" if rule.minimum else ""
    told = f"{rule.statistic} {rule.op} {_limit(rule)} in {duration(rule.window_s)}{least}"
    return f"{told}{_times(rule.breaching, rule.of)}{_by(rule.measure.by)}"


def _limit(rule: Threshold) -> str:
    if not rule.limits:
        return quantity(rule.value, rule.unit)
    named = [f"{name} {quantity(limit, rule.unit)}" for name, limit in rule.limits.items()][:_LIMITS_MAX]
    more = len(rule.limits) - len(named)
    return f"its own limit ({', '.join(named)}{f', and {more} more' if more else ''})"


def _rate(rule: Rate) -> str:
    told = f"over {rule.above:g}% of at least {rule.minimum} in {duration(rule.window_s)}"
    return f"{told}{_times(rule.breaching, rule.of)}{_by(rule.total.by)}"


def _absence(rule: Absence) -> str:
    what = "none comes" if rule.count == 1 else f"fewer than {rule.count} come"
    return f"{what} by {_calendar(rule.calendar)}" if rule.calendar else f"{what} in {duration(rule.every_s)}"


def _new_error(rule: NewError) -> str:
    return f"{rule.minimum} of a kind that was not seen in {duration(rule.lookback_s)}"


def _change(rule: Change) -> str:
    way = {"up": "more", "down": "less", "either": "more or less"}[rule.direction]
    told = f"{rule.statistic} of {duration(rule.window_s)} is {rule.percent:g}% {way} than"
    least = f", both of at least {rule.minimum} events" if rule.minimum > 1 else ""
    return f"{told} {duration(rule.against_s)} before{least}{_by(rule.measure.by)}"


def _objective(rule: Objective) -> str:
    good = "without failure" if rule.kind == "availability" else f"within {quantity(rule.limit_ms, 'ms')}"
    budget = f"{rule.percent:g}% answered {good} over {duration(rule.window_s)}"
    return f"{budget}: its error budget burns 14.4, 6, 3 or 1 times too fast"


def _flow(rule: Flow) -> str:
    ends = " and ".join(end.name for end in rule.ends)
    within = f"within {duration(rule.within_s)}" if rule.within_s else ""
    by = f"by {_calendar(rule.calendar)}" if rule.calendar else ""
    return (
        f"{rule.start.name} does not arrive in {ends} {' and '.join(text for text in (within, by) if text)}"
    )


def _times(breaching: int, of: int) -> str:
    return f", in {breaching} of {of} windows" if of > 1 else ""


def _by(by: tuple[str, ...]) -> str:
    return f", each {' and '.join(by)} by itself" if by else ""


def _calendar(calendar: Calendar) -> str:
    hours, minutes = divmod(calendar.by_minute, 60)
    days = "" if len(calendar.days) == len(_DAYS) else f" {', '.join(_DAYS[day] for day in calendar.days)}"
    return f"{hours:02d}:{minutes:02d} {calendar.timezone}{days}"


#: Type of rule -> what it is called, and when it fires.
_KINDS: dict[type[Rule], tuple[str, Callable[[Any], str]]] = {
    Threshold: ("threshold", _threshold),
    Rate: ("rate", _rate),
    Absence: ("absence", _absence),
    NewError: ("new error", _new_error),
    Change: ("change", _change),
    Objective: ("SLO", _objective),
    Flow: ("flow", _flow),
}
