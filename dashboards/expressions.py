"""What a graph draws and an alarm judges: arithmetic over metrics of the catalogue, of no tool.

Every renderer turns these five shapes into its own language: CloudWatch's metric math, Datadog's formulas,
PromQL, Lens formulas, SQL of the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

Statistic = Literal["sum", "avg", "min", "max", "p50", "p90", "p95", "p99", "count"]


class Metric(msgspec.Struct, frozen=True, tag=True):
    """One metric of one subject. measure: a key of `measures.MEASURES`.

    subject: what the measure's `of` says: the ID of a resource (`queue:ClaimsSubmitted`), of a route,
    `NAME/legacy` or `NAME/serverless` of an endpoint, the name of a service, of a sink of the pipeline,
    "" for all of the pipeline.
    statistic: over the points of a period. `sum` of a count, never of a gauge.
    """

    measure: str
    subject: str
    statistic: Statistic


class Percent(msgspec.Struct, frozen=True, tag=True):
    """100 * of / over. Where `over` is 0 or not there: no point. A missing `of` is 0.

    gate: where `over` (a count in the period) is below it, the value is 0: too little traffic to judge.
    """

    of: Expression
    over: Expression
    gate: float = 0.0


class Quotient(msgspec.Struct, frozen=True, tag=True):
    """of / over; no point where either is not there or `over` is 0."""

    of: Expression
    over: Expression


class Total(msgspec.Struct, frozen=True, tag=True):
    """The sum of some; one that is missing counts 0, and all missing is no point."""

    of: tuple[Expression, ...]


class Scaled(msgspec.Struct, frozen=True, tag=True):
    """of * by: a unit that is more readable, a price."""

    of: Expression
    by: float


Expression = Metric | Percent | Quotient | Total | Scaled


def metrics_of(expression: Expression) -> Iterator[Metric]:
    """Yield the metrics of an expression, in order; one that stands twice comes twice."""
    match expression:
        case Metric():
            yield expression
        case Percent(of=of, over=over) | Quotient(of=of, over=over):
            yield from metrics_of(of)
            yield from metrics_of(over)
        case Total(of=several):
            for one in several:
                yield from metrics_of(one)
        case Scaled(of=of):
            yield from metrics_of(of)
