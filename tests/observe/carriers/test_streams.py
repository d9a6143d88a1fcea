"""EventBridge, Kinesis and Firehose: events and records."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from observe.context import extract
from observe.services import firehose, kinesis
from observe.testing import Lines
from tests.observe.carriers.arbitrary import File
from tests.observe.carriers.cases import (
    CONTEXT,
    Params,
    fresh_name,
    made,
    read_bus,
    read_delivery,
    read_stream,
    receipts_in,
)


def test_an_event_goes_over_a_bus(lines: Lines, client: Callable[[str], Any]) -> None:
    """What PutEvents sends has the context and the rest of the detail; its span has the event's ID."""
    events = client("events")
    bodies: list[bytes] = []
    events.meta.events.register(
        "before-send.events.PutEvents", lambda request, **_: bodies.append(request.body)
    )
    entry = {"Source": "claims", "DetailType": "t", "Detail": '{"claim": "ë", "n": 1.10}'}
    reply = made(lambda: events.put_events(Entries=[entry]))
    sent = json.loads(bodies[0])
    own, put = lines.spans
    assert extract(read_bus(sent)).span_id == put["spanId"]
    assert sent["Entries"][0]["Detail"].endswith(entry["Detail"][1:])
    assert f"Parent={put['spanId']}" in sent["Entries"][0]["TraceHeader"]
    assert put["attributes"]["messaging.message.id"] == reply["Entries"][0]["EventId"]
    assert (put["name"], put["parentSpanId"]) == ("send default", own["spanId"])
    assert receipts_in(lines) == []
    reply = made(lambda: events.put_events(Entries=[entry, entry]))
    (told,) = receipts_in(lines)
    assert told["receipts"]["ids"] == [each["EventId"] for each in reply["Entries"]]


def test_records_go_through_a_stream(opted: None, lines: Lines, client: Callable[[str], Any]) -> None:
    """Each record is read with the context, and the receipts of a batch are its sequence numbers."""
    stream = client("kinesis")
    name = fresh_name()
    stream.create_stream(StreamName=name, ShardCount=1)
    records = [{"Data": b'{"n": 1.10}', "PartitionKey": "1"}, {"Data": b"text", "PartitionKey": "1"}]
    made(lambda: stream.put_record(StreamName=name, **records[0]))
    made(lambda: stream.put_records(StreamName=name, Records=records))
    shard = stream.describe_stream(StreamName=name)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = stream.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found = stream.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert [extract(read_stream(record)).correlation_id == "CLM-1" for record in found] == [True, True, False]
    assert [b'"n": 1.10' in record["Data"] for record in found] == [True, True, False]
    (told,) = receipts_in(lines)
    assert told["receipts"] == {
        "service": "kinesis",
        "operation": "PutRecords",
        "ids": [record["SequenceNumber"] for record in found[1:]],
    }
    single = next(span for span in lines.spans if "messaging.message.id" in span["attributes"])
    assert single["attributes"]["messaging.message.id"] == found[0]["SequenceNumber"]


def test_records_go_through_a_delivery_stream(
    opted: None, lines: Lines, client: Callable[[str], Any]
) -> None:
    """What Firehose delivers has the member, and each record's ID is told."""
    s3, delivery = client("s3"), client("firehose")
    name = fresh_name()
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    target = {"RoleARN": "arn:aws:iam::123456789012:role/r", "BucketARN": f"arn:aws:s3:::{name}"}
    delivery.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=target)
    made(lambda: delivery.put_record(DeliveryStreamName=name, Record={"Data": b'{"n": 1.10}'}))
    reply = made(lambda: delivery.put_record_batch(DeliveryStreamName=name, Records=[{"Data": "{}"}]))
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=name)["Contents"]]
    found = [s3.get_object(Bucket=name, Key=key)["Body"].read() for key in keys]
    assert all(extract(read_delivery({"Data": data})).correlation_id == "CLM-1" for data in found)
    assert any(data.endswith(b'"n": 1.10}') for data in found)
    (told,) = receipts_in(lines)
    assert told["receipts"]["ids"] == [reply["RequestResponses"][0]["RecordId"]]


#: Two records as the Kinesis Producer Library aggregates them: magic, protocol buffers, MD5.
AGGREGATE = b"\xf3\x89\x9a\xc2" + b"\x0a\x01k\x1a\x06\x08\x00\x1a\x02{}" * 2 + b"\x00" * 16


@pytest.mark.parametrize(
    "data", [AGGREGATE, gzip.compress(b"{}", mtime=0), b'{"a":1}\n{"a":2}\n', b"a,b\n", b""]
)
def test_what_is_not_one_json_object_is_not_touched(opted: None, data: bytes) -> None:
    """Aggregates, compressed data, lines and text: neither data nor hash key is another one."""
    record = {"Data": data, "PartitionKey": "1", "ExplicitHashKey": "7"}
    params = {"StreamName": "s", "Records": [record]}
    assert kinesis.PUT.carry({"StreamName": "s", **record}, CONTEXT) == {"StreamName": "s", **record}
    assert kinesis.PUT_BATCH.carry(params, CONTEXT) == params
    assert firehose.PUT_BATCH.carry({"Records": [{"Data": data}]}, CONTEXT) == {"Records": [{"Data": data}]}
    assert kinesis.PUT_BATCH.lost(params, CONTEXT) == "not_json"


def test_beside_a_file_nothing_grows(opted: None) -> None:
    """Of a file nobody knows the length: the request may have no room left."""
    records: list[Params] = [{"Data": b"{}", "PartitionKey": "1"}, {"Data": File(), "PartitionKey": "1"}]
    for carrier in (kinesis.PUT_BATCH, firehose.PUT_BATCH):
        assert carrier.carry({"Records": records}, CONTEXT) == {"Records": records}
        assert carrier.lost({"Records": records}, CONTEXT) == "too_large"
