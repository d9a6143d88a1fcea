"""Every source and carrier, in one place to read: SOURCES in match order, CARRIERS by API call."""

from __future__ import annotations

from observe.services import http, invoke, s3, sns, sqs
from observe.source import mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.source import Carrier, Source

#: In match order: a shape that is a special case of another comes first.
SOURCES: tuple[Source, ...] = (
    http.HTTP_API,
    http.ALB,
    http.REST_API,
    sqs.SQS,
    sns.SNS,
    s3.S3,
)

#: (botocore service, operation) -> Carrier
CARRIERS: dict[tuple[str, str], Carrier] = {
    ("sqs", "SendMessage"): sqs.SEND,
    ("sqs", "SendMessageBatch"): sqs.SEND_BATCH,
    ("sns", "Publish"): sns.PUBLISH,
    ("sns", "PublishBatch"): sns.PUBLISH_BATCH,
    ("lambda", "Invoke"): invoke.INVOKE,
}


def source_of(event: object) -> Source | None:
    """Return the source whose shape `event` has, or None: then only the runtime's context tells."""
    shape = mapping(event)
    return next((source for source in SOURCES if source.matches(shape)), None)
