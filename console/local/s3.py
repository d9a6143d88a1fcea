"""S3 invoking functions: a bucket's notifications to queues nobody sees, and what S3 says that moto does not.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote_plus, unquote_plus

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import EventType
    from mypy_boto3_s3.type_defs import FilterRuleTypeDef, QueueConfigurationTypeDef


@dataclass(frozen=True, slots=True)
class Notification:
    """What of a bucket goes to which queue: event names, and what the key begins and ends with."""

    queue_arn: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""


def notify(client: S3Client, bucket: str, notifications: Sequence[Notification]) -> None:
    """Replace the bucket's notifications by these. Raises botocore's errors."""
    client.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [_configuration(each) for each in notifications]},
    )


def _configuration(notification: Notification) -> QueueConfigurationTypeDef:
    configuration: QueueConfigurationTypeDef = {
        "QueueArn": notification.queue_arn,
        "Events": cast("list[EventType]", list(notification.events)),
    }
    rules: list[FilterRuleTypeDef] = []
    if notification.prefix:
        rules.append({"Name": "prefix", "Value": notification.prefix})
    if notification.suffix:
        rules.append({"Name": "suffix", "Value": notification.suffix})
    if rules:  # moto takes neither an empty list nor an empty value
        configuration["Filter"] = {"Key": {"FilterRules": rules}}
    return configuration


def s3_event(document: Any) -> dict[str, Any] | None:
    """Return S3's event from moto's, None for the test event a new configuration sends.

    Added, since moto has none: userIdentity and ownerIdentity ("local"), sourceIPAddress (127.0.0.1:
    everybody is on this machine), request IDs (random, not those of the request that made the object),
    the sequencer.
    """
    if not isinstance(document, dict) or "Records" not in document:
        return None
    return {"Records": [_record(record) for record in document["Records"]]}


def _record(record: dict[str, Any]) -> dict[str, Any]:
    s3 = record["s3"]
    bucket = s3["bucket"]
    return {
        "eventVersion": record["eventVersion"],
        "eventSource": record["eventSource"],
        "awsRegion": record["awsRegion"],
        "eventTime": record["eventTime"],
        "eventName": record["eventName"],
        "userIdentity": {"principalId": "AWS:local"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": secrets.token_hex(8).upper(),
            "x-amz-id-2": base64.b64encode(secrets.token_bytes(56)).decode(),
        },
        "s3": {
            "s3SchemaVersion": s3["s3SchemaVersion"],
            "configurationId": s3["configurationId"],
            "bucket": {
                "name": bucket["name"],
                "ownerIdentity": {"principalId": "local"},
                "arn": bucket["arn"],
            },
            "object": _object(s3["object"], removed=record["eventName"].startswith("ObjectRemoved")),
        },
    }


def _object(found: dict[str, Any], *, removed: bool) -> dict[str, Any]:
    # moto escapes the slashes of a key, too; S3 leaves them
    key = quote_plus(unquote_plus(found["key"]), safe="/")
    content = {} if removed else {"size": found["size"], "eTag": found["eTag"]}
    return {"key": key, **content, "sequencer": f"{time.time_ns():018X}"}
