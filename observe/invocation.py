"""What one invocation accumulates, from its event to its span line.

`open_invocation` captures the context and makes it the current one; `close_invocation` decides
whether the spans are kept and writes them. Both are called behind `guard`.
"""

from __future__ import annotations

import os
import threading

from observe import context as contexts
from observe import guard, ids, semconv, stdout, wire
from observe.services import invoke as direct
from observe.services import source_of
from observe.source import identified, items_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from observe.context import Captured, Context
    from observe.settings import Settings
    from observe.source import Record, Source

#: A stack longer than this keeps its end, where the fault is.
STACK_MAX = 16 * 1024
#: A batch of SQS may have 10,000 messages; OpenTelemetry's own limit of links a span is 128.
LINKS_MAX = 128
SPANS_MAX = 1000
#: Identifiers of records without a context; a batch of more is told by its first ones.
RECEIPTS_MAX = 20
#: An invocation with less time left than this is not watched for its timeout.
WATCHED_MIN_MS = 100
#: The file name of our one frame in a handler's stack. The runtime drops leading frames of this name
#: from the stack it reports (awslambdaric/bootstrap.py, handle_event_request), and so do we.
OWN_FRAME = "observe/bootstrap.py"


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
        "finished",
        "items",
        "lock",
        "marks",
        "open",
        "records",
        "source",
        "span",
    )

    def __init__(
        self, context: Context, span: wire.Span, *, cold: bool, source: Source | None, deadline: int
    ) -> None:
        self.context = context
        self.span = span
        self.cold = cold
        self.source = source
        self.deadline_unix_nano = deadline
        self.finished: list[wire.Span] = []
        self.open: dict[str, wire.Span] = {}
        self.dropped = 0
        #: Whether other traces are sampled than the invocation's: those of records.
        self.decisions: dict[str, bool] = {}
        #: What the handler gets: the event without what our carriers put into payloads; and its records.
        self.event: object = None
        self.records: Sequence[Record] = ()
        #: The raw records as they came, whatever the handler does with its list; and, once asked for, what
        #: each was projected to, by its identity.
        self.items: Sequence[object] = ()
        self.by_item: dict[int, Record] | None = None
        #: (trace ID, business key) that have been said.
        self.marks: set[tuple[str, str]] = set()
        self.lock = threading.Lock()

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
    captured = capture(records, source, lambda_context, settings)
    span = _span(event, source, captured, lambda_context, settings, now)
    if receipts := _receipts(records, span):
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


def capture(
    records: Sequence[Record], source: Source | None, lambda_context: object, settings: Settings
) -> contexts.Captured:
    """Return the context: the message's own first, then the client context's, then the environment's."""
    environment = os.environ.get("_X_AMZN_TRACE_ID", "")
    public = source is not None and source.public

    def read(record: Record) -> Captured:
        trust = settings.trust if public or record.public else "internal"
        return contexts.capture(
            record.headers, trust=trust, environment=environment, rate=settings.sample_rate
        )

    carrying = [record for record in records if carries(record)]
    # X-Ray's header alone is AWS's, and any ID that a caller has chosen tells more.
    if not carrying or (not public and not any(identified(record.headers) for record in carrying)):
        called = direct.record(lambda_context)
        if not carrying or identified(called.headers):
            public = False
            return read(called)
    if len(records) == 1:
        return read(carrying[0])
    return _batch(records, [read(record) for record in carrying], carrying, environment, settings)


def _receipts(records: Sequence[Record], span: wire.Span) -> list[str]:
    """What the records without a context were called before they came: the store joins both ends by it."""
    told = span.attributes.get(semconv.MESSAGING_MESSAGE_ID)
    found: dict[str, None] = {}
    for record in records:
        if not identified(record.headers):
            found.update(dict.fromkeys((record.message_id, *record.receipts)))
        if len(found) > RECEIPTS_MAX:
            break
    return [receipt for receipt in found if receipt and receipt != told][:RECEIPTS_MAX]


#: Without one of these there is nothing to capture; the list is cheaper than capturing to find out.
_NAMES = (contexts.TRACEPARENT, contexts.XRAY, *contexts.CORRELATION_HEADERS, *contexts.DIALECT_NAMES)


def carries(record: Record) -> bool:
    """Whether a record carries anything that a context can be captured from."""
    return any(name in record.headers for name in _NAMES)


def _batch(
    records: Sequence[Record],
    captured: Sequence[Captured],
    carrying: Sequence[Record],
    environment: str,
    settings: Settings,
) -> Captured:
    """One trace common to all is adopted; otherwise a new context with one link a record."""
    first = captured[0].context
    common = len(captured) == len(records) and all(one.context.trace_id == first.trace_id for one in captured)
    # It goes on where the longest of its chains is, so that a loop through batches ends, too.
    longest = max(captured, key=lambda one: one.context.hops)
    hops = {contexts.BAGGAGE: f"{semconv.BAGGAGE_HOPS}={longest.context.hops}"}
    adopted = longest.context
    if not common:
        adopted = contexts.capture(
            hops, trust="internal", environment=environment, rate=settings.sample_rate
        ).context
    links = {
        (
            one.context.trace_id,
            one.context.span_id or ids.derived_span_id(one.context.trace_id),
            record.message_id,
        )
        for one, record in zip(captured, carrying, strict=True)
        if (one.context.trace_id, one.context.span_id) != (adopted.trace_id, adopted.span_id)
    }
    kept = tuple((t, s, f"message {m}".strip()) for t, s, m in sorted(links)[:LINKS_MAX])
    if common:
        kept = (*longest.links, *kept)[:LINKS_MAX]
    notes = tuple({note for one in captured for note in one.notes})
    return contexts.Captured(adopted, kept, notes)


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
    attributes[semconv.FAAS_TRIGGER] = source.trigger if source is not None else direct.TRIGGER
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
            guard.guarded(_reply, span, invocation.source, result)
        flush(invocation, settings, [span, *invocation.finished])


def leave(outer: Invocation | None = None) -> None:
    """Forget the active invocation: nothing of it reaches the next one.

    outer: the one inside which it ran, where one observed handler calls another.
    """
    global active
    active = outer
    contexts.set_ambient(outer.context if outer is not None else None)


TIMEOUT_MESSAGE = "ran into its timeout"


def _status(span: wire.Span, code: int) -> None:
    if code:
        span.attributes[semconv.HTTP_RESPONSE_STATUS_CODE] = code
    if code >= 500:
        span.status = wire.STATUS_ERROR
        span.attributes[semconv.ERROR_TYPE] = str(code)


def _reply(span: wire.Span, source: Source, result: object) -> None:
    """Take from the handler's result what the service that called it will take it for."""
    if source.status is not None:
        _status(span, source.status(result))
    elif source.item is not None and isinstance(result, dict):
        _partial(span, result.get("batchItemFailures"))


def _partial(span: wire.Span, failed: object) -> None:
    """A reply that names failed records of its batch: the invocation succeeded, some of its work did not.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    if not isinstance(failed, list) or not len(failed) or span.status == wire.STATUS_ERROR:
        return  # nothing failed, or what it was has been said: the one record's exception
    records = span.attributes.get(semconv.MESSAGING_BATCH_MESSAGE_COUNT, 1)
    count = min(len(failed), records) if isinstance(records, int) else len(failed)
    span.status = wire.STATUS_ERROR
    span.status_message = f"{count} of {records} records failed"
    span.attributes[semconv.ERROR_TYPE] = "batch_item_failures"


def fail(span: wire.Span, error: BaseException, now: int) -> None:
    """Mark `span` as failed by `error`, with the exception as a span event.

    https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
    """
    import traceback  # the runtime has loaded it

    kind, message = type(error).__name__, guard.said(error)
    span.status, span.status_message = wire.STATUS_ERROR, message[:1024]
    span.attributes[semconv.ERROR_TYPE] = kind
    trace = error.__traceback__
    if trace is not None and trace.tb_frame.f_code.co_filename == OWN_FRAME:
        trace = trace.tb_next
    stack = "".join(traceback.format_exception(type(error), error, trace))
    exception = {
        semconv.EXCEPTION_TYPE: kind,
        semconv.EXCEPTION_MESSAGE: message,
        semconv.EXCEPTION_STACKTRACE: stack[-STACK_MAX:],
    }
    span.events.append(("exception", now, exception))


def flush(invocation: Invocation, settings: Settings, spans: list[wire.Span]) -> None:
    """Write the spans, unless the trace is not sampled and nothing makes it worth keeping.

    spans: the invocation's own first.
    """
    span = spans[0]
    worth = (
        span.status == wire.STATUS_ERROR
        or invocation.cold
        or span.end_unix_nano - span.start_unix_nano >= settings.slow_ns
        or any(one.status == wire.STATUS_ERROR for one in spans)
    )
    if settings.mode == "propagate":
        return
    if not worth:
        decisions, own = invocation.decisions, invocation.context.sampled
        spans = [one for one in spans if decisions.get(one.trace_id, own)]
        if not spans:
            return
    if invocation.dropped:
        span.attributes[semconv.CUT] = invocation.dropped
    for line in wire.span_lines(settings.service, spans, lead=lead(settings)):
        stdout.write(line)


def lead(settings: Settings) -> dict[str, str] | None:
    """What a line of ours leads with: in Lambda's JSON mode a level that no filter drops."""
    if not settings.json_mode:
        return None
    return {"timestamp": wire.timestamp(stdout.now()), "level": settings.level}


_NOTES = {
    "batch_not_entered": "observe.records: no record was entered (`with record:`): all are given back",
    "batch_not_partial": "observe.records(partial=True): Lambda heeds no partial reply for this event "
    "source, so an exception of a record fails the whole event",
    "correlation_id_replaced": "an inbound correlation ID was not usable and is replaced by its derived ID",
    "key_secret_missing": "OBSERVE_KEY_SECRET is not set: business keys are marked without a secret, and "
    "whoever reads the logs can guess them",
    "traceparent_invalid": "an inbound traceparent is not valid and is ignored",
}
_said: set[str] = set()


def say_once(note: str) -> None:
    """Say one of _NOTES once a process: a public caller must not be able to fill the log."""
    if note in _said:
        return
    _said.add(note)
    line = {
        "timestamp": wire.timestamp(stdout.now()),
        "level": "WARN",
        "message": f"hybrid-observe: {_NOTES.get(note, note)} (said once a process)",
        "event": f"observe.{note}",
    }
    stdout.write(wire.log_line(line))
