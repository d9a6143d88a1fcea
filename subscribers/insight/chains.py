"""Who calls whom on both sides, how deep requests wait on one another, in circles, and what waiting costs.

Depth counts requests that wait on one another; what goes through a queue, topic, bus, stream or bucket is
shown but waits for nobody. docs/insight-chains.md
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from subscribers.config import Config
from subscribers.insight.answer import Answer, Cell, Column, Finding, Question, Source, Table
from subscribers.insight.calls import Place, Trace, not_split
from subscribers.insight.chains_graph import Chain, Circle, Depth, Edge, chains, circles, depths, edges
from subscribers.insight.chains_routes import asked_places
from subscribers.insight.chains_sample import Sample, sampled
from subscribers.insight.chains_waiting import Nested, Sizes, Waited, nested, prices, shown_of, sizes, waiting

__all__ = ["Chains", "answer", "call_chains"]

#: What is a finding: a request of this depth, a function that waits for this share of its time, in percent.
DEEP, WAITS = 3, 50.0
_ARROW = " > "


class Chains(msgspec.Struct, frozen=True, kw_only=True):
    """The call graph of a period. nested: per place what is billed below each request, on average.

    prices: those used, as a sentence. Figures are those of the sample.
    """

    sample: Sample
    edges: tuple[Edge, ...]
    chains: tuple[Chain, ...]
    depths: tuple[Depth, ...]
    circles: tuple[Circle, ...]
    waiting: tuple[Waited, ...]
    nested: dict[Place, Nested]
    prices: str = ""


def call_chains(source: Source, question: Question) -> Chains:
    """Return who called whom in a period. Raises what the source raises."""
    sample = sampled(source, question)
    asked = asked_places(question, {visit.place for trace in sample.traces for visit in trace.visits})
    traces = [trace for trace in sample.traces if any(visit.place in asked for visit in trace.visits)]
    graph = edges(traces)
    known = sizes(source, question)
    told = waiting(traces, known, question.config, sample.drawn)
    priced = {(one.service, one.function): known.of(one.service, one.function) for one in told}
    return Chains(
        sample=msgspec.structs.replace(sample, traces=()),
        edges=tuple(graph),
        chains=tuple(chains(traces)),
        depths=tuple(depths(traces)),
        circles=tuple(circles(traces, graph)),
        waiting=tuple(told),
        nested=_nested(traces, known, question.config),
        prices=prices(question.config, {key: size for key, size in priced.items() if size}),
    )


def answer(source: Source, question: Question) -> Answer:
    """Return the call graph of a period as tables and findings. Raises what the source raises."""
    found = call_chains(source, question)
    return Answer(
        name="chains",
        title="Who calls whom",
        findings=tuple(_findings(found)),
        tables=tuple(_tables(found, question)),
        notes=(*found.sample.notes, *_notes(found), *not_split(question)),
    )


def _nested(traces: Sequence[Trace], known: Sizes, config: Config) -> dict[Place, Nested]:
    """What is billed below the requests of a place, on average."""
    found: dict[Place, list[Nested]] = defaultdict(list)
    for trace in traces:
        for at, one in nested(trace, known, config).items():
            found[trace.visits[at].place].append(one)
    return {place: _average(each) for place, each in found.items()}


def _average(each: Sequence[Nested]) -> Nested:
    usd = [one.usd for one in each if one.usd is not None]
    whole = sum(usd) / len(usd) if len(usd) == len(each) else None
    return Nested(sum(one.ms for one in each) / len(each), whole)


def _findings(found: Chains) -> Iterator[Finding]:
    yield from (_deep(chain, found) for chain in found.chains if chain.depth >= DEEP)
    yield from map(_circle, found.circles)
    for waited in found.waiting:
        if waited.share >= WAITS:
            yield _waits(waited, found.sample.scale)
    is_known = found.sample.looked_at and found.sample.is_whole
    if is_known and not any(chain.depth >= DEEP for chain in found.chains):
        yield Finding(level="ok", text=f"No request waits through {DEEP} services or more.")


def _deep(chain: Chain, found: Chains) -> Finding:
    below = found.nested.get(chain.path[0], Nested())
    text = (
        f"{_requests(chain.requests)} waited through {chain.depth} services, {chain.functions} of them"
        f" functions: {_path(chain.path)}."
    )
    is_priced = bool(below.ms) and below.usd is not None
    if below.ms:
        costs = "" if below.usd is None else f", about {_dollars(below.usd)} USD"
        text += f" Below its first service {below.ms:,.0f} ms are billed a request while callers wait{costs}."
    return Finding(
        # The legacy side waiting for itself is nothing that moving to functions made worse.
        level="warning" if chain.functions > 1 else "info",
        text=text,
        evidence={
            "path": [_shown(place) for place in chain.path],
            "depth": chain.depth,
            "requests": chain.requests,
            "inferred": chain.inferred,
            "nested_billed_ms": round(below.ms, 3),
            "nested_usd": below.usd,
        },
        basis="inferred" if chain.inferred == chain.requests else "estimated" if is_priced else "measured",
        correlation_ids=chain.correlation_ids,
    )


def _circle(circle: Circle) -> Finding:
    path = _ARROW.join(circle.services)
    if not circle.requests:
        text = f"These services call each other in a circle, though no request did so all the way: {path}."
    elif len(circle.services) == 2:
        text = f"{_requests(circle.requests)} made {circle.services[0]} call itself."
    else:
        text = f"{_requests(circle.requests)} came back to where they had been: {path}."
    return Finding(
        level="warning" if circle.requests and circle.synchronous else "info",
        text=text if circle.synchronous else f"{text} Not all of it is waited for.",
        evidence={
            "services": list(circle.services),
            "synchronous": circle.synchronous,
            "requests": circle.requests,
        },
        basis="inferred" if circle.inferred else "measured",
        correlation_ids=circle.correlation_ids,
    )


def _waits(waited: Waited, scale: float) -> Finding:
    costs = ""
    if waited.usd_functions is not None and waited.usd_legacy is not None:
        usd = (waited.usd_functions + waited.usd_legacy) * scale
        costs = f"; in this period that cost about {_dollars(usd)} USD"
    return Finding(
        level="info",
        text=(
            f"{shown_of(waited.service, waited.function)} waits {waited.share:.0f} % of its time for others:"
            f" {_for(waited)}{costs}."
        ),
        evidence={
            "service": waited.service,
            "function": waited.function,
            "invocations": waited.invocations,
            "functions_ms": round(waited.functions_ms, 3),
            "legacy_ms": round(waited.legacy_ms, 3),
            "ran_ms": round(waited.ran_ms, 3),
        },
        basis="estimated",
    )


def _for(waited: Waited) -> str:
    parts = (("for functions", waited.functions_ms), ("for the legacy side", waited.legacy_ms))
    return ", ".join(f"{ms / waited.invocations:,.1f} ms an invocation {whom}" for whom, ms in parts if ms)


def _tables(found: Chains, question: Question) -> Iterator[Table]:
    why = (
        "No request was told in this period." if not found.sample.looked_at else "No request called another."
    )
    yield _table("edges", "Who calls whom", _EDGES, map(_edge, found.edges), question.most, why)
    yield _table(
        "chains", "Requests that wait on one another", _CHAINS, map(_chain, found.chains), question.most, why
    )
    deep = (_depth(depth, found) for depth in found.depths)
    yield _table("depths", "How deep requests go", _DEPTHS, deep, question.most, why)
    waited = (_waited(one, found.sample.scale) for one in found.waiting)
    why = "No function's invocations were told in this period."
    yield _table("waiting", "What functions pay for waiting", _WAITING, waited, question.most, why)


def _table(
    name: str,
    title: str,
    columns: tuple[Column, ...],
    rows: Iterable[tuple[Cell, ...]],
    most: int,
    empty: str,
) -> Table:
    told = list(rows)
    more = max(len(told) - most, 0)
    return Table(name=name, title=title, columns=columns, rows=tuple(told[:most]), more=more, empty=empty)


_EDGES = (
    Column("caller_side", "Side"),
    Column("caller", "Caller"),
    Column("callee_side", "Side"),
    Column("callee", "Callee"),
    Column("way", "Way"),
    Column("calls", "Calls", "1"),
    Column("inferred", "Inferred", "1"),
    Column("errors", "Errors", "1"),
    Column("p50_ms", "p50", "ms"),
    Column("p95_ms", "p95", "ms"),
    Column("correlation_id", "For example"),
)
_CHAINS = (
    Column("path", "Path"),
    Column("depth", "Depth", "1"),
    Column("functions", "Functions", "1"),
    Column("requests", "Requests", "1"),
    Column("inferred", "Inferred", "1"),
    Column("correlation_id", "For example"),
)
_DEPTHS = (
    Column("side", "Side"),
    Column("place", "First service"),
    Column("requests", "Requests", "1"),
    Column("typical", "Typical depth", "1"),
    Column("most", "Largest depth", "1"),
    Column("nested_billed_ms", "Billed below, a request", "ms", is_estimate=True),
    Column("nested_usd", "Costs", "{USD}", is_estimate=True),
)
_WAITING = (
    Column("service", "Service"),
    Column("function", "Function"),
    Column("invocations", "Looked at", "1"),
    Column("ran_ms", "Duration", "ms"),
    Column("functions_ms", "Waited for functions", "ms"),
    Column("legacy_ms", "For the legacy side", "ms"),
    Column("aws_ms", "For AWS", "ms"),
    Column("elsewhere_ms", "For others", "ms"),
    Column("share", "Waited for both sides", "%"),
    Column("size_mb", "Memory", "MBy"),
    Column("usd_functions", "Cost, functions", "{USD}", is_estimate=True),
    Column("usd_legacy", "Cost, legacy side", "{USD}", is_estimate=True),
)


def _edge(edge: Edge) -> tuple[Cell, ...]:
    one, other = edge.caller, edge.callee
    counts = edge.calls, edge.inferred, edge.errors, round(edge.p50_ms, 3), round(edge.p95_ms, 3)
    return one.side, _shown(one), other.side, _shown(other), edge.way, *counts, edge.correlation_ids[0]


def _chain(chain: Chain) -> tuple[Cell, ...]:
    counts = chain.depth, chain.functions, chain.requests, chain.inferred
    return _path(chain.path), *counts, chain.correlation_ids[0]


def _depth(depth: Depth, found: Chains) -> tuple[Cell, ...]:
    below = found.nested.get(depth.place, Nested())
    counts = depth.requests, depth.typical, depth.most
    return depth.place.side, _shown(depth.place), *counts, round(below.ms, 3), below.usd


def _waited(one: Waited, scale: float) -> tuple[Cell, ...]:
    ms = one.ran_ms, one.functions_ms, one.legacy_ms, one.aws_ms, one.elsewhere_ms, one.share
    costs = (None if usd is None else usd * scale for usd in (one.usd_functions, one.usd_legacy))
    return one.service, one.function, one.invocations, *(round(value, 3) for value in ms), one.size_mb, *costs


def _notes(found: Chains) -> Iterator[str]:
    yield (
        "Depth is how many requests wait on one another, the first included. Nobody waits for what goes"
        " through a queue, topic, bus, stream or bucket."
    )
    if any(edge.inferred for edge in found.edges):
        yield "Inferred: nobody told the caller; the callee has its correlation ID and lies in its time."
    if found.waiting:
        yield (
            "Waiting is the time in which a function's calls were going on, parallel ones once. Its cost is"
            f" an estimate: waiting x memory x price. {found.prices}".rstrip()
        )
        yield "Costs are of the whole period; where only a part was looked at, they are scaled up."
    if unknown := [shown_of(one.service, one.function) for one in found.waiting if one.size_mb is None]:
        yield f"No report tells the memory of {', '.join(sorted(unknown))}: what waiting costs is not known."


def _path(places: Sequence[Place]) -> str:
    return _ARROW.join(map(_shown, places))


def _shown(place: Place) -> str:
    return place.service if place.operation == place.service else f"{place.service} {place.operation}"


def _dollars(usd: float) -> str:
    """Two digits that count, however little it is: `12.35`, `0.0000021`."""
    if usd >= 1:
        return f"{usd:,.2f}"
    return f"{float(f'{usd:.2g}'):.12f}".rstrip("0").rstrip(".")


def _requests(number: int) -> str:
    return f"{number:,} request{'' if number == 1 else 's'}"
