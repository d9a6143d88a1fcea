"""What subscribers count, on its way into the table: batches, verdicts, faults, and the way back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.local.moto_server import MotoServer
from subscribers.alerts.state import BODY_MAX_BYTES, Entry
from subscribers.alerts.state_channel import LIMITS, StateChannel, body_of
from subscribers.alerts.state_dynamodb import DynamoState
from subscribers.batching import batches
from subscribers.delivery import Policy
from subscribers.http import Edge, Settings
from subscribers.kept import decode, documents, encode
from subscribers.shipping import Shipper
from subscribers.signals import Signal
from subscribers.sinks.channel import Item, Leftover, Outcome, Refusal, Response
from tests.backends.server import FAULTS
from tests.chaos.aws import environ
from tests.subscribers.alerts.states import NOW_S, Table, make_table
from tests.subscribers.samples import log

CHANNEL = StateChannel("parts", "state", "eu-west-1")


def item(sort: str, body: bytes = b"x", expires_s: int = 0, event_id: str = "e") -> Item:
    return Item(event_id, body_of(Entry("p", sort, body, expires_s)))


def put(sort: str, body: bytes = b"x") -> dict[str, Any]:
    """As DynamoDB gives a write back."""
    values = {"pk": {"S": "p"}, "sk": {"S": sort}, "body": {"B": body}, "version": {"N": "0"}}
    return {"PutRequest": {"Item": values}}


def told(*unprocessed: object) -> Response:
    return Response(
        status=200, result={"UnprocessedItems": {"state": list(unprocessed)} if unprocessed else {}}
    )


def test_signals_become_items_of_the_entries_they_are_counted_in() -> None:
    """All signals of a call are counted together, and each item names the events in it."""

    def count(signals: Sequence[Signal]) -> Iterable[tuple[Entry, tuple[str, ...]]]:
        ids = tuple(signal.event_id for signal in signals)
        yield Entry("p", "all", b"\0\xff", 7), ids
        yield Entry("p", "last", b""), ids[-1:]

    channel = StateChannel("parts", "state", entries_of=count)
    first, last = channel.items(log(name) for name in "abc")
    assert (first.event_id, first.more, last.event_id, last.more) == (
        "log-a",
        ("log-b", "log-c"),
        "log-c",
        (),
    )
    assert json.loads(first.body) == {"partition": "p", "sort": "all", "body": "AP8=", "expires_s": 7}
    assert list(CHANNEL.items([log("a")])) == []


def test_a_request_is_one_batch_write() -> None:
    """With the attributes of the table; an entry that never expires has no expiry."""
    call = CHANNEL.request([item("a", b"1", 9), item("b", b"2")])
    assert (call.service, call.operation, call.region) == ("dynamodb", "batch_write_item", "eu-west-1")
    first, second = put("a", b"1"), put("b", b"2")
    first["PutRequest"]["Item"]["expires"] = {"N": "9"}
    assert call.parameters == {"RequestItems": {"state": [first, second]}}


def test_of_several_of_a_key_the_last_is_written() -> None:
    """BatchWriteItem refuses duplicates; what becomes of the one becomes of all."""
    items = [item("a", b"1"), item("b", b"2"), item("a", b"3")]
    assert CHANNEL.request(items).parameters == {"RequestItems": {"state": [put("a", b"3"), put("b", b"2")]}}
    assert set(CHANNEL.verdict(items, told(put("a", b"3"))).retry) == {0, 2}


@given(st.text(min_size=1), st.text(min_size=1), st.binary(), st.integers(0, 2**40))
def test_an_entry_survives_its_item(partition: str, sort: str, body: bytes, expires_s: int) -> None:
    """Whatever is in it; also as a dead letter."""
    entry = Entry(partition, sort, body, expires_s)
    left = Leftover(Item("e", body_of(entry)), Refusal("throttled"))
    (document,) = documents("alerts", "parts", [left], kind="dead_letter", at_unix_nano=1)
    (again,) = decode(encode(document)).leftovers
    (write,) = CHANNEL.request([again.item]).parameters["RequestItems"]["state"]
    found = write["PutRequest"]["Item"]
    assert (found["pk"]["S"], found["sk"]["S"], found["body"]["B"]) == (partition, sort, body)
    assert int(found.get("expires", {"N": "0"})["N"]) == expires_s


def test_what_is_unprocessed_is_retried_by_position() -> None:
    """The others are delivered."""
    items = [item("a"), item("b"), item("c")]
    verdict = CHANNEL.verdict(items, told(put("c"), put("a")))
    assert {i: refusal.reason for i, refusal in verdict.retry.items()} == {0: "throttled", 2: "throttled"}
    assert not verdict.rejected
    assert CHANNEL.verdict(items, told()) == CHANNEL.verdict([items[0]], told())


@pytest.mark.parametrize(
    ("code", "retry", "reason"),
    [
        ("ThrottlingException", True, "throttled"),
        ("ProvisionedThroughputExceededException", True, "throttled"),
        ("RequestLimitExceeded", True, "throttled"),
        ("InternalServerError", True, "server_error"),
        ("AccessDeniedException", True, "forbidden"),
        ("ResourceNotFoundException", False, "not_found"),
        ("ValidationException", False, "bad_request"),
    ],
)
def test_what_aws_refuses_as_a_whole(code: str, retry: bool, reason: str) -> None:
    """As other calls of AWS; a right that is missing is asked for anew, then waits in the queue."""
    verdict = CHANNEL.verdict([item("a"), item("b")], Response(status=400, error_code=code))
    found = verdict.retry if retry else verdict.rejected
    assert {i: refusal.reason for i, refusal in found.items()} == {0: reason, 1: reason}
    assert verdict.is_unauthorized == (reason == "forbidden")


@pytest.mark.parametrize(
    "result",
    [{}, {"UnprocessedItems": None}, {"UnprocessedItems": {"state": [{"DeleteRequest": {}}]}}],
)
def test_an_answer_that_is_none_is_retried(result: dict[str, Any]) -> None:
    """Nothing is taken for written because nothing is said."""
    verdict = CHANNEL.verdict([item("a")], Response(status=200, result=result))
    assert verdict.retry[0].reason == "bad_response"


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"{}",
        b'{"partition":"p","sort":"","body":""}',
        b'{"partition":"p","sort":"s","body":"%"}',
        b'{"partition":"p","sort":"' + b"s" * 1_025 + b'","body":""}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_an_item_that_is_no_entry_is_rejected_alone(body: bytes) -> None:
    """Somebody has edited a dead letter: the others of its batch are written all the same."""
    items = [item("a"), Item("bad", body), item("b")]
    assert CHANNEL.request(items).parameters == {"RequestItems": {"state": [put("a"), put("b")]}}
    throttled = Response(status=400, error_code="ThrottlingException")
    for response, retried in ((told(), set()), (told(put("b")), {2}), (throttled, {0, 2})):
        verdict = CHANNEL.verdict(items, response)
        assert set(verdict.retry) == retried
        assert {i: refusal.reason for i, refusal in verdict.rejected.items()} == {1: "bad_entry"}
    assert set(CHANNEL.verdict(items[1:2], Response(status=400)).rejected) == {0}


def test_batches_are_what_the_api_takes() -> None:
    """The largest entries are no exception; larger ones are told of before anything is sent."""
    large = [item(str(i), bytes(BODY_MAX_BYTES)) for i in range(60)]
    found = list(batches(large, LIMITS))
    assert [len(batch) for batch in found if not isinstance(batch, Leftover)] == [25, 25, 10]
    (left,) = batches([item("a", bytes(410_000))], LIMITS)
    assert isinstance(left, Leftover)


def _ship(channel: StateChannel, items: Sequence[Item]) -> Outcome:
    edge = Edge(Settings(timeout_s=0.3))
    shipper = Shipper("alerts", [channel], edge, Policy(base_s=0.01, cap_s=0.02, timeout_s=0.3))
    return shipper.deliver({channel.name: items})


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_fails_each_entry_is_written_or_kept(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By real requests, of which a third meets a fault, to a table that takes a part only."""
    chance = Random(seed)
    with Table() as table:
        for name, value in environ(table.url).items():
            monkeypatch.setenv(name, value)
        table.hang_s, table.taken = 0.5, 20
        table.faults = lambda *_: chance.choice(FAULTS) if chance.random() < 0.33 else None
        entries = [Entry("p", f"{i:04d}", b"x" * 500, NOW_S) for i in range(400)]
        items = [Item(entry.sort, body_of(entry)) for entry in entries]
        outcome = _ship(CHANNEL, items)
        table.faults = None
        left = [*outcome.retry.get("parts", ()), *outcome.rejected.get("parts", ())]
        assert outcome.delivered + len(left) == 400
        assert outcome.delivered
        written = {entry.sort for entry in DynamoState("state", now_s=lambda: 0).query("p")}
        assert {item.event_id for item in items} - {one.item.event_id for one in left} <= written
        assert max(writes for _, writes in table.asked) <= 25


def test_what_was_kept_is_delivered_again(moto: MotoServer, aws: object) -> None:
    """By a redrive, which has no tally: the items are enough, and twice is as good as once."""
    name = make_table(moto, "state-redriven")
    entries = [Entry("p", f"{i:03d}", bytes([i]), 0) for i in range(40)]
    left = [Leftover(Item("e", body_of(entry)), Refusal("throttled")) for entry in entries]
    (document,) = documents("alerts", "parts", left, kind="retry", at_unix_nano=1)
    items = [one.item for one in decode(encode(document)).leftovers]
    for _ in range(2):
        assert _ship(StateChannel("parts", name), items).delivered == 40
        assert list(DynamoState(name).query("p")) == entries
