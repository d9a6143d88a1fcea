"""The format `syslog`: RFC 5424, RFC 3164 as it is found, and what rsyslog makes of it.

    <34>1 2026-11-21T03:30:10.123Z host app 4711 ID47 [claims@32473 claim="7" traceparent="00-..."] message
    <13>Nov 21 03:30:10 host app[4711]: message         with <PRI>, as it comes over the wire
    Jun 14 15:16:01 combo sshd(pam_unix)[19939]: message     without, as /var/log/messages has it
    2026-11-21T03:30:10.123456+01:00 host app[4711]: message         rsyslog's file format
    77 <13>Nov 21 03:30:10 host app: message         a frame of RFC 6587 with its count of bytes

Structured data become attributes: `log.syslog.structured_data.<id>.<name>`, `@` as `_`; identity in it is
told as in a log context. A year that is missing is the nearest to CloudWatch's time. `-` is RFC 5424's
NILVALUE: absent.

https://www.rfc-editor.org/rfc/rfc5424  https://www.rfc-editor.org/rfc/rfc3164
https://www.rfc-editor.org/rfc/rfc6587
https://www.elastic.co/docs/reference/ecs/ecs-log  https://www.rsyslog.com/doc/configuration/templates.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from observe import semconv
from subscribers.formats import levels, moments
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers import mdc

_COUNT = re.compile(r"\d{1,7} (?=<\d{1,3}>)")
#: Cisco's number of the message.
_SEQUENCE = re.compile(r"\d{1,10}+: (?=[*.]?[A-Z])")
_PRIORITY = re.compile(r"<(\d{1,3})>")
_FACILITY_MAX = 23
#: 5424: version, time, host, application, process ID, message ID.
_MODERN = re.compile(r"1 (\S{1,64}+) (\S{1,255}+) (\S{1,128}+) (\S{1,128}+) (\S{1,64}+) (?=\[|-)")
_BSD = re.compile(
    r"(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?:(?P<year>\d{4}) )?+"
    r"(?P<time>\d\d:\d\d:\d\d(?:\.\d{1,9}+)?+)"
    r"(?:(?: [A-Z]{3,5}+)?+ (?P<late>\d{4})(?= ))?+"
)
_ISO = re.compile(rf"(?P<iso>{moments.ISO})")
#: A name with what Cisco, PAM, login and syslogd add to it, its process ID, and the colon that ends them.
_TAG = re.compile(
    r"(?P<tag>(?:-- )?+[^\s:\[]{1,128}+(?: \d[\d.]{1,15}+)?+)(?:\[(?P<pid>[^\]\s]{0,64}+)\])?+:(?=\s|$)"
)
_HOST = re.compile(r"(?P<host>[^\s\[\]<>=|{}\"]{1,255}+)\s++")
_ELEMENT = re.compile(r"\[([^\s=\]\"]{1,128}+)((?: [^\s=\]\"]{1,128}+=\"(?:[^\"\\]|\\.)*+\")*+)\]", re.DOTALL)
_PARAMETER = re.compile(r" ([^\s=\]\"]++)=\"((?:[^\"\\]|\\.)*+)\"", re.DOTALL)
_ESCAPED = re.compile(r"\\([\"\\\]])")
_NIL = "-"
_BOM = "\ufeff"
_NAMED = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock"
_FACILITIES = (*_NAMED.split(), *(f"local{n}" for n in range(8)))


class Head(NamedTuple):
    """What the lines of RFC 3164 begin with: time and host. end: where it ends."""

    time_unix_nano: int | None
    host: str
    end: int


def read(text: str, clock: Clock) -> Told | None:
    """Return what one line tells, or None if it begins neither with a priority nor with time and host."""
    count = _COUNT.match(text)
    start = count.end() if count else 0
    priority = _PRIORITY.match(text, start)
    code = int(priority[1]) if priority else -1
    if code > _FACILITY_MAX * 8 + 7:
        return None
    start = priority.end() if priority else start
    modern = _MODERN.match(text, start) if priority else None
    told = _modern(text, modern, clock) if modern else None
    if told is None:
        told = _bsd(text, start, clock, is_file=priority is None)
    if told is not None and priority:
        _prioritise(told, code)
    return told


def head(text: str, clock: Clock) -> Head | None:
    """Return time and host of a line that begins with them, with or without a priority."""
    priority = _PRIORITY.match(text)
    start = priority.end() if priority else 0
    if priority and text.startswith("1 ", start):
        start += 2
    time = _time(text, start, clock)
    if time is None:
        return None
    host = _HOST.match(text, time[1])
    return Head(time[0], host["host"] if host else "", host.end() if host else time[1])


def _time(text: str, start: int, clock: Clock) -> tuple[int | None, int] | None:
    """(time or None for one that no calendar has, where the blanks behind it end), or None for no time."""
    # Cisco marks a clock that is not synchronised with `*` or `.`, and ends the time with a colon.
    if text[start : start + 1] in ("*", "."):
        start += 1
    if match := _ISO.match(text, start):
        nano = moments.iso(match["iso"], clock)
    elif match := _BSD.match(text, start):
        year = match["year"] or match["late"] or ""
        nano = moments.month_day(match["month"], match["day"], match["time"], clock, year)
    else:
        return None
    end = match.end()
    if text.startswith(":", end):
        end += 1
    rest = text[end : end + 1]
    return (nano, end + 1) if rest == " " else (nano, end) if not rest else None


def _bsd(text: str, start: int, clock: Clock, *, is_file: bool) -> Told | None:
    """Read `time host tag: message`; is_file: no priority says that this is syslog, so the rest has to."""
    if sequence := _SEQUENCE.match(text, start):
        start = sequence.end()
    time = _time(text, start, clock)
    nano, at = time or (None, start)
    is_iso = time is not None and text[start : start + 1].isdecimal()
    if is_file and (time is None or (is_iso and text[10] != "T")):
        return None
    attributes: dict[str, Any] = {}
    tag = _TAG.match(text, at)
    if tag is None and time is not None and (host := _HOST.match(text, at)):
        tag = _TAG.match(text, host.end())
        if is_file and is_iso and (tag is None or levels.level_of(host["host"])):
            return None
        attributes[semconv.HOST_NAME], at = host["host"], host.end()
    elif is_file and is_iso:
        return None
    if tag:
        attributes["process.name"] = tag["tag"]
        _set_process(attributes, tag["pid"] or "")
        at = tag.end()
    message = text[at:].removeprefix(" ").removeprefix(_BOM)
    return Told(time_unix_nano=nano, message=message, attributes=attributes)


def _modern(text: str, match: re.Match[str], clock: Clock) -> Told | None:
    time, host, application, process, message_id = match.groups()
    at = match.end()
    told = Told(attributes={})
    attributes = told.attributes
    if text.startswith(_NIL, at):
        at += 1
    else:
        at = _take_structured(text, at, told)
    if text[at : at + 1] not in ("", " "):
        return None
    attributes |= {
        name: value
        for name, value in (
            (semconv.HOST_NAME, host),
            ("process.name", application),
            ("log.syslog.msgid", message_id),
        )
        if value != _NIL
    }
    _set_process(attributes, "" if process == _NIL else process)
    told.time_unix_nano = None if time == _NIL else moments.iso(time, clock)
    told.message = text[at + 1 :].removeprefix(_BOM)
    return told


def _take_structured(text: str, at: int, told: Told) -> int:
    """Read the elements from `[` on, and return where they end."""
    values: dict[str, str] = {}
    while element := _ELEMENT.match(text, at):
        for name, value in _PARAMETER.findall(element[2]):
            values[f"{element[1]}\0{name}"] = _ESCAPED.sub(r"\1", value)
        at = element.end()
    who = mdc.identity({key.partition("\0")[2]: value for key, value in values.items()})
    told.correlation_id, told.trace_id, told.span_id = who.correlation_id, who.trace_id, who.span_id
    for key, value in values.items():
        element_id, _, name = key.partition("\0")
        if name in who.rest:
            # `claims@32473.user` looks like a mail address, and would be redacted as one.
            own = element_id.replace("@", "_")
            told.attributes[f"log.syslog.structured_data.{own}.{name}"] = value
    return at


def _set_process(attributes: dict[str, Any], process: str) -> None:
    if process.isdecimal() and process.isascii() and len(process) < 10:
        attributes[semconv.PROCESS_PID] = int(process)
    elif process:
        attributes["log.syslog.procid"] = process


def _prioritise(told: Told, code: int) -> None:
    told.level = levels.syslog(code % 8)
    told.attributes |= _priority(code)


@lru_cache(maxsize=192)
def _priority(code: int) -> dict[str, Any]:
    """Facility and severity of a priority, by number and by name."""
    return {
        "log.syslog.facility.code": code // 8,
        "log.syslog.facility.name": _FACILITIES[code // 8],
        "log.syslog.severity.code": code % 8,
        "log.syslog.priority": code,
    }


def _reader() -> Reader:
    return read


SYSLOG = LineFormat(
    dataset="system.syslog",
    reader=_reader,
    example="<165>1 2026-11-21T03:30:10.123Z app-1 claims 4711 ID47 "
    '[claims@32473 claim="7" correlationId="CLM-1"] claim accepted\n'
    "<13>Nov 21 03:30:10 app-1 claims[4711]: claim accepted\n"
    "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass; user unknown\n"
    "2026-11-21T03:30:10.123456+01:00 app-1 systemd[1]: Started Claims.",
)
