"""Lines to signals: `LogBatch -> Parsed`. Pure, and never raises, whatever the lines hold.

A format is a function from a page of lines to what they tell. Those that read line by line are in
formats.FORMATS, those that a team describes are formats.custom's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from functools import lru_cache
from typing import Any

import msgspec

from subscribers import formats
from subscribers.detect import AUTO, LAMBDA_GROUP, Detected, auto, detect
from subscribers.envelope import FileBatch, LogBatch
from subscribers.formats import custom as customs
from subscribers.formats.records import paged
from subscribers.parsers import access_log, java_dates, plain, serverless
from subscribers.parsers.identity import event_ids
from subscribers.parsers.page import Format, Page, Parsed
from subscribers.signals import Origin

__all__ = [
    "AUTO",
    "FORMATS",
    "LAMBDA_GROUP",
    "Detected",
    "Parsed",
    "custom",
    "detect",
    "named",
    "page_of",
    "parse",
]

#: Every name that observe.yaml may have except `auto` -> its format, with UTC where a line names no zone.
FORMATS: dict[str, Format] = {
    **{name: paged(format, UTC) for name, format in formats.FORMATS.items()},
    "lambda": serverless.parse,
    "apache": access_log.parse,
    "text": plain.parse,
}
_auto = auto(FORMATS.__getitem__)


def named(name: str, timezone: str = "UTC", correlation_field: str = "") -> Format:
    """Return the format of a name, the same one each time: it remembers the headers of streams.

    name: one of FORMATS or `auto`; timezone: IANA name, of times that name none; correlation_field: the
    attribute that holds the correlation ID where the format itself knows none. Raises KeyError for any other
    name.
    """
    if timezone != "UTC" or correlation_field:
        return _zoned(name, timezone, correlation_field)
    return _auto if name == AUTO else FORMATS[name]


@lru_cache(maxsize=1024)
def _zoned(name: str, timezone: str, correlation_field: str) -> Format:
    if name == AUTO:
        return auto(lambda found: _zoned(found, timezone, correlation_field))
    if name in formats.FORMATS and FORMATS[name] is not access_log.parse:
        zone = java_dates.zone_of(timezone)
        return paged(formats.FORMATS[name], zone, correlation_field=correlation_field)
    return FORMATS[name]


def custom(options: Mapping[str, Any], timezone: str = "UTC", correlation_field: str = "") -> Format | None:
    """Return the format that options of observe.yaml describe ({"log4j": pattern}); None if we lack it.

    It is the same one each time. Raises BadLayout for options that a loaded configuration cannot have.
    """
    if not any(kind in options for kind in (*customs.JAVA_LAYOUTS, *customs.LINE_FORMATS)):
        return None
    return _custom(msgspec.json.encode(options, order="sorted"), timezone, correlation_field)


@lru_cache(maxsize=1024)
def _custom(options: bytes, timezone: str, correlation_field: str) -> Format:
    return customs.custom(msgspec.json.decode(options), timezone, correlation_field)


def parse(batch: LogBatch, origin: Origin, format: str | Format, *, now_unix_nano: int) -> Parsed:
    """Return the signals of a batch in the order of its lines, and notes counted by reason.

    format: a key of FORMATS, `auto`, or what `named` or `custom` returned; now_unix_nano: when the batch
    arrived. Raises KeyError for a format that does not exist, for nothing else.
    """
    page = page_of(batch, origin, now_unix_nano)
    return (named(format) if isinstance(format, str) else format)(page)


def page_of(batch: LogBatch, origin: Origin, now_unix_nano: int) -> Page:
    """Return a batch as formats read it, with the IDs of its events."""
    ids = (
        list(batch.line_ids)
        if isinstance(batch, FileBatch)
        else event_ids(batch.owner, batch.log_group, batch.log_stream, batch.events)
    )
    file = batch.file if isinstance(batch, FileBatch) else ""
    return Page(origin=origin, events=batch.events, event_ids=ids, now_unix_nano=now_unix_nano, file=file)
