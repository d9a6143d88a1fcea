"""The formats `logfmt` and `key_value`: pairs `key=value`, nothing else or behind and between other text.

    logfmt     ts=2026-11-21T03:30:10.123Z level=info msg="claim accepted" claim=7 cached
    key_value  2026-11-21 03:30:10,123 WARN claim is late: claim=7, days=3; owner="Ann Lee"

The names of loggers mean what they do in JSON lines (see `loggers`). In `key_value` the time and the level
may stand before the pairs; the message is the text before them, or the line where there is none or more
between them.
"""

from __future__ import annotations

import re
from typing import Any

from subscribers.formats import levels, loggers, moments, pairs
from subscribers.formats.json_lines import told_of
from subscribers.formats.told import Clock, LineFormat, Reader, Told

_TIME = re.compile(rf"\[?({moments.ISO})\]?[\s,;|:-]{{0,5}}+")
_LEVEL = re.compile(r"[\[<]?([A-Za-z]{3,13})[\]>]?(?=[\s:,;|-])[\s:,;|-]{1,5}+")
_BETWEEN = " \t,;|:-"
#: Fewer pairs than these make no line of pairs: `a = b` and `x=1` occur in prose.
_PAIRS_LEAST = 2


def read_logfmt(text: str, clock: Clock) -> Told | None:
    """Return what a line of nothing but pairs and flags tells."""
    if "=" not in text:
        return None
    found = pairs.logfmt(text)
    if found is None or (len(found) < _PAIRS_LEAST and not loggers.is_record(found)):
        return None
    return told_of(loggers.read(dict(found), clock), text)


def read_key_value(text: str, clock: Clock) -> Told | None:
    """Return what a line with pairs in it tells."""
    if "=" not in text:
        return None
    found = list(pairs.scan(text))
    if len(found) < _PAIRS_LEAST:
        return None
    document: dict[str, Any] = {key: value for _, _, key, value in found}
    rest, time, level = _led(text[: found[0][0]], clock)
    ends = (*(start for start, *_ in found[1:]), len(text))
    between = any(text[end:start].strip(_BETWEEN) for (_, end, _, _), start in zip(found, ends, strict=True))
    # Words between the pairs are part of what the line says: then it is said by all of it.
    message = text if between else rest.rstrip(_BETWEEN)
    told = told_of(loggers.read(document, clock), message or text)
    if told.time_unix_nano is None:
        told.time_unix_nano = time
    told.level = told.level or level
    return told


def _led(lead: str, clock: Clock) -> tuple[str, int | None, str]:
    """(text, time, level) of what stands before the first pair."""
    time: int | None = None
    if (match := _TIME.match(lead)) and (time := moments.iso(match[1], clock)) is not None:
        lead = lead[match.end() :]
    level = ""
    if (match := _LEVEL.match(lead)) and (level := levels.level_of(match[1])):
        lead = lead[match.end() :]
    return lead, time, level


def _logfmt_reader() -> Reader:
    return read_logfmt


def _key_value_reader() -> Reader:
    return read_key_value


LOGFMT = LineFormat(
    dataset="logfmt",
    reader=_logfmt_reader,
    example='ts=2026-11-21T03:30:10.123Z level=info logger=claims msg="claim accepted" claim=7 cached '
    "correlation_id=CLM-1",
)
KEY_VALUE = LineFormat(
    dataset="key_value",
    reader=_key_value_reader,
    example='2026-11-21 03:30:10,123 claim is late: severity=warn claim=7, days=3; owner="Ann \\"A.\\" Lee" '
    "correlationId=CLM-1",
)
