"""What is in an object of S3: exported logs, what Firehose delivered, or a file of any application.

    export     what CreateExportTask writes: `<prefix>/<task>/<stream>/000000.gz`, lines `<time> <message>`.
               Slashes of the stream's name are hyphens in the key; those of Lambda's names are put back, so
               that event IDs are those of the stream itself. A message of several lines is one event again.
    documents  subscription documents one after another, compressed once, twice or not
    file       lines, or records of one length
    auto       by what the object begins with; an export by its key as well, because many logs have its lines

The event IDs of an export are those of one payload, however long it is: equal lines are counted over batches.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
https://docs.aws.amazon.com/firehose/latest/dev/writing-with-cloudwatch-logs.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Literal

import msgspec

from subscribers.envelope import INFLATED_MAX_BYTES, FileBatch, LogBatch, LogEvent, MalformedEnvelope
from subscribers.inputs import documents, files
from subscribers.inputs.inflate import Piece, unpacked
from subscribers.inputs.lines import LINE_MAX_BYTES, Cut, lines
from subscribers.inputs.objects import S3Object
from subscribers.parsers.identity import event_ids

Kind = Literal["auto", "export", "documents", "file"]

_EXPORT_KEY = re.compile(r"(?:.*/)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/([^/]+)/\d{6}\.gz", re.DOTALL)
_EXPORT_LINE = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ")
#: Lambda's streams: `2026/11/21/[$LATEST]0a...`, in an own log group with the function's name before the
#: version.
_LAMBDA_STREAM = re.compile(r"(\d{4})-(\d\d)-(\d\d)-([^/]*\[[^\[\]]+\][0-9a-f]{32})")
_DOCUMENT = re.compile(
    rb'\s*\{\s*"(?:messageType|owner|logGroup|logStream|subscriptionFilters|policyLevel|logEvents)"'
)
#: What no other JSON has: an application's line may well begin with its owner, or name a log group.
_OWN_KEY = re.compile(rb'"messageType"\s*:\s*"(?:DATA|CONTROL)_MESSAGE"|"logEvents"\s*:\s*\[')
#: How many different lines are remembered to count equal ones, and how many equal ones of earlier batches are
#: counted in: beyond that, floods of one line in one millisecond, they are kept once.
_COUNTS_MAX, _EQUAL_MAX = 50_000, 100_000
#: Longer than the names in a document, of 512 characters each.
_BEGIN_BYTES = 4096


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
    kind = archive.kind if archive.kind != "auto" else kind_of(begin, found.key)
    if kind == "documents":
        yield from documents.batches(pieces, min(limit, INFLATED_MAX_BYTES))
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


def kind_of(begin: bytes, key: str) -> Kind:
    """Return what an object is by its first plain bytes and its key: any of `Kind` but `auto`.

    begin: 4 KiB, or all there are.
    """
    if _DOCUMENT.match(begin):
        first = next(documents.documents([begin]))
        if isinstance(first, bytes) and _OWN_KEY.search(first):
            return "documents"
    return "export" if stream_of(key) and _EXPORT_LINE.match(begin) else "file"


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
    batch = _Batch(archive, archive.log_stream or stream_of(found.key) or found.key)
    for event in _events(lines(pieces), found.time_ms):
        if isinstance(event, MalformedEnvelope):
            yield from batch.take()
            yield event
            continue
        if batch.is_full:
            yield from batch.take()
        batch.add(event)
    yield from batch.take()


class _Batch:
    """The batch of an export that is being filled, with what was counted of those before it."""

    def __init__(self, archive: Archive, stream: str) -> None:
        self._archive, self._stream = archive, stream
        self._events: list[LogEvent] = []
        self._size = 0
        #: Hash of a line's time and text -> how many there were. Two generations: equal lines are neighbours.
        self._counts: dict[int, int] = {}
        self._older: dict[int, int] = {}

    @property
    def is_full(self) -> bool:
        """Whether the next event belongs into the next batch."""
        return len(self._events) >= files.EVENTS_MAX or self._size >= files.BYTES_MAX

    def add(self, event: LogEvent) -> None:
        """Add an event behind the others."""
        self._events.append(event)
        self._size += len(event.message)

    def take(self) -> Iterator[LogBatch]:
        """Yield what there is, and begin again."""
        if self._events:
            before = self._equal_before()
            made = LogBatch(
                owner=self._archive.account,
                log_group=self._archive.log_group,
                log_stream=self._stream,
                message_type="DATA_MESSAGE",
                events=tuple(self._events),
            )
            yield _numbered(made, before) if before else made
        self._events, self._size = [], 0

    def _equal_before(self) -> list[LogEvent]:
        """The events of earlier batches that are equal to some of this one; this one's are counted."""
        before: list[LogEvent] = []
        for (time_ms, message), count in Counter((e.timestamp_ms, e.message) for e in self._events).items():
            key = hash((time_ms, message))
            earlier = self._counts.get(key) or self._older.get(key, 0)
            if earlier and len(before) + earlier <= _EQUAL_MAX:
                before += [LogEvent(timestamp_ms=time_ms, message=message)] * earlier
            self._counts[key] = earlier + count
        if len(self._counts) > _COUNTS_MAX:
            self._older, self._counts = self._counts, {}
        return before


def _numbered(batch: LogBatch, before: list[LogEvent]) -> FileBatch:
    """A batch whose event IDs are those of one payload with events before it."""
    ids = event_ids(batch.owner, batch.log_group, batch.log_stream, [*before, *batch.events])
    return FileBatch(**msgspec.structs.asdict(batch), line_ids=tuple(ids[len(before) :]))


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
