"""The edge to the outside: one write a line, and the clock.

`write` goes to file descriptor 1, which is the log stream on Lambda, whatever user code has done
to `sys.stdout`. One line is one write; a pipe that takes it in parts gets them under a lock, so that lines
of ours are never glued together. Where nobody reads, nobody waits longer than WAIT_S.
"""

from __future__ import annotations

import _thread
import os
import select
import sys
import time

from observe import guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STDOUT_FD = 1
#: Lines that could not be written, or only in part: nobody reads stdout any more, or not fast enough.
lost = 0
#: How long a full stdout may hold up what is written, in seconds and in all.
WAIT_S = 1.0
#: What fits a pipe that has any room: https://man7.org/linux/man-pages/man7/pipe.7.html
_PIPE_BUF = 4096

#: Lost lines of which nothing has been said yet.
_untold = 0
#: Whether the last line was left without its end.
_torn = False
#: Whether the last line waited in vain for a reader: the next one does not wait.
_stuck = False
#: A pipe takes a long line in parts: without a lock lines of threads would be torn apart. Reentrant, for a
#: signal's handler may write while a line is being written.
_lock = _thread.RLock()


def _polling() -> select.poll:
    """What asks whether stdout has room; to be used by one thread at a time."""
    made = select.poll()
    made.register(STDOUT_FD, select.POLLOUT)
    return made


_poll = _polling()


def _renew() -> None:
    """A forked child inherits both in whatever state another thread had them."""
    global _lock, _poll
    _lock, _poll = _thread.RLock(), _polling()


os.register_at_fork(after_in_child=_renew)


def now() -> int:
    """Return the time in nanoseconds since the epoch."""
    return time.time_ns()


def write(line: bytes) -> None:
    """Write one newline-terminated line. A closed or full stdout loses it, counted and said later."""
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
    global lost, _untold
    # What user code printed before comes before; a stream that user code closed or replaced is its own.
    guard.quietly(_flush)
    with _lock:
        if _untold:
            _tell_lost()
        missed = _put(line)
        if missed:
            lost += missed
            _untold += missed


def _flush() -> None:
    flush = getattr(sys.stdout, "flush", None)
    if flush is not None:
        flush()


def _put(line: bytes) -> int:
    """Write a line, or several at once; return how many of them were lost."""
    global _torn
    whole = b"\n" + line if _torn else line
    left = memoryview(whole)
    try:
        if len(whole) <= _PIPE_BUF and _poll.poll(0):
            written = os.write(STDOUT_FD, whole)
            if written == len(whole):
                _torn = False
                return 0
            left = left[written:]
        left = _put_parts(left)
    except (OSError, RuntimeError):  # RuntimeError: in a signal's handler, while it is waited below
        pass
    _torn = 0 < len(left) < len(line)
    return bytes(left).count(b"\n")


def _put_parts(view: memoryview) -> memoryview:
    """Write in parts that do not block; return what is left.

    Where nobody reads, os.write would hold up a handler for ever that prints nothing itself.
    """
    global _stuck
    left_s = 0.0 if _stuck else WAIT_S
    while view:
        if not _poll.poll(0):
            since = time.monotonic()
            _stuck = not _poll.poll(max(0.0, left_s) * 1000)
            if _stuck:
                break
            left_s -= time.monotonic() - since
        written = os.write(STDOUT_FD, view[: _room()])
        if not written:
            break
        view = view[written:]
        _stuck = False
    return view


def _room() -> int:
    """How many bytes can be written without waiting: what an empty pipe holds, else what fits any."""
    import fcntl  # only what does not fit at once needs these
    import termios

    try:
        unread = int.from_bytes(fcntl.ioctl(STDOUT_FD, termios.FIONREAD, bytes(4)), sys.byteorder)
        return _PIPE_BUF if unread else max(_PIPE_BUF, fcntl.fcntl(STDOUT_FD, fcntl.F_GETPIPE_SZ))
    except (OSError, AttributeError):  # no pipe, or no Linux
        return _PIPE_BUF


def _tell_lost() -> None:
    """Say how many lines were lost, now that somebody may read again."""
    global _untold
    from observe import wire

    line = {
        "timestamp": wire.timestamp(now()),
        "level": "WARN",
        "message": f"hybrid-observe: lines lost while stdout took none: {_untold}",
        "event": "observe.lines_lost",
        "lost": _untold,
    }
    if not _put(wire.log_line(line)):
        _untold = 0


_writer: Callable[[bytes], None] = _write_fd


def redirect(writer: Callable[[bytes], None] | None) -> Callable[[bytes], None]:
    """Send lines to `writer` (None: to stdout again); return the writer before. For tests."""
    global _writer
    before, _writer = _writer, writer or _write_fd
    return before
