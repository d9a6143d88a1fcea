"""The lines of whole invocations that functions write most, from text to documents.

START, END, REPORT, and between them log lines of the layer, metric lines and plain prints. What is the same
in many documents is made once a page; what is left for a line is to put it together.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

import msgspec

from observe import semconv
from subscribers import lane_context, lane_records
from subscribers.lane_lines import OwnLines, OwnTold, Who
from subscribers.lane_redaction import Redacting
from subscribers.lane_reports import DECIMAL, REPORTS, Report, Reports
from subscribers.lane_text import PLATFORM, PRINT, PageText, Unusual, quoted
from subscribers.parsers import lines, metrics, otlp, platform, serverless
from subscribers.parsers.page import Page
from subscribers.parsers.platform_signals import TOLD
from subscribers.signals import Metric, Signal, Span
from subscribers.sinks import ecs
from subscribers.sinks.bulk import DATED, Names
from subscribers.sinks.ecs import MILLIS

_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAMED = re.compile(_ID).findall
_START = re.compile(rf"START RequestId: ({_ID}) Version: (\$LATEST|\d{{1,10}})[\r\n]*+", re.ASCII).fullmatch
_STARTS, _ENDS = "START ", "END RequestId: "
_REPEATED = (_ENDS, REPORTS)
#: Beginnings of lines that are more than a print, or may be more of the line before, and what else tells such
#: a line: what serverless.READERS and LOOSE, event_joins and runtime_traces know of.
_MEANT = re.compile(
    r"[\s_]|\d{4}[-/]|[DIWEFA], \[|\[[A-Z]{4,8}\][ \t]|\.\.\. |--- End |(?:INIT|RESTORE)_"
    r"|(?:START|END|REPORT|XRAY|EXTENSION|TELEMETRY|LOGS|Exception|During|The above)[ \t]"
    r"|(?:RequestId|Caused by|Suppressed|Wrapped by|panic|fatal error|FATAL ERROR): |\d{1,3}: 0x|Traceback "
    r"|Unhandled exception"
).match
_TIMED_OUT = "Task timed out after "
_KINDS = frozenset(("count", "gauge", "histogram", "distribution", "timing"))
_ENDINGS = "\r\n"
_INFO = ',"log.level":"INFO"'

_encode = msgspec.json.Encoder().encode


class Told(NamedTuple):
    """What of a page was told here. pieces: the text of actions and documents; signals: what is no text yet.

    events: how many they are; documents: those in pieces; rest: what is left, as (begin, end) in the page's
    events; removals: how many parts were redacted in pieces, by rule.
    """

    pieces: list[str]
    signals: list[Signal]
    events: int
    documents: int
    rest: list[tuple[int, int]]
    removals: Counter[str]


class Teller:
    """One page on its way. redacting: the active controls, None for none."""

    def __init__(self, page: Page, redacting: Redacting | None = None, names: Names = DATED) -> None:
        self._page, self._redacting = page, redacting
        self._messages = [event.message for event in page.events]
        self._text = PageText(page, names)
        self._platform_members, self._print_members = self._text.members(PLATFORM), self._text.members(PRINT)
        name = page.origin.log_group.rpartition("/")[2] or page.origin.service
        self._name = name.encode("utf-8", "replace").decode()
        self._span_members = (
            f',"span.name":{quoted(self._name)},"span.kind":"server","observe.told_by":"platform"'
        )
        self._own = OwnTold([], [])
        self._spans: list[Span] = []
        #: Where lines beside the layer's are that may hold a secret.
        self._struck: frozenset[int] = frozenset()
        #: What was read before, by its text: `<type>|<name>|<tags>`.
        self._reports = Reports()
        self._metrics: dict[str, tuple[str, str] | None] = {}

    def told(self) -> Told:
        """Return what is told here."""
        messages = self._messages
        nothing = Told([], [], 0, 0, [(0, len(messages))], Counter())
        own, others, starts = self._looked_over()
        if self._redacting is not None:
            if not self._redacting.leaves_platform(self._name):
                return nothing
            struck = self._redacting.suspected([messages[at] for at in others])
            self._struck = frozenset(others[number] for number in struck)
        self._own = OwnLines(self._text, self._page.origin.service, self._redacting).read(messages, own)
        if len(own) == len(messages) and None in self._own.whos:
            signals = lane_records.told(self._page, messages, self._own.whos)
            if signals is not None:
                told = [document for document in self._own.documents if document]
                return Told(told, signals, len(messages), len(told), [], self._removals([]))
        pieces: list[str] = []
        rest: list[tuple[int, int]] = []
        documents = begin = 0
        for end in starts:
            spans = len(self._spans)
            try:
                more, found = self._invocation(begin, end)
                pieces += found
                documents += more
            except Unusual:
                del self._spans[spans:]
                if not self._is_alone(begin, end):
                    return nothing
                rest.append((begin, end))
            begin = end
        left = sum(end - begin for begin, end in rest)
        return Told(pieces, [*self._spans], len(messages) - left, documents, rest, self._removals(rest))

    def _looked_over(self) -> tuple[list[int], list[int], list[int]]:
        """(where lines are JSON, where others are of which each may hold a secret, where an invocation ends).

        It ends before each START, and behind the last line. An END and a REPORT repeat their START's ID, and
        hold nothing else but numbers: only a team's own rule can mean them where their START is none's.
        """
        own: list[int] = []
        others: list[int] = []
        ends: list[int] = []
        is_skipped = self._redacting is None or not self._redacting.is_own
        for at, message in enumerate(self._messages):
            sign = message[:1]
            if sign == "{":
                own.append(at)
            elif sign == "S":
                others.append(at)
                if at and message[:6] == _STARTS:
                    ends.append(at)
            elif not (
                is_skipped and sign in "ER" and message.startswith(_REPEATED) and "XRAY" not in message
            ):
                others.append(at)
        if self._messages:
            ends.append(len(self._messages))
        return own, others, ends

    def _removals(self, rest: list[tuple[int, int]]) -> Counter[str]:
        """Those of the lines that are told here: the others' are counted by the general way."""
        removals: Counter[str] = Counter()
        for at, found in self._redacting.removals.items() if self._redacting is not None else ():
            if not any(begin <= at < end for begin, end in rest):
                removals += found
        return removals

    def _is_alone(self, begin: int, end: int) -> bool:
        """Whether these lines have nothing to do with others: they name one invocation, and it ends."""
        messages = self._messages
        named = {request_id for message in messages[begin:end] for request_id in _NAMED(message)}
        start = _START(messages[begin])
        if start is None:  # what comes before the first START may go on behind it
            return begin == 0 and len(named) < 2 and named.isdisjoint(self._started())
        ended = end - begin > 2 and messages[end - 2].startswith(f"{_ENDS}{start[1]}")
        reported = messages[end - 1].startswith(f"{REPORTS}{start[1]}")
        return named <= {start[1]} and ((ended and reported) or end == len(messages))

    def _started(self) -> set[str]:
        """The requests that the page has a START of."""
        found = (_START(message) for message in self._messages if message.startswith(_STARTS))
        return {start[1] for start in found if start is not None}

    def _lines_alone(self, begin: int, end: int) -> tuple[int, list[str]]:
        """Lines of the layer without a START before them: each says all of itself."""
        whos = [who for who in self._own.whos[begin:end] if who is not None]
        if begin or len(whos) < end - begin:
            raise Unusual
        if end < len(self._messages) and not self._started().isdisjoint(who.request_id for who in whos):
            raise Unusual
        return len(whos), self._own.documents[begin:end]

    def _invocation(self, begin: int, end: int) -> tuple[int, list[str]]:
        """(how many documents an invocation of which all lines are here has, the documents)."""
        messages, (whos, documents) = self._messages, self._own
        start = _START(messages[begin])
        if start is None:
            return self._lines_alone(begin, end)
        request_id, version = start.groups()
        if end - begin < 3 or messages[end - 2].rstrip(_ENDINGS) != f"{_ENDS}{request_id}":
            raise Unusual
        if not self._page.events[begin].timestamp_ms:  # no time: nobody knows whether all lines are here
            raise Unusual
        told: list[str] = []
        prints: list[int] = []
        spans: list[Span] = []
        who: Who | None = None
        for at in range(begin + 1, end - 2):
            one = whos[at]
            if one is not None:
                who = who or one
                if one.request_id != request_id:
                    raise Unusual
                told.append(documents[at])
            elif (message := messages[at])[:11] == metrics.MONITORING:
                told.append(self._metric(at, message, request_id))
            elif message[:1] == "{" and lines.SPANS in message[: lines.LEAD]:
                spans += self._own_spans(at, message, request_id)
            else:
                prints.append(at)
        duration, report = self._reports.read(messages[end - 1], request_id)
        if spans:
            invocation = lane_context.invocation_of(who, spans, request_id)
            context = lane_context.of_spans(invocation)
            self._spans += [serverless.in_context(span, invocation, request_id) for span in spans]
        else:
            context = lane_context.of_lines(who, report.xray, request_id)
        for at in prints:
            told.append(self._print(at, context.tail))
        told.append(self._platform(begin, end - 1, request_id, version, context, duration, report))
        return len(told) - 1 + 3 + (context.span is not None), told

    def _own_spans(self, at: int, message: str, request_id: str) -> tuple[Span, ...]:
        """The spans of a line of the layer's."""
        try:
            spans = otlp.spans_of(message.rstrip(_ENDINGS), self._text.ids[at], self._page.origin)
        except ValueError:
            raise Unusual from None
        named = next((span.request_id for span in spans if span.request_id), request_id)
        if not spans or named != request_id:
            raise Unusual
        return spans

    def _platform(
        self,
        begin: int,
        end: int,
        request_id: str,
        version: str,
        context: lane_context.Context,
        duration: str,
        report: Report,
    ) -> str:
        """START, END, REPORT, and the span that they tell: none of the layer's is among its lines."""
        events, text = self._page.events, self._text
        if not self._struck.isdisjoint((begin, end - 1, end)) and self._is_secret(begin, end - 1, end):
            raise Unusual
        took = duration if DECIMAL(duration) else repr(float(duration))
        values = f',"{platform.PREFIX}duration":{took}{report.members}'
        tail = context.tail
        started, ended = events[begin].timestamp_ms, events[end].timestamp_ms
        a, b, c = started // 1000, events[end - 1].timestamp_ms // 1000, ended // 1000
        first = text.second(a)
        over = first if a == b else text.second(b)
        last = first if a == c else text.second(c)
        began, span = (started, first) if started <= ended else (ended, last)
        took_ns, moment = max(0, ended - started) * 1_000_000, MILLIS[began % 1000]
        if started == ended:  # as in platform_signals.platform_span
            took_ns = min(round(float(duration) * 1_000_000), ended * 1_000_000)
            began_ns = ended * 1_000_000 - took_ns
            span, moment = text.second(began_ns // 1_000_000_000), ecs.timestamp(began_ns)[19:]
        ids, number, common = text.ids, text.first + begin, self._platform_members
        sampled = ',"attributes":{"sampled":"true"}' if report.xray[0] else ""
        told = (
            f'{first.platform}{ids[begin]}"}}}}\n{{"@timestamp":"{first.text}{MILLIS[started % 1000]}{common}'
            f'{number},"message":"START RequestId: {request_id} Version: {version}"'
            f',"log.level":"INFO","faas.version":"{version}"{tail}'
            f'{over.platform}{ids[end - 1]}"}}}}\n{{"@timestamp":"{over.text}'
            f"{MILLIS[events[end - 1].timestamp_ms % 1000]}{common}{number + end - 1 - begin}"
            f',"message":"END RequestId: {request_id}","log.level":"INFO"{tail}'
            f'{last.platform}{ids[end]}"}}}}\n{{"@timestamp":"{last.text}{MILLIS[ended % 1000]}{common}'
            f'{number + end - begin},"message":"REPORT RequestId: {request_id}\\tDuration: {duration} ms\\t'
            f'{report.written}","log.level":"INFO"{values}{sampled}{tail}'
        )
        own = context.span
        if own is None:
            return told
        return (
            f"{told}"
            f'{span.span}{ids[end]}:99"}}}}\n{{"@timestamp":"{span.text}{moment}{text.origin}'
            f',"event.dataset":"traces","event.duration":{took_ns}'
            f',"event.outcome":"success","trace.id":"{own.trace_id}","span.id":"{own.span_id}"{self._span_members}'
            f',"faas.execution":"{request_id}"{own.more}{values}'
            f',"{semconv.FAAS_COLDSTART}":{"true" if report.is_cold else "false"}}}\n'
        )

    def _is_secret(self, *lines: int) -> bool:
        """Whether what Lambda says has a part that is redacted: that is told the general way."""
        said = ((at, self._messages[at].rstrip(_ENDINGS)) for at in lines)
        return any(self._clean(message, at) != message for at, message in said)

    def _print(self, at: int, tail: str) -> str:
        """A line that is told as it is; one that is more than a print, or nothing at all, is not."""
        message = self._messages[at]
        if _MEANT(message) or ("|" in message and ":" in message) or _TIMED_OUT in message:
            raise Unusual
        said = message.rstrip(_ENDINGS)
        if not said or said[0] == "{" or "\n" in said or "\r" in said:
            raise Unusual
        if at in self._struck:
            said = self._clean(said, at)
        text, ms = self._text, self._page.events[at].timestamp_ms
        second = text.second(ms // 1000)
        return (
            f'{second.print}{text.ids[at]}"}}}}\n{{"@timestamp":"{second.text}{MILLIS[ms % 1000]}'
            f'{self._print_members}{text.first + at},"message":{quoted(said)}{tail}'
        )

    def _clean(self, message: str, at: int) -> str:
        return message if self._redacting is None else self._redacting.clean(message, {}, at)[0]

    def _metric(self, at: int, message: str, request_id: str) -> str:
        """`MONITORING|<epoch s>|<value>|<type>|<name>|#<tags>`, but for sets, whose members are texts."""
        parts = message.rstrip(_ENDINGS).split("|", 3)
        if len(parts) != 4:
            raise Unusual
        _, seconds, value, more = parts
        if not seconds.isdecimal() or len(seconds) > 10 or not seconds.isascii() or not int(seconds):
            raise Unusual
        if more not in self._metrics:
            self._metrics[more] = self._measured(more, at)
        measured = self._metrics[more]
        if measured is None:
            raise Unusual
        if DECIMAL(value) is None:
            number = metrics.number(value)
            if number is None:
                raise Unusual
            value = repr(number)
        named, rest = measured
        text = self._text
        second = text.second(int(seconds))
        return (
            f'{second.metric}{text.ids[at]}:0"}}}}\n{{"@timestamp":"{second.text}.000Z{text.origin}{named}{value}'
            f',"faas.execution":"{request_id}"{rest}'
        )

    def _measured(self, text: str, at: int) -> tuple[str, str] | None:
        """`<type>|<name>|#<tags>` as members before the value, and those behind the request."""
        kind, _, rest = text.partition("|")
        name, found, tags = rest.partition("|#")
        if not found or not name or kind not in _KINDS or "|" in name or "|" in tags or name in TOLD:
            return None
        named: dict[str, str] = metrics.tags_of(tags)
        if self._redacting is not None:
            event_id, unit = self._text.ids[at], "ms" if kind == "timing" else ""
            point: dict[str, Any] = {"event_id": event_id, "kind": kind, "unit": unit, "value": 0.0}
            if not self._redacting.leaves_metric(
                Metric(origin=self._page.origin, time_unix_nano=0, name=name, tags=named, **point)
            ):
                return None
        told = f',"metric.name":{quoted(name)},"metric.type":"{kind}"'
        unit = ',"metric.unit":"ms"' if kind == "timing" else ""
        labels = f',"labels":{_encode(named).decode()}}}\n' if named else "}\n"
        return f',"event.dataset":"metrics"{told},"metric.value":', f"{unit}{labels}"
