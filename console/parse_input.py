"""What `observe parse` reads: bytes of a file or of standard input, to batches of lines.

Compressed or not, by the first bytes. An event of CloudWatch Logs, Kinesis or Firehose, or several, one a
line; what `aws logs filter-log-events` prints, or Firehose and CreateExportTask deliver; else a file of lines
or of records. Nothing is read further than a page ahead; where a pipe has nothing more for a while, or what
has come of it waits for long, that is a page. An interrupt is the end of a pipe.
"""

from __future__ import annotations

import os
import re
import select
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO, NamedTuple, cast

import msgspec

from subscribers.envelope import (
    INFLATED_MAX_BYTES,
    FileBatch,
    LogBatch,
    LogEvent,
    MalformedEnvelope,
    decode_events,
    payload,
)
from subscribers.inputs import archives, files, firehose, kinesis, objects
from subscribers.inputs.archives import Archive
from subscribers.inputs.inflate import CODECS, Piece, unpacked
from subscribers.inputs.objects import S3Object
from subscribers.parsers.page import GOES_ON

#: What a compressed file may inflate to; a plain one may have any length.
COMPRESSED_MAX_BYTES = 4 * 1024 * 1024 * 1024
#: How long a pipe may be silent before what has come is told, and how long that may wait if it is not.
IDLE_S = 0.5
_CHUNK_BYTES = 256 * 1024
_BEGIN_BYTES = 4096
_FIRST_KEY = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"([\w-]+)"')
#: What EventBridge's events of S3 have; they begin with "version", as other things do.
_OF_S3 = re.compile(rb'"source"\s*:\s*"aws\.s3"')
#: What events begin with; JSON has no order, but whoever saves events keeps AWS's.
_EVENT_KEYS = frozenset(
    (
        *("events", "awslogs", "Records", "records", "invocationId"),
        *("deliveryStreamArn", "sourceKinesisStreamArn", "region"),
    )
)

Read = LogBatch | MalformedEnvelope


class Pause(MalformedEnvelope):
    """Nothing more has come for a while. It goes the way of a part that cannot be read: it ends a batch."""

    def __init__(self) -> None:
        super().__init__("unsupported", "a pause is no part")


class Beat(Pause):
    """More has come all the time, but what has come first waits for long: all but its last record is told."""


class Source(NamedTuple):
    """Where bytes come from. name: the path, `-` for standard input; time_ms: when the file was written."""

    name: str
    time_ms: int
    chunks: Iterator[Piece]


class Layout(NamedTuple):
    """How the bytes of a file are cut: see formats.custom.files_of. service: in its lines' event IDs;
    log_group: of exports."""

    service: str
    encoding: str = "utf-8"
    record_bytes: int = 0
    log_group: str = ""


def chunks_of(
    file: BinaryIO,
    idle_s: float = IDLE_S,
    on_interrupt: Callable[[KeyboardInterrupt], object] = lambda _: None,
) -> Iterator[Piece]:
    """Yield what there is to read, as it comes; a Pause where a pipe is silent for so long, else a Beat.

    An interrupt while a pipe is waited for is its end, and is told to `on_interrupt`: it is the way to end
    `tail -f`, and what has come is not lost. Raises KeyboardInterrupt where a file is read.
    """
    read = getattr(file, "read1", file.read)
    if not _is_pipe(file):
        yield from iter(lambda: read(_CHUNK_BYTES), b"")
        return
    waits_since: float | None = None
    is_silent = False
    while True:
        try:
            if waits_since is not None:
                is_silent = not select.select([file], [], [], idle_s)[0]
            chunk = b"" if is_silent else read(_CHUNK_BYTES)
        except KeyboardInterrupt as stop:
            on_interrupt(stop)
            return
        if is_silent:
            waits_since, is_silent = None, False
            yield Pause()
            continue
        if not chunk:
            return
        yield chunk
        now = time.monotonic()
        if waits_since is None:
            waits_since = now
        elif now - waits_since >= idle_s:
            waits_since = now
            yield Beat()


def _is_pipe(file: BinaryIO) -> bool:
    """Whether one can wait for more: not of a file, nor where the system waits for sockets only."""
    try:
        select.select([file], [], [], 0)
        return not stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def batches(source: Source, layout: Layout) -> Iterator[Read]:
    """Yield what a source holds, in batches of one page, and why a part of it could not be read.

    Raises BadLayout for an encoding that is not known, OSError where the file cannot be read.
    """
    first, chunks = _begin(source.chunks)
    packed = any(first.startswith(codec.magic) for codec in CODECS)
    limit = COMPRESSED_MAX_BYTES if packed else sys.maxsize
    begin, pieces = _begin(unpacked(cast("Iterator[bytes]", chunks), limit))
    found = _FIRST_KEY.match(begin)
    key = found[1].decode() if found else ""
    if key in _EVENT_KEYS or (key and _OF_S3.search(begin)):
        events, pieces = _events(pieces)
        if events:
            for event in events:
                yield from _in_event(event)
            return
    kind = archives.kind_of(begin, source.name)
    if kind != "file":
        given = S3Object(bucket="", key=source.name, time_ms=source.time_ms)
        # The end of a document is told by its text, and an export is no pipe.
        whole = (piece for piece in pieces if not isinstance(piece, Pause))
        archive = Archive(kind=kind, log_group=layout.log_group)
        yield from archives.batches(cast("Iterator[bytes]", whole), given, archive, sys.maxsize)
        return
    place = files.Place(
        account="",
        log_group="",
        log_stream=source.name,
        service=layout.service,
        time_ms=source.time_ms,
        encoding=layout.encoding,
        record_bytes=layout.record_bytes,
    )
    yield from _in_file(pieces, place)


def _in_file(pieces: Iterator[Piece], place: files.Place) -> Iterator[Read]:
    """The batches of a file. At a Beat the last record waits for the next batch: more of it may come."""
    is_beat, held = False, ()  # type: bool, tuple[FileBatch, ...]

    def noted() -> Iterator[Piece]:
        nonlocal is_beat
        for piece in pieces:
            is_beat = isinstance(piece, Beat)
            yield piece

    for batch in files.batches(noted(), place):
        if isinstance(batch, FileBatch):
            whole = _joined((*held, batch))
            at = _last_record(whole.events) if is_beat and len(whole.events) <= files.EVENTS_MAX else None
            held = () if at is None else (_part(whole, at, len(whole.events)),)
            if at != 0:
                yield _part(whole, 0, at)
        elif not isinstance(batch, Beat):
            yield from held
            held = ()
            if not isinstance(batch, Pause):
                yield batch
    yield from held


def _joined(parts: Sequence[FileBatch]) -> FileBatch:
    """The lines of neighbours as one batch."""
    events = tuple(event for part in parts for event in part.events)
    ids = tuple(id for part in parts for id in part.line_ids)
    return msgspec.structs.replace(parts[0], events=events, line_ids=ids)


def _part(batch: FileBatch, begin: int, end: int | None) -> FileBatch:
    return msgspec.structs.replace(batch, events=batch.events[begin:end], line_ids=batch.line_ids[begin:end])


def _last_record(events: Sequence[LogEvent]) -> int:
    """The last place where a record begins, as far as lines tell that more will follow; 0 where none does.

    An exception's own line begins like a record; it is known by the frame behind it. So the last line is no
    such place: what is behind it has not come yet.
    """

    def goes_on(at: int) -> bool:
        text = events[at].message
        return not text or text.startswith(GOES_ON) or text.isspace()

    places = range(len(events) - 2, 0, -1)
    begins = (at for at in places if not goes_on(at) and (goes_on(at - 1) or not goes_on(at + 1)))
    return next(begins, 0)


def _begin(pieces: Iterable[Piece]) -> tuple[bytes, Iterator[Piece]]:
    """(what it begins with, as far as it has come; all of it again)."""
    rest, taken, begin = iter(pieces), [], b""
    for piece in rest:
        taken.append(piece)
        begin += piece[:_BEGIN_BYTES] if isinstance(piece, bytes) else b""
        if len(begin) >= _BEGIN_BYTES or (isinstance(piece, Pause) and begin):
            break
    return begin, chain(taken, rest)


def _events(pieces: Iterator[Piece]) -> tuple[list[Any], Iterator[Piece]]:
    """(the events, [] where these are none; all of it again).

    They are known by the first line, so that lines of a log that begin like one are not waited for; only
    where that is no JSON by itself the whole is one event.
    """
    taken: list[Piece] = []
    data, is_open = bytearray(), True
    for piece in pieces:
        taken.append(piece)
        if not isinstance(piece, bytes):
            continue
        data += piece
        if is_open and b"\n" in piece:
            first, is_open = _json(bytes(data.partition(b"\n")[0])), False
            if first is not None and not _is_event(first):
                return [], chain(taken, pieces)
        if len(data) > INFLATED_MAX_BYTES:
            return [], chain(taken, pieces)
    whole = _json(bytes(data))
    found = [whole] if whole is not None else [_json(line) for line in data.splitlines() if line.strip()]
    return (found, iter(())) if found and _is_event(found[0]) else ([], iter(taken))


def _is_event(event: object) -> bool:
    """Whether it is an event that holds lines, or names objects that do."""
    if not isinstance(event, dict):
        return False
    if "awslogs" in event or _is_answer(event) or firehose.is_event(event) or kinesis.is_event(event):
        return True
    # Of an event of other services nothing is read: it is text like any other.
    told_by_s3 = event.get("source") == "aws.s3" and isinstance(event.get("detail"), dict)
    may_name = isinstance(event.get("Records"), list) or told_by_s3
    named = objects.objects(event, now_ms=0) if may_name else ()
    return any(isinstance(one, S3Object) for one in named)


def _in_event(event: Any) -> Iterator[Read]:
    if firehose.is_event(event) or kinesis.is_event(event):
        parts = firehose.parts(event) if firehose.is_event(event) else kinesis.parts(event)
        for part in parts:
            yield from part.found
    elif _is_answer(event):
        yield from _in_answer(event)
    elif isinstance(event, dict) and "awslogs" not in event and _is_event(event):
        yield MalformedEnvelope("unsupported", "the event names objects of S3: give the objects themselves")
    else:
        try:
            document = payload(event)
        except MalformedEnvelope as error:
            yield error
            return
        yield from decode_events(document)


def _is_answer(event: object) -> bool:
    """Whether it is what `aws logs filter-log-events` or `get-log-events` prints."""
    events = event.get("events") if isinstance(event, dict) else None
    return isinstance(events, list) and all(
        isinstance(one, dict) and {"timestamp", "message"} <= one.keys() for one in events
    )


def _in_answer(event: dict[str, Any]) -> Iterator[Read]:
    """A batch a stream; the answer says nothing of the group.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """
    streams: dict[str, list[LogEvent]] = {}
    for one in event["events"]:
        told = {name: one[name] for name in ("timestamp", "message")}
        try:
            made = msgspec.convert({**told, "id": str(one.get("eventId", ""))}, LogEvent)
        except msgspec.ValidationError as error:
            yield MalformedEnvelope("bad_shape", str(error))
            continue
        streams.setdefault(str(one.get("logStreamName", "")), []).append(made)
    for stream, events in streams.items():
        yield LogBatch(
            owner="", log_group="", log_stream=stream, message_type="DATA_MESSAGE", events=tuple(events)
        )


def _json(data: bytes | bytearray) -> Any:
    """What JSON text says; None for what is none, and is read as lines then."""
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None
