"""Which objects of S3 an event names: S3's own, through SQS, SNS or EventBridge, or a Distributed Map's item.

A message may be a notification of S3 within one of SNS within one of SQS; each is opened. Keys in S3's
notifications are URL-encoded, EventBridge's and a map's are not.

    map        {"Bucket": ..., "Key": ...} (an inventory's item, or of an ItemSelector), {"Items": [...],
               "BatchInput": {"Bucket": ...}} (ItemBatcher), or an item of ListObjectsV2 where the bucket is
               given otherwise

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote_plus

import msgspec

from subscribers.envelope import MalformedEnvelope


class SourceError(Exception):
    """An object cannot be read at the moment; `reason` is a low-cardinality word.

    access_denied, throttled, unreachable, out_of_time, or AWS's own code in lower case.
    """

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(f"{reason}: {said}")
        self.reason = reason


Unread = Literal["", "control_message", "no_object"]

_DEPTH_MAX = 4
_CREATED = (
    "ObjectCreated:",
    "Object Created",
    "s3:ObjectCreated:",
    "ObjectRestore:Completed",
    "Object Restore Completed",
)
#: What CreateExportTask writes to see whether it may.
_WRITE_TEST = "aws-logs-write-test"
_MILLISECONDS_MAX = 9_223_372_036_854


class S3Object(msgspec.Struct, frozen=True, kw_only=True):
    """One object. record_id: of the SQS message that told it, for batchItemFailures, "" where there is
    none."""

    bucket: str
    key: str
    version: str = ""
    size: int = 0
    #: When it was written, milliseconds since the epoch.
    time_ms: int = 0
    record_id: str = ""
    #: Why it is not read: a removed object, a folder, CloudWatch's permission test; "" where it is.
    unread: Unread = ""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an event that names no object. part: itself, to be kept."""

    error: MalformedEnvelope
    record_id: str
    part: Any


Named = S3Object | Unreadable


def objects(event: object, *, now_ms: int, bucket: str = "") -> Iterator[Named]:
    """Yield what an event names, in order; at least one of what is no event of these kinds.

    now_ms: the time of an object whose event tells none; bucket: of a map's items that name none.
    """
    yield from _named(event, "", now_ms, bucket, 0)


def is_event(event: object) -> bool:
    """Whether an event is one that can name objects."""
    if not isinstance(event, dict):
        return False
    told = (
        any(key in event for key in ("detail", "Items", "Key", "key")) or event.get("Event") == "s3:TestEvent"
    )
    return told or bool(event.get("Records"))


def failures(record_ids: Iterable[str]) -> dict[str, Any]:
    """Return the reply that makes SQS keep the messages of these IDs.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in dict.fromkeys(record_ids)]}


def _named(event: object, record_id: str, now_ms: int, bucket: str, depth: int) -> Iterator[Named]:
    if not isinstance(event, dict) or depth > _DEPTH_MAX:
        yield _unreadable("is no event", record_id, event)
    elif event.get("Event") == "s3:TestEvent":
        name = _text(event.get("Bucket"))
        yield S3Object(bucket=name, key="", time_ms=now_ms, record_id=record_id, unread="control_message")
    elif isinstance(event.get("Records"), list):
        for record in event["Records"]:
            yield from _record(record, record_id, now_ms, bucket, depth)
        if not event["Records"]:
            yield _unreadable("has no records", record_id, event)
    elif isinstance(event.get("Message"), str) and event.get("Type") == "Notification":
        yield from _named(_parsed(event["Message"]), record_id, now_ms, bucket, depth + 1)
    elif isinstance(event.get("detail"), dict):
        yield _from_eventbridge(event, record_id, now_ms)
    elif isinstance(event.get("Items"), list):
        name = _bucket(event.get("BatchInput")) or _bucket(event) or bucket
        for item in event["Items"]:
            yield _from_item(item, record_id, now_ms, name)
    else:
        yield _from_item(event, record_id, now_ms, bucket)


def _record(record: object, record_id: str, now_ms: int, bucket: str, depth: int) -> Iterator[Named]:
    if not isinstance(record, dict):
        yield _unreadable("has a record that is none", record_id, record)
    elif isinstance(record.get("body"), str):
        message_id = record_id or _text(record.get("messageId"))
        for named in _named(_parsed(record["body"]), message_id, now_ms, bucket, depth + 1):
            # The message itself is what is kept.
            yield msgspec.structs.replace(named, part=record) if isinstance(named, Unreadable) else named
    elif isinstance(record.get("Sns"), dict):
        yield from _named(_parsed(_text(record["Sns"].get("Message"))), record_id, now_ms, bucket, depth + 1)
    elif isinstance(record.get("s3"), dict):
        yield _from_notification(record, record_id, now_ms)
    else:
        yield _unreadable("has a record that is none of S3's", record_id, record)


def _from_notification(record: Mapping[str, Any], record_id: str, now_ms: int) -> Named:
    told = record["s3"]
    found = _mapping(told.get("object"))
    return _object(
        record,
        bucket=_text(_mapping(told.get("bucket")).get("name")),
        key=unquote_plus(_text(found.get("key"))),
        version=_text(found.get("versionId")),
        size=found.get("size"),
        time_ms=_moment(record.get("eventTime"), now_ms),
        record_id=record_id,
        happened=_text(record.get("eventName")),
    )


def _from_eventbridge(event: Mapping[str, Any], record_id: str, now_ms: int) -> Named:
    detail = event["detail"]
    found = _mapping(detail.get("object"))
    return _object(
        event,
        bucket=_text(_mapping(detail.get("bucket")).get("name")),
        key=_text(found.get("key")),
        version=_text(found.get("version-id")),
        size=found.get("size"),
        time_ms=_moment(event.get("time"), now_ms),
        record_id=record_id,
        happened=_text(event.get("detail-type")),
    )


def _from_item(item: object, record_id: str, now_ms: int, bucket: str) -> Named:
    told = _mapping(item)
    return _object(
        item,
        bucket=_bucket(told) or bucket,
        key=_text(told.get("Key")) or _text(told.get("key")),
        version=_text(told.get("VersionId")) or _text(told.get("versionId")),
        size=told.get("Size", told.get("size")),
        time_ms=_moment(told.get("LastModified", told.get("lastModified")), now_ms),
        record_id=record_id,
        happened="Object Created",
    )


def _object(
    part: object, *, bucket: str, key: str, size: object, happened: str, record_id: str, **more: Any
) -> Named:
    if not bucket or not key:
        return _unreadable("names no bucket or no key", record_id, part)
    length = (
        int(size)
        if isinstance(size, int) or (isinstance(size, str) and size.isdecimal() and len(size) < 20)
        else 0
    )
    unread: Unread = ""
    if key.rpartition("/")[2] == _WRITE_TEST:
        unread = "control_message"
    elif not happened.startswith(_CREATED) or (key.endswith("/") and not length):
        unread = "no_object"
    return S3Object(bucket=bucket, key=key, size=length, record_id=record_id, unread=unread, **more)


def _unreadable(said: str, record_id: str, part: object) -> Unreadable:
    error = MalformedEnvelope("bad_notification", f"the event {said}")
    return Unreadable(error=error, record_id=record_id, part=part)


def _bucket(told: object) -> str:
    found = _mapping(told)
    return _text(found.get("Bucket")) or _text(found.get("bucket"))


def _moment(told: object, now_ms: int) -> int:
    """Milliseconds of RFC 3339 or of seconds since the epoch, which a map's items have."""
    if isinstance(told, bool) or told is None:
        return now_ms
    if isinstance(told, int | float):
        made = told * 1000
    else:
        try:
            moment = datetime.fromisoformat(_text(told))
            made = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
        except (ValueError, OverflowError):
            return now_ms
    return int(made) if 0 <= made <= _MILLISECONDS_MAX else now_ms


def _parsed(body: str) -> object:
    try:
        return msgspec.json.decode(body.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    # Half a surrogate can come as an escape of JSON; nothing can be called so, and no sink could write it.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
