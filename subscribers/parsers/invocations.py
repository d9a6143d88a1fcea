"""Which invocation a line belongs to, and what its lines together say about it.

A stream of Lambda is one environment. START (or `platform.start`) opens an invocation, END (or
`platform.runtimeDone`, or the report) closes it; a retry has the same request ID and is another
invocation. Lines in between that name no request belong to the open one, unless two are open, as in
environments that serve several at once: then nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from subscribers.parsers.draft import Draft, PlatformRecord
from subscribers.parsers.platform import FAILED
from subscribers.signals import Span


class Invocation(msgspec.Struct, kw_only=True):
    """One invocation as far as the batch tells it."""

    request_id: str
    #: When START was seen; 0 where it is not in the batch.
    start_unix_nano: int = 0
    closed: bool = False
    #: What our lines told: identity of the invocation's own span.
    trace_id: str = ""
    span_id: str = ""
    correlation_id: str = ""
    #: What X-Ray told.
    xray_trace_id: str = ""
    xray_span_id: str = ""
    #: The spans that the layer wrote for it.
    spans: list[Span] = []
    #: `timeout`, an error type, `error`, or "" while nothing failed.
    failure: str = ""
    killed: bool = False
    #: Names of metrics already counted: a timeout is told by two lines.
    facts: set[str] = set()

    def learn(self, draft: Draft) -> None:
        """Take from one of its lines what the line says about the invocation as a whole."""
        if draft.platform:
            self._learn_platform(draft.platform)
        elif draft.uncaught:
            self.failure = self.failure or draft.error_type or "error"
        if draft.trace_id and not self.trace_id:
            self.trace_id, self.span_id = draft.trace_id, draft.span_id
        if draft.trace_id == self.trace_id:
            self.span_id = self.span_id or draft.span_id
            self.correlation_id = self.correlation_id or draft.correlation_id
        self.spans += draft.spans

    def _learn_platform(self, record: PlatformRecord) -> None:
        self.xray_trace_id = self.xray_trace_id or record.trace_id
        self.xray_span_id = self.xray_span_id or record.span_id
        self.killed = self.killed or record.killed
        if record.status == "timeout":
            self.failure = "timeout"
        elif record.status in FAILED:
            self.failure = self.failure or record.error_type or "error"

    def resolve(self) -> None:
        """Let the invocation's own span, where the layer wrote it, decide what the lines are part of."""
        own = self.own_span()
        if own:
            self.trace_id, self.span_id = own.trace_id, own.span_id
            self.correlation_id = own.correlation_id or self.correlation_id
        elif self.spans and not self.trace_id:
            self.trace_id = self.spans[0].trace_id

    def own_span(self) -> Span | None:
        """The span whose parent is not in the invocation: of kind server or consumer, or a root."""
        known = {span.span_id for span in self.spans}
        for span in self.spans:
            entered = span.kind in ("server", "consumer") or not span.parent_span_id
            if entered and span.parent_span_id not in known:
                return span
        return None


class _Follower:
    """Follows the lines of one stream in order."""

    def __init__(self) -> None:
        self.latest: dict[str, Invocation] = {}
        self.open: list[Invocation] = []
        #: The invocation that lines before any START or END named.
        self.named: Invocation | None = None
        #: Lines of nobody, as long as an END may still claim them.
        self.leading: list[int] | None = []
        #: What an INIT_REPORT or RESTORE_REPORT already told about the next report.
        self.facts: set[str] = set()

    def follow(self, index: int, draft: Draft) -> Invocation | None:
        """Return the invocation of a line, or None where nothing tells it."""
        kind = draft.platform.kind if draft.platform else ""
        if not draft.request_id:
            return self._anonymous(index, draft, kind)
        if kind == "start":
            return self._opened(draft)
        invocation = self._of(draft.request_id)
        if kind in ("end", "report"):
            self._close(invocation)
            if kind == "report":
                invocation.facts |= self.facts
                self.facts = set()
        elif not self.open and not invocation.closed:
            self.named = invocation
        return invocation

    def _anonymous(self, index: int, draft: Draft, kind: str) -> Invocation | None:
        if draft.platform and kind in ("init_report", "restore_report"):
            self.facts |= {w for w in draft.platform.values if w in ("init_duration", "restore_duration")}
        if len(self.open) > 1:
            return None
        if self.open:
            return self.open[0]
        if self.named is None and self.leading is not None:
            self.leading.append(index)
        return self.named

    def _opened(self, draft: Draft) -> Invocation:
        known = self.latest.get(draft.request_id)
        if known is None or known.start_unix_nano or known.closed:
            known = self.latest[draft.request_id] = Invocation(request_id=draft.request_id)
        known.start_unix_nano = draft.time_unix_nano
        self.open.append(known)
        self.leading, self.named = None, None
        return known

    def _of(self, request_id: str) -> Invocation:
        known = self.latest.get(request_id)
        if known is None:
            known = self.latest[request_id] = Invocation(request_id=request_id)
        return known

    def _close(self, invocation: Invocation) -> None:
        invocation.closed = True
        # By identity: two invocations of one request may compare equal.
        self.open = [one for one in self.open if one is not invocation]
        self.named = None


def follow(drafts: Iterable[Draft]) -> list[Invocation | None]:
    """Return each line's invocation, in order, each having learnt from all of its lines.

    Lines before the batch's first START or END belong to the invocation that END closes.
    """
    drafts = list(drafts)
    follower = _Follower()
    found: list[Invocation | None] = []
    for index, draft in enumerate(drafts):
        invocation = follower.follow(index, draft)
        if follower.leading is not None and invocation is not None and invocation.closed:
            for earlier in follower.leading:
                found[earlier] = invocation
            follower.leading = None
        found.append(invocation)
    for draft, invocation in zip(drafts, found, strict=True):
        if invocation is not None:
            invocation.learn(draft)
    for one in {id(invocation): invocation for invocation in found if invocation is not None}.values():
        one.resolve()
    return found
