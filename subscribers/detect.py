"""`format: auto`: which format the lines of a stream have, and how sure that is.

A function's group tells by its name. Else the first lines are shown to every format that has a name, and the
one that reads most of them is taken: of several that read as many the more particular one, for what reads
pairs or levels anywhere reads other formats, too. The confidence is the share of the lines that it reads;
lines that go on with a record, such as stack traces, are not counted where the format joins them. Where no
format reads 0.75 of the first lines, which may be a banner, lines further on in the page are looked at with
them; below 0.75 of all these the lines are text.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from itertools import islice
from typing import NamedTuple

from subscribers import formats
from subscribers.formats import delimited, logger_names
from subscribers.formats.told import Clock, LineFormat
from subscribers.parsers import access_log, datagrams, plain, serverless, stack_traces
from subscribers.parsers.page import Format, Line, Page, Parsed

#: Not a format but the wish that `detect` picks one.
AUTO = "auto"
LAMBDA_GROUP = "/aws/lambda/"
#: How many lines that are not blank decide; a stream seldom changes its mind later.
LINES_LOOKED_AT = 20
CONFIDENCE_LEAST = 0.75
#: So many samples of as many lines each are looked at besides, where the first lines do not decide.
SAMPLES_MORE = 4
#: From so many lines on, and so sure, the format of a stream is remembered, for so many streams.
_LINES_SURE, _CONFIDENCE_SURE, _STREAMS_MAX = 5, 0.9, 1024
#: These read lines of others, too, so that others are asked before them, in this order.
GENERIC = ("json", "python", "logfmt", "key_value")
#: What a stack trace begins and ends with: Python's and Java's.
_STACK = re.compile(
    r"Traceback \(most recent|During handling of the|The above exception|"
    r"[A-Za-z_$][\w.$]{0,200}(?<=Error|ption|rning|wable)(?::|$)"
)
#: What shows that Python's trace is not over yet, and how an exception with any name ends it or, before
#: frames, begins Java's.
_TRACED = re.compile(r'Traceback \(most recent|\s{1,40}+File "')
_EXCEPTION = re.compile(r"[A-Za-z_$][\w.$]{0,200}+(?::(?: |$)|\s*$)")


class Detected(NamedTuple):
    """name: of a format; confidence: 0 to 1, of `text` that nothing else is meant."""

    name: str
    confidence: float


class _Seen(NamedTuple):
    """A line that is looked at. goes_on: whether it can only be more of the record before it."""

    line: Line
    first: str
    goes_on: bool


def detect(page: Page) -> Detected:
    """Return the format that a page's group or its first lines have."""
    if page.origin.log_group.startswith(LAMBDA_GROUP):
        return Detected("lambda", 1.0)
    lines, _ = _first(page)
    if not lines:
        return Detected(plain.DATASET, 0.0)
    if any(_is_functions(line, page) for line in lines):
        # One such line is proof: what else a function prints may be anything.
        return Detected("lambda", 1.0)
    best = nearest(page)
    if best.confidence < CONFIDENCE_LEAST:
        return Detected(plain.DATASET, 1.0 - best.confidence)
    return best


def nearest(page: Page) -> Detected:
    """Return the format that reads most of the lines that are looked at, however few these are."""
    lines, end = _first(page)
    seen = list(_seen(lines))
    best = _best(seen, page)
    if best.confidence >= CONFIDENCE_LEAST or end == len(page.events):
        return best
    step = max(LINES_LOOKED_AT, (len(page.events) - end) // SAMPLES_MORE)
    # Each from the middle of its part of the page: what the first lines were may go on for a while.
    middle = end + (step - LINES_LOOKED_AT) // 2
    for begin in islice(range(middle, len(page.events), step), SAMPLES_MORE):
        seen += _seen(_told(page.part(begin, begin + LINES_LOOKED_AT)))
    return _best(seen, page)


def auto(named: Callable[[str], Format]) -> Format:
    """Return the format that picks one for each stream, and remembers it once it is sure."""
    known: OrderedDict[tuple[str, str, str], Detected] = OrderedDict()

    def parse(page: Page) -> Parsed:
        origin = page.origin
        stream = origin.account, origin.log_group, origin.log_stream
        found = known.pop(stream, None) or detect(page)
        parsed = named(found.name)(page)
        parsed.detected = found
        if _is_sure(found, parsed, len(page.events)):
            known[stream] = found
            if len(known) > _STREAMS_MAX:
                known.popitem(last=False)
        return parsed

    return parse


def _is_sure(found: Detected, parsed: Parsed, events: int) -> bool:
    """Whether the next page of a stream need not be looked at: else it may be of another format by then."""
    told = events - parsed.silent
    return (
        found.name != plain.DATASET
        and found.confidence >= _CONFIDENCE_SURE
        and told >= _LINES_SURE
        and parsed.notes.get("unparsed", 0) * 2 < told
    )


def _is_functions(line: Line, page: Page) -> bool:
    """Whether a line is one that only functions, or our own libraries, write.

    On the legacy side any logger may write JSON, also with a correlation ID: there it has to be a line of
    Lambda's, or one that the layer wrote in an invocation, which always has all three IDs.
    """
    if page.origin.side == "serverless":
        return serverless.recognises(line, page)
    if not serverless.recognises(line, page):
        return False
    draft = serverless.read(line, page)
    if line.text.startswith("{") and draft.is_log and draft.platform is None:
        identified = draft.request_id and draft.trace_id and draft.correlation_id
        is_foreign = not logger_names.STRONG.isdisjoint(draft.attributes)
        return draft.dataset == "observe" and bool(identified) and not is_foreign
    return True


def _is_datagram(line: Line, page: Page) -> bool:
    """Whether a line is one of StatsD's dialects, or was meant to be: one alone proves nothing."""
    draft = serverless.read(line, page)
    return bool(draft.points or draft.note) or datagrams.is_told(line.text)


def _first(page: Page) -> tuple[list[Line], int]:
    """The first lines that are not blank, and the place of the event behind them."""
    found: list[Line] = []
    for end, line in enumerate(page.lines()):
        if len(found) == LINES_LOOKED_AT:
            return found, end
        if line.text.strip():
            found.append(line)
    return found, len(page.events)


def _told(page: Page) -> list[Line]:
    return [line for line in page.lines() if line.text.strip()]


def _seen(lines: Sequence[Line]) -> Iterator[_Seen]:
    """Yield lines that follow each other, each with whether it goes on with what came before."""
    firsts = [line.text.partition("\n")[0].rstrip("\r") for line in lines]
    # Rotation cuts within a trace, too, and so does a sample.
    is_traced = bool(firsts) and firsts[0][:1].isspace()
    for line, first, following in zip(lines, firsts, (*firsts[1:], ""), strict=False):
        is_named = _EXCEPTION.match(first) is not None
        goes_on = _goes_on(first) or (is_named and (is_traced or stack_traces.is_frame(following)))
        yield _Seen(line, first, goes_on)
        stays = _TRACED.match(first) is not None or (is_traced and first[:1].isspace())
        # An event of several lines has its trace to itself.
        is_traced = stays and "\n" not in line.text


def _best(seen: Sequence[_Seen], page: Page) -> Detected:
    """The surest format, the more particular one of equals: max takes the first."""
    if not seen:
        return Detected(plain.DATASET, 0.0)
    return max(_scores(seen, page), key=lambda found: found.confidence)


def _scores(seen: Sequence[_Seen], page: Page) -> Iterator[Detected]:
    """Yield how sure each format is, the more particular ones first."""
    lines = [one.line for one in seen]
    yield Detected("lambda", sum(_is_datagram(line, page) for line in lines) / len(lines))
    yield Detected("apache", sum(access_log.read(line.text) is not None for line in lines) / len(lines))
    for name, format in formats.FORMATS.items():
        if name not in (*GENERIC, "apache", delimited.NAME):
            yield Detected(name, _share(format, seen))
    for name in GENERIC:
        yield Detected(name, _share(formats.FORMATS[name], seen))
    yield Detected(delimited.NAME, _delimited(lines))


def _share(format: LineFormat, seen: Sequence[_Seen]) -> float:
    read, hits, others = format.reader(), 0, 0
    for line, first, goes_on in seen:
        if read(first, Clock(UTC, line.unix_nano)) is not None:
            hits += 1
        elif not (format.joins and goes_on):
            others += 1
    return hits / (hits + others) if hits else 0.0


def _delimited(lines: Sequence[Line]) -> float:
    """The share of lines with a header's cells and a time in them: prose has commas, too."""
    read = delimited.CSV.reader()
    told = [read(line.text, Clock(UTC, line.unix_nano)) for line in lines]
    data = [one for one in told if one is None or not one.is_header]
    hits = sum(one is not None and not one.note and one.time_unix_nano is not None for one in data)
    return hits / len(data) if data else 0.0


def _goes_on(text: str) -> bool:
    """Whether a line can only be more of the record before it."""
    return bool(text[:1].isspace() or stack_traces.is_frame(text) or _STACK.match(text))
