"""Where the time of requests goes, by hop and side; what slow ones wait for; and against before.

Each instant of a request belongs to the innermost span going on, so the hops of a place add up to all of its
time. docs/insight-chains.md
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice, takewhile

import msgspec
from msgspec.structs import replace

from subscribers.insight.answer import Answer, Cell, Column, Finding, Question, Source, Table
from subscribers.insight.calls import Place, Trace, not_split
from subscribers.insight.chains_routes import endpoint_of
from subscribers.insight.chains_sample import MOST_OF_TRACE, traces_of
from subscribers.insight.routes import Routes
from subscribers.insight.spent_parts import KINDS, Hop, Kind, length, nodes_below, parts
from subscribers.insight.spent_requests import (
    EACH,
    MOST_PLACES,
    Chosen,
    Comparison,
    Period,
    choose,
    comparisons,
)

__all__ = ["Spent", "Times", "answer", "time_spent"]

#: Spans that are looked at for one sample of a place, but for at least one request.
MOST_NODES = 10_000
#: What is worth saying: a share of the time in percent, milliseconds, and growth in percent.
_SHARE, _MS, _GREW = 50.0, 5.0, 20.0
#: Requests of a sample below which nothing is said of growth.
_FEW = 20
#: Hops and correlation IDs that a finding names.
_TOLD, _EXAMPLES = 3, 3
_NS_PER_MS = 1e6
_Ids = Sequence[tuple[str, str]]


class Times(msgspec.Struct, frozen=True):
    """Where the time of some requests went. ms: of each hop, a request's on average; together mean_ms.

    correlation_ids: of the longest of them. left_out: requests that were not looked at, as MOST_NODES spans
    had been.
    """

    requests: int
    mean_ms: float
    ms: dict[Hop, float]
    correlation_ids: tuple[str, ...] = ()
    left_out: int = 0

    def of(self, kind: Kind) -> float:
        """Return the share of a kind, in percent."""
        spent = sum(ms for hop, ms in self.ms.items() if hop.kind == kind)
        return 100 * spent / self.mean_ms if self.mean_ms else 0.0


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time of one place's requests goes.

    all, typical, slow: those looked at; p50_ms, p95_ms and requests: of all there are. before: of the
    earlier period, None where nothing is compared; before_place: where that was, the endpoint's other side
    where it moved. missing: requests whose spans were not found. cut:
    traces, of this and other places, of which not all spans were read. places: of
    how many places this is one; those with the least time are left out beyond MOST_PLACES.
    """

    place: Place
    endpoint: str
    requests: int
    p50_ms: float
    p95_ms: float
    all: Times
    typical: Times
    slow: Times
    before: Times | None = None
    before_place: Place | None = None
    cutover: str = ""
    missing: int = 0
    cut: int = 0
    places: int = 1

    @property
    def grew(self) -> dict[Hop, float]:
        """By how many milliseconds each hop takes longer than before; {} where nothing is compared."""
        return _more(self.all, self.before) if self.before else {}


def time_spent(source: Source, question: Question) -> tuple[Spent, ...]:
    """Return where time goes, by place: where most is spent first. Raises what the source raises."""
    found: list[Spent] = []
    for comparison in comparisons(question):
        now = _spent(source, question, comparison, comparison.now, all=True)
        earlier: list[Spent] = []
        if now and comparison.before is not None:
            earlier = _spent(source, question, comparison, comparison.before, all=False)
        found += [_compared(spent, earlier, comparison.cutover) for spent in now]
    return tuple(sorted(found, key=lambda one: (-one.requests * one.all.mean_ms, one.place)))


def _compared(spent: Spent, earlier: Sequence[Spent], cutover: str) -> Spent:
    """With the times of the same place before; else, around a cutover, of what served the endpoint then."""
    known = [one for one in earlier if one.all.requests]
    same = [one for one in known if one.place == spent.place]
    if not same and cutover:
        same = sorted(known, key=lambda one: -one.requests)
    if not same:
        return replace(spent, cutover=cutover)
    return replace(spent, before=same[0].all, before_place=same[0].place, cutover=cutover)


def _spent(
    source: Source, question: Question, comparison: Comparison, period: Period, *, all: bool
) -> list[Spent]:
    chosen = choose(source, question, comparison, period, all=all)
    ids = {trace for one in chosen for trace, _ in (*one.any, *one.typical, *one.slow)}
    asked = replace(question, first_unix_nano=period.first, last_unix_nano=period.last)
    # IDs of X-Ray begin with a time: where not all can be read, the last digits make no period win.
    read = traces_of(source, asked, sorted(ids, key=lambda id: id[::-1]))
    where, routes = _where(read.traces), Routes(question.config.endpoints)
    return [replace(_told(one, endpoint_of(routes, one.place), where), cut=read.cut) for one in chosen]


_Where = Mapping[tuple[str, str], tuple[Trace, int]]


def _where(traces: Iterable[Trace]) -> dict[tuple[str, str], tuple[Trace, int]]:
    """(trace ID, span ID) of a visit -> its trace, and which visit it is."""
    found: dict[tuple[str, str], tuple[Trace, int]] = {}
    for trace in traces:
        for at, visit in enumerate(trace.visits):
            span = trace.span(visit)
            found[span.trace_id, span.span_id] = trace, at
    return found


def _told(chosen: Chosen, endpoint: str, where: _Where) -> Spent:
    everything = {*chosen.any, *chosen.typical, *chosen.slow}
    return Spent(
        place=chosen.place,
        endpoint=endpoint,
        requests=chosen.requests,
        p50_ms=chosen.p50_ms,
        p95_ms=chosen.p95_ms,
        all=_times(chosen.any, where),
        typical=_times(chosen.typical, where),
        slow=_times(chosen.slow, where),
        missing=sum(id not in where for id in everything),
        places=chosen.places,
    )


def _times(ids: _Ids, where: _Where) -> Times:
    found = [where[id] for id in ids if id in where]
    known = found[: _affordable(found)]
    spent: dict[Hop, int] = defaultdict(int)
    for trace, at in known:
        for hop, ns in parts(trace, at).items():
            spent[hop] += ns
    unit = _NS_PER_MS * max(len(known), 1)
    took = [(length(trace, at), trace.correlation_id) for trace, at in known]
    longest = [id for _, id in sorted(took, key=lambda one: (-one[0], one[1]))]
    ms = {hop: ns / unit for hop, ns in sorted(spent.items(), key=lambda one: (-one[1], one[0]))}
    mean_ms, examples = sum(ns for ns, _ in took) / unit, tuple(dict.fromkeys(longest))[:_EXAMPLES]
    return Times(len(known), mean_ms, ms, examples, len(found) - len(known))


def _affordable(found: Sequence[tuple[Trace, int]]) -> int:
    """How many of the requests have MOST_NODES spans at most; the first one has as many as it has."""
    so_far = accumulate(nodes_below(trace, at) for trace, at in found)
    return max(sum(1 for _ in takewhile(lambda nodes: nodes <= MOST_NODES, so_far)), min(len(found), 1))


def _more(one: Times, other: Times) -> dict[Hop, float]:
    hops = dict.fromkeys((*one.ms, *other.ms))
    more = {hop: one.ms.get(hop, 0.0) - other.ms.get(hop, 0.0) for hop in hops}
    return dict(sorted(more.items(), key=lambda item: (-item[1], item[0])))


def answer(source: Source, question: Question) -> Answer:
    """Return where time goes as tables and findings. Raises what the source raises."""
    found = time_spent(source, question)
    kinds = [row for spent in found for row in _kinds(spent)]
    hops = [row for spent in found for row in _hops(spent)]
    why = "No request with a trace was told in this period."
    return Answer(
        name="time",
        title="Where time goes",
        findings=tuple(finding for spent in found for finding in _findings(spent)),
        tables=(
            _table("kinds", "Shares of the time", _KINDS, kinds, question.most, why),
            _table("hops", "Hop by hop", _HOPS, hops, question.most, why),
        ),
        notes=(*_notes(found), *not_split(question)),
    )


def _table(
    name: str, title: str, columns: tuple[Column, ...], rows: list[tuple[Cell, ...]], most: int, empty: str
) -> Table:
    more = max(len(rows) - most, 0)
    return Table(name=name, title=title, columns=columns, rows=tuple(rows[:most]), more=more, empty=empty)


_TITLES: dict[Kind, str] = {
    "serverless": "Functions' work",
    "legacy": "Legacy side",
    "aws": "Services of AWS",
    "cold_start": "Cold starts",
    "network": "Between both",
    "elsewhere": "Others",
}
_KINDS = (
    Column("side", "Side"),
    Column("place", "Requests of"),
    Column("which", "Which"),
    Column("looked_at", "Looked at", "1"),
    Column("mean_ms", "Mean", "ms"),
    *(Column(kind, _TITLES[kind], "%") for kind in KINDS),
)
_HOPS = (
    Column("side", "Side"),
    Column("place", "Requests of"),
    Column("kind", "What"),
    Column("hop", "Hop"),
    Column("mean_ms", "All", "ms"),
    Column("share", "Share", "%"),
    Column("typical_ms", "Typical", "ms"),
    Column("slow_ms", "Slow", "ms"),
    Column("before_ms", "Before", "ms"),
    Column("grew_ms", "Grew by", "ms"),
)


def _kinds(spent: Spent) -> Iterator[tuple[Cell, ...]]:
    groups = {"all": spent.all, "typical": spent.typical, "slow": spent.slow, "before": spent.before}
    for which, times in groups.items():
        if times is not None and times.requests:
            shares = (round(times.of(kind), 2) for kind in KINDS)
            head = spent.place.side, _shown(spent.place), which, times.requests, round(times.mean_ms, 3)
            yield (*head, *shares)


def _hops(spent: Spent) -> Iterator[tuple[Cell, ...]]:
    for hop in dict.fromkeys((*spent.all.ms, *spent.slow.ms, *spent.typical.ms)):
        ms = spent.all.ms.get(hop, 0.0)
        before = spent.before.ms.get(hop, 0.0) if spent.before else None
        yield (
            spent.place.side,
            _shown(spent.place),
            _TITLES[hop.kind],
            _named(hop),
            round(ms, 3),
            round(100 * ms / spent.all.mean_ms, 2) if spent.all.mean_ms else 0.0,
            round(spent.typical.ms.get(hop, 0.0), 3),
            round(spent.slow.ms.get(hop, 0.0), 3),
            None if before is None else round(before, 3),
            None if before is None else round(ms - before, 3),
        )


def _findings(spent: Spent) -> Iterator[Finding]:
    legacy = spent.all.of("legacy")
    if spent.place.side == "serverless" and legacy >= _SHARE:
        text = f"Requests of {_shown(spent.place)} spend {legacy:.0f} % of their time on the legacy side."
        yield Finding(level="info", text=text, evidence={"legacy_share": round(legacy, 2)})
    yield from _slow(spent)
    yield from _growth(spent)


def _slow(spent: Spent) -> Iterator[Finding]:
    """What slow requests wait for that typical ones do not."""
    groups = spent.all, spent.typical, spent.slow
    is_whole = len({hop for times in groups for hop in times.ms}) < 2
    if is_whole or spent.all.requests < _FEW or not all(times.requests for times in groups):
        return
    longer = spent.slow.mean_ms - spent.typical.mean_ms
    waits = _more(spent.slow, spent.typical)
    hop, ms = next(iter(waits.items()), (None, 0.0))
    if hop is None or longer < max(_MS, spent.typical.mean_ms * _GREW / 100):
        return
    text = (
        f"Slow requests of {_shown(spent.place)} (p95: {spent.p95_ms:,.0f} ms) take {longer:,.0f} ms longer"
        f" than typical ones: {ms:,.0f} ms of it is {_said(hop)}."
    )
    evidence = {
        "typical_ms": round(spent.typical.mean_ms, 3),
        "slow_ms": round(spent.slow.mean_ms, 3),
        "slow_requests": spent.slow.requests,
        "hop": msgspec.to_builtins(hop),
        "longer_ms": {_named(one): round(more, 3) for one, more in islice(waits.items(), _TOLD) if more > 0},
    }
    ids = spent.slow.correlation_ids
    yield Finding(level="info", text=text, evidence=evidence, correlation_ids=ids)


def _growth(spent: Spent) -> Iterator[Finding]:
    if spent.before is None or min(spent.before.requests, spent.all.requests) < _FEW:
        return
    more = spent.all.mean_ms - spent.before.mean_ms
    hop, ms = next(iter(spent.grew.items()), (None, 0.0))
    if hop is None or more < max(_MS, spent.before.mean_ms * _GREW / 100):
        return
    since = f"since {spent.cutover}" if spent.cutover else "than in the period before"
    if spent.before_place is not None and spent.before_place != spent.place:
        since = f"than {_shown(spent.before_place)} took before {spent.cutover}"
    yield Finding(
        level="warning",
        text=(
            f"Requests of {_shown(spent.place)} take {more:,.0f} ms longer {since}: what grew most, by"
            f" {ms:,.0f} ms, is {_said(hop)}."
        ),
        evidence={
            "mean_ms": round(spent.all.mean_ms, 3),
            "before_ms": round(spent.before.mean_ms, 3),
            "requests": spent.all.requests,
            "requests_before": spent.before.requests,
            "hop": msgspec.to_builtins(hop),
        },
        correlation_ids=spent.all.correlation_ids,
    )


_SAID: dict[Kind, str] = {
    "serverless": "work of {}",
    "legacy": "work of {} on the legacy side",
    "aws": "waiting for AWS: {}",
    "cold_start": "waiting for {} to start",
    "network": "between {}: the way there and back, and a server that has no time yet",
    "elsewhere": "waiting for somebody who tells nothing: {}",
}


def _said(hop: Hop) -> str:
    return _SAID[hop.kind].format(hop.service if hop.kind == "cold_start" else _named(hop))


def _notes(found: Sequence[Spent]) -> Iterator[str]:
    yield (
        "Each instant belongs to the innermost span going on; of parallel ones each has its part. Shares of"
        " the rows of a place add up to 100 %."
    )
    yield (
        "Typical requests are those from the 40th to the 60th percentile of the duration, slow ones those"
        f" from the 95th on; of each at most {EACH} are looked at, those with the smallest hash."
    )
    if any(spent.all.of("network") for spent in found):
        yield (
            "Between both: a call's time less that of the request it became. Clocks are compared: what they"
            " may be off is services.<name>.clock_skew_ms."
        )
    if any(spent.before for spent in found):
        yield "Before: a period of equal length directly before this one, or what is before a cutover."
    elif found:
        yield "Nothing is compared with before: this period has no beginning, or nothing is known before it."
    if (places := max((spent.places for spent in found), default=0)) > MOST_PLACES:
        yield f"Only the {MOST_PLACES} places with the most time spent are looked at, of {places:,}."
    if left := sum(sum(t.left_out for t in (one.all, one.typical, one.slow)) for one in found):
        yield f"{left:,} requests were left out: {MOST_NODES:,} spans of a sample are looked at."
    if cut := max((spent.cut for spent in found), default=0):
        yield f"Only the first {MOST_OF_TRACE:,} spans of a trace are read: {_longer(cut)}, and incomplete."
    if missing := sum(spent.missing for spent in found):
        yield f"The spans of {missing:,} requests could not be read: they are left out."


def _longer(number: int) -> str:
    return "one of those looked at is longer" if number == 1 else f"{number:,} of those looked at are longer"


def _shown(place: Place) -> str:
    return place.service if place.operation == place.service else f"{place.service} {place.operation}"


def _named(hop: Hop) -> str:
    return f"{hop.service} {hop.operation}"
