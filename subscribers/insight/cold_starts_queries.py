"""The SQL of cold starts. Each is made of a beginning, STARTS or REQUESTS, and what comes behind it.

Parameters are $first and $last: nanoseconds since the epoch, both included. DuckDB only.
"""

from __future__ import annotations

#: One row an invocation that told its start, or a start without one; then by function.
STARTS = """
WITH told AS (
    SELECT service, coalesce(nullif(json_extract_string(tags, '$."faas.name"'), ''), service) AS function,
           region, request_id, log_stream, time_unix_nano, replace(name, 'aws.lambda.', '') AS word, value
    FROM metrics WHERE time_unix_nano BETWEEN $first AND $last AND isfinite(value) AND name IN (
        'aws.lambda.init_duration', 'aws.lambda.restore_duration', 'aws.lambda.duration',
        'aws.lambda.billed_duration', 'aws.lambda.billed_restore_duration', 'aws.lambda.invocations',
        'aws.lambda.cold_starts', 'aws.lambda.init_errors', 'aws.lambda.memory_size')
),
starts AS (
    SELECT service, function, request_id, log_stream, time_unix_nano,
           max(value) FILTER (word = 'init_duration') AS init_ms,
           max(value) FILTER (word = 'restore_duration') AS restore_ms,
           max(value) FILTER (word = 'duration') AS ms,
           max(value) FILTER (word = 'billed_duration') AS billed_ms,
           max(value) FILTER (word = 'memory_size') AS size_mb, any_value(region) AS region,
           max(value) FILTER (word = 'billed_restore_duration') AS billed_restore_ms,
           bool_or(word = 'invocations') AS reported,
           coalesce(sum(value) FILTER (word = 'init_errors'), 0) AS init_errors,
           bool_or(word IN ('cold_starts', 'init_duration', 'restore_duration')) AS cold,
           coalesce(init_ms, restore_ms) AS start_ms,
           NOT reported AND request_id = '' AND start_ms IS NOT NULL AS alone
    FROM told GROUP BY service, function, request_id, log_stream, time_unix_nano
)
"""
#: Then what of a start was billed.
BILLED = """,
-- A start is billed with the invocation where more is billed than that took; a report rounds up to 1 ms.
billed AS (
    SELECT *, CASE WHEN billed_restore_ms IS NOT NULL THEN billed_restore_ms
                   WHEN cold AND billed_ms > ms + 1 THEN least(coalesce(init_ms, billed_ms), billed_ms - ms)
                   ELSE 0 END AS billed_start_ms
    FROM starts
)
"""
#: By memory size, as each start's own report tells it; NULL where that does not.
PRICED = """
SELECT service, function, size_mb, any_value(region) AS region, sum(billed_start_ms) AS billed_ms
FROM billed WHERE billed_start_ms > 0 GROUP BY service, function, size_mb ORDER BY ALL
"""
FUNCTIONS = """,
-- Where the start has a report of its own, the first invocation's tells it no more.
streams AS (
    SELECT service, function, log_stream, list(start_ms) FILTER (start_ms IS NOT NULL) AS took,
           count(*) FILTER (reported) AS invocations, count(*) FILTER (reported AND cold) AS cold_starts,
           count(*) FILTER (reported AND restore_ms IS NOT NULL) AS restored,
           greatest(count(*) FILTER (alone) - count(*) FILTER (reported AND cold AND start_ms IS NULL), 0)
               AS ahead,
           sum(init_errors) AS init_errors, sum(billed_start_ms) AS billed_ms
    FROM billed GROUP BY service, function, log_stream
)
SELECT service, function, sum(invocations)::BIGINT AS invocations, sum(cold_starts)::BIGINT AS cold_starts,
       sum(restored)::BIGINT AS restored, sum(ahead)::BIGINT AS ahead,
       sum(init_errors)::BIGINT AS init_errors,
       list_aggregate(flatten(list(took)), 'quantile_cont', 0.5) AS p50_ms,
       list_aggregate(flatten(list(took)), 'quantile_cont', 0.99) AS p99_ms, sum(billed_ms) AS billed_ms
FROM streams GROUP BY service, function ORDER BY service, function
"""
#: The requests that the layer or a report says were cold, which of them somebody waited for, and who.
WAITED = """,
cold_requests AS (SELECT * FROM requests WHERE cold AND side = 'serverless'),
begun AS (
    SELECT trace_id, parent_span_id AS span_id, max(end_unix_nano - start_unix_nano) / 1e6 AS start_ms
    FROM spans WHERE name IN ('init', 'restore')
      AND json_extract_string(attributes, '$."aws.lambda.initialization_type"') IS NOT NULL
    GROUP BY ALL
),
groups AS (
    SELECT trace_id, span_id, any_value(split_part(e.log_group, '/', -1)) AS log_group
    FROM cold_requests r JOIN spans e USING (trace_id, span_id) GROUP BY ALL
),
above AS (
    SELECT r.trace_id, r.span_id, any_value(c.service) AS caller, any_value(c.side) AS caller_side
    FROM cold_requests r
    JOIN spans e ON e.trace_id = r.trace_id AND e.span_id = r.span_id
    JOIN spans c ON c.trace_id = e.trace_id AND c.span_id = e.parent_span_id
    GROUP BY ALL
)
SELECT r.service, coalesce(nullif(json_extract_string(r.attributes, '$."faas.name"'), ''), log_group, '')
           AS function,
       CASE WHEN r.kind = 'consumer' THEN 'no'
            -- The platform tells of messages as of requests.
            WHEN told_by = 'platform' AND endpoint = '' THEN 'unknown' ELSE 'yes' END AS waits,
       coalesce(caller, '') AS caller, coalesce(caller_side, '') AS caller_side,
       count(*) AS requests, count(start_ms) AS waited, quantile_cont(start_ms, 0.5) AS p50_ms,
       max(start_ms) AS max_ms, list_sort(list(DISTINCT correlation_id)) AS ids,
       count(*) FILTER (told_by = 'layer' AND start_ms IS NULL) AS ahead
FROM cold_requests r LEFT JOIN begun USING (trace_id, span_id) LEFT JOIN above USING (trace_id, span_id)
LEFT JOIN groups USING (trace_id, span_id)
GROUP BY ALL ORDER BY requests DESC, r.service, function, waits, caller
"""
HOURS = """
SELECT service, function, time_unix_nano // 3600000000000 AS hour, count(*) AS cold_starts FROM starts
WHERE reported AND cold GROUP BY ALL ORDER BY ALL
"""
