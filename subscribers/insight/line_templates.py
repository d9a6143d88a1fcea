"""Kinds of log lines: to which template most bytes go. The source counts, Python masks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from subscribers.alerts.fingerprint import template_of
from subscribers.insight.answer import Question, Source

#: Kinds of messages that are masked; the source takes digits and hex out first, so these are most of a store.
LOOKED_AT_MAX = 10_000

#: Bytes of a record as it was written, estimated: of JSON lines the store has the parts, not the line. Their
#: context (times, IDs, names of keys) is some 200 bytes.
LINE_BYTES = """(strlen(message) + CASE WHEN dataset IN ('observe', 'lambda.json', 'json', 'gelf')
    THEN 200 + strlen(attributes::VARCHAR) + strlen(error_type) + strlen(error_message) + strlen(error_stack)
    ELSE 0 END)"""

_KINDS = f"""
WITH kinds AS (
    SELECT log_group, service, level,
           regexp_replace(regexp_replace(left(message, 1024), '[0-9a-fA-F]{{8}}[0-9a-fA-F-]*', '0', 'g'),
                          '[0-9]+', '0', 'g') AS kind,
           min(left(message, 4096)) AS message, count(*) AS lines, sum({LINE_BYTES})::BIGINT AS bytes
    FROM logs
    WHERE time_unix_nano BETWEEN $first AND $last
      AND (len($services) = 0 OR list_contains($services, service))
    GROUP BY ALL
)
SELECT *, count(*) OVER () AS kinds, sum(bytes) OVER ()::BIGINT AS all_bytes,
       sum(lines) OVER ()::BIGINT AS all_lines
FROM kinds ORDER BY bytes DESC, log_group, level, kind LIMIT $most
"""  # noqa: S608 - only text of ours


class LineTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """One template in one log group. bytes: of the records it is the text of, estimated for JSON lines."""

    template: str
    log_group: str
    service: str
    level: str
    lines: int
    bytes: int


class LineTemplates(msgspec.Struct, frozen=True, kw_only=True):
    """The templates of a store, those with most bytes first.

    looked_at, kinds: kinds of messages that were masked, and all there are; bytes: of all lines.
    """

    templates: tuple[LineTemplate, ...] = ()
    looked_at: int = 0
    kinds: int = 0
    lines: int = 0
    bytes: int = 0
    looked_at_bytes: int = 0


def line_templates(source: Source, question: Question, looked_at_max: int = LOOKED_AT_MAX) -> LineTemplates:
    """Return the templates of the lines of the services asked for. Raises what the source raises."""
    rows = source(
        _KINDS,
        {
            "first": question.first_unix_nano,
            "last": question.last_unix_nano,
            "services": list(question.services),
            "most": looked_at_max,
        },
    )
    if not rows:
        return LineTemplates()
    templates = grouped(rows)
    return LineTemplates(
        templates=tuple(templates),
        looked_at=len(rows),
        kinds=rows[0]["kinds"],
        lines=rows[0]["all_lines"],
        bytes=rows[0]["all_bytes"],
        looked_at_bytes=sum(one.bytes for one in templates),
    )


def grouped(rows: Iterable[dict[str, Any]]) -> list[LineTemplate]:
    """Return kinds of messages {message, log_group, service, level, lines, bytes} by template, most first."""
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for row in rows:
        key = (template_of(row["message"]), row["log_group"], row["service"], row["level"])
        total = sums.setdefault(key, [0, 0])
        total[0] += row["lines"]
        total[1] += row["bytes"]
    found = [
        LineTemplate(template=t, log_group=group, service=service, level=level, lines=lines, bytes=size)
        for (t, group, service, level), (lines, size) in sums.items()
    ]
    return sorted(found, key=lambda one: (-one.bytes, one.log_group, one.template))
