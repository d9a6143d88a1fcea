"""What is in an object of S3: exported logs, what Firehose delivered, or a file of any application.

    export     what CreateExportTask writes: `<prefix>/<task>/<stream>/000000.gz`, lines `<time> <message>`.
               Slashes of the stream's name are hyphens in the key; those of Lambda's names are put back, so
               that event IDs are those of the stream itself. A message of several lines is one event again.
    documents  subscription documents one after another, compressed once, twice or not
    file       lines, or records of one length
    auto       by what the object begins with

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
https://docs.aws.amazon.com/firehose/latest/dev/writing-with-cloudwatch-logs.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Literal

import msgspec

from subscribers.envelope import INFLATED_MAX_BYTES, LogBatch, LogEvent, MalformedEnvelope
from subscribers.inputs import documents, files
from subscribers.inputs.inflate import Piece, unpacked
from subscribers.inputs.lines import LINE_MAX_BYTES, Cut, lines
from subscribers.inputs.objects import S3Object

Kind = Literal["auto", "export", "documents", "file"]

_EXPORT_KEY = re.compile(r"(?:.*/)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/([^/]+)/\d{6}\.gz", re.DOTALL)
_EXPORT_LINE = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ")
#: Lambda's streams: `2026/11/21/[$LATEST]0a...`, in an own log group with the function's name before the
#: version.
_LAMBDA_STREAM = re.compile(r"(\d{4})-(\d\d)-(\d\d)-([^/]*\[[^\[\]]+\][0-9a-f]{32})")
_DOCUMENT = re.compile(
    rb'\s*\{\s*"(?:messageType|owner|logGroup|logStream|subscriptionFilters|policyLevel|logEvents)"'
)
_BEGIN_BYTES = 256


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """Where the objects with a prefix come from, as configuration has it."""

    bucket: str = ""
    prefix: str = ""
    kind: Kind = "auto"
    #: Of exports and files; documents name their own.
    account: str = ""
    log_group: str = ""
    #: "" for the export's own stream, or of a file the object's key.
    log_stream: str = ""
    #: In the event IDs of files.
    service: str = ""
    encoding: str = "utf-8"
    record_bytes: int = 0


def archive_of(found: S3Object, archives: Iterable[Archive]) -> Archive | None:
    """Return the archive that an object belongs to: the one with its bucket and the longest prefix."""
    fitting = (a for a in archives if a.bucket in ("", found.bucket) and found.key.startswith(a.prefix))
    return max(fitting, key=lambda archive: (len(archive.prefix), archive.bucket), default=None)


def batches(
    chunks: Iterable[bytes], found: S3Object, archive: Archive, limit: int = INFLATED_MAX_BYTES
) -> Iterator[LogBatch | MalformedEnvelope]:
    """Yield what an object holds, in batches, and why a part of it could not be read.

    chunks: the object's bytes; limit: how many they may inflate to: what comes before it is read.
    Raises BadLayout for an encoding that is not known.
    """
    pieces = unpacked(chunks, limit)
    begin, pieces = _begin(pieces)
    kind = archive.kind if archive.kind != "auto" else _kind(begin)
    if kind == "documents":
        yield from documents.batches(pieces, limit)
    elif kind == "export":
        yield from _exported(pieces, found, archive)
    else:
        place = files.Place(
            account=archive.account,
            log_group=archive.log_group,
            log_stream=archive.log_stream or found.key,
            service=archive.service or archive.log_group,
            time_ms=found.time_ms,
            encoding=archive.encoding,
            record_bytes=archive.record_bytes,
        )
        yield from files.batches(pieces, place)


def stream_of(key: str) -> str:
    """Return the log stream that an exported object's key names, "" where it names none."""
    match = _EXPORT_KEY.fullmatch(key)
    if match is None:
        return ""
    own = _LAMBDA_STREAM.fullmatch(match[1])
    return "/".join(own.groups()) if own else match[1]


def _kind(begin: bytes) -> Kind:
    if _DOCUMENT.match(begin):
        return "documents"
    return "export" if _EXPORT_LINE.match(begin) else "file"


def _begin(pieces: Iterator[Piece]) -> tuple[bytes, Iterator[Piece]]:
    """(what the plain bytes begin with, all of them)."""
    taken: list[Piece] = []
    begin = b""
    for piece in pieces:
        taken.append(piece)
        if isinstance(piece, bytes):
            begin += piece[:_BEGIN_BYTES]
        if len(begin) >= _BEGIN_BYTES:
            break
    return begin, chain(taken, pieces)


def _exported(
    pieces: Iterator[Piece], found: S3Object, archive: Archive
) -> Iterator[LogBatch | MalformedEnvelope]:
    stream = archive.log_stream or stream_of(found.key) or found.key
    batch: list[LogEvent] = []
    size = 0
    for event in _events(lines(pieces), found.time_ms):
        is_full = len(batch) >= files.EVENTS_MAX or size >= files.BYTES_MAX
        if batch and (is_full or isinstance(event, MalformedEnvelope)):
            yield _batch(batch, stream, archive)
            batch, size = [], 0
        if isinstance(event, MalformedEnvelope):
            yield event
        else:
            batch.append(event)
            size += len(event.message)
    if batch:
        yield _batch(batch, stream, archive)


def _batch(events: list[LogEvent], stream: str, archive: Archive) -> LogBatch:
    return LogBatch(
        owner=archive.account,
        log_group=archive.log_group,
        log_stream=stream,
        message_type="DATA_MESSAGE",
        events=tuple(events),
    )


def _events(cuts: Iterator[Cut], time_ms: int) -> Iterator[LogEvent | MalformedEnvelope]:
    """The events of exported lines: one begins with its time, lines without one go on with it."""
    time, parts, size = time_ms, [b""], -1
    for cut in cuts:
        if isinstance(cut, MalformedEnvelope):
            if size >= 0:
                yield _event(time, parts)
            yield cut
            time, parts, size = time_ms, [b""], -1
            continue
        line = cut[1]
        match = _EXPORT_LINE.match(line)
        began = _milliseconds(match[1]) if match else None
        if match is None or began is None:
            if size >= 0 and size + len(line) < LINE_MAX_BYTES:
                parts.append(line)
                size += len(line) + 1
                continue
            began, text = time, line
        else:
            text = line[match.end() :]
        if size >= 0:
            yield _event(time, parts)
        time, parts, size = began, [text], len(text)
    if size >= 0:
        yield _event(time, parts)


def _event(time_ms: int, parts: list[bytes]) -> LogEvent:
    return LogEvent(timestamp_ms=time_ms, message=b"\n".join(parts).decode("utf-8", "replace"))


def _milliseconds(text: bytes) -> int | None:
    try:
        moment = datetime.fromisoformat(text.decode())
    except ValueError:
        return None
    return max(0, round(moment.timestamp() * 1000))
