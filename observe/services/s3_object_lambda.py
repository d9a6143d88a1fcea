"""S3 Object Lambda: the request of an S3 client, on its way to the object.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/olap-event-context.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


#: The operation by the member that only its events have.
_OPERATIONS = {
    "getObjectContext": "GetObject",
    "headObjectContext": "HeadObject",
    "listObjectsContext": "ListObjects",
    "listObjectsV2Context": "ListObjectsV2",
}


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return the request as one Record; its message ID is the S3 request ID.

    event: {"xAmzRequestId", "userRequest": {"headers": {name: value}}}
    """
    headers = lower(mapping(event.get("userRequest")).get("headers"))
    return [Record(headers, text(event.get("xAmzRequestId")))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `GetObject <access point>`; URLs and the output token are credentials and stay out."""
    point = text(mapping(event.get("configuration")).get("accessPointArn")).rpartition("/")[2]
    operation = next((name for member, name in _OPERATIONS.items() if member in event), "")
    attributes = {semconv.FAAS_DOCUMENT_COLLECTION: point} if point else {}
    if text(event.get("xAmzRequestId")):
        attributes[semconv.AWS_REQUEST_ID] = event["xAmzRequestId"]
    return f"{operation} {point}".strip() or "S3 Object Lambda", attributes


#: Public: who has a presigned URL, or the address of a CDN in front, needs no account of ours.
OBJECT_LAMBDA = Source(
    "S3 Object Lambda",
    trigger="http",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe,
)
