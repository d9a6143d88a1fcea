"""Which records are done: those whose blocks were left without an exception, whatever else a handler does."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import observe
from observe import context as contexts
from observe.testing import LambdaContext, Lines, events
from tests.observe.running import run, sqs_event
from tests.observe.test_batch import headers

TRACES = [f"{n:x}" * 32 for n in range(1, 6)]
EVENT = sqs_event(*(headers(trace, f"CLM-{n}") for n, trace in enumerate(TRACES)))


def given_back(event: Any, work: Callable[[observe.batch.Batch], object], **options: Any) -> list[Any]:
    """What a handler's reply names after it has worked on the batch."""

    def handler(event: Any, context: Any) -> Any:
        batch = observe.records(event, **options)
        work(batch)
        return batch.reply()

    return [failure["itemIdentifier"] for failure in run(event, handler)["batchItemFailures"]]


def enter(record: Any, fails: bool = False) -> None:
    with record:
        if fails:
            raise ValueError(record.message_id)


def looked_at_first(batch: Any) -> None:
    """As a line of a log does."""
    assert len([record.message_id for record in batch]) == 5
    for record in batch:
        enter(record)


def test_to_look_at_a_batch_is_not_to_handle_it() -> None:
    """The second loop comes to all of it."""
    assert given_back(EVENT, looked_at_first) == []


def test_what_was_not_entered_is_given_back(lines: Lines) -> None:
    """A break before the block, a list of the batch, no block at all: nothing is taken for done."""

    def broken_off(batch: Any) -> None:
        for n, record in enumerate(batch):
            if n == 1:
                break
            enter(record)

    def listed(batch: Any) -> None:
        for record in list(batch)[:2]:
            enter(record)

    assert given_back(EVENT, broken_off) == ["m-1", "m-2", "m-3", "m-4"]
    assert given_back(EVENT, listed) == ["m-2", "m-3", "m-4"]
    assert given_back(EVENT, list) == ["m-0", "m-1", "m-2", "m-3", "m-4"]
    assert [line["event"] for line in lines.logs if "event" in line] == ["observe.batch_not_entered"]


def test_what_was_cancelled_is_given_back() -> None:
    """Before its block or inside it."""

    async def work(record: Any, gate: asyncio.Semaphore) -> None:
        async with gate, record:
            await asyncio.sleep(0 if record.message_id == "m-0" else 60)

    async def limited(batch: Any) -> None:
        gate = asyncio.Semaphore(1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(work(record, gate) for record in batch)), 0.1)

    assert given_back(EVENT, lambda batch: asyncio.run(limited(batch))) == ["m-1", "m-2", "m-3", "m-4"]


def test_what_is_still_at_work_is_given_back() -> None:
    """A thread that has not left its block may fail yet."""
    release, inside = threading.Event(), threading.Barrier(2)

    def work(record: Any) -> None:
        with record:
            inside.wait(10)
            release.wait(10)

    def threaded(batch: Any) -> None:
        pool = ThreadPoolExecutor(1)
        for record in batch:
            pool.submit(work, record)
        inside.wait(10)
        pool.shutdown(wait=False, cancel_futures=True)

    try:
        assert given_back(EVENT, threaded) == ["m-0", "m-1", "m-2", "m-3", "m-4"]
    finally:
        release.set()


@pytest.mark.parametrize("event", [EVENT, events.kinesis("a", "b", "c")], ids=["queue", "stream"])
def test_a_failure_is_one_for_good(event: Any) -> None:
    """A second block, or one around it, does not make a record done."""

    def again(batch: Any) -> None:
        for n, record in enumerate(batch):
            enter(record, fails=n == 0)
            enter(record)

    def nested(batch: Any) -> None:
        for n, record in enumerate(batch):
            with record:
                enter(record, fails=n == 0)

    first = observe.records(event)._records[0].message_id
    assert given_back(event, again)[0] == first
    assert given_back(event, nested)[0] == first


def test_a_nested_block_leaves_the_outer_ones_context() -> None:
    """Each block undoes what it did."""
    seen: list[Any] = []

    def nested(batch: Any) -> None:
        for record in batch:
            with record:
                with record:
                    pass
                seen.append(observe.current().correlation_id)  # type: ignore[union-attr]

    given_back(EVENT, nested)
    assert seen == ["CLM-0", "CLM-1", "CLM-2", "CLM-3", "CLM-4"]


def test_a_handler_may_sort_and_filter_its_records_in_place() -> None:
    """Each record keeps its ID and its context."""
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> Any:
        event["Records"].reverse()
        event["Records"] = event["Records"][:3]
        batch = observe.records(event)
        for record in batch:
            with record:
                seen.append((record["messageId"], observe.current().correlation_id))  # type: ignore[union-attr]
                if record["messageId"] == "m-3":
                    raise ValueError
        return batch.reply()

    event = sqs_event(*(headers(trace, f"CLM-{n}") for n, trace in enumerate(TRACES)))
    assert run(event, handler) == {"batchItemFailures": [{"itemIdentifier": "m-3"}]}
    assert seen == [("m-4", "CLM-4"), ("m-3", "CLM-3"), ("m-2", "CLM-2")]


@pytest.mark.parametrize(
    ("event", "first"),
    [
        (events.pipes(events.sqs("a", "b")), "messageId"),
        (events.pipes(events.kinesis("a", "b")), "eventID"),
        (events.pipes(events.dynamodb({"id": "1"}, {"id": "2"})), "eventID"),
    ],
    ids=["sqs", "kinesis", "dynamodb"],
)
def test_a_pipe_names_records_in_its_own_way(event: Any, first: str) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html"""

    def failing(batch: Any) -> None:
        for record in batch:
            enter(record, fails=True)

    assert given_back(event, failing)[0] == event[0][first]


@pytest.mark.parametrize("make", [events.kafka, events.activemq, events.rabbitmq])
def test_of_other_pipes_a_failure_passes_on(make: Any) -> None:
    """Partial replies are heeded of queues and streams alone: a failure told in one would be lost."""

    def failing(batch: Any) -> None:
        for record in batch:
            with record:
                raise ValueError("passes on")

    with pytest.raises(ValueError, match="passes on"):
        given_back(events.pipes(make("a")), failing)


def test_the_list_of_a_streams_records_is_no_pipe() -> None:
    """A handler that passes on the list alone gets the identifiers that Lambda knows."""
    event = events.kinesis("a", "b")

    def handler(event: Any, context: Any) -> Any:
        batch = observe.records(event["Records"])
        for record in batch:
            enter(record, fails=True)
        return batch.reply()

    number = event["Records"][0]["kinesis"]["sequenceNumber"]
    assert run(event, handler) == {"batchItemFailures": [{"itemIdentifier": number}]}


def test_a_payload_that_has_messages_is_no_batch() -> None:
    """A direct invocation is one record, whatever its members are called."""
    event = {"model": "m", "messages": [{"role": "user"}], "x-correlation-id": "CLM-1"}
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        seen.extend(record.raw for record in observe.records(event))

    run(event, handler)
    assert seen == [event]


# --- Blocks that are left late --------------------------------------------------------------


def test_a_block_that_is_left_late_takes_nothing_from_the_next_request() -> None:
    """A generator may be closed by the collector, in the middle of somebody else's invocation."""
    kept: list[Any] = []

    def careless(event: Any, context: Any) -> None:
        def entered() -> Any:
            for record in observe.records(event):
                with record:
                    yield record

        generator = entered()
        next(generator)
        kept.append(generator)

    seen: list[Any] = []

    def next_one(event: Any, context: Any) -> None:
        before = observe.current()
        kept.pop().close()
        gc.collect()
        seen.append((before, observe.current()))

    run(EVENT, careless)
    assert contexts.current() is None
    run({"x-correlation-id": "CLM-9"}, next_one)
    ((before, after),) = seen
    assert (before.correlation_id, after) == ("CLM-9", before)


def test_a_block_in_the_next_invocation_is_none_of_its(lines: Lines) -> None:
    """A thread that outlives its handler keeps its own request's identity, and has no span there."""
    kept: list[Any] = []
    seen: list[Any] = []

    def late(event: Any, context: Any) -> None:
        with kept[0]:
            seen.append(observe.current().correlation_id)  # type: ignore[union-attr]

    run(EVENT, lambda event, context: kept.extend(observe.records(event)))
    lines.raw.clear()
    run({"x-correlation-id": "CLM-9"}, late)
    assert seen == ["CLM-0"]
    assert [span["attributes"]["correlation_id"] for span in lines.spans] == ["CLM-9"]


# --- Hops and samples -----------------------------------------------------------------------


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSERVE_HOPS_LIMIT", "10")
    monkeypatch.setenv("OBSERVE_HOPS_EXCEEDED", "raise")
    observe.settings.reset()


def with_hops(*hops: int, trace: str = "") -> Any:
    return sqs_event(
        *(
            {**headers(trace or TRACES[n], f"CLM-{n}"), "baggage": f"observe.hops={h}"}
            for n, h in enumerate(hops)
        )
    )


def test_one_that_goes_round_fails_for_itself(guarded: None) -> None:
    """Its neighbours are handled."""
    seen: list[str] = []

    def work(batch: Any) -> None:
        for record in batch:
            with record:
                seen.append(record.message_id)

    assert given_back(with_hops(1, 10, 2), work) == ["m-1"]
    assert seen == ["m-0", "m-2"]


def test_a_batch_that_goes_round_is_refused(guarded: None) -> None:
    with pytest.raises(RuntimeError, match="OBSERVE_HOPS_LIMIT=10"):
        given_back(with_hops(10, 12), lambda batch: None)


def test_a_common_trace_has_its_longest_chain() -> None:
    seen: list[Any] = []
    given_back(with_hops(3, 50, trace=TRACES[0]), lambda batch: seen.append(observe.current()))
    assert (seen[0].trace_id, seen[0].hops) == (TRACES[0], 51)


def test_each_trace_is_sampled_for_itself(lines: Lines) -> None:
    """With what happens inside its record's block."""
    event = sqs_event(headers(TRACES[0], "CLM-0", "01"), headers(TRACES[1], "CLM-1", "00"))

    def handler(event: Any, context: Any) -> None:
        for record in observe.records(event):
            with record, observe.span("inside"):
                pass

    observed = observe.instrument(handler)
    observed({}, LambdaContext())  # a cold invocation is always kept
    lines.raw.clear()
    observed(event, LambdaContext())
    told = {(span["traceId"], span["name"]) for span in lines.spans}
    assert (TRACES[0], "inside") in told
    assert TRACES[1] not in {trace for trace, _ in told}


def test_a_record_does_not_decide_for_the_invocations_own_trace(lines: Lines) -> None:
    """Two records of one trace may say different things of it: sampled once, it is."""
    hops = {"baggage": "observe.hops=5"}
    event = sqs_event({**headers(TRACES[0], "CLM-0", "01"), **hops}, headers(TRACES[0], "CLM-0", "00"))

    def handler(event: Any, context: Any) -> None:
        for record in observe.records(event):
            enter(record)

    observed = observe.instrument(handler)
    observed({}, LambdaContext())  # a cold invocation is always kept
    lines.raw.clear()
    observed(event, LambdaContext())
    assert len(lines.spans) == 3
