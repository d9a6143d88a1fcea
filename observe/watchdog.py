"""The deadline watchdog: tells of an invocation just before Lambda kills it.

One daemon thread a process, asleep until the deadline of the invocation that runs; an invocation
stores one number. No signals, so user code's own handlers stay as they are. The wall clock may jump:
what is waited for is a duration.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from observe import guard, outcome, semconv, stdout, wire
from observe import invocation as invocations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from observe.invocation import Invocation
    from observe.settings import Settings

#: How long before the deadline it tells: enough for one write, little enough to be right.
MARGIN_NS = 80_000_000
MARGIN_MIN_NS = 10_000_000
#: The memory that comes with a whole processor, and how much slower a smaller function is taken to be.
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
WHOLE_MB, SLOWER_MAX = 1769, 4.0
#: So long before it tells, once a process, it loads what that takes.
PREPARED_NS = 300_000_000
#: Of a stack deeper than this the innermost frames are told.
FRAMES_MAX = 100
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Watchdog:
    """Watches `invocations.active`; `watch` is called once an invocation. One a process: see `renew`."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self.renew()

    def renew(self) -> None:
        """Have a thread made when one is needed: a forked child has none, a restored process an old one."""
        self._wake = threading.Event()
        self._started = self._parked = self._prepared = False
        #: What it sleeps for, by time.monotonic_ns.
        self._until = 0

    def watch(self, invocation: Invocation, settings: Settings) -> None:
        """See to it that a thread wakes up before `invocation` is killed; one without a deadline is not."""
        if not invocation.deadline_unix_nano:
            return
        self._settings = settings
        length = invocation.deadline_unix_nano - invocation.span.start_unix_nano
        invocation.fires_at_ns = time.monotonic_ns() + length - margin(length, settings.memory_mb)
        if not self._started:
            self._started = True
            threading.Thread(
                target=self._run, args=(self._wake,), name="observe-watchdog", daemon=True
            ).start()
        elif self._parked or self._until > invocation.fires_at_ns:
            self._wake.set()

    def _run(self, wake: threading.Event) -> None:
        while wake is self._wake:
            invocation = _watched()
            if invocation is None:
                self._park(wake)
                continue
            now, until = time.monotonic_ns(), invocation.fires_at_ns
            if not self._prepared and now < until:
                until -= PREPARED_NS
                if until <= now:
                    self._prepared = True
                    guard.guarded(prepare)
                    continue
            if until > now:
                self._until = until
                wake.wait((until - now) / 1e9)
                wake.clear()
            elif self._settings is not None:
                guard.guarded(tell, invocation, self._settings)

    def _park(self, wake: threading.Event) -> None:
        self._parked = True
        if _watched() is None:
            wake.wait()
        wake.clear()
        self._parked = False


def _watched() -> Invocation | None:
    invocation = invocations.active
    if invocation is None or not invocation.deadline_unix_nano or not invocation.fires_at_ns:
        return None
    return invocation


_watchdog = Watchdog()


def watch(invocation: Invocation, settings: Settings) -> None:
    """Watch an invocation for its timeout."""
    _watchdog.watch(invocation, settings)


def forked() -> None:
    """Begin anew in a forked child; the old event may be locked for ever by the thread that is no more."""
    _watchdog.renew()


def renew() -> None:
    """Begin anew in a process that was restored from a snapshot; an old thread ends."""
    before = _watchdog._wake
    _watchdog.renew()
    before.set()


def margin(length_ns: int, memory_mb: int = 0) -> int:
    """How long before the deadline to tell, in ns: a twentieth of the time there is, within bounds.

    memory_mb: of the function, 0 for unknown. A small one has a small share of a processor, and takes longer.
    """
    slower = min(SLOWER_MAX, max(1.0, WHOLE_MB / memory_mb)) if memory_mb else 1.0
    return max(MARGIN_MIN_NS, min(int(MARGIN_NS * slower), length_ns // 20))


def prepare() -> None:
    """Load what telling takes, ahead of it: by then it would cost more than there is time."""
    from observe import event_line, redaction, secret_text

    found = redaction.get()
    found.tree({"event": ["password=x 4111 1111 1111 1111"]})
    secret_text.clean("password=x", found)
    del event_line


def tell(invocation: Invocation, settings: Settings) -> None:
    """Write what the invocation has gathered, and its spans, open ones included, as ended by the timeout.

    What is written of spans are copies: a handler that returns after all is told as it ended.
    """
    with invocation.lock:
        if not invocation.deadline_unix_nano:
            return  # it has ended meanwhile
        invocation.deadline_unix_nano = 0
        stack = stack_of(sys._current_frames().get(invocation.thread))
        now = stdout.now()
        own, *open_ones = (
            _timed_out(span, now) for span in (invocation.span, *list(invocation.open.values()))
        )
        exception = {
            semconv.EXCEPTION_TYPE: "timeout",
            semconv.EXCEPTION_MESSAGE: outcome.TIMEOUT_MESSAGE,
            semconv.EXCEPTION_STACKTRACE: stack,
        }
        own.events = [*own.events, ("exception", now, exception)]
        invocations.flush_urgently(invocation, settings, [own, *open_ones, *invocation.finished])


def stack_of(frame: FrameType | None) -> str:
    """The handler's frames, outermost first, as Python tells them; ours and the runtime's are left out.

    Without source lines: reading files could take longer than there is time.
    """
    entries: list[str] = []
    while frame is not None and len(entries) < FRAMES_MAX:
        code = frame.f_code
        if code.co_filename == outcome.OWN_FRAME:
            break
        if not code.co_filename.startswith(_OURS):
            entries.append(f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}\n')
        frame = frame.f_back
    told = "Traceback (most recent call last):\n" + "".join(reversed(entries))
    return told if len(told) <= outcome.STACK_MAX else told[-outcome.STACK_MAX :]


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
