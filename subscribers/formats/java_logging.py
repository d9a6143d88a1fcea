"""The format `java`: what log4j and logback write by the patterns that programs come with.

    2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created MRAppMaster
    03:30:10.123 [main] INFO  com.example.Claims - claim accepted                log4j 2's and logback's
    2026-11-21T03:30:10.123Z  INFO 4711 --- [           main] c.e.Claims : claim accepted      Spring Boot
    2026-11-21T03:30:10.123+02:00 INFO  [main] com.example.Claims - claim accepted             with a zone
    2026-11-21T03:30:10,123 INFO [main] com.example.Claims (Claims.java:12) - claim accepted   with the place
    03:30:10,123 INFO  [org.jboss.as] (MSC service thread 1-1) WFLYSRV0049       WildFly
    [2026-11-21 03:30:10,123] INFO [main] started (kafka.server.KafkaServer)     Kafka
    26/11/21 03:30:10 INFO SparkContext: Running                                 Spark

A program with a pattern of its own is read by that: `format: {log4j: "<pattern>"}`. Names of loggers and
files have no blanks: a line that seems to have one is not of the pattern.

https://logging.apache.org/log4j/2.x/manual/pattern-layout.html  https://logback.qos.ch/manual/configuration.html
https://docs.spring.io/spring-boot/reference/features/logging.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from subscribers.formats.told import Clock, LineFormat, Reader, Told
from subscribers.parsers import java_dates
from subscribers.parsers.java_layout import Layout, Record, compile_layout
from subscribers.parsers.log4j import ATTRIBUTES

_SPRING = "%5p %pid --- [%t] %c : %m"
_SPRING_NAMED = "%5p %pid --- [%contextName] [%t] %c : %m"
_ZONED = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}"
_PLACED = "%c (%F:%L) - %m"
#: In the order they are tried: the first that fits is meant.
PATTERNS = (
    f"{_ZONED} {_SPRING_NAMED}",
    f"{_ZONED} {_SPRING}",
    f"%d {_SPRING}",
    "%d{ISO8601} - %-5p [%t:%C{1}@%L] - %m",
    "%d{ISO8601} %-5p [%t] %c - %m",
    "%d{ISO8601} [%t] %-5p %c - %m",
    "%d{ISO8601} %-5p [%t] %c: %m",
    "%d{ISO8601} [%t] %-5p %c: %m",
    "%d{ISO8601} %-5p [%c] (%t) %m",
    "%d{ABSOLUTE} [%t] %-5p %c - %m",
    "%d{ABSOLUTE} %-5p [%c] (%t) %m",
    "%d{yy/MM/dd HH:mm:ss} %p %c: %m",
    "[%d{ISO8601}] %p [%t] %m (%c)",
    "[%d{ISO8601}] %p %m (%c)",
    "[%d{ISO8601}][%-5p][%-25c] [%t] %m",
    "%-5p [%t] %d{ISO8601} %F:%L - %m",
    *(
        f"{date} {who} {rest}"
        for date in ("%d{ISO8601}", _ZONED)
        for rest in (_PLACED, "%c - %m", "%c: %m")
        for who in ("%-5p [%t]", "[%t] %-5p")
        if date == _ZONED or rest == _PLACED  # the others are above
    ),
)
_LAYOUTS = {
    begun: tuple(
        compile_layout(one)
        for pattern in PATTERNS
        if pattern.startswith(begins)
        # Levels in columns, and levels as long as they are.
        for one in dict.fromkeys((pattern, pattern.replace("%-5p", "%p")))
    )
    for begun, begins in (("0", "%d"), ("[", "["), ("A", "%-5p"))
}
#: Fields that are a name, without blanks; a thread's may have some, and so has a class behind its colon.
_NAMES = ("logger", "file")
_HOUR = 3600 * 10**9


def read(text: str, clock: Clock) -> Told | None:
    """Return what one line tells, or None for a line that none of the patterns wrote."""
    first = text[:1]
    for layout in _LAYOUTS.get("0" if first.isdecimal() else "A" if first.isupper() else first, ()):
        record = layout.read(text)
        if record is not None and (told := _told(record, layout, clock)):
            return told
    return None


def _told(record: Record, layout: Layout, clock: Clock) -> Told | None:
    fields = record.fields
    level = layout.level(record)
    if not level or any(" " in fields.get(name, "") for name in _NAMES):
        return None
    if fields.get("file", "").endswith(".py"):  # Python's layouts may look the same
        return None
    time = _time(record.date, clock)
    if time is None:
        return None
    return Told(time_unix_nano=time, level=level, message=record.message, attributes=_attributes(fields))


def _time(date: java_dates.Parts, clock: Clock) -> int | None:
    fraction = date.pop("S", "")
    near = clock.near_unix_nano
    if not clock.is_latest:  # of a file it is the same for all lines, and tells to the minute
        near = near // _HOUR * _HOUR + _HOUR // 2
    whole = _second(tuple(date.items()), clock._replace(near_unix_nano=near))
    return None if whole is None else whole + int(fraction[:9].ljust(9, "0"))


@lru_cache(maxsize=1024)
def _second(date: tuple[tuple[str, str], ...], clock: Clock) -> int | None:
    """The time of a date without its fraction: a program writes many lines a second."""
    return clock.unix_nano(dict(date))


def _attributes(fields: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for kind, value in fields.items():
        if kind == "level":
            continue
        name = ATTRIBUTES.get(kind, f"java.{kind}")
        is_number = kind in ("line", "process_id") and value.isdecimal() and len(value) < 11
        told[name] = int(value) if is_number else value
    return told


def _reader() -> Reader:
    return read


JAVA = LineFormat(
    dataset="java",
    reader=_reader,
    joins=True,
    example="2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created\n"
    "03:30:10.123 [main] INFO  com.example.Claims - claim accepted\n"
    "2026-11-21T03:30:10.123Z  INFO 4711 --- [           main] c.e.Claims : claim accepted",
)
