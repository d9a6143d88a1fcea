"""What each side served, by endpoint of observe.yaml: counts, statuses and sketches, never rows.

Raises what the source raises (StoreError).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from subscribers.config import Endpoint, Implementation
from subscribers.insight.answer import Source
from subscribers.insight.requests import REQUESTS
from subscribers.insight.routes import Routes, canonical
from subscribers.insight.sketch import Sketch, bucket_sql
from subscribers.signals import Side
from subscribers.tables import Row

#: Correlation IDs that are kept as samples: the slowest, and those that failed.
_SAMPLES = 3

#: What nobody told the outcome of: the platform only saw that the invocation ended.
UNKNOWN = "unknown"

_BY_BUCKET = f"""{REQUESTS}, served AS (
    SELECT side, service, endpoint AS route, cold, failed, correlation_id, start_unix_nano, told_by,
           (greatest(ns, 0) + wait_ns) / 1e6 AS ms, start_unix_nano // $slot AS slot,
           CASE WHEN status_code BETWEEN 100 AND 599 THEN concat(status_code // 100, 'xx')
                WHEN told_by = 'platform' AND NOT failed THEN '{UNKNOWN}' ELSE '' END AS status
    FROM requests WHERE kind = 'server'
)
SELECT side, service, route, status, cold, slot, {bucket_sql("ms")} AS bucket, count(*) AS count,
       count(*) FILTER (failed) AS failed, sum(ms) AS total, min(ms) AS low, max(ms) AS high,
       count(*) FILTER (failed AND told_by = 'platform') AS killed,
       min(start_unix_nano) AS first, max(start_unix_nano) AS last,
       coalesce(max_by(correlation_id, ms) FILTER (correlation_id <> ''), '') AS sample,
       coalesce(max_by(correlation_id, ms) FILTER (correlation_id <> '' AND failed), '') AS failed_sample
FROM served GROUP BY side, service, route, status, cold, slot, bucket
ORDER BY side, service, route, bucket DESC, status, cold, slot
"""  # noqa: S608
#: A slot that is longer than all time.
_ONE_SLOT = (1 << 63) - 1


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one side. latency, warm: in milliseconds, of all and of those without a cold start, with
    the wait for the start.

    statuses: class of the response (`2xx`), "" where there was none, UNKNOWN where nobody told -> how many.
    killed: failures that only the platform told. answered, answered_warm: latencies by class.
    Times: nanoseconds, of the first and the last request's start; 0 where there are none.
    """

    count: int = 0
    failed: int = 0
    killed: int = 0
    cold: int = 0
    statuses: dict[str, int] = {}
    latency: Sketch = msgspec.field(default_factory=Sketch)
    warm: Sketch = msgspec.field(default_factory=Sketch)
    answered: dict[str, Sketch] = {}
    answered_warm: dict[str, Sketch] = {}
    first_unix_nano: int = 0
    last_unix_nano: int = 0
    slowest: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def unknown(self) -> int:
        """Requests of which nobody told the outcome."""
        return self.statuses.get(UNKNOWN, 0)

    def plus(self, other: Served) -> Served:
        """Return the requests of both."""
        if not (self.count and other.count):
            return self if self.count else other
        statuses = dict(self.statuses)
        for status, n in other.statuses.items():
            statuses[status] = statuses.get(status, 0) + n
        return Served(
            count=self.count + other.count,
            failed=self.failed + other.failed,
            killed=self.killed + other.killed,
            cold=self.cold + other.cold,
            statuses=statuses,
            latency=self.latency.plus(other.latency),
            warm=self.warm.plus(other.warm),
            answered=_merged(self.answered, other.answered),
            answered_warm=_merged(self.answered_warm, other.answered_warm),
            first_unix_nano=min(self.first_unix_nano, other.first_unix_nano),
            last_unix_nano=max(self.last_unix_nano, other.last_unix_nano),
            slowest=(*self.slowest, *other.slowest)[:_SAMPLES],
            failures=(*self.failures, *other.failures)[:_SAMPLES],
        )


class Seen(msgspec.Struct, frozen=True):
    """What one service served of one route. route: `METHOD /path/{name}`, or "" where nobody told it."""

    side: Side
    service: str
    route: str
    served: Served
    #: The endpoint whose route it is, although it names another service for this side; else "".
    stray_of: str = ""


class Traffic(msgspec.Struct, frozen=True):
    """endpoints: name -> side -> what was served. others: what belongs to none of the endpoints."""

    endpoints: dict[str, dict[Side, Served]]
    others: tuple[Seen, ...]

    def of(self, endpoint: str, side: Side) -> Served:
        """What a side served of an endpoint."""
        return self.endpoints.get(endpoint, {}).get(side, Served())


def seen(source: Source, first_unix_nano: int, last_unix_nano: int) -> list[Seen]:
    """Return what was served in a time (both ends included), by side, service and route."""
    times = {"first": first_unix_nano, "last": last_unix_nano}
    return _seen(source(_BY_BUCKET, {**times, "slot": _ONE_SLOT}))


def seen_by_slot(
    source: Source, first_unix_nano: int, last_unix_nano: int, slot_ns: int
) -> dict[int, list[Seen]]:
    """Return the same by pieces of time: number of the piece since the epoch -> what was served in it."""
    slots: dict[int, list[Row]] = defaultdict(list)
    for row in source(_BY_BUCKET, {"first": first_unix_nano, "last": last_unix_nano, "slot": slot_ns}):
        slots[row["slot"]].append(row)
    return {slot: _seen(rows) for slot, rows in slots.items()}


def _seen(rows: Iterable[Row]) -> list[Seen]:
    groups: dict[tuple[Side, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["side"], row["service"], row["route"]].append(row)
    return [Seen(*key, _served(some)) for key, some in groups.items()]


def by_endpoint(found: Iterable[Seen], endpoints: Mapping[str, Endpoint]) -> Traffic:
    """Sort what was served by endpoint. Names of parameters do not matter: {id} is {number}."""
    routes = Routes(endpoints)
    traffic: dict[str, dict[Side, Served]] = defaultdict(dict)
    others: list[Seen] = []
    for one in found:
        name = routes.endpoint(one.side, one.service, one.route)
        if name:
            traffic[name][one.side] = traffic[name].get(one.side, Served()).plus(one.served)
        else:
            others.append(msgspec.structs.replace(one, stray_of=routes.stray_of(one.route)))
    return Traffic(dict(traffic), tuple(others))


def undeclared(others: Iterable[Seen]) -> dict[str, Endpoint]:
    """Return routes that both sides serve and no endpoint names, as endpoints that are named by the route.

    Only where each side has one service with it: else nobody knows which belong together.
    """
    sides: dict[tuple[str, str], dict[Side, list[Seen]]] = defaultdict(lambda: defaultdict(list))
    for one in others:
        if one.route and not one.stray_of:
            sides[canonical(one.route)][one.side].append(one)
    return {
        old.route: Endpoint(
            name=old.route,
            route=old.route,
            legacy=Implementation(old.service, old.route),
            serverless=Implementation(new.service, new.route),
        )
        for both in sides.values()
        if len(both["legacy"]) == 1 and len(both["serverless"]) == 1
        for old, new in zip(both["legacy"], both["serverless"], strict=True)
    }


def _served(rows: list[Row]) -> Served:
    """rows: of one side, service and route; the slowest bucket first."""
    statuses: dict[str, int] = defaultdict(int)
    for row in rows:
        statuses[row["status"]] += row["count"]
    return Served(
        count=sum(row["count"] for row in rows),
        failed=sum(row["failed"] for row in rows),
        killed=sum(row["killed"] for row in rows),
        cold=sum(row["count"] for row in rows if row["cold"]),
        statuses=dict(sorted(statuses.items())),
        latency=_sketch(rows),
        warm=_sketch([row for row in rows if not row["cold"]]),
        answered=_by_status(rows),
        answered_warm=_by_status([row for row in rows if not row["cold"]]),
        first_unix_nano=min(row["first"] for row in rows),
        last_unix_nano=max(row["last"] for row in rows),
        slowest=_samples(row["sample"] for row in rows),
        failures=_samples(row["failed_sample"] for row in rows),
    )


def _by_status(rows: list[Row]) -> dict[str, Sketch]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["status"]].append(row)
    return {status: _sketch(some) for status, some in groups.items()}


def _merged(one: Mapping[str, Sketch], other: Mapping[str, Sketch]) -> dict[str, Sketch]:
    return {
        status: one.get(status, Sketch()).plus(other.get(status, Sketch())) for status in {**one, **other}
    }


def _sketch(rows: list[Row]) -> Sketch:
    if not rows:
        return Sketch()
    buckets: dict[int, int] = defaultdict(int)
    for row in rows:
        buckets[row["bucket"]] += row["count"]
    total, low, high = (
        sum(r["total"] for r in rows),
        min(r["low"] for r in rows),
        max(r["high"] for r in rows),
    )
    return Sketch.of_counts(buckets, total, low, high)


def _samples(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, ids)))[:_SAMPLES]
