"""The edge to the outside: one write a line, and the clock.

`write` goes to file descriptor 1, which is the log stream on Lambda, whatever user code has done
to `sys.stdout`. One line is one write, so that lines of different threads are never glued together.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STDOUT_FD = 1
#: A reader that is not there any more: lines that could not be written, counted.
lost = 0


def now() -> int:
    """Return the time in nanoseconds since the epoch."""
    return time.time_ns()


def write(line: bytes) -> None:
    """Write one newline-terminated line. A closed or full stdout loses the line and counts it."""
    _writer(line)


def _write_fd(line: bytes) -> None:
    global lost
    try:
        flush = getattr(sys.stdout, "flush", None)
        if flush is not None:
            flush()  # what user code printed before comes before
    except (OSError, ValueError):
        pass  # user code closed or replaced its own stream; ours is the descriptor
    try:
        view = memoryview(line)
        while view:  # a pipe may take a part of a long line
            view = view[os.write(STDOUT_FD, view) :]
    except OSError:
        lost += 1


_writer: Callable[[bytes], None] = _write_fd


def redirect(writer: Callable[[bytes], None] | None) -> Callable[[bytes], None]:
    """Send lines to `writer` (None: to stdout again); return the writer before. For tests."""
    global _writer
    before, _writer = _writer, writer or _write_fd
    return before
