"""One demo: the system that runs, the store it is observed into, and what was sent and settled so far."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from console import key_secret, store_config
from console.demo import drive, subscribe, system
from console.demo.example import example
from console.demo.scenario import Request
from console.demo.subscribe import Subscription, Total
from console.errors import ConsoleError
from console.local.cloudwatch import read_events
from subscribers.store import Store

#: In a store that the demo made; only such a store is emptied for the next run.
MARK = "made-by-observe-demo"
#: Where a running demo says how to reach it.
RUNNING = "demo.json"
#: The store's tables while `demo break sink-down` has put them out of reach.
OFFLINE = "tables.offline"
#: In the mark while a demo runs, and after one that was killed.
_UNFINISHED = "unfinished"
_KNOWN = {
    MARK,
    RUNNING,
    OFFLINE,
    key_secret.FILE,
    store_config.FILE,
    "manifest.json",
    "tables",
    "dead_letters",
    "tmp",
    "lock",
    "kept",
    *(subscribe.STATE + more for more in ("", "-wal", "-shm")),
}


class DemoFailedError(ConsoleError):
    """The demo did not do what it should have. `reason` is low-cardinality."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class Session:
    """A running demo. total: the ledgers of every payload so far; answers: of every request; objects:
    (bucket, key) of those of S3 that the subscriber was told of."""

    system: system.System
    store: Path
    subscription: Subscription
    total: Total = field(default_factory=Total)
    answers: list[drive.Answer] = field(default_factory=list)
    objects: list[tuple[str, str]] = field(default_factory=list)
    #: When it started, epoch seconds.
    began_s: float = field(default_factory=time.time)

    def send(
        self,
        wanted: Iterable[Request],
        done: Callable[[drive.Answer], None] = lambda _: None,
        clients: int = 1,
    ) -> list[drive.Answer]:
        """Send requests through the front door and remember the answers."""
        answers = drive.drive(self.system.url, wanted, done, clients)
        self.answers += answers
        return answers

    def settle(self) -> None:
        """Wait until everything sent has been worked off and logged. Raises DemoFailedError."""
        if not self.system.settle():
            raise DemoFailedError("not_settled", "a queue was not empty, or the legacy side silent, in time")

    def deliver(self, done: Callable[[], None] = lambda: None) -> Total:
        """Hand what is new in the logs to the subscriber."""
        total = self.subscription.deliver(done)
        self.total.plus(total)
        return total

    def collect(self, bucket: str, key: str) -> Total:
        """Let S3 tell the subscriber of a new object."""
        total = self.subscription.collect(bucket, key)
        self.objects.append((bucket, key))
        self.total.plus(total)
        return total

    def lines_in_objects(self) -> int:
        """Return how many lines the objects have of which the subscriber was told."""
        client = self.system.aws.client("s3")
        found = (client.get_object(Bucket=bucket, Key=key)["Body"].read() for bucket, key in self.objects)
        return sum(len(body.splitlines()) for body in found)

    def events_in_logs(self) -> int:
        """Return how many events CloudWatch Logs holds, the subscriber's own left out."""
        return sum(1 for _ in self.events())

    def events(self) -> Iterator[tuple[str, str]]:
        """Yield (log group, message) of every event there is, the subscriber's own left out."""
        client = self.system.aws.client("logs")
        for group, stream in subscribe.streams(client):
            for event in read_events(client, group, stream):
                yield group, event.message


@contextmanager
def running(archive: Path, store: Path, port: int = 0) -> Iterator[Session]:
    """Start a demo into an empty store. Raises the errors of `system.running`."""
    secret = secrets.token_hex(16)
    Store(store).record([])  # makes it a store, which other files may then lie in
    key_secret.keep(store, secret)
    store_config.keep(store, example() / "observe.yaml")
    (store / MARK).write_text(_UNFINISHED, encoding="utf-8")
    with (
        system.running(archive, secret, port) as started,
        subscribe.subscriber(store, started.log, secret, started.aws.endpoint_url) as function,
    ):
        try:
            yield Session(started, store, Subscription(started.aws.client("logs"), function))
        finally:
            bring_back(store)
            _sign(store)


def bring_back(store: Path) -> None:
    """Put the store's tables back where `demo break sink-down` has put them out of reach."""
    aside, tables = store / OFFLINE, store / "tables"
    if aside.is_dir():
        with suppress(FileNotFoundError):  # who broke it may be repairing it at this moment
            tables.unlink()
        with suppress(FileNotFoundError):
            aside.rename(tables)


@contextmanager
def alone(store: Path) -> Iterator[None]:
    """Hold the store for one demo. Raises DemoFailedError where another one runs on it."""
    name = hashlib.sha256(str(store.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    # Not in the store: that is emptied, and a folder with anything else in it is not a store.
    with (Path(tempfile.gettempdir()) / f"observe-demo.lock.{os.getuid()}.{name}").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"a demo is running on {store} already: end it, or give another folder with --store"
            raise DemoFailedError("running_already", message) from None
        yield


def fresh(store: Path) -> None:
    """See to it that there is an empty folder; only what the demo alone has written is removed."""
    if store.is_dir() and any(store.iterdir()):
        if store.is_symlink() or not _is_own(store):
            raise _not_ours(store)
        shutil.rmtree(store)
    store.mkdir(parents=True, exist_ok=True)
    probe = store / "probe"
    probe.touch()  # better told now than when everything has run
    probe.unlink()


def _not_ours(store: Path) -> DemoFailedError:
    said = f"{store} has data that the demo did not write: give another folder with --store, or remove it"
    return DemoFailedError("store_not_ours", said)


def _is_own(store: Path) -> bool:
    """Whether the store is as the demo left it: nobody has added to it since."""
    mark = store / MARK
    return (
        mark.is_file()
        and {path.name for path in store.iterdir()} <= _KNOWN
        and mark.read_text(encoding="utf-8") in (_state(store), _UNFINISHED)
    )


def _sign(store: Path) -> None:
    (store / MARK).write_text(_state(store), encoding="utf-8")


def _state(store: Path) -> str:
    manifest = store / "manifest.json"
    return hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.exists() else ""
