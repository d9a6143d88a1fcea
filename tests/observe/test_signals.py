"""A signal's handler may log and measure whatever the thread that it interrupts is doing."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

import observe
from observe import guard, metrics
from observe.aggregate import Aggregate
from observe.log_buffer import LogBuffer
from observe.testing import Lines
from tests.observe.running import run


@pytest.mark.parametrize("level", ["debug", "info"])
def test_a_handler_that_logs_hangs_nobody(lines: Lines, level: str) -> None:
    """It runs between any two steps of the main thread, so inside of our locks, too."""
    fired = 0

    def on_alarm(*_: Any) -> None:
        nonlocal fired
        fired += 1
        observe.log.debug("signal")
        metrics.increment("signals")
        metrics.histogram("value", 1)

    def handler(event: Any, context: Any) -> int:
        observe.log.debug("loaded")  # what is being imported cannot be used
        metrics.increment("loaded")
        before = signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        written, end = 0, time.monotonic() + 1.5
        try:
            while time.monotonic() < end:
                getattr(observe.log, level)("work", n=written)
                metrics.increment("written")
                written += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        return written

    written = run({}, handler)
    assert fired > 50
    counts: dict[str, float] = {}
    for line in lines.raw:
        if line.startswith(b"MONITORING|"):
            _, _, value, kind, name, _ = line.decode().split("|")
            counts[name] = counts.get(name, 0) + (float(value) if kind == "count" else 1)
    assert counts == {"loaded": 1, "written": written, "signals": fired, "value": fired}
    assert guard.faults == {}


def test_the_locks_can_be_entered_again() -> None:
    """By the thread that holds one; what is measured meanwhile is written apart, and nothing twice."""
    buffer, part = LogBuffer(100, 100), Aggregate()
    with buffer._lock:
        buffer.hold(b"line\n")
        assert buffer.takes("INFO", 10)
    assert buffer.lines(failed=True) == [b"line\n"]
    part.pending.append((None, b"first\n"))
    with part._lock:
        part._gathering = True
        part.relieve(ended=False)
        assert part.pending == [(None, b"first\n")]
        assert part._aside() == [b"first\n"]
        part._gathering = False
    assert part.lines(failed=False) == []
