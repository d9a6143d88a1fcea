"""Whose request it is that an invocation serves: the context of its event, of one record or of many."""

from __future__ import annotations

import os

from observe import context as contexts
from observe import ids, semconv
from observe.services import invoke as direct
from observe.source import identified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from observe import wire
    from observe.context import Captured
    from observe.settings import Settings
    from observe.source import Record, Source

#: A batch of SQS may have 10,000 messages; OpenTelemetry's own limit of links a span is 128.
LINKS_MAX = 128
#: Identifiers of records without a context; a batch of more is told by its first ones.
RECEIPTS_MAX = 20


def capture(
    records: Sequence[Record], source: Source | None, lambda_context: object, settings: Settings
) -> contexts.Captured:
    """Return the context: the message's own first, then the client context's, then the environment's."""
    environment = os.environ.get("_X_AMZN_TRACE_ID", "")
    public = source is not None and source.public

    def read(record: Record) -> Captured:
        trust = settings.trust if public or record.public else "internal"
        return contexts.capture(
            record.headers,
            trust=trust,
            environment=environment,
            rate=settings.sample_rate,
            debug_rate=settings.debug_rate,
        )

    if len(records) == 1 and (identified(records[0].headers) or (public and carries(records[0]))):
        return read(records[0])  # nearly every event
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


def receipts_of(records: Sequence[Record], span: wire.Span) -> list[str]:
    """What the records without a context were called before they came: the store joins both ends by it."""
    told = span.attributes.get(semconv.MESSAGING_MESSAGE_ID)
    found: dict[str, None] = {}
    for record in records:
        if (record.message_id or record.receipts) and not identified(record.headers):
            found.update(dict.fromkeys((record.message_id, *record.receipts)))
        if len(found) > RECEIPTS_MAX:
            break
    return [receipt for receipt in found if receipt and receipt != told][:RECEIPTS_MAX]


#: Without one of these there is nothing to capture; the set is cheaper than capturing to find out.
_NAMES = frozenset(
    (contexts.TRACEPARENT, contexts.XRAY, *contexts.CORRELATION_HEADERS, *contexts.DIALECT_NAMES)
)


def carries(record: Record) -> bool:
    """Whether a record carries anything that a context can be captured from."""
    return not _NAMES.isdisjoint(record.headers)


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
            hops,
            trust="internal",
            environment=environment,
            rate=settings.sample_rate,
            debug_rate=settings.debug_rate,
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
