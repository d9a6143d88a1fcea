"""The deadline watchdog: tells of an invocation just before Lambda kills it.

One daemon thread a process, asleep until the deadline of the invocation that runs; an invocation
stores one number. No signals, so user code's own handlers stay as they are.
"""

from __future__ import annotations

import os
import threading

from observe import guard, outcome, semconv, stdout, wire
from observe import invocation as invocations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.invocation import Invocation
    from observe.settings import Settings

#: How long before the deadline it tells: enough for one write, little enough to be right.
MARGIN_NS = 80_000_000
MARGIN_MIN_NS = 10_000_000


class Watchdog:
    """Watches `invocations.active`; `watch` is called once an invocation. One a process: see `watch`."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._wake = threading.Event()
        self._parked = False
        #: What it sleeps for, in ns since the epoch.
        self._until = 0
        self._pid = 0

    def watch(self, settings: Settings) -> None:
        """See to it that a thread watches; after a fork (or the first time) it is made anew."""
        self._settings = settings
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._wake, self._parked = threading.Event(), False
            threading.Thread(target=self._run, name="observe-watchdog", daemon=True).start()
        elif self._parked or self._until > self._next():
            self._wake.set()

    def _next(self) -> int:
        invocation = invocations.active
        return invocation.deadline_unix_nano if invocation is not None else 0

    def _run(self) -> None:
        while True:
            invocation = invocations.active
            deadline = invocation.deadline_unix_nano if invocation is not None else 0
            if invocation is None or not deadline:
                self._park()
                continue
            remaining = fires_at(invocation, deadline) - stdout.now()
            if remaining > 0:
                self._until = deadline
                self._wake.wait(remaining / 1e9)
                self._wake.clear()
            elif self._settings is not None:
                guard.guarded(tell, invocation, self._settings)

    def _park(self) -> None:
        self._parked = True
        invocation = invocations.active
        if invocation is None or not invocation.deadline_unix_nano:
            self._wake.wait()
        self._wake.clear()
        self._parked = False


_watchdog = Watchdog()


def watch(settings: Settings) -> None:
    """Watch the active invocation for its timeout."""
    _watchdog.watch(settings)


def fires_at(invocation: Invocation, deadline_unix_nano: int) -> int:
    """When to tell, in ns since the epoch: a twentieth of the time there is, within bounds."""
    length = deadline_unix_nano - invocation.span.start_unix_nano
    return deadline_unix_nano - max(MARGIN_MIN_NS, min(MARGIN_NS, length // 20))


def tell(invocation: Invocation, settings: Settings) -> None:
    """Write the invocation's spans, open ones included, as ended by the timeout.

    What is written are copies: a handler that returns after all is told as it ended.
    """
    with invocation.lock:
        if not invocation.deadline_unix_nano:
            return  # it has ended meanwhile
        invocation.deadline_unix_nano = 0
        now = stdout.now()
        own, *open_ones = (
            _timed_out(span, now) for span in (invocation.span, *list(invocation.open.values()))
        )
        invocations.flush(invocation, settings, [own, *invocation.finished, *open_ones])


def _timed_out(span: wire.Span, now: int) -> wire.Span:
    attributes = {**span.attributes, semconv.ERROR_TYPE: "timeout"}
    copy = wire.Span(
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        span.name,
        span.kind,
        span.start_unix_nano,
        attributes,
    )
    copy.end_unix_nano = now
    copy.status, copy.status_message = wire.STATUS_ERROR, outcome.TIMEOUT_MESSAGE
    copy.links, copy.events = span.links, span.events
    return copy
