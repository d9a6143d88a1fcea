"""Spans and logs of one story -> its tree: who called whom, and what each of them said. Pure.

Nothing here recurses, and nothing is lost: cycles are cut, spans with the same ID stay apart, and a span
is left out only where the layer and the platform told the same invocation. Parents are what spans name, else
what receipts tell, else inferred from time (correlate_inferred).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from observe.semconv import STANDS_FOR
from subscribers.correlate_clock import S_NS, resolution_ns
from subscribers.correlate_inferred import infer
from subscribers.correlate_intervals import Intervals
from subscribers.parsers.platform_signals import TRACE_FROM
from subscribers.receipts import came, sent
from subscribers.signals import ENTRY_KINDS, Log, Span

#: Access logs and log4j write whole milliseconds: what began first may seem to begin later.
_CLOCK_SLACK_NS = 2_000_000
#: Clocks of the layer and of the platform's lines differ by less than this.
_SLACK_NS = 1_000_000_000
_ROOT = -1


class Node(msgspec.Struct, frozen=True):
    """One span in its place. Nodes come in display order: a parent before its children."""

    span: Span
    depth: int
    #: Index of the parent's node, -1 for a root.
    parent: int
    #: The span names a parent that is not in the store, or that is its own descendant.
    parent_missing: bool
    #: Log lines of this span, by time.
    logs: tuple[Log, ...] = ()
    #: Nobody told the parent: it is the span that contains this one in time.
    inferred: bool = False


def written(log: Log) -> tuple[int, str, int, str]:
    """Sort key: the order in which log lines were written, as far as it is known."""
    return log.time_unix_nano, log.origin.log_stream, log.sequence, log.event_id


def tree(
    spans: Sequence[Span], logs: Sequence[Log], requests: Mapping[str, str] | None = None
) -> tuple[tuple[Node, ...], tuple[Log, ...]]:
    """Return the nodes of a story in display order, and the logs that belong to none of them, by time.

    requests: event ID of a span -> the request it belongs to; a story of causes and effects has several.
    """
    kept, stands_for = _one_per_invocation(sorted(spans, key=_order))
    attached, loose = _attach(kept, sorted(logs, key=written))
    parents = _parents(kept, stands_for)
    _join_receipts(parents, kept, logs)
    missing = {i for i, span in enumerate(kept) if span.parent_span_id and parents[i] == _ROOT}
    missing |= _cut_cycles(parents)
    inferred = infer(kept, parents, [(requests or {}).get(span.event_id, "") for span in kept])
    nodes = [
        Node(kept[i], depth, parent, i in missing, tuple(attached.get(i, ())), i in inferred)
        for i, depth, parent in _preorder(parents)
    ]
    return tuple(nodes), tuple(loose)


def _order(span: Span) -> tuple[int, int, str, str]:
    return (span.start_unix_nano, -span.end_unix_nano, span.span_id, span.event_id)


def twins(spans: Sequence[Span]) -> dict[int, int]:
    """Return index of the platform's span -> index of the layer's, where both told one invocation.

    Attempts of a request have its ID, and may follow each other at once: the nearest two are one.
    """
    by_invocation: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, span in enumerate(spans):
        if span.request_id:
            by_invocation[span.origin.log_stream, span.request_id].append(i)
    found: dict[int, int] = {}
    for indices in by_invocation.values():
        layer = _local_roots([i for i in indices if spans[i].told_by == "layer"], spans)
        platform = [i for i in indices if spans[i].told_by == "platform"]
        near = sorted(
            (abs(spans[i].start_unix_nano - spans[n].start_unix_nano), i, n)
            for i in platform
            for n in layer
            if overlap(spans[i], spans[n])
        )
        taken: set[int] = set()
        for _, i, n in near:
            if i not in found and n not in taken:
                found[i] = n
                taken.add(n)
    return found


def _one_per_invocation(spans: list[Span]) -> tuple[list[Span], dict[tuple[str, str], tuple[str, str]]]:
    """Drop the platform's span of an invocation where the layer's came, keeping what only it knows.

    Returns the spans, and which (trace, span ID) stands for a dropped one.
    """
    dropped = twins(spans)
    merged = {winner: _with_platform(spans[winner], spans[i]) for i, winner in dropped.items()}
    stands_for = {_key(spans[i]): _key(spans[winner]) for i, winner in dropped.items()}
    return [merged.get(i, span) for i, span in enumerate(spans) if i not in dropped], stands_for


def _local_roots(indices: list[int], spans: Sequence[Span]) -> list[int]:
    """The spans that can be an invocation: entries that no span of the same invocation is the parent of."""
    ids = {spans[i].span_id for i in indices}
    return [i for i in indices if spans[i].kind in ENTRY_KINDS and spans[i].parent_span_id not in ids]


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans of a request are of the same attempt: retries come one after the other."""
    return (
        one.start_unix_nano <= other.end_unix_nano + _SLACK_NS
        and other.start_unix_nano <= one.end_unix_nano + _SLACK_NS
    )


def _with_platform(layer: Span, platform: Span) -> Span:
    """The layer wins, but only the platform knows of a timeout, a crash and what was billed."""
    attributes = {**platform.attributes, **layer.attributes}
    attributes.pop(TRACE_FROM, None)
    if platform.status != "error" or layer.status == "error":
        return msgspec.structs.replace(layer, attributes=attributes)
    return msgspec.structs.replace(
        layer,
        attributes=attributes,
        status="error",
        status_message=platform.status_message or layer.status_message,
        end_unix_nano=max(layer.end_unix_nano, platform.end_unix_nano),
    )


def _key(span: Span) -> tuple[str, str]:
    return span.trace_id, span.span_id


def _parents(spans: list[Span], stands_for: dict[tuple[str, str], tuple[str, str]]) -> list[int]:
    """Return the index of each span's parent, -1 where it is not known."""
    by_key: dict[tuple[str, str], int] = {}
    by_id: dict[str, int] = {}
    for i, span in enumerate(spans):
        by_key.setdefault(_key(span), i)
        by_id.setdefault(span.span_id, i)
    for old, new in stands_for.items():
        by_key.setdefault(old, by_key[new])
        by_id.setdefault(old[1], by_key[new])
    for i, span in enumerate(spans):
        for left_out in _left_out(span):
            by_id.setdefault(left_out, i)
    platform = {
        (s.origin.log_stream, s.request_id): i for i, s in enumerate(spans) if s.told_by == "platform"
    }
    out = []
    for i, span in enumerate(spans):
        parent = _ROOT
        if span.parent_span_id:
            # A parent in another trace of the story: inferred, or the trace changed on the way.
            found = by_key.get((span.trace_id, span.parent_span_id), by_id.get(span.parent_span_id, _ROOT))
            is_inner = span.request_id and span.told_by == "layer" and span.kind not in ENTRY_KINDS
            if found == _ROOT and is_inner:
                # The layer's span of the invocation never came; the platform's stands in for it.
                found = platform.get((span.origin.log_stream, span.request_id), _ROOT)
            parent = found if found != i else _ROOT
        out.append(parent)
    return out


def _left_out(span: Span) -> Iterator[str]:
    """IDs of the layer's spans that a platform's span stands for."""
    told: Any = span.attributes.get(STANDS_FOR) if span.told_by == "platform" else None
    return (one for one in told if isinstance(one, str)) if isinstance(told, list) else iter(())


def _join_receipts(parents: list[int], spans: list[Span], logs: Sequence[Log]) -> None:
    """Give each receiver that names no parent the span that sent it, by the identifier both were told."""
    senders: dict[str, int] = {}
    by_key = {_key(span): i for i, span in enumerate(spans)}
    for log in logs:
        at = by_key.get((log.trace_id, log.span_id))
        if at is not None:
            senders.update(dict.fromkeys(sent(log), at))
    for i, span in enumerate(spans):
        senders.update(dict.fromkeys(sent(span), i))
    for i, span in enumerate(spans):
        if parents[i] == _ROOT and not span.parent_span_id:
            found = {senders[receipt] for receipt in came(span) if receipt in senders} - {i}
            parents[i] = min(found, default=_ROOT)


def _cut_cycles(parents: list[int]) -> set[int]:
    """Make the first span of each cycle a root, in place, and return these spans."""
    cut: set[int] = set()
    settled = [False] * len(parents)
    for start in range(len(parents)):
        path: dict[int, None] = {}
        i = start
        while i != _ROOT and not settled[i] and i not in path:
            path[i] = None
            i = parents[i]
        if i in path:
            # Spans are in order of start: the lowest index of the cycle is its earliest span.
            seen = list(path)
            first = min(seen[seen.index(i) :])
            parents[first] = _ROOT
            cut.add(first)
        for passed in path:
            settled[passed] = True
    return cut


def _preorder(parents: list[int]) -> list[tuple[int, int, int]]:
    """Return (index of the span, depth, index of the parent's node), a parent before its children."""
    children: dict[int, list[int]] = defaultdict(list)
    for i, parent in enumerate(parents):
        children[parent].append(i)
    out: list[tuple[int, int, int]] = []
    stack = [(i, 0, _ROOT) for i in reversed(children[_ROOT])]
    while stack:
        i, depth, parent = stack.pop()
        place = len(out)
        out.append((i, depth, parent))
        stack.extend((child, depth + 1, place) for child in reversed(children[i]))
    return out


def _attach(spans: list[Span], logs: list[Log]) -> tuple[dict[int, list[Log]], list[Log]]:
    """Give each line to a span: by span ID, else by invocation, else by service and time in its request."""
    by_key: dict[tuple[str, str], int] = {}
    by_invocation: dict[tuple[str, str], list[int]] = defaultdict(list)
    of_service = _OfService(spans)
    for i, span in enumerate(spans):
        by_key.setdefault(_key(span), i)
        if span.request_id and (span.kind in ENTRY_KINDS or span.told_by == "platform"):
            by_invocation[span.origin.log_stream, span.request_id].append(i)
    attached: dict[int, list[Log]] = defaultdict(list)
    loose: list[Log] = []
    for log in logs:
        found = by_key.get((log.trace_id, log.span_id)) if log.span_id else None
        if found is not None and spans[found].origin.service != log.origin.service:
            # A traceparent names the caller's span: the service's own, where there is one, said the line.
            own = of_service.open_at(log)
            found = found if own is None else own
        if found is None and log.request_id:
            found = _nearest(log, by_invocation.get((log.origin.log_stream, log.request_id), []), spans)
        if found is None:
            found = of_service.open_at(log)
        if found is None:
            loose.append(log)
        else:
            attached[found].append(log)
    return attached, loose


def _nearest(log: Log, candidates: list[int], spans: list[Span]) -> int | None:
    """The attempt the line was written in: the last one that had begun, else the first."""
    begun = [i for i in candidates if spans[i].start_unix_nano <= log.time_unix_nano + 1_000_000]
    return begun[-1] if begun else (candidates[0] if candidates else None)


class _OfService:
    """The spans of each service, by trace and by correlation ID: a line may know only one of the two."""

    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans
        self._of: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._merged: dict[tuple[str, str, str], Intervals | None] = {}
        for i, span in enumerate(spans):
            for id in {span.trace_id, span.correlation_id} - {""}:
                self._of[id, span.origin.service].append(i)

    def open_at(self, log: Log) -> int | None:
        """The innermost span of the line's service and request that was open when it was written.

        A log of whole seconds may have stamped it a second away: then it is the only one that may be meant.
        """
        key = (log.trace_id, log.correlation_id, log.origin.service)
        if key not in self._merged:
            self._merged[key] = self._intervals(key)
        intervals, time = self._merged[key], log.time_unix_nano
        if intervals is None:
            return None
        for slack in (0, _CLOCK_SLACK_NS):
            for i in intervals.containing(time + slack, time - slack):
                return i
        near = list(islice(intervals.containing(time + S_NS, time - S_NS), 2))
        return near[0] if len(near) == 1 and resolution_ns(self._spans[near[0]]) == S_NS else None

    def _intervals(self, key: tuple[str, str, str]) -> Intervals | None:
        trace_id, correlation_id, service = key
        found = {i for id in {trace_id, correlation_id} - {""} for i in self._of.get((id, service), ())}
        spans = ((i, self._spans[i]) for i in found)
        return Intervals((s.start_unix_nano, s.end_unix_nano, i) for i, s in spans) if found else None
