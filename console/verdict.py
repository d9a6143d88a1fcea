"""Why a story went wrong, and on which side: where each failure began, and the lines that explain it. Pure.

A failed span is followed down to the call that failed within it, and there on to the other side; a span
whose time was up is followed to what it was waiting for. What failed because of a message that it was
sent, and not within the call, is a failure of its own.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from console.words import is_timeout, milliseconds, operation
from observe import semconv
from subscribers.correlate import Node, Story
from subscribers.correlate_tree import ENTRY_KINDS
from subscribers.signals import Log, Side, Span

#: Failures of one story before the rest is left to the waterfall.
MAX_VERDICTS = 4
#: Lines that explain one failure.
MAX_LINES = 3
#: A span whose time was up waited for a call if the call took at least this share of it.
_MOST = 0.5
_TOLD_BY_SPAN = ("lambda.platform", "apache.access")
_TELLING = {"FATAL": 0, "ERROR": 1, "WARN": 2}


class Verdict(msgspec.Struct, frozen=True):
    """One failure. how: the call at the cause failed, or took too long for its caller.

    cause: where it began; seen: the outermost span that failed with it, the cause itself where nobody
    else did; times: how often the same happened; lines: what the cause logged at WARN and above.
    """

    how: Literal["failed", "slow"]
    cause: Span
    seen: Span
    lines: tuple[Log, ...]
    times: int = 1

    @property
    def side(self) -> Side:
        """The side on which it began."""
        return self.cause.origin.side


def verdicts(story: Story) -> tuple[Verdict, ...]:
    """Return the failures of a story in the order they were seen, the same one once."""
    tree = _Tree(story)
    found: dict[tuple[object, ...], Verdict] = {}
    for i in tree.outermost_failures():
        verdict = tree.judge(i)
        key = (verdict.how, _identity(verdict.cause), _identity(verdict.seen))
        known = found.get(key)
        found[key] = msgspec.structs.replace(known, times=known.times + 1) if known else verdict
    return tuple(found.values())[:MAX_VERDICTS]


def _identity(span: Span) -> tuple[object, ...]:
    return span.origin.service, span.name, span.status_message


class _Tree:
    def __init__(self, story: Story) -> None:
        self.nodes: tuple[Node, ...] = story.spans
        self.children: list[list[int]] = [[] for _ in story.spans]
        for i, node in enumerate(story.spans):
            if node.parent >= 0:
                self.children[node.parent].append(i)

    def outermost_failures(self) -> list[int]:
        """The failed spans whose caller did not fail, by start."""
        failed = [i for i, node in enumerate(self.nodes) if node.span.status == "error"]
        top = [i for i in failed if not self._is_failed(self.nodes[i].parent)]
        return sorted(top, key=lambda i: self.nodes[i].span.start_unix_nano)

    def _is_failed(self, i: int) -> bool:
        return i >= 0 and self.nodes[i].span.status == "error"

    def judge(self, seen: int) -> Verdict:
        """Follow one failure down to where it began."""
        at = seen
        while failed := [child for child in self.children[at] if self._is_failed(child)]:
            at = max(failed, key=lambda i: self.nodes[i].span.end_unix_nano)
        waited = self._waited_for(at) if is_timeout(self.nodes[at].span) else at
        how: Literal["failed", "slow"] = "failed" if waited == at else "slow"
        cause = self.nodes[waited]
        return Verdict(how, cause.span, self.nodes[seen].span, _telling(cause.logs))

    def _waited_for(self, at: int) -> int:
        """The innermost call that took most of the time of the one around it."""
        while True:
            span = self.nodes[at].span
            least = (span.end_unix_nano - span.start_unix_nano) * _MOST
            most = max(self.children[at], key=lambda i: _overlap(self.nodes[i].span, span), default=None)
            if most is None or _overlap(self.nodes[most].span, span) < least:
                return at
            at = most


def _overlap(inner: Span, outer: Span) -> int:
    """How long both were open, in nanoseconds."""
    end = min(inner.end_unix_nano, outer.end_unix_nano)
    return max(end - max(inner.start_unix_nano, outer.start_unix_nano), 0)


def _telling(logs: tuple[Log, ...]) -> tuple[Log, ...]:
    """The most severe lines first; those of the platform and of access logs say what the span does."""
    told = [log for log in logs if log.level in _TELLING and log.dataset not in _TOLD_BY_SPAN]
    return tuple(sorted(told, key=lambda log: (_TELLING[log.level], log.time_unix_nano))[:MAX_LINES])


def sentence(verdict: Verdict) -> str:
    """Return what happened at the cause, for people: side, service, what it did."""
    cause = verdict.cause
    subject = f"{cause.origin.side} side: {cause.origin.service or 'unknown'}"
    took = milliseconds(cause.end_unix_nano - cause.start_unix_nano)
    if verdict.how == "slow":
        return f"{subject} took {took} for {operation(cause)}, too long for its caller"
    times = f" ({verdict.times} times)" if verdict.times > 1 else ""
    code = cause.attributes.get(semconv.HTTP_RESPONSE_STATUS_CODE)
    if cause.kind in ENTRY_KINDS and isinstance(code, int | str) and not cause.status_message:
        return f"{subject} answered {operation(cause)} with {code}{times}"
    told = reason(cause)
    if is_timeout(cause):
        return f"{subject} ran out of time in {operation(cause)} after {took}{times}"
    what = operation(cause) if cause.kind in ENTRY_KINDS else f"its call {operation(cause)}"
    return f"{subject} failed in {what}{times}" + (f": {told}" if told else "")


def consequence(verdict: Verdict) -> str:
    """Return what the failure did to the outermost span, or "" where it began there."""
    seen = verdict.seen
    if seen is verdict.cause:
        return ""
    who = f"{seen.origin.service or 'unknown'} ({seen.origin.side})"
    if is_timeout(seen):
        took = milliseconds(seen.end_unix_nano - seen.start_unix_nano)
        return f"{who} ran out of time in {operation(seen)} after {took}"
    told = reason(seen)
    return f"{who} failed in {operation(seen)}" + (f": {told}" if told else "")


def reason(span: Span) -> str:
    """Return what a failed span says of itself: `ValueError: no rate`, or ""."""
    kind, message = str(span.attributes.get(semconv.ERROR_TYPE) or ""), span.status_message
    if not kind or message.startswith(kind):
        return message
    return f"{kind}: {message}" if message else kind
