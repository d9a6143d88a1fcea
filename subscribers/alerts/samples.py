"""One event that was counted, for whoever is woken by it: which request, and what it says of itself.

A metric names no trace, but its invocation does. A failed request says what it called that failed, or that it
waited for longest: the side on which it shows is seldom the one that is to blame.
"""

from __future__ import annotations

from collections.abc import Sequence

from observe.semconv import HTTP_REQUEST_METHOD, URL_FULL
from subscribers.alerts.model import Sample
from subscribers.alerts.values import valid
from subscribers.signals import ENTRY_KINDS, Log, Metric, Signal, Span

#: Characters of an ID, and of a text.
ID_MAX, TEXT_MAX = 200, 300
_CALLED_MAX = 120
#: A call that took less of a failed request, and did not fail, is not what it waited for.
_SHARE = 0.5
_CALLS = ("client", "producer")


class Samples:
    """The signals of one delivery, as samples."""

    def __init__(self, signals: Sequence[Signal] = ()) -> None:
        self._told = _by_request(signals)
        self._calls: dict[tuple[str, str], Span] = {}
        for signal in signals:
            if isinstance(signal, Span) and signal.kind in _CALLS and signal.parent_span_id:
                caller = signal.trace_id, signal.parent_span_id
                known = self._calls.get(caller)
                if known is None or _weight(signal) > _weight(known):
                    self._calls[caller] = signal

    def of(self, signal: Signal) -> Sample:
        """Return a signal as a sample: IDs cut, and texts that UTF-8 can write."""
        told = self._told.get(signal.request_id, signal) if isinstance(signal, Metric) else signal
        correlation_id = trace_id = span_id = ""
        if not isinstance(told, Metric):
            correlation_id, trace_id, span_id = told.correlation_id, told.trace_id, told.span_id
        return Sample(
            time_unix_nano=time_of(told),
            service=_cut(told.origin.service),
            side=told.origin.side,
            correlation_id=_cut(correlation_id),
            trace_id=_cut(trace_id),
            span_id=_cut(span_id),
            request_id=_cut(told.request_id),
            log_group=_cut(told.origin.log_group),
            text=valid(self._text(told)[:TEXT_MAX]),
        )

    def _text(self, signal: Signal) -> str:
        if isinstance(signal, Log):
            return signal.message
        if isinstance(signal, Metric):
            return f"{signal.name} {signal.value:g}"
        said = f": {signal.status_message}" if signal.status_message else ""
        return f"{signal.name}{said}{self._waited(signal)}"

    def _waited(self, span: Span) -> str:
        """What a failed request called that failed or took most of its time, "" where nothing did."""
        call = self._calls.get((span.trace_id, span.span_id))
        if call is None or span.status != "error":
            return ""
        took, whole = (one.end_unix_nano - one.start_unix_nano for one in (call, span))
        if call.status != "error" and took < _SHARE * whole:
            return ""
        failed = f" failed: {call.status_message}" if call.status == "error" and call.status_message else ""
        return f"; in it {called(call)} took {took / 1e6:,.0f} ms{failed}"


def called(span: Span) -> str:
    """Return what a call was made to: method and address, or its name."""
    url, method = span.attributes.get(URL_FULL), span.attributes.get(HTTP_REQUEST_METHOD)
    if not isinstance(url, str) or not isinstance(method, str):
        return span.name[:_CALLED_MAX]
    return f"{method} {url.partition('?')[0]}"[:_CALLED_MAX]


def time_of(signal: Signal) -> int:
    """Return when a signal happened, in nanoseconds: a span when it ended, for then it is known."""
    return signal.end_unix_nano if isinstance(signal, Span) else signal.time_unix_nano


def _weight(span: Span) -> tuple[bool, int]:
    return span.status == "error", span.end_unix_nano - span.start_unix_nano


def _by_request(signals: Sequence[Signal]) -> dict[str, Log | Span]:
    """Return what tells most of each invocation: its error, else its failed span, else what has a trace."""
    told: dict[str, tuple[int, Log | Span]] = {}
    for signal in signals:
        if isinstance(signal, Metric) or not signal.request_id or not signal.trace_id:
            continue
        if isinstance(signal, Log):
            rank = 3 if signal.level in ("ERROR", "FATAL") and signal.error_type else 1
        else:
            rank = 2 if signal.status == "error" and signal.kind in ENTRY_KINDS else 0
        known = told.get(signal.request_id)
        if known is None or rank > known[0]:
            told[signal.request_id] = (rank, signal)
    return {request_id: signal for request_id, (_, signal) in told.items()}


def _cut(id: str) -> str:
    return valid(id[:ID_MAX])
