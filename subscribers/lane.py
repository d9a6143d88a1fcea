"""The fast lane: the lines that functions write most, from text to documents without a value in between.

A page is cut into invocations. One that is START, END, REPORT and between them log lines of the layer,
metric lines and plain prints is told here, as the body of a `_bulk` request. Any other goes to
`serverless.parse`, which knows every line; both give the same documents. Where lines of invocations are
mixed, all of the page goes there.

Documents are made as short pieces of text that are joined once: what is the same in all of them is one piece,
and none is so long that it has to be asked of the system's allocator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

import msgspec

from observe import ids
from subscribers.parsers import metrics, platform, serverless, times
from subscribers.parsers.draft import LEVELS
from subscribers.parsers.page import Page
from subscribers.sinks import bulk, ecs

_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAMED = re.compile(_ID).findall
_START = re.compile(rf"START RequestId: ({_ID}) Version: (\$LATEST|\d{{1,10}})[\r\n]*+").fullmatch
_NUMBER = r"(\d{1,9}(?:\.\d{1,9})?)"
_REPORT = re.compile(
    rf"REPORT RequestId: ({_ID})\tDuration: {_NUMBER} ms\tBilled Duration: {_NUMBER} ms\t"
    rf"Memory Size: {_NUMBER} MB\tMax Memory Used: {_NUMBER} MB(?:\tInit Duration: {_NUMBER} ms)?[\t\r\n]*+"
).fullmatch
#: What the numbers of a report are called, in its order.
_VALUES = ("duration", "billed_duration", "memory_size", "memory_used", "init_duration")
#: Beginnings of lines that are more than a print, or may be more of the line before, and what else tells such
#: a line: what serverless.READERS and LOOSE, event_joins and runtime_traces know of.
_MEANT = re.compile(
    r"[\s_]|\d{4}[-/]|[DIWEFA], \[|\[[A-Z]{4,8}\][ \t]|\.\.\. |--- End |(?:INIT|RESTORE)_"
    r"|(?:START|END|REPORT|XRAY|EXTENSION|TELEMETRY|LOGS|Exception|During|The above)[ \t]"
    r"|(?:RequestId|Caused by|Suppressed|Wrapped by|panic|fatal error): |Traceback |Unhandled exception"
).match
_TIMED_OUT = "Task timed out after "
#: Fields of a log line that say more of it than a caller's own do; and messages that may be JSON themselves.
_MEANING = frozenset(
    (
        *("error", "errorType", "errorMessage", "stackTrace", "record", "type", "metric", "_aws", "keys"),
        *("event", "severity_text", "env", "version", "resourceSpans", "log"),
    )
)
_LEVELS = frozenset(LEVELS.values())
_NESTED = frozenset("{[ \t\r\n")
_KINDS = frozenset(("count", "gauge", "histogram", "distribution", "timing"))
_ENDS = "\r\n"

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Told(NamedTuple):
    """What of a page was told here. pieces: the text of actions and documents, in order.

    events, documents: how many they are; rest: what is left, as (begin, end) in the page's events.
    """

    pieces: list[str]
    events: int
    documents: int
    rest: list[tuple[int, int]]


class _Unusual(Exception):  # noqa: N818 - no error: the other way is taken
    """A line that only the general way knows."""


def tell(page: Page) -> Told:
    """Return the documents of a function's page as far as they are told here."""
    return _Teller(page).told()


class _Teller:
    """One page. What is the same in each document is text already."""

    def __init__(self, page: Page) -> None:
        self._events, self._ids, self._first = page.events, page.event_ids, page.first
        self._service = page.origin.service
        self._name = page.origin.log_group.rpartition("/")[2] or page.origin.service
        self._origin = f'",{_encode(ecs.origin(page.origin)).decode()[1:-1]}'
        ingested = ecs.timestamp(page.now_unix_nano)
        self._log_origin = f'{self._origin},"event.ingested":"{ingested}","event.dataset":"'
        #: Milliseconds -> (text, date) of what was seen last: lines come in bursts.
        self._times: dict[int, tuple[str, str]] = {}
        #: Names of callers' fields that mean nothing here, seconds that are times, labels by their text.
        self._known: set[str] = set()
        self._seconds: set[str] = set()
        self._labels: dict[str, str] = {}

    def told(self) -> Told:
        pieces: list[str] = []
        rest: list[tuple[int, int]] = []
        events = documents = begin = 0
        for end in self._ends():
            try:
                pieces += self._invocation(begin, end)
                events += end - begin
                documents += end - begin + 1  # and the invocation's span
            except _Unusual:
                if not self._is_alone(begin, end):
                    return Told([], 0, 0, [(0, len(self._events))])
                rest.append((begin, end))
            begin = end
        return Told(pieces, events, documents, rest)

    def _is_alone(self, begin: int, end: int) -> bool:
        """Whether these lines have nothing to do with others: they name one invocation, and it ends."""
        events = self._events
        named = {request_id for event in events[begin:end] for request_id in _NAMED(event.message)}
        start = _START(events[begin].message)
        if start is None:  # what comes before the first START may go on behind it
            return begin == 0 and len(named) < 2 and named.isdisjoint(self._started())
        ended = end - begin > 2 and events[end - 2].message.startswith(f"END RequestId: {start[1]}")
        reported = events[end - 1].message.startswith(f"REPORT RequestId: {start[1]}")
        return named <= {start[1]} and ((ended and reported) or end == len(events))

    def _started(self) -> set[str]:
        """The requests that the page has a START of."""
        found = (_START(event.message) for event in self._events if event.message.startswith("START "))
        return {start[1] for start in found if start is not None}

    def _ends(self) -> Iterable[int]:
        for at, event in enumerate(self._events):
            if at and event.message.startswith("START "):
                yield at
        if self._events:
            yield len(self._events)

    def _invocation(self, begin: int, end: int) -> list[str]:
        """The documents of one invocation, of which all lines are in the page and none of others."""
        events = self._events
        start = _START(events[begin].message)
        if start is None or end - begin < 3:
            raise _Unusual
        request_id = start[1]
        if not events[end - 2].message.startswith(f"END RequestId: {request_id}"):
            raise _Unusual
        report = _REPORT(events[end - 1].message)
        if report is None or report[1] != request_id:
            raise _Unusual
        context = _Context()
        told: list[str] = []
        #: Where the pieces are that say the invocation's context, which is known in the end.
        open_ones: list[int] = []
        self._log(
            told, begin, "lambda.platform", f',"log.level":"INFO","faas.version":"{start[2]}"', open_ones
        )
        for at in range(begin + 1, end - 2):
            message = events[at].message
            if message[:1] == "{":
                self._own(told, at, message, request_id, context)
            elif message.startswith(metrics.MONITORING):
                self._metric(told, at, message, request_id)
            else:
                _refuse_meant(message)
                self._log(told, at, "lambda.text", "", open_ones)
        values = "".join(
            [
                f',"{platform.PREFIX}{word}":{float(value)!r}'
                for word, value in zip(_VALUES, report.groups()[1:], strict=True)
                if value is not None
            ]
        )
        self._log(told, end - 2, "lambda.platform", ',"log.level":"INFO"', open_ones)
        self._log(told, end - 1, "lambda.platform", f',"log.level":"INFO"{values}', open_ones)
        tail = f',"faas.execution":"{request_id}"{context.text()}}}\n'
        for place in open_ones:
            told[place] = tail
        self._span(told, begin, end - 1, request_id, context, values, is_cold=report[6] is not None)
        return told

    def _when(self, ms: int) -> tuple[str, str]:
        found = self._times.get(ms)
        if found is None:
            text = ecs.timestamp(ms * 1_000_000)
            found = self._times[ms] = text, text[:10]
        return found

    def _log(self, told: list[str], at: int, dataset: str, more: str, open_ones: list[int]) -> None:
        """A line as it is, at the event's time; its last piece is left open."""
        event = self._events[at]
        when, date = self._when(event.timestamp_ms)
        told += (
            f'{{"create":{{"_index":"{bulk.PREFIX}-{dataset}-{date}","_id":"{self._ids[at]}"}}}}\n'
            f'{{"@timestamp":"{when}',
            self._log_origin,
            f'{dataset}","event.sequence":{self._first + at}'
            f',"message":{quoted(event.message.rstrip(_ENDS))}{more}',
            "",
        )
        open_ones.append(len(told) - 1)

    def _own(self, told: list[str], at: int, message: str, request_id: str, context: _Context) -> None:
        """A log line of the layer, in the order of docs/spec/lines.md or any other."""
        try:
            found = _decode(message)
            take = found.pop
            when, level, text, service = take("timestamp"), take("level"), take("message"), take("service")
            correlation_id, trace_id, span_id = take("correlation_id"), take("trace_id"), take("span_id")
            if take("requestId") != request_id:
                raise _Unusual
            if (
                service != self._service
                or level not in _LEVELS
                or text[:1] in _NESTED
                or not (ids.is_trace_id(trace_id) and ids.is_span_id(span_id))
                or not self._is_time(when)
            ):
                raise _Unusual
            if not self._known.issuperset(found):
                self._learn(found)
            more = f',"attributes":{_encode(found).decode()}' if found else ""
            identity = (
                f',"faas.execution":"{request_id}","trace.id":"{trace_id}","span.id":"{span_id}"'
                f',"correlation_id":{quoted(correlation_id)}{more}}}\n'
            )
            told += (
                f'{{"create":{{"_index":"{bulk.PREFIX}-observe-{when[:10]}","_id":"{self._ids[at]}"}}}}\n'
                f'{{"@timestamp":"{when}',
                self._log_origin,
                f'observe","event.sequence":{self._first + at},"message":{quoted(text)},"log.level":"{level}"'
                ',"observe.time_from":"line"',
                identity,
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _Unusual from None
        if not correlation_id:
            raise _Unusual
        context.learn(trace_id, span_id, correlation_id)

    def _is_time(self, when: str) -> bool:
        """Whether it is `2026-11-21T03:30:10.123Z`; the date and the second are looked at once."""
        if len(when) != 24 or when[19] != "." or when[23] != "Z" or not when[20:23].isdecimal():
            return False
        second = when[:20]
        if second not in self._seconds:
            if not when.isascii() or when[10] != "T" or times.rfc3339(when) is None:
                return False
            self._seconds.add(second)
        return True

    def _learn(self, found: dict[str, Any]) -> None:
        for name in found:
            if name in _MEANING or name.startswith(ecs.KNOWN):
                raise _Unusual
        self._known.update(found)

    def _metric(self, told: list[str], at: int, message: str, request_id: str) -> None:
        """`MONITORING|<epoch s>|<value>|<type>|<name>|#<tags>`, but for sets, whose members are texts."""
        parts = message.rstrip(_ENDS).split("|")
        if len(parts) != 6:
            raise _Unusual
        _, seconds, value, kind, name, tags = parts
        if kind not in _KINDS or not name or tags[:1] != "#" or not seconds.isdecimal() or len(seconds) > 10:
            raise _Unusual
        number = metrics.number(value)
        if number is None or not seconds.isascii() or not int(seconds):
            raise _Unusual
        when = ecs.timestamp(int(seconds) * 1_000_000_000)
        labels = self._labels.get(tags)
        if labels is None:
            named = metrics.tags_of(tags[1:])
            labels = self._labels[tags] = f',"labels":{_encode(named).decode()}}}\n' if named else "}\n"
        unit = ',"metric.unit":"ms"' if kind == "timing" else ""
        told += (
            f'{{"create":{{"_index":"{bulk.PREFIX}-metrics-{when[:10]}","_id":"{self._ids[at]}:0"}}}}\n'
            f'{{"@timestamp":"{when}',
            self._origin,
            f',"event.dataset":"metrics","metric.name":{quoted(name)},"metric.type":"{kind}"'
            f',"metric.value":{number!r}{unit},"faas.execution":"{request_id}"',
            labels,
        )

    def _span(
        self,
        told: list[str],
        begin: int,
        end: int,
        request_id: str,
        context: _Context,
        values: str,
        *,
        is_cold: bool,
    ) -> None:
        """The invocation as its report tells it: no line of the layer's own spans is among these."""
        started, ended = self._events[begin].timestamp_ms, self._events[end].timestamp_ms
        when, date = self._when(min(started, ended))
        derived = sha256(request_id.encode()).hexdigest()[:16]
        trace_id = context.trace_id or ids.derive_trace_id(request_id)
        correlation = f',"correlation_id":{quoted(context.correlation_id)}' if context.correlation_id else ""
        told += (
            f'{{"create":{{"_index":"{bulk.PREFIX}-traces-{date}","_id":"{self._ids[end]}:99"}}}}\n'
            f'{{"@timestamp":"{when}',
            self._origin,
            f',"event.dataset":"traces","event.duration":{max(0, ended - started) * 1_000_000}'
            f',"event.outcome":"success","trace.id":"{trace_id}","span.id":"{context.span_id or derived}"'
            f',"span.name":{quoted(self._name)},"span.kind":"server","observe.told_by":"platform"',
            f',"faas.execution":"{request_id}"{correlation}{values}'
            f',"faas.coldstart":{"true" if is_cold else "false"}}}\n',
        )


def _refuse_meant(message: str) -> None:
    """A line that is more than a print, or nothing at all, is told the general way."""
    if _MEANT(message) or ("|" in message and ":" in message) or _TIMED_OUT in message:
        raise _Unusual
    text = message.rstrip(_ENDS)
    if not text or "\n" in text or "\r" in text:
        raise _Unusual


class _Context:
    """What the lines of an invocation say of its trace; the first that says something counts."""

    __slots__ = ("correlation_id", "span_id", "trace_id")

    def __init__(self) -> None:
        self.trace_id = self.span_id = self.correlation_id = ""

    def learn(self, trace_id: str, span_id: str, correlation_id: str) -> None:
        if not self.trace_id:
            self.trace_id, self.span_id, self.correlation_id = trace_id, span_id, correlation_id

    def text(self) -> str:
        if not self.trace_id:
            return ""
        return (
            f',"trace.id":"{self.trace_id}","span.id":"{self.span_id}"'
            f',"correlation_id":{quoted(self.correlation_id)}'
        )


def bodies(page: Page) -> Iterator[bytes]:
    """Yield the lines of `_bulk` requests of a page: of each part what is told here, then the rest."""
    for part in page.parts():
        told = tell(part)
        if told.pieces:
            yield "".join(told.pieces).encode("utf-8", "replace")
        for begin, end in told.rest:
            yield bulk.body(serverless.parse(part.part(begin, end)).signals)
