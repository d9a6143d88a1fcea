"""Log writers: to CloudWatch Logs by boto3, to memory for tests; and reading a stream back.

Errors: LogsNotWrittenError (reason `put_failed`) when CloudWatch refused events; raised by flush().
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from console.errors import ConsoleError

LogsClient = Any  # boto3's logs client: its types are in none of the packages we install

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
MAX_BATCH_EVENTS = 10_000
MAX_BATCH_BYTES = 1_048_576
EVENT_OVERHEAD_BYTES = 26
MAX_BATCH_SPAN_MS = 24 * 3600 * 1000
_MAX_MESSAGE_BYTES = MAX_BATCH_BYTES - EVENT_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event of a log stream; timestamp_ms is Unix time."""

    timestamp_ms: int
    message: str


class LogsNotWrittenError(ConsoleError):
    """CloudWatch Logs refused events. The cause is botocore's error."""

    reason = "put_failed"


class LogWriter(Protocol):
    """Where log streams go. write() may return before the events are stored; flush() may not."""

    def write(self, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        """Take events of one stream, oldest first."""

    def flush(self) -> None:
        """Return when everything taken is stored."""


class MemoryLogWriter:
    """Keeps every event: `streams[group, stream]` is the list of its events."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, str], list[LogEvent]] = {}
        self._guard = threading.Lock()

    def write(self, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        """Keep the events."""
        with self._guard:
            self.streams.setdefault((group, stream), []).extend(events)

    def flush(self) -> None:
        """Nothing to wait for."""

    def messages(self, group: str | None = None) -> list[str]:
        """Return the messages of all streams, of one group if named, stream after stream."""
        with self._guard:
            kept = [events for (name, _), events in self.streams.items() if group in (None, name)]
            return [event.message for events in kept for event in events]


class CloudWatchLogWriter:
    """Puts events into CloudWatch Logs from a thread of its own, so that no invocation waits.

    Groups and streams are created when first written to. Call flush() before reading, close() at the end.
    """

    def __init__(self, client: LogsClient) -> None:
        self._client = client
        self._known: set[tuple[str, str]] = set()
        self._failure: Exception | None = None
        self._work: queue.Queue[tuple[str, str, list[LogEvent]] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        """Queue the events."""
        self._work.put((group, stream, list(events)))

    def flush(self) -> None:
        """Wait until the queue is stored. Raises LogsNotWrittenError, once for each time it happened."""
        self._work.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise LogsNotWrittenError(str(failure)) from failure

    def close(self) -> None:
        """Store what is queued and end the thread. Raises LogsNotWrittenError."""
        self._work.put(None)
        self._thread.join()
        self.flush()

    def __enter__(self) -> CloudWatchLogWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            item = self._work.get()
            try:
                if item is None:
                    return
                self._store(*item)
            except (BotoCoreError, ClientError) as error:
                self._failure = error
            finally:
                self._work.task_done()

    def _store(self, group: str, stream: str, events: list[LogEvent]) -> None:
        self._create(group, stream)
        for batch in batches(events):
            entries = [{"timestamp": event.timestamp_ms, "message": event.message} for event in batch]
            self._client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=entries)

    def _create(self, group: str, stream: str) -> None:
        if (group, stream) in self._known:
            return
        exists = self._client.exceptions.ResourceAlreadyExistsException
        with suppress(exists):
            self._client.create_log_group(logGroupName=group)
        with suppress(exists):
            self._client.create_log_stream(logGroupName=group, logStreamName=stream)
        self._known.add((group, stream))


def batches(events: Sequence[LogEvent]) -> Iterator[list[LogEvent]]:
    """Yield the events in chronological order, in batches within PutLogEvents' limits.

    A message over the size of a whole batch is cut; empty messages, which CloudWatch refuses, are left out.
    """
    batch: list[LogEvent] = []
    size = 0
    for event in sorted(filter(lambda event: event.message, events), key=lambda event: event.timestamp_ms):
        fitting, event_bytes = _fit(event)
        if batch and _full(batch, size + event_bytes, fitting.timestamp_ms):
            yield batch
            batch, size = [], 0
        batch.append(fitting)
        size += event_bytes
    if batch:
        yield batch


def _full(batch: list[LogEvent], size: int, timestamp_ms: int) -> bool:
    span_ms = timestamp_ms - batch[0].timestamp_ms
    return len(batch) == MAX_BATCH_EVENTS or size > MAX_BATCH_BYTES or span_ms > MAX_BATCH_SPAN_MS


def _fit(event: LogEvent) -> tuple[LogEvent, int]:
    raw = event.message.encode()
    if len(raw) <= _MAX_MESSAGE_BYTES:
        return event, len(raw) + EVENT_OVERHEAD_BYTES
    cut = raw[:_MAX_MESSAGE_BYTES].decode(errors="ignore")
    return LogEvent(event.timestamp_ms, cut), MAX_BATCH_BYTES


def read_events(client: LogsClient, group: str, stream: str) -> list[LogEvent]:
    """Return every event of a stream, oldest first. Raises botocore's ResourceNotFoundException."""
    return read_on(client, group, stream, "")[0]


def read_on(client: LogsClient, group: str, stream: str, token: str) -> tuple[list[LogEvent], str]:
    """Return the events of a stream behind a token, oldest first, and the token behind them.

    token: what an earlier call returned, "" for the beginning. Raises botocore's ResourceNotFoundException.
    """
    events: list[LogEvent] = []
    while True:
        more = {"nextToken": token} if token else {}
        page = client.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **more)
        events += [LogEvent(event["timestamp"], event["message"]) for event in page["events"]]
        # CloudWatch says "that was the end" by returning the token it was given.
        if page["nextForwardToken"] == token:
            return events, token
        token = page["nextForwardToken"]
