"""Each endpoint's two sides, compared.

The old side is what it served in the asked time; where that is nothing, what it served in the endpoint's
`baseline` period; where that is no longer stored, the numbers that observe.yaml keeps of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from subscribers.config import Endpoint
from subscribers.insight.answer import Question, Source
from subscribers.insight.parity_bursts import Burst, bursts
from subscribers.insight.parity_hours import (
    ByHour,
    Hours,
    Reweighted,
    at_one_time,
    comparable,
    differ,
    hours_of,
)
from subscribers.insight.parity_mix import Shift, latencies, same_class, shifts
from subscribers.insight.parity_outcomes import judge_outcomes
from subscribers.insight.parity_traffic import Seen, Served, Traffic, by_endpoint, seen, undeclared
from subscribers.insight.parity_verdict import Judged, Verdict, judge_quantile, together
from subscribers.insight.sketch import Sketch
from subscribers.signals import Side

#: With what the serverless side is compared. side_by_side: both served at the same time; before_after: one
#: began when the other had ended, but for a few; baseline: legacy requests of another period; numbers: of
#: observe.yaml.
Comparison = Literal["side_by_side", "before_after", "baseline", "numbers", "none"]

_NS_PER_S = 1_000_000_000


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint's comparison. legacy, serverless: what was compared; times in ms."""

    endpoint: str
    route: str
    comparison: Comparison
    verdict: Verdict
    legacy: Served
    serverless: Served
    #: Of the requests in the asked time, how many were serverless, from 0 to 1; None where there were none.
    share: float | None
    errors: Judged
    p50: Judged
    p95: Judged
    #: The quantiles without cold starts: no part of the verdict, for callers wait for cold starts, too.
    p50_warm: Judged
    p95_warm: Judged
    #: When traffic was moved, as observe.yaml has it, or "".
    cutover: str = ""
    #: Days of the baseline that was compared with, both included, or "".
    baseline: str = ""
    #: False for a route that both sides serve and observe.yaml does not name.
    is_declared: bool = True
    #: Why there may be no verdict, although there is traffic enough. The status mix that changed; whether
    #: what nobody told the outcome of, and failures without a route (of the old side, of the new), could
    #: change it; and what the new side looks like with the old one's hours, where that says something else.
    shifts: tuple[Shift, ...] = ()
    unknown_matters: bool = False
    lost: tuple[int, int] = (0, 0)
    lost_matters: bool = False
    reweighted: Reweighted | None = None
    #: The class of answers whose latencies were compared, or "" for all requests.
    status: str = ""

    @property
    def is_doubted(self) -> bool:
        """Whether it is inconclusive for another reason than little traffic."""
        is_other = bool(self.shifts or self.unknown_matters or self.lost_matters or self.reweighted)
        return self.verdict == "inconclusive" and is_other

    @property
    def latency(self) -> Verdict:
        """The verdict on the latency of all requests."""
        return together((self.p50, self.p95))

    @property
    def latency_warm(self) -> Verdict:
        """The verdict on latency had there been no cold starts."""
        return together((self.p50_warm, self.p95_warm))

    @property
    def cold_share(self) -> float | None:
        """Share of serverless requests that waited for a cold start, from 0 to 1."""
        return self.serverless.cold / self.serverless.count if self.serverless.count else None


class Report(msgspec.Struct, frozen=True):
    """All comparisons, and what was served that is part of none. bursts: where error rates decided."""

    items: tuple[Parity, ...]
    others: tuple[Seen, ...]
    bursts: tuple[Burst, ...] = ()


def report(source: Source, question: Question) -> Report:
    """Compare the endpoints asked for, and routes that both sides serve undeclared.

    Raises what the source raises.
    """
    endpoints = question.config.endpoints
    found = by_endpoint(seen(source, question.first_unix_nano, question.last_unix_nano), endpoints)
    extra = {} if question.endpoints else undeclared(found.others)
    more = by_endpoint(found.others, extra)
    every = {**endpoints, **extra}
    served_by_both = any(len(sides) == 2 for part in (found, more) for sides in part.endpoints.values())
    hours = hours_of(source, question, every) if served_by_both else {}
    baselines = _Baselines(source, endpoints)
    items = [_compared(endpoint, found, baselines, hours) for endpoint in asked(question)]
    items += [
        msgspec.structs.replace(_compared(endpoint, more, baselines, hours), is_declared=False)
        for endpoint in extra.values()
        if _is_asked(endpoint, question)
    ]
    by_hour = ByHour(source, question, every)
    items = [_held_against_hours(item, hours, by_hour) for item in items]
    decided = any(item.errors.verdict in ("regressed", "better") or item.errors.is_worse for item in items)
    found_bursts = bursts(source, question, every) if decided else ()
    return Report(tuple(items), more.others if extra else found.others, tuple(found_bursts))


_HoursOf = Mapping[tuple[str, Side], Hours]


def _held_against_hours(item: Parity, hours: _HoursOf, by_hour: ByHour) -> Parity:
    """Withhold a verdict that the sides' different hours made."""
    old, new = _hours(item.endpoint, hours)
    is_open = item.verdict == "inconclusive" or not (item.legacy.count and item.serverless.count)
    if is_open or not (comparable(old, new) and differ(old, new)):
        return item
    found = by_hour.reweighted(item.endpoint, item.status)
    if found is None or found.verdict == item.verdict:
        return item
    return msgspec.structs.replace(item, verdict="inconclusive", reweighted=found)


def _hours(endpoint: str, hours: _HoursOf) -> tuple[Hours, Hours]:
    return hours.get((endpoint, "legacy"), {}), hours.get((endpoint, "serverless"), {})


def asked(question: Question) -> list[Endpoint]:
    """Return the endpoints that are asked for, in the order of observe.yaml."""
    return [endpoint for endpoint in question.config.endpoints.values() if _is_asked(endpoint, question)]


class _Baselines:
    """Legacy requests of the periods in observe.yaml; each period is read once, and only when needed."""

    def __init__(self, source: Source, endpoints: Mapping[str, Endpoint]) -> None:
        self._source, self._endpoints = source, endpoints
        self._read: dict[tuple[int, int], Traffic] = {}

    def legacy(self, endpoint: Endpoint) -> Served:
        period = _period(endpoint)
        if period is None:
            return Served()
        if period not in self._read:
            self._read[period] = by_endpoint(seen(self._source, *period), self._endpoints)
        return self._read[period].of(endpoint.name, "legacy")


def _compared(endpoint: Endpoint, traffic: Traffic, baselines: _Baselines, hours: _HoursOf) -> Parity:
    legacy, serverless = traffic.of(endpoint.name, "legacy"), traffic.of(endpoint.name, "serverless")
    total = legacy.count + serverless.count
    share = serverless.count / total if total else None
    comparison = _concurrence(legacy, serverless, *_hours(endpoint.name, hours))
    lost = _lost(endpoint, traffic)
    if not legacy.count:
        legacy, lost = baselines.legacy(endpoint), (0, lost[1])
        comparison = _without_legacy(endpoint, legacy)
    numbers = endpoint.baseline if comparison == "numbers" else {}
    old_grows = comparison in ("side_by_side", "before_after")
    outcome = judge_outcomes(
        legacy, serverless, lost, share=_share(numbers.get("error_percent")), old_grows=old_grows
    )
    shifted = shifts(legacy, serverless)
    status = same_class(legacy, serverless) if shifted else ""
    old, new = _latencies(legacy, status, shifted), _latencies(serverless, status, shifted)
    p95 = _float(numbers.get("p95_ms"))
    pairs = list(zip(old, new, strict=True))
    p50s = [judge_quantile("p50", a if a.count else None, b, old_grows=old_grows) for a, b in pairs]
    p95s = [judge_quantile("p95", a if a.count else p95, b, old_grows=old_grows) for a, b in pairs]
    judged = (outcome.judged, p50s[0], p95s[0])
    # Numbers of a baseline have no median to compare with.
    verdict = together(part for part in judged if not (numbers and part.measure == "p50"))
    return Parity(
        endpoint=endpoint.name,
        route=endpoint.route,
        comparison=comparison,
        verdict="inconclusive" if shifted and verdict != "regressed" else verdict,
        legacy=legacy,
        serverless=serverless,
        share=share,
        errors=outcome.judged,
        p50=p50s[0],
        p95=p95s[0],
        p50_warm=p50s[1],
        p95_warm=p95s[1],
        cutover=endpoint.cutover,
        baseline=_days(endpoint) if comparison in ("baseline", "numbers") else "",
        shifts=shifted,
        unknown_matters=outcome.unknown,
        lost=lost,
        lost_matters=outcome.routeless,
        status=status,
    )


def _latencies(served: Served, status: str, shifted: tuple[Shift, ...]) -> tuple[Sketch, Sketch]:
    """Latencies of all requests and of those without a cold start; of one class where answers differ."""
    return latencies(served, status) if shifted else (served.latency, served.warm)


def _lost(endpoint: Endpoint, traffic: Traffic) -> tuple[int, int]:
    """Failures without a route of the two sides' services: they may be this endpoint's."""
    old, new = (
        sum(
            one.served.failed
            for one in traffic.others
            if implementation and (one.side, one.service, one.route) == (side, implementation.service, "")
        )
        for side, implementation in (("legacy", endpoint.legacy), ("serverless", endpoint.serverless))
    )
    return old, new


def _concurrence(legacy: Served, serverless: Served, old: Hours, new: Hours) -> Comparison:
    if not (legacy.count and serverless.count):
        return "none"
    is_apart = (
        legacy.last_unix_nano < serverless.first_unix_nano
        or serverless.last_unix_nano < legacy.first_unix_nano
    )
    return "before_after" if is_apart or not at_one_time(old, new) else "side_by_side"


def _without_legacy(endpoint: Endpoint, legacy: Served) -> Comparison:
    if legacy.count:
        return "baseline"
    return "numbers" if {"p95_ms", "error_percent"} & set(endpoint.baseline) else "none"


def _period(endpoint: Endpoint) -> tuple[int, int] | None:
    """First and last nanosecond of the baseline, whose days are UTC's."""
    if not endpoint.baseline:
        return None
    first, last = (datetime.fromisoformat(endpoint.baseline[key]) for key in ("from", "to"))
    return _unix_nano(first), _unix_nano(last + timedelta(days=1)) - 1


def _unix_nano(day: datetime) -> int:
    return int(day.replace(tzinfo=UTC).timestamp()) * _NS_PER_S


def _days(endpoint: Endpoint) -> str:
    return f"{endpoint.baseline['from']} to {endpoint.baseline['to']}"


def _is_asked(endpoint: Endpoint, question: Question) -> bool:
    services = {side.service for side in (endpoint.legacy, endpoint.serverless) if side}
    return (not question.endpoints or endpoint.name in question.endpoints) and (
        not question.services or bool(services & set(question.services))
    )


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _share(percent: object) -> float | None:
    return float(percent) / 100 if isinstance(percent, (int, float)) else None
