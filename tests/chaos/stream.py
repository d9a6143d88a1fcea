"""The stream and its consumer: what was not settled is delivered again, maybe cut; the consumer is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.events import Record, kinesis_event
from tests.chaos.worker import REPLY

ROOT = Path(__file__).parents[2]


class Consumer:
    """A process with the handler in it, started again when it was killed."""

    def __init__(self, environ: Mapping[str, str], errors: Path) -> None:
        self._environ, self._errors = {**os.environ, **environ}, errors
        self._process: subprocess.Popen[str] | None = None
        #: Sums of what the process said of itself, of invocations that replied: (sink, metric) -> number.
        self.measured: Counter[tuple[str, str]] = Counter()

    def invoke(self, event: dict[str, Any], kill_after_s: float | None = None) -> dict[str, Any] | None:
        """Return {"reply"} or {"error"}, None where it was killed before."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(kill_after_s, process.kill) if kill_after_s is not None else None
        measured: Counter[tuple[str, str]] = Counter()
        try:
            process.stdin.write(json.dumps(event) + "\n")
            process.stdin.flush()
            if timer:
                timer.start()
            for line in process.stdout:
                if line.startswith(REPLY):
                    self.measured += measured
                    told: dict[str, Any] = json.loads(line[len(REPLY) :])
                    return told
                _measure(line, measured)
        except BrokenPipeError:
            pass
        finally:
            if timer:
                timer.cancel()
        self._close()
        return None

    def __enter__(self) -> Consumer:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._close()
            with self._errors.open("a") as errors:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.chaos.worker"], cwd=ROOT, env=self._environ, text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                )  # fmt: skip
        return self._process

    def _close(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(OSError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        self._process = None


def _measure(line: str, measured: Counter[tuple[str, str]]) -> None:
    told = json.loads(line)
    directives = told.get("_aws", {}).get("CloudWatchMetrics", [])
    for directive in directives:
        if directive["Dimensions"] == [["sink"]]:
            for metric in directive["Metrics"]:
                measured[told["sink"], metric["Name"]] += told[metric["Name"]]


class Stream:
    """One shard of Kinesis with its event source mapping."""

    def __init__(
        self, consumer: Consumer, seed: int, *, kill_share: float = 0.0, cut_share: float = 0.5
    ) -> None:
        """kill_share: of the invocations, that are killed at a random moment; cut_share: of the failed
        batches, that are cut in two (BisectBatchOnFunctionError)."""
        self._consumer, self._random = consumer, Random(seed)
        self._kill_share, self._cut_share = kill_share, cut_share
        self.invocations = self.kills = self.cuts = self.failures = 0
        self._takes_s = 0.5

    def run(
        self, records: Iterator[Record], batch_records: int = 40, between: Callable[[], None] = lambda: None
    ) -> None:
        """Deliver every record until it is settled. between: called before each invocation."""
        waiting: deque[list[Record]] = deque()
        while True:
            if not waiting:
                batch = [record for _, record in zip(range(batch_records), records, strict=False)]
                if not batch:
                    return
                waiting.append(batch)
            between()
            batch = waiting.popleft()
            rest = self._deliver(batch)
            if len(rest) > 1 and self._random.random() < self._cut_share:
                self.cuts += 1
                middle = self._random.randrange(1, len(rest))
                waiting.extendleft([rest[middle:], rest[:middle]])
            elif rest:
                waiting.appendleft(rest)

    def _deliver(self, batch: Sequence[Record]) -> list[Record]:
        """Return the records that come again."""
        self.invocations += 1
        kills = self._random.random() < self._kill_share
        begun = time.monotonic()
        told = self._consumer.invoke(
            kinesis_event(batch), self._random.random() * self._takes_s if kills else None
        )
        if told is None:
            self.kills += 1
            return list(batch)
        self._takes_s = max(0.05, 0.8 * self._takes_s + 0.2 * (time.monotonic() - begun))
        if "error" in told:
            self.failures += 1
            return list(batch)
        failed = {one["itemIdentifier"] for one in told["reply"]["batchItemFailures"]}
        if not failed:
            return []
        self.failures += 1
        first = next(i for i, record in enumerate(batch) if record.sequence in failed)
        return list(batch[first:])
