"""One ID -> the whole story: which traces belong together, and their spans and logs as trees. Pure.

Two ways traces are joined (docs/spec/context.md, "Two IDs, one story"):

- *identity*: a span carries a correlation ID, or links to the trace that it lost its place in
  (`observe.link` is correlation_id, xray or traceparent): both are the same request.
- *cause*: a span links to the real span of another trace, such as a batch to its records' senders, or was
  received under the identifier that AWS gave the sender (a receipt).
  Causes and effects are followed as far as they go, but not from an effect to its other causes: what
  merely shared a batch is another story.

An identity that several traces claim which have no link between them (a session, a nightly job) recurs:
each of them is its own story, and says so.

An invocation that X-Ray's trace alone was known of where its report was read is of the trace that its lines
tell elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from observe.ids import derive_trace_id
from observe.semconv import LINK_KIND
from subscribers.correlate_tree import Node, tree, twins, written
from subscribers.parsers.platform_signals import TRACE_FROM, XRAY
from subscribers.receipts import came, sent
from subscribers.signals import ENTRY_KINDS, Log, Span

__all__ = ["MAX_TRACES", "Node", "Story", "related_traces", "stories"]

#: Traces of one story; a fan-out beyond that is not one that a person reads.
MAX_TRACES = 500
_IDENTITY = frozenset({"correlation_id", "xray", "traceparent"})
_CAUSE = "message"
#: A record's span and its batch's: what merely shared a batch is another story.
_TOGETHER = "batch"
#: What a span may have lost: its correlation ID's trace and X-Ray's. More links are those of a batch.
_MAX_IDENTITY_LINKS = 2

_derived = lru_cache(maxsize=4096)(derive_trace_id)


class Story(msgspec.Struct, frozen=True):
    """Everything that is known of one request. Times are nanoseconds since the epoch.

    spans: in display order, a parent before its children, siblings by start; `depth` and `parent` of each
    node tell the tree. logs: those that belong to no span. recurring: its correlation ID also occurs in
    traces that have nothing to do with this one.
    """

    correlation_ids: tuple[str, ...]
    trace_ids: tuple[str, ...]
    start_unix_nano: int
    end_unix_nano: int
    spans: tuple[Node, ...]
    logs: tuple[Log, ...]
    recurring: bool = False


def stories(id: str, spans: Iterable[Span], logs: Iterable[Log]) -> list[Story]:
    """Return the stories that an ID leads to, by start; [] where nothing carries it.

    id: a correlation ID, a trace ID (32 hex digits), an X-Ray Root (1-8-24) or a Lambda request ID.
    spans, logs: what may belong to it; what does not is left out, and event IDs are counted once.
    """
    known = _Known(spans, logs)
    groups = _Groups(known)
    seeds = dict.fromkeys(groups.of(trace) for trace in known.named_by(id.strip()))
    found: dict[frozenset[str], bool] = {}
    for seed in seeds:
        members = groups.closure(seed)
        found[members] = found.get(members, False) or groups.recurs(seed)
    told = [_story(known, groups, members, recurring) for members, recurring in found.items()]
    return sorted(told, key=lambda story: (story.start_unix_nano, story.trace_ids))


def related_traces(id: str, spans: Iterable[Span], logs: Iterable[Log]) -> set[str]:
    """Return the trace IDs to look for next: those that the ID or these rows name in any way.

    A caller without all rows repeats reading and asking until nothing new is named.
    """
    names = {_derived(id.strip())}
    for log in logs:
        names.update(_names(log))
    for span in spans:
        names.update(_names(span))
        names.update(link.trace_id for link in span.links)
    return names - {""}


def _names(item: Span | Log) -> set[str]:
    derived = {_derived(item.correlation_id)} if item.correlation_id else set()
    return derived | ({item.trace_id} if item.trace_id else set())


class _Known:
    """The rows by trace, and what they say of each other."""

    def __init__(self, spans: Iterable[Span], logs: Iterable[Log]) -> None:
        self.spans: dict[str, list[Span]] = defaultdict(list)
        self.logs: dict[str, list[Log]] = defaultdict(list)
        self.correlation_ids: dict[str, set[str]] = defaultdict(set)
        self.request_ids: dict[str, set[str]] = defaultdict(set)
        #: A trace that rows name, but are not kept under.
        self.aliases: dict[str, set[str]] = defaultdict(set)
        invocations: dict[tuple[str, str], str] = {}
        # Entries first: a line that only names its request belongs to the trace its invocation came in with.
        told = sorted(
            {span.event_id: span for span in spans}.values(),
            key=lambda span: (span.kind not in ENTRY_KINDS, span.start_unix_nano, span.event_id),
        )
        pairs = twins(told)
        logs = list({log.event_id: log for log in logs}.values())
        named = _traces_of_lines(logs)
        for i, span in enumerate(told):
            invocation = span.origin.log_stream, span.request_id
            # Without the layer's word the platform knows X-Ray's trace only, or none: which may be another.
            teller = told[pairs.get(i, i)]
            trace = teller.trace_id or _trace_of(teller)
            if i not in pairs and _is_weak(span):
                # An invocation that was cut off wrote no span, but its lines may say whose it was.
                trace = named.get(invocation, trace)
            self.spans[trace].append(span)
            self._note(trace, span)
            if span.request_id:
                invocations.setdefault(invocation, trace)
        for log in logs:
            of = invocations.get((log.origin.log_stream, log.request_id)) if log.request_id else None
            trace = of if of and _is_weak(log) else log.trace_id or _trace_of(log)
            self.logs[trace].append(log)
            self._note(trace, log)

    def _note(self, trace: str, item: Span | Log) -> None:
        if item.correlation_id:
            self.correlation_ids[trace].add(item.correlation_id)
        if item.request_id:
            self.request_ids[item.request_id].add(trace)
        if item.trace_id and item.trace_id != trace:
            self.aliases[item.trace_id].add(trace)

    @property
    def traces(self) -> list[str]:
        """Every trace that has a row, in a stable order."""
        return sorted({*self.spans, *self.logs})

    def named_by(self, name: str) -> list[str]:
        """The traces that an ID means: by trace ID, by correlation ID in any of its notations, by request."""
        if not name:
            return []
        wanted = _derived(name)
        by_correlation = [
            t for t, ids in self.correlation_ids.items() if any(_derived(c) == wanted for c in ids)
        ]
        named = {wanted, *by_correlation, *self.request_ids.get(name, ()), *self.aliases.get(wanted, ())}
        return [trace for trace in self.traces if trace in named]


def _trace_of(item: Span | Log) -> str:
    """The trace that a row without one belongs to: that of its correlation ID, else one of its own."""
    return (
        _derived(item.correlation_id)
        if item.correlation_id
        else f"request:{item.request_id or item.event_id}"
    )


def _is_weak(item: Span | Log) -> bool:
    """Whether a row's trace is but what X-Ray or its request ID told, or nobody: others may know better."""
    if isinstance(item, Log):
        return not item.trace_id or (item.origin.side == "serverless" and not item.span_id)
    derived = item.trace_id == _derived(item.request_id)
    return item.told_by == "platform" and (derived or item.attributes.get(TRACE_FROM) == XRAY)


def _traces_of_lines(logs: Iterable[Log]) -> dict[tuple[str, str], str]:
    """(stream, request) -> the trace that the first of its lines that knows it tells."""
    found: dict[tuple[str, str], str] = {}
    for log in sorted(logs, key=written):
        if log.request_id and not _is_weak(log):
            found.setdefault((log.origin.log_stream, log.request_id), log.trace_id)
    return found


class _Groups:
    """Traces joined by identity into groups, and groups by cause."""

    def __init__(self, known: _Known) -> None:
        self._parent = {trace: trace for trace in known.traces}
        self._causes: dict[str, set[str]] = defaultdict(set)
        self._recurring: set[str] = set()
        real = {(trace, span.span_id) for trace, spans in known.spans.items() for span in spans}
        claims, linked = self._read(known, real)
        self._read_receipts(known)
        for identity in sorted(claims):
            self._join(identity, claims[identity], linked)
        self._effects: dict[str, set[str]] = defaultdict(set)
        self._link_groups()

    def _read(
        self, known: _Known, real: set[tuple[str, str]]
    ) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        """Return who claims which identity, and which traces have a link between them."""
        claims: dict[str, set[str]] = defaultdict(set)
        linked: dict[str, set[str]] = defaultdict(set)
        for trace, ids in known.correlation_ids.items():
            for correlation_id in ids:
                claims[_derived(correlation_id)].add(trace)
        for trace, spans in known.spans.items():
            for span in spans:
                targets = len({link.trace_id for link in span.links})
                for link in span.links:
                    if link.attributes.get(LINK_KIND) == _TOGETHER:
                        continue
                    linked[trace].add(link.trace_id)
                    linked[link.trace_id].add(trace)
                    kind = link.attributes.get(LINK_KIND) or _guess(
                        (link.trace_id, link.span_id) in real, targets
                    )
                    if kind in _IDENTITY:
                        claims[link.trace_id].add(trace)
                    else:
                        self._causes[trace].add(link.trace_id)
        return claims, linked

    def _read_receipts(self, known: _Known) -> None:
        """What was received under an identifier was caused by what was sent under it."""
        senders: dict[str, set[str]] = defaultdict(set)
        for rows in (known.spans, known.logs):
            for trace, items in rows.items():
                for item in items:
                    for receipt in sent(item):
                        senders[receipt].add(trace)
        for trace, spans in known.spans.items():
            for receipt in {receipt for span in spans for receipt in came(span)} & senders.keys():
                self._causes[trace] |= senders[receipt] - {trace}

    def _join(self, identity: str, claimants: set[str], linked: dict[str, set[str]]) -> None:
        """Join the traces that claim one identity, unless it recurs in traces that nothing connects."""
        others = sorted(claimants - {identity})
        parts = _connected(others, linked)
        for part in parts:
            for trace in part[1:]:
                self._unite(part[0], trace)
        if len(parts) == 1 and identity in self._parent:
            self._unite(identity, parts[0][0])
        elif len(parts) > 1:
            self._recurring.update(others, {identity})

    def of(self, trace: str) -> str:
        """The group of a trace, named by one of its members."""
        path = []
        while self._parent.get(trace, trace) != trace:
            path.append(trace)
            trace = self._parent[trace]
        for seen in path:
            self._parent[seen] = trace
        return trace

    def _unite(self, one: str, other: str) -> None:
        one, other = self.of(one), self.of(other)
        if one != other:
            self._parent[max(one, other)] = min(one, other)

    def _link_groups(self) -> None:
        causes: dict[str, set[str]] = defaultdict(set)
        for trace, targets in self._causes.items():
            for target in targets & self._parent.keys():
                causes[self.of(trace)].add(self.of(target))
                self._effects[self.of(target)].add(self.of(trace))
        self._causes = causes
        self._members: dict[str, list[str]] = defaultdict(list)
        for trace in sorted(self._parent):
            self._members[self.of(trace)].append(trace)

    def recurs(self, group: str) -> bool:
        """Whether an identity of the group occurs in traces that are other stories."""
        return any(trace in self._recurring for trace in self._members[group])

    def closure(self, group: str) -> frozenset[str]:
        """Every trace of the group, of its causes and of its effects, at most MAX_TRACES."""
        groups = _reached(group, self._causes) | _reached(group, self._effects)
        ordered = [group, *sorted(groups - {group})]
        traces = [trace for name in ordered for trace in self._members[name]]
        return frozenset(traces[:MAX_TRACES])


def _guess(real: bool, targets: int) -> str:
    """What an unmarked link means: the cause where its span is known or it is one of many."""
    return _CAUSE if real or targets > _MAX_IDENTITY_LINKS else "traceparent"


def _connected(traces: Sequence[str], linked: dict[str, set[str]]) -> list[list[str]]:
    """Return the traces in parts within which each is linked to another one directly."""
    left = dict.fromkeys(traces)
    parts = []
    while left:
        part, queue = [], [next(iter(left))]
        left.pop(queue[0])
        while queue:
            trace = queue.pop()
            part.append(trace)
            near = [other for other in linked[trace] if other in left]
            for other in near:
                del left[other]
            queue.extend(near)
        parts.append(sorted(part))
    return parts


def _reached(start: str, edges: dict[str, set[str]]) -> set[str]:
    seen, queue = {start}, [start]
    while queue and len(seen) < MAX_TRACES:
        near = edges.get(queue.pop(), set()) - seen
        seen |= near
        queue.extend(sorted(near))
    return seen


def _by_time(spans: Sequence[Span], logs: Sequence[Log]) -> tuple[str, ...]:
    """The correlation IDs as they were first told: what the outermost caller is known by comes first."""
    first: dict[str, int] = {}
    told = [(span.correlation_id, span.start_unix_nano) for span in spans]
    for correlation_id, time in (*told, *((log.correlation_id, log.time_unix_nano) for log in logs)):
        if correlation_id:
            first[correlation_id] = min(time, first.get(correlation_id, time))
    return tuple(sorted(first, key=lambda correlation_id: (first[correlation_id], correlation_id)))


def _story(known: _Known, groups: _Groups, members: frozenset[str], recurring: bool) -> Story:
    requests = {s.event_id: groups.of(trace) for trace in members for s in known.spans.get(trace, ())}
    spans = [span for trace in sorted(members) for span in known.spans.get(trace, ())]
    logs = [log for trace in sorted(members) for log in known.logs.get(trace, ())]
    nodes, loose = tree(spans, logs, requests)
    starts = [s.start_unix_nano for s in spans] + [log.time_unix_nano for log in logs]
    ends = [s.end_unix_nano for s in spans] + [log.time_unix_nano for log in logs]
    return Story(
        correlation_ids=_by_time(spans, logs),
        trace_ids=tuple(sorted(trace for trace in members if not trace.startswith("request:"))),
        start_unix_nano=min(starts),
        end_unix_nano=max(ends),
        spans=nodes,
        logs=loose,
        recurring=recurring,
    )
