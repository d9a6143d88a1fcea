"""Pages and alarms for Kibana 8.17: saved objects to import, rules to create, and how.

saved-objects.ndjson      data views, saved searches and dashboards
saved-objects-2.ndjson    what is too much for one import, and so on
rules/<alarm>.json        bodies of POST /api/alerting/rule
install.md                the commands, and what each rule means
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dashboards.alarms.values import Alarm, Alarms, Burn, Slo
from dashboards.kibana.arithmetic import Absent
from dashboards.kibana.bundles import bundles
from dashboards.kibana.install import install_text
from dashboards.kibana.objects import search_object, view_object
from dashboards.kibana.pages import dashboard, places_of, queries_of
from dashboards.kibana.rules import burn_rule, rule_of
from dashboards.kibana.shown import notes_of, shown
from dashboards.kibana.store import INDICES, store_of
from dashboards.kibana.texts import burn_name
from dashboards.panels import Page
from dashboards.rendered import Options, Rendered, pretty
from dashboards.resources import Note, System

_Made = dict[str, Any] | Absent


def render(system: System, pages: Sequence[Page], alarms: Alarms, options: Options) -> Rendered:  # noqa: ARG001
    """Return the files for Kibana. options: none is used."""
    store, notes = store_of(system, "elasticsearch")
    found = [shown(page, system, store) for page in pages]
    places = places_of(system, pages)
    saved = bundles(
        (view_object(index, store, system) for index in INDICES),
        (search_object(query, system) for query in queries_of(pages).values()),
        ((dashboard(page, system, alarms, places),) for page in found),
    )
    rules, absent = judged(
        alarms,
        lambda alarm: rule_of(alarm, system, store),
        lambda slo, burn: burn_rule(slo, burn, system, store),
    )
    files = {
        "install.md": install_text(system, alarms, rules, tuple(saved)),
        **{f"rules/{name}.json": pretty(rules[name]) for name in sorted(rules)},
        **saved,
    }
    told = (*notes, *notes_of("Kibana", found), *rule_notes("Kibana", absent), *_limits(alarms, rules))
    return Rendered(files=files, notes=told)


def rule_notes(tool: str, absent: dict[str, Absent]) -> tuple[Note, ...]:
    """Return the alarms that a tool cannot tell as notes, one a reason."""
    by_reason: dict[str, list[str]] = {}
    for name, found in absent.items():
        by_reason.setdefault(found.reason, []).append(name)
    return tuple(
        Note(level="warning", text=f"{tool} cannot tell {len(names)} alarms ({few(names)}): {reason}.")
        for reason, names in by_reason.items()
    )


def judged(
    alarms: Alarms, of_alarm: Callable[[Alarm], _Made], of_burn: Callable[[Slo, Burn], _Made]
) -> tuple[dict[str, Any], dict[str, Absent]]:
    """Return what judges each alarm and each burn rate, and those that the tool cannot judge, by name."""
    made: dict[str, Any] = {}
    absent: dict[str, Absent] = {}
    found = [(alarm.name, of_alarm(alarm)) for alarm in alarms.alarms]
    found += [(burn_name(slo, burn), of_burn(slo, burn)) for slo in alarms.slos for burn in slo.burns]
    for name, one in found:
        if isinstance(one, Absent):
            absent[name] = one
        else:
            made[name] = one
    return made, absent


def _limits(alarms: Alarms, rules: dict[str, Any]) -> tuple[Note, ...]:
    """What Kibana's rules are not, once each."""
    told = [alarm for alarm in alarms.alarms if alarm.name in rules]
    loose = [one.name for one in told if one.condition.datapoints != one.condition.periods]
    kept = [one.name for one in told if one.condition.missing == "keep"]
    quiet = [one.name for one in told if one.suppressed_by]
    said = (
        (loose, "a rule counts runs in a row, so M of N periods is M in a row"),
        (kept, "a rule cannot keep its state without data: it recovers"),
        (quiet, "rules do not silence each other: use a maintenance window or a snooze"),
        (
            [one.name for one in alarms.composites],
            "a rule of rules does not exist: its parts tell by themselves",
        ),
    )
    return tuple(
        Note(level="info", text=f"Kibana ({few(names)}): {reason}.") for names, reason in said if names
    )


def few(names: Sequence[str]) -> str:
    """Return the first five names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
