"""Subscriptions through Kinesis, aggregated or not."""

from __future__ import annotations

import gzip
from hashlib import md5
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.envelope import LogBatch, MalformedEnvelope
from subscribers.inputs import kinesis
from subscribers.inputs.aggregates import user_records
from subscribers.inputs.documents import batches, batches_in
from tests.subscribers.inputs.documents_of import document, raw, text, told, zipped

CONTROL = zipped("CWL CONTROL MESSAGE: Checking health of destination Kinesis.", kind="CONTROL_MESSAGE")


def event(*data: Any) -> dict[str, Any]:
    """An event of a stream's records, with all that Lambda puts around them."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "1",
                    "sequenceNumber": str(n),
                    "data": one,
                    "approximateArrivalTimestamp": 1795231811.5,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000006:{n}",
                "eventName": "aws:kinesis:record",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/logs",
            }
            for n, one in enumerate(data)
        ]
    }


def field(number: int, value: bytes) -> bytes:
    """A length-delimited field of protocol buffers."""
    size, length = b"", len(value)
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + value


def aggregated(*records: bytes) -> bytes:
    """What the Producer Library makes of records: keys, then a record each, with an index of its key."""
    return aggregate(
        field(1, b"a") + b"".join(field(3, b"\x08\x00" + field(3, record)) for record in records)
    )


def aggregate(message: bytes) -> bytes:
    """A message of protocol buffers with what the Producer Library puts around it."""
    return b"\xf3\x89\x9a\xc2" + message + md5(message, usedforsecurity=False).digest()


def test_each_record_is_a_part_with_its_number() -> None:
    """A bad one among them costs nobody else; a plain document is taken, too."""
    given_event = event(text(zipped("a", "b")), "%%%", text(raw("c")), None, text(CONTROL), text(b"line"))
    assert kinesis.is_event(given_event)
    parts = list(kinesis.parts(given_event))
    assert [part.record_id for part in parts] == ["0", "1", "2", "3", "4", "5"]
    assert [told(part.found) for part in parts] == [
        [["a", "b"]],
        ["bad_base64"],
        [["c"]],
        ["bad_base64"],
        [["CWL CONTROL MESSAGE: Checking health of destination Kinesis."]],
        ["bad_gzip"],
    ]
    (batch,) = parts[4].found
    assert isinstance(batch, LogBatch)
    assert batch.is_control
    assert batch.policy_level == "ACCOUNT_LEVEL_POLICY"
    assert (parts[1].data, parts[5].data) == (b"%%%", b"line")


def test_records_that_are_none_are_parts_all_the_same() -> None:
    """Nothing that came is passed over."""
    parts = list(kinesis.parts({"Records": [None, {}, {"kinesis": 5}]}))
    assert [told(part.found) for part in parts] == [["bad_base64"]] * 3


def test_aggregates_are_opened() -> None:
    """A broken one among the user records costs only itself."""
    (part,) = kinesis.parts(
        event(text(aggregated(zipped("a"), b"?", raw("b"), gzip.compress(b"[1]"), zipped("c"))))
    )
    assert told(part.found) == [["a"], "bad_gzip", ["b"], "bad_json", ["c"]]


def test_the_limit_is_of_the_whole_record() -> None:
    """Many user records are no way around it."""
    data = aggregated(*[gzip.compress(raw("x" * 600))] * 5)
    assert told(batches_in(data, 2000)) == [["x" * 600], ["x" * 600], "too_large", "too_large", "too_large"]


def test_plain_user_records_take_no_room() -> None:
    """They are inflated already: neither they nor those behind them are lost to them, and no room is left
    for nothing but a bomb."""
    zipped_one, plain = gzip.compress(raw("a")), raw("b" * 600)
    room = len(raw("a"))
    assert told(batches_in(aggregated(zipped_one, plain, plain), room)) == [["a"], ["b" * 600], ["b" * 600]]
    for spare in (0, 1, 599):
        data = aggregated(zipped_one, plain, gzip.compress(b"{" + b" " * (1 << 20)), plain)
        found = told(batches_in(data, room + spare))
        assert found == [["a"], ["b" * 600], "too_large", ["b" * 600]]


def test_a_user_record_without_data_costs_only_itself() -> None:
    """And so does one whose own structure is broken, in a message that is right."""
    good = field(3, b"\x08\x00" + field(3, zipped("a")))
    for bad in (b"\x08\x00", b"", b"\x1f", b"\x1a\x05ab"):
        found = told(batches_in(aggregate(good + field(3, bad) + good)))
        assert found == [["a"], "bad_aggregate", ["a"]]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_user_records_come_back(records: list[bytes]) -> None:
    """In order, empty ones too."""
    assert user_records(aggregated(*records)) == records


def test_amazons_own_library_agrees() -> None:
    """What it aggregates is read, and what we aggregate it reads."""
    aggregator = pytest.importorskip("aws_kinesis_agg.aggregator", reason="aws_kinesis_agg is not installed")
    deaggregator = pytest.importorskip("aws_kinesis_agg.deaggregator")
    records = [zipped("a"), b"", b"\x00\xff" * 500, zipped(*("b" * 100 for _ in range(50)))]
    made = aggregator.RecordAggregator()
    for n, record in enumerate(records):
        made.add_user_record(f"key-{n}", record, explicit_hash_key=None)
    _, _, data = made.clear_and_get().get_contents()
    assert user_records(data) == records
    ours = event(text(aggregated(*records)))["Records"]
    read = [record["kinesis"]["data"].decode() for record in deaggregator.deaggregate_records(ours)]
    assert read == [text(record) for record in records]


def test_what_only_looks_aggregated_is_an_ordinary_record() -> None:
    """As the library does with a wrong digest; a right digest over rubbish is an error."""
    damaged = aggregated(b"x")[:-1] + b"\0"
    assert user_records(damaged) == [damaged]
    assert user_records(b"\xf3\x89\x9a\xc2") == [b"\xf3\x89\x9a\xc2"]
    for message in (b"\x1a\x05ab", b"\x1f", b"\xff" * 11, b"\x1c"):
        whole = aggregate(message)
        with pytest.raises(MalformedEnvelope, match="bad_aggregate"):
            user_records(whole)
        assert told(batches_in(whole)) == ["bad_aggregate"]


@given(st.binary(max_size=60))
def test_any_structure_is_read_or_refused(message: bytes) -> None:
    """Protocol buffers of any kind: a list of records, or our error."""
    reasons = {part for part in told(batches_in(aggregate(message))) if isinstance(part, str)}
    assert reasons <= {"bad_aggregate", "bad_gzip"}


@given(
    st.lists(st.text(max_size=8) | st.sampled_from(['}{"a', '{"messageType"', "}\n{", "\\"]), max_size=6),
    st.integers(1, 9),
)
def test_documents_without_separators_come_apart(messages: list[str], step: int) -> None:
    """Whatever their messages hold, and however the bytes come."""
    whole = b"".join(raw(message) for message in messages) + b"\n"
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    safe = [message.encode("utf-8", "replace").decode() for message in messages]
    assert told(batches(pieces)) == [[message] for message in safe]


def test_a_broken_document_costs_only_itself() -> None:
    """Between two that are whole, and where the bytes themselves were broken."""
    assert told(batches([raw("a") + b'{"messageType": 5}' + raw("b")])) == [["a"], "bad_shape", ["b"]]
    broken = MalformedEnvelope("bad_gzip", "x")
    assert told(batches([raw("a") + raw("b")[:50], broken, raw("c")])) == [
        ["a"],
        "bad_json",
        "bad_gzip",
        ["c"],
    ]
    assert told(batches([b"x" * 50], 10)) == ["too_large"]


@pytest.mark.parametrize("step", [1, 7, 100, 1000, 100_000])
def test_a_document_that_is_too_long_costs_only_itself(step: int) -> None:
    """However the bytes come; nothing longer than the limit is held."""
    limit = len(raw("a")) + 5
    whole = raw("a") + raw("b" * 9000) + raw("c") + raw("d" * 9000)
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    assert told(batches(pieces, limit)) == [["a"], "too_large", ["c"], "too_large"]
    broken = MalformedEnvelope("bad_gzip", "x")
    assert told(batches([*pieces, broken, raw("e")], limit))[3:] == ["too_large", "bad_gzip", ["e"]]


def test_the_first_that_failed_is_answered() -> None:
    """Lambda begins again there; a record without a number fails the event."""
    three = event("a", "b", "c")
    assert kinesis.failures(three, set()) == {"batchItemFailures": []}
    assert kinesis.failures(three, {"2", "1"}) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert kinesis.failures({"Records": [{}]}, {""}) == {"batchItemFailures": [{"itemIdentifier": ""}]}


def test_other_events_are_none() -> None:
    """What has records of another kind, or none."""
    assert not any(
        map(kinesis.is_event, [None, [], {}, {"Records": []}, {"Records": [{"s3": {}}]}, {"Records": 5}])
    )
    assert document("x")["logEvents"]
