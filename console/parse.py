"""`observe parse`: what the subscriber would make of a file, without storing anything.

ParseError      the configuration has no such service, or names an encoding that is not known

The same parsers, enrichment, controls and redaction as in the subscriber, page by page, so that a file of any
length needs little memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from console.errors import ConsoleError
from console.parse_input import Layout, Source, batches
from subscribers import extracted
from subscribers.config import EMPTY, Config, Service
from subscribers.controls import Controls
from subscribers.detect import AUTO, LAMBDA_GROUP, Detected, auto, detect, nearest
from subscribers.enrich import Enrichment
from subscribers.envelope import LogBatch, MalformedEnvelope
from subscribers.formats.custom import files_of
from subscribers.inputs.archives import stream_of
from subscribers.parse import FORMATS, custom, named, page_of
from subscribers.parsers import plain
from subscribers.parsers.java_layout import BadLayout
from subscribers.parsers.page import Format, Page, Parsed
from subscribers.read import priced
from subscribers.signals import Log, Metric, Origin, Side, Signal

#: Parts that could not be read of which it is said why.
_SAID_MAX = 5
#: Streams whose format is remembered.
_STREAMS_MAX = 1024


class ParseError(ConsoleError):
    """What was asked for does not fit the configuration."""

    reason = "parse"


class Removal(NamedTuple):
    """What a rule of redaction would remove. line: in the file, from 1; text: what would be gone."""

    line: int
    kind: str
    field: str
    rule: str
    text: str


class Shown(NamedTuple):
    """One page: its signals as they would be delivered, and what was removed from them."""

    signals: list[Signal]
    removals: list[Removal]


class Summary(msgspec.Struct):
    """What came in and what became of it."""

    name: str
    lines: int = 0
    signals: Counter[str] = msgspec.field(default_factory=Counter)
    notes: Counter[str] = msgspec.field(default_factory=Counter)
    dropped: Counter[str] = msgspec.field(default_factory=Counter)
    #: Part by part: reason -> number.
    unread: Counter[str] = msgspec.field(default_factory=Counter)
    unread_said: list[str] = []
    #: Format -> (lines, lowest confidence; None where the format was asked for).
    formats: dict[str, tuple[int, float | None]] = {}
    #: Where lines were detected to be text: what read most of them, on the page where it read the most.
    nearest: Detected | None = None
    blank: int = 0
    joined: int = 0
    timed: int = 0
    #: What reading, parsing and printing took of the processor.
    cpu_s: float = 0.0

    @property
    def redacted(self) -> dict[str, int]:
        """Rule -> how many parts it removed."""
        return {note[9:]: count for note, count in self.notes.items() if note.startswith("redacted.")}

    @property
    def unparsed_percent(self) -> float:
        """Share of lines that the format did not read, of those that are not blank."""
        return 100 * self.notes["unparsed"] / max(1, self.lines - self.blank)


class _Format(NamedTuple):
    """How a stream is read. confidence: None where it was asked for, or each page tells its own."""

    name: str
    side: Side
    format: Format
    confidence: float | None = None


class Wish(NamedTuple):
    """What the caller asks for. format: a name, "" for the configuration's or `auto`; service, log_group: ""
    for none."""

    config: Config = EMPTY
    format: str = ""
    service: str = ""
    log_group: str = ""
    key_secret: str = ""


class Parsing:
    """One run over one source: iterate over `pages`, then read `summary`."""

    def __init__(self, source: Source, wish: Wish, now_unix_nano: int) -> None:
        """Raises ParseError for a service, a log group or an encoding that the configuration lacks."""
        self.summary = Summary(source.name)
        self._source, self._wish, self._now = source, wish, now_unix_nano
        self._service = asked_service(wish)
        self._controls = Controls(wish.config)
        self._enrichment = Enrichment(wish.config, wish.key_secret)
        self._formats: dict[tuple[str, str], _Format] = {}
        self._sequence = 0

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that are active."""
        return self._controls.rules(self._service)

    def pages(self) -> Iterator[Shown]:
        """Yield what each page becomes. Raises ParseError, and OSError where the file cannot be read."""
        try:
            for batch in batches(self._source, self._layout()):
                if isinstance(batch, MalformedEnvelope):
                    self._unread(batch)
                else:
                    yield from self._shown(batch)
        except BadLayout as error:
            raise ParseError(str(error)) from error

    def _layout(self) -> Layout:
        name = self._service.name if self._service else self._wish.service or stem(self._source.name)
        if self._service is None or self._wish.format:
            return Layout(name)
        return Layout(name, *files_of(self._service.format_options))

    def _unread(self, error: MalformedEnvelope) -> None:
        self.summary.unread[error.reason] += 1
        if len(self.summary.unread_said) < _SAID_MAX:
            self.summary.unread_said.append(str(error))

    def _shown(self, batch: LogBatch) -> Iterator[Shown]:
        if batch.is_control:
            self.summary.lines += len(batch.events)
            self.summary.dropped["control_message"] += len(batch.events)
            return
        service = self._service_of(batch)
        for page in self._page(batch, service).parts():
            yield self._part(page, service)

    def _part(self, page: Page, service: Service | None) -> Shown:
        found = self._format(page, service)
        page = msgspec.structs.replace(page, origin=msgspec.structs.replace(page.origin, side=found.side))
        parsed = found.format(page)
        lines = {event_id: number for number, event_id in enumerate(page.event_ids, self.summary.lines + 1)}
        removals: list[Removal] = []

        def seen(signal: Signal, rule: str, field: str, text: str) -> None:
            line = lines.get(signal.event_id.partition(":")[0], 0)
            removals.append(Removal(line, kind_of(signal), field, rule, text))

        extracted.apply(parsed, page)
        self._enrichment.apply(parsed)
        dropped = self._controls.apply(parsed, service, seen)
        self._compare(page, parsed)
        self._count(len(page.events), parsed, found, dropped)
        return Shown(parsed.signals, removals)

    def _compare(self, page: Page, parsed: Parsed) -> None:
        """Remember which format text was nearest to: a text's confidence is what that one lacks."""
        name, sure = parsed.detected or ("", 1.0)
        known = self.summary.nearest
        if name == plain.DATASET and 0 < sure < 1 and (known is None or 1 - sure > known.confidence):
            self.summary.nearest = nearest(page)

    def _service_of(self, batch: LogBatch) -> Service | None:
        if self._service is None and batch.log_group:
            return self._wish.config.service_of(batch.log_group)
        return self._service

    def _page(self, batch: LogBatch, service: Service | None) -> Page:
        group = batch.log_group or self._wish.log_group
        if service is not None:
            name = service.name
        elif self._wish.service:
            name = self._wish.service
        elif group:
            name = group.removeprefix(LAMBDA_GROUP).rstrip("/").rpartition("/")[2]
        else:
            name = stem(self._source.name)
        side: Side = "serverless" if group.startswith(LAMBDA_GROUP) else "legacy"
        origin = Origin(batch.owner, "", group, batch.log_stream, name, service.side if service else side)
        first, self._sequence = self._sequence, self._sequence + len(batch.events)
        return msgspec.structs.replace(page_of(batch, origin, self._now), first=first)

    def _format(self, page: Page, service: Service | None) -> _Format:
        """The format of a page's stream, found once for each."""
        stream = page.origin.log_group, page.origin.log_stream
        if stream not in self._formats:
            if len(self._formats) >= _STREAMS_MAX:
                self._formats.clear()
            found = self._found(page, service)
            self._formats[stream] = found._replace(format=priced(found.format, service))
        return self._formats[stream]

    def _found(self, page: Page, service: Service | None) -> _Format:
        side = page.origin.side
        zone, field = (service.timezone, service.correlation_field) if service else ("UTC", "")
        name = self._wish.format or (service.format if service else AUTO)
        if service is not None and service.format_options and not self._wish.format:
            made = custom(service.format_options, zone, field)
            if made is not None:
                return _Format(name, side, made)
        if name not in FORMATS and name != AUTO:
            self.summary.notes["format_unknown"] += 1
            name = AUTO
        if name != AUTO:
            asked: Side = "serverless" if name == "lambda" and service is None else side
            return _Format(name, asked, named(name, zone, field))
        if side == "serverless":
            return _Format("lambda", side, FORMATS["lambda"], 1.0)
        if service is None and (found := detect(page)).name == "lambda":
            return _Format("lambda", "serverless", FORMATS["lambda"], found.confidence)
        # Not `named`: what that remembers of a stream outlives this run.
        return _Format(AUTO, side, auto(lambda found: named(found, zone, field)))

    def _count(self, lines: int, parsed: Parsed, found: _Format, dropped: Mapping[str, int]) -> None:
        told = self.summary
        name, sure = parsed.detected or (found.name, found.confidence)
        before, least = told.formats.get(name, (0, None))
        told.formats[name] = (
            before + lines,
            min((one for one in (least, sure) if one is not None), default=None),
        )
        told.lines += lines
        told.signals.update(kind_of(signal) for signal in parsed.signals)
        told.notes.update(parsed.notes)
        told.dropped.update(dropped)
        told.blank += parsed.silent
        told.joined += len(parsed.joined)
        told.timed += sum(isinstance(s, Log) and s.time_from == "line" for s in parsed.signals)


def kind_of(signal: Signal) -> str:
    """Return `log`, `metric` or `span`."""
    return "log" if isinstance(signal, Log) else "metric" if isinstance(signal, Metric) else "span"


def asked_service(wish: Wish) -> Service | None:
    """Return the configuration's service that is asked for, as one of its log groups writes.

    Raises ParseError.
    """
    if wish.log_group:
        found = wish.config.service_of(wish.log_group)
        if found is None and wish.config.services:
            raise ParseError(f"no service of the configuration has the log group {wish.log_group!r}")
        if found is not None and wish.service not in ("", found.name):
            raise ParseError(f"the log group {wish.log_group!r} is of {found.name}, not of {wish.service}")
        return found
    if not wish.service or not wish.config.services:
        return None
    service = wish.config.services.get(wish.service)
    if service is None:
        known = ", ".join(wish.config.services)
        raise ParseError(f"there is no service {wish.service!r} in the configuration; there are {known}")
    layouts = {msgspec.json.encode((g.format, g.format_options, g.timezone)): g for g in service.groups}
    if len(layouts) > 1 and not wish.format:
        groups = ", ".join(group.name for group in service.groups)
        raise ParseError(
            f"the log groups of {service.name} have formats of their own: give --log-group, one of {groups}"
        )
    if layouts:
        group = next(iter(layouts.values()))
        return msgspec.structs.replace(
            service, format=group.format, format_options=group.format_options, timezone=group.timezone
        )
    return service


def stem(name: str) -> str:
    """Return what a file is called, without its folder and endings: `access` of `/logs/access.log.1.gz`."""
    if stream_of(name):
        return "export"  # all of these are called 000000.gz
    return "stdin" if name == "-" else name.rpartition("/")[2].partition(".")[0] or "file"
