"""Batches of streams: what is behind a failure waits, in its shard or partition alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

import observe
from observe.testing import LambdaContext, Lines
from tests.observe.running import run
from tests.observe.test_batch import A, B, headers


def kafka(*places: tuple[str, int, int, str]) -> dict[str, Any]:
    """places: (topic, partition, offset, trace ID) of each message."""
    records: dict[str, list[Any]] = {}
    for topic, partition, offset, trace in places:
        told = headers(trace, f"CLM-{offset}")
        records.setdefault(f"{topic}-{partition}", []).append(
            {
                "topic": topic,
                "partition": partition,
                "offset": offset,
                "headers": [{name: list(value.encode())} for name, value in told.items()],
                "value": base64.b64encode(b"{}").decode(),
            }
        )
    return {"eventSource": "aws:kafka", "bootstrapServers": "b-1:9092", "records": records}


MESSAGES = kafka(("claims", 0, 7, A), ("claims", 0, 8, B), ("claims", 0, 9, A), ("late-claims", 1, 3, B))


def handled(event: Any, failing: set[str], partial: bool | None = None) -> tuple[Any, list[str]]:
    """Run a handler that fails on some message IDs; its reply, and the IDs it came to."""
    seen: list[str] = []

    def handler(event: Any, context: Any) -> Any:
        batch = observe.records(event, partial=partial)
        for record in batch:
            with record:
                seen.append(record.message_id)
                if record.message_id in failing:
                    raise ValueError(record.message_id)
        return batch.reply()

    return run(event, handler), seen


def test_kafka_stops_in_the_partition_that_failed() -> None:
    """The other partition goes on; the reply has Kafka's own form: text is taken for a failure of all.

    https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
    """
    reply, seen = handled(MESSAGES, {"claims-0@8"}, partial=True)
    assert seen == ["claims-0@7", "claims-0@8", "late-claims-1@3"]
    assert reply == {"batchItemFailures": [{"itemIdentifier": {"partition": "claims-0", "offset": 8}}]}


def test_kafka_names_the_first_failure_of_each_partition() -> None:
    """Lambda comes again from there."""
    reply, _ = handled(MESSAGES, {"claims-0@7", "late-claims-1@3"}, partial=True)
    assert [failure["itemIdentifier"] for failure in reply["batchItemFailures"]] == [
        {"partition": "claims-0", "offset": 7},
        {"partition": "late-claims-1", "offset": 3},
    ]


def test_kafka_without_provisioned_mode_fails_whole() -> None:
    """Nobody reads its reply, so a failure that was told there would be lost."""
    with pytest.raises(ValueError, match="claims-0@8"):
        handled(MESSAGES, {"claims-0@8"})


def test_each_message_of_kafka_is_its_own_context(lines: Lines) -> None:
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        for record in observe.records(event):
            with record:
                seen.append((observe.current().trace_id, observe.current().correlation_id))  # type: ignore[union-attr]

    run(MESSAGES, handler)
    assert seen == [(A, "CLM-7"), (B, "CLM-8"), (A, "CLM-9"), (B, "CLM-3")]


def test_a_message_without_a_place_repeats_all() -> None:
    """An identifier that Lambda does not know makes it repeat the batch: nothing is lost."""
    event = {"eventSource": "SelfManagedKafka", "records": {"claims-0": [{"value": "e30="}]}}
    reply, _ = handled(event, {""}, partial=True)
    assert reply == {"batchItemFailures": [{"itemIdentifier": ""}]}


def test_a_queue_without_report_batch_item_failures_fails_whole() -> None:
    """Its team says so, and the exception passes on."""
    event = {"Records": [{"eventSource": "aws:sqs", "messageId": "m-0", "body": "{}"}]}
    with pytest.raises(ValueError, match="m-0"):
        handled(event, {"m-0"}, partial=False)


def test_a_topic_has_no_partial_reply_whatever_is_asked(lines: Lines) -> None:
    """Said once; the exception passes on."""
    event = {"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m-0"}}]}
    with pytest.raises(ValueError, match="m-0"):
        handled(event, {"m-0"}, partial=True)
    assert [line["event"] for line in lines.logs if line["level"] == "WARN"] == ["observe.batch_not_partial"]


def kinesis(*data: bytes) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/facts",
                "kinesis": {"sequenceNumber": str(n), "data": base64.b64encode(one).decode()},
            }
            for n, one in enumerate(data)
        ]
    }


def with_member(trace: str, claim: str) -> bytes:
    return json.dumps({"_observe": headers(trace, claim), "claim": claim}).encode()


def aggregated(*data: bytes) -> bytes:
    """As the Kinesis Producer Library does, all under one partition key; data of less than 16 KiB."""

    def field(number: int, value: bytes) -> bytes:
        size = bytes((len(value),)) if len(value) < 128 else bytes((len(value) & 127 | 128, len(value) >> 7))
        return bytes((number << 3 | 2,)) + size + value

    return (
        b"\xf3\x89\x9a\xc2" + field(1, b"k") + b"".join(field(3, field(3, one)) for one in data) + bytes(16)
    )


def test_records_of_a_stream_know_their_context_after_ours_was_taken_out() -> None:
    """What the handler sees has no member of ours any more; its record still is in its sender's trace."""
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> Any:
        batch = observe.records(event)
        for record in batch:
            with record:
                seen.append((observe.current().trace_id, base64.b64decode(record["kinesis"]["data"])))  # type: ignore[union-attr]
        return batch.reply()

    run(kinesis(with_member(A, "1"), with_member(B, "2"), b"raw"), handler)
    assert seen[0] == (A, b'{ "claim": "1"}')
    assert seen[1] == (B, b'{ "claim": "2"}')
    assert seen[2][1] == b"raw"


def test_a_part_of_the_event_is_a_batch_too() -> None:
    """A handler that filters first gets the same contexts."""
    seen: list[str] = []

    def handler(event: Any, context: Any) -> None:
        for record in observe.records({"Records": event["Records"][1:]}):
            with record:
                seen.append(observe.current().trace_id)  # type: ignore[union-attr]

    run(kinesis(with_member(A, "1"), with_member(B, "2")), handler)
    assert seen == [B]


def test_user_records_in_one_kinesis_record() -> None:
    """One context common to all is the record's; of several none is. Its neighbours keep theirs."""
    common = aggregated(with_member(A, "1"), with_member(A, "1"))
    mixed = aggregated(with_member(A, "1"), with_member(B, "2"))
    event = kinesis(common, mixed, with_member(B, "3"))
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> Any:
        batch = observe.records(event)
        whole = observe.current()
        for record in batch:
            with record:
                context = observe.current()
                seen.append("batch" if context.trace_id == whole.trace_id else context.trace_id)  # type: ignore[union-attr]
                if len(seen) == 2:
                    raise ValueError
        return batch.reply()

    assert run(event, handler) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert seen == [A, "batch"]


def test_a_loop_that_is_left_and_entered_again_stays_behind_the_failure() -> None:
    """Breaking off after a failure is no way around the order."""
    batch = observe.records(kinesis(b"{}", b"{}", b"{}"))
    for record in batch:
        with record:
            raise ValueError
        break
    assert [record.message_id for record in batch] == []
    assert batch.reply() == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def test_a_stripped_event_is_a_copy() -> None:
    """A test of the function's own may use its event twice."""
    event = kinesis(with_member(A, "1"))
    before = json.dumps(event)
    from observe.handler import instrument

    observed = instrument(lambda event, context: observe.current().trace_id)  # type: ignore[union-attr]
    assert observed(event, LambdaContext()) == observed(event, LambdaContext()) == A
    assert json.dumps(event) == before


@pytest.mark.parametrize("service", ["kinesis", "dynamodb"])
def test_the_end_of_a_window_has_no_record(service: str) -> None:
    """Lambda's last invocation of a tumbling window has its state, and nothing to handle.

    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
    """
    arn = f"arn:aws:{service}:eu-west-1:123456789012:stream/facts"
    event = {"Records": [], "isFinalInvokeForWindow": True, "window": {}, "state": {}, "eventSourceARN": arn}
    assert handled(event, set()) == ({"batchItemFailures": []}, [])
