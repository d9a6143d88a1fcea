"""Standard output: one JSON line a signal, or lines for people.

    OutputError     standard output takes nothing any more: closed, a pipe without a reader, a full disk

A local sink: what was written is kept, as far as we can know.
"""

from __future__ import annotations

import base64
import errno
import sys
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, TextIO

from subscribers.signals import Log, Metric, Signal, Span
from subscribers.sinks import ecs, ndjson
from subscribers.tables import Row, json_text

#: What a line for people starts with that is no log.
_SPAN, _METRIC = "SPAN", "METRIC"


class OutputError(OSError):
    """Standard output cannot be written. `reason` is always `stdout_failed`."""

    reason = "stdout_failed"


class StandardOutput:
    """A sink that writes. Each call is one write, so that lines of several processes stay whole."""

    def __init__(self, *, pretty: bool = False, stream: TextIO | None = None) -> None:
        """pretty: for people instead of programs; stream: standard output of the moment where None."""
        self._pretty, self._stream = pretty, stream

    def append(self, signals: Iterable[Signal]) -> None:
        """Write a line a signal. Raises OutputError."""
        if self._pretty:
            self._write("".join(f"{line(signal)}\n" for signal in signals).encode("utf-8", "replace"))
        else:
            self._write(_documents(list(signals)))

    def record(self, ledger_rows: Iterable[Row]) -> None:
        """Write a line a row of the ledger. Raises OutputError."""
        rows = ledger_rows
        if self._pretty:
            self._write("".join(f"{_ledger(values)}\n" for values in rows).encode("utf-8", "replace"))
        else:
            self._write(_lines({"event.dataset": "ledger", **values} for values in rows))

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> None:
        """Write a document that cannot be delivered as one line of JSON, its bytes in base64.

        Raises OutputError.
        """
        told = {
            "event.dataset": "dead_letter",
            "reason": reason,
            "detail": dict(detail),
            "document_base64": base64.b64encode(document).decode(),
        }
        self._write(_lines([told]))

    def _write(self, data: bytes) -> None:
        if not data:
            return
        stream = self._stream or sys.stdout
        if stream is None:  # pythonw, or a daemon that closed it
            raise OutputError("there is no standard output")
        try:
            buffer = getattr(stream, "buffer", None)
            if buffer is None:
                stream.write(data.decode())
            else:
                stream.flush()  # what was printed before stays before
                _write_all(buffer, data)
            stream.flush()
        except BrokenPipeError as error:
            raise OutputError("nobody reads standard output any more") from error
        except ValueError as error:
            raise OutputError("standard output is closed") from error
        except OSError as error:
            raise OutputError(f"standard output cannot be written: {error.strerror or error}") from error


def _write_all(buffer: BinaryIO, data: bytes) -> None:
    """Write everything: without a buffer (`python -u`) a write may take only a part."""
    rest = memoryview(data)
    while rest:
        written = buffer.write(rest)
        if not written:
            raise BlockingIOError(errno.EAGAIN, "it takes nothing at the moment")
        rest = rest[written:]


def _documents(signals: list[Signal]) -> bytes:
    try:
        return ndjson.body(signals)
    except UnicodeEncodeError:  # half a surrogate pair in one of them
        return _lines({"event.id": signal.event_id, **ecs.document(signal)} for signal in signals)


def _lines(trees: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json_text(tree).encode() + b"\n" for tree in trees)


def line(signal: Signal) -> str:
    """Return a signal as one line for people; what would move a terminal's cursor is escaped."""
    head, rest = _told(signal)
    time = ecs.timestamp(signal.start_unix_nano if isinstance(signal, Span) else signal.time_unix_nano)
    text = f"{time} {head:<6} {signal.origin.service}: {rest}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _told(signal: Signal) -> tuple[str, str]:
    if isinstance(signal, Log):
        error = f" [{signal.error_type}: {signal.error_message}]" if signal.error_type else ""
        return signal.level or "-", signal.message + error + _pairs(_identity(signal))
    if isinstance(signal, Metric):
        value = f"{signal.set_member!r}" if signal.kind == "set" else f"{signal.value:g}{signal.unit}"
        return _METRIC, f"{signal.name} ({signal.kind}) {value}{_pairs(signal.tags)}"
    took_ms = (signal.end_unix_nano - signal.start_unix_nano) / 1e6
    failed = f" FAILED {signal.status_message}".rstrip() if signal.status == "error" else ""
    return _SPAN, f"{signal.name} ({signal.kind}) {took_ms:.3f} ms{failed}{_pairs(_identity(signal))}"


def _identity(signal: Log | Span) -> dict[str, str]:
    return {"trace": signal.trace_id, "correlation": signal.correlation_id, "request": signal.request_id}


def _pairs(told: Mapping[str, str]) -> str:
    return "".join(f" {name}={value}" for name, value in told.items() if value)


def _ledger(values: Row) -> str:
    counts = ", ".join(f"{values[name]} {name}" for name in ("received", "delivered", "stored", "dropped"))
    return f"{ecs.timestamp(int(values['time_unix_nano']))} LEDGER {values['sink']}: {counts}"
