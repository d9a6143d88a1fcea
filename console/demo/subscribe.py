"""What CloudWatch Logs and S3 do for a subscriber: lines as payloads, handed to the real handler.

The lines are read back from moto's CloudWatch Logs, made into subscription payloads (gzip, base64)
stream by stream, and each is one invocation of the subscriber function under the real runtime. A payload
that failed is delivered again, as CloudWatch Logs does for 24 hours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import subscribers
from console.demo.example import example
from console.local.cloudwatch import CloudWatchLogWriter, read_on
from console.local.cloudwatch import LogEvent as StoredEvent
from console.local.function import LocalFunction
from subscribers.envelope import LogBatch, LogEvent, encode

ACCOUNT = "123456789012"
#: CloudWatch sends up to 10,000 events or about 1 MB of them in one payload.
EVENTS_MAX = 2_000
SUBSCRIBER = "observe-subscriber"
#: In the store's folder: what rules remember.
STATE = "alerts.sqlite"
#: (log group, log stream)
Stream = tuple[str, str]


@dataclass(slots=True)
class Total:
    """Ledgers added up: events by what became of them. failed: payloads that have to come again."""

    received: int = 0
    delivered: int = 0
    stored: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    payloads: int = 0
    failed: int = 0
    #: What the subscriber said of the first payload that failed.
    why: str = ""

    def add(self, ledger: dict[str, Any]) -> None:
        """Add the ledger that the subscriber returned for one payload."""
        self.payloads += 1
        for name in ("received", "delivered", "stored"):
            setattr(self, name, getattr(self, name) + ledger[name])
        for reason, count in ledger["dropped"].items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count

    def plus(self, other: Total) -> None:
        """Add another total."""
        self.add({name: getattr(other, name) for name in ("received", "delivered", "stored", "dropped")})
        self.payloads += other.payloads - 1
        self.failed += other.failed
        self.why = self.why or other.why

    @property
    def settled(self) -> int:
        """How many events have found their end."""
        return self.delivered + self.stored + sum(self.dropped.values())


class Subscription:
    """A subscription filter on every log group but the subscriber's own: remembers what it has delivered."""

    def __init__(self, client: Any, subscriber: LocalFunction) -> None:
        self._client = client
        self._subscriber = subscriber
        self._read: dict[Stream, tuple[int, str]] = {}
        self._waiting: dict[Stream, list[LogBatch]] = {}

    def pending(self) -> int:
        """Read what is new in the logs and return how many payloads are to be delivered."""
        for stream in streams(self._client):
            position, token = self._read.get(stream, (0, ""))
            events, token = read_on(self._client, *stream, token)
            self._read[stream] = position + len(events), token
            waiting = self._waiting.setdefault(stream, [])
            for first in range(0, len(events), EVENTS_MAX):
                waiting.append(_batch(*stream, position + first, events[first : first + EVENTS_MAX]))
        return sum(map(len, self._waiting.values()))

    def forget(self) -> None:
        """Deliver everything again: CloudWatch Logs promises at least once, not once."""
        self._read.clear()
        self._waiting.clear()

    def deliver(self, done: Callable[[], None] = lambda: None) -> Total:
        """Invoke the subscriber once a payload; what fails stays pending. done: called after each."""
        total = Total()
        self.pending()
        for waiting in self._waiting.values():
            while waiting and self._delivered(waiting[0], total):
                waiting.pop(0)
                done()
        return total

    def collect(self, bucket: str, key: str) -> Total:
        """Invoke the subscriber as S3 does for a new object."""
        total = Total()
        record = {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}},
        }
        self._settled({"Records": [record]}, total)
        return total

    def _delivered(self, batch: LogBatch, total: Total) -> bool:
        return self._settled(encode(batch), total)

    def _settled(self, event: dict[str, Any], total: Total) -> bool:
        result = self._subscriber.invoke(event)
        if result.status == "success":
            total.add(json.loads(result.payload))
            return True
        total.failed += 1
        total.why = total.why or result.payload.decode("utf-8", "replace")[:500]
        return False


def streams(client: Any) -> Iterator[Stream]:
    """Yield (group, stream) of every log stream but the subscriber's own."""
    for group in _pages(client, "describe_log_groups", "logGroups"):
        name = group["logGroupName"]
        if not name.endswith(SUBSCRIBER):
            for stream in _pages(client, "describe_log_streams", "logStreams", logGroupName=name):
                yield name, stream["logStreamName"]


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page[key]


def _batch(group: str, stream: str, first: int, events: list[StoredEvent]) -> LogBatch:
    return LogBatch(
        owner=ACCOUNT,
        log_group=group,
        log_stream=stream,
        message_type="DATA_MESSAGE",
        filters=("observe",),
        events=tuple(
            LogEvent(id=f"{first + n:056d}", timestamp_ms=event.timestamp_ms, message=event.message)
            for n, event in enumerate(events)
        ),
    )


def subscriber(store: Path, log: CloudWatchLogWriter, key_secret: str, endpoint_url: str) -> LocalFunction:
    """Return the subscriber function: `subscribers.handler.handler` under the runtime client."""
    return LocalFunction(
        SUBSCRIBER,
        "subscribers.handler.handler",
        Path(subscribers.__file__).parents[1],
        environment={
            "OBSERVE_STORE": str(store.absolute()),
            "OBSERVE_STATE": str(store.absolute() / STATE),
            "OBSERVE_CONFIG": str((example() / "observe.yaml").absolute()),
            "OBSERVE_KEY_SECRET": key_secret,
            "AWS_ENDPOINT_URL": endpoint_url,
        },
        timeout_s=60.0,
        memory_mb=1024,
        log=log,
    )
