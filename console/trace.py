"""What the store knows of one ID, and of all requests by side: the SQL and its tables on a terminal."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.waterfall import as_json, render
from subscribers.config_problems import printable
from subscribers.correlate import Story, related_traces, stories
from subscribers.signals import Log, Span
from subscribers.store import Store
from subscribers.tables import log_of, span_of

__all__ = ["Requests", "find", "render", "render_summary", "summary", "to_json"]

#: Links and correlation IDs are followed this often; each round may name further traces.
ROUNDS = 5
#: Rows of one question; a story beyond that is not one that a person reads.
MAX_ROWS = 20_000

to_json = as_json

_SPANS = """
SELECT * FROM spans
WHERE trace_id IN (SELECT unnest($traces::VARCHAR[]))
   OR (correlation_id <> '' AND correlation_id IN (SELECT unnest($correlations::VARCHAR[])))
   OR (request_id <> '' AND request_id IN (SELECT unnest($requests::VARCHAR[])))
   OR list_has_any(json_extract_string(links, '$[*].trace_id'), $traces::VARCHAR[])
ORDER BY start_unix_nano, event_id
LIMIT $limit
"""
_LOGS = """
SELECT * FROM logs
WHERE trace_id IN (SELECT unnest($traces::VARCHAR[]))
   OR (correlation_id <> '' AND correlation_id IN (SELECT unnest($correlations::VARCHAR[])))
   OR (request_id <> '' AND request_id IN (SELECT unnest($requests::VARCHAR[])))
ORDER BY time_unix_nano, event_id
LIMIT $limit
"""
# A request that the layer and the platform both told of is counted once; it failed when either says so.
_SUMMARY = """
WITH entries AS (SELECT * FROM spans WHERE kind IN ('server', 'consumer')),
-- A handler that returned in its last moment has its span twice: the later end is right.
told AS (
    SELECT * FROM entries WHERE told_by <> 'platform'
    QUALIFY row_number() OVER (PARTITION BY trace_id, span_id ORDER BY end_unix_nano DESC, event_id) = 1
),
platform AS (SELECT * FROM entries WHERE told_by = 'platform'),
pairs AS (
    SELECT t.event_id AS told_id, p.event_id AS platform_id, p.status = 'error' AS failed
    FROM told t JOIN platform p
      ON t.request_id = p.request_id AND t.log_stream = p.log_stream AND t.request_id <> ''
     AND t.start_unix_nano <= p.end_unix_nano + 1000000000
     AND p.start_unix_nano <= t.end_unix_nano + 1000000000
),
requests AS (
    SELECT side, service, end_unix_nano - start_unix_nano AS ns,
           status = 'error' OR event_id IN (SELECT told_id FROM pairs WHERE failed) AS failed,
           coalesce(json_extract_string(attributes, '$."faas.coldstart"') = 'true', false) AS cold
    FROM told
    UNION ALL
    SELECT side, service, end_unix_nano - start_unix_nano, status = 'error', false
    FROM platform WHERE event_id NOT IN (SELECT platform_id FROM pairs)
)
SELECT side, service, count(*) AS count, count(*) FILTER (failed) AS errors,
       count(*) FILTER (cold) AS cold_starts,
       quantile_cont(ns, 0.5) / 1e6 AS p50_ms, quantile_cont(ns, 0.95) / 1e6 AS p95_ms
FROM requests GROUP BY side, service ORDER BY side, service
"""


class Requests(msgspec.Struct, frozen=True):
    """The requests of one service: how many, how many failed or met a cold start, how long they took."""

    side: str
    service: str
    count: int
    errors: int
    cold_starts: int
    p50_ms: float
    p95_ms: float


def find(store: Store, id: str) -> list[Story]:
    """Return the stories of an ID, by start; [] where the store knows nothing of it. Raises StoreError.

    id: a correlation ID, a trace ID, an X-Ray Root or a Lambda request ID; blanks around it are ignored.
    """
    spans: list[Span] = []
    logs: list[Log] = []
    asked: tuple[set[str], set[str], set[str]] | None = None
    for _ in range(ROUNDS):
        wanted = _wanted(id.strip(), spans, logs)
        if wanted == asked:
            break
        spans, logs = _rows(store, *wanted)
        asked = wanted
    return stories(id, spans, logs)


def _wanted(id: str, spans: list[Span], logs: list[Log]) -> tuple[set[str], set[str], set[str]]:
    """Return the trace, correlation and request IDs that the rows found so far name."""
    correlations = {id} | {span.correlation_id for span in spans} | {log.correlation_id for log in logs}
    requests = {id} | {span.request_id for span in spans}
    return related_traces(id, spans, logs), correlations - {""}, requests - {""}


def _rows(
    store: Store, traces: set[str], correlations: set[str], requests: set[str]
) -> tuple[list[Span], list[Log]]:
    names = {"traces": sorted(traces), "correlations": sorted(correlations), "requests": sorted(requests)}
    spans = store.query(_SPANS, {**names, "limit": MAX_ROWS})
    logs = store.query(_LOGS, {**names, "limit": MAX_ROWS})
    return [span_of(values) for values in spans], [log_of(values) for values in logs]


def summary(store: Store) -> list[Requests]:
    """Return the requests of each service by side, from its server and consumer spans. Raises StoreError."""
    return [msgspec.convert(values, Requests) for values in store.query(_SUMMARY)]


def render_summary(rows: list[Requests], console: Console) -> None:
    """Print requests by side and service as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("side", "service"):
        table.add_column(name, no_wrap=True)
    for name in ("requests", "errors", "cold", "p50 ms", "p95 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for item in rows:
        table.add_row(*_cells(item))
    console.print(table, highlight=False)


def _cells(item: Requests) -> list[Text | str]:
    share = f"{item.errors} ({100 * item.errors / item.count:.1f}%)" if item.errors else "0"
    errors = Text(share, "red" if item.errors else "")
    service = Text(printable(item.service or "unknown"))
    cold = str(item.cold_starts) if item.side == "serverless" else ""
    return [item.side, service, str(item.count), errors, cold, f"{item.p50_ms:.1f}", f"{item.p95_ms:.1f}"]


def summary_json(rows: list[Requests]) -> list[dict[str, Any]]:
    """Return the rows of `summary` for programs: one object a service, keys as in Requests."""
    return [msgspec.to_builtins(item) for item in rows]
