"""What log lines cost to take in: bytes by log group, and how many of them are the layer's own lines.

Estimates: the store holds what lines say, not the lines. CloudWatch's price is that of the standard class in
us-east-1 for the first 10 TB a month; other Regions ask up to twice as much.
https://aws.amazon.com/cloudwatch/pricing/
"""

from __future__ import annotations

import msgspec

from subscribers.insight.answer import Question, Source
from subscribers.insight.line_templates import LINE_BYTES

#: US dollars for 10^9 bytes.
USD_PER_GB = 0.50

# The layer writes the spans of an invocation as one line of OTLP JSON, which is about this much longer than
# what the store keeps of it; a metric is `MONITORING|time|value|kind|name|#tags`.
_GROUPS = f"""
WITH written AS (
    SELECT log_group, service, side, {LINE_BYTES} AS bytes,
           CASE WHEN dataset = 'observe'
                 AND json_extract_string(attributes, '$.event') LIKE 'observe.%' THEN {LINE_BYTES} ELSE 0 END
               AS own_bytes,
           level IN ('TRACE', 'DEBUG') AS is_debug
    FROM logs
    WHERE time_unix_nano BETWEEN $first AND $last
    UNION ALL
    SELECT log_group, service, side, 120 + sum(size), 120 + sum(size), false
    FROM (SELECT log_group, service, side, split_part(event_id, ':', 1) AS line,
                 240 + strlen(name) + 1.7 * strlen(attributes::VARCHAR) + 1.5 * strlen(links::VARCHAR)
                     + 1.5 * strlen(events::VARCHAR) AS size
          FROM spans WHERE told_by = 'layer' AND start_unix_nano BETWEEN $first AND $last)
    GROUP BY log_group, service, side, line
    UNION ALL
    SELECT log_group, service, side, 40 + strlen(name) + strlen(tags::VARCHAR),
           40 + strlen(name) + strlen(tags::VARCHAR), false
    FROM metrics
    WHERE side = 'serverless' AND name NOT LIKE 'aws.lambda.%' AND time_unix_nano BETWEEN $first AND $last
)
SELECT log_group, service, side, count(*) AS lines, sum(bytes)::BIGINT AS bytes,
       sum(own_bytes)::BIGINT AS own_bytes,
       coalesce(sum(bytes) FILTER (is_debug), 0)::BIGINT AS debug_bytes
FROM written WHERE len($services) = 0 OR list_contains($services, service)
GROUP BY ALL ORDER BY bytes DESC, log_group, service
"""  # noqa: S608 - only text of ours


class GroupBytes(msgspec.Struct, frozen=True, kw_only=True):
    """One log group. bytes: estimated, the layer's own lines included; own_bytes: those; debug_bytes: of
    lines at DEBUG and TRACE; is_priced: False where it comes through S3, which asks nothing for ingestion."""

    log_group: str
    service: str
    side: str
    lines: int
    bytes: int
    own_bytes: int
    debug_bytes: int
    is_priced: bool = True

    @property
    def usd(self) -> float | None:
        """What CloudWatch asks for taking them in."""
        return self.bytes / 1e9 * USD_PER_GB if self.is_priced else None


def groups(source: Source, question: Question) -> list[GroupBytes]:
    """Return the log groups of the services asked for, most bytes first. Raises what the source raises."""
    archived = {archive.log_group for archive in question.config.archives}
    params = {
        "first": question.first_unix_nano,
        "last": question.last_unix_nano,
        "services": list(question.services),
    }
    return [
        msgspec.convert({**row, "is_priced": row["log_group"] not in archived}, GroupBytes)
        for row in source(_GROUPS, params)
    ]
