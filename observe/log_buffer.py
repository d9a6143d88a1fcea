"""The log lines of one invocation: what is held back until it fails, and how much it may write.

Lines below the level are held, rendered, up to OBSERVE_LOG_BUFFER bytes; the newest stay. An invocation
that fails releases them, one that succeeds forgets them. What is written counts towards OBSERVE_LOG_BUDGET;
beyond it lines below ERROR are left out, and ERROR and above have a reserve of their own.
"""

from __future__ import annotations

import _thread
import os
from collections import deque

from observe import settings, wire
from observe.identity import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from observe.invocation import Invocation

BUFFER_EVENT = "observe.log_buffer"
BUDGET_EVENT = "observe.log_budget"
#: The reserve of ERROR and above: this share of the budget, and never less than so many bytes.
RESERVE_SHARE = 4
RESERVE_MIN_BYTES = 65_536


class LogBuffer:
    """What one invocation has held back and left out: `invocation.logs`.

    buffer_bytes: how much is held at most; budget_bytes: how much may be written, 0 for any number.
    """

    __slots__ = (
        "_bounded",
        "_cut",
        "_dropped",
        "_held",
        "_held_bytes",
        "_left",
        "_lock",
        "_reserve",
        "_room",
    )

    def __init__(self, buffer_bytes: int, budget_bytes: int) -> None:
        self._room = buffer_bytes
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        #: Lines and bytes that newer ones pushed out.
        self._dropped = [0, 0]
        self._bounded = budget_bytes > 0
        self._left = budget_bytes
        self._reserve = max(RESERVE_MIN_BYTES, budget_bytes // RESERVE_SHARE)
        #: By level, lines and bytes that the budget left out.
        self._cut: dict[str, list[int]] = {}
        #: Reentrant, as every lock here: a signal's handler may log on a thread that is inside of it.
        self._lock = _thread.RLock()

    def takes(self, level: str, size: int) -> bool:
        """Whether a line of `size` bytes may be written; one that may not is counted."""
        if not self._bounded:
            return True
        with self._lock:
            if size <= self._left:
                self._left -= size
                return True
            self._left = 0  # a shorter line after it would tell a story with a hole
            if level in ("ERROR", "FATAL") and size <= self._reserve:
                self._reserve -= size
                return True
            count = self._cut.setdefault(level, [0, 0])
            count[0] += 1
            count[1] += size
            return False

    def hold(self, line: bytes) -> None:
        """Keep a line until it is known how the invocation ends; the oldest make room for it."""
        size = len(line)
        with self._lock:
            self._held.append(line)
            self._held_bytes += size  # a signal's handler runs after a call: no call between load and store
            while self._held_bytes > self._room and self._held:
                oldest = self._held.popleft()
                size = len(oldest)
                self._held_bytes -= size
                self._dropped[0] += 1
                self._dropped[1] += size

    def lines(self, *, failed: bool) -> list[bytes]:
        """Return what was held, if it failed, and what is to be said of lines left out; begin anew."""
        with self._lock:
            held, dropped, cut = self._held, self._dropped, self._cut
            self._held, self._held_bytes, self._dropped, self._cut = deque(), 0, [0, 0], {}
        written: list[bytes] = []
        if failed:
            lines, size = dropped
            if lines:
                told = "older lines below the level were not kept"
                written.append(_omitted(BUFFER_EVENT, told, lines, size))
            written += held
        if cut:
            lines, size = (sum(count[n] for count in cut.values()) for n in (0, 1))
            levels = {level: count[0] for level, count in cut.items()}
            told = "log lines were left out: OBSERVE_LOG_BUDGET is spent"
            written.append(_omitted(BUDGET_EVENT, told, lines, size, levels))
        return written


def _omitted(event: str, told: str, lines: int, size: int, levels: dict[str, int] | None = None) -> bytes:
    found = settings.get()
    is_dropped = found.json_mode and settings.LEVELS[found.level] > settings.LEVELS["WARN"]  # by Lambda
    line = fields(found.level if is_dropped else "WARN", f"hybrid-observe: {lines} {told}")
    line["event"] = event
    line["omitted"] = {"lines": lines, "bytes": size, **({"levels": levels} if levels else {})}
    return wire.log_line(line)


_making = _thread.RLock()


def of(invocation: Invocation) -> LogBuffer:
    """Return the invocation's own, made at first use."""
    made = invocation.logs
    if made is None:
        found = settings.get()
        new = LogBuffer(found.log_buffer_bytes, found.log_budget_bytes)
        with _making:  # not the invocation's own lock: a reply that logs is read while that is held
            made = invocation.logs
            if made is None:
                made = invocation.logs = new
    return made  # type: ignore[return-value]  # nobody else sets it


def _renew() -> None:
    """A forked child inherits the lock in whatever state it was; what is held is its parent's to tell."""
    global _making
    _making = _thread.RLock()


os.register_at_fork(after_in_child=_renew)
