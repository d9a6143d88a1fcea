"""Kinesis, Firehose and S3 through the handler, with AWS as moto's server plays it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from console.local.moto_server import MotoServer
from subscribers import settlement
from subscribers.aws import Aws
from subscribers.config import EMPTY, Config, loads
from subscribers.handler import make_handler
from subscribers.inputs import documents
from subscribers.inputs.objects import S3Object, SourceError
from subscribers.signals import Log, Signal
from subscribers.store_errors import StoreError
from tests.subscribers.inputs.documents_of import text, zipped
from tests.subscribers.lambda_stream import NOW
from tests.subscribers.sink import Memory

FULL = StoreError("disk full")


def handled(
    event: Any, sink: Memory, source: Any = None, config: Config = EMPTY, context: Any = None
) -> dict[str, Any]:
    return make_handler(config, sink, lambda: NOW, source=source)(event, context)


def messages(sink: Memory) -> list[str]:
    return [signal.message for signal in sink.signals.values() if isinstance(signal, Log)]


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The summary of the last invocation."""
    line: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return line


# --- Kinesis --------------------------------------------------------------------------------


def stream(*records: bytes) -> dict[str, Any]:
    """An event of Kinesis with these records' bytes."""
    return {
        "Records": [
            {"kinesis": {"sequenceNumber": f"s{n}", "data": text(data), "partitionKey": "p"}}
            for n, data in enumerate(records)
        ]
    }


def test_a_broken_record_costs_only_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """Each record has a ledger of its own; what no retry can mend is stored and blocks no shard."""
    sink = Memory()
    event = stream(zipped("a", "b"), b"\x1f\x8bbroken", zipped("x", kind="CONTROL_MESSAGE"), zipped("c"))
    assert handled(event, sink) == {"batchItemFailures": []}
    assert messages(sink) == ["a", "b", "c"]
    assert [(row["received"], row["delivered"], row["stored"]) for row in sink.ledgers] == [
        (2, 2, 0),
        (1, 0, 1),
        (1, 0, 0),
        (1, 1, 0),
    ]
    assert [(reason, document) for reason, document, _ in sink.dead] == [("bad_gzip", b"\x1f\x8bbroken")]
    line = said(capsys)
    assert (line["parts"], line["notes"]) == (4, {"bad_gzip": 1})
    assert line["ledger"]["received"] == 5


def test_a_record_that_trips_us_blocks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours in decoding is stored with its record, and told."""
    good, bad = zipped("a"), zipped("b")
    read = documents.batches_in

    def trip(data: bytes, limit: int) -> Any:
        if data == bad:
            raise RuntimeError("ours")
        return read(data, limit)

    monkeypatch.setattr("subscribers.inputs.kinesis.batches_in", trip)
    sink = Memory()
    assert handled(stream(bad, good), sink) == {"batchItemFailures": []}
    assert messages(sink) == ["a"]
    assert [(reason, document) for reason, document, _ in sink.dead] == [("parser_fault", bad)]


def test_a_record_that_cannot_be_settled_comes_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda begins again at the first record that waits for the sink; those before it are done."""
    monkeypatch.setattr(settlement, "_WRITE_AT", 1)
    sink = Memory(FULL, writes=1)
    assert handled(stream(zipped("a"), zipped("b"), zipped("c")), sink) == {
        "batchItemFailures": [{"itemIdentifier": "s1"}]
    }
    assert messages(sink) == ["a"]
    assert len(sink.ledgers) == 1
    line = said(capsys)
    assert (line["level"], line["failed"], line["error"]["message"]) == ("WARN", 2, "disk full")


def test_where_nothing_could_be_settled_the_invocation_fails() -> None:
    """Also where the trigger does not look at the reply."""
    with pytest.raises(StoreError):
        handled(stream(zipped("a"), zipped("b")), Memory(FULL))
    with pytest.raises(StoreError):
        handled(stream(b"\x1f\x8bbroken"), Memory(FULL))


# --- S3 -------------------------------------------------------------------------------------


def bucket_of(moto: MotoServer, objects: dict[str, bytes]) -> str:
    """A new bucket with these objects."""
    client = moto.client("s3")
    name = f"logs-{len(client.list_buckets()['Buckets'])}"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": moto.region})
    for key, body in objects.items():
        client.put_object(Bucket=name, Key=key, Body=body)
    return name


def told(bucket: str, *keys: str) -> dict[str, Any]:
    """S3's own notification."""
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "eventTime": "2026-11-21T03:30:10.123Z",
                "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
            }
            for key in keys
        ]
    }


def queued(*bodies: Any) -> dict[str, Any]:
    """The same through SQS."""
    records = [{"messageId": f"m{n}", "body": json.dumps(body)} for n, body in enumerate(bodies)]
    return {"Records": records}


ROTATED = b"first\nsecond\n"
CONFIG = """
version: 1
services:
  web: {{side: legacy, format: text, timezone: UTC, log_groups: [/legacy/web]}}
archives:
  - {{bucket: {bucket}, prefix: web/, log_group: /legacy/web, account: "123456789012"}}
"""


def test_objects_are_read_as_the_configuration_says(moto: MotoServer, aws: Aws) -> None:
    """A rotated, compressed log is of its service; its lines have the IDs of the log before rotation."""
    bucket = bucket_of(moto, {"web/a.log": ROTATED, "web/a.log.1.gz": gzip.compress(ROTATED)})
    config = loads(CONFIG.format(bucket=bucket))
    sink = Memory()
    reply = handled(told(bucket, "web/a.log"), sink, aws, config)
    assert (reply["received"], reply["delivered"]) == (2, 2)
    (log, _) = sink.signals.values()
    assert isinstance(log, Log)
    assert (log.origin.service, log.origin.log_group, log.origin.log_stream) == (
        "web",
        "/legacy/web",
        "web/a.log",
    )
    handled(told(bucket, "web/a.log.1.gz"), sink, aws, config)
    assert messages(sink) == ["first", "second"]


def test_an_object_that_nobody_described_is_of_its_bucket(moto: MotoServer, aws: Aws) -> None:
    """Also as an item of a Distributed Map."""
    bucket = bucket_of(moto, {"any/a.gz": gzip.compress(ROTATED)})
    sink = Memory()
    reply = handled({"Items": [{"Key": "any/a.gz"}], "BatchInput": {"Bucket": bucket}}, sink, aws)
    assert reply["delivered"] == 2
    assert {signal.origin.service for signal in sink.signals.values()} == {bucket}


def test_an_object_that_is_gone_is_stored_by_its_name(moto: MotoServer, aws: Aws) -> None:
    """No retry brings it back; its neighbours are delivered, folders are dropped."""
    bucket = bucket_of(moto, {"a": b"line\n"})
    sink = Memory()
    reply = handled(queued(told(bucket, "gone"), told(bucket, "a"), told(bucket, "folder/")), sink, aws)
    assert reply == {"batchItemFailures": []}
    assert [row["stored"] + row["delivered"] + row["dropped"] for row in sink.ledgers] == [1, 1, 1]
    ((reason, document, detail),) = sink.dead
    assert (reason, json.loads(document)["Key"]) == ("no_such_object", "gone")
    assert detail["bucket"] == bucket


def test_each_content_of_an_object_has_a_ledger_of_its_own(moto: MotoServer, aws: Aws) -> None:
    """And a dead letter: a log that is written again under its name is another one."""
    bucket, sink = bucket_of(moto, {}), Memory()
    cut = gzip.compress(b"".join(b"%d\n" % (n * n) for n in range(5000)))
    for body in (b"one\n", b"one\ntwo\n", cut[:-500], cut[:-600]):
        moto.client("s3").put_object(Bucket=bucket, Key="app.log", Body=body)
        handled(told(bucket, "app.log"), sink, aws)
    assert len({row["event_id"] for row in sink.ledgers}) == 4
    assert len({document for _, document, _ in sink.dead}) == 2


def test_few_long_lines_are_written_soon() -> None:
    """What waits is bounded by its size, too: a record of 55 MB may be 60 KB."""
    writes: list[int] = []

    class Counting(Memory):
        def append(self, signals: Iterable[Signal]) -> None:
            writes.append(len(list(signals)))

    record = zipped(*(f"{n} " + "x" * 1024 * 1024 for n in range(9)))
    assert handled(stream(record, record, zipped("a")), Counting()) == {"batchItemFailures": []}
    assert writes == [9, 9, 1]


def test_an_object_that_cannot_be_read_now_comes_again(moto: MotoServer, aws: Aws) -> None:
    """Only its message; without a queue the invocation fails."""
    bucket = bucket_of(moto, {"a": b"line\n"})
    sink = Memory()
    reply = handled(queued(told("no-such-bucket-here", "a"), told(bucket, "a")), sink, aws)
    assert reply == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert messages(sink) == ["line"]
    with pytest.raises(SourceError, match="nosuchbucket"):
        handled(told("no-such-bucket-here", "a"), Memory(), aws)


def test_nothing_is_begun_that_time_would_cut(moto: MotoServer, aws: Aws) -> None:
    """What is written is told: the objects before are settled."""
    bucket = bucket_of(moto, {"a": b"line\n"})
    begun: list[S3Object] = []

    class Slow(Aws):
        def read(self, found: S3Object) -> Iterator[bytes]:
            begun.append(found)
            return aws.read(found)

    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000 if len(begun) < 2 else 1_000)
    sink = Memory()
    reply = handled(queued(told(bucket, "a"), told(bucket, "a")), sink, Slow(), context=context)
    assert reply == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert messages(sink) == ["line"]


def test_a_message_that_names_no_object_is_stored() -> None:
    """It would come again for ever."""
    sink = Memory()
    assert handled(queued({"hello": 1}), sink) == {"batchItemFailures": []}
    assert sink.dead[0][0] == "bad_notification"
    assert json.loads(sink.dead[0][1])["messageId"] == "m0"
