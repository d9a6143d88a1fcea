"""What each log group sent, and which of observe.yaml's sent nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from subscribers.config_groups import rank
from subscribers.insight.answer import Question, Source

# A line becomes rows of any table, and its event ID leads the IDs of all of them.
_GROUPS = """
WITH rows AS (
    SELECT log_group, service, side, event_id AS line, time_unix_nano AS told, 'logs' AS kind FROM logs
    WHERE time_unix_nano BETWEEN $first AND $last
    UNION ALL
    SELECT log_group, service, side, split_part(event_id, ':', 1), start_unix_nano, 'spans' FROM spans
    WHERE start_unix_nano BETWEEN $first AND $last
    UNION ALL
    SELECT log_group, service, side, split_part(event_id, ':', 1), time_unix_nano, 'metrics' FROM metrics
    WHERE time_unix_nano BETWEEN $first AND $last
)
SELECT log_group, service, side, count(DISTINCT line) AS lines, count(*) FILTER (kind = 'logs') AS logs,
       count(*) FILTER (kind = 'spans') AS spans, count(*) FILTER (kind = 'metrics') AS metrics,
       min(told) AS first_unix_nano, max(told) AS last_unix_nano
FROM rows WHERE len($services) = 0 OR list_contains($services, service)
GROUP BY log_group, service, side ORDER BY log_group, service
"""

_DROPPED_BY_LAMBDA = """
SELECT log_group, service, sum(value) AS records FROM metrics
WHERE name = 'aws.lambda.logs_dropped' AND time_unix_nano BETWEEN $first AND $last
GROUP BY log_group, service HAVING records > 0 ORDER BY log_group
"""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What the store has of one log group. lines: events that became at least one row."""

    log_group: str
    service: str
    side: str
    lines: int
    logs: int
    spans: int
    metrics: int
    first_unix_nano: int
    last_unix_nano: int


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """A log group of observe.yaml that sent nothing; `*` at its end stands for all that begin so."""

    log_group: str
    service: str


class DroppedByLambda(msgspec.Struct, frozen=True, kw_only=True):
    """Records that Lambda said it did not deliver to an extension: platform.logsDropped."""

    log_group: str
    service: str
    records: float


def groups(source: Source, question: Question) -> list[Group]:
    """Return what each log group sent in a time. Raises what the source raises."""
    params = {**_times(question), "services": list(question.services)}
    return [msgspec.convert(row, Group) for row in source(_GROUPS, params)]


def dropped_by_lambda(source: Source, question: Question) -> list[DroppedByLambda]:
    """Return what Lambda says that it dropped. Raises what the source raises."""
    return [msgspec.convert(row, DroppedByLambda) for row in source(_DROPPED_BY_LAMBDA, _times(question))]


def silent(found: Iterable[Group], question: Question) -> Iterator[Silent]:
    """Yield the log groups of observe.yaml of which the store has nothing in the time asked for."""
    known = {one.log_group for one in found}
    for service in question.config.services.values():
        if question.services and service.name not in question.services:
            continue
        for name in service.log_groups:
            if not any(rank(name, group) for group in known):
                yield Silent(log_group=name, service=service.name)


def _times(question: Question) -> dict[str, int]:
    return {"first": question.first_unix_nano, "last": question.last_unix_nano}
