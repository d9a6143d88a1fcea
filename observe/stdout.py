"""The edge to the outside: one write a line, and the clock.

`write` goes to file descriptor 1, which is the log stream on Lambda, whatever user code has done
to `sys.stdout`. One line is one write; a pipe that takes it in parts gets them under a lock, so that lines
of ours are never glued together.
"""

from __future__ import annotations

import _thread
import os
import sys
import time

from observe import guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STDOUT_FD = 1
#: Lines that could not be written, or only in part: nobody reads stdout any more, or not fast enough.
lost = 0
#: How long a full non-blocking stdout may hold up a line, in seconds.
_WAIT_S = 1.0

#: A pipe takes a long line in parts: without a lock lines of threads would be torn apart.
_lock = _thread.allocate_lock()
#: Whether the last line was left without its end.
_torn = False
#: Whether the last line waited in vain for a reader.
_stuck = False


def _renew() -> None:
    """A forked child inherits the lock in whatever state another thread had it."""
    global _lock
    _lock = _thread.allocate_lock()


os.register_at_fork(after_in_child=_renew)


def now() -> int:
    """Return the time in nanoseconds since the epoch."""
    return time.time_ns()


def write(line: bytes) -> None:
    """Write one newline-terminated line. A closed or full stdout loses the line and counts it."""
    _writer(line)


def write_all(lines: Sequence[bytes]) -> None:
    """Write lines by one write, so that whoever reads stdout wakes up once."""
    if _writer is _write_fd:
        if lines:
            _write_fd(b"".join(lines))
        return
    for line in lines:
        _writer(line)


def _write_fd(line: bytes) -> None:
    global lost, _torn
    # What user code printed before comes before; a stream that user code closed or replaced is its own.
    guard.quietly(_flush)
    with _lock:
        view = memoryview(b"\n" + line if _torn else line)
        try:
            while view:
                view = view[_write_some(view) :]
        except OSError:
            lost += 1
        _torn = 0 < len(view) < len(line)


def _flush() -> None:
    flush = getattr(sys.stdout, "flush", None)
    if flush is not None:
        flush()


def _write_some(view: memoryview) -> int:
    """os.write, waiting once for a reader where user code has made stdout non-blocking."""
    global _stuck
    try:
        written = os.write(STDOUT_FD, view)
    except BlockingIOError:
        if _stuck:
            raise
        import select

        _stuck = not select.select([], [STDOUT_FD], [], _WAIT_S)[1]
        written = os.write(STDOUT_FD, view)
    _stuck = False
    return written


_writer: Callable[[bytes], None] = _write_fd


def redirect(writer: Callable[[bytes], None] | None) -> Callable[[bytes], None]:
    """Send lines to `writer` (None: to stdout again); return the writer before. For tests."""
    global _writer
    before, _writer = _writer, writer or _write_fd
    return before
