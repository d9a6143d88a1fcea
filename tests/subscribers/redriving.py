"""What the tests of dead letters, retry queues and redrives share."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from console.local.moto_server import MotoServer
from subscribers.dead_letter_storage import Found, Read, Storage, StorageError
from subscribers.kept import decode, named
from subscribers.redrive import Redrive, Redriven
from subscribers.redrive_plan import Filters, plan
from subscribers.sinks.channel import Item, Leftover, Outcome, Refusal

CHANNEL = "bulk"
#: Long after anything was kept, in seconds since the epoch.
NOW_S = 1e10
Fate = str


def leftovers(*event_ids: str, reason: str = "throttled", status: int = 429) -> list[Leftover]:
    return [
        Leftover(Item(event_id, b'{"message":"%s"}' % event_id.encode()), Refusal(reason, status, "said"))
        for event_id in event_ids
    ]


class Sink:
    """A deliverer that does with each item what `fate` says: deliver, cut, retry or reject."""

    def __init__(self, fate: Callable[[Item], Fate] = lambda item: "deliver", name: str = "logs") -> None:
        self.fate, self._name = fate, name
        self.delivered: Counter[str] = Counter()
        self.calls: list[list[str]] = []
        self.deadlines: list[float | None] = []

    @property
    def name(self) -> str:
        return self._name

    def deliver(self, items: Mapping[str, Sequence[Item]], deadline_s: float | None = None) -> Outcome:
        outcome = Outcome()
        ((channel, some),) = items.items()
        if channel != CHANNEL:
            raise KeyError(channel)
        self.calls.append([item.event_id for item in some])
        self.deadlines.append(deadline_s)
        for item in some:
            self._deliver(item, outcome)
        return outcome

    def _deliver(self, item: Item, outcome: Outcome) -> None:
        fate = self.fate(item)
        if fate == "retry":
            outcome.retry.setdefault(CHANNEL, []).append(Leftover(item, Refusal("throttled", 429)))
        elif fate == "unknown":
            outcome.rejected.setdefault(CHANNEL, []).append(Leftover(item, Refusal("outcome_unknown")))
        elif fate == "reject":
            outcome.rejected.setdefault(CHANNEL, []).append(Leftover(item, Refusal("bad_request", 400)))
        else:
            outcome.delivered += 1
            self.delivered[item.event_id] += 1
            if fate == "cut":
                outcome.cut.setdefault(CHANNEL, []).append(Leftover(item, Refusal("truncated")))


def splitting(seed: int) -> Callable[[Item], Fate]:
    """Return a fate that splits at random."""
    chance = random.Random(seed)
    return lambda item: chance.choice(["deliver", "cut", "retry", "reject"])


class Broken:
    """A storage that raises at the n-th call that changes or reads an object, before or after it is done."""

    def __init__(self, inner: Storage, at: int, is_after: bool, error: BaseException | None = None) -> None:
        self.inner, self.at, self.is_after = inner, at, is_after
        self.error = error or StorageError("unreachable", "the line is down")
        self.steps = 0
        self.lock = threading.Lock()

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def has_queues(self) -> bool:
        return self.inner.has_queues

    def _step(self, call: Callable[[], Any]) -> Any:
        with self.lock:
            self.steps += 1
            is_it = self.steps == self.at
        if not is_it:
            return call()
        if self.is_after:
            call()
        raise self.error

    def put(self, key: str, data: bytes) -> None:
        self._step(lambda: self.inner.put(key, data))

    def read(self, key: str) -> Read | None:
        found: Read | None = self._step(lambda: self.inner.read(key))
        return found

    def delete(self, key: str, etag: str) -> bool:
        return bool(self._step(lambda: self.inner.delete(key, etag)))

    def find(self, folder: str) -> Iterator[Found]:
        return self.inner.find(folder)

    @contextmanager
    def lease(self) -> Iterator[Callable[[], None]]:
        with self.inner.lease() as renew:
            yield renew


def kept_in(storage: Storage) -> Counter[str]:
    """Event IDs of all that is kept, but for documents of what was delivered in part."""
    found: Counter[str] = Counter()
    for folder in ("dead_letters/", "retries/"):
        for one in storage.find(folder):
            told, read = named(one.key), storage.read(one.key)
            if told is not None and read is not None and told.reason != "truncated":
                found.update(leftover.item.event_id for leftover in decode(read.data).leftovers)
    return found


def keys_in(storage: Storage) -> list[str]:
    """Keys of all documents."""
    return [one.key for folder in ("dead_letters/", "retries/", "input/") for one in storage.find(folder)]


def redriven(storage: Storage, *sinks: Sink, filters: Filters | None = None, **options: Any) -> Redriven:
    made = plan(storage, filters or Filters(), NOW_S)
    return Redrive(storage, {sink.name: sink for sink in sinks}, **options).run(made)


def by_id(item: Item) -> str:
    """A fate that the event's ID names."""
    return item.event_id.partition("-")[0]


def received_of(moto: MotoServer, queue: str) -> list[dict[str, Any]]:
    """Take the messages of a queue as Lambda hands them on. They wait, which is cut short here."""
    from moto.sqs.models import sqs_backends

    backend = sqs_backends["123456789012"][moto.region]
    for message in backend.queues[queue.rpartition("/")[2]]._messages:
        assert message.delayed
        message.delayed_until = 0
    sqs = moto.client("sqs")
    told = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for one in told:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
    return [{"messageId": one["MessageId"], "body": one["Body"], "eventSource": "aws:sqs"} for one in told]
