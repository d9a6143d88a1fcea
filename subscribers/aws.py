"""The edge to AWS: objects are read from S3, records are put to a stream again. Nothing is called on import.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_Errors
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from subscribers.clients import client
from subscribers.envelope import MalformedEnvelope, Reason
from subscribers.inputs.firehose import Again, Reply
from subscribers.inputs.objects import S3Object, SourceError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_CHUNK_BYTES = 256 * 1024
#: What no retry mends.
_GONE: dict[str, Reason] = {
    "NoSuchKey": "no_such_object",
    "NoSuchVersion": "no_such_object",
    "404": "no_such_object",
    "InvalidObjectState": "archived_object",
}
_REASONS = {
    "AccessDenied": "access_denied",
    "403": "access_denied",
    "SlowDown": "throttled",
    "ThrottlingException": "throttled",
}
#: How often a record is put that the stream refuses, and how long is waited at most before the next time.
_PUTS = 4
_WAIT_S = 0.4


class Aws:
    """Clients of AWS, made on first use with the credentials and the Region of the environment."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def read(self, found: S3Object) -> Iterator[bytes]:
        """Yield an object's bytes. Raises MalformedEnvelope where it is gone or archived, SourceError where
        it cannot be read at the moment."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        version = {"VersionId": found.version} if found.version else {}
        try:
            told = self._s3.get_object(Bucket=found.bucket, Key=found.key, **version)
            yield from told["Body"].iter_chunks(_CHUNK_BYTES)
        except ClientError as error:
            raise _cause(error, found) from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise SourceError("unreachable", f"{_name(found)}: {error}") from error

    def put(self, made: Reply) -> list[Again]:
        """Put a reply's records to their stream again; return those that it would not take."""
        return [again for call in made.again for again in self._put(made, call)]

    def _put(self, made: Reply, call: Sequence[Again]) -> Sequence[Again]:
        from botocore.exceptions import BotoCoreError, ClientError

        for attempt in range(_PUTS):
            if attempt:
                self._sleep(random.uniform(0, _WAIT_S * 2**attempt))  # noqa: S311 - spreads calls, no secret
            try:
                verdicts = self._verdicts(made, call)
            except (ClientError, BotoCoreError):
                continue
            call = [again for again, verdict in zip(call, verdicts, strict=True) if verdict.get("ErrorCode")]
            if not call:
                break
        return call

    def _verdicts(self, made: Reply, call: Sequence[Again]) -> list[dict[str, Any]]:
        """What the stream says of each record."""
        if made.is_kinesis:
            keyed = [{"Data": again.data, "PartitionKey": again.partition_key} for again in call]
            return list(self._kinesis.put_records(StreamARN=made.stream_arn, Records=keyed)["Records"])
        name = made.stream_arn.rpartition("/")[2]
        records = [{"Data": again.data} for again in call]
        told = self._firehose.put_record_batch(DeliveryStreamName=name, Records=records)
        return list(told["RequestResponses"])

    @cached_property
    def _s3(self) -> Any:
        return client("s3")

    @cached_property
    def _kinesis(self) -> Any:
        return client("kinesis")

    @cached_property
    def _firehose(self) -> Any:
        return client("firehose")


def _cause(error: ClientError, found: S3Object) -> MalformedEnvelope | SourceError:
    told = error.response.get("Error", {})
    code = str(told.get("Code", ""))
    said = f"{_name(found)}: {told.get('Message', '') or code}"
    if code in _GONE:
        return MalformedEnvelope(_GONE[code], said)
    return SourceError(_REASONS.get(code, code.lower() or "unknown"), said)


def _name(found: S3Object) -> str:
    return f"s3://{found.bucket}/{found.key}"
