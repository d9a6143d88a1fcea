"""What `observe parse` reads: bytes of a file or of standard input, to batches of lines.

Compressed or not, by the first bytes. A subscription event ({"awslogs": ...}), what Firehose and
CreateExportTask deliver, else a file of lines or of records. Nothing is read further than a page ahead.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, NamedTuple, cast

import msgspec

from subscribers.envelope import INFLATED_MAX_BYTES, LogBatch, MalformedEnvelope, decode
from subscribers.inputs import archives
from subscribers.inputs.archives import Archive
from subscribers.inputs.inflate import CODECS, Piece, unpacked
from subscribers.inputs.objects import S3Object

#: What a compressed file may inflate to; a plain one may have any length.
COMPRESSED_MAX_BYTES = 4 * 1024 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_BEGIN_BYTES = 256
_EVENT = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(\w+)"')
_DOCUMENT_KEYS = frozenset(field.encode_name for field in msgspec.structs.fields(LogBatch))

Read = LogBatch | MalformedEnvelope


class Source(NamedTuple):
    """Where bytes come from. name: the path, `-` for standard input; time_ms: when the file was written."""

    name: str
    time_ms: int
    chunks: Iterator[bytes]


class Layout(NamedTuple):
    """How the bytes of a file are cut: see formats.custom.files_of. service: in its lines' event IDs."""

    service: str
    encoding: str = "utf-8"
    record_bytes: int = 0


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield what there is to read, as it comes."""
    read = getattr(file, "read1", file.read)
    while chunk := read(_CHUNK_BYTES):
        yield chunk


def batches(source: Source, layout: Layout) -> Iterator[Read]:
    """Yield what a source holds, in batches of one page, and why a part of it could not be read.

    Raises BadLayout for an encoding that is not known, OSError where the file cannot be read.
    """
    first, chunks = _begin(source.chunks)
    packed = any(first.startswith(codec.magic) for codec in CODECS)
    limit = COMPRESSED_MAX_BYTES if packed else sys.maxsize
    begin, pieces = _begin(unpacked(cast("Iterator[bytes]", chunks), limit))
    key = _EVENT.match(begin)
    name = key[1].decode() if key else ""
    if name == "awslogs":
        whole, pieces = _whole(pieces)
        event = _json(whole)
        if event is not None:
            yield _decoded(event)
            return
    found = S3Object(bucket="", key=source.name, time_ms=source.time_ms)
    if name in _DOCUMENT_KEYS:
        yield from archives.batches(
            cast("Iterator[bytes]", pieces), found, Archive(kind="documents"), INFLATED_MAX_BYTES
        )
        return
    archive = Archive(
        kind="export" if archives.stream_of(source.name) else "file",
        service=layout.service,
        encoding=layout.encoding,
        record_bytes=layout.record_bytes,
    )
    yield from archives.batches(cast("Iterator[bytes]", pieces), found, archive, sys.maxsize)


def _begin(pieces: Iterable[Piece]) -> tuple[bytes, Iterator[Piece]]:
    """(what it begins with, all of it again)."""
    rest, taken, begin = iter(pieces), [], b""
    for piece in rest:
        taken.append(piece)
        begin += piece[:_BEGIN_BYTES] if isinstance(piece, bytes) else b""
        if len(begin) >= _BEGIN_BYTES:
            break
    return begin, chain(taken, rest)


def _whole(pieces: Iterator[Piece]) -> tuple[bytes, Iterator[Piece]]:
    """(all bytes, b"" where they are more than a payload can have; all of it again)."""
    taken: list[Piece] = []
    size = 0
    for piece in pieces:
        taken.append(piece)
        size += len(piece) if isinstance(piece, bytes) else 0
        if size > INFLATED_MAX_BYTES:
            return b"", chain(taken, pieces)
    return b"".join(piece for piece in taken if isinstance(piece, bytes)), iter(taken)


def _json(data: bytes) -> Any:
    """What JSON text says; None for what is none, and is read as lines then."""
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None


def _decoded(event: object) -> Read:
    try:
        return decode(event)
    except MalformedEnvelope as error:
        return error
