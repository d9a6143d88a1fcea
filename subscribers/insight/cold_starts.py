"""How often functions start cold, who waits for that, and what it costs. docs/insight-chains.md

A start is what a report tells: an init, or the restore of a snapshot. One that no invocation reported was
made ahead of any request, as was one of which the layer, which tells what requests waited for, says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from subscribers.insight.answer import Answer, Cell, Column, Finding, Question, Source, Table
from subscribers.insight.calls import asked_services, not_split
from subscribers.insight.chains_waiting import Size, prices, sizes, usd
from subscribers.insight.requests import REQUESTS

__all__ = ["Caller", "ColdStarts", "Hour", "answer", "cold_starts"]

#: A finding: this share of a function's invocations in percent, of at least so many.
_SHARE, _FEW = 5.0, 50
#: Users that waited that long for a start, in milliseconds, are one.
_LONG_MS = 1_000.0
#: Lines of the graph, and its hours: a year.
_LINES, _HOURS_MAX = 8, 366 * 24
_EXAMPLES = 3
_NS_PER_S = 1_000_000_000

#: One row an invocation that told its start, or a start without one; then by function.
_STARTS = """
WITH told AS (
    SELECT service, coalesce(json_extract_string(tags, '$."faas.name"'), service) AS function, request_id,
           log_stream, time_unix_nano, replace(name, 'aws.lambda.', '') AS word, value
    FROM metrics WHERE time_unix_nano BETWEEN $first AND $last AND isfinite(value) AND name IN (
        'aws.lambda.init_duration', 'aws.lambda.restore_duration', 'aws.lambda.duration',
        'aws.lambda.billed_duration', 'aws.lambda.billed_restore_duration', 'aws.lambda.invocations',
        'aws.lambda.cold_starts', 'aws.lambda.init_errors')
),
starts AS (
    SELECT service, function, request_id, log_stream, time_unix_nano,
           max(value) FILTER (word = 'init_duration') AS init_ms,
           max(value) FILTER (word = 'restore_duration') AS restore_ms,
           max(value) FILTER (word = 'duration') AS ms,
           max(value) FILTER (word = 'billed_duration') AS billed_ms,
           max(value) FILTER (word = 'billed_restore_duration') AS billed_restore_ms,
           bool_or(word = 'invocations') AS reported,
           coalesce(sum(value) FILTER (word = 'init_errors'), 0) AS init_errors,
           bool_or(word IN ('cold_starts', 'init_duration', 'restore_duration')) AS cold,
           coalesce(init_ms, restore_ms) AS start_ms,
           NOT reported AND request_id = '' AND start_ms IS NOT NULL AS alone
    FROM told GROUP BY service, function, request_id, log_stream, time_unix_nano
)
"""
_FUNCTIONS = """,
-- A start is billed with the invocation where more is billed than that took; a report rounds up to 1 ms.
billed AS (
    SELECT *, CASE WHEN billed_restore_ms IS NOT NULL THEN billed_restore_ms
                   WHEN cold AND billed_ms > ms + 1 THEN least(coalesce(init_ms, billed_ms), billed_ms - ms)
                   ELSE 0 END AS billed_start_ms
    FROM starts
),
-- Where the start has a report of its own, the first invocation's tells it no more.
streams AS (
    SELECT service, function, log_stream, list(start_ms) FILTER (start_ms IS NOT NULL) AS took,
           count(*) FILTER (reported) AS invocations, count(*) FILTER (reported AND cold) AS cold_starts,
           count(*) FILTER (reported AND restore_ms IS NOT NULL) AS restored,
           greatest(count(*) FILTER (alone) - count(*) FILTER (reported AND cold AND start_ms IS NULL), 0)
               AS ahead,
           sum(init_errors) AS init_errors, sum(billed_start_ms) AS billed_ms
    FROM billed GROUP BY service, function, log_stream
)
SELECT service, function, sum(invocations)::BIGINT AS invocations, sum(cold_starts)::BIGINT AS cold_starts,
       sum(restored)::BIGINT AS restored, sum(ahead)::BIGINT AS ahead,
       sum(init_errors)::BIGINT AS init_errors,
       list_aggregate(flatten(list(took)), 'quantile_cont', 0.5) AS p50_ms,
       list_aggregate(flatten(list(took)), 'quantile_cont', 0.99) AS p99_ms, sum(billed_ms) AS billed_ms
FROM streams GROUP BY service, function ORDER BY service, function
"""
#: The requests that the layer or a report says were cold, which of them somebody waited for, and who.
_WAITED = """,
cold_requests AS (SELECT * FROM requests WHERE cold AND side = 'serverless'),
begun AS (
    SELECT trace_id, parent_span_id AS span_id, max(end_unix_nano - start_unix_nano) / 1e6 AS start_ms
    FROM spans WHERE name IN ('init', 'restore')
      AND json_extract_string(attributes, '$."aws.lambda.initialization_type"') IS NOT NULL
    GROUP BY ALL
),
above AS (
    SELECT r.trace_id, r.span_id, any_value(c.service) AS caller, any_value(c.side) AS caller_side
    FROM cold_requests r
    JOIN spans e ON e.trace_id = r.trace_id AND e.span_id = r.span_id
    JOIN spans c ON c.trace_id = e.trace_id AND c.span_id = e.parent_span_id
    GROUP BY ALL
)
SELECT r.service, r.kind, coalesce(caller, '') AS caller, coalesce(caller_side, '') AS caller_side,
       count(*) AS requests, count(start_ms) AS waited, quantile_cont(start_ms, 0.5) AS p50_ms,
       max(start_ms) AS max_ms, list_sort(list(DISTINCT correlation_id)) AS ids,
       count(*) FILTER (told_by = 'layer' AND start_ms IS NULL) AS ahead
FROM cold_requests r LEFT JOIN begun USING (trace_id, span_id) LEFT JOIN above USING (trace_id, span_id)
GROUP BY ALL ORDER BY requests DESC, r.service, r.kind, caller
"""
_HOURS = """
SELECT service, function, time_unix_nano // 3600000000000 AS hour, count(*) AS cold_starts FROM starts
WHERE reported AND cold GROUP BY ALL ORDER BY ALL
"""


class ColdStarts(msgspec.Struct, frozen=True, kw_only=True):
    """The starts of one function.

    cold_starts: invocations that reported a start; restored: those of them from a snapshot; ahead: starts
    that no request waited for; init_errors: those that failed. p50_ms, p99_ms: what a start took. waited:
    synchronous requests that waited for one, with longest_ms. billed_ms: what of starts was billed; usd: its
    price, estimated, None where the memory is not known.
    """

    service: str
    function: str
    invocations: int
    cold_starts: int
    restored: int
    ahead: int
    init_errors: int
    p50_ms: float | None
    p99_ms: float | None
    billed_ms: float
    usd: float | None = None
    waited: int = 0
    longest_ms: float | None = None
    correlation_ids: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """Cold starts in percent of invocations, None where there are none of these."""
        return 100 * self.cold_starts / self.invocations if self.invocations else None


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who called a function that had to start. caller: the service, "" where nobody told it.

    waited: whose start the layer measured, with p50_ms and max_ms. ahead: those for which it told none: the
    start was over long before.
    """

    service: str
    kind: str
    caller: str
    caller_side: str
    requests: int
    waited: int
    p50_ms: float | None
    max_ms: float | None
    ids: tuple[str, ...]
    ahead: int = 0


class Hour(msgspec.Struct, frozen=True):
    """Cold starts of one hour, by function. start_unix_nano: its beginning."""

    start_unix_nano: int
    by_function: dict[str, int]


class Starts(msgspec.Struct, frozen=True):
    """What is known of the starts of a period. prices: those used, as a sentence."""

    functions: tuple[ColdStarts, ...]
    callers: tuple[Caller, ...]
    hours: tuple[Hour, ...]
    prices: str = ""


def cold_starts(source: Source, question: Question) -> Starts:
    """Return the starts of a period's functions: who starts cold most often first.

    Raises what the source raises.
    """
    times = {"first": question.first_unix_nano, "last": question.last_unix_nano}
    asked = asked_services(question)
    callers = [
        msgspec.convert(row, Caller)
        for row in source(REQUESTS + _WAITED, times)
        if not asked or row["service"] in asked
    ]
    known = sizes(source, question)
    rows = [row for row in source(_STARTS + _FUNCTIONS, times) if not asked or row["service"] in asked]
    functions = [_priced(msgspec.convert(row, ColdStarts), callers, known, question) for row in rows]
    hours = [row for row in source(_STARTS + _HOURS, times) if not asked or row["service"] in asked]
    functions.sort(key=lambda one: (-one.cold_starts, one.service, one.function))
    priced = {one.service: known[one.service] for one in functions if one.usd}
    used = prices(question.config, priced)
    return Starts(tuple(functions), tuple(callers), tuple(_hours(hours)), used)


def _priced(
    one: ColdStarts, callers: Sequence[Caller], known: dict[str, Size], question: Question
) -> ColdStarts:
    """A function with what its callers tell and what its memory costs."""
    own = [caller for caller in callers if caller.service == one.service]
    waited = [caller for caller in own if caller.kind == "server"]
    size = known.get(one.service)
    return msgspec.structs.replace(
        one,
        usd=usd(question.config, one.service, one.billed_ms, size) if size else None,
        ahead=one.ahead + sum(caller.ahead for caller in own),
        waited=sum(caller.requests - caller.ahead for caller in waited),
        longest_ms=max((caller.max_ms for caller in waited if caller.max_ms is not None), default=None),
        correlation_ids=tuple(id for caller in waited for id in caller.ids if id)[:_EXAMPLES],
    )


def _hours(rows: Sequence[dict[str, object]]) -> Iterator[Hour]:
    """Every hour from the first to the last one with a cold start, those without, too; at most _HOURS_MAX."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for row in rows:
        at, count = row["hour"], row["cold_starts"]
        assert isinstance(at, int)
        assert isinstance(count, int)
        found[at][str(row["function"])] = count
    last = max(found, default=-1)
    for at in range(max(min(found, default=0), last + 1 - _HOURS_MAX), last + 1):
        yield Hour(at * 3600 * _NS_PER_S, found.get(at, {}))


def answer(source: Source, question: Question) -> Answer:
    """Return cold starts as tables and findings. Raises what the source raises."""
    found = cold_starts(source, question)
    rows = [_row(one) for one in found.functions]
    callers = [_caller(caller) for caller in found.callers]
    return Answer(
        name="cold-starts",
        title="Cold starts",
        findings=tuple(_findings(found)),
        tables=(
            Table(
                name="functions",
                title="By function",
                columns=_COLUMNS,
                rows=tuple(rows[: question.most]),
                more=max(len(rows) - question.most, 0),
                empty="No function reported an invocation in this period.",
            ),
            _over_time(found, question),
            Table(
                name="callers",
                title="Who called a function that had to start",
                columns=_CALLERS,
                rows=tuple(callers[: question.most]),
                more=max(len(callers) - question.most, 0),
                empty="No request met a cold function in this period.",
            ),
        ),
        notes=(*_notes(found), *not_split(question)),
    )


_COLUMNS = (
    Column("service", "Service"),
    Column("function", "Function"),
    Column("share", "Cold", "%"),
    Column("cold_starts", "Cold starts", "1"),
    Column("invocations", "Invocations", "1"),
    Column("restored", "Restored", "1"),
    Column("ahead", "Ahead of requests", "1"),
    Column("init_errors", "Failed", "1"),
    Column("p50_ms", "p50", "ms"),
    Column("p99_ms", "p99", "ms"),
    Column("waited", "Users waited", "1"),
    Column("longest_ms", "Longest wait", "ms"),
    Column("usd", "Cost", "{USD}", is_estimate=True),
)
_CALLERS = (
    Column("service", "Function"),
    Column("caller_side", "Side"),
    Column("caller", "Caller"),
    Column("waits", "Waits for it"),
    Column("requests", "Requests", "1"),
    Column("p50_ms", "p50 of starts", "ms"),
    Column("max_ms", "Longest", "ms"),
    Column("correlation_id", "For example"),
)


def _row(one: ColdStarts) -> tuple[Cell, ...]:
    share = None if one.share is None else round(one.share, 2)
    counts = one.cold_starts, one.invocations, one.restored, one.ahead, one.init_errors
    times = _ms(one.p50_ms), _ms(one.p99_ms), one.waited, _ms(one.longest_ms)
    return one.service, one.function, share, *counts, *times, one.usd


def _caller(caller: Caller) -> tuple[Cell, ...]:
    name = caller.caller or "unknown"
    waits = "yes" if caller.kind == "server" else "no"
    example = next(filter(None, caller.ids), None)
    times = _ms(caller.p50_ms), _ms(caller.max_ms)
    return caller.service, caller.caller_side, name, waits, caller.requests, *times, example


def _over_time(found: Starts, question: Question) -> Table:
    """A line a function: of those with the most cold starts, the first columns the hours."""
    named = list(dict.fromkeys(one.function for one in found.functions if one.cold_starts))[:_LINES]
    hours = found.hours[-question.most :]
    return Table(
        name="hours",
        title="Cold starts an hour",
        columns=(Column("hour", "Hour"), *(Column(name, name, "1") for name in named)),
        rows=tuple((_time(hour), *(hour.by_function.get(name, 0) for name in named)) for hour in hours),
        empty="No function started cold in this period.",
        drawn="lines",
        more=len(found.hours) - len(hours),
    )


def _time(hour: Hour) -> str:
    return datetime.fromtimestamp(hour.start_unix_nano // _NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _findings(found: Starts) -> Iterator[Finding]:
    for one in found.functions:
        if one.init_errors:
            text = f"{one.function} failed to start {_times(one.init_errors)}."
            yield Finding(level="bad", text=text, evidence={"init_errors": one.init_errors})
        if one.share is not None and one.share >= _SHARE and one.invocations >= _FEW:
            text = (
                f"{one.share:.1f} % of the invocations of {one.function} are cold starts: {one.cold_starts:,}"
                f" of {one.invocations:,}."
            )
            evidence = {"cold_starts": one.cold_starts, "invocations": one.invocations}
            yield Finding(level="warning", text=text, evidence=evidence)
        if one.waited and one.longest_ms is not None and one.longest_ms >= _LONG_MS:
            yield _long(one, one.longest_ms)


def _long(one: ColdStarts, longest_ms: float) -> Finding:
    many = "A request" if one.waited == 1 else f"{one.waited:,} requests"
    return Finding(
        level="warning",
        text=f"{many} of users waited for {one.function} to start, up to {longest_ms:,.0f} ms.",
        evidence={"requests": one.waited, "longest_ms": round(longest_ms, 3), "p50_ms": _ms(one.p50_ms)},
        correlation_ids=one.correlation_ids,
    )


def _notes(found: Starts) -> Iterator[str]:
    yield (
        "A cold start is an invocation whose report tells an init or a restore. Users wait where the request"
        " is answered at once, as over HTTP; what came from a queue or bus waits without a user."
    )
    if any(one.ahead for one in found.functions):
        yield (
            "Ahead of requests: starts that no invocation reported, or after which the layer told of no wait:"
            " provisioned concurrency, or an environment that Lambda made early."
        )
    if any(one.cold_starts for one in found.functions):
        yield (
            "The cost is an estimate: what was billed above the invocation's own duration x memory x price."
            f" It is part of the functions' costs, not on top of them. {found.prices}".rstrip()
        )
    if any(caller.requests > caller.waited + caller.ahead for caller in found.callers):
        yield "How long a request waited is what the layer measured; without it only the report is known."


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
