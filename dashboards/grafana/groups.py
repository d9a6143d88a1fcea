"""All alarms of a system as groups of Grafana's alert rules: one a period of evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.alarms.told import Told
from dashboards.alarms.values import Alarms
from dashboards.cloudwatch.metrics import Absent
from dashboards.expressions import metrics_of
from dashboards.grafana.asked import Source, Target
from dashboards.grafana.boards import Board
from dashboards.grafana.links import Links, uid
from dashboards.grafana.provisioning import folder
from dashboards.grafana.rules import burned, groups_of, judged, rule, told_of_burn
from dashboards.panels import Link, Page
from dashboards.resources import System

_MINUTE_S = 60
_LONGEST_S = 300


def rule_groups(
    system: System,
    pages: Sequence[Page],
    alarms: Alarms,
    source: Source,
    links: Links,
    boards: Mapping[str, Board],
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the file of rules, and which alarms the data source cannot judge, with the reason."""
    rules: dict[int, list[dict[str, Any]]] = {}
    absent: list[tuple[str, str]] = []
    shown = {page.name: page for page in pages}

    def add(told: Told, nodes: list[Target] | Absent, missing: Any, every_s: int, measure: str) -> None:
        if isinstance(nodes, Absent):
            absent.append((told.name, nodes.reason))
            return
        made = rule(
            told,
            nodes,
            missing,
            uid=uid(system, source.name, "rule", told.name),
            system=system,
            groups=groups_of(told.alarm, alarms.composites),
            links=_addresses(told, links),
            dashboard=_panel(told, measure, shown, boards),
        )
        rules.setdefault(every_s, []).append(made)

    for alarm in alarms.alarms:
        condition = alarm.condition
        every_s = max(_MINUTE_S, min(condition.period_s, _LONGEST_S) // _MINUTE_S * _MINUTE_S)
        measure = next((one.measure for one in metrics_of(condition.of)), "")
        add(Told.of_alarm(alarm), judged(condition, source), condition.missing, every_s, measure)
    for slo in alarms.slos:
        for burn in slo.burns:
            add(told_of_burn(slo, burn), burned(slo, burn, source), "ok", _MINUTE_S, "")
    groups = [
        {
            "orgId": 1,
            "name": f"every {every_s // _MINUTE_S} min",
            "folder": folder(system, source),
            "interval": f"{every_s // _MINUTE_S}m",
            "rules": rules[every_s],
        }
        for every_s in sorted(rules)
    ]
    return {"apiVersion": 1, "groups": groups}, absent


#: Characters of an address that people still bear in a message.
_ADDRESS_MAX = 2000


def _addresses(told: Told, links: Links) -> list[tuple[str, str]]:
    """Where to look: the page, and links that need no line; of a query without an address, why."""
    own = [Link(label="Dashboard", page=told.page)] if told.page else []
    found: dict[str, str] = {}
    for link in (*own, *(one for one in told.links if one.page != told.page or not one.page)):
        address = links.address(link, is_on_board=False)
        if link.query and len(address) > _ADDRESS_MAX:
            address = "on the dashboard; with all log groups its address is too long for a message"
        elif link.query and not address and (why := links.why_not(link.query)):
            address = f"on the dashboard; no link, for {why[:1].lower()}{why[1:].rstrip('.')}"
        if address and "${" not in address:
            found.setdefault(link.label, address)
    return list(found.items())


def _panel(
    told: Told, measure: str, pages: Mapping[str, Page], boards: Mapping[str, Board]
) -> tuple[str, int] | None:
    """The panel that shows it: one with its measure, else one of alarms, else the first."""
    page, made = pages.get(told.page), boards.get(told.page)
    if page is None or made is None or not made.panels:
        return None
    panels = [panel for section in page.sections for panel in section.panels if panel.id in made.panels]
    same = (
        panel
        for panel in panels
        if any(one.measure == measure for each in panel.series for one in metrics_of(each.of))
    )
    told_of_it = (panel for panel in panels if told.alarm in panel.alarms)
    chosen = next(same, None) or next(told_of_it, None) or panels[0]
    return made.body["uid"], made.panels[chosen.id]
