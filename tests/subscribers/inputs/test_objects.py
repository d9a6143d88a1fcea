"""Which objects an event names, in the shapes that AWS documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.inputs.objects import S3Object, Unreadable, failures, objects

NOW = 1_795_231_999_000
AT = 1_795_231_810_123

NOTIFICATION: dict[str, Any] = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "awsRegion": "eu-west-1",
    "eventTime": "2026-11-21T03:30:10.123Z",
    "eventName": "ObjectCreated:Put",
    "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
    "s3": {
        "s3SchemaVersion": "1.0",
        "bucket": {"name": "logs", "arn": "arn:aws:s3:::logs"},
        "object": {"key": "legacy/a+b%5B1%5D.gz", "size": 1024, "versionId": "v1", "sequencer": "0A"},
    },
}
EVENTBRIDGE = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "time": "2026-11-21T03:30:10Z",
    "detail": {
        "version": "0",
        "bucket": {"name": "logs"},
        "object": {"key": "legacy/a b[1].gz", "size": 1024, "etag": "e", "version-id": "v1"},
        "reason": "PutObject",
    },
}
EVENT = {"Records": [NOTIFICATION]}
SNS = {
    "Type": "Notification",
    "MessageId": "m",
    "TopicArn": "arn:aws:sns:eu-west-1:1:t",
    "Message": json.dumps(EVENT),
}


def queued(*bodies: Any) -> dict[str, Any]:
    """An event of SQS."""
    return {
        "Records": [
            {
                "messageId": f"id-{n}",
                "receiptHandle": "h",
                "body": body if isinstance(body, str) else json.dumps(body),
                "eventSource": "aws:sqs",
            }
            for n, body in enumerate(bodies)
        ]
    }


def wanted(record_id: str = "", *, time_ms: int = AT) -> S3Object:
    return S3Object(
        bucket="logs", key="legacy/a b[1].gz", version="v1", size=1024, time_ms=time_ms, record_id=record_id
    )


def named(event: object, **more: Any) -> list[Any]:
    return list(objects(event, now_ms=NOW, **more))


SHAPES = [
    ("S3", EVENT, wanted()),
    ("S3 in SQS", queued(EVENT), wanted("id-0")),
    ("S3 in SNS in SQS", queued(SNS), wanted("id-0")),
    ("S3 in SNS", {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(EVENT)}}]}, wanted()),
    ("EventBridge", EVENTBRIDGE, wanted(time_ms=AT - 123)),
    ("EventBridge in SQS", queued(EVENTBRIDGE), wanted("id-0", time_ms=AT - 123)),
    (
        "EventBridge in SNS in SQS",
        queued({**SNS, "Message": json.dumps(EVENTBRIDGE)}),
        wanted("id-0", time_ms=AT - 123),
    ),
    (
        "a map's item with its bucket",
        {
            "Bucket": "logs",
            "Key": "legacy/a b[1].gz",
            "VersionId": "v1",
            "Size": "1024",
            "LastModified": AT / 1000,
        },
        wanted(),
    ),
    (
        "a map's batch",
        {
            "BatchInput": {"Bucket": "logs"},
            "Items": [
                {
                    "Etag": "e",
                    "Key": "legacy/a b[1].gz",
                    "VersionId": "v1",
                    "LastModified": AT / 1000,
                    "Size": 1024,
                }
            ],
        },
        wanted(),
    ),
]


@pytest.mark.parametrize(
    ("event", "one"), [shape[1:] for shape in SHAPES], ids=[shape[0] for shape in SHAPES]
)
def test_every_shape_names_the_object(event: object, one: S3Object) -> None:
    """The key as it is, decoded where S3 encodes it."""
    assert named(event) == [one]


def test_a_listed_item_is_in_the_bucket_that_is_given() -> None:
    """ListObjectsV2 names keys only."""
    item = {"Etag": "e", "Key": "k", "LastModified": 1795231810.0, "Size": 5, "StorageClass": "STANDARD"}
    assert named(item, bucket="b") == [S3Object(bucket="b", key="k", size=5, time_ms=1_795_231_810_000)]
    assert isinstance(named(item)[0], Unreadable)


@pytest.mark.parametrize(
    ("event", "unread"),
    [
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"}, "control_message"),
        (queued({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"}), "control_message"),
        ({"Records": [{**NOTIFICATION, "eventName": "ObjectRemoved:Delete"}]}, "no_object"),
        ({**EVENTBRIDGE, "detail-type": "Object Deleted"}, "no_object"),
        ({"Bucket": "logs", "Key": "folder/", "Size": 0}, "no_object"),
        ({"Bucket": "logs", "Key": "exportedlogs/aws-logs-write-test", "Size": 27}, "control_message"),
        ({"Bucket": "logs", "Key": "aws-logs-write-test.gz", "Size": 27}, ""),
    ],
)
def test_what_is_not_to_be_read_says_why(event: object, unread: str) -> None:
    """Tests of S3 and of CloudWatch, removed objects and folders."""
    (found,) = named(event)
    assert found.unread == unread


def test_a_bad_message_costs_no_other() -> None:
    """It is kept whole, with its ID."""
    event = queued(EVENT, "no JSON", {"Records": [NOTIFICATION, {"s3": {}}]}, "[" * 5000)
    event["Records"].append(None)
    found = named(event)
    assert [one.record_id for one in found] == ["id-0", "id-1", "id-2", "id-2", "id-3", ""]
    assert [isinstance(one, S3Object) for one in found] == [True, False, True, False, False, False]
    assert found[1].part == event["Records"][1]
    assert {one.error.reason for one in found if isinstance(one, Unreadable)} == {"bad_notification"}


def test_envelopes_without_end_end() -> None:
    """A queue within a queue within a queue."""
    event: Any = EVENT
    for _ in range(9):
        event = queued(event)
    assert isinstance(named(event)[0], Unreadable)


@pytest.mark.parametrize(
    "event", [None, [], {}, {"Records": []}, {"Records": [5]}, {"Items": [None]}, {"detail": {}}]
)
def test_what_names_nothing_is_one_part(event: object) -> None:
    """So that it is counted."""
    (found,) = named(event)
    assert isinstance(found, Unreadable)


def test_times_of_any_kind() -> None:
    """What is no time is now."""
    for told in (None, True, "soon", -5, 10**300, [], float("inf"), float("nan")):
        (found,) = named({"Bucket": "b", "Key": "k", "LastModified": told})
        assert found.time_ms == NOW


def test_failed_messages_stay_in_the_queue() -> None:
    """Each once."""
    assert failures(["a", "b", "a"]) == {
        "batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]
    }
    assert failures([]) == {"batchItemFailures": []}


trees = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Records",
                    "body",
                    "s3",
                    "object",
                    "bucket",
                    "key",
                    "name",
                    "Sns",
                    "Message",
                    "detail",
                    "Items",
                    "Key",
                    "Bucket",
                    "Size",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(trees)
def test_any_event_names_something(event: object) -> None:
    """Nothing raises, nothing is passed over."""
    if isinstance(event, dict) and event.get("Items") == []:
        return
    assert named(event)
