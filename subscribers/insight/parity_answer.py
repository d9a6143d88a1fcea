"""Parity as tables and findings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import msgspec

from subscribers.insight.answer import Answer, Cell, Column, Question
from subscribers.insight.parity_compared import Parity, Report
from subscribers.insight.parity_findings import LEVELS, findings
from subscribers.insight.parity_tables import OTHERS, Shape, number, table
from subscribers.insight.parity_traffic import UNKNOWN, Served
from subscribers.insight.parity_verdict import FALSE_VERDICTS, Judged
from subscribers.insight.parity_words import VERDICTS, compared, is_compared, margins, verdict
from subscribers.insight.sketch import RELATIVE_ERROR, Sketch


def told(report: Report, question: Question) -> Answer:
    """Return the answer: the worst verdicts first, otherwise in the order of observe.yaml."""
    order = list(LEVELS)
    items = sorted(report.items, key=lambda item: (not is_compared(item), order.index(item.verdict)))
    judged = [item for item in items if is_compared(item)]
    return Answer(
        name="parity",
        title="Parity of the new implementations with the old",
        findings=tuple(findings(items, report, question)),
        tables=(
            table(question, _VERDICTS, items, "observe.yaml names no endpoint that was asked for"),
            table(question, _LATENCY, _sides(items), "no endpoint had traffic"),
            table(question, _STATUSES, _sides(items), "no endpoint had traffic"),
            table(question, _TESTS, _parts(judged), "no endpoint had traffic to compare"),
            table(question, OTHERS, report.others, "every request belongs to an endpoint"),
        ),
        notes=tuple(_notes(judged, question)),
    )


def _notes(judged: list[Parity], question: Question) -> Iterator[str]:
    yield margins()
    yield (
        f"At most {100 * FALSE_VERDICTS:g}% of the verdicts on an endpoint are false: of {len(judged)}"
        f" judged, {FALSE_VERDICTS * len(judged):.2g} may be. Requests count as independent of each"
        " other: an incident within the time asked for is part of what is compared. Limits: 99% intervals."
    )
    yield (
        "Latency is that of all requests, failed ones included, as each side told it: a web server's is of"
        " the whole response, a function's with the wait for its start and without its gateway. Where the"
        " sides answer differently, it is that of one class of answers. Quantiles are within"
        f" {100 * RELATIVE_ERROR:g}%."
    )
    if any(item.comparison == "before_after" for item in judged):
        yield (
            "Before and after: the sides hardly served at the same time; what else changed is compared, too."
        )
    if any(item.comparison == "numbers" for item in judged):
        yield "The baseline's numbers are taken for exact: of the legacy side no requests are stored."
    if question.by:
        yield f"Parity is not split by {question.by}: its verdicts are on whole endpoints."


class _Side(msgspec.Struct, frozen=True):
    item: Parity
    name: str
    served: Served
    latency: Sketch


class _Part(msgspec.Struct, frozen=True):
    item: Parity
    judged: Judged
    of: str


def _sides(items: Iterable[Parity]) -> list[_Side]:
    return [
        side
        for item in items
        for side in (
            _Side(item, "legacy", item.legacy, item.legacy.latency),
            _Side(item, "serverless", item.serverless, item.serverless.latency),
        )
        if side.served.count
    ]


def _parts(items: Iterable[Parity]) -> list[_Part]:
    return [
        _Part(item, part, of)
        for item in items
        for part, of in (
            (item.errors, "all"),
            (item.p50, "all"),
            (item.p95, "all"),
            (item.p50_warm, "warm"),
            (item.p95_warm, "warm"),
        )
        if not math.isnan(part.change)
    ]


def _quantile(q: float) -> Callable[[_Side], Cell]:
    return lambda side: number(side.latency.quantile(q))


def _status(name: str) -> Callable[[_Side], Cell]:
    return lambda side: side.served.statuses.get(name, 0)


def _warm_quantile(side: _Side) -> Cell:
    return number(side.served.warm.quantile(0.95)) if side.served.cold and side.served.warm.count else None


def _cold_percent(side: _Side) -> Cell:
    return number(100 * side.served.cold / side.served.count) if side.name == "serverless" else None


def _scaled(part: Judged, value: float) -> float | None:
    return number(100 * value if part.measure == "errors" else value)


_VERDICTS: Shape = (
    "verdicts",
    "Verdict by endpoint",
    (
        (Column("endpoint", "endpoint"), lambda item: item.endpoint),
        (Column("verdict", "verdict"), verdict),
        (Column("share", "serverless", "%"), lambda item: number(item.share and 100 * item.share)),
        (Column("legacy_requests", "legacy n"), lambda item: item.legacy.count),
        (Column("serverless_requests", "serverless n"), lambda item: item.serverless.count),
        (Column("legacy_errors", "legacy errors", "%"), lambda item: number(100 * item.errors.old)),
        (Column("serverless_errors", "errors", "%"), lambda item: number(100 * item.errors.new)),
        (Column("legacy_p95_ms", "legacy p95", "ms"), lambda item: number(item.p95.old)),
        (Column("serverless_p95_ms", "p95", "ms"), lambda item: number(item.p95.new)),
        (Column("p95_ratio", "p95 ratio", "1"), lambda item: number(item.p95.change)),
        (Column("latency", "latency"), lambda item: VERDICTS[item.latency] if is_compared(item) else ""),
        (
            Column("latency_warm", "warm"),
            lambda item: VERDICTS[item.latency_warm] if is_compared(item) else "",
        ),
        (Column("compared", "compared"), compared),
    ),
)
_LATENCY: Shape = (
    "latency",
    "Latency by endpoint and side",
    (
        (Column("endpoint", "endpoint"), lambda side: side.item.endpoint),
        (Column("side", "side"), lambda side: side.name),
        (Column("requests", "n"), lambda side: side.served.count),
        (Column("p50_ms", "p50", "ms"), _quantile(0.5)),
        (Column("p95_ms", "p95", "ms"), _quantile(0.95)),
        (Column("p99_ms", "p99", "ms"), _quantile(0.99)),
        (Column("mean_ms", "mean", "ms"), lambda side: number(side.latency.mean)),
        (Column("cold", "cold", "%"), _cold_percent),
        (Column("p95_warm_ms", "p95 warm", "ms"), _warm_quantile),
    ),
)
_STATUSES: Shape = (
    "statuses",
    "Status mix by endpoint and side",
    (
        (Column("endpoint", "endpoint"), lambda side: side.item.endpoint),
        (Column("side", "side"), lambda side: side.name),
        (Column("1xx", "1xx"), _status("1xx")),
        (Column("2xx", "2xx"), _status("2xx")),
        (Column("3xx", "3xx"), _status("3xx")),
        (Column("4xx", "4xx"), _status("4xx")),
        (Column("5xx", "5xx"), _status("5xx")),
        (Column("none", "no answer"), _status("")),
        (Column("unknown", "unknown"), _status(UNKNOWN)),
        (Column("failed", "failed"), lambda side: side.served.failed),
    ),
)
_TESTS: Shape = (
    "tests",
    "The comparisons behind the verdicts",
    (
        (Column("endpoint", "endpoint"), lambda part: part.item.endpoint),
        (Column("measure", "measure"), lambda part: part.judged.measure),
        (Column("of", "requests"), lambda part: part.of),
        (Column("verdict", "verdict"), lambda part: VERDICTS[part.judged.verdict]),
        # Points of the error rate, or times of the quantile.
        (Column("change", "points or times"), lambda part: _scaled(part.judged, part.judged.change)),
        (Column("low", "at least"), lambda part: _scaled(part.judged, part.judged.low)),
        (Column("high", "at most"), lambda part: _scaled(part.judged, part.judged.high)),
        (
            Column("traffic_needed", "traffic needed", "1", is_estimate=True),
            lambda part: number(part.judged.factor),
        ),
    ),
)
