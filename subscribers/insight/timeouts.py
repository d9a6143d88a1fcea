"""How near each function comes to its limit, to its gateway's and to its queue's. docs/insight-chains.md

A function's limit is what Lambda said when it was reached, else what the template says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from subscribers.config import Config
from subscribers.insight.answer import Answer, Cell, Column, Finding, Question, Source, Table
from subscribers.insight.calls import Place, Sample, asked_services, not_split, sampled
from subscribers.insight.chains_graph import Edge, edges
from subscribers.insight.requests import REQUESTS
from subscribers.insight.template_limits import Limit, TemplateError, read_limits

__all__ = ["Near", "Timeouts", "answer", "timeouts"]

#: From this share of its limit on, in percent, a function's p99 is near it.
NEAR = 80.0
#: What AWS advises a queue's visibility timeout to be, in timeouts of its function.
#: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_ADVISED = 6
_EXAMPLES = 3
_MS_PER_S = 1000

_DURATIONS = """
SELECT service, coalesce(json_extract_string(tags, '$."faas.name"'), service) AS function,
       count(*) AS invocations, quantile_cont(value, 0.5) AS p50_ms, quantile_cont(value, 0.99) AS p99_ms,
       max(value) AS max_ms
FROM metrics WHERE name = 'aws.lambda.duration' AND kind = 'distribution' AND isfinite(value)
  AND time_unix_nano BETWEEN $first AND $last
GROUP BY ALL ORDER BY ALL
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
       quantile_cont(ns, 0.99) / 1e6 AS p99_ms
FROM requests GROUP BY ALL
"""


class Near(msgspec.Struct, frozen=True, kw_only=True):
    """One function and its limit. limit_s: None where nobody told it.

    gateway_s: how long the gateway in front of it waits at most, None for none. timeouts: how many of them.
    """

    service: str
    function: str
    invocations: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    limit_s: float | None = None
    limit_from: Literal["log", "template", ""] = ""
    gateway_s: float | None = None
    timeouts: int = 0
    correlation_ids: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """The p99 in percent of the limit, None where that is not known."""
        return 100 * self.p99_ms / (self.limit_s * _MS_PER_S) if self.limit_s else None


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """The functions of a period and their limits.

    templates: what the templates say of functions. callers: calls for which the caller has less time than
    the callee's p99 is long: (call, seconds the caller has, the callee's p99 in milliseconds). problems: what
    could not be read.
    """

    functions: tuple[Near, ...]
    templates: tuple[Limit, ...]
    callers: tuple[tuple[Edge, float, float], ...]
    problems: tuple[str, ...]
    sample: Sample


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
) -> Iterator[tuple[Edge, float, float]]:
    """Calls that the caller is killed in before the slowest of them come back."""
    times = {"first": question.first_unix_nano, "last": question.last_unix_nano}
    p99 = {
        Place(row["side"], row["service"], row["operation"]): row["p99_ms"]
        for row in source(REQUESTS + _SERVED, times)
    }
    limits = _limits(functions)
    for edge in edges(sample.traces):
        limit_s, took_ms = limits.get(edge.caller.service), p99.get(edge.callee)
        if edge.way != "synchronous" or limit_s is None or took_ms is None:
            continue
        if took_ms > limit_s * _MS_PER_S:
            yield edge, limit_s, took_ms


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
        findings=tuple(_findings(found)),
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
    Column("limit_s", "Limit", "s"),
    Column("limit_from", "Known from"),
    Column("gateway_s", "Gateway's limit", "s"),
    Column("timeouts", "Timeouts", "1"),
)


def _row(near: Near) -> tuple[Cell, ...]:
    share = None if near.share is None else round(near.share, 1)
    ms = (round(value, 3) for value in (near.p50_ms, near.p99_ms, near.max_ms))
    limits = near.limit_s, near.limit_from or "unknown", near.gateway_s, near.timeouts
    return near.service, near.function, share, near.invocations, *ms, *limits


def _findings(found: Timeouts) -> Iterator[Finding]:
    for near in found.functions:
        if near.timeouts:
            yield _timed_out(near)
        if near.share is not None and near.share >= NEAR:
            yield _near(near)
        if near.gateway_s is not None and near.p99_ms > near.gateway_s * _MS_PER_S:
            yield _gone(near, near.gateway_s)
    for edge, limit_s, p99_ms in found.callers:
        yield _short(edge, limit_s, p99_ms)
    for limit in found.templates:
        yield from _of_template(limit)
    known = [near for near in found.functions if near.share is not None]
    if known and not any(near.timeouts or (near.share or 0) >= NEAR for near in known):
        text = f"No function with a known limit comes to {NEAR:.0f} % of it."
        yield Finding(level="ok", text=text, evidence={"functions": len(known)})


def _timed_out(near: Near) -> Finding:
    limit = f" after {near.limit_s:g} s" if near.limit_s is not None else ""
    return Finding(
        level="bad",
        text=f"{near.function} timed out{limit} {_times(near.timeouts)} in {near.invocations:,} invocations.",
        evidence={"timeouts": near.timeouts, "invocations": near.invocations, "limit_s": near.limit_s},
        correlation_ids=near.correlation_ids,
    )


def _near(near: Near) -> Finding:
    return Finding(
        level="warning",
        text=(
            f"The p99 of {near.function} is {near.p99_ms:,.0f} ms, {near.share:.0f} % of its limit of"
            f" {near.limit_s:g} s."
        ),
        evidence={"p99_ms": round(near.p99_ms, 3), "limit_s": near.limit_s, "limit_from": near.limit_from},
    )


def _gone(near: Near, gateway_s: float) -> Finding:
    return Finding(
        level="bad",
        text=(
            f"The gateway waits {gateway_s:g} s for {near.function}, whose p99 is {near.p99_ms:,.0f} ms: the"
            " client has an error by then, and the function is still billed."
        ),
        evidence={"p99_ms": round(near.p99_ms, 3), "gateway_s": gateway_s},
    )


def _short(edge: Edge, limit_s: float, p99_ms: float) -> Finding:
    return Finding(
        level="warning",
        text=(
            f"{edge.caller.service} is stopped after {limit_s:g} s, but calls {edge.callee.service}"
            f" {edge.callee.operation}, whose p99 is {p99_ms:,.0f} ms."
        ),
        evidence={"limit_s": limit_s, "callee_p99_ms": round(p99_ms, 3), "calls": edge.calls},
        basis="inferred" if edge.inferred == edge.calls else "measured",
        correlation_ids=edge.correlation_ids,
    )


def _of_template(limit: Limit) -> Iterator[Finding]:
    """What the template alone tells: limits that do not fit each other."""
    if limit.timeout_s is None:
        return
    name = limit.name or limit.logical_id
    for route in limit.routes:
        if limit.timeout_s > route.limit_s:
            text = (
                f"{name} may run for {limit.timeout_s:g} s, but the {route.gateway} waits {route.limit_s:g} s"
                f" for {route.route}: the client is gone while the function is still billed."
            )
            yield Finding(level="warning", text=text, evidence=msgspec.to_builtins(route))
    for queue in limit.queues:
        seconds = queue.visibility_s
        if seconds is not None and seconds < limit.timeout_s:
            text = (
                f"{name} may run for {limit.timeout_s:g} s, but its messages appear in {queue.name} again"
                f" after {seconds:g} s: they are processed twice."
            )
            yield Finding(level="bad", text=text, evidence=msgspec.to_builtins(queue))
        elif seconds is not None and seconds < _ADVISED * limit.timeout_s + queue.window_s:
            text = (
                f"The visibility timeout of {queue.name} is {seconds:g} s; AWS advises {_ADVISED} times the"
                f" timeout of {name}, {_ADVISED * limit.timeout_s + queue.window_s:g} s."
            )
            yield Finding(level="info", text=text, evidence=msgspec.to_builtins(queue))


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
        yield f"Callers: {found.sample.notes[0][0].lower()}{found.sample.notes[0][1:]}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
