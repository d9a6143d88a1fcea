"""How far two spans' times may be off: what a log's times are exact to, and what a server's clock is. Pure.

Nothing is moved: times stay as they were told, and whoever compares those of two services allows for this.
"""

from __future__ import annotations

from observe.semconv import CLOCK_SKEW_MS
from subscribers.signals import Span

S_NS, _MS_NS, _US_NS = 1_000_000_000, 1_000_000, 1_000
#: The longest that observe.yaml takes; what claims more is no skew.
_SKEW_MAX_MS = 3_600_000


def resolution_ns(span: Span) -> int:
    """Return what a span's times are exact to, in nanoseconds.

    The layer's are exact, the platform's lines tell milliseconds. An access log stamps either end of a
    request, and the duration leads to the other: the coarser of both is what the log has. Apache's `%t` is a
    whole second; two in a thousand of a log of milliseconds are, too, and taken for one.
    """
    if span.told_by == "layer":
        return 0
    if span.told_by == "platform":
        return _MS_NS
    start, end = span.start_unix_nano, span.end_unix_nano
    for step in (S_NS, _MS_NS, _US_NS):
        if start % step == 0 or end % step == 0:
            return step
    return 0


def skew_ns(span: Span) -> int:
    """Return how far the clock of a span's service may be off, in nanoseconds."""
    value = span.attributes.get(CLOCK_SKEW_MS)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _SKEW_MAX_MS:
        return 0
    return value * _MS_NS


def tolerance_ns(one: Span, other: Span) -> int:
    """Return how far two spans' times may be apart although they were the same moment, in nanoseconds."""
    told = resolution_ns(one) + resolution_ns(other)
    return told if one.origin.service == other.origin.service else told + skew_ns(one) + skew_ns(other)
