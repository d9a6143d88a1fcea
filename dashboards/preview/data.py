"""How the embedded store answers every measure of the catalogue, or that it cannot, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dashboards.expressions import Metric
from dashboards.measures import MEASURES
from dashboards.preview.facts import Fact, Facts
from dashboards.preview.sql_metrics import FUNCTIONS, SERVICES, functions, gauges
from dashboards.preview.sql_requests import requests
from dashboards.preview.sql_rows import LEDGER, error_lines, ledger
from dashboards.preview.window import Window
from dashboards.resources import System
from subscribers.insight.answer import Source

ONLY_CLOUDWATCH = "Only CloudWatch has it; this preview shows what log lines tell."
#: Family of measures that one query answers -> that query.
FAMILIES: dict[str, Callable[[Source, System, Window], Iterator[Fact]]] = {
    "requests": requests,
    "functions": functions,
    "gauges": gauges,
    "error_lines": error_lines,
    "ledger": ledger,
}
_REQUESTS = ("requests", "errors", "duration")
#: Measure -> the family that answers it.
ANSWERED: dict[str, str] = {
    **{f"endpoint.{name}": "requests" for name in (*_REQUESTS, "slow")},
    **{f"service.{name}": "requests" for name in _REQUESTS},
    **dict.fromkeys(FUNCTIONS, "functions"),
    **dict.fromkeys(SERVICES, "gauges"),
    "service.error_lines": "error_lines",
    **{f"sink.{name}": "ledger" for name in LEDGER},
}
_OF_ALERTS = "Whoever evaluates alert rules keeps it; `observe alerts` shows it."
_OF_SUBSCRIBER = "The subscriber tells it to CloudWatch alone; the store's ledger does not have it."
#: Beginning of a measure's name -> why the store cannot answer it. The longest one that fits counts.
_ABSENT: dict[str, str] = {
    **dict.fromkeys(
        (
            *("function.throttles", "function.concurrency", "function.iterator_age", "function.async_age"),
            *("function.async_dropped", "function.dead_letter_errors", "function.spillover"),
            *("api.", "route.", "queue.", "topic.", "stream.", "firehose.", "table.", "state_machine."),
            *("rule.", "bucket.", "load_balancer.", "target_group.", "database.", "ecs_service."),
            *("graphql.", "distribution."),
        ),
        ONLY_CLOUDWATCH,
    ),
    **dict.fromkeys(("sink.requests", "sink.retries", "sink.bytes"), _OF_SUBSCRIBER),
    **dict.fromkeys(("pipeline.parts_failed", "pipeline.items_"), _OF_SUBSCRIBER),
    **dict.fromkeys(
        (
            *("pipeline.findings", "pipeline.incidents_open", "pipeline.notifications_"),
            *("pipeline.rules_failed", "pipeline.late_events"),
        ),
        _OF_ALERTS,
    ),
}


def absent(measure: str) -> str:
    """Return why the store has nothing of a measure, as a sentence; "" where it answers it."""
    if measure in ANSWERED:
        return ""
    fitting = [name for name in _ABSENT if measure == name or (name[-1] in "._" and measure.startswith(name))]
    return _ABSENT[max(fitting, key=len)]


def absence(metric: Metric) -> str:
    """Return why the store has nothing of one metric, as a sentence; "" where it answers it."""
    if metric.measure.startswith("sink.") and metric.measure != "sink.received" and not metric.subject:
        return HOW[metric.measure] or "What became of events is told for each sink, not of the input."
    return HOW[metric.measure]


#: Every measure of the catalogue -> why it is absent, or "".
HOW: dict[str, str] = {measure: absent(measure) for measure in MEASURES}


def facts_of(source: Source, system: System, window: Window) -> Facts:
    """Fetch every family once, whatever the pages show of it."""
    if not window.has_data:
        return Facts((), window.base_s)
    found = (fact for fetch in FAMILIES.values() for fact in fetch(source, system, window))
    return Facts(found, window.base_s)
