"""When both sides served: whether that was at one time, and whether totals mislead as their hours differ.

A side that serves the quiet hours looks fast next to one that serves the busy ones. So where the sides' hours
differ clearly, the new side is looked at once more, each hour with the weight that it has on the old side;
where that says something else than the totals, there is no verdict. Estimates, no limits: they only take
verdicts away. Raises what the source raises (StoreError).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from subscribers.config import Endpoint
from subscribers.insight.answer import Question, Source
from subscribers.insight.parity_traffic import Seen, Served, by_endpoint, seen_by_slot
from subscribers.insight.parity_verdict import (
    ERROR_MARGIN,
    QUANTILES,
    Verdict,
    least_better,
    worst_allowed,
)
from subscribers.insight.requests import REQUESTS
from subscribers.insight.sketch import Sketch, value_of
from subscribers.signals import Side

HOUR_NS = 3_600_000_000_000
#: Both sides served at the same time if this share of each side's requests lies in hours in which both did.
_SHARED = 0.05
#: Or where most of one side's requests lie, and so many of both as a p95 needs for any limits.
_MOST, _ENOUGH = 0.5, 150
#: Hours differ clearly where this share of requests, beyond chance, would have to come at another time.
_MOVED = 0.1

_BY_HOUR = f"""{REQUESTS}
SELECT side, service, endpoint AS route, start_unix_nano // $hour AS hour, count(*) AS count
FROM requests WHERE kind = 'server' GROUP BY side, service, route, hour
"""  # noqa: S608

#: Hour since the epoch -> requests.
Hours = Mapping[int, int]


class Reweighted(msgspec.Struct, frozen=True):
    """Both sides in the hours they share, the new one's with the old one's weights. Shares: 0 to 1; ms."""

    old_errors: float
    new_errors: float
    old_ms: dict[str, float]
    new_ms: dict[str, float]

    @property
    def verdict(self) -> Verdict:
        """What the estimates say, without limits."""
        change = self.new_errors - self.old_errors
        pairs = [(self.old_ms[q], self.new_ms[q]) for q in self.old_ms]
        if change > ERROR_MARGIN or any(new > worst_allowed(old) for old, new in pairs):
            return "regressed"
        is_better = change < -ERROR_MARGIN or any(new < least_better(old) for old, new in pairs)
        return "better" if is_better else "as_good"


def hours_of(
    source: Source, question: Question, endpoints: Mapping[str, Endpoint]
) -> dict[tuple[str, Side], dict[int, int]]:
    """Return (endpoint, side) -> how many requests each hour of the asked time has."""
    times = {"first": question.first_unix_nano, "last": question.last_unix_nano}
    slots: dict[int, list[Seen]] = {}
    for row in source(_BY_HOUR, {**times, "hour": HOUR_NS}):
        served = Served(count=row["count"])
        slots.setdefault(row["hour"], []).append(Seen(row["side"], row["service"], row["route"], served))
    found: dict[tuple[str, Side], dict[int, int]] = {}
    for hour, some in slots.items():
        for name, sides in by_endpoint(some, endpoints).endpoints.items():
            for side, served in sides.items():
                found.setdefault((name, side), {})[hour] = served.count
    return found


def at_one_time(old: Hours, new: Hours) -> bool:
    """Whether enough of each side's requests came in hours in which both served: a smoke test is not."""
    shared = old.keys() & new.keys()
    return all(sum(one[hour] for hour in shared) >= _SHARED * sum(one.values()) for one in (old, new))


def comparable(old: Hours, new: Hours) -> bool:
    """Whether the hours that both sides share tell enough: as of a canary of one hour next to a week."""
    if at_one_time(old, new):
        return True
    shared = old.keys() & new.keys()
    within = [sum(one[hour] for hour in shared) for one in (old, new)]
    is_most = any(n >= _MOST * sum(one.values()) for n, one in zip(within, (old, new), strict=True))
    return is_most and min(within) >= _ENOUGH


def differ(old: Hours, new: Hours) -> bool:
    """Whether the sides' hours differ by more than chance, and clearly."""
    n, m = sum(old.values()), sum(new.values())
    if not (n and m):
        return False
    moved = chance = 0.0
    for hour in old.keys() | new.keys():
        p, q = old.get(hour, 0) / n, new.get(hour, 0) / m
        both = (old.get(hour, 0) + new.get(hour, 0)) / (n + m)
        moved += abs(p - q) / 2
        chance += math.sqrt(both * (1 - both) * (1 / n + 1 / m)) / 2
    return moved > _MOVED + chance


class ByHour:
    """What endpoints served, hour by hour; read once, and only when needed."""

    def __init__(self, source: Source, question: Question, endpoints: Mapping[str, Endpoint]) -> None:
        self._source, self._question, self._endpoints = source, question, endpoints
        self._read: dict[int, dict[str, dict[Side, Served]]] | None = None

    def reweighted(self, endpoint: str, status: str = "") -> Reweighted | None:
        """Compare in the hours that both sides share; status: latencies of one class of answers, or of all.

        None where they share none.
        """
        pairs = [
            (sides["legacy"], sides["serverless"])
            for sides in (hour.get(endpoint, {}) for hour in self._hours().values())
            if len(sides) == 2
        ]
        return reweighted(pairs, status) if pairs else None

    def _hours(self) -> dict[int, dict[str, dict[Side, Served]]]:
        if self._read is None:
            times = (self._question.first_unix_nano, self._question.last_unix_nano)
            found = seen_by_slot(self._source, *times, HOUR_NS)
            self._read = {hour: by_endpoint(some, self._endpoints).endpoints for hour, some in found.items()}
        return self._read


def reweighted(pairs: list[tuple[Served, Served]], status: str = "") -> Reweighted:
    """Compare pairs of (old, new), an hour each: each request of the new side weighs what its hour needs."""
    before: dict[int, float] = {}
    after: dict[int, float] = {}
    total = old_failed = new_failed = 0.0
    for old, new in pairs:
        weight = old.count / new.count
        total, old_failed, new_failed = (
            total + old.count,
            old_failed + old.failed,
            new_failed + weight * new.failed,
        )
        _add(before, _latency(old, status), 1.0)
        _add(after, _latency(new, status), weight)
    names = QUANTILES if before and after else {}
    return Reweighted(
        old_failed / total,
        new_failed / total,
        {name: _quantile(before, q) for name, q in names.items()},
        {name: _quantile(after, q) for name, q in names.items()},
    )


def _latency(served: Served, status: str) -> Sketch:
    return served.answered.get(status, Sketch()) if status else served.latency


def _add(buckets: dict[int, float], sketch: Sketch, weight: float) -> None:
    for bucket, n in sketch.buckets.items():
        buckets[bucket] = buckets.get(bucket, 0.0) + weight * n


def _quantile(buckets: Mapping[int, float], q: float) -> float:
    left = q * sum(buckets.values())
    for bucket in sorted(buckets):
        left -= buckets[bucket]
        if left <= 0:
            return value_of(bucket)
    return value_of(max(buckets))
