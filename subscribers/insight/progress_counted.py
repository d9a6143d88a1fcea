"""How far the migration is: what observe.yaml says of each endpoint, and the traffic that was seen.

Raises what the source raises (StoreError).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from subscribers.config import Endpoint
from subscribers.insight.answer import Question, Source
from subscribers.insight.parity_compared import asked
from subscribers.insight.parity_traffic import Seen, Served, Traffic, by_endpoint
from subscribers.insight.requests import REQUESTS
from subscribers.insight.statistics import Rate, rate
from subscribers.tables import Row

#: Who serves an endpoint. As configured: `split` where both sides are there and the split is not 0 or 100,
#: or is not told. As seen: `split` where both sides had traffic.
Stage = Literal["legacy", "split", "serverless", "none"]

#: The share of traffic may differ from the split by that much before it is worth a word: 5 points.
SPLIT_MARGIN = 0.05
#: How often a share is said to contradict a split that was kept, at most.
FALSE_CONTRADICTIONS = 0.01

_NS_PER_S = 1_000_000_000
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

_RANGE = """
SELECT min(start_unix_nano) AS first, max(start_unix_nano) AS last FROM spans
WHERE kind = 'server' AND start_unix_nano BETWEEN $first AND $last
"""
#: Old services of which something was read.
_READ = """
SELECT service FROM logs WHERE side = 'legacy' AND time_unix_nano BETWEEN $first AND $last
UNION
SELECT service FROM spans WHERE side = 'legacy' AND start_unix_nano BETWEEN $first AND $last
"""
_BY_SLOT = f"""{REQUESTS}
SELECT side, service, endpoint AS route, start_unix_nano // $slot * $slot AS slot, count(*) AS count,
       count(*) FILTER (failed) AS failed, min(start_unix_nano) AS first, max(start_unix_nano) AS last
FROM requests WHERE kind = 'server' GROUP BY side, service, route, slot ORDER BY slot, side, service, route
"""  # noqa: S608


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. configured: who serves it by observe.yaml; seen: by traffic in the asked time."""

    endpoint: Endpoint
    configured: Stage
    seen: Stage
    legacy: Served
    serverless: Served
    #: What was served since the cutover, where that lies within the asked time; else all.
    since_legacy: Served
    since_serverless: Served
    #: Whether that is since the cutover; and whether anything of the old service was read in the asked time.
    is_since_cutover: bool = False
    is_legacy_read: bool = False

    @property
    def share(self) -> float | None:
        """The serverless side's share of requests, from 0 to 1; None where there were none."""
        return _share(self.legacy, self.serverless)

    @property
    def split_seen(self) -> Rate | None:
        """The share since the cutover with its limits, to be held against the split."""
        total = self.since_legacy.count + self.since_serverless.count
        return rate(self.since_serverless.count, total, FALSE_CONTRADICTIONS / 2) if total else None

    @property
    def is_contradicted(self) -> bool:
        """Whether the traffic says something else than the split, by more than chance and SPLIT_MARGIN."""
        split, found = self.endpoint.split, self.split_seen
        if split is None or found is None:
            return False
        # All or nothing leaves no room for chance.
        if split in (0, 100):
            return found.estimate != split / 100
        is_apart = abs(found.estimate - split / 100) > SPLIT_MARGIN
        return is_apart and not found.low <= split / 100 <= found.high


class Slot(msgspec.Struct, frozen=True):
    """One piece of time. shares: endpoint -> the serverless side's share; all: that of all endpoints."""

    start_unix_nano: int
    legacy: int
    serverless: int
    shares: dict[str, float | None]

    @property
    def all(self) -> float | None:
        """The serverless share of the traffic of all endpoints."""
        total = self.legacy + self.serverless
        return self.serverless / total if total else None


class Counted(msgspec.Struct, frozen=True):
    """The whole migration. slot_s: length of a slot in seconds; others: what belongs to no endpoint."""

    items: tuple[Progress, ...]
    slots: tuple[Slot, ...]
    slot_s: int
    others: tuple[Seen, ...]


def counted(source: Source, question: Question) -> Counted:
    """Count what was served, by endpoint and over time; a day a slot, or less where the time is short."""
    times = {"first": question.first_unix_nano, "last": question.last_unix_nano}
    slot_s = _slot_s(source(_RANGE, times))
    rows = source(_BY_SLOT, {**times, "slot": slot_s * _NS_PER_S})
    endpoints = question.config.endpoints
    found = by_endpoint(_seen(rows), endpoints)
    wanted = asked(question)
    since = _since_cutovers(source, question, wanted)
    read = {row["service"] for row in source(_READ, times)}
    items = tuple(_progress(endpoint, found, since.get(endpoint.cutover), read) for endpoint in wanted)
    by_slot: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_slot[row["slot"]].append(row)
    slots = tuple(
        _slot(start, by_endpoint(_seen(some), endpoints), wanted) for start, some in by_slot.items()
    )
    return Counted(items, slots, slot_s, found.others)


def share_of(items: Iterable[Progress]) -> float | None:
    """Return the serverless share of the requests of endpoints, from 0 to 1; None where there are none."""
    legacy = serverless = 0
    for item in items:
        legacy, serverless = legacy + item.legacy.count, serverless + item.serverless.count
    return serverless / (legacy + serverless) if legacy + serverless else None


def unix_nano(instant: str) -> int:
    """Return an instant of observe.yaml in nanoseconds since the epoch."""
    return round(datetime.fromisoformat(instant).timestamp() * 1_000_000) * 1_000


def time_text(start_unix_nano: int, slot_s: int) -> str:
    """Return the time of a slot: its date, and its minute where it is shorter than a day. UTC."""
    at = datetime.fromtimestamp(start_unix_nano // _NS_PER_S, UTC)
    return at.strftime("%Y-%m-%d" if slot_s == _DAY else "%Y-%m-%dT%H:%MZ")


def _slot_s(rows: list[Row]) -> int:
    first, last = rows[0]["first"], rows[0]["last"]
    length_s = (last - first) / _NS_PER_S if first is not None else 0
    if length_s <= 2 * _HOUR:
        return _MINUTE
    return _HOUR if length_s <= 3 * _DAY else _DAY


def _seen(rows: Iterable[Row]) -> list[Seen]:
    found: dict[tuple[str, str, str], Seen] = {}
    for row in rows:
        served = Served(
            count=row["count"],
            failed=row["failed"],
            first_unix_nano=row["first"],
            last_unix_nano=row["last"],
        )
        key = (row["side"], row["service"], row["route"])
        if key in found:
            served = found[key].served.plus(served)
        found[key] = Seen(row["side"], row["service"], row["route"], served)
    return list(found.values())


def _since_cutovers(source: Source, question: Question, wanted: Iterable[Endpoint]) -> dict[str, Traffic]:
    """Cutover -> the traffic since, for those that lie within the asked time."""
    out: dict[str, Traffic] = {}
    for cutover in dict.fromkeys(endpoint.cutover for endpoint in wanted if endpoint.cutover):
        first = unix_nano(cutover)
        if question.first_unix_nano < first <= question.last_unix_nano:
            params = {"first": first, "last": question.last_unix_nano, "slot": _DAY * _NS_PER_S}
            out[cutover] = by_endpoint(_seen(source(_BY_SLOT, params)), question.config.endpoints)
    return out


def _progress(endpoint: Endpoint, found: Traffic, cut: Traffic | None, read: Collection[str]) -> Progress:
    since = cut or found
    legacy, serverless = found.of(endpoint.name, "legacy"), found.of(endpoint.name, "serverless")
    return Progress(
        endpoint=endpoint,
        configured=_configured(endpoint),
        seen=_stage(bool(legacy.count), bool(serverless.count)),
        legacy=legacy,
        serverless=serverless,
        since_legacy=since.of(endpoint.name, "legacy"),
        since_serverless=since.of(endpoint.name, "serverless"),
        is_since_cutover=cut is not None,
        is_legacy_read=endpoint.legacy is not None and endpoint.legacy.service in read,
    )


def _configured(endpoint: Endpoint) -> Stage:
    split = endpoint.split
    return _stage(
        endpoint.legacy is not None and split != 100, endpoint.serverless is not None and split != 0
    )


def _stage(has_legacy: bool, has_serverless: bool) -> Stage:
    if has_legacy:
        return "split" if has_serverless else "legacy"
    return "serverless" if has_serverless else "none"


def _slot(start_unix_nano: int, traffic: Traffic, wanted: list[Endpoint]) -> Slot:
    legacy = sum(traffic.of(endpoint.name, "legacy").count for endpoint in wanted)
    serverless = sum(traffic.of(endpoint.name, "serverless").count for endpoint in wanted)
    shares = {
        endpoint.name: _share(traffic.of(endpoint.name, "legacy"), traffic.of(endpoint.name, "serverless"))
        for endpoint in wanted
    }
    return Slot(start_unix_nano, legacy, serverless, shares)


def _share(legacy: Served, serverless: Served) -> float | None:
    total = legacy.count + serverless.count
    return serverless.count / total if total else None
