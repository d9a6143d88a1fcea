"""Which requests are looked at to tell where time goes: typical ones, slow ones and all, an earlier period's.

Each sample is drawn by the hash of the trace's ID, so the same question has the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from subscribers.config import Endpoint
from subscribers.insight.answer import Question, Source
from subscribers.insight.calls import Place
from subscribers.insight.chains_routes import endpoint_of
from subscribers.insight.requests import REQUESTS
from subscribers.insight.routes import Routes

#: Places that one question looks at, those with the most time spent; and requests of each sample of a place.
MOST_PLACES, EACH = 20, 100
_ALWAYS = (0, (1 << 63) - 1)
_NS_PER_S = 1_000_000_000

# What comes behind REQUESTS. A request without a route is its function's; typical ones are those from the
# 40th to the 60th percentile.
_CHOSEN = """,
-- The layer tells of a function's start only where the request waited for it: then it is part of its time.
starts AS (
    SELECT trace_id, parent_span_id AS span_id, min(start_unix_nano) AS began FROM spans
    WHERE name IN ('init', 'restore')
      AND json_extract_string(attributes, '$."aws.lambda.initialization_type"') IS NOT NULL
    GROUP BY ALL
),
asked AS (
    SELECT side, service, if(endpoint = '', service, endpoint) AS operation, trace_id, span_id,
           ns + greatest(start_unix_nano - coalesce(began, start_unix_nano), 0) AS ns,
           md5(trace_id || span_id) AS hash
    FROM requests LEFT JOIN starts USING (trace_id, span_id) WHERE trace_id <> ''
),
wanted AS (
    SELECT * FROM asked
    WHERE (len($services::VARCHAR[]) = 0 OR list_contains($services::VARCHAR[], service))
      AND list_contains($routes::VARCHAR[], concat_ws(' ', side, service, operation)) = $only
),
places AS (
    SELECT side, service, operation, count(*) AS requests, sum(ns) AS spent, count(*) OVER () AS places,
           quantile_cont(ns, 0.5) AS p50, quantile_cont(ns, 0.95) AS p95,
           quantile_disc(ns, 0.4) AS low, quantile_disc(ns, 0.6) AS high
    FROM wanted GROUP BY side, service, operation
    ORDER BY spent DESC, side, service, operation LIMIT $places
),
sorted AS (
    SELECT *, ns BETWEEN low AND high AS typical, ns >= p95 AS slow
    FROM wanted JOIN places USING (side, service, operation)
),
numbered AS (
    SELECT *, row_number() OVER (PARTITION BY side, service, operation ORDER BY hash) AS any_at,
           row_number() OVER (PARTITION BY side, service, operation, typical ORDER BY hash) AS typical_at,
           row_number() OVER (PARTITION BY side, service, operation, slow ORDER BY hash) AS slow_at
    FROM sorted
)
SELECT side, service, operation, requests, places, p50 / 1e6 AS p50_ms, p95 / 1e6 AS p95_ms,
       trace_id, span_id, any_at <= $each AS is_any, typical AND typical_at <= $each AS is_typical,
       slow AND slow_at <= $each AS is_slow
FROM numbered
WHERE is_any OR ($all AND (is_typical OR is_slow))
ORDER BY spent DESC, side, service, operation, hash
"""


#: Which places there are, to tell whose endpoints they are.
_PLACES = """
SELECT DISTINCT side, service, if(endpoint = '', service, endpoint) AS operation FROM requests
"""


class Period(msgspec.Struct, frozen=True):
    """Times in nanoseconds since the epoch, both included."""

    first: int
    last: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Which periods are compared, for which endpoints. before: None where there is none.

    endpoints: their names; only: these alone, else all but these. cutover: the endpoint's, or "".
    """

    now: Period
    before: Period | None
    endpoints: tuple[str, ...]
    only: bool
    cutover: str = ""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The requests of one place that are looked at: (trace ID, span ID) of each.

    requests: of how many; places: how many places there are.
    """

    place: Place
    requests: int
    places: int
    p50_ms: float
    p95_ms: float
    any: tuple[tuple[str, str], ...]
    typical: tuple[tuple[str, str], ...]
    slow: tuple[tuple[str, str], ...]


def comparisons(question: Question) -> Iterator[Comparison]:
    """Yield what is compared with what: an endpoint with a cutover in the period around that.

    All others with the time of equal length directly before; a period without bounds has none.
    """
    whole = Period(question.first_unix_nano, question.last_unix_nano)
    asked = [
        endpoint
        for name, endpoint in question.config.endpoints.items()
        if not question.endpoints or name in question.endpoints
    ]
    moved: list[str] = []
    for endpoint in asked:
        at = _cutover(endpoint)
        if at is not None and whole.first < at <= whole.last:
            moved.append(endpoint.name)
            now, before = Period(at, whole.last), Period(whole.first, at - 1)
            own = (endpoint.name,)
            yield Comparison(now=now, before=before, endpoints=own, only=True, cutover=endpoint.cutover)
    if not question.endpoints:
        yield Comparison(now=whole, before=_directly(whole), endpoints=tuple(moved), only=False)
    elif left := [endpoint.name for endpoint in asked if endpoint.name not in moved]:
        yield Comparison(now=whole, before=_directly(whole), endpoints=tuple(left), only=True)


def _cutover(endpoint: Endpoint) -> int | None:
    if not endpoint.cutover:
        return None
    return int(datetime.fromisoformat(endpoint.cutover).timestamp()) * _NS_PER_S


def _routes(source: Source, question: Question, comparison: Comparison, period: Period) -> list[str]:
    """What was served of a comparison's endpoints: `SIDE SERVICE OPERATION`."""
    if not comparison.endpoints:
        return []
    routes = Routes(question.config.endpoints)
    rows = source(REQUESTS + _PLACES, {"first": period.first, "last": period.last})
    places = (Place(row["side"], row["service"], row["operation"]) for row in rows)
    return [
        f"{p.side} {p.service} {p.operation}"
        for p in places
        if endpoint_of(routes, p) in comparison.endpoints
    ]


def _directly(whole: Period) -> Period | None:
    if whole.first <= _ALWAYS[0] or whole.last >= _ALWAYS[1]:
        return None
    length = whole.last - whole.first + 1
    return Period(max(whole.first - length, 0), whole.first - 1)


def choose(
    source: Source, question: Question, comparison: Comparison, period: Period, *, all: bool = True
) -> list[Chosen]:
    """Return the requests of a period to look at, by place: where most time is spent first.

    all: whether typical and slow ones are chosen besides. Raises what the source raises.
    """
    rows = source(
        REQUESTS + _CHOSEN,
        {
            "first": period.first,
            "last": period.last,
            "services": list(question.services),
            "routes": _routes(source, question, comparison, period),
            "only": comparison.only,
            "places": MOST_PLACES,
            "each": EACH,
            "all": all,
        },
    )
    places: dict[Place, list[dict[str, Any]]] = {}
    for row in rows:
        places.setdefault(Place(row["side"], row["service"], row["operation"]), []).append(row)
    return [_chosen(place, found) for place, found in places.items()]


def _chosen(place: Place, rows: Sequence[dict[str, Any]]) -> Chosen:
    def of(word: str) -> tuple[tuple[str, str], ...]:
        return tuple((row["trace_id"], row["span_id"]) for row in rows if row[word])

    return Chosen(
        place=place,
        requests=rows[0]["requests"],
        places=rows[0]["places"],
        p50_ms=rows[0]["p50_ms"],
        p95_ms=rows[0]["p95_ms"],
        any=of("is_any"),
        typical=of("is_typical"),
        slow=of("is_slow"),
    )
