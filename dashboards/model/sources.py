"""Event source mappings and pipes: who reads a queue, a stream or a table, and where what fails goes."""

from __future__ import annotations

from typing import Any

from dashboards.model.draft import Draft
from dashboards.model.functions import target_of
from dashboards.model.pointers import pattern, text
from dashboards.template.values import Item
from subscribers.config_tree import at

#: Property of a mapping -> name of the fact on its edge.
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
_FACTS = {
    "BatchSize": "batch_size",
    "MaximumBatchingWindowInSeconds": "window_s",
    "MaximumRetryAttempts": "retries",
    "MaximumRecordAgeInSeconds": "record_age_s",
    "ParallelizationFactor": "parallel",
    "BisectBatchOnFunctionError": "bisect",
}


def connect(draft: Draft) -> None:
    """Add what event source mappings and pipes connect."""
    for item in draft.items_of("AWS::Lambda::EventSourceMapping"):
        _mapping(item, draft)
    for item in draft.items_of("AWS::Pipes::Pipe"):
        _pipe(item, draft)


def _mapping(item: Item, draft: Draft) -> None:
    properties = item.properties
    source = draft.id(properties.get("EventSourceArn"))
    function = target_of(properties.get("FunctionName"), draft)
    if not source or not function:
        _say_unknown(item, source, function, draft)
    facts = _facts(properties)
    if text(properties.get("Enabled")) == "false":
        facts["disabled"] = "true"
    draft.edge(source, function, "feeds", facts=facts)
    failed = draft.id(at(properties, "DestinationConfig", "OnFailure", "Destination"))
    draft.edge(function, failed, "dead_letters", "event source")


def _facts(properties: Any) -> dict[str, str]:
    told = {name: text(at(properties, key)) for key, name in _FACTS.items()}
    return {name: value for name, value in told.items() if value}


def _say_unknown(item: Item, source: str, function: str, draft: Draft) -> None:
    told = pattern(item.properties.get("EventSourceArn")) or "an event source that is no resource of AWS"
    if function and not told.strip("*"):
        said = f"What {function} reads is not known: its event source has no value before it is deployed."
        draft.note("info", said, item.place, function)
    elif function:
        draft.note(
            "info", f"{function} reads {told}, which is in none of the templates.", item.place, function
        )
    elif source:
        reader = pattern(item.properties.get("FunctionName")) or "no function"
        draft.note("info", f"{source} is read by {reader}, which is in none of the templates.", item.place)
    else:
        draft.note(
            "info", f"The event source mapping {item.id} leads from {told} to no known function.", item.place
        )


def _pipe(item: Item, draft: Draft) -> None:
    properties = item.properties
    source, target = draft.id(properties.get("Source")), draft.id(properties.get("Target"))
    between = draft.id(properties.get("Enrichment"))
    label = f"pipe {item.logical_id}"
    parameters = [one for one in (properties.get("SourceParameters"),) if isinstance(one, dict)]
    facts = next((_facts(own) for one in parameters for own in one.values() if isinstance(own, dict)), {})
    draft.edge(source, between or target, "feeds", label, facts)
    if between:
        draft.edge(between, target, "feeds", label)
    if not source or not target:
        draft.note("info", f"The pipe {item.id} begins or ends outside of the templates.", item.place)
    draft.edge(source, draft.id(_dead_letters(properties)), "dead_letters", label)


def _dead_letters(properties: Any) -> Any:
    parameters = at(properties, "SourceParameters")
    for own in parameters.values() if isinstance(parameters, dict) else ():
        if (arn := at(own, "DeadLetterConfig", "Arn")) is not None:
            return arn
    return None
