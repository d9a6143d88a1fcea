"""What `observe parse` reads: bytes of a file or of standard input, to batches of lines.

Compressed or not, by the first bytes. An event of CloudWatch Logs, Kinesis or Firehose, or several, one a
line; what `aws logs filter-log-events` prints, or Firehose and CreateExportTask deliver; else a file of lines
or of records. Nothing is read further than a page ahead, and where a pipe has nothing more for a while, what
has come is a page.
"""

from __future__ import annotations

import os
import re
import select
import stat
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, NamedTuple, cast

import msgspec

from subscribers.envelope import INFLATED_MAX_BYTES, LogBatch, LogEvent, MalformedEnvelope, decode
from subscribers.inputs import archives, files, firehose, kinesis, objects
from subscribers.inputs.archives import Archive
from subscribers.inputs.inflate import CODECS, Piece, unpacked
from subscribers.inputs.objects import S3Object

#: What a compressed file may inflate to; a plain one may have any length.
COMPRESSED_MAX_BYTES = 4 * 1024 * 1024 * 1024
#: How long a pipe may be silent before what has come is told.
IDLE_S = 0.5
_CHUNK_BYTES = 256 * 1024
_BEGIN_BYTES = 4096
_FIRST_KEY = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(\w+)"')
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


def chunks_of(file: BinaryIO, idle_s: float = IDLE_S) -> Iterator[Piece]:
    """Yield what there is to read, as it comes, and a Pause where a pipe is silent for so long."""
    read = getattr(file, "read1", file.read)
    is_pipe = _is_pipe(file)
    while chunk := read(_CHUNK_BYTES):
        yield chunk
        if is_pipe and not select.select([file], [], [], idle_s)[0]:
            yield Pause()


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
    if key in _EVENT_KEYS:
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
    for batch in files.batches(pieces, place):
        if not isinstance(batch, Pause):
            yield batch


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
    named = objects.objects(event, now_ms=0) if isinstance(event.get("Records"), list) else ()
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
            yield decode(event)
        except MalformedEnvelope as error:
            yield error


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
