"""Firehose's transformation through the handler, and events of any shape."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.local.moto_server import MotoServer
from subscribers.aws import Aws
from subscribers.inputs.objects import SourceError
from subscribers.store_errors import StoreError
from tests.subscribers.inputs.documents_of import text, zipped
from tests.subscribers.sink import Memory
from tests.subscribers.test_handler_inputs import FULL, handled, messages, said, told

# --- Firehose -------------------------------------------------------------------------------


def delivery(arn: str, *records: bytes) -> dict[str, Any]:
    """An event of Firehose."""
    return {
        "invocationId": "i",
        "deliveryStreamArn": arn,
        "region": "eu-west-1",
        "records": [
            {"recordId": f"r{n}", "approximateArrivalTimestamp": 1, "data": text(data)}
            for n, data in enumerate(records)
        ],
    }


ARN = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs"


def test_firehose_gets_documents_and_the_sink_signals(capsys: pytest.CaptureFixture[str]) -> None:
    """Ok with a document a line, Dropped for control messages, ProcessingFailed for what is broken."""
    sink = Memory()
    event = delivery(ARN, zipped("a", "b"), zipped("c", kind="CONTROL_MESSAGE"), b"?")
    reply = handled(event, sink)
    assert [(r["recordId"], r["result"]) for r in reply["records"]] == [
        ("r0", "Ok"),
        ("r1", "Dropped"),
        ("r2", "ProcessingFailed"),
    ]
    documents = [json.loads(line) for line in base64.b64decode(reply["records"][0]["data"]).splitlines()]
    assert [(d["event.id"], d["message"]) for d in documents] == [
        (event_id, message) for event_id, message in zip(sink.signals, ["a", "b"], strict=True)
    ]
    assert messages(sink) == ["a", "b"]
    assert [reason for reason, _, _ in sink.dead] == ["bad_gzip"]
    assert said(capsys)["ledger"]["received"] == 4


def test_what_makes_the_reply_too_large_is_put_again(
    moto: MotoServer, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tail goes to the stream as it came, unread, and is settled when it comes back."""
    client = moto.client("kinesis")
    client.create_stream(StreamName="tail", ShardCount=1)
    arn = client.describe_stream_summary(StreamName="tail")["StreamDescriptionSummary"]["StreamARN"]
    large = zipped(*(f"{n} " + "x" * 20_000 for n in range(100)))
    event = {**delivery(ARN, large, large, large, zipped("tail")), "sourceKinesisStreamArn": arn}
    sink = Memory()
    reply = handled(event, sink, aws)
    assert [record["result"] for record in reply["records"]] == ["Ok", "Ok", "Dropped", "Dropped"]
    assert len(json.dumps(reply)) < 6 * 1024 * 1024
    assert sum(row["received"] for row in sink.ledgers) == 200
    assert said(capsys)["put_again"] == 2
    (shard,) = client.list_shards(StreamName="tail")["Shards"]
    at = client.get_shard_iterator(
        StreamName="tail", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    found = client.get_records(ShardIterator=at["ShardIterator"])["Records"]
    assert [record["Data"] for record in found] == [large, zipped("tail")]


def test_what_the_stream_refuses_is_stored(aws: Aws) -> None:
    """And Firehose keeps it as failed."""
    large = zipped(*(f"{n} " + "x" * 20_000 for n in range(100)))
    sink = Memory()
    reply = handled(delivery(ARN.replace("logs", "none"), large, large, large), sink, aws)
    assert [record["result"] for record in reply["records"]] == ["Ok", "Ok", "ProcessingFailed"]
    assert [(reason, document) for reason, document, _ in sink.dead] == [("put_refused", large)]
    assert [(row["delivered"], row["stored"]) for row in sink.ledgers] == [(100, 0), (100, 0), (0, 100)]


def test_firehose_retries_what_the_sink_cannot_take(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was put again before that."""
    with pytest.raises(StoreError):
        handled(delivery(ARN, zipped("a")), Memory(FULL))
    assert said(capsys)["level"] == "ERROR"


# --- Anything -------------------------------------------------------------------------------


class Nothing:
    """A source in which nothing is, and a stream that takes nothing."""

    def read(self, found: Any) -> Iterator[bytes]:
        raise SourceError("unreachable", "nothing here")

    def put(self, made: Any) -> list[Any]:
        return [again for call in made.again for again in call]


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
records = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "kinesis": st.fixed_dictionaries({"data": trees, "sequenceNumber": trees}) | trees,
            "recordId": trees,
            "data": st.sampled_from([text(zipped("a")), text(b"x"), "?"]) | trees,
            "body": st.sampled_from(["{}", json.dumps(told("b", "k"))]) | trees,
            "messageId": trees,
            "s3": trees,
        },
    )
    | trees,
    max_size=3,
)
events = st.fixed_dictionaries(
    {},
    optional={
        "Records": records | trees,
        "records": records | trees,
        "deliveryStreamArn": trees,
        "awslogs": trees,
        "Items": trees,
        "detail": trees,
        "Key": trees,
    },
)


@given(events | trees)
def test_no_event_is_lost(event: Any) -> None:
    """Whatever comes is answered, stored, or fails as what cannot be read now."""
    sink = Memory()
    try:
        handled(event, sink, Nothing())
    except SourceError:
        return
    for row in sink.ledgers:
        assert row["received"] == row["delivered"] + row["stored"] + row["dropped"]
    # Nothing comes in with an empty batch of a map's items, or of Firehose's records.
    is_empty = isinstance(event, dict) and ("deliveryStreamArn" in event or event.get("Items") == [])
    assert sink.ledgers or is_empty
