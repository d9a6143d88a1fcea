"""How near each function comes to its limit, to its gateway's and to its queue's. docs/insight-chains.md

A function's limit is what Lambda said when it was reached, else what the template says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from subscribers.config import Config
from subscribers.insight.answer import Answer, Cell, Column, Question, Source, Table
from subscribers.insight.calls import Place, asked_services, not_split
from subscribers.insight.chains_graph import Edge, edges
from subscribers.insight.chains_sample import Sample, sampled
from subscribers.insight.requests import REQUESTS
from subscribers.insight.template_limits import Limit, TemplateError, read_limits
from subscribers.insight.timeouts_findings import findings
from subscribers.insight.timeouts_values import FEW, Callee, Near, Timeouts

__all__ = ["Near", "Timeouts", "answer", "timeouts"]

_EXAMPLES = 3
_MS_PER_S = 1000

#: Of each report its duration, and with the start that it tells what a gateway waited.
_DURATIONS = """
WITH told AS (
    SELECT service, coalesce(json_extract_string(tags, '$."faas.name"'), service) AS function,
           log_group, request_id, log_stream, time_unix_nano, name, value
    FROM metrics WHERE kind = 'distribution' AND isfinite(value) AND name IN (
        'aws.lambda.duration', 'aws.lambda.init_duration', 'aws.lambda.restore_duration')
      AND time_unix_nano BETWEEN $first AND $last
),
reports AS (
    SELECT service, function, list(value) FILTER (name = 'aws.lambda.duration') AS durations,
           coalesce(max(value) FILTER (name <> 'aws.lambda.duration'), 0) AS start_ms
    FROM told GROUP BY service, function, log_group, log_stream, request_id, time_unix_nano
),
invocations AS (SELECT service, function, unnest(durations) AS ms, ms + start_ms AS waited_ms FROM reports)
SELECT service, function, count(*) AS invocations, quantile_cont(ms, 0.5) AS p50_ms,
       quantile_cont(ms, 0.99) AS p99_ms, max(ms) AS max_ms,
       quantile_cont(waited_ms, 0.99) AS waited_p99_ms, max(waited_ms) AS waited_max_ms
FROM invocations GROUP BY ALL ORDER BY ALL
"""
#: One a timeout; the correlation ID is told by any line or span of its invocation.
_REACHED = """
WITH reached AS (
    SELECT service, coalesce(json_extract_string(tags, '$."faas.name"'), service) AS function, request_id,
           log_stream, value
    FROM metrics WHERE name = 'aws.lambda.timeouts' AND time_unix_nano BETWEEN $first AND $last
),
named AS (
    SELECT request_id, min(correlation_id) AS correlation_id FROM (
        SELECT request_id, correlation_id FROM spans UNION ALL SELECT request_id, correlation_id FROM logs
    ) WHERE correlation_id <> '' AND request_id IN (SELECT request_id FROM reached WHERE request_id <> '')
    GROUP BY request_id
)
SELECT service, function, sum(value)::BIGINT AS timeouts,
       list_sort(list(DISTINCT coalesce(correlation_id, request_id))) AS ids
FROM reached LEFT JOIN named USING (request_id) GROUP BY service, function
"""
#: Lambda's own words only: a function may print what it likes.
_SAID = """
SELECT service, log_group,
       arg_max(try_cast(regexp_extract(message, 'Task timed out after ([0-9.]+) seconds', 1) AS DOUBLE),
               time_unix_nano) AS limit_s
FROM logs WHERE dataset = 'lambda.platform' AND message LIKE '%Task timed out after %'
  AND time_unix_nano BETWEEN $first AND $last
GROUP BY service, log_group
"""
#: Where requests are served, by the name that calls.Place has.
_SERVED = """
SELECT side, service, if(endpoint = '', service, endpoint) AS operation,
       quantile_cont(ns, 0.99) / 1e6 AS p99_ms, max(ns) / 1e6 AS max_ms, count(*) AS requests
FROM requests GROUP BY ALL
"""


def timeouts(source: Source, question: Question, templates: Sequence[Limit] | None = None) -> Timeouts:
    """Return how near functions come to their limits. Raises what the source raises.

    templates: limits that are known; None: read from the templates that observe.yaml names.
    """
    problems: list[str] = []
    known = _templates(question.config, problems) if templates is None else templates
    asked = asked_services(question)
    functions = [near for near in _functions(source, question, known) if not asked or near.service in asked]
    sample = sampled(source, question)
    callers = _callers(source, question, functions, sample)
    return Timeouts(
        functions=tuple(
            sorted(functions, key=lambda near: (-(near.share or 0), near.service, near.function))
        ),
        templates=tuple(limit for limit in known if not asked or _is_of(limit, asked, functions, question)),
        callers=tuple(callers),
        problems=tuple(problems),
        sample=msgspec.structs.replace(sample, traces=()),
    )


def _is_of(limit: Limit, asked: Collection[str], functions: Sequence[Near], question: Question) -> bool:
    """Whether a template's function is one of the services asked for, by its name or its log group's."""
    services = (question.config.services.get(name) for name in asked)
    groups = (_function(group) for service in services if service for group in service.log_groups)
    return any(limit.is_of(name) for name in {*asked, *groups, *(near.function for near in functions)})


def _templates(config: Config, problems: list[str]) -> list[Limit]:
    """The limits in the templates of observe.yaml; their paths are relative to its folder."""
    folder = Path(config.files[0]).parent if config.files else Path()
    found: list[Limit] = []
    for name in config.templates:
        try:
            found += read_limits(folder / name)
        except TemplateError as error:
            problems.append(f"{error}.")
    return found


def _functions(source: Source, question: Question, templates: Sequence[Limit]) -> Iterator[Near]:
    times = {"first": question.first_unix_nano, "last": question.last_unix_nano}
    durations = source(_DURATIONS, times)
    said = {(row["service"], _function(row["log_group"])): row["limit_s"] for row in source(_SAID, times)}
    reached = {(row["service"], row["function"]): row for row in source(_REACHED, times)}
    functions: dict[str, list[str]] = {}
    for row in durations:
        functions.setdefault(row["service"], []).append(row["function"])
    for row in durations:
        service, function = row["service"], row["function"]
        limit = next((limit for limit in templates if limit.is_of(function)), None)
        by_log = said.get((service, function))
        if by_log is None and len(functions[service]) == 1:
            # A log group of the team's own has another name than its function.
            by_log = next((limit_s for (name, _), limit_s in said.items() if name == service), None)
        timed_out = reached.get((service, function), {})
        yield Near(
            **row,
            limit_s=by_log if by_log is not None else limit.timeout_s if limit else None,
            limit_from="log" if by_log is not None else "template" if limit and limit.timeout_s else "",
            gateway_s=min((route.limit_s for route in limit.routes), default=None) if limit else None,
            timeouts=timed_out.get("timeouts", 0),
            correlation_ids=tuple(filter(None, timed_out.get("ids", ())))[:_EXAMPLES],
        )


def _function(log_group: str) -> str:
    return log_group.rpartition("/")[2]


def _callers(
    source: Source, question: Question, functions: Sequence[Near], sample: Sample
) -> Iterator[tuple[Edge, float, Callee]]:
    """Calls that the caller is killed in before the slowest of them come back."""
    times = {"first": question.first_unix_nano, "last": question.last_unix_nano}
    served = {
        Place(row["side"], row["service"], row["operation"]): Callee(
            row["max_ms"] if row["requests"] < FEW else row["p99_ms"], row["requests"]
        )
        for row in source(REQUESTS + _SERVED, times)
    }
    limits = _limits(functions)
    for edge in edges(sample.traces):
        limit_s, callee = limits.get(edge.caller.service), served.get(edge.callee)
        if edge.way != "synchronous" or limit_s is None or callee is None:
            continue
        if callee.high_ms > limit_s * _MS_PER_S:
            yield edge, limit_s, callee


def _limits(functions: Sequence[Near]) -> Mapping[str, float]:
    """Service -> the limit of its function, where it has one function or all have the same."""
    found: dict[str, set[float | None]] = {}
    for near in functions:
        found.setdefault(near.service, set()).add(near.limit_s)
    single = {service: next(iter(limits)) for service, limits in found.items() if len(limits) == 1}
    return {service: limit for service, limit in single.items() if limit is not None}


def answer(source: Source, question: Question) -> Answer:
    """Return functions and their limits as a table and findings. Raises what the source raises."""
    found = timeouts(source, question)
    rows = [_row(near) for near in found.functions]
    return Answer(
        name="timeouts",
        title="How near functions come to their limits",
        findings=tuple(findings(found)),
        tables=(
            Table(
                name="functions",
                title="Duration against the limit",
                columns=_COLUMNS,
                rows=tuple(rows[: question.most]),
                more=max(len(rows) - question.most, 0),
                empty="No function reported a duration in this period.",
            ),
        ),
        notes=(*_notes(found), *not_split(question)),
    )


_COLUMNS = (
    Column("service", "Service"),
    Column("function", "Function"),
    Column("share", "p99 of the limit", "%"),
    Column("invocations", "Invocations", "1"),
    Column("p50_ms", "p50", "ms"),
    Column("p99_ms", "p99", "ms"),
    Column("max_ms", "Longest", "ms"),
    Column("waited_p99_ms", "p99 with starts", "ms"),
    Column("limit_s", "Limit", "s"),
    Column("limit_from", "Known from"),
    Column("gateway_s", "Gateway's limit", "s"),
    Column("timeouts", "Timeouts", "1"),
)


def _row(near: Near) -> tuple[Cell, ...]:
    share = None if near.share is None else round(near.share, 1)
    ms = (round(value, 3) for value in (near.p50_ms, near.p99_ms, near.max_ms, near.waited_p99_ms))
    limits = near.limit_s, near.limit_from or "unknown", near.gateway_s, near.timeouts
    return near.service, near.function, share, near.invocations, *ms, *limits


def _notes(found: Timeouts) -> Iterator[str]:
    yield from found.problems
    if unknown := [near.function for near in found.functions if near.limit_s is None]:
        yield (
            f"The timeout of {', '.join(unknown)} is unknown: no line told it, and no template that"
            " observe.yaml names has it."
        )
    yield from (note for limit in found.templates for note in limit.notes)
    if any(limit.routes for limit in found.templates):
        yield "A REST API waits 29 s and an HTTP API 30 s where the template does not say otherwise."
    if found.sample.looked_at:
        told, *more = found.sample.notes
        yield f"Callers: {told[0].lower()}{told[1:]}"
        yield from more
