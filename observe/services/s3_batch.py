"""S3 Batch Operations: one object of a job; schema 2.0 can carry headers in the job's arguments.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record a task, all with the job's arguments as headers.

    event: {"job": {"userArguments"?: {name: value}}, "tasks": [{"taskId"}]}
    """
    headers = lower(mapping(event.get("job")).get("userArguments"))
    return [Record(headers, text(task.get("taskId"))) for task in _tasks(event)]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `process BUCKET`, the bucket and, of a single task, the object."""
    tasks = _tasks(event)
    first = tasks[0] if tasks else {}
    bucket = text(first.get("s3Bucket")) or text(first.get("s3BucketArn")).rpartition(":")[2]
    attributes: dict[str, Any] = {semconv.FAAS_DOCUMENT_COLLECTION: bucket}
    if len(tasks) == 1:
        attributes[semconv.FAAS_DOCUMENT_NAME] = text(first.get("s3Key"))
    return f"process {bucket}".strip(), {key: value for key, value in attributes.items() if value}


def _tasks(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    tasks = event.get("tasks")
    return [mapping(task) for task in tasks] if isinstance(tasks, list) else []


S3_BATCH = Source(
    "S3 Batch Operations",
    trigger="datasource",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
