"""The SQL of requests: what entered a service, counted once whoever told of it.

The layer tells of an invocation, the platform of the same one, an access log of a request on the legacy
side. `REQUESTS` is a WITH clause that ends in the table `requests`; put a SELECT behind it. Its parameters
are $first and $last: nanoseconds since the epoch, both included, of the requests' starts. DuckDB only.

requests:

    side, service           as in spans
    kind                    server or consumer
    endpoint                `METHOD /route`; a consumer's is the name of its span (`process QUEUE`); else ""
    start_unix_nano, ns     start, and duration in nanoseconds, never negative
    wait_ns                 how long it waited for a function's start before that, in nanoseconds
    failed                  whether the span's status is error, the response 5xx, or the platform says so
    status_code             of the HTTP response, NULL where there was none
    cold                    whether it waited for a function's start
    told_by                 layer, platform or access_log; of a request that two told of, not the platform
    trace_id, span_id, correlation_id, request_id, attributes
                            as in spans
"""

from __future__ import annotations

#: A WITH clause whose last table is `requests`.
REQUESTS = """
WITH entries AS (
    SELECT *,
           -- An end before its start, or at the edge of what can be stored, is a broken clock's.
           least(greatest(end_unix_nano, start_unix_nano), 9000000000000000000) AS end_ns,
           try_cast(json_extract_string(attributes, '$."http.response.status_code"') AS INTEGER)
               AS status_code,
           coalesce(json_extract_string(attributes, '$."faas.coldstart"') = 'true', false) AS cold
    FROM spans WHERE kind IN ('server', 'consumer') AND start_unix_nano BETWEEN $first AND $last
    -- The records of a batch are part of it.
    AND NOT list_contains(json_extract_string(links, '$[*].attributes."observe.link"'), 'batch')
),
-- A handler that returned in its last moment has its span twice: the later end is right. Lines of an access
-- log that say the same word for word have one span ID, and are requests each.
latest AS (
    SELECT * FROM (
        SELECT * FROM entries WHERE told_by = 'layer'
        QUALIFY row_number() OVER (PARTITION BY trace_id, span_id ORDER BY end_unix_nano DESC, event_id) = 1
    )
    UNION ALL
    SELECT * FROM entries WHERE told_by NOT IN ('layer', 'platform')
),
-- A handler that another handler of the same invocation called is part of that request.
told AS (
    SELECT *,
           CASE WHEN json_extract_string(attributes, '$."http.route"') IS NOT NULL
                THEN concat_ws(' ', json_extract_string(attributes, '$."http.request.method"'),
                               json_extract_string(attributes, '$."http.route"'))
                WHEN kind = 'consumer' THEN name ELSE '' END AS endpoint
    FROM latest l WHERE l.request_id = '' OR NOT EXISTS (
        SELECT 1 FROM latest o WHERE o.trace_id = l.trace_id AND o.span_id = l.parent_span_id
                                 AND o.request_id = l.request_id AND o.log_stream = l.log_stream)
),
platform AS (SELECT * FROM entries WHERE told_by = 'platform'),
-- Retries of a request have its ID: each report goes with the nearest attempt, and each attempt with one.
near AS (
    SELECT t.event_id AS told_id, p.event_id AS platform_id, p.status = 'error' AS failed,
           abs(t.start_unix_nano - p.start_unix_nano) AS apart
    FROM told t JOIN platform p
      ON t.request_id = p.request_id AND t.log_stream = p.log_stream AND t.request_id <> ''
     AND t.start_unix_nano <= p.end_ns + 1000000000
     AND p.start_unix_nano <= t.end_ns + 1000000000
),
pairs AS (
    SELECT * FROM (
        SELECT * FROM near QUALIFY row_number() OVER (PARTITION BY platform_id ORDER BY apart, told_id) = 1
    ) QUALIFY row_number() OVER (PARTITION BY told_id ORDER BY apart, platform_id) = 1
),
-- What only the platform told (not sampled, killed, no layer) names no route; a function with one has that.
single AS (
    SELECT service, min(endpoint) AS endpoint, min(kind) AS kind FROM told WHERE side = 'serverless'
    GROUP BY service HAVING count(DISTINCT endpoint) = 1
),
-- The layer tells of a function's start only where a request waited for it; the platform in its report.
inits AS (
    SELECT trace_id, parent_span_id AS span_id, min(start_unix_nano) AS began FROM spans
    WHERE name IN ('init', 'restore') AND start_unix_nano BETWEEN 0 AND $last
      AND json_extract_string(attributes, '$."aws.lambda.initialization_type"') IS NOT NULL
    GROUP BY ALL
),
init_reports AS (
    SELECT split_part(event_id, ':', 1) AS line, log_stream, request_id,
           round(max(value) * 1000000)::BIGINT AS wait_ns
    FROM metrics WHERE name IN ('aws.lambda.init_duration', 'aws.lambda.restore_duration')
      AND value BETWEEN 0 AND 86400000 AND request_id <> '' GROUP BY ALL
),
requests AS (
    SELECT side, service, kind, endpoint, start_unix_nano, end_ns - start_unix_nano AS ns,
           greatest(start_unix_nano - coalesce(began, start_unix_nano), 0) AS wait_ns,
           status = 'error' OR coalesce(status_code >= 500, false)
               OR event_id IN (SELECT told_id FROM pairs WHERE failed) AS failed,
           status_code, cold, told_by, trace_id, span_id, correlation_id, request_id, attributes
    FROM told LEFT JOIN inits USING (trace_id, span_id)
    UNION ALL
    SELECT side, p.service, coalesce(s.kind, p.kind), coalesce(s.endpoint, ''), start_unix_nano,
           end_ns - start_unix_nano, coalesce(i.wait_ns, 0),
           status = 'error' OR coalesce(status_code >= 500, false), status_code, cold, told_by, trace_id,
           span_id, correlation_id, p.request_id, attributes
    FROM platform p LEFT JOIN single s ON p.service = s.service
    -- A span of the platform and its metrics are of one line, and have its ID before their own.
    LEFT JOIN init_reports i ON i.line = split_part(p.event_id, ':', 1) AND i.log_stream = p.log_stream
                            AND i.request_id = p.request_id
    WHERE event_id NOT IN (SELECT platform_id FROM pairs)
)
"""
