"""`observe ingest`: files into the embedded store, through the same settlement as the subscriber's events.

A file is one part: read in batches, each line delivered, stored as a dead letter or dropped with a reason.
The same file again changes nothing: its lines have the same event IDs.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

import msgspec

from console.parse import Wish, asked_service, stem
from console.parse_input import Layout, Source, batches, chunks_of
from console.terminal import typed
from subscribers.config import Config, LogGroup, Service
from subscribers.detect import LAMBDA_GROUP, detect
from subscribers.envelope import INFLATED_MAX_BYTES, LogBatch, MalformedEnvelope
from subscribers.formats.custom import files_of
from subscribers.inputs.documents import Found
from subscribers.inputs.inflate import Piece
from subscribers.inputs.intakes import Content, Intake
from subscribers.inputs.objects import SourceError
from subscribers.ledger import Ledger
from subscribers.parsers.java_layout import BadLayout
from subscribers.parsers.page import Page
from subscribers.reading import Reading
from subscribers.settlement import SINK, Settlement, Sink
from subscribers.signals import Origin


class Ingested(NamedTuple):
    """What became of one file. failed: why it was not read to its end, "" where it was."""

    name: str
    ledger: Ledger
    notes: Counter[str]
    signals: int
    failed: str = ""


class Opened(NamedTuple):
    """One file. name: its path, `-` for standard input; written_ms: when it was last changed."""

    name: str
    file: BinaryIO
    written_ms: int


def ingest(
    paths: Iterable[str],
    open_file: Callable[[str], BinaryIO],
    wish: Wish,
    sink: Sink,
    clock: Callable[[], int] = time.time_ns,
) -> Iterator[Ingested]:
    """Deliver files to `sink`, and yield what became of each.

    A file that cannot be read is told by `failed`, and the others are read all the same. Raises ParseError,
    and what the sink raises.
    """
    service = asked_service(wish)
    for path in paths:
        try:
            file = open_file(path)
        except OSError as error:
            yield Ingested(typed(path), Ledger(sink=SINK), Counter(), 0, error.strerror or str(error))
            continue
        with file:
            written = clock() if path == "-" else os.fstat(file.fileno()).st_mtime_ns
            yield _ingested(
                Opened(typed(path), file, max(0, written // 1_000_000)), wish, service, sink, clock()
            )


def _ingested(opened: Opened, wish: Wish, service: Service | None, sink: Sink, now: int) -> Ingested:
    group, config = _as_asked(opened, wish, service)
    settlement = Settlement(Reading(config, "", wish.key_secret), sink, now, None)
    chunks = chunks_of(opened.file)
    with tempfile.TemporaryFile() as spool:
        content = _Passing(chunks, spool) if opened.name == "-" else _of_file(opened.name, chunks)
        source = Source(opened.name, opened.written_ms, iter(content))
        found = _batches(source, wish, config.service_of(group) if group else None, group)
        intake = Intake(
            document=content.whole if isinstance(content, _Passing) else content.document,
            identity=content.document,
            found=found,
            detail={"file": opened.name},
        )
        settlement.settle([intake])
    for fault in settlement.failed.values():
        if isinstance(fault, SourceError):
            return Ingested(opened.name, settlement.ledger(), Counter(), 0, str(fault))
        raise fault
    (account,) = settlement.settled
    return Ingested(opened.name, account.ledger, account.notes, account.signals)


def _of_file(name: str, chunks: Iterator[Piece]) -> Content:
    return Content(chunks, file=str(Path(name).absolute()))


class _Passing(Content):
    """Standard input: nobody can read it again, so it is kept until all of it could be."""

    def __init__(self, chunks: Iterator[Piece], spool: IO[bytes]) -> None:
        super().__init__(chunks, file="-")
        self._spool = spool

    def __iter__(self) -> Iterator[Piece]:
        for chunk in super().__iter__():
            if isinstance(chunk, bytes):
                self._spool.write(chunk)
            yield chunk

    def whole(self) -> bytes:
        """Return all that came. Raises SourceError where that is too much for a dead letter."""
        if self._spool.tell() > INFLATED_MAX_BYTES:
            said = "some of it cannot be read, and it is too long to be kept: save it, and give the file"
            raise SourceError("too_large", said)
        self._spool.seek(0)
        return self._spool.read()


def _as_asked(opened: Opened, wish: Wish, service: Service | None) -> tuple[str, Config]:
    """(the log group that the file's lines have, the configuration in which it is read as asked for)."""
    group = wish.log_group
    if not group and service is not None:
        group = service.groups[0].name if service.groups else service.name
        if group.endswith("*"):  # one of those that begin so
            group = group[:-1] + stem(opened.name)
    elif not group:
        group = wish.service or stem(opened.name)
    if not wish.format and (service is None or service.groups):
        return group, wish.config
    # Asked for by option, or a service without a log group: as if the configuration said so.
    made = service or Service(name=wish.service or group, side="legacy")
    side = "serverless" if wish.format == "lambda" and service is None else made.side
    if wish.format:
        made = msgspec.structs.replace(made, format=wish.format, format_options={})
    own = LogGroup(group, made.format, made.format_options, made.timezone)
    made = msgspec.structs.replace(made, side=side, groups=(own,))
    services = {**wish.config.services, made.name: made}
    return group, msgspec.structs.replace(wish.config, services=services)


def _batches(source: Source, wish: Wish, service: Service | None, group: str) -> Iterator[Found]:
    name = service.name if service else wish.service or stem(source.name)
    known = group if service is not None or wish.log_group else ""
    cut = () if service is None or wish.format else files_of(service.format_options)
    layout = Layout(name, *cut)._replace(log_group=known)
    is_function: bool | None = None if service is None and not wish.log_group else False
    try:
        for batch in batches(source, layout):
            if isinstance(batch, MalformedEnvelope) or batch.log_group:
                yield batch
                continue
            if is_function is None:
                is_function = _is_of_function(batch)
            own = f"{LAMBDA_GROUP}{group}" if is_function else group
            yield msgspec.structs.replace(batch, log_group=own)
    except BadLayout as error:
        yield MalformedEnvelope("unsupported", str(error))
    except OSError as error:
        raise SourceError("unreadable", error.strerror or str(error)) from error


def _is_of_function(batch: LogBatch) -> bool:
    """Whether lines of nobody knows whom are Lambda's."""
    page = Page(Origin("", "", "", batch.log_stream, "", "legacy"), batch.events, [""] * len(batch.events), 0)
    return detect(page).name == "lambda"
