"""An export task of CloudWatch Logs, run by moto: its objects have the event IDs of the stream itself."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from subscribers.envelope import LogBatch, LogEvent
from subscribers.inputs.archives import Archive, batches
from subscribers.inputs.objects import S3Object, objects
from subscribers.parsers.identity import event_ids

GROUP, STREAM = "/aws/lambda/claims", "2026/11/21/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ACCOUNT = "123456789012"
#: moto keeps no events that are old, or that are to come; it writes whole seconds.
MESSAGES = ["START RequestId: 1 Version: $LATEST\n", "two\nlines", " ", "größer", "END RequestId: 1\n"]


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> tuple[list[LogEvent], dict[str, bytes]]:
    """(what the stream has, key -> bytes of the bucket after the export)."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        logs, s3 = boto3.client("logs"), boto3.client("s3")
        s3.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
        now = logs.describe_log_groups()["logGroups"][0]["creationTime"] // 1000 * 1000
        events = [
            LogEvent(timestamp_ms=now - 9000 + 1000 * n, message=text) for n, text in enumerate(MESSAGES)
        ]
        logs.put_log_events(
            logGroupName=GROUP,
            logStreamName=STREAM,
            logEvents=[{"timestamp": event.timestamp_ms, "message": event.message} for event in events],
        )
        logs.create_export_task(
            logGroupName=GROUP, fromTime=now - 60_000, to=now + 60_000, destination="archive"
        )
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket="archive")["Contents"]]
        return events, {key: s3.get_object(Bucket="archive", Key=key)["Body"].read() for key in keys}


def test_the_export_is_the_stream(exported: tuple[list[LogEvent], dict[str, bytes]]) -> None:
    """The same messages, times and IDs; the object that only tests the permission is not read."""
    events, stored = exported
    archive = Archive(bucket="archive", account=ACCOUNT, log_group=GROUP)
    found: list[LogBatch] = []
    for key, data in stored.items():
        (named,) = objects({"Bucket": "archive", "Key": key, "Size": len(data)}, now_ms=0)
        assert isinstance(named, S3Object)
        if named.unread:
            assert key.endswith("aws-logs-write-test")
            continue
        found += [batch for batch in batches([data], named, archive) if isinstance(batch, LogBatch)]
    (batch,) = found
    assert batch.log_stream == STREAM
    assert [event.message for event in batch.events[:-1]] == MESSAGES[:-1]
    # moto writes no line end behind the last event, as CloudWatch does.
    assert batch.events[-1].message == MESSAGES[-1].rstrip("\n")
    # moto writes the clock of this machine, with a Z.
    zone_ms = batch.events[0].timestamp_ms - events[0].timestamp_ms
    assert zone_ms % 900_000 == 0
    told = [LogEvent(timestamp_ms=event.timestamp_ms + zone_ms, message=event.message) for event in events]
    ids = event_ids(batch.owner, batch.log_group, batch.log_stream, batch.events)
    assert ids[:-1] == event_ids(ACCOUNT, GROUP, STREAM, told)[:-1]
