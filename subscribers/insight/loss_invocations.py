"""Invocations that are told in part: a START without a REPORT, a REPORT without a START, one teller missing.

A request's retries have its ID, so STARTs and REPORTs are counted by request ID and log stream, not matched.
"""

from __future__ import annotations

import msgspec

from subscribers.insight.answer import Question, Source

#: Lambda's longest timeout: what began later than this before the end may still run.
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
LONGEST_NS = 15 * 60 * 1_000_000_000
_INT64_MAX = (1 << 63) - 1

_PLATFORM = """
lines AS (
    SELECT log_group, service, log_stream, request_id, time_unix_nano AS told, correlation_id,
           message LIKE 'START RequestId:%' OR json_extract_string(attributes, '$.type') = 'platform.start'
               AS is_start,
           message LIKE 'REPORT RequestId:%' OR json_extract_string(attributes, '$.type') = 'platform.report'
               AS is_report
    FROM logs
    WHERE dataset = 'lambda.platform' AND request_id <> '' AND time_unix_nano BETWEEN $from AND $to
      AND (len($services) = 0 OR list_contains($services, service))
),
known AS (SELECT min(time_unix_nano) AS first, max(time_unix_nano) AS last FROM logs)"""

_ENDS = f"""
WITH {_PLATFORM},
requests AS (
    SELECT log_group, service, log_stream, request_id, max(correlation_id) AS correlation_id,
           count(*) FILTER (is_start AND told BETWEEN $first AND $last) AS starts,
           count(*) FILTER (is_start) AS all_starts, max(told) FILTER (is_start) AS last_start,
           count(*) FILTER (is_report AND told BETWEEN $first AND $last) AS reports,
           count(*) FILTER (is_report) AS all_reports, min(told) FILTER (is_report) AS first_report
    FROM lines WHERE is_start OR is_report GROUP BY ALL
),
judged AS (
    SELECT r.*, least(starts, greatest(0, all_starts - all_reports)) AS open,
           least(reports, greatest(0, all_reports - all_starts)) AS begun_unseen,
           last_start > least($last, greatest(k.last, 0)) - $longest AS may_run,
           first_report < k.first + $longest AS may_be_older
    FROM requests r, known k
)
SELECT log_group, service, sum(starts)::BIGINT AS starts, sum(reports)::BIGINT AS reports,
       coalesce(sum(open) FILTER (NOT may_run), 0)::BIGINT AS without_end,
       coalesce(sum(open) FILTER (may_run), 0)::BIGINT AS may_run,
       coalesce(sum(begun_unseen) FILTER (NOT may_be_older), 0)::BIGINT AS without_start,
       coalesce(sum(begun_unseen) FILTER (may_be_older), 0)::BIGINT AS older,
       coalesce((list(request_id ORDER BY last_start) FILTER (open > 0 AND NOT may_run))[1:5], [])
           AS open_ids,
       coalesce((list(correlation_id ORDER BY last_start)
           FILTER (open > 0 AND NOT may_run AND correlation_id <> ''))[1:5], []) AS correlation_ids
FROM judged WHERE starts > 0 OR reports > 0
GROUP BY log_group, service ORDER BY log_group, service
"""  # noqa: S608 - only text of ours

# Who told of an invocation: Lambda by a line or a report's metric, the layer by a span or a line of its own.
_TELLERS = f"""
WITH {_PLATFORM},
platform AS (
    SELECT log_group, service, request_id FROM lines WHERE told BETWEEN $first AND $last
    UNION
    SELECT log_group, service, request_id FROM metrics
    WHERE name = 'aws.lambda.invocations' AND request_id <> '' AND time_unix_nano BETWEEN $first AND $last
      AND (len($services) = 0 OR list_contains($services, service))
),
layer AS (
    SELECT DISTINCT log_group, service, request_id FROM spans
    WHERE told_by = 'layer' AND request_id <> '' AND start_unix_nano BETWEEN $first AND $last
      AND kind IN ('server', 'consumer') AND (len($services) = 0 OR list_contains($services, service))
),
-- What lies at the edges of the time is told in part by its nature.
joined AS (
    SELECT coalesce(p.log_group, l.log_group) AS log_group, coalesce(p.service, l.service) AS service,
           p.request_id IS NOT NULL AS by_platform, l.request_id IS NOT NULL AS by_layer
    FROM platform p FULL JOIN layer l ON p.log_group = l.log_group AND p.request_id = l.request_id
)
SELECT log_group, service, count(*) AS requests,
       count(*) FILTER (NOT by_layer) AS platform_only, count(*) FILTER (NOT by_platform) AS layer_only
FROM joined GROUP BY log_group, service ORDER BY log_group, service
"""  # noqa: S608


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """The invocations of one log group. without_end: STARTs of which no REPORT came, though the longest
    timeout is over; may_run: those that began later; without_start: REPORTs whose START is not there;
    older: those that may have begun before the first line that the store has."""

    log_group: str
    service: str
    starts: int
    reports: int
    without_end: int
    may_run: int
    without_start: int
    older: int
    open_ids: tuple[str, ...] = ()
    correlation_ids: tuple[str, ...] = ()


class Tellers(msgspec.Struct, frozen=True, kw_only=True):
    """Who told of the invocations of one log group: requests told by Lambda alone, and by the layer alone."""

    log_group: str
    service: str
    requests: int
    platform_only: int
    layer_only: int


def ends(source: Source, question: Question) -> list[Ends]:
    """Return the beginnings and ends of invocations by log group. Raises what the source raises."""
    params = {**_parameters(question), "longest": LONGEST_NS}
    return [msgspec.convert(row, Ends) for row in source(_ENDS, params)]


def tellers(source: Source, question: Question) -> list[Tellers]:
    """Return who told of the invocations by log group. Raises what the source raises."""
    return [msgspec.convert(row, Tellers) for row in source(_TELLERS, _parameters(question))]


def _parameters(question: Question) -> dict[str, object]:
    return {
        "first": question.first_unix_nano,
        "last": question.last_unix_nano,
        "from": max(0, question.first_unix_nano - LONGEST_NS),
        "to": min(_INT64_MAX, question.last_unix_nano + LONGEST_NS),
        "services": list(question.services),
    }
