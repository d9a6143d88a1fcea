"""What functions, endpoints, retries, timeouts and log lines cost.

    functions   cost_functions: each function, and what of it went to retries, failures, cold starts
    endpoints   cost_requests: by the endpoint at which requests began, and by a field of the team's own
    logs        cost_logs, line_templates: bytes by log group and by template
    idle        cost_idle: functions that nobody invokes
    pressure    cost_connections: connections of the legacy databases

All amounts are estimates by list or own prices, in US dollars.
"""

from __future__ import annotations

import msgspec

from subscribers.insight.answer import Answer, Question, Source
from subscribers.insight.cost_connections import Pressure, pressure
from subscribers.insight.cost_findings import findings
from subscribers.insight.cost_functions import FunctionCost, functions
from subscribers.insight.cost_idle import Extent, Idle, extent, idle
from subscribers.insight.cost_logs import GroupBytes, groups
from subscribers.insight.cost_requests import EndpointCost, ValueCost, endpoints, values
from subscribers.insight.cost_tables import notes, tables
from subscribers.insight.line_templates import LineTemplates, line_templates

__all__ = ["Cost", "answer", "cost"]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of costs. values: by the field asked for; problems: templates that cannot be read."""

    extent: Extent
    functions: tuple[FunctionCost, ...] = ()
    endpoints: tuple[EndpointCost, ...] = ()
    values: tuple[ValueCost, ...] = ()
    groups: tuple[GroupBytes, ...] = ()
    templates: LineTemplates = LineTemplates()
    idle: tuple[Idle, ...] = ()
    pressure: tuple[Pressure, ...] = ()
    problems: tuple[str, ...] = ()


def cost(source: Source, question: Question) -> Cost:
    """Return the costs of the time asked for. Raises what the source raises."""
    unused, problems = idle(source, question)
    return Cost(
        extent=extent(source, question),
        functions=tuple(functions(source, question)),
        endpoints=tuple(endpoints(source, question)),
        values=tuple(values(source, question)) if question.by else (),
        groups=tuple(groups(source, question)),
        templates=line_templates(source, question),
        idle=tuple(unused),
        pressure=tuple(pressure(source, question)),
        problems=tuple(problems),
    )


def answer(source: Source, question: Question) -> Answer:
    """Return the costs as tables and findings. Raises what the source raises."""
    found = cost(source, question)
    return Answer(
        name="cost",
        title="Cost",
        findings=tuple(findings(found, question)),
        tables=tuple(tables(found, question)),
        notes=tuple(notes(found, question)),
    )
