"""The format `apache_error`: Apache httpd's error log, of 2.4, 2.2 and before.

    [Sat Nov 21 03:30:10.123456 2026] [core:error] [pid 35708:tid 4328636416] (2)No such file or directory:
        [client 203.0.113.9:52345] AH00128: File does not exist: /srv/www/x, referer: https://example.com/
    [Sun Dec 04 04:47:44 2005] [error] [client 203.0.113.9] File does not exist: /srv/www/x

What stands in brackets before the message becomes attributes, and so do the error of the operating system and
the referer; the message is the rest, with the server's own code (AH00128) in it.

https://httpd.apache.org/docs/2.4/mod/core.html#errorlogformat
https://httpd.apache.org/docs/2.2/logs.html#errorlog
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

from subscribers.formats import access as of
from subscribers.formats import moments, strftime
from subscribers.formats.apache_layout import unescape
from subscribers.formats.levels import level_of
from subscribers.formats.told import Clock, LineFormat, Reader, Told

_LINE = re.compile(
    r"\[(?P<when>[^\]]{19,40}+)\] \[(?:(?P<module>[\w-]*+):)?+(?P<level>[a-z]{3,6}+\d?+)\] "
    r"(?:\[pid (?P<pid>\d{1,10}+)(?::tid (?P<tid>[0-9A-Za-z]{1,20}+))?+\] ?+)?+"
    r"(?:\[remote (?P<remote>[^\]]{1,64}+)\] )?+"
    r"(?: *+(?P<file>[\w/-]{1,128}+(?:\.[\w/-]{1,64}+){1,4}+)\((?P<line>\d{1,7}+)\): )?+"
    r"(?:\((?P<errno>\d{1,7}+)\)(?P<error>[^:]{1,200}+): )?+"
    r"(?:\[client (?P<client>[^\]]{1,64}+)\] ?+)?+"
    r"(?P<message>.*)",
    re.DOTALL,
)
_CTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d(?:\.\d{1,9})?+) (\d{4})")
_CODE = re.compile(r"AH\d{5}(?=:)")
_REFERER = ", referer: "


def _read(line: str, clock: Clock) -> Told | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    time, level = _time(match["when"], clock), level_of(match["level"].rstrip("0123456789"))
    if time is None or not level:
        return None
    message, _, referer = match["message"].partition(_REFERER)
    return Told(
        time_unix_nano=time,
        level=level,
        message=unescape(message) or match["error"] or "",
        attributes=_attributes(match, message, referer),
    )


def _attributes(match: re.Match[str], message: str, referer: str) -> dict[str, Any]:
    told = of.Access()
    of.text("apache.module")(told, match["module"] or "")
    of.number(of.PROCESS_PID)(told, match["pid"] or "")
    of.number(of.THREAD_ID)(told, match["tid"] or "")
    of.text("code.file.path")(told, match["file"] or "")
    of.number("code.line.number")(told, match["line"] or "")
    of.number("apache.os_error.code")(told, match["errno"] or "")
    of.text("apache.os_error.message")(told, match["error"] or "")
    # 2.4 writes the port, 2.2, which names no module, does not: an address may hold colons itself.
    asked, port = match["client"] or match["remote"] or "", ""
    if match["module"] is not None and ":" in asked:
        asked, _, port = asked.rpartition(":")
    of.text(of.CLIENT_ADDRESS)(told, asked)
    of.number(of.CLIENT_PORT)(told, port)
    of.text("http.request.header.referer")(told, unescape(referer))
    code = _CODE.match(message)
    of.text("error.code")(told, code[0] if code else "")
    return told.attributes


def _time(text: str, clock: Clock) -> int | None:
    match = _CTIME.fullmatch(text)
    if match is None:
        return moments.iso(text, clock)  # %{cu}t
    if clock.zone is UTC:  # the usual case, without a look at any calendar of zones
        return strftime.clf_nano(f"{match[2]:>02}/{match[1]}/{match[4]}:{match[3]} +0000")
    return moments.month_day(match[1], match[2], match[3], clock, match[4])


def _reader() -> Reader:
    return _read


APACHE_ERROR = LineFormat(
    dataset="apache.error",
    reader=_reader,
    example="\n".join(
        (
            "[Sat Nov 21 03:30:10.123456 2026] [core:error] [pid 35708:tid 4328636416] (13)Permission denied"
            ": [client 203.0.113.9:52345] AH00035: access to /claims denied, referer: https://example.com/",
            "[Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] client denied by server configuration: "
            "/export/home/live/ap/htdocs/test",
            "[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok /etc/httpd/conf/workers2.properties",
        )
    ),
)
