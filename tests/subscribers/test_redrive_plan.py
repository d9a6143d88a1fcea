"""What a redrive would take: plans and filters."""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from console.local.moto_server import MotoServer
from subscribers.dead_letter import FolderKeeper, S3Keeper
from subscribers.dead_letter_storage import (
    BucketStorage,
    FolderStorage,
    StorageError,
)
from subscribers.redrive import Redrive
from subscribers.redrive_plan import ORPHAN_S, Filters, plan
from subscribers.sinks.channel import Item, Leftover, Outcome, Refusal
from tests.subscribers.redriving import (
    CHANNEL,
    NOW_S,
    Sink,
    kept_in,
    keys_in,
    leftovers,
    redriven,
)

AT = 1_795_000_000_000_000_000
_prefixes = count()


@pytest.fixture(scope="module")
def bucket(moto: MotoServer) -> str:
    moto.client("s3").create_bucket(
        Bucket="plans", CreateBucketConfiguration={"LocationConstraint": moto.region}
    )
    return "plans"


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


def test_what_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    """It does not look as if nothing were there. A folder that may not be read ends in the same place."""
    (tmp_path / "dead_letters").write_text("no folder")
    with pytest.raises(StorageError, match="dead_letters: Not a directory"):
        plan(FolderStorage(tmp_path), Filters(), NOW_S)


def test_a_plan_says_what_there_is(keeper: FolderKeeper | S3Keeper) -> None:
    """By kind, sink, channel and reason, from a listing; and what of it waits to be asked for."""
    keeper.bury("logs", CHANNEL, leftovers("a", "b", reason="bad_request"))
    keeper.bury("logs", CHANNEL, leftovers("c", reason="bad_request"))
    keeper.bury("logs", CHANNEL, leftovers("d", reason="outcome_unknown"))
    keeper.bury("metrics", "series", leftovers("e", "f", reason="truncated"))
    keeper.dead_letter("bad_gzip", b"xyz", {})
    made = plan(keeper.storage, Filters(), NOW_S)
    groups = [(g.sink, g.channel, g.reason, g.why_not, g.objects, g.items) for g in made.groups]
    assert groups == [
        ("logs", CHANNEL, "bad_request", "", 2, 3),
        ("logs", CHANNEL, "outcome_unknown", "may have been delivered", 1, 1),
        ("metrics", "series", "truncated", "was delivered, cut to the API's limit", 1, 2),
    ]
    assert (made.items, len(made.objects)) == (3, 2)
    assert all(g.bytes > 100 and 1.7e9 < g.oldest_s <= g.newest_s for g in made.groups)
    assert [(one.reason, one.bytes) for one in made.inputs] == [("bad_gzip", 3)]
    assert made.source == keeper.storage.name


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(), "abcd"),
        (Filters(sinks=("logs",)), "abc"),
        (Filters(sinks=("logs", "metrics")), "abcd"),
        (Filters(channels=("series",)), "d"),
        (Filters(reasons=("bad_request",)), "ab"),
        (Filters(reasons=("outcome_unknown",)), "u"),
        (Filters(reasons=("truncated",)), ""),
        (Filters(since_s=0.0, until_s=9e9), "abcd"),
        (Filters(since_s=9e9), ""),
        (Filters(until_s=1.0), ""),
        (Filters(event_ids=("a",)), "a"),
        (Filters(event_ids=("c", "d", "none")), "cd"),
        (Filters(limit=1), "a"),
        (Filters(sinks=("none",)), ""),
    ],
)
def test_filters_choose(folder: FolderKeeper, filters: Filters, found: str) -> None:
    """What they do not choose stays where it is, whole."""
    folder.bury("logs", CHANNEL, leftovers("a", "b", reason="bad_request"))
    folder.bury("logs", CHANNEL, leftovers("c"))
    folder.bury("metrics", "series", leftovers("d"))
    folder.bury("logs", CHANNEL, leftovers("u", reason="outcome_unknown"))
    folder.bury("logs", CHANNEL, leftovers("cut", reason="truncated"))
    logs, metrics = Sink(name="logs"), SeriesSink(name="metrics")
    redriven(folder.storage, logs, metrics, filters=filters)
    delivered = logs.delivered + metrics.delivered
    assert sum(delivered.values()) == len(found)
    assert filters.limit or set(delivered) == set(found)
    assert delivered + kept_in(folder.storage) == Counter("abcdu")


class SeriesSink(Sink):
    """One with another channel."""

    def deliver(self, items: Any, deadline_s: float | None = None) -> Outcome:
        return super().deliver({CHANNEL: items["series"]}, deadline_s)


def test_an_event_id_is_that_of_all_its_signals(folder: FolderKeeper) -> None:
    """An item of it, one that stands for it, and none that only begins alike."""
    items = [Item("e1:0", b"{}"), Item("e1:1", b"[]"), Item("e10:0", b"1"), Item("e2", b"2", more=("e1:7",))]
    folder.bury("logs", CHANNEL, [Leftover(item, Refusal("throttled")) for item in items])
    sink = Sink()
    told = redriven(folder.storage, sink, filters=Filters(event_ids=("e1",)))
    assert set(sink.delivered) == {"e1:0", "e1:1", "e2"}
    assert kept_in(folder.storage) == {"e10:0": 1}
    assert (told.items, told.delivered, told.skipped) == (4, 3, {"another_event": 1})


def test_retries_of_a_bucket_are_the_queues_for_a_day(moto: MotoServer, bucket: str) -> None:
    """Then nobody has the message any more. Those of a folder are nobody else's."""
    moto.client("sqs").create_queue(QueueName="orphans")
    url = moto.client("sqs").get_queue_url(QueueName="orphans")["QueueUrl"]
    storage = BucketStorage(bucket, f"p{next(_prefixes)}", moto.client("s3"))
    S3Keeper(storage, url, lambda: AT, moto.client("sqs")).retry("logs", CHANNEL, leftovers("a", "b"))
    (group,) = plan(storage, Filters(), NOW_S).groups
    now_s = group.newest_s
    (group,) = (made := plan(storage, Filters(), now_s + ORPHAN_S - 1)).groups
    assert (group.kind, group.why_not, group.items, made.objects) == (
        "retry",
        "waits in its retry queue",
        2,
        [],
    )
    made = plan(storage, Filters(), now_s + ORPHAN_S)
    Redrive(storage, {"logs": Sink(lambda item: "deliver" if item.event_id == "a" else "retry")}).run(made)
    (key,) = keys_in(storage)
    assert key.startswith("dead_letters/logs/bulk/2026-11-18/throttled/")


def test_retries_of_a_folder_are_redriven(folder: FolderKeeper) -> None:
    """At once."""
    folder.retry("logs", CHANNEL, leftovers("a"))
    sink = Sink()
    made = plan(folder.storage, Filters(), 0.0)
    assert Redrive(folder.storage, {"logs": sink}).run(made).delivered == 1
    assert keys_in(folder.storage) == []


def test_a_listing_of_many_pages(moto: MotoServer, bucket: str) -> None:
    """More than the thousand keys of one; nothing else of the bucket is looked at."""
    from moto.s3.models import s3_backends

    storage = BucketStorage(bucket, f"p{next(_prefixes)}", moto.client("s3"))
    (kept,) = S3Keeper(storage, "", lambda: AT).bury("logs", CHANNEL, leftovers("a"))
    read = storage.read(kept)
    assert read is not None
    backend = s3_backends["123456789012"]["aws"]
    folder = kept.rpartition("/")[0]
    for n in range(2_500):
        backend.put_object(bucket, f"{storage.prefix}{folder}/{n:032x}-1.ndjson.gz", read.data)
    backend.put_object(bucket, f"{storage.prefix}else/{n:032x}-1.ndjson.gz", read.data)
    backend.put_object(bucket, f"{storage.prefix}dead_letters/readme.txt", b"")
    made = plan(storage, Filters(), NOW_S)
    assert [(g.objects, g.items) for g in made.groups] == [(2_501, 2_501)]
    assert len({one.key for one in made.objects}) == 2_501


def test_an_absurd_limit_is_refused(folder: FolderKeeper) -> None:
    """With a sentence."""
    with pytest.raises(ValueError, match="a limit of -1 items makes no sense"):
        plan(folder.storage, Filters(limit=-1), NOW_S)


def test_a_folder_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    """It is no error, and it is not made."""
    made = plan(FolderStorage(tmp_path / "none"), Filters(), NOW_S)
    assert (made.groups, made.objects, made.inputs) == ([], [], [])
    assert not (tmp_path / "none").exists()
