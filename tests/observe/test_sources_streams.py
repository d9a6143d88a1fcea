"""EventBridge, Pipes, Kinesis and Firehose: what their events carry, and what they look like when damaged."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.services import eventbridge, firehose, kinesis, member, source_of
from observe.splice import leading
from tests.observe.sources import EVENTS, TRACEPARENT, event_of, told

PAYLOAD = json.dumps({"_observe": {"traceparent": TRACEPARENT}, "name": "ë"}, ensure_ascii=False).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _varint(value: int) -> bytes:
    more, low = value >> 7, value & 127
    return bytes([low | 128]) + _varint(more) if more else bytes([low])


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def aggregated(*parts: bytes) -> bytes:
    """What the Kinesis Producer Library makes of these user records: keys, hash keys, records and tags."""
    message = _field(1, b"partition") + _field(2, b"340282366920938463463374607431768211455")
    for part in parts:
        record = _varint(8) + _varint(0) + _varint(16) + _varint(0) + _field(3, part)
        message += _field(3, record + _field(4, _field(1, b"tag")))
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message, usedforsecurity=False).digest()


def _kinesis(data: object) -> dict[str, Any]:
    return {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": data, "sequenceNumber": "1"}}]}


def test_an_events_id_is_its_receipt() -> None:
    """PutEvents returned the event's ID; AWS's own events tell of a request or execution besides."""
    (record,) = eventbridge.records(event_of("eventbridge"))
    assert (record.message_id, record.receipts) == ("6a7e8feb-b491-4cf7-a9f1-bf3703467718", ())
    (record,) = eventbridge.records(event_of("eventbridge-s3"))
    assert record.receipts == ("N4N7GDK58NMKJ12R",)
    arn = "arn:aws:states:eu-west-1:1:execution:m:1"
    event = {**event_of("eventbridge"), "source": "aws.states", "detail": {"executionArn": arn}}
    assert eventbridge.records(event)[0].receipts == (arn,)


def test_a_destinations_event_is_read_through_a_bus() -> None:
    """What an asynchronous invocation was given is found in the event that tells of its end."""
    (record,) = eventbridge.records(event_of("eventbridge-destination"))
    assert record.headers["x-correlation-id"] == "CLM-1"
    assert record.message_id == "33334444-aaaa-bbbb-cccc-ddddeeeeffff"


def test_a_schedule_is_a_timer() -> None:
    """Rules' schedules and EventBridge Scheduler's start an invocation by the clock."""
    for name in ("schedule-rule", "schedule-scheduler"):
        source = source_of(event_of(name))
        assert source is not None
        assert source.trigger == "timer"


@pytest.mark.parametrize("name", [name for name in EVENTS if name.startswith("pipes-")])
def test_a_pipe_hands_over_what_its_source_would_have(name: str) -> None:
    """Every record of a pipe has the context and, where there is one, the ID that its service gives it."""
    event: Any = event_of(name)
    source = source_of(event)
    assert source is eventbridge.PIPES
    records = source.records(event * 2)
    assert [record.headers.get("traceparent") for record in records] == [TRACEPARENT] * 2
    assert bool(records[0].message_id) == (name != "pipes-rabbitmq")


def test_an_aggregate_is_several_records() -> None:
    """The records that the Kinesis Producer Library put into one are read one by one."""
    event = _kinesis(_base64(aggregated(PAYLOAD, b"plain", b"", PAYLOAD)))
    found = kinesis.records(event)
    assert [record.headers.get("traceparent") for record in found] == [TRACEPARENT, None, None, TRACEPARENT]
    assert {record.message_id for record in found} == {"1"}


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_aggregation_is_undone(parts: list[bytes]) -> None:
    """Whatever the user records are, they come out as they were put in."""
    assert kinesis.user_records(aggregated(*parts)) == parts


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_aggregate_yields_what_came_before(noise: bytes, at: int, byte: int) -> None:
    """Cut, changed or random bytes behind the magic never raise, and there is always a record."""
    whole = bytearray(aggregated(PAYLOAD, b"x" * 200))
    whole[min(at, len(whole) - 1)] = byte
    for data in (bytes(whole), bytes(whole[:at]), b"\xf3\x89\x9a\xc2" + noise):
        assert kinesis.records(_kinesis(_base64(data)))


def test_an_aggregate_of_many_records_is_bounded() -> None:
    """A record that says it has any number of others has a thousand."""
    whole = aggregated(*[b""] * (kinesis.USER_RECORDS_MAX + 5))
    assert len(kinesis.user_records(whole)) == kinesis.USER_RECORDS_MAX


@pytest.mark.parametrize("size", [0, 100, 10_000, 1_000_000])
def test_only_the_lead_of_a_payload_is_read(size: int) -> None:
    """Ours is the first member, so that the length of the rest does not matter."""
    data = PAYLOAD[:-1] + b',"rest":"' + b"x" * size + b'"}'
    (record,) = kinesis.records(_kinesis(_base64(data)))
    assert record.headers == {"traceparent": TRACEPARENT}


def test_what_other_libraries_put_into_payloads_is_read() -> None:
    """A member of the Node functions of the same company, behind others, and in any case of its letters."""
    data = b'\n {"claim": 1.10, "__context__": {"x-correlation-id": "CLM-1"}}'
    (record,) = kinesis.records(_kinesis(_base64(data)))
    assert record.headers == {"x-correlation-id": "CLM-1"}


@pytest.mark.parametrize("data", [None, 3, "", "%%%", "e", "ew==", _base64(b"[1]"), _base64(b"{_observe")])
def test_data_of_any_kind_carries_nothing(data: object) -> None:
    """What is no base64 or no JSON object is one record without headers."""
    assert [record.headers for record in kinesis.records(_kinesis(data))] == [{}]
    event = {"deliveryStreamArn": "arn", "records": [{"recordId": "r", "data": data}]}
    assert [record.message_id for record in firehose.records(event)] == ["r"]


def test_firehose_tells_the_streams_number_where_there_is_one() -> None:
    """The sequence number is what PutRecord returned to whoever wrote to the stream."""
    (record,) = firehose.records(event_of("firehose-kinesis"))
    assert record.message_id.startswith("4959")
    assert [record.message_id for record in firehose.records(event_of("firehose"))] == ["record1", "record2"]


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=6), st.integers(0, 80)
)
def test_the_lead_of_an_object_is_the_beginning_of_it(document: dict[str, Any], at: int) -> None:
    """However an object is cut off, what is read of it is true of the whole."""
    text = json.dumps(document)
    assert leading(text, 100) == document
    found = leading(text[:at], 100)
    for name, value in found.items():
        # A number that was cut off is a shorter number.
        assert document[name] == value or str(document[name]).startswith(str(value))


@given(st.binary(max_size=200))
def test_reading_a_payload_never_raises(data: bytes) -> None:
    """Any bytes have headers, most often none."""
    assert isinstance(member.headers_of(b'{"_observe":' + data), dict)
    assert member.headers_of(data) == {} or b"{" in data


def test_the_end_of_a_window_is_the_streams_without_a_record() -> None:
    """The event itself names the stream or the table; nothing came that could carry a context."""
    event = event_of("kinesis-window-end")
    table = "arn:aws:dynamodb:eu-west-1:1:table/claims/stream/2026-11-20T12:45:07.000"
    for arn, name, destination in (
        (event["eventSourceARN"], "Kinesis", "messaging.destination.name"),
        (table, "DynamoDB", "faas.document.collection"),
    ):
        source = source_of({**event, "eventSourceARN": arn})
        assert source is not None
        assert (source.name, source.records(event)) == (name, [])
        assert source.describe({**event, "eventSourceARN": arn})[0] == "process claims"
        assert told({**event, "eventSourceARN": arn})[destination] == "claims"
        assert told({**event, "eventSourceARN": arn})["messaging.batch.message_count"] == 0
    assert source_of({**event, "eventSourceARN": "arn:aws:sqs:eu-west-1:1:q"}) is None
    assert source_of({name: value for name, value in event.items() if name != "Records"}) is None


def test_a_consumer_with_enhanced_fan_out_reads_the_same_stream() -> None:
    """Its ARN goes on behind the stream's name."""
    event = event_of("kinesis")
    event["Records"][0]["eventSourceARN"] += "/consumer/assess-claim:1795231810"
    assert told(event)["messaging.destination.name"] == "claims"


def test_a_user_record_without_data_is_one() -> None:
    """It has a place among the others, and counts among those that an aggregate may have."""
    empty = _field(3, _varint(8) + _varint(0))
    whole = b"\xf3\x89\x9a\xc2" + empty + _field(3, _field(3, b"x")) + b"\0" * 16
    assert kinesis.user_records(whole) == [b"", b"x"]
    many = b"\xf3\x89\x9a\xc2" + empty * (kinesis.USER_RECORDS_MAX + 5) + b"\0" * 16
    assert len(kinesis.user_records(many)) == kinesis.USER_RECORDS_MAX
