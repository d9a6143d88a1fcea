"""Messages of a retry queue, delivered against moto's S3 and SQS."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.local.moto_server import MotoServer
from subscribers.dead_letter import S3Keeper
from subscribers.dead_letter_storage import BucketStorage
from subscribers.kept import decode, named
from subscribers.retries import ATTEMPTS_MAX, Retried, handle_retries, is_event
from subscribers.sinks.channel import Item, Outcome
from tests.subscribers.redriving import (
    CHANNEL,
    Broken,
    Sink,
    kept_in,
    keys_in,
    leftovers,
    received_of,
    splitting,
)

AT = 1_795_000_000_000_000_000


class Queue:
    """What SQS would hold: the messages that were sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.delays: list[int] = []

    def send_message(self, **told: Any) -> dict[str, str]:
        self.sent.append(json.loads(told["MessageBody"]))
        self.delays.append(told["DelaySeconds"])
        return {"MessageId": str(len(self.sent))}

    def take(self) -> list[dict[str, Any]]:
        taken, self.sent = self.sent, []
        return taken


@pytest.fixture(scope="module")
def bucket(moto: MotoServer) -> str:
    moto.client("s3").create_bucket(
        Bucket="retries", CreateBucketConfiguration={"LocationConstraint": moto.region}
    )
    return "retries"


_prefixes = count()


@pytest.fixture
def make(moto: MotoServer, bucket: str) -> Callable[[], S3Keeper]:
    """Returns a keeper with nothing in it."""
    return lambda: S3Keeper(
        BucketStorage(bucket, f"p{next(_prefixes)}", moto.client("s3")), "https://queue", lambda: AT, Queue()
    )


@pytest.fixture
def keeper(make: Callable[[], S3Keeper]) -> S3Keeper:
    return make()


def queue_of(keeper: S3Keeper) -> Queue:
    found: Queue = keeper._given
    return found


def event_of(*messages: object) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m{n}",
                "eventSource": "aws:sqs",
                "body": one if isinstance(one, str) else json.dumps(one),
            }
            for n, one in enumerate(messages)
        ]
    }


def failures(reply: dict[str, Any]) -> list[str]:
    return [one["itemIdentifier"] for one in reply["batchItemFailures"]]


def test_a_real_queue_brings_it_back(moto: MotoServer, keeper: S3Keeper) -> None:
    """Through SQS and S3: refused, refused in part, delivered; each time what is left."""
    url = moto.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    real = S3Keeper(keeper.storage, url, lambda: AT, moto.client("sqs"))  # type: ignore[arg-type]
    real.retry("logs", CHANNEL, leftovers("a", "b", "c"))
    delivered = Counter[str]()
    for taken in ("", "b", "abc"):
        records = received_of(moto, url)
        assert is_event({"Records": records})
        sink = Sink(lambda item, taken=taken: "deliver" if item.event_id in taken else "retry")  # type: ignore[misc]
        reply, _ = handle_retries({"Records": records}, {"logs": sink}, real)
        assert failures(reply) == []
        delivered += sink.delivered
        assert delivered + kept_in(real.storage) == Counter("abc")
    assert received_of(moto, url) == []
    assert keys_in(real.storage) == []


def test_messages_are_told_from_other_events(keeper: S3Keeper) -> None:
    """Any other event is somebody else's."""
    keeper.retry("logs", CHANNEL, leftovers("a"))
    assert is_event(event_of(*queue_of(keeper).sent))
    for other in (
        None,
        [],
        {},
        {"Records": None},
        {"Records": [None, {}, {"body": 1}]},
        event_of("{}", "x", '{"observe_retry": 2}', '{"observe_retry": 1}', '"observe_retry"'),
        event_of({"Records": [{"s3": {}}]}),
    ):
        assert not is_event(other)


def test_what_is_delivered_is_removed(keeper: S3Keeper) -> None:
    """And is not there for the same message a second time."""
    keeper.retry("logs", CHANNEL, leftovers("a", "b"))
    sink, event = Sink(), event_of(*queue_of(keeper).sent)
    reply, told = handle_retries(event, {"logs": sink}, keeper)
    assert (failures(reply), told) == ([], Retried(messages=1, items=2, redelivered=2))
    assert keys_in(keeper.storage) == []
    reply, told = handle_retries(event, {"logs": sink}, keeper)
    assert (failures(reply), told) == ([], Retried(messages=1, missing=1))
    assert sink.delivered == {"a": 1, "b": 1}


def test_what_is_still_refused_waits_longer(keeper: S3Keeper) -> None:
    """The same object, and a message that counts; until it is a dead letter with its reason."""
    keeper.retry("logs", CHANNEL, leftovers("a"))
    sink, seen = Sink(lambda item: "retry"), keys_in(keeper.storage)
    for attempts in range(1, ATTEMPTS_MAX):
        (message,) = queue_of(keeper).take()
        assert message["attempts"] == attempts
        _, told = handle_retries(event_of(message), {"logs": sink}, keeper)
        assert told == Retried(messages=1, items=1, stored_again=1)
        assert keys_in(keeper.storage) == seen
    _, told = handle_retries(event_of(*queue_of(keeper).take()), {"logs": sink}, keeper)
    assert told == Retried(messages=1, items=1, buried={"throttled": 1})
    assert queue_of(keeper).sent == []
    (key,) = keys_in(keeper.storage)
    assert key.startswith("dead_letters/logs/bulk/2026-11-18/throttled/")
    assert queue_of(keeper).delays[:3] == [30, 60, 120]
    assert 20_000 < sum(queue_of(keeper).delays) < 30_000


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12))
def test_every_item_is_somewhere(make: Callable[[], S3Keeper], seed: int, n: int) -> None:
    """However a delivery splits: delivered, queued again or a dead letter, and the summary says so."""
    keeper, ids = make(), [str(i) for i in range(n)]
    keeper.retry("logs", CHANNEL, leftovers(*ids))
    sink = Sink(splitting(seed))
    reply, told = handle_retries(event_of(*queue_of(keeper).take()), {"logs": sink}, keeper)
    assert failures(reply) == []
    assert told.items == n == told.redelivered + told.stored_again + sum(told.buried.values())
    assert kept_in(keeper.storage) + sink.delivered == Counter(ids)
    assert sum(one["items"] for one in queue_of(keeper).take()) == told.stored_again


def test_a_remainder_is_an_object_of_its_own(keeper: S3Keeper) -> None:
    """With one delivery more; permanent ones are dead letters, and the old object is gone."""
    keeper.retry("logs", CHANNEL, leftovers("deliver", "retry", "reject", "cut"))
    sink = Sink(lambda item: item.event_id)
    _, told = handle_retries(event_of(*queue_of(keeper).take()), {"logs": sink}, keeper)
    assert told == Retried(messages=1, items=4, redelivered=2, stored_again=1, buried={"bad_request": 1})
    found = {}
    for key in keys_in(keeper.storage):
        place, read = named(key), keeper.storage.read(key)
        assert place is not None
        assert read is not None
        kept = decode(read.data)
        found[place.kind, place.reason] = ([one.item.event_id for one in kept.leftovers], kept.attempts)
    assert found == {
        ("retry", "throttled"): (["retry"], 2),
        ("dead_letter", "bad_request"): (["reject"], 1),
        ("dead_letter", "truncated"): (["cut"], 1),
    }
    (message,) = queue_of(keeper).sent
    assert (message["items"], message["attempts"]) == (1, 2)


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("fates", [("deliver",) * 3, ("retry",) * 3, ("reject",) * 3, ("deliver", "retry", "reject"), ("deliver", "cut", "retry")])  # fmt: skip # noqa: E501
def test_nothing_is_lost_wherever_it_stops(
    make: Callable[[], S3Keeper], fates: tuple[str, ...], is_after: bool
) -> None:
    """At any step, before or after it: the message comes again, and in the end every item is somewhere."""
    ids = [f"{fate}-{n}" for n, fate in enumerate(fates)]
    for step in range(1, 9):
        keeper = make()
        keeper.retry("logs", CHANNEL, leftovers(*ids))
        sink = Sink(lambda item: item.event_id.partition("-")[0])
        (message,) = queue_of(keeper).take()
        broken = Broken(keeper.storage, step, is_after)
        keeper._storage = broken
        reply, told = handle_retries(event_of(message), {"logs": sink}, keeper)
        keeper._storage = broken.inner
        if failures(reply):
            assert (told.failed, told.items, told.error) == (3, 3, "unreachable: the line is down")
            handle_retries(event_of(message), {"logs": sink}, keeper)
        found = kept_in(keeper.storage) + sink.delivered
        assert set(found) == set(ids)
        # What is to be retried has a message, too: nothing waits for ever.
        pending = {one["key"].removeprefix(keeper.prefix) for one in queue_of(keeper).sent}
        queued = {key for key in keys_in(keeper.storage) if key.startswith("retries/")}
        assert queued <= pending | {message["key"].removeprefix(keeper.prefix)}


def test_a_queue_that_is_down(keeper: S3Keeper) -> None:
    """The new message cannot be sent: a dead letter, so that what was delivered does not come again."""
    keeper.retry("logs", CHANNEL, leftovers("a", "deliver"))
    event = event_of(*queue_of(keeper).take())

    class Down(Queue):
        def send_message(self, **_: Any) -> dict[str, str]:
            raise ConnectionResetError("reset")

    down = S3Keeper(keeper.storage, "https://queue", lambda: AT, Down())  # type: ignore[arg-type]
    sink = Sink(lambda item: "deliver" if item.event_id == "deliver" else "retry")
    reply, told = handle_retries(event, {"logs": sink}, down)
    assert (failures(reply), told.redelivered, told.stored_again) == ([], 1, 1)
    assert kept_in(keeper.storage) == {"a": 1}
    assert [key.partition("/")[0] for key in keys_in(keeper.storage)] == ["dead_letters"]


def test_what_there_is_no_sink_for_is_a_dead_letter(keeper: S3Keeper) -> None:
    """Nor a channel: it was taken out of observe.yaml. Why it was refused at first is in the detail."""
    keeper.retry("old", CHANNEL, leftovers("a"))
    keeper.retry("logs", "gone", leftovers("b"))
    reply, told = handle_retries(event_of(*queue_of(keeper).take()), {"logs": Sink()}, keeper)
    assert failures(reply) == []
    assert told.buried == {"no_such_sink": 1, "no_such_channel": 1}
    for key in keys_in(keeper.storage):
        read = keeper.storage.read(key)
        assert read is not None
        (one,) = decode(read.data).leftovers
        assert one.refusal.detail == "throttled: said"
    assert kept_in(keeper.storage) == {"a": 1, "b": 1}


def test_without_time_nothing_is_begun(keeper: S3Keeper) -> None:
    """What is left for the messages behind comes again; a delivery has less time than the function."""
    keeper.retry("logs", CHANNEL, leftovers("a"))
    keeper.retry("logs", CHANNEL, leftovers("b"))
    left = iter([20_000.0, 7_000.0])
    sink = Sink()
    reply, told = handle_retries(
        event_of(*queue_of(keeper).take()), {"logs": sink}, keeper, lambda: next(left)
    )
    assert failures(reply) == ["m1"]
    assert told == Retried(
        messages=2,
        items=2,
        redelivered=1,
        failed=1,
        error="out_of_time: no time is left in this invocation",
    )
    assert sink.deadlines == [15.0]
    assert kept_in(keeper.storage) == {"b": 1}


def test_messages_that_are_none_are_kept(keeper: S3Keeper) -> None:
    """Byte for byte, and settled: they would come again for ever. Nobody has us read what is not ours."""
    keeper.retry("logs", CHANNEL, leftovers("a"))
    (message,) = queue_of(keeper).take()
    strange = [
        "no JSON",
        {**message, "bucket": "another"},
        {**message, "key": "outside/retries/x"},
        {**message, "key": keeper.prefix + "dead_letters/x"},
        {**message, "observe_retry": 2},
    ]
    sink = Sink()
    reply, _ = handle_retries(event_of(*strange), {"logs": sink}, keeper)
    assert failures(reply) == []
    kept = [key for key in keys_in(keeper.storage) if key.endswith(".bin")]
    assert len(kept) == 5
    assert sink.calls == []
    handle_retries({"Records": [None, {"messageId": "x"}]}, {}, keeper)


def test_a_document_that_cannot_be_read_is_kept(keeper: S3Keeper) -> None:
    """As input is, and counted; one of a newer version waits for it."""
    keeper.retry("logs", CHANNEL, leftovers("a"))
    (key,), event = keys_in(keeper.storage), event_of(*queue_of(keeper).take())
    keeper.storage.put(key, b"damaged")
    reply, told = handle_retries(event, {"logs": Sink()}, keeper)
    assert (failures(reply), told.buried) == ([], {"unreadable_retry": 1})
    kept = keeper.storage.read(next(key for key in keys_in(keeper.storage) if key.endswith(".bin")))
    assert kept is not None
    assert kept.data == b"damaged"


def test_a_newer_document_waits(keeper: S3Keeper) -> None:
    """While versions are changed, both run."""
    from subscribers.envelope import gzipped

    keeper.retry("logs", CHANNEL, leftovers("a"))
    (key,), event = keys_in(keeper.storage), event_of(*queue_of(keeper).take())
    keeper.storage.put(key, gzipped(b'{"version":2}\n'))
    reply, told = handle_retries(event, {"logs": Sink()}, keeper)
    assert (failures(reply), told.failed) == (["m0"], 1)
    assert keys_in(keeper.storage) == [key]


def test_a_deliverer_that_loses_items_removes_nothing(keeper: S3Keeper) -> None:
    """A fault of ours is told, and costs a repeat."""

    class Losing(Sink):
        def deliver(self, items: Any, deadline_s: float | None = None) -> Outcome:
            return Outcome(delivered=1)

    keeper.retry("logs", CHANNEL, leftovers("a", "b"))
    reply, told = handle_retries(event_of(*queue_of(keeper).sent), {"logs": Losing()}, keeper)
    assert failures(reply) == ["m0"]
    assert told.error.startswith("items_unaccounted: 2 items of bulk")
    assert kept_in(keeper.storage) == {"a": 1, "b": 1}


def test_a_queue_that_is_gone_leaves_dead_letters(keeper: S3Keeper) -> None:
    """The queue was taken out of the configuration while messages were under way."""
    keeper.retry("logs", CHANNEL, leftovers("a"))
    without = S3Keeper(keeper.storage, {}, lambda: AT)  # type: ignore[arg-type]
    event = event_of(*queue_of(keeper).take())
    reply, _ = handle_retries(event, {"logs": Sink(lambda item: "retry")}, without)
    assert failures(reply) == []
    (key,) = keys_in(keeper.storage)
    assert key.startswith("dead_letters/logs/bulk/2026-11-18/throttled/")


def test_items_are_delivered_as_they_were(keeper: S3Keeper) -> None:
    """With their group, their whole and the events that they stand for."""
    from subscribers.sinks.channel import Leftover, Refusal

    item = Item("a:1", b'{"x": 1}\n{"y": 2}', b'{"resource": {}}', ("b", "c"), b'{"whole": 1}')
    seen: list[Item] = []
    keeper.retry("logs", CHANNEL, [Leftover(item, Refusal("throttled", 429))])

    def fate(one: Item) -> str:
        seen.append(one)
        return "deliver"

    handle_retries(event_of(*queue_of(keeper).sent), {"logs": Sink(fate)}, keeper)
    assert seen == [item]
