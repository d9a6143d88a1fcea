"""What somebody should know of parity, as sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from subscribers.insight.answer import Finding, Level, Question
from subscribers.insight.parity_bursts import SLOT_S, Burst, is_long
from subscribers.insight.parity_compared import Parity, Report
from subscribers.insight.parity_traffic import Seen, Served
from subscribers.insight.parity_verdict import ERROR_MARGIN, FALSE_VERDICTS, Verdict
from subscribers.insight.parity_words import (
    VERDICTS,
    because,
    compared,
    counting,
    is_compared,
    measured,
    needs,
)
from subscribers.insight.statistics import difference, rate

LEVELS: dict[Verdict, Level] = {"regressed": "bad", "better": "ok", "as_good": "ok", "inconclusive": "info"}
#: Endpoints and routes that one finding names.
_NAMED = 5


def findings(items: Iterable[Parity], report: Report, question: Question) -> Iterator[Finding]:
    """Yield the findings on items, endpoint by endpoint, then those on what belongs to none."""
    yield from unknown_names(question)
    for item in items:
        if is_compared(item):
            yield _verdict(item)
            yield from _cold_starts(item)
            yield from _unknown(item)
            yield from _bursts(item, report.bursts)
            yield from _small_print(item)
        yield from _one_side(item, question)
        yield from _cutover(item)
    yield from unnamed(report.others, question)


def unknown_names(question: Question) -> Iterator[Finding]:
    """Yield a finding for each endpoint and service that is asked for and that observe.yaml does not have."""
    for kind, asked, known in (
        ("endpoint", question.endpoints, question.config.endpoints),
        ("service", question.services, question.config.services),
    ):
        for name in asked:
            if name not in known:
                has = ", ".join(known) or "none"
                yield Finding(
                    level="warning",
                    text=f"{name} is no {kind} of observe.yaml; it has {has}",
                    evidence={kind: name, "known": list(known)},
                )


def unnamed(others: Iterable[Seen], question: Question) -> Iterator[Finding]:
    """Yield findings for requests of routes that no endpoint has, and of endpoints at other services."""
    others = [one for one in others if not question.services or one.service in question.services]
    routes = [one for one in others if one.route and not one.stray_of]
    if routes and not question.endpoints:
        names = _several(f"{one.route} ({one.side}, {one.service})" for one in routes)
        count = sum(one.served.count for one in routes)
        yield Finding(
            level="warning" if question.config.endpoints else "info",
            text=f"{requests_text(count)} had routes that no endpoint of observe.yaml names: {names}",
            evidence={"requests": count, "routes": len(routes)},
        )
    for one in others:
        if one.stray_of and (not question.endpoints or one.stray_of in question.endpoints):
            yield Finding(
                level="warning",
                text=f"{one.stray_of}: {one.service} served {requests_text(one.served.count)} of"
                f" {one.route} on the {one.side} side, where observe.yaml does not name it: they count for"
                " no endpoint",
                evidence={"requests": one.served.count, "service": one.service},
            )
    yield from _without_route(others, question)


def _verdict(item: Parity) -> Finding:
    route = item.route if item.is_declared else "not in observe.yaml"
    how = "" if item.comparison == "side_by_side" else f", {compared(item)}"
    is_worse = item.verdict == "inconclusive" and any(part.is_worse for part in counting(item))
    return Finding(
        level="warning" if is_worse or item.is_doubted else LEVELS[item.verdict],
        text=f"{item.endpoint} ({route}): {VERDICTS[item.verdict]}{how}; {because(item)}",
        evidence=_evidence(item),
        # How much more traffic is needed, and weights of hours, are estimates.
        basis="estimated" if item.reweighted or needs(item) else "measured",
        correlation_ids=_samples(item) if item.verdict == "regressed" or is_worse else (),
    )


def _unknown(item: Parity) -> Iterator[Finding]:
    for name, side in (("legacy", item.legacy), ("serverless", item.serverless)):
        if side.unknown:
            yield Finding(
                level="warning" if item.unknown_matters else "info",
                text=f"{item.endpoint}: nobody told the outcome of {side.unknown:,} of"
                f" {requests_text(side.count)} ({_percent(side.unknown / side.count)}) of the {name} side:"
                " the layer samples, or is missing",
                evidence={"unknown": side.unknown, "requests": side.count},
            )


def _cold_starts(item: Parity) -> Iterator[Finding]:
    if item.latency == "regressed" and item.latency_warm in ("as_good", "better"):
        yield Finding(
            level="warning",
            text=f"{item.endpoint}: requests without a cold start are {VERDICTS[item.latency_warm]}: the"
            f" {_percent(item.cold_share)} with one make the difference",
            evidence={"cold": item.serverless.cold, "requests": item.serverless.count},
            basis="inferred",
        )


def _bursts(item: Parity, found: Iterable[Burst]) -> Iterator[Finding]:
    for burst in found:
        served: Served = getattr(item, burst.side)
        if burst.endpoint == item.endpoint and is_long(served) and burst.failed == served.failed:
            yield Finding(
                level="info",
                text=f"{item.endpoint}: {burst.within} of {burst.failed} failures of the {burst.side} side"
                f" came within {2 * SLOT_S // 60} minutes from {_time(burst.first_unix_nano)}: maybe one"
                " incident, and the verdict one on that",
                evidence={"within": burst.within, "failed": burst.failed},
                basis="inferred",
            )


def _small_print(item: Parity) -> Iterator[Finding]:
    """What is worse for sure, but not by more than the margin; and requests that are refused more often."""
    if item.verdict in ("as_good", "better"):
        for part in counting(item):
            if part.is_worse:
                text = f"{item.endpoint}: within the margin, but worse: {measured(part)}"
                yield Finding(
                    level="info", text=text, evidence=_evidence(item), correlation_ids=_samples(item)
                )
    if item.comparison == "numbers":
        return
    old, new = (_refused(side) for side in (item.legacy, item.serverless))
    _, low, _ = difference(rate(*old, FALSE_VERDICTS), rate(*new, FALSE_VERDICTS))
    if low > ERROR_MARGIN:
        before, after = (_percent(k / n) for k, n in (old, new))
        yield Finding(
            level="warning",
            text=f"{item.endpoint}: the new side refuses more requests: 4xx {before} to {after}",
            evidence={"legacy": _statuses(item.legacy), "serverless": _statuses(item.serverless)},
        )


def _one_side(item: Parity, question: Question) -> Iterator[Finding]:
    endpoint = question.config.endpoints.get(item.endpoint)
    if endpoint is None or not (endpoint.legacy and endpoint.serverless):
        return
    seen = {side for side in ("legacy", "serverless") if getattr(item, side).count}
    if item.comparison in ("baseline", "numbers"):
        seen.discard("legacy")
    if len(seen) == 1:
        (side,) = seen
        other = "serverless" if side == "legacy" else "legacy"
        text = f"{item.endpoint} ({item.route}): seen on the {side} side only; nothing came from {other}"
        yield Finding(level="info", text=text, evidence={side: getattr(item, side).count})


def _cutover(item: Parity) -> Iterator[Finding]:
    if not item.cutover:
        return
    at = int(datetime.fromisoformat(item.cutover).timestamp() * 1_000_000_000)
    is_asked = item.comparison in ("side_by_side", "before_after")
    if is_asked and item.legacy.last_unix_nano > at:
        text = f"{item.endpoint}: legacy requests after the cutover of {item.cutover}, the last at "
        yield Finding(
            level="info",
            text=text + _time(item.legacy.last_unix_nano),
            evidence={"cutover_unix_nano": at, "last_legacy_unix_nano": item.legacy.last_unix_nano},
        )


def _without_route(others: Iterable[Seen], question: Question) -> Iterator[Finding]:
    endpoints = question.config.endpoints.values()
    services = {side.service for one in endpoints for side in (one.legacy, one.serverless) if side}
    for one in others:
        if not one.route and one.service in services:
            failed = one.served.failed
            yield Finding(
                level="warning" if failed else "info",
                text=f"{one.service}: {requests_text(one.served.count)} named no route"
                f"{f', and {failed:,} of them failed' if failed else ''}: they are part of no endpoint",
                evidence={"requests": one.served.count, "failed": failed},
                correlation_ids=one.served.failures,
            )


def _evidence(item: Parity) -> dict[str, Any]:
    parts = (item.errors, item.p50, item.p95)
    return {
        "legacy_requests": item.legacy.count,
        "serverless_requests": item.serverless.count,
        "compared": item.comparison,
        **_doubted(item),
        **{part.measure: [_finite(x) for x in (part.change, part.low, part.high)] for part in parts},
    }


def _doubted(item: Parity) -> dict[str, Any]:
    """The numbers behind doubts, where there are any."""
    found: dict[str, Any] = {}
    if item.shifts:
        found["statuses"] = {one.status: [one.old, one.new] for one in item.shifts}
    if item.unknown_matters:
        found["unknown"] = [item.legacy.unknown, item.serverless.unknown]
    if item.lost_matters:
        found["failed_without_route"] = list(item.lost)
    if item.reweighted:
        found["same_hours"] = msgspec.to_builtins(item.reweighted)
    return found


def _samples(item: Parity) -> tuple[str, ...]:
    failing = item.errors.verdict == "regressed" or item.errors.is_worse
    return item.serverless.failures if failing else item.serverless.slowest


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _several(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more


def requests_text(count: int) -> str:
    """Return `1 request`, `2,000 requests`."""
    return f"{count:,} {'request' if count == 1 else 'requests'}"


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0):.1f}%"


def _time(unix_nano: int) -> str:
    return datetime.fromtimestamp(unix_nano // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refused(served: Served) -> tuple[int, int]:
    return served.statuses.get("4xx", 0), served.count


def _statuses(served: Served) -> dict[str, int]:
    return {status or "none": n for status, n in served.statuses.items()}
