"""Batches, record by record: each in its own context, each with its own fate.

    batch = observe.records(event)
    for record in batch:
        with record:
            handle(record["body"])
    return batch.reply()

Inside `with` the record's own context is the current one: its correlation ID is in the log lines and goes
out with every call; its span is in its sender's trace and links to the batch's. An exception there is the
record's failure: it is logged, and `reply` gives the record back to its queue. Streams and FIFO queues stop
at the first failure, for what comes behind it must not overtake it. `async for` and `async with` do the same.

Where Lambda heeds no partial failures (SNS, S3, ...) the exception passes on, so that the whole event is
tried again. A record is done when its block was left without an exception; any other, also one that the loop
came to and nobody entered, counts as failed: it must not be taken for done.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
"""

from __future__ import annotations

from observe import context as contexts
from observe import guard, identity, outcome, semconv, settings, stdout, wire
from observe import invocation as invocations
from observe.capture import carries
from observe.notes import say_once
from observe.services import source_of
from observe.source import Record, items_of, mapping, text
from observe.spans import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Any

    from observe.source import Source

#: The link from a record's span to the batch's: not a cause, and no other name of the same request.
BATCH_LINK = "batch"
_STREAMS = ("Kinesis", "DynamoDB", "Kafka")


class BatchRecord:
    """One record of a batch: the event's own record by key, and a block that is its context.

    raw: the record as it came. message_id: what AWS calls it. entered: whether its block was. failure: the
    first exception that left its block.
    """

    __slots__ = ("_batch", "_error", "_exits", "_record", "entered", "failure", "message_id", "raw")

    def __init__(self, batch: Batch, raw: Any, record: Record) -> None:
        self._batch = batch
        self._record = record
        self._error: BaseException | None = None
        #: What leaving undoes, for each block that is open: they may be nested.
        self._exits: list[list[Callable[[], object]]] = []
        self.raw = raw
        self.message_id = record.message_id
        self.entered = False
        self.failure: BaseException | None = None

    def __getitem__(self, key: Any) -> Any:
        """Return a member of the record as it came."""
        return self.raw[key]

    def get(self, key: Any, default: Any = None) -> Any:
        """Return a member of the record as it came, or `default`."""
        return mapping(self.raw).get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in mapping(self.raw)

    def __repr__(self) -> str:
        return f"<record {self.message_id or '?'}>"

    @property
    def done(self) -> bool:
        """Whether its block was left, and never by an exception."""
        return self.entered and not self._exits and self.failure is None

    def __enter__(self) -> BatchRecord:
        self.entered = True
        self._exits.append([])
        guard.guarded(self._enter, self._exits[-1])
        return self

    def _enter(self, exits: list[Callable[[], object]]) -> None:
        invocation = self._batch.invocation
        if invocation is None or settings.get().disabled:
            return
        is_active = invocation is invocations.active
        if self.message_id and is_active:
            exits.append(identity.with_fields({semconv.MESSAGING_MESSAGE_ID: self.message_id}))
        if is_active and self._is_alone(invocation):
            return  # the invocation is the record's
        context = self.context(invocation)
        scope = contexts.use(context)
        scope.__enter__()
        exits.append(scope.__exit__)
        if not is_active:  # the handler has returned: what happens here is nobody's span
            return
        if context.trace_id != invocation.context.trace_id:
            decisions = invocation.decisions
            decisions[context.trace_id] = decisions.get(context.trace_id, False) or context.sampled
        name, attributes = self._batch.described(self.message_id)
        opened = span.of_kind(wire.KIND_CONSUMER, name, attributes)
        opened.__enter__()
        exits.append(lambda: opened.__exit__(None, self._error, None))
        if opened.span is not None:
            opened.span.attributes[semconv.CORRELATION_ID] = context.correlation_id
            own = invocation.span
            opened.span.links.append((own.trace_id, own.span_id, {semconv.LINK_KIND: BATCH_LINK}))

    def _is_alone(self, invocation: invocations.Invocation) -> bool:
        return len(invocation.records) == 1 and self._record is invocation.records[0]

    def context(self, invocation: invocations.Invocation) -> contexts.Context:
        """Return the record's own context, or the batch's where it carries none."""
        if not carries(self._record):
            return invocation.context
        found = settings.get()
        trust = found.trust if self._batch.public or self._record.public else "internal"
        captured = contexts.capture(
            self._record.headers, trust=trust, rate=found.sample_rate, debug_rate=found.debug_rate
        )
        return captured.context.entered(captured.context.span_id)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> bool:
        """Take an exception for the record's failure, where Lambda can be told of it; leave the context."""
        self._error = error
        mine = isinstance(error, Exception) and self._batch.partial
        if error is not None:
            self.fail(error)
        if mine:
            guard.guarded(self._say, error)
        exits = self._exits.pop() if self._exits else []
        while exits:
            guard.guarded(exits.pop())
        return mine

    def fail(self, error: BaseException) -> None:
        """Remember why the record has failed: nothing that comes after makes it done."""
        self.entered = True
        self.failure = self.failure or error
        self._batch.broken.add(_lane(self))

    def _say(self, error: Exception) -> None:
        from observe import logs  # where no record fails it is not needed

        invocation = self._batch.invocation
        if invocation is not None and self._is_alone(invocation):
            outcome.fail(invocation.span, error, stdout.now())
        said = f"record {self.message_id} failed: {type(error).__name__}: {guard.said(error)}"
        logs.write("ERROR", logs.WRITE, said, {}, logs.error_of(error))

    async def __aenter__(self) -> BatchRecord:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> bool:
        return self.__exit__(kind, error, stack)


class Batch:
    """The records of an event in order; see the module.

    partial: whether `reply` is where a failure is told. ordered: whether what comes behind a failure must
    wait: of a stream's shard, a partition of Kafka, a FIFO queue. broken: those where that is the case.
    public: whether strangers can send such an event. invocation: in which the batch was made.
    """

    __slots__ = (
        *("_is_piped", "_is_stream", "_item", "_name", "_records"),
        *("broken", "invocation", "ordered", "partial", "public"),
    )

    def __init__(self, event: Any, partial: bool | None = None) -> None:
        self.invocation = invocation = invocations.active
        source = source_of(event)
        items = items_of(event, source)
        records = _records(source, event, items, invocation) if items else []
        sender = _sender(source, event)
        self._is_piped = isinstance(event, list) and invocation is not None and invocation.event is event
        usual = sender is not None and sender.partial
        # Of what a pipe reads, partial replies are heeded of queues and streams alone.
        heeded = usual if self._is_piped else sender is not None and sender.item is not None
        self._item = sender.item if sender is not None and heeded else None
        if partial and not heeded:
            guard.guarded(say_once, "batch_not_partial")
        self.partial = heeded and (usual if partial is None else bool(partial))
        if not items and not usual:  # no batch, and not the end of a window, which has no record
            items, records = [event], [Record({})]
        self._records = [BatchRecord(self, raw, record) for raw, record in zip(items, records, strict=True)]
        self._name = source.describe(event) if source is not None else ("process", {})
        self.public = source is not None and source.public
        self._is_stream = sender is not None and sender.name in _STREAMS
        self.ordered = self._is_stream or (bool(items) and _is_fifo(items[0]))
        self.broken: set[str] = set()

    def described(self, message_id: str) -> tuple[str, dict[str, Any]]:
        """Return the span name and attributes of one record."""
        name, attributes = self._name
        own = {k: v for k, v in attributes.items() if k != semconv.MESSAGING_BATCH_MESSAGE_COUNT}
        return name, {**own, semconv.MESSAGING_MESSAGE_ID: message_id} if message_id else own

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[BatchRecord]:
        """Yield the records whose blocks were not entered yet; what the chain guard refuses has failed."""
        for record in self._records:
            waits = self.ordered and self.partial and _lane(record) in self.broken
            if record.entered or waits:
                continue
            refusal = guard.guarded(self._refusal, record)
            if refusal is None:
                yield record
            elif self.partial:
                record.fail(refusal)
            else:
                raise refusal

    async def __aiter__(self) -> AsyncIterator[BatchRecord]:
        for record in self:
            yield record

    def _refusal(self, record: BatchRecord) -> Exception | None:
        """Why a record is not to be handled: it goes round in a circle, with OBSERVE_HOPS_EXCEEDED=raise."""
        found = settings.get()
        if self.invocation is None or found.hops_exceeded != "raise" or found.disabled:
            return None
        context = record.context(self.invocation)
        if context is self.invocation.context or context.hops <= found.hops_limit:
            return None
        from observe import chain

        return chain.exceeded(context, found)

    @property
    def failed(self) -> list[BatchRecord]:
        """The records that have to come again: all that are not done."""
        return [record for record in self._records if not record.done]

    def reply(self) -> dict[str, list[dict[str, Any]]]:
        """Return what the handler has to return: {"batchItemFailures": [{"itemIdentifier"}]}.

        itemIdentifier: the message ID; of Kafka {"partition": "<topic>-<partition>", "offset": n}; of a
        stream that a pipe reads the event ID. The event source mapping must have ReportBatchItemFailures;
        without it Lambda takes any reply for success. Of a shard or partition the first failure is named, for
        Lambda comes again from there.
        """
        failed = self.failed if self.partial else []
        if failed and not any(record.entered for record in self._records):
            guard.guarded(say_once, "batch_not_entered")
        if self._is_stream:
            failed = list({_lane(record): record for record in reversed(failed)}.values())[::-1]
        return {"batchItemFailures": [{"itemIdentifier": self._identifier(record)} for record in failed]}

    def _identifier(self, record: BatchRecord) -> Any:
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html
        if self._is_piped and self._is_stream:
            return text(record.get("eventID"))
        return (self._item or text)(record.message_id)


def records(event: Any, *, partial: bool | None = None) -> Batch:
    """Return the records of an event, each a context of its own; an event that is no batch is one record.

    partial: whether the event source mapping has ReportBatchItemFailures, so that `reply` is heeded. By
    default yes for SQS, Kinesis, DynamoDB and pipes of these, and no for Kafka, which has it in provisioned
    mode alone; a pipe's enrichment has it never. Where it is not, an exception passes on, and the whole batch
    comes again.
    """
    return Batch(event, partial)


def _sender(source: Source | None, event: Any) -> Source | None:
    """Whose the records are: those of a list have a source of their own."""
    if not isinstance(event, list):
        return source
    from observe.services import eventbridge

    return eventbridge.inner(event)[0]


def _records(
    source: Source | None, event: Any, items: Sequence[Any], invocation: invocations.Invocation | None
) -> list[Record]:
    """The projected record of each item; the invocation's own were read before its event was stripped."""
    if invocation is not None:
        if invocation.by_item is None:
            own = _aligned(invocation.records, len(invocation.items))
            invocation.by_item = dict(zip(map(id, invocation.items), own, strict=True))
        known = invocation.by_item
        if all(id(item) in known for item in items):
            return [known[id(item)] for item in items]
    return _aligned(source.records(event) if source is not None else [], len(items))


def _aligned(found: Sequence[Record], count: int) -> list[Record]:
    """One Record an item: several user records of one Kinesis record have its ID and one context, or none."""
    if len(found) == count:
        return list(found)
    merged: list[Record] = []
    for record in found:
        if not merged or merged[-1].message_id != record.message_id:
            merged.append(record)
        elif merged[-1].headers != record.headers:
            merged[-1] = Record({}, record.message_id)
    return merged if len(merged) == count else [Record({}) for _ in range(count)]


def _lane(record: BatchRecord) -> str:
    """The partition of Kafka that a record is of; of other sources all are one lane."""
    return record.message_id.rpartition("@")[0]


def _is_fifo(raw: Any) -> bool:
    return text(mapping(raw).get("eventSourceARN")).endswith(".fifo")
