"""The format `nginx_error`: nginx's error log.

    2026/11/21 03:30:10 [error] 31#32: *9 connect() failed (111: Connection refused) while connecting to
        upstream, client: 203.0.113.9, server: example.com, request: "GET / HTTP/1.1", upstream:
        "http://10.0.0.5:8080/", host: "example.com"

What the server adds about the request becomes attributes; the message is what stands before it. Lines that
it did not write go on with the record before: what a FastCGI application wrote to its standard error.

https://nginx.org/en/docs/ngx_core_module.html#error_log
"""

from __future__ import annotations

import re
from typing import Any

from subscribers.formats import access as of
from subscribers.formats import access_headers as headers
from subscribers.formats import moments
from subscribers.formats.levels import level_of
from subscribers.formats.told import Clock, LineFormat, Reader, Told

_LINE = re.compile(
    r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d) \[([a-z]{3,6}+)\] (\d{1,10}+)#(\d{1,20}+): "
    r"(?:\*(\d{1,18}+) )?+(.*)",
    re.DOTALL,
)
_NAMES = "client|server|request|subrequest|upstream|host|referrer|login|session"
_TOLD = re.compile(rf", ({_NAMES}): ")
_OS_ERROR = re.compile(r"\((\d{1,5}): ([^()]{1,200}+)\)")
_ROLES: dict[str, of.Role] = {
    "client": of.client,
    "server": of.text("nginx.server_name"),
    "request": of.request_line,
    "subrequest": of.text("nginx.subrequest"),
    "upstream": of.text("nginx.upstream"),
    "host": headers.header("host"),
    "referrer": headers.header("referer"),
    "login": of.user,
    "session": of.text("nginx.session"),
}


def _read(line: str, clock: Clock) -> Told | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    year, month, day, time, word, pid, tid, connection, text = match.groups()
    nano, level = moments.iso(f"{year}-{month}-{day} {time}", clock), level_of(word)
    if nano is None or not level:
        return None
    told = of.Access()
    of.number(of.PROCESS_PID)(told, pid)
    of.number(of.THREAD_ID)(told, tid)
    of.number("nginx.connection")(told, connection or "")
    message = _take_request(text, told)
    if error := _OS_ERROR.search(message):
        told.attributes["nginx.os_error.code"] = int(error[1])
        told.attributes["nginx.os_error.message"] = error[2]
    attributes: dict[str, Any] = told.told_attributes()
    return Told(time_unix_nano=nano, level=level, message=message, attributes=attributes)


def _take_request(text: str, told: of.Access) -> str:
    """Take what the server says about the request, and return the message before it."""
    first = next((match for match in _TOLD.finditer(text) if match[1] in ("client", "login")), None)
    if first is None:
        return text
    marks = list(_TOLD.finditer(text, first.start()))
    seen: set[str] = set()
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        if mark[1] not in seen:  # what comes again stands in what a client sent
            seen.add(mark[1])
            said = text[mark.end() : following.start() if following else len(text)]
            _ROLES[mark[1]](told, said.strip('"'))
    return text[: first.start()]


def _reader() -> Reader:
    return _read


NGINX_ERROR = LineFormat(
    dataset="nginx.error",
    reader=_reader,
    joins=True,
    example="\n".join(
        (
            "2026/11/21 03:30:10 [error] 31#32: *9 connect() failed (111: Connection refused) while "
            "connecting to upstream, client: 203.0.113.9, server: claims.example.com, request: "
            '"GET /claims?policy=7 HTTP/1.1", upstream: "http://10.0.0.5:8080/claims?policy=7", '
            'host: "claims.example.com"',
            "2026/11/21 03:30:11 [notice] 1#1: signal 15 (SIGTERM) received from 20, exiting",
        )
    ),
)
