"""Firehose's transform contract."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.inputs import firehose
from subscribers.inputs.documents import batches_in
from subscribers.inputs.firehose import Outcome
from tests.subscribers.inputs.documents_of import raw, text, told, zipped

ARN = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/logs"


def event(*data: bytes, stream: str = "") -> dict[str, Any]:
    """An event as Firehose sends it; of a Kinesis stream where one is named."""
    records: list[dict[str, Any]] = [
        {"recordId": f"r{n}", "approximateArrivalTimestamp": 1795231811500, "data": text(one)}
        for n, one in enumerate(data)
    ]
    if not stream:
        return {"invocationId": "i", "deliveryStreamArn": ARN, "region": "eu-west-1", "records": records}
    for n, record in enumerate(records):
        record["kinesisRecordMetadata"] = {"sequenceNumber": str(n), "partitionKey": f"k{n}", "shardId": "s"}
    return {"deliveryStreamArn": ARN, "sourceKinesisStreamArn": stream, "records": records}


def results(made: dict[str, Any]) -> list[str]:
    return [record["result"] for record in made["records"]]


def test_the_usual_outcomes() -> None:
    """Lines are Ok, control messages Dropped, what cannot be read is ProcessingFailed."""
    given_event = event(zipped("a"), zipped("c", kind="CONTROL_MESSAGE"), b"?")
    assert firehose.is_event(given_event)
    parts = list(firehose.parts(given_event))
    assert [told(part.found) for part in parts] == [[["a"]], [["c"]], ["bad_gzip"]]
    outcomes = {part.record_id: firehose.outcome_of(part, b'{"x":1}') for part in parts}
    made = firehose.reply(given_event, outcomes)
    assert firehose.settled(made) == {
        "records": [
            {"recordId": "r0", "result": "Ok", "data": text(b'{"x":1}\n')},
            {"recordId": "r1", "result": "Dropped"},
            {"recordId": "r2", "result": "ProcessingFailed"},
        ]
    }
    assert (made.again, made.stream_arn, made.is_kinesis) == ((), ARN, False)


def test_what_has_no_outcome_failed() -> None:
    """A record that nobody thought of is kept by Firehose, never lost."""
    assert results(firehose.settled(firehose.reply(event(b"a"), {}))) == ["ProcessingFailed"]


def test_the_tail_is_put_again() -> None:
    """As it came, and Dropped; what the stream refused is ProcessingFailed."""
    given_event = event(*[zipped(str(n)) for n in range(5)])
    outcomes = {f"r{n}": Outcome("Ok", b"x" * 300) for n in range(5)}
    made = firehose.reply(given_event, outcomes, limit=1400)
    assert results(firehose.settled(made)) == ["Ok", "Ok", "Dropped", "Dropped", "Dropped"]
    (call,) = made.again
    assert [(put.record_id, put.data) for put in call] == [(f"r{n}", zipped(str(n))) for n in (2, 3, 4)]
    assert results(firehose.settled(made, {"r3"})) == ["Ok", "Ok", "Dropped", "ProcessingFailed", "Dropped"]


def test_a_source_stream_is_put_to_with_its_keys() -> None:
    """Where Firehose reads from Kinesis, the record goes back to its shard."""
    made = firehose.reply(
        event(zipped("a"), zipped("b"), stream=STREAM),
        {f"r{n}": Outcome("Ok", b"x" * 200) for n in (0, 1)},
        limit=460,
    )
    assert (made.stream_arn, made.is_kinesis) == (STREAM, True)
    assert [put.partition_key for call in made.again for put in call] == ["k1"]


def test_one_that_never_fits_is_put_as_two() -> None:
    """Its events are halved, the others are not held up; a single event cannot be, and failed."""
    given_event = event(zipped("a", "b", "c"), zipped("one"), zipped("d"))
    outcomes = {"r0": Outcome("Ok", b"x" * 2000), "r1": Outcome("Ok", b"x" * 2000), "r2": Outcome("Ok", b"y")}
    made = firehose.reply(given_event, outcomes, limit=1500)
    assert results(firehose.settled(made)) == ["Dropped", "ProcessingFailed", "Ok"]
    assert [told(batches_in(put.data)) for call in made.again for put in call] == [[["a"]], [["b", "c"]]]
    assert {put.record_id for call in made.again for put in call} == {"r0"}


def test_one_that_fits_beside_no_others_is_put_as_two() -> None:
    """It would fit alone, but comes with so many record IDs: put as it came it would come back for ever."""
    given_event = event(zipped("a", "b"), *[zipped("c")] * 20)
    outcomes = {f"r{n}": Outcome("Ok", b"x" * (900 if n == 0 else 3)) for n in range(21)}
    made = firehose.reply(given_event, outcomes, limit=2000)
    assert results(firehose.settled(made)) == ["Dropped"] + ["Ok"] * 20
    assert [told(batches_in(put.data)) for call in made.again for put in call] == [[["a"]], [["b"]]]
    assert results(firehose.settled(firehose.reply(event(zipped("a", "b")), outcomes, limit=2000))) == ["Ok"]


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 400)), min_size=1, max_size=20))
def test_every_round_settles_something(records: list[tuple[int, int]]) -> None:
    """Put again and again, alone or with the others, everything is delivered or told to have failed."""
    limit, rounds = 2500, 0
    waiting = [zipped(*(f"{n} {line}" for line in range(lines))) for n, (lines, _) in enumerate(records)]
    sizes = {f"{n} {line}": size for n, (lines, size) in enumerate(records) for line in range(lines)}
    seen: list[str] = []
    while waiting:
        given_event = event(*waiting)
        lines = {part.record_id: told(part.found)[0] for part in firehose.parts(given_event)}
        made = firehose.reply(
            given_event,
            {name: Outcome("Ok", b"x" * sum(sizes[line] for line in held)) for name, held in lines.items()},
            limit=limit,
        )
        for record in firehose.settled(made)["records"]:
            seen += lines[record["recordId"]] if record["result"] != "Dropped" else []
        waiting = [put.data for call in made.again for put in call]
        rounds += 1
        assert rounds < 200
    assert sorted(seen) == sorted(sizes)


def test_events_of_a_record_are_counted() -> None:
    """As the ledger counts them: lines, and each broken part."""
    assert firehose.events_in(zipped("a", "b")) == 2
    assert firehose.events_in(raw("a") + b'{"messageType": 5}' + raw("b", "c")) == 4
    assert firehose.events_in(b"?") == 1
    assert firehose.events_in(zipped()) == 0


def test_what_the_stream_would_not_take_failed() -> None:
    """Firehose takes records of 1,000 KiB."""
    big = bytes(range(256)) * 4100
    made = firehose.reply(
        event(b"a", big), {"r0": Outcome("Ok", b"x" * 90), "r1": Outcome("Ok", b"x" * 100)}, limit=300
    )
    assert results(firehose.settled(made)) == ["Ok", "ProcessingFailed"]
    assert made.again == ()


def test_calls_have_the_services_limits() -> None:
    """At most 500 records and 4 MiB each."""
    given_event = event(*[b"a" * 10] * 1101, *[b"b" * 900_000] * 6)
    outcomes = {record["recordId"]: Outcome("Ok", b"x" * 9000) for record in given_event["records"]}
    made = firehose.reply(given_event, outcomes, limit=120_000)
    assert sum(map(len, made.again)) == results(firehose.settled(made)).count("Dropped") > 1000
    assert all(len(call) <= 500 and sum(len(put.data) for put in call) <= 4 << 20 for call in made.again)


@given(
    st.lists(
        st.tuples(st.sampled_from(["Ok", "Dropped", "ProcessingFailed", ""]), st.integers(0, 900)),
        max_size=12,
    ),
    st.integers(900, 4000),
    st.booleans(),
)
def test_every_record_is_answered_once_within_the_limit(
    wanted: list[tuple[Any, int]], limit: int, is_kinesis: bool
) -> None:
    """Whatever the sizes are: nothing is lost, and what is Ok is delivered as it is, a line."""
    given_event = event(*[zipped(str(n)) for n in range(len(wanted))], stream=STREAM if is_kinesis else "")
    given_event["records"] += given_event["records"][:1]
    outcomes = {f"r{n}": Outcome(result, b"x" * size) for n, (result, size) in enumerate(wanted) if result}
    made = firehose.reply(given_event, outcomes, limit=limit)
    answer = firehose.settled(made)
    assert [record["recordId"] for record in answer["records"]] == [f"r{n}" for n in range(len(wanted))]
    assert len(json.dumps(answer, separators=(",", ":"))) <= limit
    again = {put.record_id for call in made.again for put in call}
    for record, (result, size) in zip(answer["records"], wanted, strict=True):
        if record["result"] == "Ok":
            assert base64.b64decode(record["data"]) == (b"x" * size + b"\n" if size else b"")
        elif record["recordId"] in again:
            assert (result, record["result"]) == ("Ok", "Dropped")
        else:
            assert record["result"] in (result or "ProcessingFailed", "ProcessingFailed")


@pytest.mark.parametrize("records", [[None], [{}], [{"recordId": 5}]])
def test_records_without_an_id_cannot_be_answered(records: list[Any]) -> None:
    """They are parts, so that they are stored; an answer needs an ID."""
    given_event = {"deliveryStreamArn": ARN, "records": records}
    assert [part.record_id for part in firehose.parts(given_event)] == [""]
    assert firehose.settled(firehose.reply(given_event, {})) == {"records": []}


def test_other_events_are_none() -> None:
    """Without a stream, or without records."""
    assert not any(map(firehose.is_event, [None, {}, {"deliveryStreamArn": ARN}, {"records": []}]))
