"""Hybrid Observe's own functions in a template, and the queues and the table that are theirs."""

from __future__ import annotations

from dashboards.model.draft import Draft
from dashboards.model.pointers import text

HANDLERS = (
    "subscribers.handler.handler",
    "subscribers.redrive.handler",
    "subscribers.alerts.evaluator.handler",
)
_KINDS = ("queue", "table")


def pipeline_of(draft: Draft) -> tuple[str, ...]:
    """Return the IDs of the pipeline's functions, queues and tables, in the templates' order."""
    own = {
        draft.of_item(item)
        for item in draft.items_of("AWS::Lambda::Function")
        if text(item.properties.get("Handler")) in HANDLERS
    }
    reached = set(own)
    while more := {one for edge in draft.edges for one in _next(edge.source, edge.target, reached, draft)}:
        reached |= more
    strangers = {
        end
        for edge in draft.edges
        for end, other in ((edge.source, edge.target), (edge.target, edge.source))
        if draft.resources[other].kind == "function" and other not in own
    }
    return tuple(one for one in draft.resources if one in own or (one in reached and one not in strangers))


def _next(source: str, target: str, reached: set[str], draft: Draft) -> list[str]:
    pairs = ((source, target), (target, source))
    return [b for a, b in pairs if a in reached and b not in reached and draft.resources[b].kind in _KINDS]
