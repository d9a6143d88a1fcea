"""What is left of an object: what it is now, and how often it was tried."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.local.moto_server import MotoServer
from subscribers.dead_letter import FolderKeeper, S3Keeper
from subscribers.dead_letter_storage import BucketStorage, Read, Storage, StorageError
from subscribers.kept import Kind, decode, documents, written
from subscribers.redrive import Redrive, Redriven
from subscribers.redrive_plan import Filters, RedriveError
from tests.subscribers.redriving import (
    CHANNEL,
    Broken,
    Sink,
    by_id,
    kept_in,
    leftovers,
    redriven,
    splitting,
)

AT = 1_795_000_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> FolderKeeper:
    return FolderKeeper(tmp_path / "dead", lambda: AT)


def what_is(storage: Storage) -> dict[str, tuple[str, str, int]]:
    """Event ID -> (kind, reason, attempts) of all that is kept."""
    found: dict[str, tuple[str, str, int]] = {}
    for place in ("dead_letters/", "retries/"):
        for one in storage.find(place):
            read = storage.read(one.key)
            assert read is not None
            kept = decode(read.data)
            assert one.key.startswith(place)
            for leftover in kept.leftovers:
                found[leftover.item.event_id] = (kept.kind, leftover.refusal.reason, kept.attempts)
    return found


IDS = ("deliver-1", "retry-2", "reject-3", "cut-4", "other-5")


def test_what_waits_for_a_retry_does_not_die_of_its_neighbours(folder: FolderKeeper) -> None:
    """Refused for good is a dead letter; transient or not tried it goes on waiting, with its tries."""
    folder.retry("logs", CHANNEL, leftovers(*IDS))
    redriven(folder.storage, Sink(by_id), filters=Filters(event_ids=IDS[:-1]))
    assert what_is(folder.storage) == {
        "retry-2": ("retry", "throttled", 2),
        "reject-3": ("dead_letter", "bad_request", 2),
        "cut-4": ("dead_letter", "truncated", 2),
        "other-5": ("retry", "throttled", 1),
    }


def test_a_dead_letter_stays_one(folder: FolderKeeper) -> None:
    """Even where it may be taken the next time: nothing waits for it but a redrive."""
    folder.bury("logs", CHANNEL, leftovers(*IDS))
    redriven(folder.storage, Sink(by_id), filters=Filters(limit=4))
    assert {kind for kind, _, _ in what_is(folder.storage).values()} == {"dead_letter"}
    assert what_is(folder.storage)["other-5"] == ("dead_letter", "throttled", 1)


def test_what_no_message_points_to_is_no_retry_of_a_queue(moto: MotoServer) -> None:
    """Retries of a bucket are their queue's; a new object has no message there, and is for a redrive."""
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="kinds", CreateBucketConfiguration={"LocationConstraint": moto.region})
    storage = BucketStorage("kinds", "prefix", s3)
    for made in documents("logs", CHANNEL, leftovers(*IDS), kind="retry", at_unix_nano=AT):
        S3Keeper(storage).keep([made])
    redriven(storage, Sink(by_id), filters=Filters(event_ids=("deliver-1",)))
    assert what_is(storage) == dict.fromkeys(IDS[1:], ("dead_letter", "throttled", 1))


def test_what_waits_and_is_refused_for_good_waits_no_more(folder: FolderKeeper) -> None:
    """Also where nothing of its object was taken; what may be taken the next time stays as it is."""
    folder.retry("logs", CHANNEL, leftovers("reject-1"))
    (key,) = folder.retry("logs", CHANNEL, leftovers("retry-2"))
    told = redriven(folder.storage, Sink(by_id))
    assert (told.removed, told.rewritten) == (1, 1)
    assert what_is(folder.storage) == {
        "reject-1": ("dead_letter", "bad_request", 2),
        "retry-2": ("retry", "throttled", 1),
    }
    assert folder.storage.read(key) is not None


@given(
    sizes=st.lists(st.integers(1, 5), max_size=4),
    kind=st.sampled_from(["retry", "dead_letter"]),
    seed=st.integers(0, 10**6),
    limit=st.integers(0, 8),
)
def test_only_a_refusal_makes_a_dead_letter(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], kind: Kind, seed: int, limit: int
) -> None:
    """Whatever becomes of its neighbours, and wherever a limit cuts: what was not refused is what it was."""
    storage = FolderKeeper(tmp_path_factory.mktemp("dead"), lambda: AT).storage
    for n, size in enumerate(sizes):
        some = leftovers(*(f"{n}-{i}" for i in range(size)))
        for made in documents("logs", CHANNEL, some, kind=kind, at_unix_nano=AT):
            storage.put(*written(made))
    before = kept_in(storage)
    sink = Sink(splitting(seed))
    told = redriven(storage, sink, filters=Filters(limit=limit))
    assert kept_in(storage) + sink.delivered == before
    for id, (is_now, reason, attempts) in what_is(storage).items():
        # `truncated` are the documents of what was delivered in part.
        expected = "dead_letter" if reason in ("bad_request", "truncated") else kind
        assert is_now == (expected if kind == "retry" else "dead_letter"), id
        assert attempts in (1, 2)
    assert told.delivered + sum(told.left.values()) <= (limit or told.items)


class Guarded(Broken):
    """A storage of which one object may not be read."""

    def read(self, key: str) -> Read | None:
        if key == self.key:
            raise StorageError("access_denied", f"{key}: Permission denied")
        return self.inner.read(key)

    key = ""


def test_an_object_that_may_not_be_read_keeps_nobody_else(folder: FolderKeeper) -> None:
    """It is told and left; a storage that is down ends the run."""
    (key,) = folder.bury("logs", CHANNEL, leftovers("a"))
    folder.bury("logs", CHANNEL, leftovers("b"))
    guarded = Guarded(folder.storage, 0, is_after=False)
    guarded.key = key
    told = redriven(guarded, Sink())
    assert (told.delivered, told.unreadable) == (1, {key: f"{key}: Permission denied"})
    assert kept_in(folder.storage) == {"a": 1}
    with pytest.raises(StorageError, match="the line is down"):
        redriven(Broken(folder.storage, 1, is_after=False), Sink())


@pytest.mark.parametrize("rate", [math.nan, math.inf, -math.inf, -1.0, 1e-300])
def test_a_rate_that_is_none_is_refused(folder: FolderKeeper, rate: float) -> None:
    """Before anything is begun."""
    with pytest.raises(RedriveError, match="items a second makes no sense"):
        Redrive(folder.storage, {}, rate=rate)


@pytest.mark.parametrize(("stops", "why"), [(True, "stopped"), (False, "deadline")])
def test_a_slow_rate_keeps_nobody_waiting(folder: FolderKeeper, stops: bool, why: str) -> None:
    """A thousand seconds to the next item: it ends when it is told to, or when its time is up."""
    now_s = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    folder.bury("logs", CHANNEL, leftovers("a", "b"))
    told: Redriven = redriven(
        folder.storage,
        Sink(),
        rate=0.001,
        clock=lambda: now_s,
        sleep=sleep,
        deadline_s=None if stops else 20.0,
        is_stopped=lambda: stops and now_s >= 20,
    )
    assert (told.delivered, told.ended, told.skipped) == (1, why, {why: 1})
    assert 20 <= now_s <= 21
    assert kept_in(folder.storage) == {"b": 1}
