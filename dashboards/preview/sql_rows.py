"""Error lines of services from the table of logs, and what became of events from the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.preview.facts import Fact
from dashboards.preview.window import NS_PER_S, Window
from dashboards.resources import System
from subscribers.insight.answer import Source

#: What an error line is, as SQL over the table of logs.
IS_ERROR = "(level IN ('ERROR', 'FATAL') OR (level = '' AND error_type <> ''))"
_ERROR_LINES = f"""
SELECT service, time_unix_nano // $base AS piece, count(*) FILTER ({IS_ERROR})::BIGINT AS lines
FROM logs WHERE time_unix_nano BETWEEN $first AND $last GROUP BY ALL
"""  # noqa: S608
#: Columns of the ledger that are measures.
LEDGER = ("received", "delivered", "stored", "dropped")
#: What came in: a payload's events are in the ledger once a sink.
_INPUT = """
SELECT piece, sum(received)::BIGINT AS received FROM (
    SELECT max(time_unix_nano) // $base AS piece, max(received) AS received
    FROM ledger WHERE time_unix_nano BETWEEN $first AND $last GROUP BY payload_id
) GROUP BY piece
"""
_LEDGER = """
SELECT sink, time_unix_nano // $base AS piece, sum(received)::BIGINT AS received,
       sum(delivered)::BIGINT AS delivered, sum(stored)::BIGINT AS stored, sum(dropped)::BIGINT AS dropped
FROM ledger WHERE time_unix_nano BETWEEN $first AND $last GROUP BY ALL
"""


def error_lines(source: Source, _: System, window: Window) -> Iterator[Fact]:
    """Yield the facts of `service.error_lines`: 0 where a service wrote lines and none is an error."""
    for row in source(_ERROR_LINES, _asked(window)):
        yield Fact("service.error_lines", row["service"], row["piece"], (float(row["lines"]),))


def ledger(source: Source, _: System, window: Window) -> Iterator[Fact]:
    """Yield the facts of `sink.received`, `.delivered`, `.stored` and `.dropped`; of the input, received."""
    for row in source(_INPUT, _asked(window)):
        yield Fact("sink.received", "", row["piece"], (float(row["received"]),))
    for row in source(_LEDGER, _asked(window)):
        for column in LEDGER:
            yield Fact(f"sink.{column}", row["sink"], row["piece"], (float(row[column]),))


def _asked(window: Window) -> dict[str, int]:
    return {
        "first": window.first_unix_nano,
        "last": window.last_unix_nano,
        "base": window.base_s * NS_PER_S,
    }
