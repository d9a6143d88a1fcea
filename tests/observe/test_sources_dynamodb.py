"""Tables: what an item carries, and what a change of one tells."""

from __future__ import annotations

from typing import Any

import pytest

from observe.context import extract
from tests.observe.sources import CONTEXT, HEADERS, OTHER, event_of, records, told


def _change(image: Any, name: str = "INSERT") -> dict[str, Any]:
    arn = "arn:aws:dynamodb:eu-west-1:1:table/claims/stream/2026"
    change = {"NewImage": image, "SequenceNumber": "7"}
    return {"eventSource": "aws:dynamodb", "eventName": name, "eventSourceARN": arn, "dynamodb": change}


@pytest.mark.parametrize(
    "image",
    [
        {name: {"S": value} for name, value in HEADERS.items()},
        {"_observe": {"M": {name: {"S": value} for name, value in HEADERS.items()}}},
        {
            "_observe": {"M": {name: {"S": value} for name, value in HEADERS.items()}},
            **{name: {"S": value} for name, value in OTHER.items()},
        },
    ],
)
def test_an_item_carries_the_whole_context(image: Any) -> None:
    """Our own member counts before members of the item."""
    (record,) = records({"Records": [_change(image)]})
    assert extract(record.headers) == CONTEXT
    assert record.message_id == "7"


def test_an_old_image_is_nobodys_context() -> None:
    """Who deletes an item did not write what was in it."""
    assert records(event_of("dynamodb-mixed"))[1].headers == {}


def test_what_was_done_is_told_if_it_was_the_same_to_all() -> None:
    """INSERT, MODIFY and REMOVE in the words of OpenTelemetry."""
    for name, word in (("INSERT", "insert"), ("MODIFY", "edit"), ("REMOVE", "delete")):
        assert told({"Records": [_change({}, name)] * 2})["faas.document.operation"] == word
    assert "faas.document.operation" not in told({"Records": [_change({}), _change({}, "REMOVE")]})
