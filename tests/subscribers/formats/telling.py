"""What lines tell, shared by the tests of the formats of web servers."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from subscribers.formats.told import Clock, Exchange, LineFormat, Told

#: 2026-11-21T03:30:10Z
T0 = 1_795_231_810_000_000_000
MS = 1_000_000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def all_told(format: LineFormat, *lines: str, near: int = T0, zone: tzinfo = UTC) -> list[Told | None]:
    """What one reader says of lines, one after another."""
    read = format.reader()
    return [read(line, Clock(zone, near)) for line in lines]


def told(format: LineFormat, line: str, *, near: int = T0, zone: tzinfo = UTC) -> Told:
    """What a line of the format tells."""
    (one,) = all_told(format, line, near=near, zone=zone)
    assert one is not None, line
    return one


def exchange(format: LineFormat, line: str, **how: Any) -> Exchange:
    """The exchange that a line of the format tells."""
    made = told(format, line, **how).exchange
    assert made is not None
    return made


def nano(text: str) -> int:
    """Nanoseconds since the epoch of an ISO time, to the microsecond."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (
        round(moment.timestamp()) * 10**9
        if not moment.microsecond
        else (int(moment.replace(microsecond=0).timestamp()) * 10**9 + moment.microsecond * 1000)
    )
