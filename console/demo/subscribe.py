"""What CloudWatch Logs does for a subscriber: its lines as payloads, handed to the real handler.

The lines are read back from moto's CloudWatch Logs, made into subscription payloads (gzip, base64)
stream by stream, and each is one invocation of the subscriber function under the real runtime.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import subscribers
from console.demo.system import LEGACY_GROUP, LEGACY_STREAM, System, example
from console.errors import ConsoleError
from console.local.cloudwatch import LogEvent as StoredEvent
from console.local.cloudwatch import read_events
from console.local.function import LocalFunction
from subscribers.envelope import LogBatch, LogEvent, encode

ACCOUNT = "123456789012"
#: CloudWatch sends up to 10,000 events or about 1 MB of them in one payload.
EVENTS_MAX = 2_000
SUBSCRIBER = "observe-subscriber"


class PayloadFailedError(ConsoleError):
    """The subscriber failed on a payload; Lambda would retry it. `reason` is `payload_failed`."""

    reason = "payload_failed"


def ship_access_log(system: System) -> int:
    """Put the legacy access log into CloudWatch Logs, as its agent would; return how many lines."""
    text = system.access_log.read_text(encoding="utf-8", errors="replace")
    now_ms = time.time_ns() // 1_000_000
    events = [StoredEvent(now_ms, line) for line in text.splitlines()]
    system.log.write(LEGACY_GROUP, LEGACY_STREAM, events)
    system.log.flush()
    return len(events)


def payloads(system: System) -> list[dict[str, Any]]:
    """Return a subscription event for each part of each stream that is not the subscriber's own."""
    return [encode(batch) for batch in _batches(system.aws.client("logs"))]


def _batches(client: Any) -> Iterator[LogBatch]:
    for group in _pages(client, "describe_log_groups", "logGroups"):
        name = group["logGroupName"]
        if name.endswith(SUBSCRIBER):
            continue
        for stream in _pages(client, "describe_log_streams", "logStreams", logGroupName=name):
            yield from _parts(
                name, stream["logStreamName"], read_events(client, name, stream["logStreamName"])
            )


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page[key]


def _parts(group: str, stream: str, events: list[Any]) -> Iterator[LogBatch]:
    for start in range(0, len(events), EVENTS_MAX):
        part = events[start : start + EVENTS_MAX]
        yield LogBatch(
            owner=ACCOUNT,
            log_group=group,
            log_stream=stream,
            message_type="DATA_MESSAGE",
            filters=("observe",),
            events=tuple(
                LogEvent(id=f"{start + n:056d}", timestamp_ms=event.timestamp_ms, message=event.message)
                for n, event in enumerate(part)
            ),
        )


def deliver(
    system: System, store: Path, wanted: list[dict[str, Any]], done: Callable[[], None]
) -> dict[str, Any]:
    """Invoke the subscriber once a payload; return the sum of its ledgers.

    The ledger: {"received", "delivered", "stored", "dropped": {reason: n}}.
    """
    total: dict[str, Any] = {"received": 0, "delivered": 0, "stored": 0, "dropped": {}}
    with _subscriber(system, store) as function:
        for payload in wanted:
            result = function.invoke(payload)
            if result.status != "success":
                raise PayloadFailedError(
                    f"the subscriber failed on a payload: {result.payload.decode()[:500]}"
                )
            _add(total, json.loads(result.payload))
            done()
    return total


def _add(total: dict[str, Any], ledger: dict[str, Any]) -> None:
    for name in ("received", "delivered", "stored"):
        total[name] += ledger[name]
    for reason, count in ledger["dropped"].items():
        total["dropped"][reason] = total["dropped"].get(reason, 0) + count


def _subscriber(system: System, store: Path) -> LocalFunction:
    """The subscriber function: `subscribers.handler.handler` under the runtime client."""
    return LocalFunction(
        SUBSCRIBER,
        "subscribers.handler.handler",
        Path(subscribers.__file__).parents[1],
        environment={
            "OBSERVE_STORE": str(store.absolute()),
            "OBSERVE_CONFIG": str((example() / "observe.yaml").absolute()),
        },
        timeout_s=60.0,
        memory_mb=1024,
        log=system.log,
    )
