"""Formats of a team's own: what the mapping under `format` in observe.yaml describes, as a page.Format.

    BadLayout   (parsers.java_layout) what lines cannot be read with; a loaded configuration has none

`encoding` says what the bytes of files and objects are (`files_of`); of lines that come as text it matters to
`fixed_width` only. `multiline` is around any of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from subscribers.formats.apache_layout import compile_apache
from subscribers.formats.code_pages import decoder
from subscribers.formats.delimited import csv_format
from subscribers.formats.fixed_width import fixed_width_format, record_bytes
from subscribers.formats.grok import grok_format
from subscribers.formats.haproxy_layout import compile_haproxy
from subscribers.formats.multiline import LINES_MAX, multiline
from subscribers.formats.nginx_layout import compile_nginx
from subscribers.formats.records import paged
from subscribers.formats.told import LineFormat
from subscribers.formats.tomcat import compile_tomcat
from subscribers.parsers import java_dates, log4j
from subscribers.parsers.java_layout import BadLayout
from subscribers.parsers.page import Format
from subscribers.patterns import Pattern, PatternError

#: Kind -> what makes a LineFormat of (its value, the encoding).
LINE_FORMATS: dict[str, Callable[[Any, str], LineFormat]] = {
    "apache": lambda value, _: compile_apache(value),
    "nginx": lambda value, _: compile_nginx(value),
    "haproxy": lambda value, _: compile_haproxy(value),
    "tomcat": lambda value, _: compile_tomcat(value),
    "tomcat_10_1": lambda value, _: compile_tomcat(value, is_micro=True),
    "grok": lambda value, _: grok_format(value),
    "csv": lambda value, _: csv_format(value.get("columns", ()), value.get("delimiter", ",")),
    "fixed_width": fixed_width_format,
}
#: Those of Java's layouts, which have a reader of their own.
JAVA_LAYOUTS = ("log4j", "logback")
#: Keys of options of which exactly one says how lines are read.
KINDS = (*LINE_FORMATS, *JAVA_LAYOUTS)
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"([0-9]{1,9})(ms|[smhdw])")


def custom(options: Mapping[str, Any], timezone: str = "UTC", correlation_field: str = "") -> Format:
    """Return the format that options describe. Raises BadLayout.

    options: {"csv": {...}} or another kind, with `encoding` and `multiline` beside it; timezone: IANA name,
    of times that name none; correlation_field: the name of the correlation ID where the format knows none.
    """
    encoding = str(options.get("encoding", ""))
    if encoding:
        decoder(encoding)
    joins = options.get("multiline")
    whole = joins is not None
    for kind in JAVA_LAYOUTS:
        if kind in options:
            made = log4j.reader(kind, options[kind], timezone, correlation_field)
            return _joined(made, joins) if joins else made
    for kind, make in LINE_FORMATS.items():
        if kind in options:
            format = make(options[kind], encoding)
            zone = java_dates.zone_of(timezone)
            starts = _always if whole else None
            made = paged(format, zone, correlation_field=correlation_field, starts=starts)
            return _joined(made, joins) if joins else made
    raise BadLayout(f"needs one of {', '.join(KINDS)}")


def mistake(options: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return (key, what is wrong with its value) of options that the schema has no objection to, or None."""
    kinds = [kind for kind in KINDS if kind in options]
    if len(kinds) != 1:
        return "", f"needs exactly one of {', '.join(map(repr, KINDS))}"
    encoding = options.get("encoding", "")
    alone = {kind: options[kind] for kind in kinds}
    for key, part in (
        ("encoding", {"csv": {}, "encoding": encoding}),
        (kinds[0], {**alone, "encoding": encoding}),
        ("multiline", options),
    ):
        try:
            custom(part)
        except BadLayout as error:
            return key, str(error)
    return None


def files_of(options: Mapping[str, Any]) -> tuple[str, int]:
    """Return (encoding, bytes of a record) of files with a custom format: records of 0 bytes are lines.

    Records have a length where fixed_width is in an encoding; their lines are hexadecimal digits.
    """
    encoding = str(options.get("encoding", ""))
    return encoding or "utf-8", record_bytes(
        options["fixed_width"]
    ) if encoding and "fixed_width" in options else 0


def _always(_: str) -> bool:
    """Every event is a record already."""
    return True


def _joined(format: Format, joins: Mapping[str, Any]) -> Format:
    try:
        pattern = Pattern(f"(?:{joins['start']})")
    except PatternError as error:
        raise BadLayout(f"multiline.start: {error}") from None

    def starts(text: str) -> bool:
        return next(pattern.values(text), None) is not None

    wait = joins.get("max_wait")
    return multiline(
        format,
        starts,
        lines_max=joins.get("max_lines", LINES_MAX),
        wait_ms=None if wait is None else _milliseconds(wait),
    )


def _milliseconds(duration: str) -> int:
    parts = _DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise BadLayout(f"multiline.max_wait: '{duration}' is no duration such as 5s")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in parts)
