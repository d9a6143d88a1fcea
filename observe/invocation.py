"""What one invocation accumulates, from its event to its span line.

`open_invocation` captures the context and makes it the current one; `close_invocation` decides
what is kept and writes it at once: lines held back, the event of a failure, metrics, spans. Both are
called behind `guard`.
"""

from __future__ import annotations

import threading

from observe import context as contexts
from observe import guard, ids, semconv, stdout, wire
from observe.capture import capture, receipts_of
from observe.notes import say_once
from observe.outcome import fail, reply
from observe.services import invoke as direct
from observe.services import source_of
from observe.source import items_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from observe.aggregate import Aggregate
    from observe.context import Captured, Context
    from observe.redaction import Redaction
    from observe.settings import Settings
    from observe.source import Record, Source

    class Part(Protocol):
        """What a part of the layer has gathered in an invocation, such as its metrics."""

        def lines(self, *, failed: bool) -> list[bytes]:
            """Return what is to be written now, and begin anew: it may be asked at a timeout and again."""


SPANS_MAX = 1000
#: An invocation with less time left than this is not watched for its timeout.
WATCHED_MIN_MS = 100


class Invocation:
    """One run of a handler: its context, its own span, and what ended or is open inside it."""

    __slots__ = (
        "by_item",
        "cold",
        "context",
        "deadline_unix_nano",
        "decisions",
        "dropped",
        "event",
        "event_told",
        "finished",
        "fires_at_ns",
        "items",
        "lock",
        "logs",
        "marks",
        "metrics",
        "muted",
        "open",
        "records",
        "source",
        "span",
        "thread",
    )

    def __init__(
        self, context: Context, span: wire.Span, *, cold: bool, source: Source | None, deadline: int
    ) -> None:
        self.context = context
        self.span = span
        self.cold = cold
        self.source = source
        self.deadline_unix_nano = deadline
        #: When the watchdog tells of it, by time.monotonic_ns; 0 until it is watched. And whose stack.
        self.fires_at_ns = 0
        self.thread = threading.get_ident()
        self.finished: list[wire.Span] = []
        self.open: dict[str, wire.Span] = {}
        self.dropped = 0
        #: Whether other traces are sampled than the invocation's: those of records.
        self.decisions: dict[str, bool] = {}
        #: What the handler gets: the event without what our carriers put into payloads; and its records.
        self.event: object = None
        #: Set by observe.event_line: it is written once, at a timeout or at the end.
        self.event_told = False
        self.records: Sequence[Record] = ()
        #: The raw records as they came, whatever the handler does with its list; and, once asked for, what
        #: each was projected to, by its identity.
        self.items: Sequence[object] = ()
        self.by_item: dict[int, Record] | None = None
        #: (trace ID, business key) that have been said.
        self.marks: set[tuple[str, str]] = set()
        #: A durable function that goes over what it has done before: its lines have been written.
        self.muted = False
        #: Set by observe.log_buffer and observe.aggregate once they have something to keep.
        self.logs: Part | None = None
        self.metrics: Aggregate | None = None
        #: Reentrant: a signal's handler may end what the thread it runs on is ending.
        self.lock = threading.RLock()

    def start(self, span: wire.Span) -> None:
        """Remember an open span, so that a timeout can still tell of it."""
        self.open[span.span_id] = span

    def finish(self, span: wire.Span) -> None:
        """Keep a finished span; beyond SPANS_MAX it is counted only."""
        self.open.pop(span.span_id, None)
        if len(self.finished) < SPANS_MAX:
            self.finished.append(span)
        else:
            self.dropped += 1


#: The invocation that runs now: Lambda runs one at a time in a process.
active: Invocation | None = None


def open_invocation(event: object, lambda_context: object, settings: Settings, cold: bool) -> Invocation:
    """Capture the context of `event`, make it current and return the new active invocation.

    event: any JSON value; one of no known shape yields the runtime's own context or a fresh one.
    lambda_context: the runtime's context object.
    """
    global active
    now = stdout.now()
    source = source_of(event)
    records = source.records(event) if source is not None else []  # type: ignore[arg-type]
    if source is None and isinstance(event, dict) and "DurableExecutionArn" in event:
        from observe import lifecycle  # durable functions alone need it here

        records = lifecycle.durable_records(event, lambda_context)
    captured, replay_of = capture(records, source, lambda_context, settings), ""
    called = getattr(lambda_context, "client_context", None) is not None
    if called and semconv.REPLAY in (direct.custom(lambda_context) or ()):
        from observe import replay  # an operator's, and few

        captured, replay_of = replay.captured(captured, lambda_context, settings)
    span = _span(event, source, captured, lambda_context, settings, now)
    if replay_of:
        span.attributes[semconv.REPLAY_OF] = replay_of
    if receipts := receipts_of(records, span):
        span.attributes[semconv.RECEIPTS] = receipts
    if cold:
        span.attributes[semconv.FAAS_COLDSTART] = True
    invocation = Invocation(
        captured.context.entered(span.span_id),
        span,
        cold=cold,
        source=source,
        deadline=_deadline(lambda_context, now),
    )
    invocation.event = event
    invocation.records = records
    if source is not None and source.strip is not None:
        stripped = guard.guarded(source.strip, event)
        invocation.event = event if stripped is None else stripped
    invocation.items = tuple(items_of(invocation.event, source))
    active = invocation
    contexts.set_ambient(invocation.context)
    for note in captured.notes:
        say_once(note)
    return invocation


def _span(
    event: object,
    source: Source | None,
    captured: Captured,
    lambda_context: object,
    settings: Settings,
    now: int,
) -> wire.Span:
    name, attributes = source.describe(event) if source is not None else (settings.service, {})  # type: ignore[arg-type]
    context = captured.context
    span = wire.Span(
        context.trace_id,
        ids.new_span_id(),
        context.span_id,
        name,
        source.kind if source is not None else wire.KIND_SERVER,
        now,
        attributes,
    )
    trigger = source.trigger if source is not None else direct.TRIGGER
    if (
        trigger != "http" or semconv.HTTP_REQUEST_METHOD not in attributes
    ):  # else a request's attributes tell it
        attributes[semconv.FAAS_TRIGGER] = trigger
    attributes[semconv.FAAS_INVOCATION_ID] = str(getattr(lambda_context, "aws_request_id", "") or "")
    attributes[semconv.CORRELATION_ID] = context.correlation_id
    for trace_id, span_id, kind in captured.links:
        span.links.append((trace_id, span_id, {semconv.LINK_KIND: kind}))
    return span


def _deadline(lambda_context: object, now: int) -> int:
    """When Lambda will end this invocation, ns since the epoch; 0 where nobody says or it is too soon."""
    remaining = getattr(lambda_context, "get_remaining_time_in_millis", None)
    left_ms = remaining() if callable(remaining) else 0
    return (
        now + int(left_ms * 1_000_000) if type(left_ms) in (int, float) and left_ms >= WATCHED_MIN_MS else 0
    )


def close_invocation(
    invocation: Invocation, settings: Settings, result: object = None, error: BaseException | None = None
) -> None:
    """End the invocation's span with its result or error, and write what is kept."""
    span = invocation.span
    with invocation.lock:
        invocation.deadline_unix_nano = 0  # the watchdog has nothing more to tell of it
        span.end_unix_nano = stdout.now()
        if error is not None:
            fail(span, error, span.end_unix_nano)
        elif invocation.source is not None:
            # Apart: a reply whose methods raise costs its status, not the invocation's spans.
            guard.guarded(reply, span, invocation.source, result)
        flush(invocation, settings, [span, *invocation.finished])


def leave(outer: Invocation | None = None) -> None:
    """Forget the active invocation: nothing of it reaches the next one.

    outer: the one inside which it ran, where one observed handler calls another.
    """
    global active
    active = outer
    contexts.set_ambient(outer.context if outer is not None else None)


def flush(invocation: Invocation, settings: Settings, spans: list[wire.Span]) -> None:
    """Write what the invocation has gathered, in one write. spans: the invocation's own first."""
    lines = _held_lines(invocation, failed=spans[0].status == wire.STATUS_ERROR)
    if _tells_event(settings, spans[0]):
        lines += guard.guarded(_event_lines, invocation, settings, spans[0]) or ()
    lines += guard.guarded(_span_lines, invocation, settings, spans) or ()
    stdout.write_all(lines)


def flush_urgently(invocation: Invocation, settings: Settings, spans: list[wire.Span]) -> None:
    """The same before the process is killed: each part as soon as it is made, the quickest and first."""
    own, *others = spans
    stdout.write_all(guard.guarded(_span_lines, invocation, settings, [own]) or ())
    if _tells_event(settings, own):
        stdout.write_all(guard.guarded(_event_lines, invocation, settings, own) or ())
    stdout.write_all(_held_lines(invocation, failed=True))
    for one in others:
        stdout.write_all(guard.guarded(_span_lines, invocation, settings, [one]) or ())


def _held_lines(invocation: Invocation, *, failed: bool) -> list[bytes]:
    lines: list[bytes] = []
    for part in (invocation.logs, invocation.metrics):
        if part is not None:
            lines += guard.guarded(lambda part=part: part.lines(failed=failed)) or ()
    return lines


def _tells_event(settings: Settings, span: wire.Span) -> bool:
    return (
        span.status == wire.STATUS_ERROR
        and settings.event_on_error != "off"
        and (settings.mode != "propagate" or bool(settings.passive))
    )


def _event_lines(invocation: Invocation, settings: Settings, span: wire.Span) -> list[bytes]:
    from observe import event_line

    return event_line.lines(invocation, settings, str(span.attributes.get(semconv.ERROR_TYPE, "")))


def _span_lines(invocation: Invocation, settings: Settings, spans: list[wire.Span]) -> list[bytes]:
    """The spans, unless the trace is not sampled and nothing makes it worth keeping."""
    span = spans[0]
    if settings.mode == "propagate":
        return []
    decisions, own = invocation.decisions, invocation.context.sampled
    if not own or decisions:
        worth = (
            invocation.cold
            or invocation.span.status == wire.STATUS_ERROR
            or span.end_unix_nano - span.start_unix_nano >= settings.slow_ns
            or any(one.status == wire.STATUS_ERROR for one in spans)
        )
        if not worth:
            spans = [one for one in spans if decisions.get(one.trace_id, own)]
            if not spans:
                return []
    if invocation.dropped:
        span.attributes[semconv.CUT] = invocation.dropped
    for one in spans:
        if guard.guarded(_redact, one) is None:
            _strip(one)
    return wire.span_lines(settings.service, spans, lead=lead(settings))


def _redact(span: wire.Span) -> bool:
    """Take the secrets out of what a span tells; what cannot be looked at is not told."""
    found = _redaction()
    if span.links:
        span.links = [(trace_id, span_id, _bounded(of, found)) for trace_id, span_id, of in span.links]
    if not span.events and _is_clean(span, found):
        return True  # nearly every span
    span.name, span.status_message = (
        found.text(text) if len(text) <= wire.LINE_MAX_BYTES else _head(text, found)
        for text in (span.name, span.status_message)
    )
    span.attributes = _bounded(span.attributes, found)
    span.events = [
        (
            found.text(name) if len(name) <= wire.LINE_MAX_BYTES else _head(name, found),
            at,
            _bounded(of, found),
        )
        for name, at, of in span.events
    ]
    return True


def _bounded(attributes: dict[str, Any], found: Redaction) -> dict[str, Any]:
    clean, size = found.bounded(attributes, wire.LINE_MAX_BYTES)
    return {**clean, semconv.CUT: size} if size else clean


def _head(text: str, found: Redaction) -> str:
    from observe import redaction_bounds

    return redaction_bounds.head(text, _TEXT_MAX, found)


#: Characters of a name or a message of a span that is too large for a line.
_TEXT_MAX = 1024


def _is_clean(span: wire.Span, found: Redaction) -> bool:
    """Whether there is nothing to take out, by a look at what is new. False: nobody knows yet."""
    clean, unknown = found.clean, []
    for name, value in span.attributes.items():
        if type(value) is str and len(value) <= wire.LINE_MAX_BYTES:
            if name in _PLAIN_NAMES:
                if value not in clean and name not in _IDS:
                    unknown.append(value)
                continue
        elif type(value) is int and name in _PLAIN_NAMES and value < 10**12:  # no card's number
            continue
        return False
    for value in (span.name, span.status_message):
        if value and value not in clean:
            if len(value) > wire.LINE_MAX_BYTES:
                return False
            unknown.append(value)
    return not unknown or all(found.text(value) is value for value in unknown)


def _strip(span: wire.Span) -> None:
    """Leave of a span that nobody could look at what cannot be a secret: whose it is, and how it failed."""
    span.attributes = {name: value for name, value in span.attributes.items() if name in _SAFE}
    kinds = [(name, at, told.get(semconv.EXCEPTION_TYPE)) for name, at, told in span.events]
    span.events = [("exception", at, {semconv.EXCEPTION_TYPE: kind}) for _, at, kind in kinds if kind]
    span.status_message, span.links = "", [(trace_id, span_id, {}) for trace_id, span_id, _ in span.links]


#: Names of attributes that the layer itself writes: none is a secret's. And those that are left alone.
_PLAIN_NAMES = frozenset(value for name, value in vars(semconv).items() if name.isupper())
_IDS = frozenset((semconv.FAAS_INVOCATION_ID, semconv.CORRELATION_ID))
_SAFE = _IDS | {
    *(semconv.ERROR_TYPE, semconv.FAAS_COLDSTART, semconv.FAAS_TRIGGER),
    *(semconv.HTTP_REQUEST_METHOD, semconv.HTTP_RESPONSE_STATUS_CODE),
}


def _load() -> Redaction:
    """At the first span, which a function without spans never has."""
    global _redaction
    from observe import redaction

    _redaction = redaction.get
    return _redaction()


_redaction: Callable[[], Redaction] = _load


def lead(settings: Settings) -> dict[str, str] | None:
    """What a line of ours leads with: in Lambda's JSON mode a level that no filter drops."""
    if not settings.json_mode:
        return None
    return {"timestamp": wire.timestamp(stdout.now()), "level": settings.level}
