"""An event source mapping from an SQS queue to a function: Lambda's poller.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
Errors: all of them are counted by `poll_errors` and end no thread; the messages stay in the queue.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from console.local.invocation import InvokeResult
from console.local.polling import Polling

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_PAUSE_S = 0.2  # after an error, and between looks at an empty queue of a server without long polling
_GATHER_S = 0.05  # between looks while a batch fills
_MAX_RECEIVED = 10  # SQS's own limit, for receiving and for deleting


class Invokable(Protocol):
    """What a LocalFunction offers to a poller."""

    def invoke(self, event: object) -> InvokeResult:
        """Run the function with a JSON-able event."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll did, in messages: received = deleted + failed."""

    received: int
    deleted: int
    failed: int


class SqsPoller(Polling):
    """Polls one queue and invokes one function, alone or on a thread of its own.

    report_batch_item_failures: the mapping's ReportBatchItemFailures. wait_s: long poll, at most 1 s here
    so that stop() is quick. window_s: MaximumBatchingWindowInSeconds, how long a batch may wait to be full;
    a batch over SQS's 10 messages needs one. What failed is left in the queue until its visibility timeout.
    """

    def __init__(
        self,
        client: SQSClient,
        queue_url: str,
        function: Invokable,
        *,
        batch_size: int = 10,
        report_batch_item_failures: bool = True,
        wait_s: int = 1,
        window_s: float = 0.0,
    ) -> None:
        super().__init__(queue_url, _PAUSE_S, _PAUSE_S)
        self._client = client
        self._queue_url = queue_url
        self._function = function
        self._batch_size = batch_size
        self._partial = report_batch_item_failures
        self._wait_s = min(wait_s, 1)
        self._window_s = window_s
        self._arn: str | None = None

    def poll_once(self) -> Polled:
        """Receive one batch, invoke the function with it, delete what succeeded. Raises botocore's errors."""
        messages = self._batch()
        if not messages:
            return Polled(0, 0, 0)
        result = self._function.invoke(sqs_event(messages, self._queue_arn()))
        failed = failed_ids(result, [message["MessageId"] for message in messages], partial=self._partial)
        done = [message for message in messages if message["MessageId"] not in failed]
        self._delete(done)
        return Polled(len(messages), len(done), len(messages) - len(done))

    def poll(self) -> int:
        """Do `poll_once` and return how many messages it received."""
        return self.poll_once().received

    def _batch(self) -> list[MessageTypeDef]:
        messages = self._receive(self._batch_size)
        until_s = time.monotonic() + self._window_s
        while messages and len(messages) < self._batch_size and time.monotonic() < until_s:
            if self.stopping.wait(_GATHER_S):
                break
            messages += self._receive(self._batch_size - len(messages))
        return messages

    def _receive(self, most: int) -> list[MessageTypeDef]:
        received = self._client.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=min(most, _MAX_RECEIVED),
            WaitTimeSeconds=self._wait_s,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return list(received.get("Messages", []))

    def _queue_arn(self) -> str:
        if self._arn is None:
            reply = self._client.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["QueueArn"])
            self._arn = reply["Attributes"]["QueueArn"]
        return self._arn

    def _delete(self, messages: Sequence[MessageTypeDef]) -> None:
        for start in range(0, len(messages), _MAX_RECEIVED):
            self._client.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(messages[start : start + _MAX_RECEIVED])
                ],
            )


def sqs_event(messages: Sequence[MessageTypeDef], queue_arn: str) -> dict[str, Any]:
    """Return the event Lambda makes of received messages: {"Records": [...]}."""
    return {"Records": [_record(message, queue_arn) for message in messages]}


def _record(message: MessageTypeDef, queue_arn: str) -> dict[str, Any]:
    attributes = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
        **({"md5OfMessageAttributes": md5} if (md5 := message.get("MD5OfMessageAttributes")) else {}),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if "StringValue" in value:
        kept["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        kept["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return {**kept, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def failed_ids(result: InvokeResult, ids: Sequence[str], *, partial: bool) -> set[str]:
    """Return the IDs of the messages or records that have to come again.

    All of them when the function failed, or when partial replies are on and the reply is not a valid
    one: not JSON, an entry without itemIdentifier, with an empty one, or with one not in the batch.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if result.status != "success":
        return set(ids)
    if not partial:
        return set()
    named = _named_failures(result.payload)
    return set(ids) if named is None or not named <= set(ids) else named


def _named_failures(payload: bytes) -> set[str] | None:
    """The identifiers a partial reply names, None when it is not a valid one."""
    try:
        reply = json.loads(payload)
    except ValueError:
        return None
    failures = reply.get("batchItemFailures") if isinstance(reply, dict) else reply
    # Lambda takes null, "" and {} for "all succeeded", as it does a reply without the key.
    if not failures or not isinstance(reply, dict):
        return None if isinstance(reply, list) and reply else set()
    if not isinstance(failures, list):
        return None
    named = [entry.get("itemIdentifier") if isinstance(entry, dict) else None for entry in failures]
    return {name for name in named if name} if all(isinstance(name, str) and name for name in named) else None
