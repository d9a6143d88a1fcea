"""The formats `json` and `gelf`: an object a line, whatever logger wrote it; see `loggers`.

Lines that are no object are logs by themselves. An object without anything that a logger writes is a log with
the object as its attributes.
"""

from __future__ import annotations

from observe import semconv
from subscribers.formats import loggers
from subscribers.formats.told import Clock, LineFormat, Reader, Told


def told_of(record: loggers.Record, message: str = "") -> Told:
    """Return a logger's record as what a line tells. message: where the record has none."""
    error = record.error
    said = record.message
    if said is None:
        said = ": ".join(part for part in (error.type, error.message) if part) or message
    if record.service:
        record.rest.setdefault(semconv.SERVICE_NAME, record.service)
    if record.request_id:
        record.rest.setdefault(semconv.FAAS_INVOCATION_ID, record.request_id)
    return Told(
        time_unix_nano=record.time_unix_nano,
        level=record.level,
        message=said,
        correlation_id=record.correlation_id,
        trace_id=record.trace_id,
        span_id=record.span_id,
        error_type=error.type,
        error_message=error.message,
        error_stack=error.stack,
        attributes=record.rest,
    )


def read(text: str, clock: Clock) -> Told | None:
    """Return what one JSON object tells; None for a line that is none."""
    document = loggers.document_of(text)
    return None if document is None else told_of(loggers.read(document, clock))


def _read_gelf(text: str, clock: Clock) -> Told | None:
    """GELF is a JSON object, in UDP and TCP ended by a zero byte that some receivers leave."""
    document = loggers.document_of(text.rstrip("\0"))
    if document is None or not isinstance(document.get("short_message"), str):
        return None
    return told_of(loggers.read(document, clock))


def _reader() -> Reader:
    return read


def _gelf_reader() -> Reader:
    return _read_gelf


JSON = LineFormat(
    dataset="json",
    whole=True,
    reader=_reader,
    example='{"@timestamp":"2026-11-21T03:30:10.123Z","level":"INFO","logger_name":"claims.Service",'
    '"thread_name":"main","message":"claim accepted","correlationId":"CLM-1"}\n'
    '{"level":50,"time":1795231810123,"pid":7,"hostname":"app-1","err":{"type":"TypeError","message":"boom",'
    '"stack":"TypeError: boom\\n    at f (app.js:1:2)"},"msg":"it failed"}',
)
GELF = LineFormat(
    dataset="gelf",
    whole=True,
    reader=_gelf_reader,
    example='{"version":"1.1","host":"app-1","short_message":"claim accepted","timestamp":1795231810.123,'
    '"level":6,"_claim":7}',
)
