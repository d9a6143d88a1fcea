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
from subscribers.insight.parity_traffic import Seen, Served, Traffic, by_endpoint, seen, undeclared
from subscribers.insight.parity_verdict import (
    Errors,
    Judged,
    Verdict,
    judge_errors,
    judge_quantile,
    together,
)

#: With what the serverless side is compared. side_by_side: both served at the same time; before_after: one
#: began when the other had ended; baseline: legacy requests of another period; numbers: of observe.yaml.
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
    baselines = _Baselines(source, endpoints)
    items = [_compared(endpoint, found, baselines) for endpoint in asked(question)]
    items += [
        msgspec.structs.replace(_compared(endpoint, more, baselines), is_declared=False)
        for endpoint in extra.values()
        if _is_asked(endpoint, question)
    ]
    decided = any(item.errors.verdict in ("regressed", "better") or item.errors.is_worse for item in items)
    found_bursts = bursts(source, question, {**endpoints, **extra}) if decided else ()
    return Report(tuple(items), more.others if extra else found.others, tuple(found_bursts))


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


def _compared(endpoint: Endpoint, traffic: Traffic, baselines: _Baselines) -> Parity:
    legacy, serverless = traffic.of(endpoint.name, "legacy"), traffic.of(endpoint.name, "serverless")
    total = legacy.count + serverless.count
    share = serverless.count / total if total else None
    comparison = _concurrence(legacy, serverless)
    if not legacy.count:
        legacy = baselines.legacy(endpoint)
        comparison = _without_legacy(endpoint, legacy)
    numbers = endpoint.baseline if comparison == "numbers" else {}
    old_grows = comparison in ("side_by_side", "before_after")
    p95 = numbers.get("p95_ms")
    median, slow = (legacy.latency, legacy.latency) if legacy.count else (None, _float(p95))
    errors = Errors(legacy.failed, legacy.count, _share(numbers.get("error_percent")))
    more = Errors(serverless.failed, serverless.count)
    judged = (
        judge_errors(errors, more, old_grows=old_grows),
        judge_quantile("p50", median, serverless.latency, old_grows=old_grows),
        judge_quantile("p95", slow, serverless.latency, old_grows=old_grows),
    )
    return Parity(
        endpoint=endpoint.name,
        route=endpoint.route,
        comparison=comparison,
        # Numbers of a baseline have no median to compare with.
        verdict=together(part for part in judged if not (numbers and part.measure == "p50")),
        legacy=legacy,
        serverless=serverless,
        share=share,
        errors=judged[0],
        p50=judged[1],
        p95=judged[2],
        p50_warm=judge_quantile("p50", median, serverless.warm, old_grows=old_grows),
        p95_warm=judge_quantile("p95", slow, serverless.warm, old_grows=old_grows),
        cutover=endpoint.cutover,
        baseline=_days(endpoint) if comparison in ("baseline", "numbers") else "",
    )


def _concurrence(legacy: Served, serverless: Served) -> Comparison:
    if not (legacy.count and serverless.count):
        return "none"
    is_apart = (
        legacy.last_unix_nano < serverless.first_unix_nano
        or serverless.last_unix_nano < legacy.first_unix_nano
    )
    return "before_after" if is_apart else "side_by_side"


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
