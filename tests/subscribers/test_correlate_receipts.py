# ruff: noqa: E501 - tables of cases, one a line
"""Receipts: both ends of what carried no context meet by the ID that AWS gave it."""

from __future__ import annotations

from typing import Any

import pytest

from subscribers.correlate import stories
from subscribers.signals import Log, Span
from tests.subscribers.samples import TRACE, log, span, span_id
from tests.subscribers.test_correlate import OTHER, names, only

# --- Receipts -------------------------------------------------------------------------------


def sender(**attributes: Any) -> Span:
    """A call that sent something, in a trace of its own."""
    return span("send", 10, 20, "a", "serverless", kind="producer", attributes=attributes)


@pytest.mark.parametrize(
    ("told", "came"),
    [
        ([sender(**{"messaging.message.id": "m-1"})], {"attributes": {"messaging.message.id": "m-1"}}),
        ([sender(**{"aws.request_id": "r-9"})], {"request_id": "r-9"}),
        ([sender(**{"aws.request_id": "S3-1"})], {"attributes": {"observe.receipts": ["x", "S3-1"]}}),
        (
            [
                span("send", 10, 20, "a", "serverless", kind="producer"),
                log(
                    "r",
                    20,
                    "a",
                    "serverless",
                    trace_id=TRACE,
                    span_id=span_id("send"),
                    attributes={
                        "event": "observe.receipt",
                        "receipts": {"service": "sqs", "ids": ["m-0", "m-1"]},
                    },
                ),
            ],
            {"attributes": {"messaging.message.id": "m-1"}},
        ),
    ],
    ids=["message", "invoke", "object", "batch"],
)
def test_a_receipt_joins_both_ends(told: list[Any], came: dict[str, Any]) -> None:
    """Nothing was carried, but AWS told both sides one identifier: one story, and the receiver below its sender."""
    received = span("receive", 50, 60, "b", "serverless", kind="consumer", trace_id=OTHER, **came)
    spans = [item for item in [*told, received] if isinstance(item, Span)]
    logs = [item for item in told if isinstance(item, Log)]
    for asked in (TRACE, OTHER):
        assert names(only(stories(asked, spans, logs))) == ["send", ".receive"]


def test_another_receipt_joins_nothing() -> None:
    """Identifiers that differ, and rows that hold something else where receipts would be."""
    received = span(
        "receive",
        kind="consumer",
        trace_id=OTHER,
        attributes={"messaging.message.id": "m-2", "observe.receipts": 3},
    )
    odd = log(
        "r", trace_id=TRACE, attributes={"event": "observe.receipt", "receipts": {"ids": [1, None, {}]}}
    )
    for told in ([sender(**{"messaging.message.id": "m-1"})], [sender(**{"messaging.message.id": 7})]):
        assert names(only(stories(TRACE, [*told, received], [odd]))) == ["send"]


def test_a_parent_that_was_carried_is_not_replaced() -> None:
    """The context that came with the message knows better."""
    first = sender(**{"messaging.message.id": "m-1"})
    real = span("real", 0, 30, "a", "serverless")
    received = span(
        "receive",
        50,
        60,
        "b",
        "serverless",
        kind="consumer",
        parent_span_id=real.span_id,
        attributes={"messaging.message.id": "m-1"},
    )
    story = only(stories(TRACE, [first, real, received], []))
    assert ".receive" in names(story)
    assert next(node for node in story.spans if node.span.name == "receive").parent == names(story).index(
        "real"
    )
