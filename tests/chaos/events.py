"""The events of a run: each has a mark of its own that every backend can be asked for."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from subscribers.envelope import LogEvent
from subscribers.parsers.identity import event_ids

OWNER, GROUP = "123456789012", "/aws/lambda/submit-claim"
AT_MS = 1_795_231_810_000
#: Events of one Kinesis record, and records of one invocation.
RECORD_EVENTS = 50


class Line(NamedTuple):
    """One log event."""

    id: str
    timestamp: int
    message: str


def metric_name(n: int) -> str:
    """Return a metric's name that no other event has."""
    return f"chaos.m{n:08d}"


def span_id(n: int) -> str:
    """Return a span ID that no other event has."""
    return f"{n + 1:016x}"


def line(n: int, kinds: Sequence[str], at_ms: int = AT_MS) -> Line:
    """Return the n-th event of a run, of one of the kinds in turn."""
    kind = kinds[n % len(kinds)]
    at = at_ms + n // 8
    if kind == "metric":
        return Line(f"{n:056d}", at, f"MONITORING|{at // 1000}|{n % 97}|count|{metric_name(n)}|#side:new")
    if kind == "span":
        return Line(f"{n:056d}", at, _span(n, at))
    if kind == "print":
        return Line(f"{n:056d}", at, f"a print of the function, number {n}\n")
    return Line(f"{n:056d}", at, json.dumps({
        "timestamp": _time(at), "level": "ERROR" if n % 50 == 0 else "INFO",
        "message": f"claim {n} accepted", "requestId": f"6f1c5b0e-1111-4222-8333-{n % 10**12:012d}",
        "service": "submit-claim", "correlation_id": f"CLM-{n}", "trace_id": f"{n + 1:032x}", "claim": n,
    }))  # fmt: skip


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _span(n: int, at_ms: int) -> str:
    start = at_ms * 1_000_000
    attributes = [{"key": "correlation_id", "value": {"stringValue": f"CLM-{n}"}}]
    span = {
        "traceId": f"{n + 1:032x}", "spanId": span_id(n), "name": "POST /claims", "kind": 2,
        "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 5_000_000), "attributes": attributes,
    }  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "submit-claim"}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})


class Record(NamedTuple):
    """One Kinesis record of the stream: its events, numbered."""

    sequence: str
    numbers: range
    data: str


def records(count: int, kinds: Sequence[str], at_ms: int = AT_MS) -> Iterator[Record]:
    """Yield the records of `count` events, as CloudWatch Logs puts them to a stream."""
    for i, begin in enumerate(range(0, count, RECORD_EVENTS)):
        numbers = range(begin, min(begin + RECORD_EVENTS, count))
        events = [line(n, kinds, at_ms)._asdict() for n in numbers]
        payload = {
            "messageType": "DATA_MESSAGE", "owner": OWNER, "logGroup": GROUP, "logStream": stream_of(i),
            "subscriptionFilters": ["all"], "logEvents": events,
        }  # fmt: skip
        data = base64.b64encode(gzip.compress(json.dumps(payload).encode(), 1)).decode()
        yield Record(f"{i:056d}", numbers, data)


def stream_of(record: int) -> str:
    """Return the log stream of a record's events."""
    return f"2026/11/21/[$LATEST]{record % 16:032x}"


def kinesis_event(some: Sequence[Record]) -> dict[str, Any]:
    """Return the event that Lambda gives to a function for records."""
    return {
        "Records": [
            {
                "eventSource": "aws:kinesis", "eventName": "aws:kinesis:record", "awsRegion": "eu-west-1",
                "eventID": f"shardId-000000000000:{record.sequence}", "eventVersion": "1.0",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/logs",
                "kinesis": {
                    "kinesisSchemaVersion": "1.0", "partitionKey": "k", "sequenceNumber": record.sequence,
                    "data": record.data, "approximateArrivalTimestamp": AT_MS / 1000,
                },
            }
            for record in some
        ]
    }  # fmt: skip


def ids_of(record: Record, kinds: Sequence[str], at_ms: int = AT_MS) -> dict[str, int]:
    """Return the event IDs of a record's events, and their numbers."""
    lines = [line(n, kinds, at_ms) for n in record.numbers]
    events = [LogEvent(one.timestamp, one.message) for one in lines]
    found = event_ids(OWNER, GROUP, stream_of(int(record.sequence)), events)
    return dict(zip(found, record.numbers, strict=True))
