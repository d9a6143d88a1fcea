"""S3 notifications: no carrier for a context, but a receipt: the request that wrote the object.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, mapping, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description

#: faas.document.operation by the first word of the event's name.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
_OPERATIONS = {
    "ObjectCreated": "insert",
    **dict.fromkeys(("ObjectRemoved", "LifecycleExpiration"), "delete"),
    **dict.fromkeys(("ObjectTagging", "ObjectAcl", "LifecycleTransition"), "edit"),
}


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record an object, without headers; its message ID is the writer's S3 request ID.

    event: {"Records": [{"responseElements": {"x-amz-request-id"}, "s3": {"bucket", "object"}}]}
    """
    return [
        Record({}, text(mapping(mapping(record).get("responseElements")).get("x-amz-request-id")))
        for record in event["Records"]
    ]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process BUCKET` and the bucket, object and operation.

    https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/#datasource
    """
    record = mapping(event["Records"][0])
    found = mapping(record.get("s3"))
    bucket = text(mapping(found.get("bucket")).get("name"))
    operation = text(record.get("eventName")).partition(":")[0]
    attributes: dict[str, Any] = {
        semconv.FAAS_DOCUMENT_COLLECTION: bucket,
        semconv.FAAS_DOCUMENT_OPERATION: _OPERATIONS.get(operation, operation),
    }
    if len(event["Records"]) == 1:
        attributes[semconv.FAAS_DOCUMENT_NAME] = _key(text(mapping(found.get("object")).get("key")))
    return f"process {bucket}".strip(), {key: value for key, value in attributes.items() if value}


def _key(encoded: str) -> str:
    """The object's key, which a notification has URL-encoded, blanks as `+`."""
    if "%" not in encoded and "+" not in encoded:
        return encoded
    from urllib.parse import unquote_plus  # most keys need it not, and it costs a cold start 2 ms

    return unquote_plus(encoded)


S3 = Source(
    "S3",
    trigger="datasource",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
