"""Everything that is deployed for a system, as resources of no template yet: texts hold references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dashboards.alarms.values import Alarms, Composite
from dashboards.cloudwatch.alarms import alarm_properties
from dashboards.cloudwatch.body import bodies
from dashboards.cloudwatch.composites import Tree
from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.filters import Filter
from dashboards.cloudwatch.naming import deployed, logical_id
from dashboards.cloudwatch.queries import definition, search
from dashboards.cloudwatch.slos import burning
from dashboards.cloudwatch.switches import children_of
from subscribers.alerts.model import Severity

#: Metric filters of one log group.
FILTERS_MAX = 100
ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
DASHBOARD = "AWS::CloudWatch::Dashboard"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One resource. body: of a dashboard; severity: whom an alarm tells; after: logical IDs it names."""

    id: str
    type: str
    properties: dict[str, Any]
    body: dict[str, Any] | None = None
    severity: Severity | None = None
    after: tuple[str, ...] = ()
    #: ID of the resource it is about, "" for none.
    subject: str = ""


def content(context: Context, alarms: Alarms) -> tuple[Part, ...]:
    """Return everything in the order of deployment: filters, queries, alarms, composites, pages."""
    told = tuple(_alarms(context, alarms))
    pages = tuple(_dashboards(context))
    return (*_filters(context), *_queries(context), *told, *pages)


def _alarms(context: Context, alarms: Alarms) -> Iterator[Part]:
    suppressed = []
    for alarm in alarms.alarms:
        properties = alarm_properties(alarm, context)
        if properties is None:
            continue
        context.alarm_names[alarm.name] = None
        if alarm.is_told and alarm.suppressed_by:
            suppressed.append(alarm)
        is_own = alarm.is_told and not alarm.suppressed_by
        yield Part(
            id=logical_id("Alarm", alarm.name),
            type=ALARM,
            properties=properties,
            severity=alarm.severity if is_own else None,
            subject=alarm.subject,
        )
    tree = Tree(context)
    for slo in alarms.slos:
        found = burning(slo, context)
        for name, properties in found.alarms.items():
            context.alarm_names[name] = None
            yield Part(id=logical_id("Alarm", name), type=ALARM, properties=properties)
        for composite, _, _ in found.both:
            tree.add(composite, " AND ", slo.links)
        whole = tuple(composite.name for composite, _, _ in found.both)
        if whole:
            tree.add(Composite(name=slo.name, title=slo.title, children=whole, page=slo.page, is_told=False))
    for composite in _ordered(alarms.composites):
        tree.add(composite)
    for alarm in suppressed:
        tree.tell(alarm)
    yield from _composites(tree, context)


def _ordered(composites: Iterable[Composite]) -> Iterator[Composite]:
    """Yield composites after those they name; what goes in a circle comes as it is."""
    waiting = {composite.name: composite for composite in composites}
    while waiting:
        free = [
            one
            for one in waiting.values()
            if not any(name in waiting and name != one.name for name in (*one.children, *one.suppressed_by))
        ]
        for one in free or [next(iter(waiting.values()))]:
            yield waiting.pop(one.name)


def _composites(tree: Tree, context: Context) -> Iterator[Part]:
    own = {deployed(context.system, name): name for name in tree.out}
    for name, properties in tree.out.items():
        quoted = [*children_of(properties["AlarmRule"]), properties.get("ActionsSuppressor", "")]
        kinds = [
            ("Composite", own[one]) if one in own else ("Alarm", _plain(one, context))
            for one in quoted
            if one
        ]
        yield Part(
            id=logical_id("Composite", name),
            type=COMPOSITE,
            properties=properties,
            severity=tree.severities.get(name),
            after=tuple(dict.fromkeys(logical_id(kind, one) for kind, one in kinds)),
        )


def _plain(found: str, context: Context) -> str:
    return next((name for name in context.alarm_names if deployed(context.system, name) == found), found)


def _dashboards(context: Context) -> Iterator[Part]:
    for page in context.pages.values():
        found = bodies(page, context)
        if len(found) > 1:
            context.note(
                "info",
                f"The page {page.title} is {len(found)} dashboards: one holds 500 widgets, 2,500 metrics.",
            )
        for index, body in enumerate(found, 1):
            name = page.name if index == 1 else f"{page.name}-{index}"
            yield Part(
                id=logical_id("Dashboard", name),
                type=DASHBOARD,
                properties={"DashboardName": deployed(context.system, name)},
                body=body,
            )


def _filters(context: Context) -> Iterator[Part]:
    groups: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for one in context.filters:
        groups[one.log_group] += 1
        if groups[one.log_group] > FILTERS_MAX:
            context.note(
                "warning", f"{one.metric} is not counted: a log group has at most 100 metric filters."
            )
            continue
        # Some metrics are counted by several filters of one group, none of which counts what another does.
        name = f"{one.metric} {one.log_group}"
        parts[name] += 1
        yield Part(
            id=logical_id("Filter", name if parts[name] == 1 else f"{name} {parts[name]}"),
            type="AWS::Logs::MetricFilter",
            properties=_filter(one),
        )


def _filter(one: Filter) -> dict[str, Any]:
    transformation: dict[str, Any] = {
        "MetricNamespace": one.namespace,
        "MetricName": one.metric,
        "MetricValue": one.value,
        "Unit": one.unit,
    }
    if one.default:
        transformation["DefaultValue"] = int(one.default)
    return {
        "LogGroupName": one.log_group,
        "FilterPattern": one.pattern,
        "MetricTransformations": [transformation],
    }


def _queries(context: Context) -> Iterator[Part]:
    for query in context.queries.values():
        found = search(query, context.system)
        for group in found.left_out:
            context.note(
                "info", f"The saved query {query.name} is without {group}: no whole name, or more than 50."
            )
        if not found.groups:
            context.note(
                "info", f"The query {query.name} is not saved: no log group is known by its whole name."
            )
            continue
        name = deployed(context.system, query.name)
        yield Part(
            id=logical_id("Query", query.name),
            type="AWS::Logs::QueryDefinition",
            properties=definition(name, query, found),
        )
