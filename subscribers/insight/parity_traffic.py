"""What each side served, by endpoint of observe.yaml: counts, statuses and sketches, never rows.

Raises what the source raises (StoreError).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from subscribers.config import Endpoint, Implementation
from subscribers.insight.answer import Source
from subscribers.insight.requests import REQUESTS
from subscribers.insight.sketch import Sketch, bucket_sql
from subscribers.signals import Side
from subscribers.tables import Row

#: Correlation IDs that are kept as samples: the slowest, and those that failed.
_SAMPLES = 3
_PARAMETER = re.compile(r"\{[^{}/]*?(\+?)\}")
#: How Express, Rails, Flask and Spring's older half write a parameter.
_OTHER_PARAMETER = re.compile(r"(?<=/)(?::[^/]+|<[^<>/]+>)")

_BY_BUCKET = f"""{REQUESTS}, served AS (
    SELECT side, service, endpoint AS route, cold, failed, correlation_id, start_unix_nano,
           greatest(ns, 0) / 1e6 AS ms,
           CASE WHEN status_code BETWEEN 100 AND 599 THEN concat(status_code // 100, 'xx') ELSE '' END
               AS status
    FROM requests WHERE kind = 'server'
)
SELECT side, service, route, status, cold, {bucket_sql("ms")} AS bucket, count(*) AS count,
       count(*) FILTER (failed) AS failed, sum(ms) AS total, min(ms) AS low, max(ms) AS high,
       min(start_unix_nano) AS first, max(start_unix_nano) AS last,
       coalesce(max_by(correlation_id, ms) FILTER (correlation_id <> ''), '') AS sample,
       coalesce(max_by(correlation_id, ms) FILTER (correlation_id <> '' AND failed), '') AS failed_sample
FROM served GROUP BY side, service, route, status, cold, bucket
ORDER BY side, service, route, bucket DESC, status, cold
"""  # noqa: S608


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one side. latency, warm: in milliseconds, of all and of those without a cold start.

    statuses: class of the response (`2xx`), "" where there was none -> how many. Times: nanoseconds, of
    the first and the last request's start; 0 where there are none.
    """

    count: int = 0
    failed: int = 0
    cold: int = 0
    statuses: dict[str, int] = {}
    latency: Sketch = msgspec.field(default_factory=Sketch)
    warm: Sketch = msgspec.field(default_factory=Sketch)
    first_unix_nano: int = 0
    last_unix_nano: int = 0
    slowest: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

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
            cold=self.cold + other.cold,
            statuses=statuses,
            latency=self.latency.plus(other.latency),
            warm=self.warm.plus(other.warm),
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
    groups: dict[tuple[Side, str, str], list[Row]] = defaultdict(list)
    for row in source(_BY_BUCKET, {"first": first_unix_nano, "last": last_unix_nano}):
        groups[row["side"], row["service"], row["route"]].append(row)
    return [Seen(*key, _served(rows)) for key, rows in groups.items()]


def by_endpoint(found: Iterable[Seen], endpoints: Mapping[str, Endpoint]) -> Traffic:
    """Sort what was served by endpoint. Names of parameters do not matter: {id} is {number}."""
    own = _implementations(endpoints)
    known = {key[2:]: name for key, name in reversed(own.items())}
    traffic: dict[str, dict[Side, Served]] = defaultdict(dict)
    others: list[Seen] = []
    for one in found:
        method, path = canonical(one.route)
        name = own.get((one.side, one.service, method, path)) or own.get((one.side, one.service, "ANY", path))
        if name:
            traffic[name][one.side] = traffic[name].get(one.side, Served()).plus(one.served)
        else:
            stray = known.get((method, path)) or known.get(("ANY", path)) or ""
            others.append(msgspec.structs.replace(one, stray_of=stray))
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


def canonical(route: str) -> tuple[str, str]:
    """Return (method, path) of a route, without the names of its parameters and a slash at the end."""
    method, _, path = route.partition(" ")
    path = _PARAMETER.sub(r"{\1}", _OTHER_PARAMETER.sub("{}", path))
    return method, path.rstrip("/") or "/"


def _implementations(endpoints: Mapping[str, Endpoint]) -> dict[tuple[str, str, str, str], str]:
    """(side, service, method, path) -> endpoint. A side's own route wins over the endpoint's."""
    out: dict[tuple[str, str, str, str], str] = {}
    sides = [
        (side, implementation, endpoint)
        for endpoint in endpoints.values()
        for side, implementation in (("legacy", endpoint.legacy), ("serverless", endpoint.serverless))
        if implementation is not None
    ]
    for side, implementation, endpoint in sides:
        out.setdefault((side, implementation.service, *canonical(implementation.route)), endpoint.name)
    for side, implementation, endpoint in sides:
        out.setdefault((side, implementation.service, *canonical(endpoint.route)), endpoint.name)
    return out


def _served(rows: list[Row]) -> Served:
    """rows: of one side, service and route; the slowest bucket first."""
    statuses: dict[str, int] = defaultdict(int)
    for row in rows:
        statuses[row["status"]] += row["count"]
    return Served(
        count=sum(row["count"] for row in rows),
        failed=sum(row["failed"] for row in rows),
        cold=sum(row["count"] for row in rows if row["cold"]),
        statuses=dict(sorted(statuses.items())),
        latency=_sketch(rows),
        warm=_sketch([row for row in rows if not row["cold"]]),
        first_unix_nano=min(row["first"] for row in rows),
        last_unix_nano=max(row["last"] for row in rows),
        slowest=_samples(row["sample"] for row in rows),
        failures=_samples(row["failed_sample"] for row in rows),
    )


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
