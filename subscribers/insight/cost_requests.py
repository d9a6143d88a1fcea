"""What requests cost: by the endpoint at which they began, and by a field of the team's own."""

from __future__ import annotations

from typing import Any

import msgspec

from subscribers.insight.answer import Question, Source
from subscribers.insight.cost_invocations import INVOCATIONS, parameters
from subscribers.insight.requests import REQUESTS
from subscribers.insight.routes import canonical

# `entries`: what invocations and requests began with. The records of a batch say where each came from, so a
# batch belongs to the traces of its records in equal parts, not to its own. Where the layer told of an
# invocation, the platform's span of it, which may have another trace, does not count.
_ENTRIES = """
entries AS (
    SELECT request_id, trace_id, correlation_id, start_unix_nano AS started,
           told_by = 'platform' AS by_platform,
           list_contains(json_extract_string(links, '$[*].attributes."observe.link"'), 'batch') AS is_record,
           CASE WHEN json_extract_string(attributes, '$."http.route"') IS NOT NULL
                THEN concat_ws(' ', json_extract_string(attributes, '$."http.request.method"'),
                               json_extract_string(attributes, '$."http.route"')) END AS endpoint
    FROM spans
    WHERE kind IN ('server', 'consumer') AND start_unix_nano BETWEEN $first AND $last
),
parts AS (
    SELECT request_id, trace_id, max(correlation_id) AS correlation_id, min(started) AS started
    FROM (SELECT *, bool_or(is_record) OVER (PARTITION BY request_id) AS is_batch,
                 bool_and(by_platform) OVER (PARTITION BY request_id) AS only_platform FROM entries)
    WHERE request_id <> '' AND (is_record OR NOT is_batch) AND (only_platform OR NOT by_platform)
    GROUP BY request_id, trace_id
)"""

# A request's endpoint is the first of its trace. What has another trace, as after a queue that carries no
# context, goes by the correlation ID to the latest request before it: inferred.
_ENDPOINTS = f"""
WITH {INVOCATIONS}, {_ENTRIES},
roots AS (
    SELECT trace_id, arg_min(endpoint, started) AS endpoint, min(started) AS started,
           arg_min(correlation_id, started) AS correlation_id
    FROM entries WHERE endpoint IS NOT NULL GROUP BY trace_id
),
homes AS (
    SELECT p.request_id, coalesce(t.endpoint, c.endpoint) AS endpoint,
           t.endpoint IS NULL AND c.endpoint IS NOT NULL AS is_inferred,
           1.0 / count(*) OVER (PARTITION BY p.request_id) AS share
    FROM parts p LEFT JOIN roots t ON p.trace_id = t.trace_id
    ASOF LEFT JOIN (SELECT * FROM roots WHERE correlation_id <> '') c
      ON p.correlation_id = c.correlation_id AND c.started <= p.started
),
own AS (
    SELECT e.endpoint, count(*) AS invocations, sum(usd) AS usd
    FROM invocations i JOIN (
        SELECT request_id, arg_min(endpoint, started) AS endpoint FROM entries
        WHERE endpoint IS NOT NULL AND request_id <> '' GROUP BY request_id) e
      ON i.request_id = e.request_id
    GROUP BY e.endpoint
),
whole AS (
    SELECT h.endpoint, sum(h.share) AS invocations, sum(i.usd * h.share) AS usd,
           coalesce(sum(h.share) FILTER (h.is_inferred), 0) AS inferred
    FROM invocations i JOIN homes h ON i.request_id = h.request_id
    GROUP BY h.endpoint
)
SELECT coalesce(w.endpoint, o.endpoint) AS endpoint,
       coalesce(o.invocations, 0) AS own_invocations, coalesce(o.usd, 0) AS own_usd,
       coalesce(w.invocations, 0) AS whole_invocations, coalesce(w.usd, 0) AS whole_usd,
       coalesce(w.inferred, 0) AS inferred_invocations
FROM whole w FULL JOIN own o ON o.endpoint = w.endpoint
"""  # noqa: S608

# Requests that nobody called of whom the store knows: others belong to those of their callers.
_REQUESTS = f"""{REQUESTS},
called AS (
    SELECT DISTINCT e.trace_id, e.span_id FROM spans e
    JOIN spans c ON c.trace_id = e.trace_id AND c.span_id = e.parent_span_id
    WHERE e.parent_span_id <> ''
)
SELECT endpoint, count(*) AS requests, count(*) FILTER (told_by <> 'platform') AS told
FROM requests WHERE kind = 'server' AND endpoint <> ''
  AND (trace_id, span_id) NOT IN (SELECT (trace_id, span_id) FROM called)
GROUP BY endpoint
"""  # noqa: S608

# The value is the invocation's own, as its logs, spans and metrics tell it, else that of its trace.
_FIELD = f"""
WITH {INVOCATIONS}, {_ENTRIES},
said AS (
    SELECT request_id, trace_id,
           coalesce(json_extract_string(attributes, $flat), json_extract_string(attributes, $nested)) AS value
    FROM logs WHERE time_unix_nano BETWEEN $first AND $last
    UNION ALL
    SELECT request_id, trace_id,
           coalesce(json_extract_string(attributes, $flat), json_extract_string(attributes, $nested))
    FROM spans WHERE start_unix_nano BETWEEN $first AND $last
    UNION ALL
    SELECT request_id, '', json_extract_string(tags, $flat)
    FROM metrics WHERE name NOT LIKE 'aws.lambda.%' AND time_unix_nano BETWEEN $first AND $last
),
by_request AS (SELECT DISTINCT request_id, value FROM said WHERE value IS NOT NULL AND request_id <> ''),
by_trace AS (
    SELECT DISTINCT p.request_id, s.value FROM parts p JOIN said s ON p.trace_id = s.trace_id
    WHERE s.value IS NOT NULL AND p.request_id NOT IN (SELECT request_id FROM by_request)
),
shares AS (
    SELECT request_id, value, 1.0 / count(*) OVER (PARTITION BY request_id) AS share
    FROM (SELECT * FROM by_request UNION ALL SELECT * FROM by_trace)
)
SELECT s.value, sum(coalesce(s.share, 1)) AS invocations,
       coalesce(sum(i.usd * coalesce(s.share, 1)), 0) AS usd
FROM invocations i LEFT JOIN shares s ON i.request_id = s.request_id
GROUP BY s.value ORDER BY usd DESC, s.value
"""  # noqa: S608


class EndpointCost(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint, "" for what belongs to none.

    own: the function that serves it, on its own; whole: every invocation that requests which began here
    set off, queues included; of a batch each record's part. inferred: known by correlation ID and time alone.
    requests: those that began here, as `parity` counts them; told: those of them that the layer or an access
    log told, of which alone is known what they set off.
    """

    endpoint: str | None
    requests: int = 0
    told: int = 0
    own_invocations: int = 0
    own_usd: float = 0.0
    whole_invocations: float = 0.0
    whole_usd: float = 0.0
    inferred_invocations: float = 0.0

    @property
    def usd_per_million(self) -> float | None:
        """What a million requests would cost, all that they set off included."""
        return self.whole_usd / self.told * 1e6 if self.told else None


class ValueCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one value of a field cost; None: invocations of which nothing tells a value.

    An invocation of several values counts in equal parts.
    """

    value: str | None
    invocations: float
    usd: float


def endpoints(source: Source, question: Question) -> list[EndpointCost]:
    """Return the endpoints that requests began at, the dearest first. Raises what the source raises.

    With services asked for: what these have of each endpoint's cost, and no endpoint without them.
    """
    times = {"first": question.first_unix_nano, "last": question.last_unix_nano}
    counted = {row.pop("endpoint"): row for row in source(_REQUESTS, times)}
    costs = {row.pop("endpoint"): row for row in source(_ENDPOINTS, parameters(question))}
    names = costs if question.services else {**costs, **counted}
    found = [EndpointCost(endpoint=name, **counted.get(name, {}), **costs.get(name, {})) for name in names]
    wanted = {canonical(route) for route in routes(question)}
    asked = [one for one in found if not question.endpoints or _is_of(one.endpoint, wanted)]
    return sorted(asked, key=lambda one: (-one.whole_usd, one.endpoint is None, one.endpoint or ""))


def _is_of(endpoint: str | None, wanted: set[tuple[str, str]]) -> bool:
    """Whether it is one of these routes, whatever its parameters are called; ANY stands for every method."""
    method, path = canonical(endpoint or "")
    return bool(endpoint) and ((method, path) in wanted or ("ANY", path) in wanted)


def values(source: Source, question: Question) -> list[ValueCost]:
    """Return the values of the field asked for, the dearest first. Raises what the source raises."""
    params: dict[str, Any] = {**parameters(question), **paths(question.by)}
    return [msgspec.convert(row, ValueCost) for row in source(_FIELD, params)]


def routes(question: Question) -> set[str]:
    """Return the routes of the endpoints asked for: `METHOD /route`, as either side has it."""
    asked = [
        question.config.endpoints[name] for name in question.endpoints if name in question.config.endpoints
    ]
    sides = [side for one in asked for side in (one.legacy, one.serverless) if side]
    return {*question.endpoints, *(one.route for one in asked), *(side.route for side in sides)}


def paths(field: str) -> dict[str, str]:
    """Return a field's name as JSON pointers: `customer.id` is one key, or a key within another."""
    escaped = field.replace("~", "~0").replace("/", "~1")
    return {"flat": f"/{escaped}", "nested": f"/{escaped.replace('.', '/')}"}
