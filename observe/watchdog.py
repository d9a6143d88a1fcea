"""The deadline watchdog: tells of an invocation just before Lambda kills it.

One daemon thread a process, asleep until the deadline of the invocation that runs; an invocation
stores one number. No signals, so user code's own handlers stay as they are.
"""

from __future__ import annotations

import os
import threading

from observe import guard, semconv, stdout, wire
from observe import invocation as invocations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.invocation import Invocation
    from observe.settings import Settings

#: How long before the deadline it tells: enough for one write, little enough to be right.
MARGIN_NS = 80_000_000
MARGIN_MIN_NS = 10_000_000


class Watchdog:
    """Watches `invocations.active`; `watch` is called once an invocation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wake = threading.Event()
        self._parked = True
        self._pid = 0

    def watch(self) -> None:
        """See to it that a thread watches; after a fork (or the first time) it is made anew."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._wake, self._parked = threading.Event(), False
            threading.Thread(target=self._run, name="observe-watchdog", daemon=True).start()
        elif self._parked:
            self._wake.set()

    def _run(self) -> None:
        while True:
            invocation = invocations.active
            if invocation is None or not invocation.deadline_unix_nano:
                self._park()
                continue
            remaining = fires_at(invocation) - stdout.now()
            if remaining > 0:
                # Shorter ones cannot be missed: a function's timeout is the same for every invocation.
                self._wake.wait(remaining / 1e9)
                self._wake.clear()
                continue
            guard.guarded(tell, invocation, self._settings)
            invocation.deadline_unix_nano = 0

    def _park(self) -> None:
        self._parked = True
        if invocations.active is None or not invocations.active.deadline_unix_nano:
            self._wake.wait()
        self._wake.clear()
        self._parked = False


def fires_at(invocation: Invocation) -> int:
    """When to tell, in ns since the epoch: a twentieth of the time there is, within bounds."""
    length = invocation.deadline_unix_nano - invocation.span.start_unix_nano
    return invocation.deadline_unix_nano - max(MARGIN_MIN_NS, min(MARGIN_NS, length // 20))


def tell(invocation: Invocation, settings: Settings) -> None:
    """Write the invocation's spans, open ones included, as ended by the timeout."""
    with invocation.lock:
        if invocations.active is not invocation:
            return
        now = stdout.now()
        span = invocation.span
        for one in (span, *invocation.open.values()):
            one.end_unix_nano = now
            one.status, one.status_message = wire.STATUS_ERROR, invocations.TIMEOUT_MESSAGE
            one.attributes[semconv.ERROR_TYPE] = "timeout"
        finished = invocation.finished
        invocation.finished = [*finished, *invocation.open.values()]
        invocations.flush(invocation, settings)
        invocation.finished = finished
