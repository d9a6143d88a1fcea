"""Short forms of the expressions that panels draw. The statistic fits the measure's shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dashboards.expressions import Expression, Metric, Percent, Statistic, Total
from dashboards.panels import Role, Series

PERCENTILES: tuple[Statistic, ...] = ("p50", "p95", "p99")


def count(measure: str, subject: str) -> Metric:
    """How often in a period."""
    return Metric(measure, subject, "sum")


def peak(measure: str, subject: str) -> Metric:
    """The highest state in a period."""
    return Metric(measure, subject, "max")


def mean(measure: str, subject: str) -> Metric:
    """The state in a period on average."""
    return Metric(measure, subject, "avg")


def lowest(measure: str, subject: str) -> Metric:
    """The lowest state in a period."""
    return Metric(measure, subject, "min")


def total(of: Iterable[Expression]) -> Expression:
    """The sum of some; of one, that one itself."""
    several = tuple(of)
    return several[0] if len(several) == 1 else Total(several)


def share(of: Expression, over: Expression) -> Percent:
    """How many percent of `over` are `of`."""
    return Percent(of, over)


def percentiles(
    measure: str, subject: str, role: Role = "neutral", of: Sequence[Statistic] = PERCENTILES
) -> tuple[Series, ...]:
    """Return a line for each percentile of a distribution; the role's colour is that of all of them."""
    return tuple(
        Series(label=one if one != "max" else "longest", of=Metric(measure, subject, one), role=role)
        for one in of
    )
