"""Batches, record by record."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

import observe
from observe import settings
from observe.testing import Lines
from tests.observe.running import run, sqs_event

A, B = "a" * 32, "b" * 32


def headers(trace: str, claim: str, flag: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{trace[:16]}-{flag}", "x-correlation-id": claim}


EVENT = sqs_event(headers(A, "CLM-A"), headers(B, "CLM-B"), {})


def handled(event: Any, work: Any) -> Any:
    """Run a handler as people write it."""

    def handler(event: Any, context: Any) -> Any:
        batch = observe.records(event)
        for record in batch:
            with record:
                work(record)
        return batch.reply()

    return run(event, handler)


def fail_on(*ids: str) -> Any:
    def work(record: Any) -> None:
        if record["messageId"] in ids:
            raise ValueError(f"no {record.message_id}")

    return work


def test_each_record_is_its_own_context(lines: Lines) -> None:
    """Its correlation ID is current and in the lines; its span is in its sender's trace."""
    seen: list[Any] = []
    before = copy.deepcopy(EVENT)
    handled(EVENT, lambda record: (seen.append(observe.current()), observe.log.info("at work")))
    assert before == EVENT
    assert [context.correlation_id for context in seen[:2]] == ["CLM-A", "CLM-B"]
    batch = next(span for span in lines.spans if "faas.invocation_id" in span["attributes"])
    by_trace = {span["traceId"]: span for span in lines.spans if span is not batch}
    assert by_trace[A]["parentSpanId"] == A[:16]
    assert by_trace[A]["attributes"]["messaging.message.id"] == "m-0"
    assert by_trace[A]["links"][0]["spanId"] == batch["spanId"]
    assert batch["traceId"] not in (A, B)
    logs = [line for line in lines.logs if line["message"] == "at work"]
    assert [(line["trace_id"], line.get("messaging.message.id")) for line in logs[:2]] == [
        (A, "m-0"),
        (B, "m-1"),
    ]
    assert logs[0]["span_id"] == by_trace[A]["spanId"]
    assert logs[2]["trace_id"] == batch["traceId"]  # a record without a context is part of the batch
    assert observe.current() is None


def test_a_failure_is_the_records(lines: Lines) -> None:
    """The others go on; the failure is logged in its context and named in the reply."""
    assert handled(EVENT, fail_on("m-1")) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    (line,) = [line for line in lines.logs if line["level"] == "ERROR"]
    assert (line["error"]["type"], line["correlation_id"]) == ("ValueError", "CLM-B")
    assert "raise ValueError" in line["error"]["stack"]
    failed = next(span for span in lines.spans if span["traceId"] == B)
    assert failed["status"] == {"code": 2, "message": "no m-1"}
    batch = next(span for span in lines.spans if "faas.invocation_id" in span["attributes"])
    assert batch["status"]["message"] == "1 of 3 records failed"


def test_all_went_well(lines: Lines) -> None:
    """An empty list tells Lambda that all is done."""
    assert handled(EVENT, lambda record: None) == {"batchItemFailures": []}


def test_a_fifo_queue_stops_at_the_first_failure() -> None:
    """What comes behind it has not been handled, and comes again."""
    event = copy.deepcopy(EVENT)
    for record in event["Records"]:
        record["eventSourceARN"] += ".fifo"
    seen: list[str] = []

    def work(record: Any) -> None:
        seen.append(record.message_id)
        fail_on("m-1")(record)

    reply = handled(event, work)
    assert seen == ["m-0", "m-1"]
    assert [failure["itemIdentifier"] for failure in reply["batchItemFailures"]] == ["m-1", "m-2"]


def test_what_the_loop_did_not_come_to_is_not_done() -> None:
    """A handler that breaks off gives the rest back."""

    def handler(event: Any, context: Any) -> Any:
        batch = observe.records(event)
        for record in batch:
            with record:
                break
        return batch.reply()

    reply = run(EVENT, handler)
    assert [failure["itemIdentifier"] for failure in reply["batchItemFailures"]] == ["m-1", "m-2"]


def test_where_lambda_heeds_no_reply_the_exception_passes() -> None:
    """A topic's delivery is tried again as a whole."""
    event = {"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m-0"}, "messageId": "m-0"}]}
    with pytest.raises(ValueError, match="no m-0"):
        handled(event, fail_on("m-0"))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_error_passes(error: type[BaseException]) -> None:
    """Ending the process is not a record's failure."""

    def work(record: Any) -> None:
        raise error

    with pytest.raises(error):
        handled(EVENT, work)


def test_async(lines: Lines) -> None:
    """The same with tasks: each has the context of its record."""

    async def one(record: Any, seen: dict[str, str]) -> None:
        async with record:
            await asyncio.sleep(0)
            context = observe.current()
            seen[record.message_id] = context.correlation_id if context else ""
            fail_on("m-0")(record)

    async def work(event: Any) -> Any:
        seen: dict[str, str] = {}
        batch = observe.records(event)
        await asyncio.gather(*[one(record, seen) async for record in batch])
        return seen, batch.reply()

    seen, reply = run(EVENT, lambda event, context: asyncio.run(work(event)))
    assert (seen["m-0"], seen["m-1"]) == ("CLM-A", "CLM-B")
    assert reply == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}


@pytest.mark.parametrize(
    "event", [None, 3, "x", [], {}, {"Records": []}, {"Records": 3}, {"Records": [None]}, [None, 1]]
)
def test_any_event_is_a_batch(event: Any) -> None:
    """What is no batch is one record; nothing raises."""
    seen: list[Any] = []
    reply = handled(event, seen.append)
    assert reply == {"batchItemFailures": []}
    assert len(seen) >= 1
    assert seen[0].get("x", "default") == "default"
    assert "x" not in seen[0]
    assert repr(seen[0]).startswith("<record")


def test_outside_an_invocation_it_is_a_loop(lines: Lines) -> None:
    """A unit test that calls the handler's inside sees no line of ours but the failure's."""
    batch = observe.records(EVENT)
    for record in batch:
        with record:
            fail_on("m-2")(record)
    assert batch.reply() == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    assert lines.spans == []
    assert len(batch) == 3


def test_a_sampled_record_of_an_unsampled_batch_is_kept(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each trace has one decision, whoever else was in the batch."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    observe.settings.reset()
    event = sqs_event(headers(A, "CLM-A"), headers(B, "CLM-B", "00"))
    run({}, lambda event, context: None)  # a cold invocation is always kept
    lines.raw.clear()
    import observe.handler as handlers

    def handler(event: Any, context: Any) -> Any:
        for record in observe.records(event):
            with record:
                pass

    observed = handlers.instrument(handler)
    from observe.testing import LambdaContext

    observed({}, LambdaContext())
    lines.raw.clear()
    observed(event, LambdaContext())
    assert [span["traceId"] for span in lines.spans] == [A]


def test_strangers_are_believed_no_more_in_a_batch() -> None:
    """Viewers write the headers of Lambda@Edge: their debug and 40 hops are ignored, their IDs are not."""
    given = {**headers(A, "CLM-A"), "baggage": "observe.debug=1,observe.hops=40"}
    told = {name: [{"key": name, "value": value}] for name, value in given.items()}
    event = {"Records": [{"cf": {"config": {}, "request": {"method": "GET", "uri": "/", "headers": told}}}]}
    seen: list[Any] = []
    handled(event, lambda record: seen.append(observe.current()))
    assert [(c.trace_id, c.correlation_id, c.debug, c.hops) for c in seen] == [(A, "CLM-A", False, 1)]


def test_the_one_record_of_a_batch_is_the_invocation(lines: Lines) -> None:
    """No second span says the same; a failure is told by the invocation's own."""
    reply = handled(sqs_event(headers(A, "CLM-A")), fail_on("m-0"))
    assert reply == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    (span,) = lines.spans
    assert (span["traceId"], span["parentSpanId"]) == (A, A[:16])
    assert span["attributes"]["error.type"] == "ValueError"
    assert span["status"]["message"] == "no m-0"
    (line,) = [line for line in lines.logs if line["level"] == "ERROR"]
    assert (line["correlation_id"], line["messaging.message.id"]) == ("CLM-A", "m-0")


def test_a_records_span_says_whose_it_is(lines: Lines) -> None:
    """Its correlation ID is another than the batch's."""
    handled(EVENT, lambda record: None)
    told = {span["traceId"]: span["attributes"]["correlation_id"] for span in lines.spans}
    assert (told[A], told[B]) == ("CLM-A", "CLM-B")


def test_a_loop_through_batches_ends() -> None:
    """A batch goes on where the longest of its chains is, and so does each of its records."""
    event = sqs_event(
        {**headers(A, "CLM-A"), "baggage": "observe.hops=7"},
        {**headers(B, "CLM-B"), "baggage": "observe.hops=3"},
    )
    seen: list[int] = []

    def handler(event: Any, context: Any) -> None:
        seen.append(observe.current().hops)  # type: ignore[union-attr]
        for record in observe.records(event):
            with record:
                seen.append(observe.current().hops)  # type: ignore[union-attr]

    run(event, handler)
    assert seen == [8, 8, 4]


def test_a_failed_record_leaks_no_secret_and_may_begin_at_debug(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is logged of an exception is redacted; a record that begins a transaction may log at DEBUG."""
    monkeypatch.setenv("OBSERVE_DEBUG_RATE", "1")
    settings.reset()

    def work(record: Any) -> None:
        observe.log.debug("looked at")
        raise ValueError("password=hunter2hunter2")

    handled(sqs_event({}, {}), work)
    messages = [line["message"] for line in lines.logs]
    assert messages.count("looked at") == 2
    assert sum("failed: ValueError" in message for message in messages) == 2
    assert b"hunter2" not in b"".join(lines.raw)
