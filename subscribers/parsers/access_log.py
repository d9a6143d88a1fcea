"""The format `apache`: access logs, NCSA common and combined, Debian's with the host first, and ours.

    LogFormat "%h %l %u [%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] \\"%r\\" %>s %b %D
               \\"%{X-Correlation-ID}i\\" \\"%{traceparent}i\\""  hybrid

`-` is what Apache writes for what is absent. The time is when the request began, %D is in microseconds.
A line that carries a traceparent or a correlation ID is also a span; its ID is the first 8 bytes of
SHA-256 over `<%h>|<what is between the brackets>|<the line>` in UTF-8, so that whoever reads the line
derives the same. A line without either ID, but with a duration, is a span in a trace of its own, whose
ID is the first 16 bytes of SHA-256 over `trace|` and the same text.

https://httpd.apache.org/docs/2.4/mod/mod_log_config.html
"""

from __future__ import annotations

from datetime import UTC

from subscribers.formats.apache_layout import APACHE, DATASET, unescape
from subscribers.formats.records import paged
from subscribers.formats.told import Clock, Told

__all__ = ["DATASET", "parse", "read", "unescape"]

#: A log a line, and a span where the line says which request it was. See `page.Format`.
parse = paged(APACHE, UTC)

_CLOCK = Clock(UTC, 0)
_read = APACHE.reader()


def read(line: str) -> Told | None:
    """Return what one line tells, or None if it is no access-log line."""
    return _read(line, _CLOCK)
