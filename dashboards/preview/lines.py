"""The newest lines of log queries, from the store: fetched once for all pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from dashboards.panels import LogQuery
from dashboards.preview.sql_requests import routes_of
from dashboards.preview.sql_rows import IS_ERROR
from dashboards.preview.window import Window
from dashboards.resources import System
from subscribers.insight.answer import Source
from subscribers.insight.routes import Routes
from subscribers.tables import Row

#: Lines of a service that are fetched, and of a query that are shown.
_OF_SERVICE, MOST = 100, 12
#: Characters of a message: the rest is where the trace is.
_CHARACTERS = 2_000
_NEWEST = """
SELECT time_unix_nano, sequence, service, side, level, log_group, log_stream, left(message, {characters})
           AS message, error_type, left(error_message, {characters}) AS error_message, trace_id, span_id,
       correlation_id, request_id, {is_error} AS is_error
FROM logs WHERE time_unix_nano BETWEEN $first AND $last AND ({is_error} OR $all)
  -- That an invocation ran into its timeout has a line of its own.
  AND NOT (dataset = 'lambda.platform' AND message LIKE 'REPORT %')
QUALIFY row_number() OVER (PARTITION BY service, {is_error}
                           ORDER BY time_unix_nano DESC, sequence DESC, event_id) <= {most}
ORDER BY time_unix_nano DESC, sequence DESC, event_id
"""
_ROUTES = """
SELECT DISTINCT trace_id, side, service,
       concat_ws(' ', json_extract_string(attributes, '$."http.request.method"'),
                 json_extract_string(attributes, '$."http.route"')) AS route
FROM spans WHERE kind = 'server' AND list_contains($traces, trace_id)
  AND json_extract_string(attributes, '$."http.route"') IS NOT NULL
"""


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line as it is shown."""

    time_unix_nano: int
    service: str
    side: str
    level: str
    message: str
    log_group: str
    trace_id: str
    correlation_id: str
    request_id: str
    is_error: bool
    #: Endpoints of observe.yaml whose requests its trace is of.
    endpoints: frozenset[str] = frozenset()


class Lines:
    """The newest lines of the window, and which of them a query means."""

    def __init__(self, lines: Iterable[LogLine]) -> None:
        self._lines = tuple(lines)

    def of(self, query: LogQuery) -> list[LogLine]:
        """Return what a query finds, newest first; nothing for one that asks for a correlation ID.

        A line whose request is known to be of another endpoint than the query's is left out.
        """
        if query.is_by_correlation_id:
            return []
        found = [line for line in self._lines if _is_meant(query, line)]
        return found[: min(query.limit, MOST)]


def lines_of(source: Source, system: System, window: Window, queries: Iterable[LogQuery]) -> Lines:
    """Fetch the newest lines that queries may mean: errors of every service, all lines where one asks."""
    asked = [query for query in queries if not query.is_by_correlation_id]
    if not asked or not window.has_data:
        return Lines(())
    sql = _NEWEST.format(is_error=IS_ERROR, characters=_CHARACTERS, most=_OF_SERVICE)
    rows = source(
        sql,
        {
            "first": window.first_unix_nano,
            "last": window.last_unix_nano,
            "all": any(not query.is_errors for query in asked),
        },
    )
    of_trace = _endpoints(source, routes_of(system), rows)
    return Lines(_line(row, of_trace) for row in rows)


def _endpoints(source: Source, routes: Routes, rows: Sequence[Row]) -> dict[str, frozenset[str]]:
    traces = sorted({row["trace_id"] for row in rows if row["trace_id"]})
    out: dict[str, frozenset[str]] = {}
    for row in source(_ROUTES, {"traces": traces}) if traces else ():
        endpoint = routes.endpoint(row["side"], row["service"], row["route"])
        if endpoint:
            out[row["trace_id"]] = out.get(row["trace_id"], frozenset()) | {endpoint}
    return out


def _line(row: Row, of_trace: Mapping[str, frozenset[str]]) -> LogLine:
    message = row["message"]
    if row["error_message"] and row["error_message"] not in message:
        message = f"{message}\n{row['error_type']}: {row['error_message']}".strip()
    return LogLine(
        time_unix_nano=row["time_unix_nano"],
        service=row["service"],
        side=row["side"],
        level=row["level"],
        message=message,
        log_group=row["log_group"],
        trace_id=row["trace_id"],
        correlation_id=row["correlation_id"],
        request_id=row["request_id"],
        is_error=row["is_error"],
        endpoints=of_trace.get(row["trace_id"], frozenset()),
    )


def _is_meant(query: LogQuery, line: LogLine) -> bool:
    if query.is_errors and not line.is_error:
        return False
    if query.endpoint and line.endpoints and query.endpoint not in line.endpoints:
        return False
    if query.services:
        return line.service in query.services
    patterns = [group.shown for group in query.log_groups]
    return not patterns or any(fnmatchcase(line.log_group, pattern) for pattern in patterns)
