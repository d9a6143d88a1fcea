"""What a line of a format tells, and what a format is: the contract of every module of this package.

A format is a `LineFormat`: a value that names it and makes readers. A reader is asked line by line; it
returns what the line tells, or None for a line that is none of its format. It never raises, and its time is
linear in the length of the line, whatever is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

import msgspec

from subscribers.parsers import java_dates


class Clock(NamedTuple):
    """What times are read with. zone: of those that name none; near_unix_nano: when CloudWatch, or the file's
    own time, says it was, which tells the year or the day that a line leaves out; is_latest: whether that is
    when the file was last written, so that it was then at the latest."""

    zone: tzinfo
    near_unix_nano: int
    is_latest: bool = False

    def unix_nano(self, parts: java_dates.Parts) -> int | None:
        """Return the time that parts of a date tell; see java_dates.unix_nano."""
        return java_dates.unix_nano(parts, self.zone, self.near_unix_nano, is_latest=self.is_latest)

    def meant(self, found: Sequence[int]) -> int:
        """Return which of several times is meant; see java_dates.meant."""
        return java_dates.meant(found, self.near_unix_nano, is_latest=self.is_latest)


class Exchange(msgspec.Struct, kw_only=True, gc=False):
    """One request and its answer, as an access log tells it: it becomes a span. "" and None: not told."""

    start_unix_nano: int
    duration_ns: int | None = None
    method: str = ""
    #: Without the query.
    path: str = ""
    status: int = 0
    #: Who asked, and the text of the time: with the line they make the span's ID.
    client: str = ""
    when: str = ""
    #: The caller's, as it came in a header.
    traceparent: str = ""


class Told(msgspec.Struct, kw_only=True, gc=False):
    """What one line tells; "" and None for what it leaves out."""

    #: When it happened, nanoseconds since the epoch, UTC: an access log's is when the request began.
    time_unix_nano: int | None = None
    #: One of draft.LEVELS' values.
    level: str = ""
    #: "" stands for the line itself.
    message: str = ""
    correlation_id: str = ""
    #: The trace and span that the line was written in: 32 and 16 lower-case hex digits.
    trace_id: str = ""
    span_id: str = ""
    error_type: str = ""
    error_message: str = ""
    error_stack: str = ""
    #: OpenTelemetry's names, ECS's where it has none, `<format>.<name>` where nobody has; JSON trees only.
    attributes: dict[str, Any] = {}
    exchange: Exchange | None = None
    #: A line that only describes those after it, such as W3C's `#Fields:`; it is no signal.
    is_header: bool = False
    #: A reason to count, where the line is of the format and could not be read completely.
    note: str = ""


#: (the line without its line end, how to read its time) -> what it tells; None: it is none of the format.
Reader = Callable[[str, Clock], Told | None]


class LineFormat(msgspec.Struct, frozen=True, kw_only=True):
    """One format. dataset: of its logs, as Elastic's integrations call it where one reads the same lines.

    reader(): a new Reader; one that learns from header lines remembers what it has read. joins: whether lines
    that it does not know go on with the record before, as stack traces do; else they are logs by themselves,
    counted as `unparsed`. continued: what such a line says, without the columns that only lay it out.
    whole: whether an event of several lines may be one record, which is tried first; a record without a
    message is read again with the lines that `joins` put to it. unread: what a line says that is none of it.
    example: one line, or several, that documentation shows and tests read.
    """

    dataset: str
    reader: Callable[[], Reader]
    joins: bool = False
    continued: Callable[[str], str] = str
    whole: bool = False
    unread: Callable[[str], str] = str
    example: str = ""
