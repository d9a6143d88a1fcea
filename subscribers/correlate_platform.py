"""`spans: platform`: a function's spans are made of the platform's lines, the layer's are left out. Pure.

The span of an invocation keeps the place that the layer's had: its trace, span ID, parent, links and
correlation ID, and `observe.stands_for` names the layer's other spans, so that what was called from within
finds its parent. When it began and ended, and how, is what the platform's lines of the payload say. Where
the report is in another payload, the span there is made without any of this, and reading infers the rest.
Where there may be none (at system log level WARN a failed invocation has `platform.runtimeDone` alone) the
layer's spans stay: a report that comes all the same and they become one where they are read.
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
from subscribers.parsers.platform import DATASET, FAILED, PREFIX, STATUS
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
    unreported = _unreported(parsed.signals) if left_out else set()
    left_out = [span for span in left_out if _of(span) not in unreported]
    if not left_out:
        return
    gone = {span.event_id for span in left_out}
    of_requests: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for span in left_out:
        of_requests[_of(span)].append(span)
    kept = [s for s in parsed.signals if s.event_id not in gone]
    known = {s.event_id for s in kept if isinstance(s, Span)}
    made = [span for span in _spans(kept) if span.event_id not in known]
    placed = _in_place_of([*kept, *made], of_requests)
    parsed.signals = [placed.get(s.event_id, s) if isinstance(s, Span) else s for s in (*kept, *made)]
    parsed.notes[LEFT_OUT] = parsed.notes.get(LEFT_OUT, 0) + len(left_out)
    told = {signal.event_id.partition(":")[0] for signal in kept}
    parsed.silent += len({event_id.partition(":")[0] for event_id in gone} - told)


def _is_left_out(span: Span, is_wanted: Callable[[Origin], bool]) -> bool:
    return span.told_by == "layer" and is_wanted(span.origin)


def _of(signal: Signal) -> tuple[str, str]:
    """Which invocation, but for its attempt."""
    return signal.origin.log_stream, signal.request_id


def _status(log: Log) -> str:
    """How an invocation ended, "" where a line has something else there."""
    status = log.attributes.get(STATUS)
    return status if isinstance(status, str) else ""


def _unreported(signals: Iterable[Signal]) -> set[tuple[str, str]]:
    """The invocations that are told to have failed, and of which no report is here."""
    failed: set[tuple[str, str]] = set()
    reported: set[tuple[str, str]] = set()
    for signal in signals:
        if not isinstance(signal, Log) or not signal.request_id:
            continue
        kind = _kind(signal)
        if kind == "report":
            reported.add(_of(signal))
        elif kind == "end" and _status(signal) in FAILED:
            failed.add(_of(signal))
    return failed - reported


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
        key = _of(signal)
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


def _in_place_of(
    signals: Iterable[Signal], of_requests: dict[tuple[str, str], list[Span]]
) -> dict[str, Span]:
    """Return the platform's spans with the place that the layer's had, by event ID."""
    platform: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for signal in signals:
        if isinstance(signal, Span) and signal.told_by == "platform" and _of(signal) in of_requests:
            platform[_of(signal)].append(signal)
    return {
        span.event_id: span
        for key, attempts in platform.items()
        for span in _placed(attempts, of_requests[key])
    }


def _placed(attempts: list[Span], layer: list[Span]) -> Iterator[Span]:
    """Yield the platform's spans of a request's attempts, each where its own of the layer's was."""
    pairs = twins([*layer, *attempts])
    own = {pairs[at]: at - len(layer) for at in pairs}
    others: dict[int, list[str]] = defaultdict(list)
    for i, root in enumerate(_roots(layer)):
        n = own[root] if root in own else _attempt_at(layer[i], attempts)
        if n is not None and i not in own:
            others[n].append(layer[i].span_id)
    places = {n: layer[i] for i, n in own.items()}
    for n, attempt in enumerate(attempts):
        if others[n]:
            stands_for = {STANDS_FOR: others[n][:STANDS_FOR_MAX]}
            attempt = replace(attempt, attributes={**attempt.attributes, **stands_for})
        yield _at(places[n], attempt) if n in places else attempt


def _at(place: Span, platform: Span) -> Span:
    """A platform's span with the place of the layer's."""
    return replace(
        platform,
        trace_id=place.trace_id,
        span_id=place.span_id,
        parent_span_id=place.parent_span_id,
        correlation_id=place.correlation_id or platform.correlation_id,
        links=place.links,
    )


def _roots(spans: list[Span]) -> list[int]:
    """Return the span that each one is below among these, or itself."""
    at = {span.span_id: i for i, span in enumerate(spans)}
    up = [at.get(span.parent_span_id, i) for i, span in enumerate(spans)]
    for _ in range(len(spans).bit_length()):  # as a path of doubled steps: a circle ends somewhere in it
        up = [up[i] for i in up]
    return up


def _attempt_at(span: Span, attempts: list[Span]) -> int | None:
    """The attempt that a span was in by its time: the last that had begun, else the first."""

    def start(n: int) -> int:
        return attempts[n].start_unix_nano

    at_once = [n for n, attempt in enumerate(attempts) if overlap(span, attempt)]
    begun = [n for n in at_once if start(n) <= span.start_unix_nano]
    return max(begun, key=start) if begun else min(at_once, key=start, default=None)
