"""What each function cost, and what of it was spent on retries, failures and cold starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from subscribers.insight.answer import Question, Source
from subscribers.insight.cost_invocations import INVOCATIONS, parameters

#: Below this share of its memory at the 99th percentile a function may have too much of it.
USED_LITTLE = 0.5
#: Invocations that a percentile of memory needs before it says anything.
INVOCATIONS_MIN = 20

# A message that is in two invocations of a function was processed again; its part of the later one counts.
_FUNCTIONS = f"""
WITH {INVOCATIONS},
messages AS (
    SELECT service, request_id, json_extract_string(attributes, '$."messaging.message.id"') AS id,
           json_extract_string(attributes, '$."messaging.destination.name"') AS queue,
           min(start_unix_nano) AS started
    FROM spans
    WHERE kind = 'consumer' AND request_id <> '' AND start_unix_nano BETWEEN $first AND $last
      AND json_extract_string(attributes, '$."messaging.message.id"') IS NOT NULL
    GROUP BY ALL
),
again AS (
    SELECT request_id, avg((nth > 1)::INT) AS share FROM (
        SELECT request_id, row_number() OVER (
            PARTITION BY service, queue, id ORDER BY started, request_id) AS nth
        FROM messages)
    GROUP BY request_id HAVING share > 0
)
SELECT i.function, i.service, i.account, i.region, count(*) AS invocations,
       coalesce(sum(billed_ms), 0) / 1000 AS billed_s, coalesce(sum(gb_s), 0) AS gb_s,
       coalesce(sum(usd), 0) AS usd, count(*) FILTER (usd IS NULL) AS unpriced,
       arg_max(size_mb, ended) AS size_mb, quantile_cont(used_mb, 0.99) AS used_p99_mb,
       coalesce(min(size_mb) <> max(size_mb), false) AS was_resized,
       count(*) FILTER (retried) AS retries, coalesce(sum(usd) FILTER (retried), 0) AS retries_usd,
       count(*) FILTER (NOT retried AND share > 0) AS redeliveries,
       coalesce(sum(usd * share) FILTER (NOT retried AND share > 0), 0) AS redeliveries_usd,
       count(*) FILTER (timed_out) AS timeouts, coalesce(sum(usd) FILTER (timed_out), 0) AS timeouts_usd,
       count(*) FILTER (failed) AS errors, coalesce(sum(usd) FILTER (failed), 0) AS errors_usd,
       count(*) FILTER (cold) AS cold_starts,
       coalesce(sum(usd * least(1, billed_start_ms / nullif(billed_ms, 0))), 0) AS cold_starts_usd
FROM invocations i LEFT JOIN again a ON i.request_id = a.request_id
GROUP BY i.function, i.service, i.account, i.region
ORDER BY usd DESC, i.function, i.service, i.account, i.region
"""  # noqa: S608 - only text of ours


class FunctionCost(msgspec.Struct, frozen=True, kw_only=True):
    """One function in one account and Region.

    USD: estimates by list or own prices, without free tier and discounts. unpriced: invocations that tell no
    billed time or size. What is wasted overlaps: a timeout is an error, and a retry may be one, too.
    redeliveries: invocations with messages that the function had before. cold_starts_usd: what of them was
    billed.
    """

    function: str
    service: str
    account: str
    region: str
    invocations: int
    billed_s: float
    gb_s: float
    usd: float
    unpriced: int
    size_mb: float | None
    used_p99_mb: float | None
    was_resized: bool
    retries: int
    retries_usd: float
    redeliveries: int
    redeliveries_usd: float
    timeouts: int
    timeouts_usd: float
    errors: int
    errors_usd: float
    cold_starts: int
    cold_starts_usd: float

    @property
    def usd_per_million(self) -> float | None:
        """What a million invocations would cost."""
        priced = self.invocations - self.unpriced
        return self.usd / priced * 1e6 if priced else None

    @property
    def has_much_memory(self) -> bool:
        """Whether it used less than half of its memory at the 99th percentile."""
        if self.size_mb is None or self.used_p99_mb is None or self.was_resized:
            return False
        is_known = self.invocations >= INVOCATIONS_MIN
        # 128 MB is the least that there is: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
        return is_known and self.size_mb > 128 and self.used_p99_mb < USED_LITTLE * self.size_mb


def functions(source: Source, question: Question) -> list[FunctionCost]:
    """Return the functions asked for, the dearest first. Raises what the source raises."""
    return [msgspec.convert(row, FunctionCost) for row in source(_FUNCTIONS, parameters(question))]


def several(functions: Iterable[FunctionCost]) -> tuple[bool, bool]:
    """Return whether functions are of several accounts, and of several Regions: what tells them apart."""
    places = [(one.account, one.region) for one in functions]
    return len({account for account, _ in places}) > 1, len({region for _, region in places}) > 1


def named(functions: Sequence[FunctionCost]) -> list[str]:
    """Return a name of each that tells it apart: `submit`, or `submit (123456789012, eu-west-1)`."""
    by_account, by_region = several(functions)
    names = []
    for one in functions:
        place = [*([one.account] if by_account else []), *([one.region] if by_region else [])]
        said = ", ".join(part or "unknown" for part in place)
        names.append(f"{one.function} ({said})" if said else one.function)
    return names
