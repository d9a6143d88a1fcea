"""Firehose: rows of the tables on their way to the lake."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.local.moto_server import MotoServer
from subscribers.aws import Aws
from subscribers.http import AwsEdge
from subscribers.ledger import Ledger
from subscribers.signals import Signal
from subscribers.sinks.channel import Item, Limits, Refusal, Response, Verdict
from subscribers.sinks.firehose import LIMITS, RECORD_BYTES, FirehoseTable, make_firehose
from subscribers.tables import TABLES, date_of, ledger_row, row, table_of
from tests.subscribers.samples import T0, log, metric, span
from tests.subscribers.test_tables import logs, spans

STREAMS = {"logs": "l", "spans": "s", "metrics": "m", "ledger": "g"}
DAY_NS = 86_400 * 10**9
LOGS, SPANS, METRICS, LEDGER = make_firehose("f", {"streams": STREAMS})


@pytest.fixture
def stream(moto: MotoServer, aws: Aws) -> Iterator[str]:
    """A delivery stream into a bucket."""
    s3, firehose = moto.client("s3"), moto.client("firehose")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": moto.region})
    role = "arn:aws:iam::123456789012:role/firehose"
    firehose.create_delivery_stream(
        DeliveryStreamName="lake-logs",
        ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": "arn:aws:s3:::lake"},
    )
    yield "lake-logs"
    firehose.delete_delivery_stream(DeliveryStreamName="lake-logs")


def test_rows_reach_the_bucket(moto: MotoServer, stream: str) -> None:
    """Firehose takes them, and the bucket has a line of JSON each, with the columns and the partition."""
    signals = [log("a"), log("b", time_unix_nano=T0 + DAY_NS), log("c", message="é\nend")]
    (made,) = make_firehose("f", {"streams": {"logs": stream}, "region": moto.region})
    items = list(made.items([*signals, span("s"), metric("m")]))
    assert made.verdict(items, AwsEdge().send(made.request(items))) == Verdict()
    s3 = moto.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="lake")["Contents"]]
    text = b"".join(s3.get_object(Bucket="lake", Key=key)["Body"].read() for key in keys).decode()
    told = {found["event_id"]: found for found in map(json.loads, text.splitlines())}
    assert told == {s.event_id: {**row(s), "date": date_of(table_of(s), row(s))} for s in signals}


def test_a_stream_that_is_not_there(moto: MotoServer, aws: Aws) -> None:
    """Somebody must mend it; no retry does."""
    (made,) = make_firehose("f", {"streams": {"logs": "none"}, "region": moto.region})
    items = list(made.items([log("a")]))
    verdict = made.verdict(items, AwsEdge().send(made.request(items)))
    assert {refusal.reason for refusal in verdict.rejected.values()} == {"not_found"}


def test_a_channel_a_table() -> None:
    """Each signal goes to its table's stream, as far as there is one and it is wanted."""
    signals: list[Signal] = [log("a"), span("a"), metric("a")]
    told = {
        made.name: [item.event_id for item in made.items(signals)] for made in (LOGS, SPANS, METRICS, LEDGER)
    }
    assert told == {"logs": ["log-a"], "spans": ["span-a"], "metrics": ["metric-a"], "ledger": []}
    only = make_firehose("f", {"streams": STREAMS, "signals": ["spans", "ledger"], "max_items": 3})
    assert [(made.name, made.stream, made.limits) for made in only] == [
        ("spans", "s", Limits(LIMITS.bytes, 3, LIMITS.item_bytes)),
        ("ledger", "g", Limits(LIMITS.bytes, 3, LIMITS.item_bytes)),
    ]


def test_rows_of_the_ledger() -> None:
    """The ledger's channel takes them; no other does."""
    values = ledger_row(Ledger(sink="es", received=2, delivered=2), "p", T0)
    (item,) = LEDGER.ledger_items([values])
    assert item.event_id == values["event_id"]
    assert json.loads(item.body) == {**values, "date": "2023-11-14"}
    assert list(LOGS.ledger_items([values])) == []


@given(st.lists(logs() | spans(), max_size=8))
def test_every_row_is_in_one_record(signals: list[Signal]) -> None:
    """A law: each row once, a line each, with the columns of its table; a record has one day."""
    for made in (LOGS, SPANS):
        items = list(made.items(signals))
        if not items:
            continue
        records = [record["Data"] for record in made.request(items).parameters["Records"]]
        assert all(record.endswith(b"\n") for record in records)
        rows = [[json.loads(line) for line in record.decode().split("\n")[:-1]] for record in records]
        assert all(len({found["date"] for found in some}) == 1 for some in rows)
        told = sorted(found["event_id"] for found in chain(*rows))
        assert told == sorted(s.event_id for s in signals if table_of(s) is made.table)
        columns = {column.name for column in (*made.table.columns, made.table.partition)}
        assert all(set(found) == columns for found in chain(*rows))


def test_small_rows_share_a_record_and_large_ones_do_not() -> None:
    """A record is billed as 5 KB at least; one that is refused should not be large."""
    items = list(LOGS.items(log(str(i), message="x" * 1000) for i in range(500)))
    records = LOGS.request(items).parameters["Records"]
    assert len(records) == -(-sum(len(item.body) + 1 for item in items) // RECORD_BYTES)
    assert max(len(record["Data"]) for record in records) <= RECORD_BYTES
    large = list(LOGS.items(log(str(i), message="x" * RECORD_BYTES) for i in range(3)))
    assert len(LOGS.request(large).parameters["Records"]) == 3


def test_what_is_no_number_is_one_for_java() -> None:
    """Firehose reads rows by Java, which has its own names."""
    found = [
        json.loads(item.body)["value"]
        for item in METRICS.items(metric(str(value), value) for value in (math.nan, math.inf, -math.inf, 1.5))
    ]
    assert found == ["NaN", "Infinity", "-Infinity", 1.5]


#: Two days, and so two records: of the first and third row, and of the second.
ITEMS = [Item("a", b"{}", b'"1"'), Item("b", b"{}", b'"2"'), Item("c", b"{}", b'"1"')]
TAKEN = {"RecordId": "1"}
BUSY = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}


def told(*responses: Any) -> Response:
    failed = sum("ErrorCode" in str(found) for found in responses)
    return Response(status=200, result={"FailedPutCount": failed, "RequestResponses": list(responses)})


def test_verdicts_by_record() -> None:
    """All rows of a record that was not taken come again, or never will; the others were delivered."""
    assert LOGS.verdict(ITEMS, told(TAKEN, TAKEN)) == Verdict()
    busy = Refusal("unavailable", 0, "ServiceUnavailableException: Slow down.")
    assert LOGS.verdict(ITEMS, told(BUSY, TAKEN)) == Verdict(retry={0: busy, 2: busy})
    verdict = LOGS.verdict(ITEMS, told(TAKEN, {"ErrorCode": "Odd", "ErrorMessage": "?"}))
    assert verdict == Verdict(rejected={1: Refusal("odd", 0, "Odd: ?")})


@pytest.mark.parametrize(
    "response",
    [told(), told(TAKEN), told(TAKEN, TAKEN, TAKEN), told({}, {}), told("", None), Response(status=200)],
)
def test_a_success_that_does_not_say_so_of_each(response: Response) -> None:
    """What nobody confirmed is sent again: views keep one row an ID."""
    verdict = LOGS.verdict(ITEMS, response)
    assert {refusal.reason for refusal in verdict.retry.values()} == {"bad_response"}
    assert (set(verdict.retry), verdict.rejected) == ({0, 1, 2}, {})


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(status=503, error_code="ServiceUnavailableException"), "unavailable"),
        (Response(status=400, error_code="ThrottlingException"), "throttled"),
        (Response(status=500, error_code="InternalFailure"), "server_error"),
        (Response(fault="read_timeout"), "read_timeout"),
    ],
)
def test_calls_that_are_made_again(response: Response, reason: str) -> None:
    """Throttling, faults, and unknown outcomes."""
    verdict = LOGS.verdict(ITEMS, response)
    assert {refusal.reason for refusal in verdict.retry.values()} == {reason}


RESPONSE = (
    st.none() | st.just(TAKEN) | st.just(BUSY) | st.fixed_dictionaries({"ErrorCode": st.text(max_size=5)})
)


@given(st.integers(100, 599), st.lists(RESPONSE, max_size=4))
def test_any_answer_has_a_verdict(status: int, responses: list[Any]) -> None:
    """A law: rows that are not named are those of records with an ID."""
    verdict = LOGS.verdict(ITEMS, Response(status=status, result={"RequestResponses": responses}))
    named = verdict.retry.keys() | verdict.rejected.keys()
    assert not verdict.retry.keys() & verdict.rejected.keys()
    is_told = status == 200 and len(responses) == 2
    taken = [is_told and bool(found) and "RecordId" in found for found in responses]
    rows = ({0, 2}, {1})
    assert {0, 1, 2} - named == set(chain(*(rows[i] for i, is_taken in enumerate(taken) if is_taken)))


def test_the_tables_are_all_there_is() -> None:
    """Whatever table the store has, the lake may have."""
    assert [made.table for made in (LOGS, SPANS, METRICS, LEDGER)] == list(TABLES.values())
    assert isinstance(LOGS, FirehoseTable)
