"""Asynchronous invocation: events wait in a queue nobody sees, errors are tried again, then given up.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
Not played: destinations, the function's dead-letter queue, the maximum age of an event.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from console.local.function import FunctionClosedError, PayloadTooLargeError
from console.local.invocation import InvokeResult, new_request_id, new_trace_header
from console.local.polling import Polling

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

EventOf = Callable[[Any], dict[str, Any] | None]

RETRIES = 2
_PAUSE_S = 0.05
_ERROR_PAUSE_S = 0.2
_WORKERS = 8


class AsyncInvokable(Protocol):
    """What a LocalFunction offers to a trigger."""

    def invoke(self, event: object, *, trace_header: str | None, request_id: str | None) -> InvokeResult:
        """Run the function once."""


class AsyncPoller(Polling):
    """Takes what a service puts into a queue and invokes a function with it; a context manager.

    event_of: the event for a message's decoded body, None for a message to leave out. retries: further
    attempts after an error or a timeout, with the same request ID; Lambda waits 1 and 2 minutes before
    them, here it is retry_delay_s. delivered, dropped: events that succeeded; that were given up, those
    interrupted by stop() included.
    """

    def __init__(
        self,
        client: SQSClient,
        queue_url: str,
        function: AsyncInvokable,
        event_of: EventOf,
        *,
        retries: int = RETRIES,
        retry_delay_s: float = 0.5,
    ) -> None:
        super().__init__(queue_url, _PAUSE_S, _ERROR_PAUSE_S)
        self._client = client
        self._queue_url = queue_url
        self._function = function
        self._event_of = event_of
        self._retries = retries
        self._retry_delay_s = retry_delay_s
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="async-invoke")
        self.in_hand = 0
        self.taken = 0
        self.delivered = 0
        self.dropped = 0

    def stop(self) -> None:
        """Let running invocations end, give up the others, end every thread."""
        super().stop()
        self._workers.shutdown(wait=True)

    def poll(self) -> int:
        """Take what is in the queue, hand it to the workers, return how much. Raises botocore's errors."""
        received = self._client.receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        )
        messages = received.get("Messages", [])
        for message in messages:
            event = self._event(message["Body"])
            if event is not None:
                self._count(taken=1, in_hand=1)
                self._workers.submit(self._deliver, event)
            # Only now: an event is at any time in the queue or in hand.
            self._client.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)

    def _event(self, body: str) -> dict[str, Any] | None:
        try:
            return self._event_of(json.loads(body))
        except ValueError:
            return None  # nobody but the service writes to this queue

    def _deliver(self, event: dict[str, Any]) -> None:
        delivered = False
        try:
            delivered = self._attempts(event)
        except (FunctionClosedError, PayloadTooLargeError):
            pass  # counted below, as an event that cannot be delivered
        except Exception as error:  # noqa: BLE001 - it would end in a Future that nobody reads
            self._fault(error)
        finally:
            self._count(in_hand=-1, delivered=int(delivered), dropped=int(not delivered))

    def _attempts(self, event: dict[str, Any]) -> bool:
        """Whether one of the attempts succeeded."""
        request_id, header = new_request_id(), new_trace_header(time.time())
        for attempt in range(1 + self._retries):
            if self.stopping.wait(self._retry_delay_s if attempt else 0):
                return False
            result = self._function.invoke(event, trace_header=header, request_id=request_id)
            if result.status == "success":
                return True
        return False

    def _count(self, *, in_hand: int = 0, taken: int = 0, delivered: int = 0, dropped: int = 0) -> None:
        with self._guard:
            self.in_hand += in_hand
            self.taken += taken
            self.delivered += delivered
            self.dropped += dropped
