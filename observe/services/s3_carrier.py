"""S3, writing: user metadata, and tags where the team asks for it. Notifications are services/s3.py's.

A notification has neither, so that the receipt, the request's ID, is what joins it with the writer; who reads
the object has the metadata.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
"""

from __future__ import annotations

from observe import semconv
from observe.context import CORRELATION_ID, TRACEPARENT, inject
from observe.services.attributes import bytes_of
from observe.services.member import fitting, opted_in
from observe.source import Carrier, mapping, text
from observe.wire import KIND_CLIENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

NAMES = (TRACEPARENT, CORRELATION_ID)
#: "user-defined metadata is limited to 2 KB in size": here with the names as the request spells them.
METADATA_MAX_BYTES = 2048
_PREFIX_BYTES = len("x-amz-meta-")
TAGS_MAX = 10
#: What is in the name of a directory bucket, whose objects take no tags.
_DIRECTORY = "--x-s3"


def _put(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    """PutObject and CreateMultipartUpload: {"Bucket", "Key", "Metadata"?, "Tagging"?} and the context."""
    out, reason = _with_metadata(params, context)
    if opted_in("s3-tags"):
        out, tags_reason = _with_tags(out, context)
        reason = reason or tags_reason
    return out, reason or "no_carrier"


def _copy(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    """CopyObject: as PutObject, of metadata and tags only those that the call replaces."""
    out, reason = {**params}, ""
    if params.get("MetadataDirective") == "REPLACE":
        out, reason = _with_metadata(out, context)
    if params.get("TaggingDirective") == "REPLACE" and opted_in("s3-tags"):
        out, tags_reason = _with_tags(out, context)
        reason = reason or tags_reason
    return out, reason or "no_carrier"


def _headers(context: Context) -> dict[str, str]:
    headers = inject(context)
    return {name: headers[name] for name in NAMES}


def _with_metadata(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    """Both names are US-ASCII, and so are their values."""
    existing = params.get("Metadata", {})
    if not isinstance(existing, dict):
        return {**params}, ""  # botocore will tell the caller
    told = {str(name).lower(): value for name, value in existing.items()}
    headers = _headers(context)
    lacking = {name: value for name, value in headers.items() if name not in told}
    kept = fitting(lacking, _size, METADATA_MAX_BYTES - _size(existing))
    out = {**params, "Metadata": {**existing, **kept}} if kept else {**params}
    if len(kept) < len(lacking):
        return out, "too_large"
    return out, "caller_has_own" if {**headers, **told} != {**told, **headers} else ""


def _size(metadata: Mapping[str, Any]) -> int:
    return sum(_PREFIX_BYTES + bytes_of(name) + bytes_of(value) for name, value in metadata.items())


def _with_tags(params: Mapping[str, Any], context: Context) -> tuple[dict[str, Any], str]:
    from urllib.parse import parse_qsl, quote  # botocore has loaded it

    existing = params.get("Tagging", "")
    if not isinstance(existing, str) or _DIRECTORY in text(params.get("Bucket")):
        return {**params}, ""
    tags = parse_qsl(existing, keep_blank_values=True)
    told = {name.lower(): value for name, value in tags}
    headers = _headers(context)
    lacking = [name for name in NAMES if name not in told]
    kept = lacking[: max(0, TAGS_MAX - len(tags))]
    pairs = [f"{name}={quote(headers[name], safe='')}" for name in kept]
    out = {**params, "Tagging": "&".join(filter(None, (existing, *pairs)))} if kept else {**params}
    if len(kept) < len(lacking):
        return out, "no_attribute_room"
    return out, "caller_has_own" if any(
        told.get(name, headers[name]) != headers[name] for name in NAMES
    ) else ""


def _described(operation: str) -> Callable[[Mapping[str, Any]], Description]:
    # https://opentelemetry.io/docs/specs/semconv/object-stores/s3/
    def describe(params: Mapping[str, Any]) -> Description:
        bucket = text(params.get("Bucket"))
        attributes = {semconv.AWS_S3_BUCKET: bucket, semconv.AWS_S3_KEY: text(params.get("Key"))}
        return f"{operation} {bucket}".strip(), attributes

    return describe


def _receipt(response: Mapping[str, Any]) -> dict[str, str]:
    """Return the request's ID: x-amz-request-id, which a notification has in `responseElements`."""
    request_id = text(mapping(response.get("ResponseMetadata")).get("RequestId"))
    return {semconv.AWS_REQUEST_ID: request_id} if request_id else {}


PUT = Carrier(
    kind=KIND_CLIENT,
    carry=lambda params, context: _put(params, context)[0],
    describe=_described("PutObject"),
    receipt=_receipt,
    lost=lambda params, context: _put(params, context)[1],
)
COPY = Carrier(
    kind=KIND_CLIENT,
    carry=lambda params, context: _copy(params, context)[0],
    describe=_described("CopyObject"),
    receipt=_receipt,
    lost=lambda params, context: _copy(params, context)[1],
)
#: Notified is the upload's completion, with the ID of that request.
CREATE_UPLOAD = Carrier(
    kind=KIND_CLIENT,
    carry=lambda params, context: _put(params, context)[0],
    describe=_described("CreateMultipartUpload"),
    receipt=_receipt,
    ids=lambda _: [],
    lost=lambda params, context: _put(params, context)[1],
)
COMPLETE_UPLOAD = Carrier(
    kind=KIND_CLIENT,
    carry=lambda params, _: {**params},
    describe=_described("CompleteMultipartUpload"),
    receipt=_receipt,
    lost=lambda *_: "no_carrier",
)
