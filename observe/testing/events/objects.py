"""Events of S3: notifications, Batch Operations and Object Lambda; and e-mails that SES received.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/olap-event-context.html
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote, quote_plus

from observe.testing.carrying import with_headers
from observe.testing.events.parts import (
    ACCOUNT,
    FUNCTION,
    REGION,
    SOURCE_IP,
    TIME,
    arn,
    at,
    base64_of,
    checked,
    each,
    function_arn,
    iso_ms,
    numbered,
    one_of,
    plain,
)
from observe.testing.events.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Event, Message
    from observe.testing.events.request import Headers

#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
_EVENTS = (
    *("ObjectCreated:", "ObjectRemoved:", "ObjectRestore:", "ObjectTagging:", "ObjectAcl:Put"),
    *("LifecycleExpiration:", "LifecycleTransition", "IntelligentTiering", "Replication:"),
    "ReducedRedundancyLostObject",
)
_GONE = ("ObjectRemoved:", "LifecycleExpiration:")


@checked
def s3(
    *keys: str | Message,
    event_name: str = "ObjectCreated:Put",
    size: int = 1024,
    version_id: str = "",
    request_id: str = "",
    bucket: str = "bucket",
    time: datetime = TIME,
) -> Event:
    """A notification of objects. Each object's: event_name, size, version_id, request_id.

    keys: as they were written; they come encoded. request_id: of the request that wrote the object, the
    receipt that its writer has: a notification carries no context. Of what was removed no size is told.
    """
    time = at(time, "s3")
    options = {"event_name": event_name, "size": size, "version_id": version_id, "request_id": request_id}
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": REGION,
                "eventTime": iso_ms(time),
                "eventName": own["event_name"],
                "userIdentity": {"principalId": "AWS:AIDAINPONIXQXHT3IKHL2"},
                "requestParameters": {"sourceIPAddress": SOURCE_IP},
                "responseElements": {
                    "x-amz-request-id": own["request_id"] or f"D82B88E5F77{n:05X}",
                    "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQjryTjKlc5aLWGVHPZLj5NeC6qMa0emYBDXOo=",
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": numbered(0x53000000, 0),
                    "bucket": {
                        "name": bucket,
                        "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                        "arn": f"arn:aws:s3:::{bucket}",
                    },
                    "object": _object(n, key, own["event_name"], own["size"], own["version_id"]),
                },
            }
            for n, (key, own) in enumerate(each("s3", keys, **options))
        ]
    }


def _object(n: int, key: Any, event_name: str, size: int, version_id: str) -> dict[str, Any]:
    if not event_name.startswith(_EVENTS):
        raise ValueError(f"s3: event_name {event_name!r} is none like {', '.join(_EVENTS)}")
    encoded = _encoded(key, "s3")
    etag = hashlib.md5(f"{key} {size}".encode(), usedforsecurity=False).hexdigest()
    written = {} if event_name.startswith(_GONE) else {"size": size, "eTag": etag}
    return {
        "key": encoded,
        **written,
        **({"versionId": version_id} if version_id else {}),
        "sequencer": f"0C0F6F405D6ED2{n:04X}",
    }


def _encoded(key: Any, builder: str) -> str:
    """A key as it comes: percent-encoded, a blank as +."""
    if not isinstance(key, str) or not key:
        raise TypeError(f"{builder}: {key!r} is no key of an object")
    return quote_plus(key, safe="/")


@checked
def s3_batch(
    *keys: str | Message,
    context: Context | None = None,
    arguments: Mapping[str, str] | None = None,
    version_id: str | None = None,
    schema: str = "2.0",
    bucket: str = "bucket",
    job_id: str = "f3cc4f60-61f6-4a2b-8a21-d07600c373ce",
) -> Event:
    """Tasks of a job of S3 Batch Operations. Each object's: version_id.

    arguments: the job's user arguments, where a context is as well; schema 1.0 has none.
    """
    one_of(schema, ("1.0", "2.0"), "s3_batch", "schema")
    told = with_headers(arguments or {}, context, "s3_batch")
    if told and schema == "1.0":
        raise ValueError("s3_batch: schema 1.0 has no arguments, so that it carries no context")
    place = {"s3Bucket": bucket} if schema == "2.0" else {"s3BucketArn": f"arn:aws:s3:::{bucket}"}
    tasks = [
        {
            "taskId": base64_of(f"task {n}".encode()),
            "s3Key": _encoded(key, "s3_batch"),
            "s3VersionId": own["version_id"],
            **place,
        }
        for n, (key, own) in enumerate(each("s3_batch", keys, version_id=version_id))
    ]
    return {
        "invocationSchemaVersion": schema,
        "invocationId": base64_of(b"invocation 1"),
        "job": {"id": job_id, **({"userArguments": told} if schema == "2.0" else {})},
        "tasks": tasks,
    }


#: The operation -> the member that only its events have.
_OPERATIONS = {
    "GetObject": "getObjectContext",
    "HeadObject": "headObjectContext",
    "ListObjects": "listObjectsContext",
    "ListObjectsV2": "listObjectsV2Context",
}


@checked
def s3_object_lambda(
    key: str = "key",
    *,
    operation: str = "GetObject",
    headers: Headers | None = None,
    context: Context | None = None,
    access_point: str = "access-point",
    payload: str = "",
    request_id: str = "1a5ed718-5f53-471d-b6fe-5cf62d88d02a",
) -> Event:
    """A request to an Object Lambda access point. operation: GetObject, HeadObject, ListObjects or its V2.

    headers: of the S3 client's request. payload: what the access point's configuration hands over.
    """
    one_of(operation, _OPERATIONS, "s3_object_lambda", "operation")
    path = "/" + quote(key if operation in ("GetObject", "HeadObject") else "")
    host = f"{access_point}-{ACCOUNT}.s3-object-lambda.{REGION}.amazonaws.com"
    request = Request(
        "s3_object_lambda", "GET", path, host=host, headers=headers, context=context, canonical=True
    )
    origin = f"https://{access_point}-{ACCOUNT}.s3-accesspoint.{REGION}.amazonaws.com"
    given = {"outputRoute": "io-use1-001", "outputToken": "token"} if operation == "GetObject" else {}
    return {
        "xAmzRequestId": request_id,
        _OPERATIONS[operation]: {"inputS3Url": f"{origin}{path}?X-Amz-Signature=example", **given},
        "configuration": {
            "accessPointArn": arn("s3-object-lambda", f"accesspoint/{access_point}"),
            "supportingAccessPointArn": arn("s3", f"accesspoint/{access_point}"),
            "payload": payload,
        },
        "userRequest": {"url": f"https://{host}{path}", "headers": _of_client(request)},
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAINPONIXQXHT3IKHL2",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/client",
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": "client",
        },
        "protocolVersion": "1.00",
    }


def _of_client(request: Request) -> dict[str, str]:
    """No gateway is in front of S3 that would add headers."""
    ours = ("x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto")
    return {name: ",".join(values) for name, values in request.headers.items() if name.lower() not in ours}


@checked
def ses(
    *,
    subject: str = "Subject",
    sender: str = "sender@example.com",
    recipients: Sequence[str] = ("recipient@example.com",),
    headers: Mapping[str, str] | None = None,
    context: Context | None = None,
    message_id: str = "o3vrnil0e2ic28trm7dfhrc2v0cex0mpl3",
    function: str = FUNCTION,
    time: datetime = TIME,
) -> Event:
    """An e-mail that SES received; its body is in S3, if anywhere. headers: further ones of the mail."""
    time = at(time, "ses")
    if not recipients:
        raise ValueError("ses: a mail without recipients is never received: give at least one")
    date = iso_ms(time)
    common = {
        "returnPath": sender,
        "from": [sender],
        "date": date,
        "to": list(recipients),
        "messageId": f"<{message_id}@example.com>",
        "subject": subject,
    }
    own = {
        "Return-Path": f"<{sender}>",
        "From": sender,
        "To": ", ".join(recipients),
        "Subject": subject,
        "Message-ID": common["messageId"],
        "Date": date,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        **plain(dict(headers or {}), "ses"),
    }
    passed = {"status": "PASS"}
    return {
        "Records": [
            {
                "eventSource": "aws:ses",
                "eventVersion": "1.0",
                "ses": {
                    "mail": {
                        "timestamp": date,
                        "source": sender,
                        "messageId": message_id,
                        "destination": list(recipients),
                        "headersTruncated": False,
                        "headers": [
                            {"name": name, "value": value}
                            for name, value in with_headers(own, context, "ses").items()
                        ],
                        "commonHeaders": common,
                    },
                    "receipt": {
                        "timestamp": date,
                        "processingTimeMillis": 574,
                        "recipients": list(recipients),
                        **{
                            f"{check}Verdict": {**passed}
                            for check in ("spam", "virus", "spf", "dkim", "dmarc")
                        },
                        "action": {
                            "type": "Lambda",
                            "functionArn": function_arn(function),
                            "invocationType": "Event",
                        },
                    },
                },
            }
        ]
    }
