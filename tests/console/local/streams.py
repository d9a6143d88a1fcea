"""Streams on moto's server, and functions and clients for their pollers."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from console.local.invocation import InvokeResult
from console.local.kinesis import ShardPoller, shards_of
from console.local.moto_server import MotoServer
from console.local.template_parts import KinesisTrigger

#: What is asked for: the whole batch at once, no retry.
PLAIN = KinesisTrigger("Stream", "TRIM_HORIZON", retries=0)
PARTIAL = replace(PLAIN, partial=True)


class Stream:
    """A stream of one shard, and pollers of it."""

    def __init__(self, moto: MotoServer, shards: int = 1) -> None:
        self.client = moto.client("kinesis")
        self.name = f"k{uuid4().hex}"
        self.client.create_stream(StreamName=self.name, ShardCount=shards)
        found = self.client.describe_stream_summary(StreamName=self.name)
        self.arn: str = found["StreamDescriptionSummary"]["StreamARN"]

    def put(self, *texts: str) -> None:
        for text in texts:
            self.client.put_record(StreamName=self.name, PartitionKey="POL-1", Data=text.encode())

    def poller(self, function: Function, trigger: KinesisTrigger, **options: Any) -> ShardPoller:
        options = {"retry_delay_s": 0.0, **options}
        (shard,) = shards_of(self.client, self.name)
        return ShardPoller(self.client, self.arn, shard, function, trigger, **options)


class Function:
    """Remembers the texts of each batch, and answers what `answer` says to them."""

    def __init__(self, answer: Callable[[list[str]], object] = lambda _: None) -> None:
        self.answer = answer
        self.batches: list[list[str]] = []
        self.events: list[Any] = []

    def invoke(self, event: Any) -> InvokeResult:
        self.events.append(event)
        texts = [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
        self.batches.append(texts)
        reply = self.answer(texts)
        if isinstance(reply, Exception):
            raise reply
        status: Any = reply if reply in ("error", "timeout") else "success"
        named = reply if isinstance(reply, bytes) else json.dumps(self._named(reply)).encode()
        return InvokeResult(status, named, "id", None, 1.0, None, False, 1, 1)

    def _named(self, reply: object) -> object:
        """A list of texts as the reply that names their sequence numbers; anything else as it is."""
        if not isinstance(reply, list):
            return reply
        numbers = {
            base64.b64decode(record["kinesis"]["data"]).decode(): record["kinesis"]["sequenceNumber"]
            for record in self.events[-1]["Records"]
        }
        return {"batchItemFailures": [{"itemIdentifier": numbers[text]} for text in reply]}


class FailingClient:
    """boto3's client, whose n-th GetRecords fails."""

    def __init__(self, client: Any, failing: int) -> None:
        self._client = client
        self._left = failing

    def get_records(self, **parameters: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise ClientError({"Error": {"Code": "InternalFailure"}}, "GetRecords")
        return self._client.get_records(**parameters)


class ClosedShard:
    """boto3's client, for a shard that was split or merged: without NextShardIterator at its end."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get_records(self, **parameters: Any) -> Any:
        found = self._client.get_records(**parameters)
        return {name: value for name, value in found.items() if name != "NextShardIterator"}


def until(condition: Callable[[], bool]) -> None:
    limit, waiting = time.monotonic() + 20, threading.Event()
    while not condition() and time.monotonic() < limit:
        waiting.wait(0.01)
    assert condition()
