"""Requests by endpoint, side and service: the SQL and its table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from console.words import counted
from subscribers.config_problems import printable
from subscribers.insight.requests import REQUESTS
from subscribers.store import Store

#: The title over the services' names, and what stands for one that nobody told.
_SERVICE, _UNKNOWN = "service", "unknown"
#: Cells of a service's name, and of the columns behind it.
_SERVICE_MAX = 20
_WIDTHS = (8, 5, 11, 4, 7, 7)

_SUMMARY = f"""{REQUESTS}
SELECT endpoint, side, service, count(*) AS count, count(*) FILTER (failed) AS errors,
       count(*) FILTER (cold) AS cold_starts,
       quantile_cont(ns + wait_ns, 0.5) / 1e6 AS p50_ms, quantile_cont(ns + wait_ns, 0.95) / 1e6 AS p95_ms
FROM requests GROUP BY endpoint, side, service ORDER BY endpoint = '', endpoint, side DESC, service
"""  # noqa: S608


#: Lines of access logs in a store without requests: a span of theirs would be one.
_WITHOUT_SPAN = """
SELECT count(*) AS lines FROM logs
WHERE side = 'legacy' AND json_extract_string(attributes, '$."http.request.method"') IS NOT NULL
  AND json_extract_string(attributes, '$."http.response.status_code"') IS NOT NULL
"""


class Requests(msgspec.Struct, frozen=True):
    """The requests of one endpoint at one service: how many, failed, cold, and how long callers waited.

    endpoint: `METHOD /route`, a consumer's `process QUEUE`, or "" where the requests name no route.
    """

    endpoint: str
    side: str
    service: str
    count: int
    errors: int
    cold_starts: int
    p50_ms: float
    p95_ms: float


def summary(store: Store, first_unix_nano: int = 0, last_unix_nano: int = (1 << 63) - 1) -> list[Requests]:
    """Return the requests by endpoint that started in a time, the sides of an endpoint next to each other.

    Raises StoreError.
    """
    times = {"first": first_unix_nano, "last": last_unix_nano}
    return [msgspec.convert(values, Requests) for values in store.query(_SUMMARY, times)]


def why_none(store: Store) -> str:
    """Return why a store has no requests, as the end of a sentence; "" where it has no lines of any.

    Raises StoreError.
    """
    (found,) = store.query(_WITHOUT_SPAN)
    if not found["lines"]:
        return ""
    return (
        f": of access logs there {'is' if found['lines'] == 1 else 'are'} {counted(found['lines'], 'line')}"
        " without an ID and a duration; log one of them, such as %D (Apache) or $request_time (nginx)"
    )


def render_summary(rows: list[Requests], console: Console) -> None:
    """Print an endpoint a paragraph, a line each of its implementations; 80 columns are enough."""
    names = (cell_len(name) for name in (_SERVICE, *(row.service or _UNKNOWN for row in rows)))
    width = min(max(names), _SERVICE_MAX)
    head = ("  side", _SERVICE, "requests", "share", "errors", "cold", "p50 ms", "p95 ms")
    console.print(_columns(head, width, "bold"), highlight=False, no_wrap=True)
    shown = ""
    for item in rows:
        endpoint = printable(item.endpoint) or "(no route)"
        if endpoint != shown:
            console.print(Text(endpoint), highlight=False, no_wrap=True)
        shown = endpoint
        console.print(_line(item, rows, width), highlight=False, no_wrap=True)


def _line(item: Requests, rows: list[Requests], width: int) -> Text:
    failed = f"{item.errors} ({100 * item.errors / item.count:.1f}%)" if item.errors else "0"
    cold = str(item.cold_starts) if item.side == "serverless" else ""
    service = printable(item.service or _UNKNOWN)
    times = (f"{item.p50_ms:.1f}", f"{item.p95_ms:.1f}")
    cells = (f"  {item.side}", service, str(item.count), _share(item, rows), failed, cold, *times)
    return _columns(cells, width, "red" if item.errors else "")


def _columns(cells: Sequence[str], width: int, style: str) -> Text:
    side, service, *numbers = cells
    right = " ".join(cell.rjust(size) for cell, size in zip(numbers, _WIDTHS, strict=True))
    return Text(f"{set_cell_size(side, 12)} {set_cell_size(service, width)} {right}", style)


def _share(item: Requests, rows: list[Requests]) -> str:
    """The implementation's part of the endpoint's traffic, where both sides serve it and all is known."""
    same = [row for row in rows if row.endpoint == item.endpoint]
    services = {row.service for row in same}
    elsewhere = any(not row.endpoint and row.side == "serverless" and row.service in services for row in rows)
    if not item.endpoint or len({row.side for row in same}) < 2 or elsewhere:
        return ""
    return f"{100 * item.count / sum(row.count for row in same):.0f}%"


def summary_json(rows: list[Requests]) -> list[dict[str, Any]]:
    """Return the rows of `summary` for programs: one object a row, keys as in Requests."""
    return [msgspec.to_builtins(item) for item in rows]
