"""One run: so many events into one sink, through faults and kills, then a count of every one of them."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from subscribers.config import load
from subscribers.configured import deliverers
from subscribers.dead_letter_storage import storage_of
from subscribers.kept import decode
from subscribers.redrive import Redrive, Redriven
from subscribers.redrive_plan import Filters, plan
from tests.backends.server import Backend
from tests.chaos.events import Record, ids_of, metric_name, records, span_id
from tests.chaos.faults import Faults, refusals
from tests.chaos.stream import Consumer, Stream

SINK = "chaos"


class Target(NamedTuple):
    """A sink under test. settings: its tree in observe.yaml for a backend's URL; kinds: of events."""

    name: str
    backend: Callable[[], Backend]
    settings: Callable[[str], dict[str, Any]]
    kinds: tuple[str, ...]
    #: What the backend recognises by ID, so that a repeat is nothing.
    is_repeatable: bool = True
    environ: Callable[[Any], Mapping[str, str]] = lambda backend: {}


class Result(NamedTuple):
    """events = accepted + stored + unaccounted; `repeated` of the accepted were taken more than once."""

    name: str
    events: int
    accepted: int
    stored: int
    repeated: int
    unaccounted: int
    invented: int
    #: What was stored, by reason, at the end.
    reasons: dict[str, int]
    redelivered: int
    invocations: int
    kills: int
    cuts: int
    failures: int
    faults: dict[str, int]
    requests: int
    #: The process's own ledger: received, and the sum of what became of it.
    ledger: tuple[int, int]
    seconds: float
    #: Events that still wait to be tried again, though the faults have ended.
    waiting: int
    #: Why -> items that the redrive did not try.
    untried: dict[str, int]

    @property
    def problems(self) -> tuple[str, ...]:
        """What must not be, a sentence each; a run in which nothing arrives proves nothing."""
        told = (
            (self.unaccounted, f"{self.unaccounted:,} events are unaccounted for"),
            (self.invented, f"the backend has {self.invented:,} events that nobody sent"),
            (self.accepted == 0, "the backend accepted nothing"),
            (self.waiting, f"after the faults {self.waiting:,} events could not be redriven: {self.reasons}"),
            (self.untried, f"the redrive left items without trying them: {self.untried}"),
            (len(set(self.ledger)) > 1, f"the ledger does not balance: {self.ledger}"),
        )
        return tuple(f"{self.name}: {sentence}" for is_so, sentence in told if is_so)


def run(
    target: Target,
    events: int,
    seed: int,
    *,
    fault_share: float = 0.15,
    kill_share: float = 0.1,
    keeper_share: float = 0.02,
    batch_records: int = 40,
    request_items: int = 250,
) -> Result:
    """Deliver `events` events and account for each. The same seed has the same faults."""
    begun = time.monotonic()
    faults = Faults(seed, fault_share)
    at_ms = (int(time.time()) - 60) * 1000
    with tempfile.TemporaryDirectory(prefix="observe-chaos-") as name, target.backend() as backend:
        folder = Path(name)
        backend.faults = faults
        (folder / "observe.yaml").write_text(json.dumps(_config(target, backend.url, request_items)))
        environ = {
            "OBSERVE_CONFIG": str(folder / "observe.yaml"),
            "OBSERVE_DEAD_LETTERS": str(folder / "kept"),
            "AWS_REGION": "eu-west-1",
            **target.environ(backend),
        }
        ids: dict[str, int] = {}
        refuse = refusals(backend, seed + 1)
        keeper = _Keeper(folder / "kept", seed + 2, keeper_share)
        with Consumer(environ, folder / "stderr") as consumer:
            stream = Stream(consumer, seed + 3, kill_share=kill_share)

            def between() -> None:
                refuse()
                keeper.between()

            stream.run(
                _noted(records(events, target.kinds, at_ms), ids, target.kinds, at_ms), batch_records, between
            )
        keeper.mend()
        time.sleep(0.5)  # a port that was closed is open again
        faults.is_on = False
        with _environment(environ):
            redriven = _redriven(folder)
        marks = _marks(ids, target.kinds)
        accepted, invented = _accepted(backend.accepted, marks)
        stored, reasons, waiting = _stored(folder / "kept", ids)
        lost = set(range(events)) - set(accepted) - stored
        measured = consumer.measured
        settled = sum(measured[SINK, f"events_{word}"] for word in ("delivered", "stored", "dropped"))
        return Result(
            name=target.name,
            events=events,
            accepted=len(accepted),
            stored=len(stored - set(accepted)),
            repeated=sum(n > 1 for n in accepted.values()),
            unaccounted=len(lost),
            invented=invented,
            reasons=reasons,
            redelivered=redriven.delivered,
            invocations=stream.invocations,
            kills=stream.kills,
            cuts=stream.cuts,
            failures=stream.failures,
            faults={word: n for word, n in backend.answers.items() if not word.startswith("20")},
            requests=backend.answers.total(),
            ledger=(measured[SINK, "events_received"], settled),
            seconds=time.monotonic() - begun,
            waiting=len(waiting),
            untried={why: n for why, n in redriven.skipped.items() if n},
        )


def _config(target: Target, url: str, request_items: int) -> dict[str, Any]:
    sink = {"timeout": "1s", "max_items": request_items, **target.settings(url)}
    return {"version": 1, "sinks": {SINK: sink}}


def _noted(
    found: Iterator[Record], ids: dict[str, int], kinds: tuple[str, ...], at_ms: int
) -> Iterator[Record]:
    for record in found:
        ids.update(ids_of(record, kinds, at_ms))
        yield record


class _Keeper:
    """Now and then nothing can be kept, and the stream has to bring it again."""

    def __init__(self, folder: Path, seed: int, share: float) -> None:
        self._folder, self._random, self._share = folder, Random(seed), share
        self._away = folder.with_name("kept-away")

    def between(self) -> None:
        self.mend()
        if self._random.random() < self._share:
            if self._folder.exists():
                self._folder.rename(self._away)
            self._folder.write_text("no folder")

    def mend(self) -> None:
        if self._folder.is_file():
            self._folder.unlink()
        if self._away.exists():
            self._away.rename(self._folder)


def _marks(ids: Mapping[str, int], kinds: tuple[str, ...]) -> dict[str, int]:
    """By what a backend may know an event: its ID, its metric's name, its span's ID."""
    marks = dict(ids)
    for n in ids.values():
        if kinds[n % len(kinds)] == "metric":
            marks[metric_name(n)] = n
        elif kinds[n % len(kinds)] == "span":
            marks[span_id(n)] = n
    return marks


def _accepted(taken: Counter[str], marks: Mapping[str, int]) -> tuple[Counter[int], int]:
    """(how often each event was taken, how many were taken that nobody sent)."""
    found: Counter[int] = Counter()
    invented = 0
    for key, times in taken.items():
        n = marks.get(key, marks.get(key.partition(":")[0], marks.get(key.partition("|")[0])))
        if n is None:
            invented += 1
        else:
            found[n] += times
    return found, invented


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _redriven(folder: Path) -> Redriven:
    """Redrive what is to be retried, as `observe redrive` does."""
    storage = storage_of(str(folder / "kept"))
    made = plan(storage, Filters(), time.time())
    sinks = deliverers(load(folder / "observe.yaml"), {})
    return Redrive(storage, sinks).run(made)


def _stored(folder: Path, ids: Mapping[str, int]) -> tuple[set[int], dict[str, int], set[int]]:
    """(the events that are kept, how many by reason, those of them that wait to be tried again)."""
    kept: set[int] = set()
    waiting: set[int] = set()
    reasons: Counter[str] = Counter()
    for path in folder.rglob("*.ndjson.gz"):
        document = decode(path.read_bytes())
        for leftover in document.leftovers:
            for event_id in (leftover.item.event_id, *leftover.item.more):
                kept.add(ids[event_id.partition(":")[0]])
                reasons[leftover.refusal.reason] += 1
                if document.kind == "retry":
                    waiting.add(ids[event_id.partition(":")[0]])
    return kept, dict(reasons), waiting
