"""Why a story went wrong, and on which side: where each failure began, and the lines that explain it. Pure.

A failed span is followed to the failed call within it that explains it: the caller's error tells of the
call's, or comes at once after it. So it goes on to the other side. A call that was tried again with success,
or dealt with long before, explains nothing. A span whose time was up is followed to what it was waiting
for. What failed because of a message that it was sent is a failure of its own.

Times of two services are compared as exactly as their logs and clocks allow (correlate_clock).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from console.words import is_made_of, is_timeout, milliseconds, operation
from observe import semconv
from subscribers.correlate import Node, Story
from subscribers.correlate_clock import tolerance_ns
from subscribers.signals import ENTRY_KINDS, Log, Side, Span

#: Failures of one story before the rest is left to the waterfall.
MAX_VERDICTS = 4
#: Lines that explain one failure.
MAX_LINES = 3
#: A span whose time was up waited for a call if the call took at least this share of it.
_MOST = 0.5
#: An error that is passed on is passed on at once: within this share of the caller's time, or this long.
_AT_ONCE, _AT_ONCE_NS = 0.1, 50_000_000
_TELLING = {"FATAL": 0, "ERROR": 1, "WARN": 2}


class Verdict(msgspec.Struct, frozen=True):
    """One failure. how: the call at the cause failed, or took too long for its caller.

    handled: a call failed, and what made it did not. cause: where it began; seen: the outermost span that
    failed with it, the cause itself where nobody else did; times: how often the same happened; lines: what
    the cause logged at WARN and above; inferred: on the way to the cause somebody's caller is known by time
    alone.
    """

    how: Literal["failed", "slow"]
    cause: Span
    seen: Span
    lines: tuple[Log, ...]
    times: int = 1
    handled: bool = False
    inferred: bool = False

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
        if verdict.handled and _is_refusal(verdict.seen):
            continue
        key = (verdict.how, verdict.handled, _identity(verdict.cause), _identity(verdict.seen))
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
        failed = [i for i, node in enumerate(self.nodes) if self._is_failed(i)]
        top = [i for i in failed if self._caller(i) is None]
        return sorted(top, key=lambda i: self.nodes[i].span.start_unix_nano)

    def _caller(self, i: int) -> int | None:
        """The failed span around a failed one, unless that was only sent a message by it."""
        parent = self.nodes[i].parent
        sent = self.nodes[i].span.kind == "consumer"
        return parent if parent >= 0 and self._is_failed(parent) and not sent else None

    def _is_failed(self, i: int) -> bool:
        return self.nodes[i].span.status == "error"

    def judge(self, seen: int) -> Verdict:
        """Follow one failure down to where it began."""
        at, how, inferred = seen, "failed", False
        while True:
            if is_timeout(self.nodes[at].span) or not self._is_failed(at):
                found = self._waited_for(at)
                how = "slow" if found is not None else how
            else:
                found = self._explained_by(at)
            if found is None:
                break
            at = found
            inferred = inferred or self.nodes[at].inferred
        cause = self.nodes[at]
        said: Literal["failed", "slow"] = "slow" if how == "slow" and not self._is_failed(at) else "failed"
        handled = self.nodes[seen].span.kind not in ENTRY_KINDS and self.nodes[seen].parent >= 0
        lines = _telling(cause.logs, cause.span)
        return Verdict(said, cause.span, self.nodes[seen].span, lines, handled=handled, inferred=inferred)

    def _calls(self, at: int) -> list[int]:
        return [child for child in self.children[at] if self.nodes[child].span.kind != "consumer"]

    def _explained_by(self, at: int) -> int | None:
        """The failed call that explains the failure of the span around it."""
        span = self.nodes[at].span
        failed = [i for i in self._calls(at) if self._is_failed(i) and not self._made_good(i, at)]
        told = [i for i in failed if _tells_of(span, self.nodes[i].span)]
        at_once = [i for i in failed if _at_once(self.nodes[i].span, span)]
        own = [i for i in told or at_once if not _is_cancelled(self.nodes[i].span)]
        return max(own, key=lambda i: self.nodes[i].span.end_unix_nano, default=None)

    def _made_good(self, call: int, at: int) -> bool:
        """Whether the same call succeeded afterwards."""
        one = self.nodes[call].span
        later = (self.nodes[i].span for i in self._calls(at))
        return any(
            span.status != "error"
            and operation(span) == operation(one)
            and span.start_unix_nano >= one.end_unix_nano - tolerance_ns(span, one)
            for span in later
        )

    def _waited_for(self, at: int) -> int | None:
        """The call that took most of the time of a span, or None where none did."""
        span = self.nodes[at].span
        least = (span.end_unix_nano - span.start_unix_nano) * _MOST
        most = max(self._calls(at), key=lambda i: _within(self.nodes[i].span, span), default=None)
        return most if most is not None and _within(self.nodes[most].span, span) >= least else None


def _tells_of(span: Span, call: Span) -> bool:
    """Whether a failed span's error names that of a call within it; the other side's always does."""
    if call.kind in ENTRY_KINDS:
        return True
    said = f"{span.attributes.get(semconv.ERROR_TYPE, '')} {span.status_message}"
    code = call.attributes.get(semconv.HTTP_RESPONSE_STATUS_CODE)
    words = (call.status_message, call.attributes.get(semconv.ERROR_TYPE), code)
    return any(str(word) in said for word in words if word)


def _at_once(call: Span, span: Span) -> bool:
    """Whether a span ended as soon as the call in it had failed."""
    left = span.end_unix_nano - call.end_unix_nano - tolerance_ns(span, call)
    return left <= max((span.end_unix_nano - span.start_unix_nano) * _AT_ONCE, _AT_ONCE_NS)


def _is_refusal(call: Span) -> bool:
    """Whether a call was answered that it cannot be served: a 404 is an answer like any other."""
    code = call.attributes.get(semconv.HTTP_RESPONSE_STATUS_CODE)
    return isinstance(code, int) and 400 <= code < 500


def _is_cancelled(span: Span) -> bool:
    """Whether a call failed because another one had."""
    return "cancel" in f"{span.attributes.get(semconv.ERROR_TYPE, '')}".lower()


def _within(inner: Span, outer: Span) -> int:
    """How much of a span's time a call in it took, in nanoseconds; clocks of two services may differ."""
    if inner.origin.service != outer.origin.service:
        return min(inner.end_unix_nano - inner.start_unix_nano, outer.end_unix_nano - outer.start_unix_nano)
    end = min(inner.end_unix_nano, outer.end_unix_nano)
    return max(end - max(inner.start_unix_nano, outer.start_unix_nano), 0)


def _telling(logs: tuple[Log, ...], span: Span) -> tuple[Log, ...]:
    """The most severe lines first; those of the platform and of access logs say what the span does."""
    others = [log for log in logs if log.dataset != "lambda.platform" and not is_made_of(span, log)]
    told = [log for log in others if log.level in _TELLING]
    return tuple(sorted(told, key=lambda log: (_TELLING[log.level], log.time_unix_nano))[:MAX_LINES])


def sentence(verdict: Verdict) -> str:
    """Return what happened at the cause, for people: side, service, what it did."""
    return _sentence(verdict) + (" (placed by time alone)" if verdict.inferred else "")


def _sentence(verdict: Verdict) -> str:
    cause = verdict.cause
    subject = f"{cause.origin.side} side: {cause.origin.service or 'unknown'}"
    took = milliseconds(cause.end_unix_nano - cause.start_unix_nano)
    if verdict.how == "slow":
        seen = verdict.seen
        later = cause.end_unix_nano - seen.end_unix_nano > tolerance_ns(cause, seen)
        late = later and cause.origin.side != seen.origin.side
        done = ", and did it all the same" if late and cause.status != "error" else ""
        return f"{subject} took {took} for {operation(cause)}, too long for its caller{done}"
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
    if seen is verdict.cause or verdict.handled:
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
    message = message.partition("\nFor more information check: https://developer.mozilla.org")[0]
    if not kind or message.startswith(kind):
        return message
    return f"{kind}: {message}" if message else kind
