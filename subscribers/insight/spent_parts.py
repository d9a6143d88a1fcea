"""Where the time of one request goes: each instant is that of the innermost span going on. Pure.

What was sent to a queue, topic or bus is not waited for and has no part in it. Times of another service are
moved as far as its clock and its log may be off, so that it lies in the call; what still sticks out is cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Literal

import msgspec

from observe import semconv
from subscribers.correlate_clock import tolerance_ns
from subscribers.insight.calls import Trace
from subscribers.insight.chains_waiting import is_aws
from subscribers.insight.spent_sweep import Interval, self_times
from subscribers.signals import Side, Span

#: What a request's time is spent on: work of either side, a service of AWS, a function's start, what lies
#: between a call and the request that it is on the other side, or somebody who tells nothing.
Kind = Literal["serverless", "legacy", "aws", "cold_start", "network", "elsewhere"]
KINDS: tuple[Kind, ...] = ("serverless", "legacy", "aws", "cold_start", "network", "elsewhere")

_STARTS = frozenset({"init", "restore"})
_ARROW = " > "


class Hop(msgspec.Struct, frozen=True, order=True):
    """One place where time goes. side and service: whose span it is; of a network hop both services."""

    kind: Kind
    side: Side
    service: str
    operation: str


class _Piece(msgspec.Struct, frozen=True):
    """A span as it is counted: its hop, its times moved, and the place of the piece around it."""

    hop: Hop
    start: int
    end: int
    parent: int


def parts(trace: Trace, at: int) -> dict[Hop, int]:
    """Return the nanoseconds of each hop of a visit: together exactly what `length` returns."""
    pieces = list(_pieces(trace, at))
    found: dict[Hop, int] = {}
    own = self_times([Interval(piece.start, piece.end, piece.parent) for piece in pieces])
    for piece, ns in zip(pieces, own, strict=True):
        found[piece.hop] = found.get(piece.hop, 0) + ns
    return {hop: ns for hop, ns in found.items() if ns}


def length(trace: Trace, at: int) -> int:
    """Return how many nanoseconds a visit took, from the function's start on where it waited for that."""
    span = trace.span(trace.visits[at])
    starts = (start.start_unix_nano for start in _starts(trace, at))
    return max(span.end_unix_nano - min([span.start_unix_nano, *starts]), 0)


def nodes_below(trace: Trace, at: int) -> int:
    """Return how many nodes a visit has to look at, its own included."""
    node = trace.visits[at].node
    depth = trace.nodes[node].depth
    below = takewhile(lambda one: one.depth > depth, islice(trace.nodes, node + 1, None))
    return 1 + sum(1 for _ in below)


def _starts(trace: Trace, at: int) -> Iterator[Span]:
    """The init or restore that a visit waited for: the layer tells of one only then."""
    visit = trace.visits[at]
    around = trace.span(visit)
    for i in range(visit.node + 1, len(trace.nodes)):
        node = trace.nodes[i]
        if node.depth <= trace.nodes[visit.node].depth:
            return
        if node.parent == visit.node and _is_start(node.span) and _is_before(node.span, around):
            yield node.span


def _is_start(span: Span) -> bool:
    return span.name in _STARTS and semconv.AWS_LAMBDA_INITIALIZATION_TYPE in span.attributes


def _is_before(span: Span, around: Span) -> bool:
    return span.start_unix_nano < around.start_unix_nano


def _pieces(trace: Trace, at: int) -> Iterator[_Piece]:
    """The spans that a visit waits for, a parent before its children; the first is around all of them."""
    root = trace.visits[at]
    own = trace.span(root)
    starts = list(_starts(trace, at))
    first = min([own.start_unix_nano, *(start.start_unix_nano for start in starts)])
    # Between a function's start and its first instruction there is only the platform.
    around = _hop_of_start(trace, at) if starts else _work(trace, at)
    yield _Piece(around, first, own.end_unix_nano, -1)
    walk = _Walk(trace, at)
    if starts:
        yield _Piece(_work(trace, at), own.start_unix_nano, own.end_unix_nano, 0)
        walk.known[root.node] = 1
    yield from walk


class _Walk:
    """What lies below a visit, in display order."""

    def __init__(self, trace: Trace, at: int) -> None:
        self._trace, self._at = trace, at
        root = trace.visits[at].node
        #: Of a node, the place of its piece; what is not in it, or below it, is not waited for.
        self.known = {root: 0}
        self._times = {root: (trace.nodes[root].span.start_unix_nano, trace.nodes[root].span.end_unix_nano)}
        self._moved = {root: 0}
        self._visits = {visit.node: i for i, visit in enumerate(trace.visits)}
        self._answered = {v.via: i for i, v in enumerate(trace.visits) if v.way == "synchronous"}

    def __iter__(self) -> Iterator[_Piece]:
        nodes, root = self._trace.nodes, self._trace.visits[self._at].node
        count = max(self.known.values()) + 1
        for i in range(root + 1, len(nodes)):
            if nodes[i].depth <= nodes[root].depth:
                return
            if nodes[i].parent not in self.known or self._is_sent(i):
                continue
            yield self._piece(i)
            self.known[i] = count
            count += 1

    def _is_sent(self, i: int) -> bool:
        at = self._visits.get(i)
        return at is not None and self._trace.visits[at].way != "synchronous"

    def _piece(self, i: int) -> _Piece:
        span, parent = self._trace.nodes[i].span, self._trace.nodes[i].parent
        owner = self._trace.owners[i]
        if _is_start(span) and _is_before(span, self._trace.nodes[parent].span):
            # It lies before the request that waited for it: in the call, where that was told.
            above = self._trace.nodes[parent].parent
            hop = _hop_of_start(self._trace, owner)
            inside = self.known.get(above, 0) if parent != self._trace.visits[self._at].node else 0
            times = self._shifted(span, self._moved[parent])
            self._times[i], self._moved[i] = times, self._moved[parent]
            return _Piece(hop, *times, inside)
        moved = self._moved[parent]
        if i in self._visits:
            moved += self._fit(span, moved, parent)
        self._times[i], self._moved[i] = self._shifted(span, moved), moved
        return _Piece(self._hop(i), *self._times[i], self.known[parent])

    def _shifted(self, span: Span, moved: int) -> tuple[int, int]:
        return span.start_unix_nano + moved, max(span.end_unix_nano, span.start_unix_nano) + moved

    def _fit(self, span: Span, moved: int, parent: int) -> int:
        """By how much a request is moved into its call: no more than the times of the two may be off."""
        start, end = self._shifted(span, moved)
        first, last = self._times[parent]
        wanted = max(first - start, 0) or min(last - end, 0)
        wanted = max(wanted, first - start)
        off = tolerance_ns(span, self._trace.nodes[parent].span)
        return min(max(wanted, -off), off)

    def _hop(self, i: int) -> Hop:
        span, owner = self._trace.nodes[i].span, self._trace.owners[i]
        if span.kind not in ("client", "producer"):
            return _work(self._trace, owner)
        place = self._trace.visits[owner].place
        if i in self._answered:
            callee = self._trace.visits[self._answered[i]].place
            return Hop("network", place.side, place.service + _ARROW + callee.service, callee.operation)
        kind: Kind = "aws" if is_aws(span) else "elsewhere"
        return Hop(kind, place.side, place.service, _named(span))


def _work(trace: Trace, owner: int) -> Hop:
    place = trace.visits[owner].place
    return Hop(place.side, place.side, place.service, place.operation)


def _hop_of_start(trace: Trace, owner: int) -> Hop:
    place = trace.visits[owner].place
    return Hop("cold_start", place.side, place.service, "init")


def _named(span: Span) -> str:
    """A call's name; OpenTelemetry names one over HTTP by its method alone, so its host is added."""
    host = span.attributes.get(semconv.SERVER_ADDRESS)
    url = span.attributes.get(semconv.URL_FULL)
    if isinstance(url, str):
        host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return f"{span.name} {host}" if isinstance(host, str) and host and "/" not in span.name else span.name
