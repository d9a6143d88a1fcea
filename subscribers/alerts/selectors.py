"""Which signals are meant: observe.yaml's selectors, compiled once, asked for every signal. Pure.

What is the same for many signals (type, service, side, level, kind, status, a metric's name) decides by one
look-up which selectors are left; the rest of their conditions is tried in order of price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from observe.semconv import LINK_KIND
from subscribers.alerts.endpoints import Endpoints
from subscribers.alerts.model import Selector
from subscribers.alerts.values import Value, duration_ms, text, valid
from subscribers.patterns import Pattern
from subscribers.signals import ENTRY_KINDS, Log, Metric, Signal, Span

__all__ = ["Endpoints", "Router", "is_request", "matcher", "nested"]

Check = Callable[[Signal], bool]
_BATCH = "batch"
_TYPES: dict[str, type[Signal]] = {"log": Log, "span": Span, "metric": Metric}
#: Ways to be dispatched that are remembered: services and metrics may have any number of names.
_REMEMBERED_MAX = 10_000

_NONE: tuple[int, ...] = ()


def matcher(selector: Selector, endpoints: Endpoints) -> Check:
    """Return whether a signal is meant, as a function. Raises PatternError for an expression RE2 refuses."""
    checks = [lambda signal: _is_possible(selector, endpoints, signal), *_checks(selector, endpoints)]
    return lambda signal: all(check(signal) for check in checks)


class Router:
    """Tells of each signal which of many selectors mean it."""

    def __init__(self, selectors: Sequence[Selector], endpoints: Endpoints) -> None:
        """Raises PatternError for an expression that RE2 refuses."""
        self._selectors = selectors
        self._endpoints = endpoints
        self._checks = [tuple(_checks(selector, endpoints)) for selector in selectors]
        self._metrics = frozenset(s.metric for s in selectors if s.signal == "metric")
        #: What a signal is -> the selectors that may mean it, with what is left to be checked.
        self._left: dict[tuple[object, ...], tuple[tuple[int, tuple[Check, ...]], ...]] = {}

    def wanted(self, signal: Signal) -> tuple[int, ...]:
        """Return the indices of the selectors that mean a signal, in order."""
        key: tuple[object, ...]
        if signal.__class__ is Log:
            key = (Log, signal.origin.service, signal.origin.side, signal.level)
        elif signal.__class__ is Span:
            key = (Span, signal.origin.service, signal.origin.side, signal.kind, signal.status)
        else:
            if signal.name not in self._metrics:  # type: ignore[union-attr]
                return _NONE
            key = (Metric, signal.origin.service, signal.origin.side, signal.name)  # type: ignore[union-attr]
        left = self._left.get(key)
        if left is None:
            left = self._dispatched(key, signal)
        if not left:
            return _NONE
        return tuple([n for n, checks in left if _holds(checks, signal)])

    def _dispatched(
        self, key: tuple[object, ...], signal: Signal
    ) -> tuple[tuple[int, tuple[Check, ...]], ...]:
        found = tuple(
            (n, self._checks[n])
            for n, selector in enumerate(self._selectors)
            if _is_possible(selector, self._endpoints, signal)
        )
        if len(self._left) >= _REMEMBERED_MAX:
            self._left.clear()
        self._left[key] = found
        return found


def is_request(signal: Signal) -> bool:
    """Whether a signal is the span of a request or an invocation, and not of one record of a batch.

    The platform's span of an invocation is one too: it is made only where the layer wrote none in the same
    payload. Where both came, in two payloads, that is two. Whether a handler was called by another one of
    its invocation only its payload tells: `nested`.
    """
    if not isinstance(signal, Span) or signal.kind not in ENTRY_KINDS:
        return False
    return not any(link.attributes.get(LINK_KIND) == _BATCH for link in signal.links)


def nested(signals: Iterable[Signal]) -> frozenset[str]:
    """Return the event IDs of the spans among signals that are no requests of their own.

    A handler that another handler of the same invocation called is part of that request. What a payload
    tells is all that is known: one whose caller came in another payload is not found.
    """
    spans = [s for s in signals if isinstance(s, Span) and s.request_id and s.kind in ENTRY_KINDS]
    known = {_in_invocation(span, span.span_id) for span in spans}
    return frozenset(
        s.event_id for s in spans if s.parent_span_id and _in_invocation(s, s.parent_span_id) in known
    )


def _holds(checks: tuple[Check, ...], signal: Signal) -> bool:
    # No `all` of a generator: this is the price of every signal that somebody may want.
    for check in checks:  # noqa: SIM110
        if not check(signal):
            return False
    return True


def _in_invocation(span: Span, span_id: str) -> tuple[str, str, str, str]:
    return span.trace_id, span.request_id, span.origin.log_stream, span_id


def _is_possible(selector: Selector, endpoints: Endpoints, signal: Signal) -> bool:
    """Whether the signal can be meant, as far as a Router's key tells."""
    origin = signal.origin
    if not isinstance(signal, _TYPES[selector.signal]):
        return False
    if selector.services and origin.service not in selector.services:
        return False
    if selector.side and origin.side != selector.side:
        return False
    if isinstance(signal, Span) and selector.endpoint:
        return origin.service in endpoints.services_of(selector.endpoint) and _is_alike(selector, signal)
    return _is_alike(selector, signal)


def _is_alike(selector: Selector, signal: Signal) -> bool:
    """What only some kinds of signals have: a condition on it is not met by the others."""
    if isinstance(signal, Log):
        if selector.name or selector.metric or selector.status or selector.kinds or selector.is_request:
            return False
        return not selector.levels or signal.level in selector.levels
    if isinstance(signal, Metric):
        if selector.levels or selector.status or selector.kinds or selector.is_request:
            return False
        return signal.name == selector.metric
    if selector.levels or selector.metric or (selector.is_request and signal.kind not in ENTRY_KINDS):
        return False
    return selector.status in ("", signal.status) and (not selector.kinds or signal.kind in selector.kinds)


def _checks(selector: Selector, endpoints: Endpoints) -> Iterable[Check]:
    """Yield the conditions that a Router's key does not tell of, the cheapest first."""
    if selector.name:
        yield lambda signal: not isinstance(signal, Log) and signal.name == selector.name
    if selector.is_request:
        yield is_request
    if selector.above is not None:
        yield _above(selector.above)
    if selector.contains:
        yield lambda signal: selector.contains in _said(signal)
    if selector.endpoint:
        yield lambda signal: endpoints.of(signal) == selector.endpoint
    for name, wanted in selector.fields.items():
        yield _field(name, wanted, endpoints)
    if selector.matches:
        pattern = Pattern(selector.matches)
        yield lambda signal: pattern.found(valid(_said(signal)))


def _above(limit: float) -> Check:
    def check(signal: Signal) -> bool:
        if isinstance(signal, Span):
            return duration_ms(signal) > limit
        return isinstance(signal, Metric) and signal.value > limit

    return check


def _field(name: str, wanted: Iterable[Value], endpoints: Endpoints) -> Check:
    texts = frozenset(map(text, wanted))

    def check(signal: Signal) -> bool:
        value = endpoints.value_of(signal, name)
        return value is not None and text(value) in texts

    return check


def _said(signal: Signal) -> str:
    """What a signal says in words: a log's message, and its error where that is not in it."""
    if isinstance(signal, Log):
        error = signal.error_message
        return f"{signal.message}\n{error}" if error and error not in signal.message else signal.message
    return signal.status_message if isinstance(signal, Span) else ""
