"""Drafts about Hybrid Observe's own pipeline: who watches the watchman."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alarms.drafts import Around, Draft, metric, of_resource
from dashboards.alarms.of_messages import dead_letters
from dashboards.alarms.rules import RULES
from dashboards.pages.names import PIPELINE
from dashboards.resources import Resource

#: rule -> the measure of which any is too much; the second two need the function that judges rules.
_COUNTED = {"pipeline-failed": "pipeline.parts_failed"}
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
    evaluators = [one for one in functions if _is_evaluator(around, one)]
    for rule, measure in {**_COUNTED, **(_JUDGED if evaluators else {})}.items():
        yield _whole(rule, measure, parts[0])
    for evaluator in evaluators:
        invocations = metric("function.invocations", evaluator.id)
        yield of_resource(around, evaluator, "pipeline-silent", invocations)
    for function in functions:
        # Queues and schedules invoke synchronously or on time: only what logs invoke can lag.
        if function not in evaluators and function.id not in around.fed_by:
            age = metric("function.async_age", function.id, "max")
            yield of_resource(around, function, "pipeline-lag", age)
    for queue in (part for part in parts if part.kind == "queue"):
        if queue.id in around.gives_up:
            yield dead_letters(around, queue, "pipeline-dead-letters")
        else:
            yield of_resource(around, queue, "pipeline-backlog", metric("queue.age", queue.id, "max"))


def _is_evaluator(around: Around, function: Resource) -> bool:
    scheduled = any(source.kind == "rule" for source in around.fed_by.get(function.id, ()))
    return scheduled or "evaluator" in function.logical_id.lower()


def _whole(rule: str, measure: str, first: Resource) -> Draft:
    return Draft(
        rule=rule,
        subject="pipeline",
        keys=(),
        label="",
        shown="",
        of=metric(measure, ""),
        threshold=RULES[rule].threshold,
        reason=RULES[rule].reason,
        page=PIPELINE,
        place=first.place,
    )
