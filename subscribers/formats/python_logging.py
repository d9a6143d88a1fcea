"""The format `python`: what Python's logging writes, by its default and by the layouts that are usual.

    INFO:claims.service:claim accepted                                            basicConfig
    2026-11-21 03:30:10,123 - claims.service - INFO - claim accepted              the tutorial's
    2026-11-21 03:30:10,123 [INFO] claims.service: claim accepted
    2026-11-21 03:30:10,123 INFO [claims.service] claim accepted
    [2026-11-21 03:30:10,123] INFO in app: claim accepted                         Flask
    [2026-11-21 03:30:10 +0000] [4711] [INFO] Booting worker                      gunicorn
    [2026-11-21 03:30:10,123: INFO/MainProcess] Task accepted                     Celery
    [2026-11-21 03:30:10,123] {claims.py:12} INFO - claim accepted                Airflow
    INFO 2026-11-21 03:30:10,123 views 4711 140 claim accepted                    Django
    2026-11-21 03:30:10.123 | INFO     | claims.service:accept:12 - claim accepted    loguru
    INFO:     127.0.0.1:4711 - "GET / HTTP/1.1" 200 OK                            uvicorn

Tracebacks behind a line are its error. Where a layout has no name, a message that begins with a word and a
colon seems to have one: no line tells which it is.

https://docs.python.org/3/library/logging.html#logrecord-attributes  https://docs.python.org/3/howto/logging.html
"""

from __future__ import annotations

import re
from typing import Any

from observe import semconv
from subscribers.formats import levels, moments
from subscribers.formats.told import Clock, LineFormat, Reader, Told

_LEVELS = "CRITICAL|FATAL|ERROR|WARNING|WARN|INFO|DEBUG|NOTSET|TRACE|SUCCESS|NOTICE|VERBOSE"
_LEVEL = rf"(?P<level>{_LEVELS})(?![A-Za-z0-9_])"
_BOXED = rf"(?:[\[(<] ?)?{_LEVEL}(?: {{0,8}}+[\])>])?"
_TIME = rf"(?P<time>{moments.ISO})"
_STAMP = rf"\[?{_TIME}\]?"
_APART = r"(?: {1,8}[-|] {1,8}|: {1,8}|[:|\t]| {1,8})?"
_WORD = r"[A-Za-z_][\w.\-/]{0,199}+"
_NAME = rf"(?P<name>{_WORD})"
#: `app.service` and `root` are loggers' names, where any word may stand.
_SURE_WORD = r"(?:root|(?=[^\s._]{0,99}+[._])[A-Za-z_][\w.\-]{0,199}+)"
_PLACE = r"(?P<place>[\w.<>$\-]{1,100}+:[\w<>]{1,100}+:(?P<line>\d{1,7}+))"
#: A thread, a process or a request in brackets of its own.
_WHO = rf"(?:[\[({{](?! ?(?:{_LEVELS})[ \])}}])(?P<who>[^\]\[(){{}}]{{1,64}}+)[\])}}] {{0,8}}+(?:- )?)?"

#: In the order they are tried: the first that fits is meant. What follows the match is the message.
LAYOUTS = tuple(
    re.compile(expression)
    for expression in (
        rf"(?P<level>{_LEVELS}):(?P<name>[A-Za-z_][^\s:]{{0,199}}+):(?!\d)",
        rf"\[{_TIME}: {_LEVEL}/(?P<process>[^\]\s]{{1,64}}+)\] ?",
        rf"{_STAMP} \{{(?P<file>[^\s:}}]{{1,200}}+):(?P<line>\d{{1,7}}+)\}} {_LEVEL} - ",
        rf"{_TIME} \| {_LEVEL} {{1,8}}\| {_PLACE} - ",
        # time, then level, then perhaps the name
        rf"{_STAMP}{_APART}{_WHO}{_BOXED}{_APART}(?:in {_NAME}: |(?:- )?\[(?P<name2>{_WORD})\]:? )",
        rf"{_STAMP}{_APART}{_WHO}{_BOXED}{_APART}(?:{_NAME}: ?(?=\S)(?!//)|(?P<name2>{_SURE_WORD}) - )",
        rf"{_STAMP}(?P<gap>:|\|| \| ){_BOXED}(?P=gap){_NAME}(?P=gap)",
        rf"{_STAMP}{_APART}{_WHO}{_BOXED}(?:{_APART}|$)",
        # time, then the name, then level
        rf"{_STAMP}{_APART}\[?{_NAME}(?:\[(?P<pid>\d{{1,10}}+)\])?\]?{_APART}{_BOXED}(?:{_APART}|$)",
        rf"{_STAMP} (?P<pid>\d{{1,10}}+) {_BOXED}(?:{_APART}|$)",
        # level, then time
        rf"{_LEVEL} {_TIME} {_NAME} (?P<pid>\d{{1,10}}+) (?P<tid>\d{{1,18}}+) ",
        rf"{_BOXED}{_APART}{_STAMP}{_APART}(?:{_NAME}: ?(?=\S)|\[(?P<name2>{_WORD})\] )",
        rf"{_BOXED}{_APART}{_STAMP}(?:{_APART}|$)",
        rf"(?P<level>{_LEVELS}): {{1,9}}(?=\S)",
    )
)
#: What a line may begin with -> how the expressions begin of the layouts that it may have.
_BEGUN = {
    "0": (_STAMP, _TIME),
    "[": (r"\[", _BOXED),
    "(": (_BOXED,),
    "<": (_BOXED,),
    "A": ("(?P<level>", _BOXED),
}
_BY_BEGINNING = {
    begun: tuple(layout for layout in LAYOUTS if layout.pattern.startswith(beginnings))
    for begun, beginnings in _BEGUN.items()
}
_ATTRIBUTES = {
    "name": "log.logger",
    "name2": "log.logger",
    "process": "process.name",
    "file": "code.file.path",
}
_NUMBERS = {"line": "code.line.number", "pid": semconv.PROCESS_PID, "tid": "thread.id"}


def read(text: str, clock: Clock) -> Told | None:
    """Return what one line tells, or None for a line that none of the layouts wrote."""
    first = text[:1]
    begun = "0" if first.isdecimal() else "A" if first.isupper() else first
    for layout in _BY_BEGINNING.get(begun, ()):
        match = layout.match(text)
        if match is None:
            continue
        found = match.groupdict("")
        time = moments.iso(found["time"], clock) if found.get("time") else None
        if found.get("time") and time is None:
            return None
        return Told(
            time_unix_nano=time,
            level=levels.level_of(found["level"]),
            message=text[match.end() :],
            attributes=_attributes(found),
        )
    return None


def _attributes(found: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {own: found[name] for name, own in _ATTRIBUTES.items() if found.get(name)}
    told |= {own: int(found[name]) for name, own in _NUMBERS.items() if found.get(name)}
    if who := found.get("who", "").strip():
        is_number = who.isdecimal() and len(who) < 11
        told[semconv.PROCESS_PID if is_number else "thread.name"] = int(who) if is_number else who
    if place := found.get("place", ""):
        told["log.logger"], told["code.function.name"], _ = place.split(":")
    return told


def _reader() -> Reader:
    return read


PYTHON = LineFormat(
    dataset="python",
    reader=_reader,
    joins=True,
    example="2026-11-21 03:30:10,123 - claims.service - INFO - claim accepted\n"
    "INFO:claims.service:claim accepted\n"
    "[2026-11-21 03:30:10 +0000] [4711] [INFO] Booting worker with pid: 4711",
)
