"""Pressure on the connections of the legacy side's databases, and how many calls functions had open then.

Inferred: that calls of functions cause it is read off the clock, nothing tells it.
"""

from __future__ import annotations

import msgspec

from subscribers.connections import EXHAUSTED
from subscribers.insight.answer import Question, Source

#: Gauges of pools by the end of their names: in use, and the most there can be.
_IN_USE = r"(?i)(pool|conn).*(in_?use|active|busy|used|usage|borrowed|checked_?out|open)"
_LIMIT = r"(?i)(pool|conn).*(max|limit|size|capacity)"

_MINUTES = """
WITH said AS (
    SELECT service, time_unix_nano // 60000000000 AS minute, count(*) AS lines,
           any_value(nullif(correlation_id, '')) AS correlation_id
    FROM logs
    WHERE side = 'legacy' AND time_unix_nano BETWEEN $first AND $last
      AND (regexp_matches(message, $exhausted) OR regexp_matches(error_message, $exhausted))
    GROUP BY ALL
),
gauges AS (
    SELECT service, time_unix_nano // 60000000000 AS minute,
           max(value) FILTER (regexp_matches(name, $in_use)) AS in_use,
           max(value) FILTER (regexp_matches(name, $most) AND NOT regexp_matches(name, $in_use)) AS most
    FROM metrics
    WHERE side = 'legacy' AND kind = 'gauge' AND time_unix_nano BETWEEN $first AND $last
      AND (regexp_matches(name, $in_use) OR regexp_matches(name, $most))
    GROUP BY ALL
),
-- The most calls that functions had open at a time: +1 where one begins, -1 where it ends.
steps AS (
    SELECT start_unix_nano AS moment, 1 AS step FROM spans
    WHERE side = 'serverless' AND kind = 'client' AND start_unix_nano BETWEEN $first AND $last
      AND json_extract_string(attributes, '$."http.request.method"') IS NOT NULL
    UNION ALL
    SELECT end_unix_nano, -1 FROM spans
    WHERE side = 'serverless' AND kind = 'client' AND start_unix_nano BETWEEN $first AND $last
      AND json_extract_string(attributes, '$."http.request.method"') IS NOT NULL
),
calls AS (
    SELECT moment // 60000000000 AS minute, max(open) AS calls FROM (
        SELECT moment, sum(step) OVER (ORDER BY moment, step ROWS UNBOUNDED PRECEDING) AS open FROM steps)
    GROUP BY minute
)
SELECT coalesce(s.service, g.service) AS service,
       coalesce(s.minute, g.minute) * 60000000000 AS minute_unix_nano,
       coalesce(s.lines, 0) AS lines, s.correlation_id, g.in_use, g.most,
       coalesce(c.calls, 0)::BIGINT AS calls,
       (SELECT coalesce(median(calls), 0) FROM calls) AS usual_calls
FROM said s FULL JOIN gauges g ON s.service = g.service AND s.minute = g.minute
LEFT JOIN calls c ON c.minute = coalesce(s.minute, g.minute)
WHERE s.lines > 0 OR g.in_use >= 0.8 * g.most
ORDER BY minute_unix_nano, service
"""


class Pressure(msgspec.Struct, frozen=True, kw_only=True):
    """One minute of one legacy service in which its connections were short.

    lines: that say so; in_use, most: gauges of its pools, None where there are none; calls: the most HTTP
    calls that functions had open at a time in that minute; usual_calls: the same, of the median minute.
    """

    service: str
    minute_unix_nano: int
    lines: int
    correlation_id: str | None
    in_use: float | None
    most: float | None
    calls: int
    usual_calls: float


def pressure(source: Source, question: Question) -> list[Pressure]:
    """Return the minutes with pressure of the services asked for, in order. Raises what the source raises."""
    params = {
        "first": question.first_unix_nano,
        "last": question.last_unix_nano,
        "exhausted": EXHAUSTED,
        "in_use": _IN_USE,
        "most": _LIMIT,
    }
    found = [msgspec.convert(row, Pressure) for row in source(_MINUTES, params)]
    return [one for one in found if not question.services or one.service in question.services]
