"""What named values tell: the cells of a CSV line, the fields of a record, what a grok pattern captured.

Names are compared without case, `-`, `_`, `.`, `@` and blanks: `Event-Time`, `event_time` and `eventTime` are
one. A name that means nothing here stays: as it is where it has a dot, as OpenTelemetry's and ECS's names do,
else as `<format>.<name>`. Values that are blank, `-` or `null` are absent.

https://opentelemetry.io/docs/specs/semconv/registry/attributes/
https://www.elastic.co/docs/reference/ecs/ecs-field-reference
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from observe import semconv
from subscribers.formats import logger_names, moments
from subscribers.formats.levels import level_of
from subscribers.formats.told import Clock, Told
from subscribers.parsers import mdc, times

_UNFOLDED = str.maketrans("", "", "-_.@ ")
_ABSENT = frozenset({"", "-", "null", "NULL"})


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """Return a name as names are compared."""
    return name.lower().translate(_UNFOLDED)


#: What a name means, by its folded form.
_TIME = {folded(name) for name in logger_names.TIME} | {
    "eventtime",
    "logtime",
    "eventtimestamp",
    "logtimestamp",
}
_DAY, _TIME_OF_DAY = frozenset({"date", "logdate", "eventdate"}), frozenset({"time", "logtime", "eventtime"})
_LEVEL = {folded(name) for name in logger_names.LEVEL} | {"sev"}
_MESSAGE = frozenset({"message", "msg", "logmessage", "messagetext", "msgtext", "shortmessage"})
_ERROR = {
    **dict.fromkeys(
        ("errortype", "exceptiontype", "errorclass", "exceptionclass", "abendcode"), "error_type"
    ),
    **dict.fromkeys(("errormessage", "exceptionmessage"), "error_message"),
    **dict.fromkeys(("errorstack", "errorstacktrace", "stacktrace", "exceptionstacktrace"), "error_stack"),
}
_ATTRIBUTES = {
    **{folded(name): attribute for name, (attribute, _) in logger_names.RENAMED.items()},
    **dict.fromkeys(map(folded, logger_names.LOGGER), "log.logger"),
    **dict.fromkeys(map(folded, logger_names.THREAD), "thread.name"),
    **dict.fromkeys(("clientip", "remoteaddr", "remoteaddress", "clientaddress"), "client.address"),
    **dict.fromkeys(("user", "username"), "user.name"),
    **dict.fromkeys(("method", "verb", "httpmethod", "requestmethod"), semconv.HTTP_REQUEST_METHOD),
    **dict.fromkeys(("statuscode", "httpstatus", "responsecode"), semconv.HTTP_RESPONSE_STATUS_CODE),
    "urlpath": semconv.URL_PATH,
    "useragent": "user_agent.original",
}
#: OpenTelemetry has numbers there.
_NUMBERS = {attribute for attribute, kind in logger_names.RENAMED.values() if kind is int} | {
    semconv.HTTP_RESPONSE_STATUS_CODE
}

_CLOCK = (
    r"(?P<H>\d{1,2})[:.](?P<m>\d\d)(?:[:.](?P<s>\d\d)(?:[.,](?P<S>\d{1,9})\d{0,9}+)?+)?+"
    r"(?: ?(?P<a>[AaPp]\.?[Mm])\.?+)?+"
    r"(?: ?(?P<X>Z|[+-]\d\d:?\d\d)| (?P<z>[A-Z]{3,5}))?+"
)
#: How days are written, by (first, second, third) of their numbers; where two orders fit the nearer one is
#: meant.
_DAYS = (
    r"(?P<y>\d{4})[-/.](?P<M>\d{1,2})[-/.](?P<d>\d{1,2})",
    r"(?P<d>\d{1,2})[-/. ](?P<M>[A-Za-z]{3,9})[-/. ](?P<y>\d{4}|\d\d)",
    r"(?:[A-Za-z]{3,9},? )?(?P<M>[A-Za-z]{3,9}) +(?P<d>\d{1,2})(?:,? (?P<y>\d{4}))?",
    r"(?P<d>\d{1,2})[-/.](?P<M>\d{1,2})[-/.](?P<y>\d{4}|\d\d)",
    r"(?P<M>\d{1,2})[-/](?P<d>\d{1,2})[-/](?P<y>\d{4}|\d\d)",
)
_SHAPES = (*(re.compile(rf"{day}[-T, :]{{1,3}}{_CLOCK}") for day in _DAYS), re.compile(_CLOCK))
_COMPACT = re.compile(
    r"(?P<y>(?:19|20)\d\d)(?P<M>\d\d)(?P<d>\d\d)[T -]?(?P<H>\d\d)(?P<m>\d\d)(?P<s>\d\d)"
    r"(?:[.,]?(?P<S>\d{1,9}))?+(?P<X>Z)?+"
)
_COMPACT_DAY = re.compile(r"(?P<y>(?:19|20)\d\d)(?P<M>\d\d)(?P<d>\d\d)(?P<rest>[ T].*)", re.DOTALL)
_TIME_MAX = 64


def told(values: Mapping[str, Any], format: str, clock: Clock) -> Told:
    """Return what the values say. format: what their own names begin with; JSON trees only."""
    record, rest = Told(attributes={}), dict(values)
    record.time_unix_nano = _take_time(rest, clock)
    texts: dict[str, str] = {}
    for name, value in rest.items():
        if value is None or (isinstance(value, str) and value.strip() in _ABSENT):
            continue
        if not isinstance(value, str):
            record.attributes[attribute_of(name, format)] = value
        elif not _take(record, name, value.strip()):
            texts[name] = value.strip()
    who = mdc.identity(texts)
    record.trace_id, record.span_id, record.correlation_id = who.trace_id, who.span_id, who.correlation_id
    for name, text in who.rest.items():
        attribute = attribute_of(name, format)
        if attribute not in _NUMBERS:
            record.attributes[attribute] = text
        elif text.isdecimal() and len(text) < 10:
            record.attributes[attribute] = int(text)
        else:  # a process may have a name, and so on
            record.attributes[_own(name, format)] = text
    return record


def moment(text: str, clock: Clock) -> int | None:
    """Return the time that a text means, whatever its shape, or None for what is no time.

    A day such as 03/04/2026 may have either order: the nearer to the clock's is meant.
    """
    text = text.strip().strip("[]")
    if not text or len(text) > _TIME_MAX:
        return None
    nano = moments.iso(text, clock)
    if nano is None and text[2:3] == "/" and text[6:7] == "/":
        nano = times.apache(text)
    if nano is not None:
        return nano
    if match := _COMPACT.fullmatch(text):
        return _meant([match], clock)
    try:
        return moments.epoch(int(text) if text.isdecimal() else float(text))
    except (ValueError, OverflowError):
        pass
    if match := _COMPACT_DAY.fullmatch(text):
        text = f"{match['y']}-{match['M']}-{match['d']}{match['rest']}"
    return _meant([match for shape in _SHAPES if (match := shape.fullmatch(text))], clock)


@lru_cache(maxsize=4096)
def attribute_of(name: str, format: str) -> str:
    """Return the attribute that a name becomes."""
    return _ATTRIBUTES.get(folded(name)) or _own(name, format)


def _own(name: str, format: str) -> str:
    return name if "." in name.strip(".") else f"{format}.{name.strip()}"


def _take_time(rest: dict[str, Any], clock: Clock) -> int | None:
    """Take what tells the time out of the values: the first name that holds one, or a date with its time."""
    day = next(_named(rest, _DAY), "")
    for name in _named(rest, _TIME_OF_DAY if day else frozenset()):
        nano = moment(f"{str(rest[day]).strip()} {str(rest[name]).strip()}", clock)
        if nano is not None:
            del rest[day], rest[name]
            return nano
    for name in _named(rest, _TIME):
        nano = moment(str(rest[name]), clock)
        if nano is not None:
            del rest[name]
            return nano
    return None


def _named(values: Mapping[str, Any], names: frozenset[str] | set[str]) -> Iterator[str]:
    return (name for name in list(values) if folded(name) in names)


def _take(record: Told, name: str, value: str) -> bool:
    """Whether a value is one of the record's own; the first of several is."""
    meaning = folded(name)
    if meaning in _LEVEL and not record.level:
        record.level = level_of(value)
        return bool(record.level)
    field = "message" if meaning in _MESSAGE else _ERROR.get(meaning, "")
    if not field or getattr(record, field):
        return False
    setattr(record, field, value)
    return True


def _meant(matches: list[re.Match[str]], clock: Clock) -> int | None:
    found = [_unix_nano(match, clock) for match in matches]
    known = [nano for nano in found if nano is not None]
    return clock.meant(known) if known else None


def _unix_nano(match: re.Match[str], clock: Clock) -> int | None:
    parts = {letter: said for letter, said in match.groupdict().items() if said}
    if "a" in parts:
        parts["h"] = parts.pop("H")
    return clock.unix_nano(parts)
