"""EventBridge: rules with their buses and targets, and the schedules of the scheduler."""

from __future__ import annotations

from typing import Any

from dashboards.model.draft import Draft
from dashboards.model.functions import target_of
from dashboards.model.pointers import text
from dashboards.template.values import Item
from subscribers.config_tree import at, items, texts

_LABEL_MAX = 80


def connect(draft: Draft) -> None:
    """Add what rules and schedules start."""
    for item in draft.items_of("AWS::Events::Rule"):
        _rule(item, draft)
    for item in draft.items_of("AWS::Scheduler::Schedule"):
        _schedule(item, draft)


def _rule(item: Item, draft: Draft) -> None:
    rule, properties = draft.of_item(item), item.properties
    given = properties.get("EventBusName")
    bus = draft.id(given, "bus") or draft.by_name("bus", text(given))
    draft.change(rule, facts={"bus": bus or text(given).rpartition("/")[2] or "default"})
    label = _label(properties)
    draft.edge(bus, rule, "feeds", label)
    for bucket in draft.ids(at(properties, "EventPattern", "detail", "bucket"), "bucket"):
        draft.edge(bucket, rule, "feeds", label)
    for bucket in _named_buckets(properties, draft):
        draft.edge(bucket, rule, "feeds", label)
    for _, target in items(properties.get("Targets")):
        draft.edge(rule, draft.id(at(target, "Arn")), "feeds", label)
        draft.edge(rule, draft.id(at(target, "DeadLetterConfig", "Arn"), "queue"), "dead_letters")


def _named_buckets(properties: Any, draft: Draft) -> list[str]:
    names = texts(at(properties, "EventPattern", "detail", "bucket", "name"))
    return [found for name in names if (found := draft.by_name("bucket", name))]


def _label(properties: Any) -> str:
    """What a rule waits for: `claims: ClaimSubmitted` or `rate(1 hour)`."""
    if schedule := text(at(properties, "ScheduleExpression")):
        return schedule
    source = " or ".join(texts(at(properties, "EventPattern", "source")))
    kind = " or ".join(texts(at(properties, "EventPattern", "detail-type")))
    # Labels of one edge are put together by commas.
    label = ": ".join(one for one in (source, kind) if one).replace(", ", " ")
    return label if len(label) <= _LABEL_MAX else label[: _LABEL_MAX - 1] + "…"


def _schedule(item: Item, draft: Draft) -> None:
    """A schedule is no resource of its own: what it starts has its expression as a fact."""
    target = at(item.properties, "Target")
    started = draft.id(at(target, "Arn")) or target_of(at(target, "Arn"), draft)
    expression = text(item.properties.get("ScheduleExpression")) or "a schedule"
    if not started:
        draft.note("info", f"The schedule {item.id} starts something outside of the templates.", item.place)
        return
    before = draft.resources[started].facts.get("schedule", "")
    told = [one for one in before.split("; ") if one]
    told += [expression] if expression not in told else []
    draft.change(started, facts={"schedule": "; ".join(told)})
    dead = draft.id(at(target, "DeadLetterConfig", "Arn"), "queue")
    draft.edge(started, dead, "dead_letters", f"schedule {item.logical_id}")
