"""Lines of a `LineFormat` to signals: records joined over their lines, a log each, a span for each exchange.

A record grows to 512 lines or 64 KiB; what comes then is a record of its own with the same identity, counted
as `cut_continuation`. A line that is none of the format, with no record before that it could go on with, is a
plain log, counted as `unparsed`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import tzinfo
from functools import lru_cache
from hashlib import sha256

import msgspec

from observe import context, ids, semconv, w3c
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers import plain, stack_traces
from subscribers.parsers.page import Format, Line, Page, Parsed
from subscribers.signals import Link, Log, Span

LINES_MAX = 512
BYTES_MAX = 65_536
#: Streams whose readers are remembered, with the header they have read.
_STREAMS_MAX = 1024


class Entry(msgspec.Struct):
    """A record and the lines that go on with it."""

    line: Line
    told: Told
    dataset: str
    lines: list[str]
    size: int


def paged(
    format: LineFormat,
    zone: tzinfo,
    *,
    correlation_field: str = "",
    starts: Callable[[str], bool] | None = None,
) -> Format:
    """Return the page.Format of a line format.

    zone: of times that name none; correlation_field: the attribute, or the last part of its name, that holds
    the correlation ID where the format itself knows none; starts: whether a line begins a record, where the
    team says that itself: then the lines up to the next one are its text, and are read as one.
    """

    def own(told: Told | None) -> Told | None:
        if told is not None and not told.correlation_id:
            told.correlation_id = _named(told, correlation_field)
        return told

    readers: OrderedDict[tuple[str, str, str, str], Reader] = OrderedDict()

    def parse(page: Page) -> Parsed:
        origin = page.origin
        stream = origin.account, origin.log_group, origin.log_stream, page.file
        reader = readers.pop(stream, None) or format.reader()
        readers[stream] = reader
        if len(readers) > _STREAMS_MAX:
            readers.popitem(last=False)
        named = (lambda text, clock: own(reader(text, clock))) if correlation_field else reader
        return _Pager(page, format, named, zone, starts).parsed()

    return parse


def _named(told: Told, field: str) -> str:
    for name, value in told.attributes.items():
        if isinstance(value, str) and (name == field or name.endswith(f".{field}")):
            return value.strip()
    return ""


class _Pager:
    """One page on its way."""

    def __init__(
        self,
        page: Page,
        format: LineFormat,
        reader: Reader,
        zone: tzinfo,
        starts: Callable[[str], bool] | None,
    ) -> None:
        self._page, self._format, self._reader, self._zone, self._starts = page, format, reader, zone, starts
        self._parsed = Parsed()
        self._entry: Entry | None = None
        self._joins = format.joins or starts is not None

    def parsed(self) -> Parsed:
        take = self._take if self._starts is None else self._take_started
        for line in self._page.lines():
            if line.text.strip():
                take(line)
            else:
                self._parsed.silent += 1
                if self._entry is not None and self._joins:
                    self._entry.lines.append("")
        self._tell()
        return self._parsed

    def _take(self, line: Line) -> None:
        rest = self._taken(line)
        while rest:
            rest = self._taken(line._replace(text=rest))

    def _taken(self, line: Line) -> str:
        """Take one record, with what goes on with it in its event; return what is left behind a header."""
        first, separator, rest = line.text.partition("\n")
        told: Told | None = None
        if separator and self._format.whole:
            told = self._reader(line.text, self._clock(line))
            rest = rest if told is None else ""
        goes_on = self._format.joins and self._entry is not None and stack_traces.is_frame(first)
        if told is None and not goes_on:
            told = self._reader(first.rstrip("\r") if separator else first, self._clock(line))
        if told is None:
            self._go_on(line)
        elif told.is_header:
            self._tell()
            if rest.strip():  # what it describes may stand in the same event
                return rest
            self._parsed.silent += 1
        else:
            self._tell()
            more = self._continued(rest) if rest else []
            self._entry = Entry(line, told, self._format.dataset, more, len(line.text.encode()))
        return ""

    def _take_started(self, line: Line) -> None:
        """The team's own pattern decides; what a whole record says is read when it is complete."""
        if self._starts is None or not self._starts(line.text):
            self._go_on(line)
            return
        self._tell()
        self._entry = Entry(line, Told(), self._format.dataset, [], len(line.text.encode()))

    def _go_on(self, line: Line) -> None:
        entry, size = self._entry, len(line.text.encode())
        if entry is None or not self._joins:
            self._tell()
            self._parsed.note("unparsed")
            said = line._replace(text=self._format.unread(line.text))
            self._parsed.signals.append(plain.log(self._page, said))
            return
        texts = self._continued(line.text)
        if 1 + len(entry.lines) + len(texts) <= LINES_MAX and entry.size + size <= BYTES_MAX:
            entry.lines += texts
            entry.size += size
            self._parsed.joined[line.event_id] = entry.line.event_id
            return
        self._parsed.note("cut_continuation")
        self._tell()
        told = msgspec.structs.replace(entry.told, message=texts[0], exchange=None)
        self._entry = Entry(
            line._replace(unix_nano=entry.line.unix_nano), told, entry.dataset, texts[1:], size
        )

    def _continued(self, text: str) -> list[str]:
        return [self._format.continued(line.rstrip("\r")) for line in text.split("\n")]

    def _clock(self, line: Line) -> Clock:
        return Clock(self._zone, line.unix_nano, is_latest=bool(self._page.file))

    def _tell(self) -> None:
        entry, self._entry = self._entry, None
        if entry is None:
            return
        if self._starts is not None and not entry.told.message:
            whole = "\n".join((entry.line.text, *entry.lines)).rstrip("\n")
            told = self._reader(whole, self._clock(entry.line))
            if told is not None and told.is_header and "\n" not in whole:
                self._parsed.silent += 1
                return
            if told is None or told.is_header:
                self._parsed.note("unparsed")
                told = Told(message=self._format.unread(whole))
                entry.dataset = plain.DATASET
            entry.told, entry.lines = told, []
        elif self._format.whole and not entry.told.message and any(entry.lines):
            self._read_whole(entry)
        if entry.told.note:
            self._parsed.note(entry.told.note)
        span = span_of(self._page, entry.line, entry.told)
        self._parsed.signals.append(_log(self._page, entry, span))
        if span is not None:
            self._parsed.signals.append(span)

    def _read_whole(self, entry: Entry) -> None:
        """Read a record again with all of its lines, if together they are one, too."""
        told = self._reader("\n".join((entry.line.text, *entry.lines)).rstrip("\n"), self._clock(entry.line))
        if told is not None and not told.is_header:
            entry.told, entry.lines = told, []


def _log(page: Page, entry: Entry, span: Span | None) -> Log:
    line, told = entry.line, entry.told
    first = told.message or line.text.partition("\n")[0]
    trace = stack_traces.read(first, entry.lines) if entry.lines else stack_traces.Trace(first)
    correlation_id, derived = identified(told.correlation_id) if span is None else ("", "")
    return Log(
        event_id=line.event_id,
        origin=page.origin,
        time_unix_nano=line.unix_nano if told.time_unix_nano is None else told.time_unix_nano,
        observed_time_unix_nano=page.now_unix_nano,
        message=trace.message,
        sequence=line.sequence,
        level=told.level,
        dataset=entry.dataset,
        time_from="event" if told.time_unix_nano is None else "line",
        trace_id=span.trace_id if span else told.trace_id or derived,
        span_id=span.span_id if span else told.span_id,
        correlation_id=span.correlation_id if span else correlation_id,
        error_type=told.error_type or trace.error_type,
        error_message=told.error_message or trace.error_message,
        error_stack=told.error_stack or trace.error_stack,
        attributes=told.attributes,
    )


@lru_cache(maxsize=1024)
def identified(raw: str) -> tuple[str, str]:
    """(correlation ID, trace ID derived from it), each "" for none: the trust edge, as the layer draws it."""
    if not raw:
        return "", ""
    derived = ids.derive_trace_id(raw)
    return raw if context.is_correlation_id(raw) else derived, derived


def span_of(page: Page, line: Line, told: Told) -> Span | None:
    """Return the exchange as a span; None where the line tells neither an ID nor a duration.

    Its ID is the first 8 bytes of SHA-256 over `<client>|<when>|<the line>` in UTF-8, so that whoever reads
    the line derives the same. A line without an ID, but with a duration, is a span in a trace of its own: its
    ID is the first 16 bytes of SHA-256 over `trace|` and the same text: a request of nobody is a request.
    """
    made = told.exchange
    if made is None:
        return None
    trace_id, parent_span_id, _ = w3c.parse_traceparent(made.traceparent)
    if not trace_id and told.trace_id:
        trace_id, parent_span_id = told.trace_id, told.span_id
    correlation_id, derived = identified(told.correlation_id)
    if not trace_id and not derived and made.duration_ns is None:
        return None
    text = f"{made.client}|{made.when}|{line.text}".encode()
    if not trace_id and not derived:
        trace_id = sha256(b"trace|" + text).hexdigest()[:32]
    return Span(
        event_id=f"{line.event_id}:0",
        origin=page.origin,
        trace_id=trace_id or derived,
        span_id=sha256(text).hexdigest()[:16],
        parent_span_id=parent_span_id,
        name=f"{made.method or 'HTTP'} {made.path}".rstrip(),
        kind="server",
        start_unix_nano=made.start_unix_nano,
        end_unix_nano=made.start_unix_nano + (made.duration_ns or 0),
        told_by="access_log",
        status="error" if made.status >= 500 else "unset",
        correlation_id=correlation_id,
        attributes=told.attributes,
        links=_links(trace_id, derived),
    )


def _links(trace_id: str, derived: str) -> tuple[Link, ...]:
    """The trace that lost, where the request carried two identities."""
    if not trace_id or not derived or trace_id == derived:
        return ()
    return (Link(derived, ids.derived_span_id(derived), {semconv.LINK_KIND: "correlation_id"}),)
