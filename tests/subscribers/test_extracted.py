"""Fields that a subscription filter extracts or emits."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from observe.semconv import AWS_LOG_EXTRACTED_FIELDS
from subscribers.config import EMPTY
from subscribers.envelope import LogBatch
from subscribers.reading import Reading
from subscribers.signals import Log, Signal
from tests.subscribers.lambda_stream import END, NOW, REPORT, START, batch


def told(fields: list[dict[str, Any] | None], *lines: str) -> list[Signal]:
    plain = batch(*lines)
    events = tuple(
        msgspec.structs.replace(event, extracted_fields=some)
        for event, some in zip(plain.events, fields, strict=True)
    )
    made: LogBatch = msgspec.structs.replace(plain, events=events)
    return [signal for read in Reading(EMPTY, "eu-west-1").read(made, NOW) for signal in read.parsed.signals]


def test_where_an_event_was_written_is_its_origin() -> None:
    """Centralised logs come from one group, and say of each event whose it is; metrics and spans, too."""
    system = {"@aws.account": "999999999999", "@aws.region": "us-east-1"}
    signals = told([system] * 3, START, END, REPORT + "\n")
    assert {(signal.origin.account, signal.origin.region) for signal in signals} == {
        ("999999999999", "us-east-1")
    }
    assert len({type(signal) for signal in signals}) == 3


def test_other_fields_are_kept() -> None:
    """With the log, as an object; events without any stay as they are."""
    first, second, third = told([{"ip": "1.2.3.4", "@aws.region": 7}, None, {}], "a", "b", "c")
    assert isinstance(first, Log)
    assert first.attributes == {AWS_LOG_EXTRACTED_FIELDS: {"ip": "1.2.3.4"}}
    assert first.origin.region == "eu-west-1"
    assert isinstance(second, Log)
    assert isinstance(third, Log)
    assert (second.attributes, third.attributes) == ({}, {})


@pytest.mark.parametrize("value", ["hunter2hunter2", {"deep": "hunter2hunter2"}])
def test_they_are_redacted(value: Any) -> None:
    """As any attribute is."""
    (log,) = told([{"password": value}], "a")
    assert isinstance(log, Log)
    assert "hunter2" not in str(log.attributes)
