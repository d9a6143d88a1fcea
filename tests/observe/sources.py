"""What the tests of sources share: the events of tests/data/events, and what reading any event promises."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from observe.context import Context, extract, inject
from observe.services import source_of
from observe.source import Record

#: {"source", "headers", "span", "event"} by the file's name without .json.
EVENTS: dict[str, Any] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[1] / "data" / "events").glob("*.json"))
}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CONTEXT = Context("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", correlation_id="CLM-1", hops=2)
HEADERS = inject(CONTEXT)
OTHER = {name: value.replace("4bf9", "aaaa") for name, value in HEADERS.items()}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


def like_events(keys: list[str], words: list[str], max_leaves: int = 40) -> st.SearchStrategy[Any]:
    """JSON whose keys and texts are such as events have, and texts that are such JSON again."""
    named = st.sampled_from(keys)
    return st.recursive(
        JSON | st.sampled_from(words),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(named, inner, max_size=6)
            | st.dictionaries(named, inner, max_size=6).map(json.dumps)
        ),
        max_leaves=max_leaves,
    )


def event_of(name: str) -> Any:
    """A copy of the event in tests/data/events/<name>.json."""
    return copy.deepcopy(EVENTS[name]["event"])


def records(event: Any) -> list[Record]:
    """The records of an event that has a source."""
    source = source_of(event)
    assert source is not None
    return source.records(event)


def told(event: Any) -> dict[str, Any]:
    """The attributes that the source of an event tells."""
    source = source_of(event)
    assert source is not None
    return source.describe(event)[1]


def reads(event: Any) -> None:
    """Whatever matches `event` reads it, and takes ours out, without raising and without changing it."""
    before = copy.deepcopy(event)
    source = source_of(event)
    if source is not None:
        for record in source.records(event):
            assert all(isinstance(k, str) and isinstance(v, str) for k, v in record.headers.items())
            assert all(k == k.lower() for k in record.headers)
            assert isinstance(record.message_id, str)
            assert isinstance(record.receipts, tuple)
            assert all(isinstance(receipt, str) and receipt for receipt in record.receipts)
            extract(record.headers)
        name, attributes = source.describe(event)
        assert isinstance(name, str)
        assert name
        assert all(isinstance(value, str | int) for value in attributes.values())
        if source.strip is not None:
            source.strip(event)
    assert repr(event) == repr(before)


def as_attributes(headers: dict[str, str]) -> dict[str, Any]:
    """Headers as the message attributes of SQS."""
    return {name: {"stringValue": value, "dataType": "String"} for name, value in headers.items()}


def queued(body: str, **members: Any) -> dict[str, Any]:
    """A batch of one message of SQS."""
    return {"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": body, **members}]}


def notification(message: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """A message of SNS as a queue gets it."""
    return {
        "Type": "Notification",
        "MessageId": "sns-1",
        "TopicArn": "arn:aws:sns:eu-west-1:1:t",
        "Message": message,
        "MessageAttributes": {k: {"Type": "String", "Value": v} for k, v in (headers or {}).items()},
    }
