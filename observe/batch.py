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
tried again. A record that the loop never came to counts as failed: it must not be taken for done.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
"""

from __future__ import annotations

from observe import context as contexts
from observe import guard, identity, semconv, settings, stdout, wire
from observe import invocation as invocations
from observe.services import shapes, source_of
from observe.source import Record, mapping, text
from observe.spans import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from types import TracebackType
    from typing import Any

    from observe.source import Source

#: The link from a record's span to the batch's: not a cause, and no other name of the same request.
BATCH_LINK = "batch"
_STREAMS = ("aws:kinesis", "aws:dynamodb")


class BatchRecord:
    """One record of a batch: the event's own record by key, and a block that is its context.

    raw: the record as it came. message_id: what AWS calls it. visited: whether the loop has come to it.
    failure: the exception that left its block.
    """

    __slots__ = ("_batch", "_exits", "_record", "failure", "message_id", "raw", "visited")

    def __init__(self, batch: Batch, raw: Any, record: Record) -> None:
        self._batch = batch
        self._record = record
        self._exits: list[Any] = []
        self.raw = raw
        self.message_id = record.message_id
        self.visited = False
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

    def __enter__(self) -> BatchRecord:
        guard.guarded(self._enter)
        return self

    def _enter(self) -> None:
        invocation = invocations.active
        if invocation is None or settings.get().disabled:
            return
        self._exits.append(identity.with_fields({semconv.MESSAGING_MESSAGE_ID: self.message_id}))
        if len(invocation.records) == 1 and self._record is invocation.records[0]:
            self._exits.append(lambda: self._told(invocation))  # the invocation is the record's
            return
        context = self._context(invocation)
        scope = contexts.use(context)
        scope.__enter__()
        self._exits.append(scope.__exit__)
        name, attributes = self._batch.described(self.message_id)
        opened = span.of_kind(wire.KIND_CONSUMER, name, attributes)
        opened.__enter__()
        self._exits.append(lambda: opened.__exit__(None, self.failure, None))
        if opened.span is not None:
            opened.span.attributes[semconv.CORRELATION_ID] = context.correlation_id
            own = invocation.span
            opened.span.links.append((own.trace_id, own.span_id, {semconv.LINK_KIND: BATCH_LINK}))
            invocation.keep(opened.span, opened.context)

    def _context(self, invocation: invocations.Invocation) -> contexts.Context:
        """The record's own context, or the batch's where it carries none."""
        if not invocations.carries(self._record):
            return invocation.context
        found = settings.get()
        trust = found.trust if self._batch.public or self._record.public else "internal"
        captured = contexts.capture(self._record.headers, trust=trust, environment="", rate=found.sample_rate)
        return captured.context.entered(captured.context.span_id)

    def _told(self, invocation: invocations.Invocation) -> None:
        """What the failure was, on the invocation's own span."""
        if isinstance(self.failure, Exception):
            invocations.fail(invocation.span, self.failure, stdout.now())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> bool:
        """Take an exception for the record's failure, where Lambda can be told of it; leave the context."""
        self.failure = error
        if error is not None:
            self._batch.broken.add(_lane(self))
        mine = isinstance(error, Exception) and self._batch.partial
        if mine:
            guard.guarded(self._say, error)
        while self._exits:
            guard.guarded(self._exits.pop())
        return mine

    def _say(self, error: Exception) -> None:
        import traceback

        stack = "".join(traceback.format_exception(error))[-invocations.STACK_MAX :]
        line = identity.fields(
            "ERROR", f"record {self.message_id} failed: {type(error).__name__}: {guard.said(error)}"
        )
        line["error"] = {"type": type(error).__name__, "message": guard.said(error), "stack": stack}
        stdout.write(wire.log_line(line))

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
    public: whether strangers can send such an event.
    """

    __slots__ = ("_item", "_name", "_records", "_stream", "broken", "ordered", "partial", "public")

    def __init__(self, event: Any, partial: bool | None = None) -> None:
        source = source_of(event)
        items = _items(event)
        records = _records(source, event, items) if source is not None and items else []
        if not items and not (source is not None and source.partial):  # the end of a window has no record
            items = [event]
        if len(items) != len(records):
            records = [Record({}) for _ in items]
        self._records = [BatchRecord(self, raw, record) for raw, record in zip(items, records, strict=True)]
        self._name = source.describe(event) if source is not None else ("process", {})
        self._item = source.item if source is not None else None
        if partial and self._item is None:
            guard.guarded(invocations.say_once, "batch_not_partial")
        usual = source is not None and source.partial
        self.partial = self._item is not None and (usual if partial is None else bool(partial))
        self.public = source is not None and source.public
        first = items[0] if items else None
        self._stream = _is_stream(first) or shapes.kafka(shapes.shown(event))
        self.ordered = self._stream or _is_fifo(first)
        self.broken: set[str] = set()

    def described(self, message_id: str) -> tuple[str, dict[str, Any]]:
        """Return the span name and attributes of one record."""
        name, attributes = self._name
        own = {k: v for k, v in attributes.items() if k != semconv.MESSAGING_BATCH_MESSAGE_COUNT}
        return name, {**own, semconv.MESSAGING_MESSAGE_ID: message_id} if message_id else own

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[BatchRecord]:
        for record in self._records:
            waits = self.ordered and self.partial and _lane(record) in self.broken
            if not record.visited and not waits:
                record.visited = True
                yield record

    async def __aiter__(self) -> AsyncIterator[BatchRecord]:
        for record in self:
            yield record

    @property
    def failed(self) -> list[BatchRecord]:
        """The records that have to come again: those that failed, and those that the loop did not come to."""
        return [record for record in self._records if record.failure is not None or not record.visited]

    def reply(self) -> dict[str, list[dict[str, Any]]]:
        """Return what the handler has to return: {"batchItemFailures": [{"itemIdentifier"}]}.

        itemIdentifier: the message ID; of Kafka {"partition": "<topic>-<partition>", "offset": n}. The event
        source mapping must have ReportBatchItemFailures; without it Lambda takes any reply for success. Of a
        shard or partition the first failure is named, for Lambda comes again from there.
        """
        failed = self.failed if self.partial else []
        if self._stream:
            failed = list({_lane(record): record for record in reversed(failed)}.values())[::-1]
        name = self._item or text
        return {"batchItemFailures": [{"itemIdentifier": name(record.message_id)} for record in failed]}


def records(event: Any, *, partial: bool | None = None) -> Batch:
    """Return the records of an event, each a context of its own; an event that is no batch is one record.

    partial: whether the event source mapping has ReportBatchItemFailures, so that `reply` is heeded. By
    default yes for SQS, Kinesis, DynamoDB and Pipes, and no for Kafka, which has it in provisioned mode
    alone. Where it is not, an exception passes on, and the whole batch comes again.
    """
    return Batch(event, partial)


def _records(source: Source, event: Any, items: Sequence[Any]) -> list[Record]:
    """The projected record of each item; the invocation's own were read before its event was stripped."""
    invocation = invocations.active
    known: dict[int, Record] = {}
    if invocation is not None:
        own = _items(invocation.event)
        known = dict(zip(map(id, own), _aligned(invocation.records, len(own)), strict=True))
    if all(id(item) in known for item in items):
        return [known[id(item)] for item in items]
    return _aligned(source.records(event), len(items))


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


def _items(event: Any) -> list[Any]:
    """The raw records of an event in the order in which its source yields them."""
    if isinstance(event, list):
        return event
    shape = mapping(event)
    found = next(
        (shape[key] for key in ("Records", "records", "messages", "rmqMessagesByQueue") if key in shape), None
    )
    if isinstance(found, dict):
        from observe.services.properties import sequence  # Kafka and RabbitMQ have loaded it

        return [item for items in found.values() for item in sequence(items)]
    return found if isinstance(found, list) else []


def _lane(record: BatchRecord) -> str:
    """The partition of Kafka that a record is of; of other sources all are one lane."""
    return record.message_id.rpartition("@")[0]


def _is_stream(raw: Any) -> bool:
    return mapping(raw).get("eventSource") in _STREAMS


def _is_fifo(raw: Any) -> bool:
    return text(mapping(raw).get("eventSourceARN")).endswith(".fifo")
