"""The format `klog`: the header of glog, which klog (Kubernetes), absl and TensorFlow write too.

    I1121 03:30:10.123456    4711 controller.go:123] "Claim accepted" claim="CLM-1" days=3
    I20261121 03:30:10.123456  4711 controller.cc:123] Claim accepted

L(yyyy)mmdd hh:mm:ss.uuuuuu threadid file:line] message. A year that is missing is the nearest to CloudWatch's
time. klog's structured messages, a quoted text and pairs behind it, become message and attributes.

https://google.github.io/glog/stable/logging/#format
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-instrumentation/migration-to-structured-logging.md
"""

from __future__ import annotations

import re
from typing import Any

from subscribers.formats import levels, loggers, pairs
from subscribers.formats.json_lines import told_of
from subscribers.formats.told import Clock, LineFormat, Reader, Told

_HEADER = re.compile(
    r"([IWEF])(\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,9}+) {1,16}+(\d{1,10}+) "
    r"([^\s:\]]{1,255}+):(\d{1,9}+)\] ?"
)
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*+)\"(?: (?=[A-Za-z_])|$)", re.DOTALL)


def read(text: str, clock: Clock) -> Told | None:
    """Return what one line tells, or None for a line without the header."""
    match = _HEADER.match(text)
    if match is None:
        return None
    letter, year, month, day, hour, minute, second, fraction, thread, file, line = match.groups()
    parts = {"M": month, "d": day, "H": hour, "m": minute, "s": second, "S": fraction}
    if year:
        parts["y"] = year
    told = _said(text[match.end() :], clock)
    told.time_unix_nano = clock.unix_nano(parts)
    told.level = levels.LETTERS[letter]
    told.attributes |= {"thread.id": int(thread), "code.file.path": file, "code.line.number": int(line)}
    return told


def _said(message: str, clock: Clock) -> Told:
    quoted = _QUOTED.match(message)
    found = pairs.logfmt(message[quoted.end() :]) if quoted else None
    if quoted is None or (found is None and quoted.end() < len(message)):
        return Told(message=message, attributes={})
    document: dict[str, Any] = {**(found or {}), "msg": pairs.unescape(quoted[1])}
    return told_of(loggers.read(document, clock))


def _reader() -> Reader:
    return read


KLOG = LineFormat(
    dataset="klog",
    reader=_reader,
    joins=True,
    example='I1121 03:30:10.123456    4711 controller.go:123] "Claim accepted" claim="CLM-1" days=3\n'
    "E20261121 03:30:10.123456 4711 controller.cc:7] claim is lost",
)
