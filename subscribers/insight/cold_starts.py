"""How often functions start cold, who waits for that, and what it costs. docs/insight-chains.md

A start is what a report tells: an init, or the restore of a snapshot. One that no invocation reported was
made ahead of any request, as was one of which the layer, which tells what requests waited for, says nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from subscribers.insight.answer import Answer, Cell, Column, Finding, Question, Source, Table
from subscribers.insight.calls import asked_services, not_split
from subscribers.insight.chains_waiting import Function, Size, Sizes, prices, sizes, usd
from subscribers.insight.cold_starts_queries import BILLED, FUNCTIONS, HOURS, PRICED, STARTS, WAITED
from subscribers.insight.requests import REQUESTS
from subscribers.tables import Row

__all__ = ["Caller", "ColdStarts", "Hour", "answer", "cold_starts"]

#: A finding: this share of a function's invocations in percent, of at least so many.
_SHARE, _FEW = 5.0, 50
#: Users that waited that long for a start, in milliseconds, are one.
_LONG_MS = 1_000.0
#: Lines of the graph, and its hours: a year.
_LINES, _HOURS_MAX = 8, 366 * 24
_EXAMPLES = 3
_NS_PER_S = 1_000_000_000


class ColdStarts(msgspec.Struct, frozen=True, kw_only=True):
    """The starts of one function.

    cold_starts: invocations that reported a start; restored: those of them from a snapshot; ahead: starts
    that no request waited for; init_errors: those that failed. p50_ms, p99_ms: what a start took. waited:
    synchronous requests that waited for one, with longest_ms. billed_ms: what of starts was billed; usd: its
    price, each start's by the memory that its own report tells, estimated; None where that is not known.
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
    start was over long before. waits: whether somebody waits for the answer; "unknown" where only the
    platform told of it, which names no route.
    """

    service: str
    function: str
    waits: Literal["yes", "no", "unknown"]
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
        for row in source(REQUESTS + WAITED, times)
        if not asked or row["service"] in asked
    ]
    known = sizes(source, question)
    billed = _priced(source(STARTS + BILLED + PRICED, times), known)
    rows = source(STARTS + BILLED + FUNCTIONS, times)
    told = [msgspec.convert(row, ColdStarts) for row in rows if not asked or row["service"] in asked]
    several = Counter(one.service for one in told)
    functions = [_whole(one, callers, billed, question, several[one.service] == 1) for one in told]
    hours = [row for row in source(STARTS + HOURS, times) if not asked or row["service"] in asked]
    functions.sort(key=lambda one: (-one.cold_starts, one.service, one.function))
    keys = [(one.service, one.function) for one in functions if one.usd]
    priced = {key: size for key in keys for _, size in billed[key] if size}
    used = prices(question.config, priced)
    return Starts(tuple(functions), tuple(callers), tuple(_hours(hours)), used)


#: What of a function's starts was billed, by memory size: (milliseconds, size), None for one not known.
_Billed = dict[Function, list[tuple[float, Size | None]]]


def _priced(rows: Sequence[Row], known: Sizes) -> _Billed:
    """What was billed by the size of each report; where that tells none, by the function's latest."""
    found: _Billed = defaultdict(list)
    for row in rows:
        service, function, size_mb = row["service"], row["function"], row["size_mb"]
        size = known.of(service, function) if size_mb is None else Size(size_mb, row["region"])
        found[service, function].append((row["billed_ms"], size))
    return found


def _whole(
    one: ColdStarts, callers: Sequence[Caller], billed: _Billed, question: Question, is_only: bool
) -> ColdStarts:
    """A function with what its callers tell and what its memory costs; is_only: of its service."""
    own = [c for c in callers if c.service == one.service and (is_only or c.function == one.function)]
    waited = [caller for caller in own if caller.waits == "yes"]
    parts = billed.get((one.service, one.function), [])
    costs = [usd(question.config, one.service, ms, size) for ms, size in parts if size]
    return msgspec.structs.replace(
        one,
        usd=sum(costs, 0.0) if len(costs) == len(parts) else None,
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
        function = str(row["function"])
        found[at][function] = found[at].get(function, 0) + count
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
    Column("service", "Service"),
    Column("function", "Function"),
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
    example = next(filter(None, caller.ids), None)
    times = _ms(caller.p50_ms), _ms(caller.max_ms)
    return (
        caller.service,
        caller.function,
        caller.caller_side,
        name,
        caller.waits,
        caller.requests,
        *times,
        example,
    )


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
    if unknown := sum(caller.requests for caller in found.callers if caller.waits == "unknown"):
        yield (
            f"Whether anybody waited for {unknown:,} cold request{'' if unknown == 1 else 's'} is not known:"
            " only the platform told of it, which names no route."
        )
    if any(caller.requests > caller.waited + caller.ahead for caller in found.callers):
        yield "How long a request waited is what the layer measured; without it only the report is known."


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
