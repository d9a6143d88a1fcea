"""The store with many processes, and with those that were killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

from subscribers.store import Store
from subscribers.store_errors import (
    NoStore,
)
from tests.subscribers.samples import log
from tests.subscribers.stored import files, ids


def test_leftovers_of_a_killed_process(store: Store) -> None:
    """Files that a process killed between two steps left are ignored, and removed by the next compaction."""
    store.append([log("a")])
    orphan = files(store)[0].with_name("f" * 32 + ".parquet")
    orphan.write_bytes(files(store)[0].read_bytes()[:40])  # renamed, never named in the manifest
    for name in ("logs.json.1.aa", "logs.parquet.1.aa", "manifest.json.1.aa"):
        (store.path / "tmp" / name).write_bytes(b"half")
    assert ids(store) == ["log-a"]
    assert store.skipped == ()
    store.compact()
    assert not orphan.exists()  # renaming happens under the lock: nobody is about to name it
    assert len(files(store, "tmp/*")) == 3  # a writer may be at work on these
    store.compact(grace_s=-1)
    assert files(store, "tmp/*") == []
    assert ids(store) == ["log-a"]


def test_killed_before_the_first_manifest(store: Store) -> None:
    """A folder with a lock and temporary files, but no manifest yet, is a store to be."""
    (store.path / "tmp").mkdir(parents=True)
    (store.path / "lock").touch()
    (store.path / "tmp" / "manifest.json.1.aa").write_text("{")
    store.append([log("a")])
    assert ids(store) == ["log-a"]


def write_many(path: str, worker: int, count: int) -> None:
    """Append batches of which half are the same in every process."""
    store = Store(path)
    for i in range(count):
        store.append([log(f"shared-{i}"), log(f"{worker}-{i}")])


def test_many_processes(store: Store) -> None:
    """Writers, a compactor and readers at a time: every event once, and no reader sees less than before."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write_many, args=(str(store.path), n, 5)) for n in range(3)]
    for worker in workers:
        worker.start()
    seen = 0
    while any(worker.is_alive() for worker in workers):
        try:
            now = len(ids(store))
            store.compact()
        except NoStore:
            continue
        assert now >= seen
        assert store.skipped == ()
        seen = now
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    expected = [f"log-shared-{i}" for i in range(5)] + [f"log-{n}-{i}" for n in range(3) for i in range(5)]
    assert ids(store) == sorted(expected)


def test_killed_writers(store: Store) -> None:
    """A writer killed at any moment leaves a store that reads, writes and compacts."""
    context = multiprocessing.get_context("fork")
    store.append([log("first")])
    for delay_s in (0.01, 0.05, 0.09, 0.13):
        worker = context.Process(target=write_many, args=(str(store.path), round(delay_s * 100), 1000))
        worker.start()
        time.sleep(delay_s)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        found = ids(store)
        assert store.skipped == ()
        assert "log-first" in found
    store.append([log("last")])
    store.compact(grace_s=-1)
    assert {"log-first", "log-last"} <= set(ids(store))
    assert files(store, "tmp/*") == []
