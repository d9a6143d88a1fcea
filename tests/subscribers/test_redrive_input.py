"""Documents of the input that could not be read, handed to the handler again."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from subscribers.config import EMPTY
from subscribers.dead_letter import FolderKeeper
from subscribers.dead_letter_storage import StorageError
from subscribers.envelope import encode
from subscribers.handler import make_handler
from subscribers.outlets import Local, Outlets
from subscribers.redrive_input import Again, Replayed, event_of, handled, replay
from subscribers.redrive_plan import Filters, plan
from subscribers.store import Store
from tests.subscribers.lambda_stream import END, START, batch
from tests.subscribers.redriving import Broken, keys_in

AT = 1_795_000_000_000_000_000


@pytest.fixture
def keeper(tmp_path: Path) -> FolderKeeper:
    return FolderKeeper(tmp_path / "dead", lambda: AT)


class Sink(Store):
    """A store whose dead letters are a keeper's, as a handler with several sinks has them."""

    keeper: FolderKeeper

    def dead_letter(self, *told: Any) -> Any:
        return self.keeper.dead_letter(*told)


def sink_of(tmp_path: Path, keeper: FolderKeeper) -> Sink:
    made = Sink(tmp_path / "store")
    made.keeper = keeper
    return made


def test_what_can_be_read_now_is_removed(tmp_path: Path, keeper: FolderKeeper) -> None:
    """An event, and the data of a stream's record, through the real handler; broken ones are kept again."""
    event = encode(batch(START, "one", END))
    document = gzip.compress(json.dumps({"messageType": "CONTROL_MESSAGE"}).encode())
    keeper.dead_letter("parser_fault", json.dumps(event).encode(), {})
    keeper.dead_letter("bad_gzip", b"\x1f\x8bbroken", {})
    keeper.dead_letter("bad_shape", document, {})
    keeper.dead_letter("unreadable_retry", b"ours", {})
    sink = sink_of(tmp_path, keeper)
    handler = make_handler(EMPTY, sink, lambda: AT)
    inputs = plan(keeper.storage, Filters(), 0.0).inputs
    told = replay(keeper.storage, inputs, lambda data: handled(handler, data))
    assert told == Replayed(documents=3, removed=1, kept=2, skipped=1)
    assert [row["message"] for row in sink.query("SELECT message FROM logs WHERE message = 'one'")] == ["one"]
    assert {key.split("/")[1] for key in keys_in(keeper.storage)} == {
        "bad_gzip",
        "bad_shape",
        "unreadable_retry",
    }
    assert len(keys_in(keeper.storage)) == 6


def test_what_still_cannot_be_read_stays_what_it_was(tmp_path: Path, keeper: FolderKeeper) -> None:
    """With the reason that it had as it came, which is not what it is as a record of a stream."""
    again = Again(keeper)
    outlets = [Local("store", Store(tmp_path / "store"))]
    first = make_handler(EMPTY, Outlets(outlets, keeper), lambda: AT)
    for event in (
        [],
        {"awslogs": {"data": "eA=="}},
        {"Records": [{"eventSource": "aws:s3", "s3": {"object": {}}}]},
        {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "H4s=", "sequenceNumber": "0"}}]},
    ):
        first(event, None)
    before = keys_in(keeper.storage)
    assert len({key.split("/")[1] for key in before}) >= 3
    handler = make_handler(EMPTY, Outlets(outlets, again), lambda: AT)
    inputs = plan(keeper.storage, Filters(), 0.0).inputs
    for _ in range(2):
        told = replay(keeper.storage, inputs, lambda data: again.hand(handler, data))
        assert told == Replayed(documents=4, kept=4)
        assert keys_in(keeper.storage) == before


def test_a_part_that_cannot_be_read_is_a_document_of_its_own(tmp_path: Path, keeper: FolderKeeper) -> None:
    """The rest of its event is read, and does not come again."""
    good = base64.b64encode(gzip.decompress(base64.b64decode(encode(batch(START, "one"))["awslogs"]["data"])))
    records = [
        {"eventSource": "aws:kinesis", "eventID": str(n), "kinesis": {"data": data, "sequenceNumber": str(n)}}
        for n, data in enumerate((good.decode(), base64.b64encode(b"\x1f\x8bx").decode()))
    ]
    keeper.dead_letter("parser_fault", json.dumps({"Records": records}).encode(), {})
    again = Again(keeper)
    store = Store(tmp_path / "store")
    handler = make_handler(EMPTY, Outlets([Local("store", store)], again), lambda: AT)
    inputs = plan(keeper.storage, Filters(), 0.0).inputs
    assert replay(keeper.storage, inputs, lambda data: again.hand(handler, data)).removed == 1
    assert {key.split("/")[1] for key in keys_in(keeper.storage)} == {"bad_gzip"}
    assert store.query("SELECT count(*) AS n FROM logs WHERE message = 'one'") == [{"n": 1}]


def test_what_the_handler_refuses_stays(keeper: FolderKeeper) -> None:
    """Raised, or replied for a record: it is said why, and the next one comes."""
    for n in range(3):
        keeper.dead_letter("bad_json", b"%d" % n, {})

    def handler(event: Any, context: Any) -> dict[str, Any]:
        data = event["Records"][0]["kinesis"]["data"]
        if data == "MA==":
            raise ConnectionError("the sink is down")
        return {"batchItemFailures": [{"itemIdentifier": "0"}] if data == "MQ==" else []}

    told = replay(
        keeper.storage,
        plan(keeper.storage, Filters(), 0.0).inputs,
        lambda data: handled(handler, data),
    )
    assert (told.documents, told.removed) == (3, 1)
    assert sorted(told.failed.values()) == [
        "ConnectionError: the sink is down",
        "NotSettledError: it is not settled: it would come again",
    ]
    assert len(keys_in(keeper.storage)) == 4


def test_limits_and_stops_hold(keeper: FolderKeeper) -> None:
    """Between two documents."""
    for n in range(4):
        keeper.dead_letter("bad_json", b"%d" % n, {})
    inputs = plan(keeper.storage, Filters(), 0.0).inputs
    seen: list[bytes] = []
    told = replay(keeper.storage, inputs, seen.append, limit=1)
    assert (told.ended, told.removed, len(seen)) == ("limit", 1, 1)
    told = replay(keeper.storage, inputs, seen.append, is_stopped=lambda: len(seen) == 2)
    assert (told.ended, told.gone, told.removed) == ("stopped", 1, 1)
    told = replay(keeper.storage, inputs, seen.append, deadline_s=1.0, clock=lambda: float(len(seen)))
    assert (told.ended, told.removed, len(seen)) == ("deadline", 1, 3)


@pytest.mark.parametrize("is_after", [False, True])
def test_nothing_is_lost_wherever_it_stops(keeper: FolderKeeper, is_after: bool) -> None:
    """At any step: each document was handled, or is there for the next time."""
    step = 0
    while True:
        step += 1
        for n in range(2):
            keeper.dead_letter("bad_json", b"%d" % n, {})
        inputs = plan(keeper.storage, Filters(), 0.0).inputs
        seen: list[bytes] = []
        broken = Broken(keeper.storage, step, is_after)
        try:
            replay(broken, inputs, seen.append)
        except StorageError:
            left = {one.key for one in plan(keeper.storage, Filters(), 0.0).inputs}
            assert len(set(seen)) + len(left) >= 2
            replay(keeper.storage, plan(keeper.storage, Filters(), 0.0).inputs, seen.append)
            assert set(seen) == {b"0", b"1"}
        else:
            break
    assert step == 9


@pytest.mark.parametrize(
    "document",
    [
        b'{"awslogs": {"data": "x"}}',
        b'{"Bucket": "b", "Key": "k", "VersionId": "", "blake2b": "00"}',
        b'{"Records": [{"body": "x"}]}',
        b'{"source": "aws.s3", "detail": {}}',
    ],
)
def test_events_are_handed_on_as_they_are(document: bytes) -> None:
    """And names of objects, which are read where they are."""
    assert event_of(document) == json.loads(document)


@pytest.mark.parametrize(
    "document", [b"", b"\xff\x00", b"[1]", b'{"messageType": "DATA_MESSAGE"}', b"[" * 5000]
)
def test_other_documents_are_records_of_a_stream(document: bytes) -> None:
    """Whatever their bytes are."""
    (record,) = event_of(document)["Records"]
    assert record["eventSource"] == "aws:kinesis"
