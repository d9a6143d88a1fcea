"""Composite alarms: one page for one cause, silent while what explains it is open.

Only composite alarms have a suppressor, one each: an alarm of its own that is suppressed tells by a composite
over it (`<name>-told`), and several suppressors are one composite (`<name>-explained`).
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.alarms.values import Alarm, Composite
from dashboards.cloudwatch.alarms import said_of, tags
from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.descriptions import description, logs_of
from dashboards.cloudwatch.naming import deployed
from dashboards.panels import Link
from subscribers.alerts.model import Severity

RULE_MAX = 10_240
CHILDREN_MAX = 100
#: How long an alarm waits for its explanation to open, and stays silent once that is over.
WAIT_S, EXTENSION_S = 120, 300


class Tree:
    """Gathers composites in an order in which each stands after what it names. out: name -> properties;
    severities: whom it tells, "" for nobody."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.out: dict[str, dict[str, Any]] = {}
        self.severities: dict[str, Severity] = {}

    def add(self, composite: Composite, between: str = " OR ", links: Sequence[Link] = ()) -> bool:
        """Add one; children that CloudWatch does not have are left out. Returns whether it is there.

        links: where to look; else the saved queries of its page.
        """
        names = self._context.alarm_names
        children = [child for child in composite.children if child in names]
        if not children:
            self._context.note(
                "warning", f"The alarm {composite.name} is left out: none of its parts is in CloudWatch."
            )
            return False
        missing = [child for child in composite.children if child not in names]
        if missing:
            self._context.note("info", f"The alarm {composite.name} is without {', '.join(missing)}.")
        rule = self._rule(composite.name, children, between)
        about = (f"{composite.title}.", composite.about)
        links = links or logs_of(composite.page, self._context)
        self._put(
            composite.name,
            {
                "AlarmName": deployed(self._context.system, composite.name),
                "AlarmDescription": description(
                    about, composite.runbook, composite.page, links, self._context
                ),
                "AlarmRule": rule,
                **self._suppressor(composite.name, composite.suppressed_by),
                "Tags": tags({"severity": composite.severity, "owner": composite.owner}),
            },
            composite.severity if composite.is_told else None,
        )
        return True

    def tell(self, alarm: Alarm) -> None:
        """Add the composite by which a suppressed alarm tells."""
        told = Composite(
            name=f"{alarm.name}-told",
            title=alarm.title,
            children=(alarm.name,),
            severity=alarm.severity,
            owner=alarm.owner,
            runbook=alarm.runbook,
            page=alarm.page,
            suppressed_by=alarm.suppressed_by,
        )
        if self.add(told):
            self.out[told.name]["AlarmDescription"] = said_of(alarm, self._context)

    def _put(self, name: str, properties: dict[str, Any], severity: Severity | None) -> None:
        self.out[name] = properties
        self._context.alarm_names[name] = None
        if severity:
            self.severities[name] = severity

    def _rule(self, name: str, children: Sequence[str], between: str) -> str:
        """The rule; more than it holds are composites of their own (`<name>-part-1` ...)."""
        system = self._context.system
        terms = [f'ALARM("{deployed(system, child)}")' for child in children]
        size = max(1, min(CHILDREN_MAX, RULE_MAX // (max(map(len, terms)) + len(between))))
        if len(terms) <= size:
            return between.join(terms)
        parts = []
        for index, start in enumerate(range(0, len(terms), size), 1):
            part = f"{name}-part-{index}"
            properties = {
                "AlarmName": deployed(system, part),
                "AlarmDescription": f"Part {index} of {name}.",
                "AlarmRule": between.join(terms[start : start + size]),
            }
            self._put(part, properties, None)
            parts.append(part)
        return self._rule(f"{name}-whole", parts, between)

    def _suppressor(self, name: str, suppressed_by: Sequence[str]) -> dict[str, Any]:
        there = [one for one in suppressed_by if one in self._context.alarm_names and one != name]
        for one in suppressed_by:
            if one not in there:
                self._context.note("info", f"{name} is not silenced by {one}, which is not in CloudWatch.")
        if not there:
            return {}
        if len(there) > 1:
            explained = f"{name}-explained"
            self.add(
                Composite(
                    name=explained,
                    title=f"What explains {name}",
                    children=tuple(there),
                    severity="info",
                    is_told=False,
                )
            )
            there = [explained]
        return {
            "ActionsSuppressor": deployed(self._context.system, there[0]),
            "ActionsSuppressorWaitPeriod": WAIT_S,
            "ActionsSuppressorExtensionPeriod": EXTENSION_S,
        }
