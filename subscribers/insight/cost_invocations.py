"""What each invocation cost, as SQL: the base of every table of cost.

One row a REPORT, though retries have the same request ID. Its price is the one that observe.yaml has now for
the service; of a service that it does not name, the one that was stored with the report.
"""

from __future__ import annotations

from typing import Any

from subscribers.insight.answer import Question
from subscribers.insight.cost_starts import BILLED_START_MS
from subscribers.parsers.prices import REGIONS

#: CTEs; needs the parameters of `parameters`. `invocations` has one row a REPORT of the services asked for,
#: `usd` is null where neither size nor billed time was told (managed instances).
INVOCATIONS = f"""
points AS (
    SELECT split_part(event_id, ':', 1) AS line, request_id, log_stream, service, region, account,
           time_unix_nano AS ended, name, value,
           coalesce(json_extract_string(tags, '$."faas.name"'), service) AS function
    FROM metrics
    WHERE name LIKE 'aws.lambda.%' AND time_unix_nano BETWEEN $first AND $last
      AND (len($services) = 0 OR list_contains($services, service))
),
reports AS (
    SELECT line, request_id, log_stream, service, region, account, function, ended,
           max(value) FILTER (name = 'aws.lambda.billed_duration') AS billed_ms,
           max(value) FILTER (name = 'aws.lambda.duration') AS duration_ms,
           max(value) FILTER (name = 'aws.lambda.memory_size') AS size_mb,
           max(value) FILTER (name = 'aws.lambda.memory_used') AS used_mb,
           max(value) FILTER (name = 'aws.lambda.init_duration') AS init_ms,
           max(value) FILTER (name = 'aws.lambda.billed_restore_duration') AS billed_restore_ms,
           bool_or(name IN ('aws.lambda.cold_starts', 'aws.lambda.init_duration',
                            'aws.lambda.restore_duration')) AS cold,
           max(value) FILTER (name = 'aws.lambda.estimated_cost') AS stored_usd
    FROM points GROUP BY ALL
    HAVING bool_or(name = 'aws.lambda.invocations')
),
-- A failure may be told by another line than the report: it goes with the next report of its request.
failures AS (
    SELECT r.line, bool_or(p.name = 'aws.lambda.timeouts') AS timed_out
    FROM (SELECT *, ended - 100000000 AS since FROM points
          WHERE name IN ('aws.lambda.errors', 'aws.lambda.timeouts', 'aws.lambda.out_of_memory')) p
    ASOF JOIN reports r
      ON p.request_id = r.request_id AND p.log_stream = r.log_stream AND p.since <= r.ended
    GROUP BY r.line
),
rates AS (
    SELECT unnest($rate_service) AS service, unnest($rate_region) AS region,
           unnest($rate_gb_s) AS per_gb_s, unnest($rate_request) AS per_request
),
invocations AS (
    SELECT r.*, r.billed_ms / 1000 * r.size_mb / 1024 AS gb_s,
           coalesce(r.billed_ms / 1000 * r.size_mb / 1024 * p.per_gb_s + p.per_request, r.stored_usd) AS usd,
           {BILLED_START_MS} AS billed_start_ms,
           f.line IS NOT NULL AS failed, coalesce(f.timed_out, false) AS timed_out,
           r.request_id <> '' AND row_number() OVER (
               PARTITION BY r.function, r.request_id ORDER BY r.ended, r.line) > 1 AS retried
    FROM reports r
    LEFT JOIN failures f ON f.line = r.line
    LEFT JOIN rates p ON p.service = r.service
        AND p.region = CASE WHEN list_contains($rate_region, r.region) THEN r.region ELSE '' END
)"""  # noqa: S608 - only text of ours


def parameters(question: Question) -> dict[str, Any]:
    """Return the values of the CTEs' parameters: times and services asked for, observe.yaml's prices."""
    rates = [
        (service.name, region, pricing.usd(1000, 1024, region) - request, request)
        for service in question.config.services.values()
        for pricing in (service.pricing,)
        for region in ("", *REGIONS)
        for request in (pricing.usd(0, 1024, region),)
    ]
    columns = list(zip(*rates, strict=True)) or [(), (), (), ()]
    names = ("rate_service", "rate_region", "rate_gb_s", "rate_request")
    return {
        "first": question.first_unix_nano,
        "last": question.last_unix_nano,
        "services": list(question.services),
        **{name: list(values) for name, values in zip(names, columns, strict=True)},
    }
