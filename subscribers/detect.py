"""`format: auto`: which format the lines of a stream have, and how sure that is.

A function's group tells by its name. Else the first lines are shown to every format that has a name, and the
one that reads most of them is taken: of several that read as many the more particular one, for what reads
pairs or levels anywhere reads other formats, too. The confidence is the share of the lines that it reads;
lines that go on with a record, such as stack traces, are not counted where the format joins them. Below 0.75
the lines are text.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from itertools import islice
from typing import NamedTuple

from subscribers import formats
from subscribers.formats import delimited
from subscribers.formats.told import Clock, LineFormat
from subscribers.parsers import access_log, datagrams, plain, serverless, stack_traces
from subscribers.parsers.page import Format, Line, Page, Parsed

#: Not a format but the wish that `detect` picks one.
AUTO = "auto"
LAMBDA_GROUP = "/aws/lambda/"
#: How many lines that are not blank decide; a stream seldom changes its mind later.
LINES_LOOKED_AT = 20
CONFIDENCE_LEAST = 0.75
#: From so many lines on, and so sure, the format of a stream is remembered, for so many streams.
_LINES_SURE, _CONFIDENCE_SURE, _STREAMS_MAX = 5, 0.9, 1024
#: These read lines of others, too, so that others are asked before them, in this order.
GENERIC = ("json", "python", "logfmt", "key_value")
#: What a stack trace begins and ends with: Python's and Java's.
_STACK = re.compile(
    r"Traceback \(most recent|During handling of the|The above exception|"
    r"[A-Za-z_$][\w.$]{0,200}(?<=Error|ption|rning|wable)(?::|$)"
)


class Detected(NamedTuple):
    """name: of a format; confidence: 0 to 1, of `text` that nothing else is meant."""

    name: str
    confidence: float


def detect(page: Page) -> Detected:
    """Return the format that a page's group or its first lines have."""
    if page.origin.log_group.startswith(LAMBDA_GROUP):
        return Detected("lambda", 1.0)
    lines = list(islice((line for line in page.lines() if line.text.strip()), LINES_LOOKED_AT))
    if not lines:
        return Detected(plain.DATASET, 0.0)
    if any(_is_functions(line, page) for line in lines):
        # One such line is proof: what else a function prints may be anything.
        return Detected("lambda", 1.0)
    best = max(_scores(lines, page), key=lambda found: found.confidence)
    if best.confidence < CONFIDENCE_LEAST:
        return Detected(plain.DATASET, 1.0 - best.confidence)
    return best


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

    On the legacy side any logger may write JSON: there it has to be a line of Lambda's or of ours.
    """
    if page.origin.side == "serverless":
        return serverless.recognises(line, page)
    if not serverless.recognises(line, page):
        return False
    draft = serverless.read(line, page)
    if line.text.startswith("{") and draft.is_log and draft.platform is None:
        return draft.dataset == "observe" and bool(draft.trace_id or draft.correlation_id)
    return True


def _is_datagram(line: Line, page: Page) -> bool:
    """Whether a line is one of StatsD's dialects, or was meant to be: one alone proves nothing."""
    draft = serverless.read(line, page)
    return bool(draft.points or draft.note) or datagrams.is_told(line.text)


def _scores(lines: Sequence[Line], page: Page) -> Iterator[Detected]:
    """Yield how sure each format is, the more particular ones first: max takes the first of equals."""
    yield Detected("lambda", sum(_is_datagram(line, page) for line in lines) / len(lines))
    yield Detected("apache", sum(access_log.read(line.text) is not None for line in lines) / len(lines))
    for name, format in formats.FORMATS.items():
        if name not in (*GENERIC, "apache", delimited.NAME):
            yield Detected(name, _share(format, lines))
    for name in GENERIC:
        yield Detected(name, _share(formats.FORMATS[name], lines))
    yield Detected(delimited.NAME, _delimited(lines))


def _share(format: LineFormat, lines: Sequence[Line]) -> float:
    read, hits, others = format.reader(), 0, 0
    for line in lines:
        first = line.text.partition("\n")[0].rstrip("\r")
        if read(first, Clock(UTC, line.unix_nano)) is not None:
            hits += 1
        elif not (format.joins and hits and _goes_on(first)):
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
