"""Lines to signals: `LogBatch -> Parsed`. Pure, and never raises, whatever the lines hold.

A format is a function from a page of lines to what they tell; a new one is a new entry of FORMATS, one
that takes the pattern of the application's own configuration a new entry of CUSTOM.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from subscribers.envelope import LogBatch
from subscribers.parsers import access_log, log4j, plain, serverless
from subscribers.parsers.identity import event_ids
from subscribers.parsers.page import Format, Page, Parsed
from subscribers.signals import Origin

__all__ = ["AUTO", "CUSTOM", "FORMATS", "LAMBDA_GROUP", "Parsed", "custom", "detect", "parse"]

FORMATS: dict[str, Format] = {
    "lambda": serverless.parse,
    "apache": access_log.parse,
    "text": plain.parse,
}
#: Kind of custom format -> (kind, pattern, time zone, correlation field) -> its format.
CUSTOM: dict[str, Callable[[str, str, str, str], Format]] = {
    "log4j": log4j.reader,
    "logback": log4j.reader,
}
#: Not a format but the wish that `detect` picks one.
AUTO = "auto"
LAMBDA_GROUP = "/aws/lambda/"
#: How many lines that are not blank decide; a stream seldom changes its mind later.
_LINES_LOOKED_AT = 10


def custom(options: Mapping[str, Any], timezone: str = "UTC", correlation_field: str = "") -> Format | None:
    """Return the format that options of observe.yaml describe ({"log4j": pattern}); None if we lack it.

    Raises BadLayout for a pattern that a loaded configuration cannot have.
    """
    for kind, make in CUSTOM.items():
        if kind in options:
            return make(kind, options[kind], timezone, correlation_field)
    return None


def parse(batch: LogBatch, origin: Origin, format: str | Format, *, now_unix_nano: int) -> Parsed:
    """Return the signals of a batch in the order of its lines, and notes counted by reason.

    format: a key of FORMATS, `auto`, or what `custom` returned; now_unix_nano: when the batch arrived.
    Raises KeyError for a format that does not exist, for nothing else.
    """
    ids = event_ids(batch.owner, batch.log_group, batch.log_stream, batch.events)
    page = Page(origin=origin, events=batch.events, event_ids=ids, now_unix_nano=now_unix_nano)
    if not isinstance(format, str):
        return format(page)
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
