"""The call graph of sampled traces: edges, how deep requests wait on one another, and circles. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median_low, quantiles

import msgspec

from observe.semconv import LINK_KIND
from subscribers.insight.calls import Place, Trace, Visit, Way, is_record

#: Correlation IDs that are named as examples.
EXAMPLES = 3
_MESSAGE = "message"
_NS_PER_MS = 1e6


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one place by another. inferred: how many of them nobody told. Times are the callee's."""

    caller: Place
    callee: Place
    way: Way
    calls: int
    inferred: int
    errors: int
    p50_ms: float
    p95_ms: float
    correlation_ids: tuple[str, ...]


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The longest synchronous path of requests: places from the first caller to the last callee.

    inferred: in how many of them nobody told one of the calls.
    """

    path: tuple[Place, ...]
    requests: int
    inferred: int
    correlation_ids: tuple[str, ...]

    @property
    def depth(self) -> int:
        """How many requests wait on one another: 1 for one that calls nobody."""
        return len(self.path)

    @property
    def functions(self) -> int:
        """How many of them are functions."""
        return sum(place.side == "serverless" for place in self.path)


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """How deep the requests of a place go, where no other request waits for them."""

    place: Place
    requests: int
    typical: int
    most: int


class Circle(msgspec.Struct, frozen=True, kw_only=True):
    """Services that lead back to the first of them. requests: 0 where only the graph has it, no request."""

    services: tuple[str, ...]
    synchronous: bool
    inferred: bool = False
    requests: int = 0
    correlation_ids: tuple[str, ...] = ()


class _Calls:
    """The calls of one edge, while they are counted."""

    def __init__(self) -> None:
        self.ms: list[float] = []
        self.errors = self.inferred = 0
        self.ids: dict[str, None] = {}


def edges(traces: Sequence[Trace]) -> list[Edge]:
    """Return who calls whom, the most frequent first; a batch was sent by those that it links to."""
    found: dict[tuple[Place, Place, Way], _Calls] = defaultdict(_Calls)
    for trace in traces:
        for visit in trace.visits:
            if visit.way is not None:
                key = trace.visits[visit.caller].place, visit.place, visit.way
                _count(found[key], trace, visit)
    for caller, trace, visit in _batches(traces):
        _count(found[caller, visit.place, "asynchronous"], trace, visit)
    told = [_edge(key, calls) for key, calls in found.items()]
    return sorted(told, key=lambda edge: (-edge.calls, edge.caller, edge.callee, edge.way))


def _count(calls: _Calls, trace: Trace, visit: Visit) -> None:
    span = trace.span(visit)
    calls.ms.append((span.end_unix_nano - span.start_unix_nano) / _NS_PER_MS)
    calls.errors += span.status == "error"
    calls.inferred += visit.basis == "inferred"
    calls.ids[trace.correlation_id] = None


def _edge(key: tuple[Place, Place, Way], calls: _Calls) -> Edge:
    caller, callee, way = key
    return Edge(
        caller=caller,
        callee=callee,
        way=way,
        calls=len(calls.ms),
        inferred=calls.inferred,
        errors=calls.errors,
        p50_ms=_quantile(calls.ms, 50),
        p95_ms=_quantile(calls.ms, 95),
        correlation_ids=_examples(calls.ids),
    )


def _quantile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def _batches(traces: Sequence[Trace]) -> Iterator[tuple[Place, Trace, Visit]]:
    """Senders of batches: (who sent, the batch's trace, its visit), where no record tells it itself."""
    senders = {
        (node.span.trace_id, node.span.span_id): (trace, i)
        for trace in traces
        for i, node in enumerate(trace.nodes)
        if node.span.kind in ("producer", "client")
    }
    for trace in traces:
        for visit in trace.visits:
            links = trace.span(visit).links if visit.way is None else ()
            for link in links:
                sender = senders.get((link.trace_id, link.span_id))
                if sender and str(link.attributes.get(LINK_KIND, _MESSAGE)).startswith(_MESSAGE):
                    there, i = sender
                    owner = there.owners[i]
                    told = any(v.via == i and v.place == visit.place for v in there.visits)
                    if owner >= 0 and not told:
                        yield there.visits[owner].place, trace, visit


def heads(trace: Trace) -> Iterator[tuple[Visit, list[int]]]:
    """Yield each visit that nobody waits for, and the longest way down from it: indices of visits."""
    count = len(trace.visits)
    longest, after = [1] * count, [-1] * count
    for i in range(count - 1, -1, -1):
        visit = trace.visits[i]
        if visit.way == "synchronous" and longest[i] >= longest[visit.caller]:
            longest[visit.caller], after[visit.caller] = longest[i] + 1, i
    for i, visit in enumerate(trace.visits):
        if visit.way != "synchronous":
            way = [i]
            while after[way[-1]] >= 0:
                way.append(after[way[-1]])
            yield visit, way


def chains(traces: Sequence[Trace]) -> list[Chain]:
    """Return the longest synchronous paths, the deepest first; those of one request are none."""
    found: dict[tuple[Place, ...], tuple[list[bool], dict[str, None]]] = defaultdict(lambda: ([], {}))
    for trace in traces:
        for _, way in heads(trace):
            if len(way) > 1:
                inferred, ids = found[tuple(trace.visits[i].place for i in way)]
                inferred.append(any(trace.visits[i].basis == "inferred" for i in way[1:]))
                ids[trace.correlation_id] = None
    told = [
        Chain(path=path, requests=len(inferred), inferred=sum(inferred), correlation_ids=_examples(ids))
        for path, (inferred, ids) in found.items()
    ]
    return sorted(told, key=lambda chain: (-chain.depth, -chain.requests, chain.path))


def depths(traces: Sequence[Trace]) -> list[Depth]:
    """Return how deep requests go, by where they begin; the deepest first."""
    found: dict[Place, list[int]] = defaultdict(list)
    for trace in traces:
        for visit, way in heads(trace):
            # A record of a batch is no request of its own, unless it makes some.
            if len(way) > 1 or not is_record(trace.span(visit)):
                found[visit.place].append(len(way))
    told = [
        Depth(place=place, requests=len(values), typical=median_low(values), most=max(values))
        for place, values in found.items()
    ]
    return sorted(told, key=lambda depth: (-depth.most, -depth.requests, depth.place))


def circles(traces: Sequence[Trace], graph: Iterable[Edge]) -> list[Circle]:
    """Return the services that lead back to themselves: within a request, then only in the graph.

    A legacy service directly below itself is none: its web server and its application log one request each.
    """
    found: dict[tuple[str, ...], list[Circle]] = defaultdict(list)
    for trace in traces:
        for circle in _circles(trace):
            found[circle.services].append(circle)
    within = [_merged(each) for each in found.values()]
    within.sort(key=lambda circle: (-circle.requests, circle.services))
    known = {frozenset(circle.services) for circle in within}
    return within + [circle for circle in _in_graph(graph) if frozenset(circle.services) not in known]


def _circles(trace: Trace) -> Iterator[Circle]:
    """The circles of one request, each once: from each visit up to the nearest one of the same service."""
    seen: set[tuple[str, ...]] = set()
    for visit in trace.visits:
        way, above = [visit], visit
        while above.caller >= 0:
            above = trace.visits[above.caller]
            way.append(above)
            if above.place.service == visit.place.service:
                break
        services = tuple(v.place.service for v in reversed(way))
        if len(way) < 2 or services[0] != services[-1] or services in seen:
            continue
        if len(way) == 2 and visit.place.side == "legacy":
            continue
        seen.add(services)
        steps = way[:-1]
        yield Circle(
            services=services,
            synchronous=all(v.way == "synchronous" for v in steps),
            inferred=any(v.basis == "inferred" for v in steps),
            requests=1,
            correlation_ids=(trace.correlation_id,),
        )


def _merged(each: Sequence[Circle]) -> Circle:
    return Circle(
        services=each[0].services,
        synchronous=any(circle.synchronous for circle in each),
        inferred=all(circle.inferred for circle in each),
        requests=len(each),
        correlation_ids=_examples(id for circle in each for id in circle.correlation_ids),
    )


def _in_graph(graph: Iterable[Edge]) -> list[Circle]:
    """Services each of which leads to all others, by different requests."""
    ways: dict[str, dict[str, bool]] = defaultdict(dict)
    for edge in graph:
        one, other = edge.caller.service, edge.callee.service
        if one != other:
            known = ways[one].get(other, True)
            ways[one][other] = known and edge.way == "synchronous"
    reached = {service: _reached(service, ways) for service in ways}
    found: dict[frozenset[str], Circle] = {}
    for service, others in sorted(reached.items()):
        group = frozenset(other for other in others if service in reached.get(other, ()))
        if len(group) > 1 and group not in found:
            inner = [ways[one][other] for one in group for other in group & ways[one].keys()]
            names = sorted(group)
            found[group] = Circle(services=(*names, names[0]), synchronous=all(inner))
    return list(found.values())


def _reached(start: str, ways: Mapping[str, Mapping[str, bool]]) -> set[str]:
    seen: set[str] = set()
    queue = [start]
    while queue:
        near = ways.get(queue.pop(), {}).keys() - seen
        seen |= near
        queue.extend(near)
    return seen


def _examples(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(ids))[:EXAMPLES])
