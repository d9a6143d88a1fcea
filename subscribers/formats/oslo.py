"""The format `oslo`: what OpenStack's services write with oslo.log.

    2017-05-16 00:00:00.008 25746 INFO nova.osapi_compute.wsgi.server [req-... user project - - -] message

The file's name may stand before it, as where several files were put together. The request's ID is the
correlation ID, the global one where the line has both. A line of a WSGI server is also a span: it is written
at the END of the request, so that the request began `time` seconds before.

https://docs.openstack.org/oslo.log/latest/configuration/index.html (logging_context_format_string)
https://docs.openstack.org/oslo.context/latest/user/usage.html
"""

from __future__ import annotations

import re
from typing import Any

from observe import semconv
from subscribers.formats import access, levels, moments
from subscribers.formats.told import Clock, Exchange, LineFormat, Reader, Told

_LINE = re.compile(
    rf"(?:(?P<file>[^\s\[]{{1,255}}+) )?(?P<time>{moments.ISO}) (?P<pid>\d{{1,10}}+) "
    r"(?P<level>CRITICAL|ERROR|WARNING|INFO|AUDIT|DEBUG|TRACE) (?P<name>[A-Za-z_][\w.\-]{0,199}+)"
    r"(?: \[(?P<context>-|(?:None |- )?req-[^\]]{1,512}+|None[^\]]{0,512}+)\])?(?: |$)"
)
_INSTANCE = re.compile(r"\[instance: ([0-9a-f-]{36})\]")
_WSGI = re.compile(
    r"(?P<client>[0-9a-fA-F.:,]{2,200}+) \"(?P<method>[A-Z]{1,20}+) (?P<target>\S{1,8000}+)"
    r"(?: HTTP/[\d.]{1,5}+)?+\" "
    r"status: (?P<status>\d{3}) len: (?P<size>\d{1,15}+) time: (?P<seconds>\d{1,9}+\.\d{1,9}+)"
)
_NAMES = ("oslo.user", "oslo.project", "oslo.domain", "oslo.user_domain", "oslo.project_domain")
#: Since the system scope was added.
_NAMES_OF_SIX = (*_NAMES[:3], "oslo.system_scope", *_NAMES[3:])
_ABSENT = frozenset({"-", "None", ""})


def read(text: str, clock: Clock) -> Told | None:
    """Return what one line tells, or None if oslo.log did not write it."""
    match = _LINE.match(text)
    time = moments.iso(match["time"], clock) if match else None
    if match is None or time is None:
        return None
    attributes: dict[str, Any] = {"log.logger": match["name"], semconv.PROCESS_PID: int(match["pid"])}
    if match["file"]:
        attributes["log.file.name"] = match["file"]
    message = text[match.end() :]
    if instance := _INSTANCE.match(message):
        attributes["oslo.instance"] = instance[1]
    told = Told(
        time_unix_nano=time,
        level=levels.level_of(match["level"]),
        message=message,
        correlation_id=_take_context(match["context"] or "", attributes),
        attributes=attributes,
    )
    if served := _WSGI.match(message):
        told.exchange = _exchange(served, time, match["time"], attributes)
    return told


def _take_context(context: str, attributes: dict[str, Any]) -> str:
    """Tell who asked, and return the request's ID."""
    words = context.split(" ")
    leading = 2 if words[1:2] and words[1].startswith("req-") else 1
    requests = [word for word in words[:leading] if word not in _ABSENT]
    if len(requests) == 2:
        attributes["oslo.request_id"] = requests[1]
    rest = words[leading:]
    names = _NAMES_OF_SIX if len(rest) == len(_NAMES_OF_SIX) else _NAMES
    attributes |= {name: word for name, word in zip(names, rest, strict=False) if word not in _ABSENT}
    return requests[0] if requests else ""


def _exchange(served: re.Match[str], end: int, when: str, attributes: dict[str, Any]) -> Exchange:
    path, _, query = served["target"].partition("?")
    # As text: a float of seconds would lose the last digits.
    whole, _, fraction = served["seconds"].partition(".")
    duration = int(whole) * 1_000_000_000 + int(fraction.ljust(9, "0"))
    attributes |= {
        semconv.HTTP_REQUEST_METHOD: served["method"],
        semconv.URL_PATH: path,
        semconv.HTTP_RESPONSE_STATUS_CODE: int(served["status"]),
        access.CLIENT_ADDRESS: served["client"].partition(",")[0],
        access.RESPONSE_BODY_SIZE: int(served["size"]),
    }
    if query:
        attributes[access.URL_QUERY] = query
    return Exchange(
        start_unix_nano=max(0, end - duration),
        duration_ns=duration,
        method=served["method"],
        path=path,
        status=int(served["status"]),
        client=served["client"],
        when=when,
    )


def _reader() -> Reader:
    return read


OSLO = LineFormat(
    dataset="oslo",
    reader=_reader,
    joins=True,
    example="2017-05-16 00:00:00.008 25746 INFO nova.osapi_compute.wsgi.server "
    "[req-38101a0b-2096-447d-96ea-a692162415ae 113d3a99c3da401fbd62cc2caa5b96d2 "
    '54fadb412c4e40cdbaed9335e4c35a9e - - -] 10.11.10.1 "GET /v2/servers/detail HTTP/1.1" '
    "status: 200 len: 1893 time: 0.2477829",
)
