"""Which request called which: sampled traces as trees, and in each the requests at services. Bounded.

A *visit* is one request at a service or one invocation of a function. It was called by the visit whose span
is above its own. The call is synchronous where it was made over HTTP or the callee's time lies in it,
asynchronous where a queue, topic, bus, stream or bucket is in between. Parents that nobody told are inferred
from a shared correlation ID and from time (correlate_inferred), and say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from observe import semconv
from observe.ids import derive_trace_id
from subscribers.correlate_clock import tolerance_ns
from subscribers.correlate_tree import Node, tree
from subscribers.insight.answer import Question
from subscribers.signals import ENTRY_KINDS, Link, Side, Span

#: A report, and a line of an access log, is written after the answer went out.
_REPORTED_NS = 100_000_000
_NO_TRACE = "event:"

Way = Literal["synchronous", "asynchronous"]
Basis = Literal["told", "inferred"]


class Place(msgspec.Struct, frozen=True, order=True):
    """Where requests are served. operation: `METHOD /route`, `process QUEUE`, or the name of a span."""

    side: Side
    service: str
    operation: str


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request at a place. node: its span, an index of Trace.nodes.

    caller: index of the visit that called it; -1 for a root. via: index of the caller's client or producer
    span; -1 where the call itself was not told. way: None for a root.
    """

    node: int
    place: Place
    caller: int = -1
    via: int = -1
    way: Way | None = None
    basis: Basis = "told"


class Trace(msgspec.Struct, frozen=True):
    """Everything of one request. visits: a caller before whom it called.

    owners: of each node the visit it is part of, -1 for none. correlation_id: the first that its spans tell,
    else its trace ID.
    """

    nodes: tuple[Node, ...]
    visits: tuple[Visit, ...]
    owners: tuple[int, ...]
    correlation_id: str = ""

    def span(self, visit: Visit) -> Span:
        """Return the span of a visit."""
        return self.nodes[visit.node].span


def stitched(spans: Iterable[Span]) -> tuple[Trace, ...]:
    """Return the traces of spans of both sides, by start; those of one request are one. Pure.

    A request whose route nobody told has that of its function, where the spans tell but one.
    """
    groups = _groups(_latest(spans))
    trees = [tree(group, (), {span.event_id: "" for span in group})[0] for group in groups]
    single = _single(node.span for nodes in trees for node in nodes)
    return tuple(sorted((_trace(nodes, single) for nodes in trees if nodes), key=_begin))


def place_of(span: Span) -> Place:
    """Return where a request was served, by its span."""
    service = span.origin.service or span.origin.log_group.rpartition("/")[2] or "unknown"
    return Place(span.origin.side, service, _route(span) or span.name)


def asked_services(question: Question) -> frozenset[str]:
    """Return the services that a question is about, by itself or by its endpoints; none: all."""
    endpoints = (question.config.endpoints.get(name) for name in question.endpoints)
    sides = (side for endpoint in endpoints if endpoint for side in (endpoint.legacy, endpoint.serverless))
    by_endpoint = frozenset(side.service for side in sides if side is not None)
    asked = frozenset(question.services)
    return asked & by_endpoint if asked and by_endpoint else asked | by_endpoint


def not_split(question: Question) -> tuple[str, ...]:
    """Return a note where a question asks for a split that an insight does not make."""
    return (f"This answer is not split by {question.by}.",) if question.by else ()


def function_of(span: Span) -> str:
    """Return the name of the function that told a span, its log group's where it does not say."""
    name = span.attributes.get(semconv.FAAS_NAME)
    if isinstance(name, str) and name:
        return name
    return span.origin.log_group.rpartition("/")[2] or span.origin.service


def is_record(span: Span) -> bool:
    """Whether a span is one record's of a batch: the batch's own is the invocation."""
    return any(link_kind(link) == "batch" for link in span.links)


def link_kind(link: Link) -> str:
    """Return what a link is for, "" where it does not say so as text."""
    kind = link.attributes.get(semconv.LINK_KIND)
    return kind if isinstance(kind, str) else ""


def _begin(trace: Trace) -> tuple[int, str]:
    first = trace.nodes[0].span
    return min(node.span.start_unix_nano for node in trace.nodes), first.trace_id


def _latest(spans: Iterable[Span]) -> list[Span]:
    """One span an ID: a handler that returned in its last moment told it twice, the later end is right."""
    found: dict[tuple[str, ...], Span] = {}
    for span in spans:
        own = (span.event_id,) if span.told_by != "layer" else ()
        key = (span.trace_id, span.span_id, span.told_by, *own)
        known = found.get(key)
        if known is None or (known.end_unix_nano, span.event_id) < (span.end_unix_nano, known.event_id):
            found[key] = span
    return list(found.values())


def _groups(spans: Sequence[Span]) -> list[list[Span]]:
    """The spans by request: a trace is joined with the one of its correlation ID, or of its links' identity.

    An identity that several traces claim (a session, a batch job) joins none of them.
    """
    traces: dict[str, list[Span]] = defaultdict(list)
    claims: dict[str, set[str]] = defaultdict(set)
    for span in spans:
        identity = derive_trace_id(span.correlation_id) if span.correlation_id else ""
        trace = span.trace_id or identity or _NO_TRACE + span.event_id
        traces[trace].append(span)
        told = [link.trace_id for link in span.links if link_kind(link) in _IDENTITY]
        for one in {identity, *told} - {"", trace}:
            claims[one].add(trace)
    joined = {
        trace: identity
        for identity, claimants in claims.items()
        if len(claimants) == 1 and identity in traces
        for trace in claimants
    }
    groups: dict[str, list[Span]] = defaultdict(list)
    for trace, members in traces.items():
        groups[_top(trace, joined)] += members
    return list(groups.values())


_IDENTITY = frozenset({"correlation_id", "xray", "traceparent"})


def _top(trace: str, joined: Mapping[str, str]) -> str:
    """The last of those that lead to one another; of a circle the smallest."""
    path = {trace: None}
    while (trace := joined.get(trace, trace)) not in path:
        path[trace] = None
    seen = list(path)
    return min(seen[seen.index(trace) :])


def _single(spans: Iterable[Span]) -> dict[str, str]:
    """Service -> the one route of its function, where it has one."""
    found: dict[str, set[str]] = defaultdict(set)
    for span in spans:
        if span.kind in ENTRY_KINDS and span.origin.side == "serverless" and (route := _route(span)):
            found[place_of(span).service].add(route)
    return {service: next(iter(routes)) for service, routes in found.items() if len(routes) == 1}


def _route(span: Span) -> str:
    route, method = (span.attributes.get(n) for n in (semconv.HTTP_ROUTE, semconv.HTTP_REQUEST_METHOD))
    if isinstance(route, str) and route:
        return f"{method} {route}" if isinstance(method, str) and method else route
    return span.name if span.kind == "consumer" else ""


def _trace(nodes: tuple[Node, ...], single: Mapping[str, str]) -> Trace:
    visits: list[Visit] = []
    owners: list[int] = []
    for i, node in enumerate(nodes):
        caller = owners[node.parent] if node.parent >= 0 else -1
        if node.span.kind not in ENTRY_KINDS or _is_within(node.span, nodes, visits, caller):
            owners.append(caller)
            continue
        owners.append(len(visits))
        place = place_of(node.span)
        if not _route(node.span) and place.service in single:
            place = msgspec.structs.replace(place, operation=single[place.service])
        visits.append(Visit(node=i, place=place, **_call(i, nodes, visits, caller)))
    told = (node.span.correlation_id for node in nodes if node.span.correlation_id)
    return Trace(nodes, tuple(visits), tuple(owners), next(told, nodes[0].span.trace_id))


def _is_within(span: Span, nodes: Sequence[Node], visits: Sequence[Visit], caller: int) -> bool:
    """Whether an entry is of its caller's own invocation: a handler that another handler called."""
    if caller < 0 or not span.request_id:
        return False
    around = nodes[visits[caller].node].span
    return (span.request_id, span.origin.log_stream) == (around.request_id, around.origin.log_stream)


def _call(i: int, nodes: Sequence[Node], visits: Sequence[Visit], caller: int) -> dict[str, Any]:
    if caller < 0:
        return {}
    node, above = nodes[i], nodes[nodes[i].parent].span
    around = nodes[visits[caller].node].span
    via = node.parent if above.kind in ("client", "producer") else -1
    is_sent = node.span.kind == "consumer" or above.kind == "producer"
    is_waited_for = not is_sent and (
        _is_http(above, node) or _lies_in(node.span, above if via >= 0 else around)
    )
    return {
        "caller": caller,
        "via": via,
        "way": "synchronous" if is_waited_for else "asynchronous",
        "basis": "inferred" if node.inferred else "told",
    }


def _is_http(above: Span, node: Node) -> bool:
    """Whether a call is one over HTTP, and told: its span lasts until the answer, whatever clocks say."""
    told = above.kind == "client" and not node.inferred and node.span.kind == "server"
    return told and isinstance(above.attributes.get(semconv.HTTP_REQUEST_METHOD), str)


def _lies_in(span: Span, around: Span) -> bool:
    """Whether a request was waited for: it lies in the call, or that one failed while it was served."""
    off = tolerance_ns(span, around)
    late = off + (0 if span.told_by == "layer" else _REPORTED_NS)
    begins = around.start_unix_nano - off <= span.start_unix_nano <= around.end_unix_nano + off
    return begins and (span.end_unix_nano <= around.end_unix_nano + late or around.status == "error")
