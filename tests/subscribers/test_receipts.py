"""Which identifiers join a sender and a receiver."""

from __future__ import annotations

from typing import Any

import pytest

from subscribers.receipts import came, sent
from subscribers.signals import Log, Span
from tests.subscribers.samples import log, span

MESSAGE = "059f36b4-87a3-44ab-83d2-661975830a7d"
SEQUENCE = "49590338271490256608559692538361571095921575989136588898"


def told(kind: str, attributes: dict[str, Any], request_id: str = "") -> Span:
    """A span of this kind."""
    return span("s", kind=kind, attributes=attributes, request_id=request_id)


def line(receipts: Any, event: str = "observe.receipt") -> Log:
    """A log line with these receipts."""
    return log("l", attributes={"event": event, "receipts": receipts})


def test_a_senders_span_and_line_tell_what_was_sent() -> None:
    """Of a span one identifier of a message and one of a request, of a line all of a batch."""
    assert sent(told("producer", {"messaging.message.id": MESSAGE})) == {MESSAGE}
    assert sent(told("client", {"aws.request_id": "C3D13FE58DE4C810"})) == {"C3D13FE58DE4C810"}
    assert sent(line({"ids": [MESSAGE, SEQUENCE]})) == {MESSAGE, SEQUENCE}
    assert sent(line({"ids": [MESSAGE]}, event="mine")) == frozenset()
    assert sent(told("consumer", {"messaging.message.id": MESSAGE})) == frozenset()


def test_a_receivers_span_tells_what_came() -> None:
    """Its message, its request, and what was inside: an envelope's, too."""
    attributes = {"messaging.message.id": MESSAGE, "observe.receipts": [SEQUENCE]}
    assert came(told("consumer", attributes, "req-1")) == {MESSAGE, SEQUENCE, "req-1"}
    assert came(told("producer", attributes)) == frozenset()


@pytest.mark.parametrize("number", ["", "0", "7", "123456789012345"])
def test_a_counter_is_nobodys_name(number: str) -> None:
    """Emulators number the records of every stream from 1: they would join everything with everything."""
    assert sent(line({"ids": [number, SEQUENCE]})) == {SEQUENCE}
    assert came(told("consumer", {"messaging.message.id": number})) == frozenset()


@pytest.mark.parametrize("odd", [None, 3, "text", {"ids": 3}, {"ids": [None, 3, [MESSAGE]]}, [MESSAGE]])
def test_lines_that_anybody_may_write_never_raise(odd: Any) -> None:
    """What is not as we write it tells nothing."""
    assert sent(line(odd)) == frozenset()
