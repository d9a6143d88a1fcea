"""An event source mapping from a Kinesis stream to a function: Lambda's poller, a thread for each shard.

One batch of a shard is at work at a time, and what comes behind it waits: order is kept. A batch ends when
it succeeded, or when its retries are used up and it is dropped.
https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
Not played: shards that are split or merged while the poller runs, the maximum age of a record.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from console.local.function import FunctionClosedError, PayloadTooLargeError
from console.local.polling import Polling
from console.local.sqs import Invokable, failed_ids
from console.local.template_parts import KinesisTrigger

KinesisClient = Any  # boto3's Kinesis client: its types are in none of the packages we install
#: A record as GetRecords returns it.
StreamRecord = dict[str, Any]
#: Records of a batch that have to come again, and how often they failed so far.
_Part = tuple[list[StreamRecord], int]

_PAUSE_S = 0.1  # Lambda asks each shard once a second
_ERROR_PAUSE_S = 0.2
_GATHER_S = 0.2  # between looks while a batch fills


class ShardPoller(Polling):
    """Reads one shard and invokes one function with its records, batch by batch; a context manager.

    retry_delay_s: before each retry, where Lambda waits longer and longer. taken: records read so far;
    in_hand: those of the batch at work, or kept after a fault; delivered, dropped: those that succeeded, that
    were given up. What stop() interrupts is none of these: it stays in the stream.
    """

    def __init__(
        self,
        client: KinesisClient,
        stream_arn: str,
        shard: str,
        function: Invokable,
        trigger: KinesisTrigger,
        *,
        retry_delay_s: float = 0.5,
    ) -> None:
        super().__init__(f"{stream_arn} {shard}", _PAUSE_S, _ERROR_PAUSE_S)
        self._client = client
        self._stream_arn = stream_arn
        self._shard = shard
        self._function = function
        self._trigger = trigger
        self._retry_delay_s = retry_delay_s
        self._gathered: list[StreamRecord] = []
        self._left: list[_Part] = []  # of the batch at work, its first records last
        # moto's iterators name the stream by its name only. At once: LATEST is when the mapping is made.
        self._iterator: str | None = client.get_shard_iterator(
            StreamName=stream_arn.rpartition("/")[2], ShardId=shard, ShardIteratorType=trigger.position
        )["ShardIterator"]
        self.taken = 0
        self.in_hand = 0
        self.delivered = 0
        self.dropped = 0

    @property
    def is_behind(self) -> bool:
        """Whether the shard has records that were not taken; one that is gone has none.

        Raises botocore's errors.
        """
        iterator = self._iterator
        if iterator is None:
            return False
        try:
            found = self._client.get_records(ShardIterator=iterator, Limit=1)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return False
            raise
        return bool(found["Records"])

    def stop(self) -> None:
        """Let the running invocation end, and the thread; nothing is in hand any more."""
        super().stop()
        with self._guard:
            self.in_hand = 0

    def poll(self) -> int:
        """Take one batch, or what a fault left of the last one; work it off, return how many records it had.

        Raises botocore's errors and the function's; what was not finished comes first in the next poll.
        """
        if not self._left:
            self._gather()
            batch, self._gathered = self._gathered, []
            self._left = [(batch, 0)] if batch else []
        records = sum(len(part) for part, _ in self._left)
        self._work_off()
        if self._iterator is None:  # a closed shard, read to its end
            self.stopping.set()
        return records

    def _gather(self) -> None:
        """Take records until there is a batch; an error between two takes loses none of them."""
        most = self._trigger.batch_size
        if not self._gathered:
            self._gathered += self._take(most)
        until_s = time.monotonic() + self._trigger.window_s
        while self._gathered and len(self._gathered) < most and time.monotonic() < until_s:
            if self.stopping.wait(_GATHER_S):
                break
            self._gathered += self._take(most - len(self._gathered))

    def _take(self, most: int) -> list[StreamRecord]:
        if self._iterator is None:
            return []
        found = self._client.get_records(ShardIterator=self._iterator, Limit=most)
        records: list[StreamRecord] = found["Records"]
        with self._guard:  # a record is at any time behind the iterator, or in hand
            self._iterator = found.get("NextShardIterator")
            self.taken += len(records)
            self.in_hand += len(records)
        return records

    def _work_off(self) -> None:
        """Invoke the function until nothing of the batch is left, its first records first."""
        while self._left and not self.stopping.is_set():
            # Replaced only after the attempt: if that raises, its records are still there.
            self._left[-1:] = reversed(self._attempt(*self._left[-1]))

    def _attempt(self, batch: list[StreamRecord], failures: int) -> list[_Part]:
        """Invoke the function once; return what has to come again, each part with its failures so far."""
        try:
            result = self._function.invoke(kinesis_event(batch, self._shard, self._stream_arn))
        except PayloadTooLargeError:
            return self._split(batch) if len(batch) > 1 else self._drop(batch)
        except FunctionClosedError:
            self.stopping.set()
            return []
        numbers = [str(record["SequenceNumber"]) for record in batch]
        failed = failed_ids(result, numbers, partial=self._trigger.partial)
        done = next((place for place, number in enumerate(numbers) if number in failed), len(batch))
        self._count(delivered=done)
        rest = batch[done:]
        if not rest:
            return []
        if done:
            return [(rest, 0)]  # only the same batch, sent again, is a retry
        if self._trigger.bisect and len(batch) > 1:
            return self._split(batch)  # "Splitting a batch does not count towards the retry quota."
        if failures == self._trigger.retries:
            return self._drop(rest)
        self.stopping.wait(self._retry_delay_s)
        return [(rest, failures + 1)]

    def _split(self, batch: list[StreamRecord]) -> list[_Part]:
        middle = len(batch) // 2
        return [(batch[:middle], 0), (batch[middle:], 0)]

    def _drop(self, batch: Sequence[StreamRecord]) -> list[_Part]:
        self._count(dropped=len(batch))
        return []

    def _count(self, *, delivered: int = 0, dropped: int = 0) -> None:
        with self._guard:
            self.delivered += delivered
            self.dropped += dropped
            self.in_hand -= delivered + dropped


def kinesis_event(records: Sequence[StreamRecord], shard: str, stream_arn: str) -> dict[str, Any]:
    """Return the event Lambda makes of a batch: {"Records": [...]}, data in base64, times in seconds."""
    return {"Records": [_record(record, shard, stream_arn) for record in records]}


def _record(record: StreamRecord, shard: str, stream_arn: str) -> dict[str, Any]:
    _, partition, _, region, account, _ = stream_arn.split(":")
    number = str(record["SequenceNumber"])
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": number,
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": round(record["ApproximateArrivalTimestamp"].timestamp(), 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:{partition}:iam::{account}:role/local",
        "awsRegion": region,
        "eventSourceARN": stream_arn,
    }


def shards_of(client: KinesisClient, stream: str) -> list[str]:
    """Return the IDs of a stream's shards. Raises botocore's errors."""
    pages = client.get_paginator("list_shards").paginate(StreamName=stream)
    return [str(shard["ShardId"]) for page in pages for shard in page["Shards"]]
