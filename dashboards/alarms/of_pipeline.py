"""Drafts about Hybrid Observe's own pipeline: who watches the watchman."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alarms.drafts import Around, Draft, metric, of_resource
from dashboards.alarms.of_messages import dead_letters
from dashboards.alarms.rules import RULES
from dashboards.expressions import Total
from dashboards.pages.names import PIPELINE
from dashboards.resources import Resource

#: rule -> the measure of which any is too much; the second two need the function that judges rules.
_COUNTED = {"pipeline-failed": "pipeline.parts_failed"}
#: How the evaluator's schedule is written where its logical ID does not tell it.
_EVERY_MINUTE = "rate(1 minute)"
#: Failed minutes in five that the next ones make good.
_MINUTES_MADE_GOOD = 2.0
_JUDGED = {
    "pipeline-notifications": "pipeline.notifications_failed",
    "pipeline-rules": "pipeline.rules_failed",
}


def drafts(around: Around) -> Iterator[Draft]:
    """Yield the drafts about the pipeline; none where no template has it."""
    parts = [around.system.resources[one] for one in around.system.pipeline if one in around.system.resources]
    if not parts:
        return
    functions = [part for part in parts if part.kind == "function"]
    evaluators = [one for one in functions if _is_evaluator(one)]
    for rule, measure in _COUNTED.items():
        yield _whole(rule, measure, "pipeline", parts[0])
    for rule, measure in (_JUDGED if evaluators else {}).items():
        yield _whole(rule, measure, evaluators[0].id, evaluators[0])
    for function in functions:
        yield _errors(around, function, function in evaluators)
    for evaluator in evaluators:
        invocations = metric("function.invocations", evaluator.id)
        yield of_resource(around, evaluator, "pipeline-silent", invocations)
    for function in functions:
        # What a schedule invokes comes again by itself: only what logs invoke can lag.
        is_scheduled = any(source.kind == "rule" for source in around.fed_by.get(function.id, ()))
        if function not in evaluators and not is_scheduled:
            age = metric("function.async_age", function.id, "max")
            yield of_resource(around, function, "pipeline-lag", age)
    for queue in (part for part in parts if part.kind == "queue"):
        if queue.id in around.gives_up:
            yield dead_letters(around, queue, "pipeline-dead-letters")
        else:
            yield of_resource(around, queue, "pipeline-backlog", metric("queue.age", queue.id, "max"))
    for table in (part for part in parts if part.kind == "table"):
        throttled = Total(
            (metric("table.read_throttled", table.id), metric("table.write_throttled", table.id))
        )
        yield of_resource(around, table, "pipeline-throttled", throttled)


def _is_evaluator(function: Resource) -> bool:
    """The redrive has a schedule, too, which is off until somebody wants it."""
    return "evaluator" in function.logical_id.lower() or _EVERY_MINUTE in function.facts.get("schedule", "")


def _errors(around: Around, function: Resource, is_evaluator: bool) -> Draft:
    limit = None
    if is_evaluator:
        limit = (_MINUTES_MADE_GOOD, "A minute that fails is made good by the next; three of five are not.")
    return of_resource(around, function, "pipeline-errors", metric("function.errors", function.id), limit)


def _whole(rule: str, measure: str, subject: str, first: Resource) -> Draft:
    return Draft(
        rule=rule,
        subject=subject,
        keys=(),
        label="",
        shown="",
        of=metric(measure, ""),
        threshold=RULES[rule].threshold,
        reason=RULES[rule].reason,
        page=PIPELINE,
        place=first.place,
    )
