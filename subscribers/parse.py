"""Lines to signals: `LogBatch -> Parsed`. Pure, and never raises, whatever the lines hold.

A format is a function from a page of lines to what they tell; a new one is a new entry of FORMATS.
"""

from __future__ import annotations

from itertools import islice

from subscribers.envelope import LogBatch
from subscribers.parsers import access_log, plain, serverless
from subscribers.parsers.identity import event_ids
from subscribers.parsers.page import Format, Page, Parsed
from subscribers.signals import Origin

__all__ = ["AUTO", "FORMATS", "LAMBDA_GROUP", "Parsed", "detect", "parse"]

FORMATS: dict[str, Format] = {
    "lambda": serverless.parse,
    "apache": access_log.parse,
    "text": plain.parse,
}
#: Not a format but the wish that `detect` picks one.
AUTO = "auto"
LAMBDA_GROUP = "/aws/lambda/"
#: How many lines that are not blank decide; a stream seldom changes its mind later.
_LINES_LOOKED_AT = 10


def parse(batch: LogBatch, origin: Origin, format: str, *, now_unix_nano: int) -> Parsed:
    """Return the signals of a batch in the order of its lines, and notes counted by reason.

    format: a key of FORMATS or `auto`; now_unix_nano: when the batch arrived.
    Raises KeyError for a format that does not exist, for nothing else.
    """
    ids = event_ids(batch.owner, batch.log_group, batch.log_stream, batch.events)
    page = Page(origin=origin, events=batch.events, event_ids=ids, now_unix_nano=now_unix_nano)
    return FORMATS[detect(page) if format == AUTO else format](page)


def detect(page: Page) -> str:
    """Return the format that a page's group or its first lines have: a key of FORMATS."""
    if page.origin.log_group.startswith(LAMBDA_GROUP):
        return "lambda"
    first = list(islice((line for line in page.lines() if line.text.strip()), _LINES_LOOKED_AT))
    if any(serverless.recognises(line, page) for line in first):
        return "lambda"
    if first and all(access_log.read(line.text) for line in first):
        return "apache"
    return "text"
