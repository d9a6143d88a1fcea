"""Which invocation a line belongs to, and what its lines together say about it.

A stream of Lambda is one environment. START (or `platform.start`) opens an invocation, END (or
`platform.runtimeDone`, or the report) closes it; a retry has the same request ID and is another
invocation. Lines in between that name no request belong to the open one, unless two are open, as in
environments that serve several at once: then nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from observe import ids
from subscribers.parsers.draft import Draft, PlatformRecord
from subscribers.parsers.platform import FAILED
from subscribers.signals import Span

#: The last word of the metric of an init or a restore that failed.
INIT_ERRORS = "init_errors"


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
    #: Nothing but X-Ray told the trace.
    is_from_xray: bool = False
    #: The spans that the layer wrote for it.
    spans: list[Span] = []
    #: `timeout`, an error type, `error`, or "" while nothing failed.
    failure: str = ""
    killed: bool = False
    #: Which function was invoked, as far as its lines tell.
    function: str = ""
    version: str = ""
    alias: str = ""
    #: What has ended it: `end`, `report`; a second one of a kind is another invocation's.
    ended: set[str] = set()
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
        self.function = self.function or record.function
        self.version = self.version or record.version
        self.alias = self.alias or record.alias
        if record.status == "timeout":
            self.failure = "timeout"
        elif record.status in FAILED:
            self.failure = self.failure or record.error_type or "error"

    def resolve(self) -> None:
        """Let the invocation's own span, where the layer wrote it, decide what the lines are part of.

        Else what our lines told, or the trace of the correlation ID that any line told; where all lines are
        here and none of ours is, X-Ray's trace.
        """
        own = self.own_span()
        if own:
            self.trace_id, self.span_id = own.trace_id, own.span_id
            self.correlation_id = own.correlation_id or self.correlation_id
        elif self.spans and not self.trace_id:
            self.trace_id = self.spans[0].trace_id
        elif self.correlation_id and not self.trace_id:
            self.trace_id = ids.derive_trace_id(self.correlation_id)
        elif self.xray_trace_id and not self.trace_id:
            self.is_from_xray = True
            # Of an invocation that was cut, ours may come in the next payload.
            is_whole = self.start_unix_nano and "report" in self.ended
            self.trace_id = self.xray_trace_id if is_whole else ""

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
        #: What the lines of the latest init and restore told, by phase.
        self.begun: dict[str, set[str]] = {}
        #: What was reported last: X-Ray's words may come on a line of their own behind it.
        self.reported: Invocation | None = None

    def follow(self, index: int, draft: Draft) -> Invocation | None:
        """Return the invocation of a line, or None where nothing tells it."""
        kind = draft.platform.kind if draft.platform else ""
        if not draft.request_id:
            return self._anonymous(index, draft, kind)
        if kind == "start":
            return self._opened(draft)
        invocation = self._of(draft.request_id, kind)
        if kind in ("end", "report"):
            self._close(invocation)
            invocation.ended.add(kind)
            if kind == "report":
                invocation.facts |= self.facts
                self.facts = set()
                self.reported = invocation
        elif not self.open and not invocation.closed:
            self.named = invocation
        return invocation

    def _anonymous(self, index: int, draft: Draft, kind: str) -> Invocation | None:
        if draft.platform and kind.startswith(("init_", "restore_")):
            self._begin(draft.platform)
        if kind == "xray" and not self.open:
            return self.reported
        if len(self.open) > 1:
            return None
        if self.open:
            return self.open[0]
        if self.named is None and self.leading is not None:
            self.leading.append(index)
        return self.named

    def _begin(self, record: PlatformRecord) -> None:
        """An init or restore: its end, where both tell of it, is told by two records."""
        of = f"{record.kind.partition('_')[0]}:{record.phase}"
        if record.kind.endswith("_start"):
            self.begun.pop(of, None)
            return
        if record.kind.endswith("_report"):
            self.facts |= {w for w in record.values if w in ("init_duration", "restore_duration")}
        known = self.begun.setdefault(of, set())
        record.known = frozenset(known)
        if record.status in FAILED:
            known.add(INIT_ERRORS)
        if record.kind.endswith("_report"):
            # Whatever comes now is of the next one.
            del self.begun[of]

    def _opened(self, draft: Draft) -> Invocation:
        known = self.latest.get(draft.request_id)
        if known is None or known.start_unix_nano or known.closed:
            if known is not None:  # it was tried again: what went before is over, though no line says so
                self._close(known)
            known = self.latest[draft.request_id] = Invocation(request_id=draft.request_id)
        known.start_unix_nano = draft.time_unix_nano
        self.open.append(known)
        self.leading, self.named = None, None
        return known

    def _of(self, request_id: str, kind: str) -> Invocation:
        known = self.latest.get(request_id)
        if known is None or kind in known.ended:
            known = self.latest[request_id] = Invocation(request_id=request_id)
        return known

    def _close(self, invocation: Invocation) -> None:
        invocation.closed = True
        # By identity: two invocations of one request may compare equal.
        self.open = [one for one in self.open if one is not invocation]
        self.named = None


class Followed(NamedTuple):
    """Of each line: its invocation, and whether several were open, so that a line of nobody stays one."""

    invocations: list[Invocation | None]
    crowded: list[bool]


def follow(drafts: Sequence[Draft]) -> Followed:
    """Return each line's invocation, in order.

    Lines before the batch's first START or END belong to the invocation that END closes.
    """
    follower = _Follower()
    found: list[Invocation | None] = []
    crowded: list[bool] = []
    for index, draft in enumerate(drafts):
        invocation = follower.follow(index, draft)
        if follower.leading is not None and invocation is not None and invocation.closed:
            for earlier in follower.leading:
                found[earlier] = invocation
            follower.leading = None
        found.append(invocation)
        crowded.append(len(follower.open) > 1)
    return Followed(found, crowded)


def learn(drafts: Sequence[Draft], invocations: Sequence[Invocation | None]) -> None:
    """Let each invocation learn from all of its lines."""
    for draft, invocation in zip(drafts, invocations, strict=True):
        if invocation is not None:
            invocation.learn(draft)
    for one in {id(invocation): invocation for invocation in invocations if invocation is not None}.values():
        one.resolve()
