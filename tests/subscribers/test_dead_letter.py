"""Where that goes which a sink did not take: folders, S3 and retry queues."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.local.moto_server import MotoServer
from subscribers.dead_letter import DELAY_MAX_S, FolderKeeper, S3Keeper, delay_s
from subscribers.dead_letter_storage import (
    LEASE_S,
    BucketStorage,
    BusyError,
    FolderStorage,
    Storage,
    StorageError,
    storage_of,
)
from subscribers.kept import decode, named
from subscribers.sinks.channel import Keeper
from tests.subscribers.redriving import CHANNEL, kept_in, keys_in, leftovers, received_of

AT = 1_795_000_000_000_000_000


@pytest.fixture
def bucket(moto: MotoServer, request: pytest.FixtureRequest) -> str:
    name = f"dead-{abs(hash(request.node.nodeid)) % 10**12}"
    moto.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": moto.region}
    )
    return name


@pytest.fixture
def in_s3(moto: MotoServer, bucket: str) -> BucketStorage:
    return BucketStorage(bucket, "observe/prod", moto.client("s3"))


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return FolderStorage(tmp_path / "dead")
    found: BucketStorage = request.getfixturevalue("in_s3")
    return found


@pytest.fixture
def queue(moto: MotoServer, request: pytest.FixtureRequest) -> str:
    made = moto.client("sqs").create_queue(QueueName=f"retries-{abs(hash(request.node.nodeid)) % 10**12}")
    return str(made["QueueUrl"])


def test_what_is_put_is_read_until_it_is_removed(storage: Storage) -> None:
    """In a folder as in a bucket; what is not there is None, and to remove it is no error."""
    assert storage.read("a/b") is None
    storage.put("a/b", b"\x00one")
    read = storage.read("a/b")
    assert read is not None
    assert read.data == b"\x00one"
    assert storage.delete("a/b", read.etag)
    assert storage.read("a/b") is None
    assert storage.delete("a/b", read.etag)


def test_only_what_was_read_is_removed(storage: Storage) -> None:
    """Not what was put under the same key since: it was not delivered."""
    storage.put("a", b"one")
    read = storage.read("a")
    storage.put("a", b"two")
    assert read is not None
    assert not storage.delete("a", read.etag)
    left = storage.read("a")
    assert left is not None
    assert left.data == b"two"


def test_a_listing_is_of_the_folder_alone(storage: Storage) -> None:
    """In the order of keys, with sizes and times; names that only begin alike are others."""
    for key in ("a/2", "a/1/x", "ab/1", "b"):
        storage.put(key, key.encode())
    found = list(storage.find("a/"))
    assert sorted(one.key for one in found) == ["a/1/x", "a/2"]
    assert [one.bytes for one in found] == [len(one.key) for one in found]
    assert all(one.modified_s > 1_700_000_000 for one in found)
    assert list(storage.find("none/")) == []


def test_one_redrive_at_a_time(storage: Storage) -> None:
    """The second is told of the first, until that is done, however it ended."""

    def failing() -> None:
        with storage.lease() as renew:
            renew()
            with pytest.raises(BusyError, match="another redrive is at work"), storage.lease():
                pass
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    with storage.lease():
        pass


def _hold_and_die(path: str) -> None:
    with FolderStorage(Path(path)).lease():
        os._exit(9)


def test_a_killed_redrive_holds_no_folder(tmp_path: Path) -> None:
    """The kernel gives its lease back."""
    process = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(str(tmp_path),))
    process.start()
    process.join()
    assert process.exitcode == 9
    with FolderStorage(tmp_path).lease():
        pass


def test_a_lease_in_a_bucket_ends_by_itself(moto: MotoServer, bucket: str) -> None:
    """A quarter of an hour after the last sign of life; who comes back then is told that it is another's."""
    now_s = 1_000.0
    mine, other = (BucketStorage(bucket, "p", moto.client("s3"), lambda: now_s) for _ in range(2))
    with mine.lease() as renew:
        now_s += LEASE_S - 1
        renew()
        now_s += LEASE_S - 1
        with pytest.raises(BusyError), other.lease():
            pass
        now_s += 2
        with other.lease():
            with pytest.raises(BusyError):
                renew()
            with (
                pytest.raises(BusyError),
                BucketStorage(bucket, "p", moto.client("s3"), lambda: now_s).lease(),
            ):
                pass
    assert list(mine.find("")) == []


def test_a_damaged_lease_holds_nobody(moto: MotoServer, in_s3: BucketStorage) -> None:
    """Whatever somebody has put there."""
    for body in (b"", b"[]", b'{"until_s":"x"}', b"\xff"):
        in_s3.put("redrive.lock", body)
        with in_s3.lease() as renew:
            renew()


@pytest.mark.parametrize("source", ["gs://bucket/a", "s3://", "s3:///a", "https://x"])
def test_what_is_no_source_is_told(source: str) -> None:
    """Neither a folder nor a bucket of S3."""
    with pytest.raises(StorageError, match=r"is neither a folder nor s3://bucket/prefix") as raised:
        storage_of(source)
    assert raised.value.reason == "bad_source"


def test_a_bucket_is_needed_for_queues() -> None:
    """A folder has none."""
    assert S3Keeper("s3://b/p").storage.name == "s3://b/p"
    with pytest.raises(StorageError, match="'folder' is not s3://bucket/prefix"):
        S3Keeper("folder")


def test_a_source_is_a_folder_or_a_bucket(tmp_path: Path) -> None:
    """By how it is written."""
    assert storage_of(str(tmp_path)).name == str(tmp_path)
    for source in ("s3://b", "s3://b/"):
        assert storage_of(source).name == "s3://b"
    assert storage_of("s3://b/p/q/").name == "s3://b/p/q"


def test_s3_says_why(moto: MotoServer, aws: object) -> None:
    """A bucket that is not there, with the real client of the environment."""
    missing = BucketStorage("no-such-bucket-here")
    calls: list[Callable[[], object]] = [
        lambda: missing.put("a", b""),
        lambda: list(missing.find("")),
        lambda: missing.delete("a", "x"),
    ]
    for call in calls:
        with pytest.raises(StorageError) as raised:
            call()
        assert raised.value.reason == "no_such_bucket"
        assert "s3://no-such-bucket-here/" in str(raised.value)


def test_a_folder_says_why(tmp_path: Path) -> None:
    """A path that is a file."""
    (tmp_path / "file").write_text("")
    for call in (lambda s: s.put("a", b""), lambda s: s.read("a"), lambda s: s.delete("a", "x")):
        with pytest.raises(StorageError) as raised:
            call(FolderStorage(tmp_path / "file"))
        assert raised.value.reason == "unwritable"


@pytest.fixture(params=["folder", "s3"])
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FolderKeeper | S3Keeper]:
    if request.param == "folder":
        yield FolderKeeper(tmp_path / "dead", lambda: AT)
        return
    moto: MotoServer = request.getfixturevalue("moto")
    yield S3Keeper(
        request.getfixturevalue("in_s3"),
        request.getfixturevalue("queue"),
        lambda: AT,
        moto.client("sqs"),
    )


def test_everything_that_is_given_is_kept(keeper: FolderKeeper | S3Keeper) -> None:
    """By reason, at names that tell what it is; the same again is the same object."""
    as_protocol: Keeper = keeper
    given = [*leftovers("a", "b"), *leftovers("c", reason="Bad Request!")]
    for _ in range(2):
        as_protocol.bury("logs", CHANNEL, given)
        as_protocol.retry("logs", CHANNEL, leftovers("d"))
    assert kept_in(keeper.storage) == {"a": 1, "b": 1, "c": 1, "d": 1}
    names = [named(key) for key in keys_in(keeper.storage)]
    assert sorted((n.kind, n.sink, n.channel, n.date, n.reason, n.items) for n in names if n) == [
        ("dead_letter", "logs", CHANNEL, "2026-11-18", "bad_request", 1),
        ("dead_letter", "logs", CHANNEL, "2026-11-18", "throttled", 2),
        ("retry", "logs", CHANNEL, "2026-11-18", "throttled", 1),
    ]


def test_nothing_is_kept_of_nothing(keeper: FolderKeeper | S3Keeper) -> None:
    """No empty documents."""
    assert keeper.bury("logs", CHANNEL, []) == keeper.retry("logs", CHANNEL, []) == []


def test_input_is_kept_byte_for_byte(keeper: FolderKeeper | S3Keeper) -> None:
    """Beside what is said of it; the same document once, and another for another reason."""
    document = b"\x1f\x8bno gzip\xff"
    for reason in ("bad_gzip", "bad_gzip", "Too large/..:"):
        key = keeper.dead_letter(reason, document, {"log_group": "/g", "odd": Path("x")})
    assert sorted(one.rpartition("/")[0] for one in keys_in(keeper.storage)) == [
        *["input/bad_gzip"] * 2,
        *["input/too_large"] * 2,
    ]
    described, bytes_ = keeper.storage.read(key), keeper.storage.read(key.replace(".json", ".bin"))
    assert described is not None
    assert bytes_ is not None
    assert bytes_.data == document
    told = json.loads(described.data)
    assert told.pop("id")
    assert told == {
        "reason": "Too large/..:",
        "bytes": len(document),
        "at_s": AT / 1e9,
        "detail": {"log_group": "/g", "odd": "x"},
    }


def test_a_queue_is_told_where_it_is(moto: MotoServer, in_s3: BucketStorage, queue: str) -> None:
    """Each sink's own queue; the message is small, whatever the document holds."""
    keeper = S3Keeper(in_s3, {"logs": queue}, lambda: AT, moto.client("sqs"))
    keeper.retry("logs", CHANNEL, leftovers("a", "b"))
    (received,) = received_of(moto, queue)
    message = json.loads(received["body"])
    key = message.pop("key")
    assert message == {
        "observe_retry": 1,
        "sink": "logs",
        "channel": CHANNEL,
        "bucket": in_s3.bucket,
        "items": 2,
        "attempts": 1,
    }
    told = moto.client("s3").get_object(Bucket=in_s3.bucket, Key=key)
    assert told["ContentType"] == "application/gzip"
    assert decode(told["Body"].read()).leftovers == tuple(leftovers("a", "b"))


def test_a_sink_without_a_queue_has_dead_letters(moto: MotoServer, in_s3: BucketStorage, queue: str) -> None:
    """What is transient as well: a scheduled redrive finds it."""
    keeper = S3Keeper(in_s3, {"metrics": queue}, lambda: AT, moto.client("sqs"))
    keeper.retry("logs", CHANNEL, leftovers("a"))
    (key,) = keys_in(in_s3)
    assert key.startswith("dead_letters/logs/bulk/2026-11-18/throttled/")


def test_a_queue_that_cannot_be_told(moto: MotoServer, in_s3: BucketStorage) -> None:
    """What is transient is a dead letter then: it is kept, so that nothing needs to come again."""
    keeper = S3Keeper(in_s3, "https://sqs.eu-west-1.amazonaws.com/1/none", lambda: AT, moto.client("sqs"))
    (key,) = keeper.retry("logs", CHANNEL, leftovers("a"))
    assert key.startswith("dead_letters/logs/bulk/2026-11-18/throttled/")
    assert keys_in(in_s3) == [key]
    assert kept_in(in_s3) == {"a": 1}


def test_messages_wait_longer_each_time() -> None:
    """Up to what SQS allows, however often it was tried."""
    waits = [delay_s(attempts) for attempts in range(1, 200)]
    assert waits[:6] == [30, 60, 120, 240, 480, 900]
    assert waits == sorted(waits)
    assert max(waits) == DELAY_MAX_S
    assert delay_s(0) == delay_s(-5) == 30
