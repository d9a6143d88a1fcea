"""Dead letters delivered again: nothing is lost, wherever it stops."""

from __future__ import annotations

import threading
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.local.moto_server import MotoServer
from subscribers.dead_letter import FolderKeeper, S3Keeper
from subscribers.dead_letter_storage import (
    LEASE_S,
    BucketStorage,
    BusyError,
    StorageError,
)
from subscribers.kept import decode, named
from subscribers.redrive import Redrive, Redriven
from subscribers.redrive_plan import Filters, plan
from subscribers.retries import LostItemsError
from subscribers.sinks.channel import Item, Leftover, Outcome, Refusal
from tests.subscribers.redriving import (
    CHANNEL,
    NOW_S,
    Broken,
    Sink,
    by_id,
    kept_in,
    keys_in,
    leftovers,
    redriven,
    splitting,
)

AT = 1_795_000_000_000_000_000
_prefixes = count()


@pytest.fixture(scope="module")
def bucket(moto: MotoServer) -> str:
    moto.client("s3").create_bucket(
        Bucket="redrives", CreateBucketConfiguration={"LocationConstraint": moto.region}
    )
    return "redrives"


@pytest.fixture(params=["folder", "s3"])
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> FolderKeeper | S3Keeper:
    if request.param == "folder":
        return FolderKeeper(tmp_path / "dead", lambda: AT)
    moto: MotoServer = request.getfixturevalue("moto")
    bucket = request.getfixturevalue("bucket")
    return S3Keeper(BucketStorage(bucket, f"p{next(_prefixes)}", moto.client("s3")), "", lambda: AT)


@pytest.fixture
def folder(tmp_path: Path) -> FolderKeeper:
    return FolderKeeper(tmp_path / "dead", lambda: AT)


def test_only_what_was_wholly_delivered_is_removed(keeper: FolderKeeper | S3Keeper) -> None:
    """What is left of an object is written back, by its new reason; what was cut is kept whole."""
    keeper.bury("logs", CHANNEL, leftovers("deliver-1", "deliver-2"))
    keeper.bury("logs", CHANNEL, leftovers("deliver-3", "reject-4", "retry-5", "cut-6"))
    untouched = keeper.bury("logs", CHANNEL, leftovers("reject-7", "retry-8"))
    told = redriven(keeper.storage, Sink(by_id))
    assert told == Redriven(
        items=8,
        delivered=4,
        left={"bad_request": 2, "throttled": 2},
        objects=3,
        removed=2,
        rewritten=3,
    )
    assert kept_in(keeper.storage) == {"reject-4": 1, "retry-5": 1, "reject-7": 1, "retry-8": 1}
    assert set(untouched) <= set(keys_in(keeper.storage))
    for key in keys_in(keeper.storage):
        read, place = keeper.storage.read(key), named(key)
        assert read is not None
        assert place is not None
        kept = decode(read.data)
        assert (kept.at_unix_nano, place.date) == (AT, "2026-11-18")  # when it was kept first
        assert kept.attempts == (1 if key in untouched else 2)


@given(
    sizes=st.lists(st.integers(1, 6), max_size=5), seed=st.integers(0, 10**6), rate=st.sampled_from([0, 2])
)
def test_items_in_are_delivered_or_kept(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], seed: int, rate: float
) -> None:
    """However a destination splits them, and however often it is tried; the summary adds up."""
    keeper = FolderKeeper(tmp_path_factory.mktemp("dead"), lambda: AT)
    ids = [[f"{n}-{i}" for i in range(size)] for n, size in enumerate(sizes)]
    for some in ids:
        keeper.bury("logs", CHANNEL, leftovers(*some))
    every, delivered = Counter(id for some in ids for id in some), Counter[str]()
    for turn in range(3):
        sink = Sink(splitting(seed + turn))
        before = sum(kept_in(keeper.storage).values())
        told = redriven(keeper.storage, sink, rate=rate, sleep=lambda _: None)
        delivered += sink.delivered
        assert delivered + kept_in(keeper.storage) == every
        assert told.items == before
        assert told.items == told.delivered + sum(told.left.values()) + sum(told.skipped.values())
        assert told.delivered == sum(sink.delivered.values())


@pytest.mark.parametrize("error", [StorageError("unreachable", "down"), KeyboardInterrupt()])
@pytest.mark.parametrize("is_after", [False, True])
def test_nothing_is_lost_wherever_it_stops(
    keeper: FolderKeeper | S3Keeper, is_after: bool, error: BaseException
) -> None:
    """At any step, before or after it, by a fault or by Ctrl-C; the next redrive takes what is left."""
    ids = ["deliver-1", "deliver-2", "reject-3", "retry-4", "cut-5", "deliver-6", "reject-7"]
    step = 0
    while True:
        step += 1
        for key in keys_in(keeper.storage):
            read = keeper.storage.read(key)
            assert read is not None
            keeper.storage.delete(key, read.etag)
        for some in (ids[:2], ids[2:5], ids[5:]):
            keeper.bury("logs", CHANNEL, leftovers(*some))
        sink = Sink(by_id)
        broken = Broken(keeper.storage, step, is_after, error)
        try:
            redriven(broken, sink)
        except type(error):
            pass
        else:
            assert broken.steps < step
            break
        assert set(sink.delivered + kept_in(keeper.storage)) == set(ids)
        before = kept_in(keeper.storage)
        redriven(keeper.storage, sink)
        assert set(sink.delivered + kept_in(keeper.storage)) == set(ids)
        assert not any(id.startswith("deliver") for id in kept_in(keeper.storage))
        # What was taken and removed did not come again.
        assert all(times <= 1 + before[id] for id, times in sink.delivered.items())
    assert step > 10


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a fault of ours")])
def test_an_interrupted_delivery_keeps_what_it_had(folder: FolderKeeper, error: BaseException) -> None:
    """What was delivered before is not delivered again; what was under way is kept."""
    folder.bury("logs", CHANNEL, leftovers("a", "b", "c", "d", "e"))

    def fate(item: Item) -> str:
        if item.event_id == "d":
            raise error
        return "deliver"

    sink = Sink(fate)
    redrive = Redrive(folder.storage, {"logs": sink}, rate=2, sleep=lambda _: None)
    with pytest.raises(type(error)):
        redrive.run(plan(folder.storage, Filters(), NOW_S))
    assert kept_in(folder.storage) == {"c": 1, "d": 1, "e": 1}
    assert (redrive.told.delivered, redrive.told.skipped) == (2, {"interrupted": 3})


def test_an_outcome_that_lacks_items_removes_nothing(folder: FolderKeeper) -> None:
    """A fault of ours, and told as such."""

    class Losing(Sink):
        def deliver(self, items: Any, deadline_s: float | None = None) -> Outcome:
            return Outcome(delivered=1)

    folder.bury("logs", CHANNEL, leftovers("a", "b"))
    with pytest.raises(LostItemsError):
        redriven(folder.storage, Losing())
    assert kept_in(folder.storage) == {"a": 1, "b": 1}


def test_what_changed_meanwhile_stays(keeper: FolderKeeper | S3Keeper) -> None:
    """The same leftovers were kept again while they were delivered."""
    (key,) = keeper.bury("logs", CHANNEL, leftovers("a"))

    def fate(item: Item) -> str:
        read = keeper.storage.read(key)
        assert read is not None
        keeper.storage.put(key, read.data + b"\0")
        return "deliver"

    told = redriven(keeper.storage, Sink(fate))
    assert (told.delivered, told.removed) == (1, 0)
    assert keys_in(keeper.storage) == [key]


def test_what_is_gone_is_no_error(folder: FolderKeeper) -> None:
    """Removed between the plan and its turn."""
    (key,) = folder.bury("logs", CHANNEL, leftovers("a"))
    made = plan(folder.storage, Filters(), NOW_S)
    read = folder.storage.read(key)
    assert read is not None
    folder.storage.delete(key, read.etag)
    sink = Sink()
    assert Redrive(folder.storage, {"logs": sink}).run(made) == Redriven(gone=1)
    assert sink.calls == []


def test_what_cannot_be_read_is_left_and_told(folder: FolderKeeper) -> None:
    """And so is what nobody here can deliver; the others are delivered."""
    (key,) = folder.bury("logs", CHANNEL, leftovers("x"))
    folder.storage.put(key, b"damaged")
    folder.bury("other", CHANNEL, leftovers("a"))
    folder.bury("logs", "gone", leftovers("b"))
    folder.bury("logs", CHANNEL, leftovers("c"))
    told = redriven(folder.storage, Sink())
    assert list(told.unreadable) == [key]
    assert told.unreadable[key].startswith("bad_gzip: ")
    assert (told.delivered, told.skipped) == (1, {"no_such_sink": 1, "no_such_channel": 1})
    assert len(keys_in(folder.storage)) == 3


def test_two_redrives_do_not_work_side_by_side(keeper: FolderKeeper | S3Keeper) -> None:
    """The second says so, and every item is delivered once."""
    ids = [str(n) for n in range(6)]
    for id in ids:
        keeper.bury("logs", CHANNEL, leftovers(id))
    is_begun, is_over, seen = threading.Event(), threading.Event(), []

    def fate(item: Item) -> str:
        is_begun.set()
        is_over.wait(10)
        return "deliver"

    sink = Sink(fate)
    first = threading.Thread(target=lambda: seen.append(redriven(keeper.storage, sink)))
    first.start()
    is_begun.wait(10)
    try:
        with pytest.raises(BusyError):
            redriven(keeper.storage, sink)
    finally:
        is_over.set()
        first.join()
    assert seen[0].delivered == 6
    assert sink.delivered == Counter(ids)


def test_a_long_redrive_goes_on_being_the_only_one(moto: MotoServer, bucket: str) -> None:
    """Its lease is renewed with each delivery, however many there are."""
    now_s, prefix = 1_000.0, f"p{next(_prefixes)}"
    mine, other = (BucketStorage(bucket, prefix, moto.client("s3"), lambda: now_s) for _ in range(2))
    refused = 0

    def fate(item: Item) -> str:
        nonlocal now_s, refused
        now_s += LEASE_S / 2
        with pytest.raises(BusyError), other.lease():
            pass
        refused += 1
        return "deliver"

    S3Keeper(mine, "", lambda: AT).bury("logs", CHANNEL, leftovers(*"abcdef"))
    told = redriven(mine, Sink(fate), rate=1, sleep=lambda _: None)
    assert (told.delivered, refused) == (6, 6)


def test_the_rate_is_kept(folder: FolderKeeper) -> None:
    """So many items a second, over the objects."""
    now_s = 0.0
    sent: list[tuple[float, int]] = []

    def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    class Timed(Sink):
        def deliver(self, items: Any, deadline_s: float | None = None) -> Outcome:
            sent.append((now_s, len(items[CHANNEL])))
            return super().deliver(items, deadline_s)

    for n in range(4):
        folder.bury("logs", CHANNEL, leftovers(*(f"{n}-{i}" for i in range(25))))
    redriven(folder.storage, Timed(), rate=10.0, clock=lambda: now_s, sleep=sleep)
    assert sum(items for _, items in sent) == 100
    assert now_s == pytest.approx(9.0)
    for at_s, _ in sent:
        assert sum(items for time_s, items in sent if time_s <= at_s) <= 10 * at_s + 10


def test_it_stops_in_time(folder: FolderKeeper) -> None:
    """Between two deliveries; none has more time than there is left."""
    now_s = 0.0

    def fate(item: Item) -> str:
        nonlocal now_s
        now_s += 4
        return "deliver"

    for n in range(5):
        folder.bury("logs", CHANNEL, leftovers(f"{n}"))
    sink = Sink(fate)
    told = redriven(folder.storage, sink, rate=1, deadline_s=10.0, clock=lambda: now_s, sleep=lambda _: None)
    assert (told.delivered, told.ended, told.skipped) == (3, "deadline", {"deadline": 2})
    assert sink.deadlines == [10.0, 6.0, 2.0]
    assert sum(kept_in(folder.storage).values()) == 2


def test_it_stops_when_it_is_told_to(folder: FolderKeeper) -> None:
    """After the delivery that is under way; what was delivered is removed."""
    folder.bury("logs", CHANNEL, leftovers("a", "b", "c", "d"))
    sink = Sink()
    told = redriven(
        folder.storage, sink, rate=1, sleep=lambda _: None, is_stopped=lambda: len(sink.delivered) == 2
    )
    assert (told.delivered, told.ended, told.skipped) == (2, "stopped", {"stopped": 2})
    assert kept_in(folder.storage) == {"c": 1, "d": 1}


def test_a_destination_that_is_down_is_left_alone(folder: FolderKeeper) -> None:
    """After three deliveries of which nothing was taken; other sinks go on."""
    for n in range(6):
        folder.bury("logs", CHANNEL, leftovers(f"{n}"))
        folder.bury("other", CHANNEL, leftovers(f"o{n}"))
    down, other = Sink(lambda item: "retry"), Sink(name="other")
    told = redriven(folder.storage, down, other, rate=1, sleep=lambda _: None)
    assert len(down.calls) == 3
    assert (told.delivered, told.left, told.skipped) == (6, {"throttled": 3}, {"destination_down": 3})
    assert sum(kept_in(folder.storage).values()) == 6


def test_small_objects_go_together(folder: FolderKeeper) -> None:
    """The items of many in one delivery; each is written back, or removed, by itself."""
    for n in range(100):
        folder.bury("logs", CHANNEL, leftovers(f"deliver-{n}", f"reject-{n}" if n % 2 else f"deliver-x{n}"))
    sink = Sink(by_id)
    told = redriven(folder.storage, sink)
    assert [len(call) for call in sink.calls] == [128, 72]
    assert (told.objects, told.delivered, told.removed, told.rewritten) == (100, 150, 100, 50)
    assert kept_in(folder.storage) == Counter(f"reject-{n}" for n in range(1, 100, 2))


def test_a_fault_of_one_object_costs_no_other(folder: FolderKeeper) -> None:
    """What can be written and removed is, and then it is told."""
    for n in range(10):
        folder.bury("logs", CHANNEL, leftovers(f"deliver-{n}", f"reject-{n}"))
    redrive = Redrive(Broken(folder.storage, 15, is_after=False), {"logs": Sink(by_id)})
    with pytest.raises(StorageError):
        redrive.run(plan(folder.storage, Filters(), NOW_S))
    assert redrive.told.delivered == 10
    assert redrive.told.removed == 9
    kept = kept_in(folder.storage)
    assert set(kept) - {f"reject-{n}" for n in range(10)} <= {f"deliver-{n}" for n in range(10)}
    assert sum(id.startswith("deliver") for id in kept) == 1
    assert {f"reject-{n}" for n in range(10)} <= set(kept)


def test_progress_is_told(folder: FolderKeeper) -> None:
    """As many items as were tried."""
    folder.bury("logs", CHANNEL, leftovers("deliver-1", "retry-2"))
    folder.bury("logs", CHANNEL, leftovers("reject-3"))
    seen: list[int] = []
    redriven(folder.storage, Sink(by_id), rate=2, sleep=lambda _: None, on_progress=seen.append)
    assert seen == [2, 1]


def test_items_that_were_not_given_remove_nothing(folder: FolderKeeper) -> None:
    """A deliverer that returns items of its own: nobody can say what was delivered."""

    class Strange(Sink):
        def deliver(self, items: Any, deadline_s: float | None = None) -> Outcome:
            return Outcome(delivered=1, retry={CHANNEL: leftovers("a")})

    folder.bury("logs", CHANNEL, leftovers("a", "b"))
    with pytest.raises(LostItemsError, match="items that it was not given"):
        redriven(folder.storage, Strange())
    assert kept_in(folder.storage) == {"a": 1, "b": 1}


def test_items_come_back_as_they_were(folder: FolderKeeper) -> None:
    """Byte for byte, group, whole and further events included; also after a redrive in vain."""
    item = Item("a:1", b'{"x": 1}\n{"y": 2}', b'{"r": {}}', ("b",), b'{"whole": 1}')
    folder.bury("logs", CHANNEL, [Leftover(item, Refusal("bad_request", 400)), *leftovers("other")])
    seen: list[Item] = []

    def fate(one: Item) -> str:
        if one.event_id == "a:1":
            seen.append(one)
            return "reject" if len(seen) == 1 else "deliver"
        return "deliver"

    for _ in range(2):
        redriven(folder.storage, Sink(fate))
    assert seen == [item, item]
    assert keys_in(folder.storage) == []
