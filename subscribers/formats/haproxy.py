"""The format `haproxy`: HAProxy's HTTP, HTTPS, TCP and error lines, with the header of syslog or without.

    Nov 21 03:30:10 lb-1 haproxy[14389]: 203.0.113.9:33317 [21/Nov/2026:03:30:10.655] http-in
        static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {claims.example.com} {} "GET / HTTP/1.1"

The time is when the request (or the connection) was accepted, in the service's zone; the last of the timers,
in milliseconds, is all that it took. A TCP session is no exchange. The level is the status's, or what the
termination state says: `--` is well, `S` the server's fault, `R` the proxy's resources, `I` its own error,
anything else a warning. A captured header that is a traceparent tells the trace.

https://docs.haproxy.org/2.6/configuration.html#8.2
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

from observe import semconv, w3c
from subscribers.formats import access as of
from subscribers.formats import moments, strftime
from subscribers.formats.access import MS_NS, Access
from subscribers.formats.levels import level_of, syslog
from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers import java_dates

#: Of the logs of every format of HAProxy.
DATASET = "haproxy.log"

# The header: RFC 5424, RFC 3164, rsyslog's with an ISO time, the process alone, or nothing.
HEADER = re.compile(
    r"(?:<(?P<pri>\d{1,3})>)?+"
    r"(?:1 (?P<stamp5>\S{19,40}+) (?P<host5>\S{1,255}+) (?P<name5>\S{1,48}+) (?P<pid5>\d{1,10}+|-) "
    r"\S{1,64}+ - |(?:(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[0-9:.+Z-]{8,30}+) "
    r"(?:(?P<host>[\w.-]{1,255}+) )?+)?+(?P<name>[\w./-]{1,64}+)\[(?P<pid>\d{1,10}+)\]: )?+"
)
_FRONT = re.compile(r"(\S{1,256}):(\d{1,5}) \[([^\]]{18,30}+)\] (\S{1,256}+) ")
_TIMERS = r"([+-]?\d{1,10}+(?:/[+-]?\d{1,10}+){2,4}+)"
_STATES = r"(\d{1,10}+/\d{1,10}+/\d{1,10}+/\d{1,10}+/\+?\d{1,10}+) (\d{1,10}+)/(\d{1,10}+)"
_HTTP = re.compile(
    rf"([^\s/]{{1,256}}+)/(\S{{0,256}}+) {_TIMERS} (-1|\d{{3}}) \+?(\d{{1,18}}+) (\S++) (\S++) (\S{{4}}) "
    rf"{_STATES} "
    r"(?:\{([^{}]*+)\} )?+(?:\{([^{}]*+)\} )?+"
    # The proxy cuts what is too long.
    r'"([^"]*+)"?+(?: (\S++)(?: (\S++))?+)?+\s*+'
)
_TCP = re.compile(
    rf"([^\s/]{{1,256}}+)/(\S{{0,256}}+) {_TIMERS} \+?(\d{{1,18}}+) (\S{{2}}) {_STATES}(?: .*+)?+"
)
_DATE = re.compile(
    r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}+))?+(?: (?P<zone>[+-]\d{4}))?+"
)
#: What it says about itself, to tell it without a header.
_OWN = re.compile(r"(?:(?:Backup )?Server \S++ is (?:UP|DOWN)|Connect from \S++ to \S++ \()")
_SAID_LEVEL = re.compile(r"\[(ALERT|WARNING|NOTICE)\] *+(?:\d{1,3}/\d{6} )?+\((\d{1,10}+)\) : ")
_ENCODED = re.compile(r"(?:#[0-9A-F]{2})++")
_FAULTS = {"-": "INFO", "S": "ERROR", "s": "ERROR", "R": "ERROR", "I": "ERROR"}


def read(line: str, clock: Clock) -> Told | None:
    """Return what a line of HAProxy's own formats, or about itself, tells. A reader."""
    header = HEADER.match(line)
    text = line[header.end() :] if header else line
    access = Access()
    if header is not None:
        take_header(header, access)
    told = _request(text, access, clock) or _own(text, access)
    if told is None:
        return None
    if header is not None:
        pri = header["pri"]
        told.level = told.level or (syslog(int(pri) % 8) if pri else "INFO")
        if told.time_unix_nano is None:
            told.time_unix_nano = _stamp(header["stamp"] or header["stamp5"] or "", clock)
    return told


def take_header(header: re.Match[str], access: Access) -> None:
    """Keep what the header of syslog says: host, process, priority."""
    of.text(semconv.HOST_NAME)(access, header["host"] or header["host5"] or "")
    of.text("process.name")(access, header["name"] or header["name5"] or "")
    of.number(of.PROCESS_PID)(access, header["pid"] or header["pid5"] or "")
    if header["pri"]:
        access.attributes["log.syslog.facility.code"] = int(header["pri"]) // 8
        access.attributes["log.syslog.severity.code"] = int(header["pri"]) % 8


def _stamp(text: str, clock: Clock) -> int | None:
    if text[:1].isdigit():
        return moments.iso(text, clock)
    month, day, time = text[:3], text[4:6].strip(), text[7:]
    return moments.month_day(month, day, time, clock) if time else None


def _request(text: str, access: Access, clock: Clock) -> Told | None:
    """What a line about a connection tells."""
    front = _FRONT.match(text)
    start = _accepted(front[3], clock) if front else None
    if front is None or start is None:
        return None
    of.client(access, front[1])
    of.number(of.CLIENT_PORT)(access, front[2])
    of.text("haproxy.frontend")(access, front[4].rstrip(":").rstrip("~"))
    rest = text[front.end() :]
    if http := _HTTP.fullmatch(rest):
        return _http(http, access, start, front[3], clock)
    if tcp := _TCP.fullmatch(rest):
        return _tcp(tcp, access, start)
    if front[0].endswith(": "):  # an error of the connection
        return Told(time_unix_nano=start, level="WARN", message=rest, attributes=access.told_attributes())
    return None


def _accepted(text: str, clock: Clock) -> int | None:
    """When it was accepted; the format of TCP and of errors, too, names no zone."""
    date = _DATE.fullmatch(text)
    if date is None:
        return None
    if clock.zone is UTC or date["zone"]:
        return strftime.clf_nano(text if date["zone"] else f"{text} +0000")
    return clock.unix_nano(_parts(date))


def date_parts(text: str) -> java_dates.Parts:
    """Return the parts of `21/Nov/2026:03:30:10.655`; {} of what is no such date."""
    date = _DATE.fullmatch(text)
    return _parts(date) if date else {}


def _parts(date: re.Match[str]) -> java_dates.Parts:
    return {name: said for name, said in zip("dMyHmsS", date.groups(), strict=False) if said}


def _http(match: re.Match[str], access: Access, start: int, when: str, clock: Clock) -> Told | None:
    backend, server, timers, status, size, _, _, state, states, *queues = match.groups()[:11]
    _take_session(access, backend, server, timers, state, states, queues)
    of.number(of.RESPONSE_SIZE)(access, size)
    of.status()(access, status)
    of.request_line(access, decoded(match[14]))
    for name, captured in (("request", match[12]), ("response", match[13])):
        if captured:
            take_captured(access, f"haproxy.captured_{name}_headers", captured.split("|"))
    access.began.take(start, MS_NS)
    told = access.told(clock, when)
    if told is not None:
        told.level = told.level or level_of_state(state)
    return told


def take_captured(access: Access, attribute: str, values: list[str]) -> None:
    """Keep captured headers, whose names no line tells; one that is a traceparent tells the trace."""
    values = list(map(decoded, values))
    access.attributes[attribute] = values
    for value in values:
        if w3c.parse_traceparent(value)[0]:
            access.traceparent = access.traceparent or value


def decoded(said: str) -> str:
    """Undo `#22`, as HAProxy writes characters that would not stand in a line: the bytes are UTF-8."""
    if "#" not in said:
        return said
    return _ENCODED.sub(lambda m: bytes.fromhex(m[0].replace("#", "")).decode("utf-8", "replace"), said)


def level_of_state(state: str) -> str:
    """Return the level of a termination state, which is not empty."""
    return _FAULTS.get(state[0], "WARN")


def _tcp(match: re.Match[str], access: Access, start: int) -> Told:
    backend, server, timers, size, state, states, *queues = match.groups()
    _take_session(access, backend, server, timers, state, states, queues)
    of.number("haproxy.bytes_read")(access, size)
    return Told(time_unix_nano=start, level=level_of_state(state), attributes=access.told_attributes())


def _take_session(
    access: Access, backend: str, server: str, timers: str, state: str, states: str, queues: list[Any]
) -> None:
    """What HTTP and TCP lines have in common."""
    attributes = access.attributes
    attributes["haproxy.backend"] = backend
    if server and server != "<NOSRV>":
        attributes["haproxy.server"] = server
    values = timers.split("/")
    names = ("request", "queue", "connect", "response") if len(values) == 5 else ("queue", "connect")
    for name, value in zip(names, values, strict=False):
        of.milliseconds(f"haproxy.time_{name}_ms", MS_NS)(access, value)
    total = values[-1].lstrip("+")
    of.duration(MS_NS)(access, total)
    of.milliseconds("haproxy.time_total_ms", MS_NS)(access, total)
    attributes["haproxy.termination_state"] = state
    attributes["haproxy.retries"] = int(states.rpartition("/")[2].lstrip("+"))
    attributes["haproxy.server_queue"], attributes["haproxy.backend_queue"] = (int(q) for q in queues[:2])


def _own(text: str, access: Access) -> Told | None:
    """What the proxy says about itself, in syslog or on its standard error."""
    is_headed = "haproxy" in access.attributes.get("process.name", "")
    if said := _SAID_LEVEL.match(text):
        of.number(of.PROCESS_PID)(access, said[2])
        message = text[said.end() :]
        return Told(level=level_of(said[1]), message=message, attributes=access.told_attributes())
    if not text or not (is_headed or _OWN.match(text)):
        return None
    level = "ERROR" if " is DOWN" in text or "no server available" in text else ""
    return Told(level=level, message=text, attributes=access.told_attributes())


def _reader() -> Reader:
    return read


HAPROXY = LineFormat(
    dataset=DATASET,
    reader=_reader,
    example="\n".join(
        (
            "Nov 21 03:30:10 lb-1 haproxy[14389]: 203.0.113.9:33317 [21/Nov/2026:03:30:10.655] http-in "
            "static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {claims.example.com} {} "
            '"GET /claims?policy=7 HTTP/1.1"',
            "<134>Nov 21 03:30:10 haproxy[14387]: 203.0.113.9:33313 [21/Nov/2026:03:30:10.443] fnt bck/srv1 "
            "0/0/5007 212 -- 0/0/0/0/3 0/0",
            "haproxy[18989]: 203.0.113.9:34549 [21/Nov/2026:03:30:10.084] frt/f1: Connection error during "
            "SSL handshake",
            "Nov 21 03:30:10 lb-1 haproxy[14389]: Server bck/srv1 is DOWN, reason: Layer4 connection "
            'problem, info: "Connection refused", check duration: 0ms. 0 active and 0 backup servers left.',
        )
    ),
)
