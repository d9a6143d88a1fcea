"""What a runtime process writes: lines and telemetry frames, each one event, in the order written.

Lambda gives the runtime a descriptor of its own for framed records. Here that descriptor and stdout
are the same pipe, because only one pipe keeps the order of a `print` and a log record; a frame starts
with bytes that no UTF-8 text contains.
"""

from __future__ import annotations

import os
import secrets
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_FRAME = struct.Struct(">IIQ")  # type, length, microseconds: awslambdaric's FramedTelemetryLogSink
_MAGIC = b"\xa5\x5a\x00"
_MARK = b"\xa5\x5a\xff"
# The low byte of a frame's type: bits 2-4 are the level, bit 0 tells text from JSON.
_LEVELS = {0x00: None, 0x08: "DEBUG", 0x0C: "INFO", 0x10: "WARN", 0x14: "ERROR", 0x18: "FATAL"}
_MAX_EVENT_BYTES = 256 * 1024  # Lambda cuts longer lines into several events
_MAX_FRAME_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class OutputEvent:
    """One log event. level and timestamp_ms (Unix) are known for framed records only."""

    message: str
    level: str | None = None
    timestamp_ms: int | None = None


class OutputParser:
    """Bytes in, events out; holds an unfinished line or frame until the rest arrives."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> Iterator[OutputEvent]:
        """Yield the events that `chunk` completes."""
        self._pending += chunk
        while (event := self._take()) is not None:
            yield event

    def flush_line(self) -> Iterator[OutputEvent]:
        """Yield a last line without its newline; a frame that is not complete stays."""
        frame_start = self._pending.find(_MAGIC)
        size = len(self._pending) if frame_start < 0 else frame_start
        if size:
            yield self._line(size)

    def flush(self) -> Iterator[OutputEvent]:
        """Yield what is left when nothing can follow, half a frame without its header."""
        yield from self.flush_line()
        del self._pending[: _FRAME.size]
        if self._pending:
            yield self._line(len(self._pending))

    def _take(self) -> OutputEvent | None:
        line_end = self._pending.find(b"\n") + 1
        frame_start = self._pending.find(_MAGIC, 0, line_end or None)
        if frame_start >= 0 and (size := self._frame_size(frame_start)) is not None:
            return self._frame(frame_start, size) if size else None
        if line_end or len(self._pending) >= _MAX_EVENT_BYTES:
            return self._line(min(line_end or _MAX_EVENT_BYTES, _MAX_EVENT_BYTES))
        return None

    def _frame_size(self, start: int) -> int | None:
        """Bytes of the frame's message, 0 when it is not complete yet, None when it is no frame."""
        if len(self._pending) - start < _FRAME.size:
            return 0
        kind, size, _ = _FRAME.unpack_from(self._pending, start)
        if kind & 0x1C not in _LEVELS or not 0 < size <= _MAX_FRAME_BYTES:
            return None
        return size if len(self._pending) - start >= _FRAME.size + size else 0

    def _frame(self, start: int, size: int) -> OutputEvent:
        kind, _, microseconds = _FRAME.unpack_from(self._pending, start)
        body = start + _FRAME.size
        message = self._pending[body : body + size].decode(errors="replace")
        del self._pending[start : body + size]
        return OutputEvent(message, _LEVELS[kind & 0x1C], microseconds // 1000)

    def _line(self, size: int) -> OutputEvent:
        message = self._pending[:size].decode(errors="replace")
        del self._pending[:size]
        return OutputEvent(message)


class OutputPipe:
    """The pipe a process writes to, read by one thread. `emit` is called on that thread."""

    def __init__(self, emit: Callable[[OutputEvent], None]) -> None:
        self._read_fd, self.write_fd = os.pipe()
        self._emit = emit
        self._parser = OutputParser()
        self._mark = _MARK + secrets.token_hex(16).encode()
        self._passed = threading.Event()
        self._closing = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def drain(self) -> None:
        """Return when everything that was in the pipe by now has been emitted, half a line as well."""
        # Our own mark, written behind it, is the proof: no waiting for silence.
        self._passed.clear()
        os.write(self.write_fd, self._mark)
        self._passed.wait()

    def close(self) -> None:
        """Emit what is in the pipe, an unfinished last line too, and end the reading thread."""
        # Cleared first: an earlier mark must not look like the last one to the reader.
        self._passed.clear()
        self._closing = True
        os.write(self.write_fd, self._mark)
        self._reader.join()
        os.close(self.write_fd)

    def _read(self) -> None:
        held = b""
        while True:
            held = self._consume(held + os.read(self._read_fd, 1 << 16))
            if self._closing and self._passed.is_set():
                break
        self._emit_all(self._parser.flush())
        os.close(self._read_fd)

    def _consume(self, data: bytes) -> bytes:
        """Parse data up to a mark that may be cut in two; return the part to look at again."""
        before, mark, after = data.partition(self._mark)
        if mark:
            self._parse(before)
            self._emit_all(self._parser.flush_line())
            self._passed.set()
            return self._consume(after)
        cut = data.rfind(_MARK)
        cut = cut if cut >= 0 and len(data) - cut < len(self._mark) else len(data)
        self._parse(data[:cut])
        return data[cut:]

    def _parse(self, data: bytes) -> None:
        self._emit_all(self._parser.feed(data))

    def _emit_all(self, events: Iterable[OutputEvent]) -> None:
        for event in events:
            self._emit(event)
