"""Receipts: which calls get a line, and what is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from observe import receipts, settings
from observe.services import carrier_of
from observe.testing import Lines
from tests.observe.carriers.cases import CONTEXT, fresh_name, made, queue, receipts_in


def test_a_plain_message_is_not_told_twice(lines: Lines, client: Callable[[str], Any]) -> None:
    """Its span has the ID; what could not be carried, and what was sent in a batch, gets a line."""
    sqs, url, _ = queue(client)
    made(lambda: sqs.send_message(QueueUrl=url, MessageBody="x"))
    assert receipts_in(lines) == []
    ten = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(10)}
    reply = made(lambda: sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=ten))
    assert [line["receipts"]["ids"] for line in receipts_in(lines)] == [[reply["MessageId"]]]
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(3)]
    reply = made(lambda: sqs.send_message_batch(QueueUrl=url, Entries=entries))
    told = receipts_in(lines)[1]
    assert told["receipts"]["ids"] == [entry["MessageId"] for entry in reply["Successful"]]
    assert (told["level"], told["message"], told["correlation_id"]) == ("INFO", "receipt", "CLM-1")
    assert list(told)[-2:] == ["event", "receipts"]


def test_receipts_are_told_without_spans_too(
    lines: Lines, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OBSERVE_MODE=propagate writes no span; a receipt is a log line."""
    sqs, url, _ = queue(client)
    monkeypatch.setenv("OBSERVE_MODE", "propagate")
    settings.reset()
    made(lambda: sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "x"}]))
    monkeypatch.undo()
    settings.reset()
    assert lines.spans == []
    assert len(receipts_in(lines)) == 1


def test_what_was_refused_has_no_receipt(lines: Lines, client: Callable[[str], Any]) -> None:
    """Neither a call that failed nor an entry that was refused was sent."""
    s3 = client("s3")

    def call() -> None:
        with pytest.raises(s3.exceptions.ClientError):
            s3.put_object(Bucket=fresh_name(), Key="k")

    made(call)
    assert receipts_in(lines) == []
    carrier = carrier_of("events", "PutEvents")
    assert carrier is not None
    refused = {"Entries": [{"ErrorCode": "InternalFailure"}, {"EventId": "1"}]}
    assert (carrier.ids(refused), carrier.receipt(refused)) == (["1"], {})


def test_a_line_has_a_hundred_receipts(lines: Lines) -> None:
    """A batch of 500 records is one line, which says how many it leaves out."""
    made(lambda: receipts.write("kinesis", "PutRecords", [str(n) for n in range(500)], CONTEXT))
    (told,) = receipts_in(lines)
    assert len(told["receipts"]["ids"]) == 100
    assert told["receipts"]["omitted"] == 400


def test_a_fault_of_a_carrier_leaves_the_call_as_it_was(
    lines: Lines, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is sent without us, and its span ends."""
    sqs, url, _ = queue(client)
    carrier = carrier_of("sqs", "SendMessage")
    monkeypatch.setattr(carrier, "carry", lambda *_: 1 / 0)
    assert made(lambda: sqs.send_message(QueueUrl=url, MessageBody="x"))["MessageId"]
    assert len(lines.spans) == 2
    assert lines.logs[0]["event"] == "observe.fault"
