"""`spans: platform`: a function's spans are made of the platform's lines, the layer's are left out. Pure.

The span of an invocation keeps the place that the layer's had: its trace, span ID, parent, links and
correlation ID, and `observe.stands_for` names the layer's other spans, so that what was called from within
finds its parent. When it began and ended, and how, is what the platform's lines of the payload say. Where
the report is in another payload, the span there is made without any of this, and reading infers the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec.structs import replace

from observe import semconv
from observe.semconv import STANDS_FOR
from subscribers.correlate_tree import overlap, twins
from subscribers.parsers.draft import Draft, PlatformRecord
from subscribers.parsers.invocations import Invocation
from subscribers.parsers.page import Parsed
from subscribers.parsers.platform import DATASET, PREFIX, STATUS
from subscribers.parsers.platform_signals import platform_span
from subscribers.signals import Log, Metric, Origin, Signal, Span

#: A span of the layer's that was left out, in Parsed.notes.
LEFT_OUT = "spans_platform"
#: Span IDs that one span stands for.
STANDS_FOR_MAX = 128


class _Told(msgspec.Struct):
    """What the payload's signals tell of one invocation."""

    start_unix_nano: int = 0
    report: Log | None = None
    #: Of `end` and `report`, as in parsers.invocations: a second one is another invocation's.
    ended: set[str] = set()
    #: The event that first told of a failure.
    failed: str = ""
    is_timeout: bool = False
    error_types: dict[str, str] = {}

    @property
    def has_begun(self) -> bool:
        """Whether a START is another invocation's: one without it may be named before."""
        return bool(self.start_unix_nano or self.ended)


def only_platform(parsed: Parsed, is_wanted: Callable[[Origin], bool]) -> None:
    """Replace the layer's spans by the platform's in place; each that is left out is noted.

    is_wanted: whether the service of an origin says `spans: platform`. Events of which nothing is left are
    counted as silent.
    """
    left_out = [s for s in parsed.signals if isinstance(s, Span) and _is_left_out(s, is_wanted)]
    if not left_out:
        return
    gone = {span.event_id for span in left_out}
    of_requests: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for span in left_out:
        of_requests[span.origin.log_stream, span.request_id].append(span)
    kept = [s for s in parsed.signals if s.event_id not in gone]
    known = {s.event_id for s in kept if isinstance(s, Span)}
    made = [span for span in _spans(kept) if span.event_id not in known]
    parsed.signals = [_in_place_of(s, of_requests) for s in (*kept, *made)]
    parsed.notes[LEFT_OUT] = parsed.notes.get(LEFT_OUT, 0) + len(left_out)
    told = {signal.event_id.partition(":")[0] for signal in kept}
    parsed.silent += len({event_id.partition(":")[0] for event_id in gone} - told)


def _is_left_out(span: Span, is_wanted: Callable[[Origin], bool]) -> bool:
    return span.told_by == "layer" and is_wanted(span.origin)


def _spans(signals: Iterable[Signal]) -> Iterator[Span]:
    """Yield the spans of the invocations that the signals tell the report of."""
    for told in _invocations(signals):
        report = told.report
        if report is None:
            continue
        values = {
            name[len(PREFIX) :]: value
            for name, value in report.attributes.items()
            if name.startswith(PREFIX) and isinstance(value, float)
        }
        status, error_type = (report.attributes.get(name, "") for name in (STATUS, semconv.ERROR_TYPE))
        record = PlatformRecord(kind="report", values=values, status=status, error_type=error_type)
        draft = Draft(
            event_id=report.event_id,
            origin=report.origin,
            time_unix_nano=report.time_unix_nano,
            message=report.message,
            platform=record,
        )
        failure = told.error_types.get(told.failed) or "error" if told.failed else ""
        invocation = Invocation(
            request_id=report.request_id,
            start_unix_nano=told.start_unix_nano,
            trace_id=report.trace_id,
            span_id=report.span_id,
            correlation_id=report.correlation_id,
            failure="timeout" if told.is_timeout else failure,
        )
        if span := platform_span(draft, invocation):
            yield span


def _invocations(signals: Iterable[Signal]) -> Iterator[_Told]:
    """Yield what signals in the order of their lines tell of each invocation; a retry has the same ID."""
    latest: dict[tuple[str, str], _Told] = {}
    found: list[_Told] = []
    for signal in signals:
        if isinstance(signal, Span) or not signal.request_id:
            continue
        key = signal.origin.log_stream, signal.request_id
        kind = _kind(signal)
        told = latest.get(key)
        is_next = told is None or kind in told.ended or (kind == "start" and told.has_begun)
        if told is None or is_next:
            told = latest[key] = _Told()
            found.append(told)
        if kind in ("end", "report"):
            told.ended.add(kind)
        if kind == "start":
            told.start_unix_nano = signal.time_unix_nano
        if isinstance(signal, Metric):
            _learn(told, signal)
            continue
        if signal.error_type:
            told.error_types[signal.event_id] = signal.error_type
        if kind == "report":
            told.report = signal
    yield from found


def _learn(told: _Told, metric: Metric) -> None:
    """The platform counts a failed invocation once, with the line that tells it first."""
    if metric.name == PREFIX + "errors":
        told.failed = told.failed or metric.event_id.partition(":")[0]
    told.is_timeout = told.is_timeout or metric.name == PREFIX + "timeouts"


def _kind(signal: Log | Metric) -> str:
    """`start`, `end` and `report` of the platform's lines, else ""."""
    if not isinstance(signal, Log) or signal.dataset != DATASET:
        return ""
    kind = signal.attributes.get("type")
    for word, text, record in (
        ("start", "START RequestId: ", "platform.start"),
        ("end", "END RequestId: ", "platform.runtimeDone"),
        ("report", "REPORT RequestId: ", "platform.report"),
    ):
        if kind == record or signal.message.startswith(text):
            return word
    return ""


def _in_place_of(signal: Signal, of_requests: dict[tuple[str, str], list[Span]]) -> Signal:
    """A platform's span with the place that the layer's had."""
    if not isinstance(signal, Span) or signal.told_by != "platform":
        return signal
    layer = of_requests.get((signal.origin.log_stream, signal.request_id), [])
    layer = [span for span in layer if overlap(span, signal)]
    if not layer:
        return signal
    at = twins([*layer, signal]).get(len(layer))
    own = layer[at] if at is not None else None
    others = [span.span_id for span in layer if span is not own]
    attributes = {**signal.attributes, STANDS_FOR: others[:STANDS_FOR_MAX]} if others else signal.attributes
    if own is None:
        return replace(signal, attributes=attributes)
    return replace(
        signal,
        trace_id=own.trace_id,
        span_id=own.span_id,
        parent_span_id=own.parent_span_id,
        correlation_id=own.correlation_id or signal.correlation_id,
        links=own.links,
        attributes=attributes,
    )
