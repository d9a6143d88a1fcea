"""What is told when something opens, whatever tool judges it: of an alarm, a burn rate, a composite."""

from __future__ import annotations

import msgspec

from dashboards.alarms.values import Alarm, Burn, Composite, Slo
from dashboards.alarms.words import length, number
from dashboards.panels import Link
from subscribers.alerts.model import Severity

#: Rule of all burn rates, by which a tool finds them together.
BURNING = "slo-burn"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool's alarm says. name: its own; alarm: of the alarm, SLO or composite it is of, by which pages
    find it: the burn rates of one SLO have several names and one alarm."""

    name: str
    alarm: str
    rule: str
    subject: str
    title: str
    severity: Severity
    about: str = ""
    reason: str = ""
    owner: str = ""
    runbook: str = ""
    links: tuple[Link, ...] = ()
    page: str = ""
    is_told: bool = True
    suppressed_by: tuple[str, ...] = ()

    @staticmethod
    def of_alarm(alarm: Alarm) -> Told:
        """Return what an alarm tells."""
        shared = {field: getattr(alarm, field) for field in Told.__struct_fields__ if field != "alarm"}
        return Told(alarm=alarm.name, **shared)

    @staticmethod
    def of_burn(slo: Slo, burn: Burn) -> Told:
        """Return what one burn rate of an SLO tells."""
        window = length(burn.long_s)
        return Told(
            name=f"{slo.name}-burn-{window.replace(' ', '')}",
            alarm=slo.name,
            rule=BURNING,
            subject=slo.endpoint,
            title=f"{slo.title}: the budget burns {number(burn.factor)} times too fast, over {window}",
            severity=burn.severity,
            about=slo.about,
            owner=slo.owner,
            runbook=slo.runbook,
            links=slo.links,
            page=slo.page,
        )

    @staticmethod
    def of_composite(composite: Composite) -> Told:
        """Return what a composite tells."""
        return Told(
            name=composite.name,
            alarm=composite.name,
            rule="composite",
            subject=composite.page,
            title=composite.title,
            severity=composite.severity,
            about=composite.about,
            owner=composite.owner,
            runbook=composite.runbook,
            page=composite.page,
            is_told=composite.is_told,
            suppressed_by=composite.suppressed_by,
        )

    def part(self, what: str) -> Told:
        """Return what an alarm tells that is only a part of this one: nobody anything."""
        return msgspec.structs.replace(
            self,
            name=f"{self.name}-part",
            alarm=f"{self.alarm}-part",
            rule=f"{self.rule}-part",
            title=f"{self.title} ({what})",
            is_told=False,
        )
