"""Expressions as CloudWatch's metric math: points with IDs, and one formula over them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

from dashboards.cloudwatch.filters import Filter
from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.sources import Point, Source, number, source_of
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Total
from dashboards.resources import System


class Formulas:
    """The points of one widget or alarm: each has one ID, whoever uses it. prefix: of IDs, `m` -> m1, m2."""

    def __init__(self, system: System, prefix: str = "m") -> None:
        self._system = system
        self._prefix = prefix
        self.ids: dict[Point, str] = {}
        self.filters: dict[Filter, None] = {}
        #: What is told instead of what was asked for, sentences.
        self.said: dict[str, None] = {}

    def of(self, expression: Expression) -> str | Absent:
        """Return the formula of an expression, or why it has none; points it needs are in `ids`."""
        match expression:
            case Metric():
                return self._metric(expression)
            case Percent():
                return self._percent(expression)
            case Quotient(of=of, over=over):
                return self._both(of, over, "({0}/{1})")
            case Total(of=several):
                return self._total(several)
            case Scaled(of=of, by=by):
                found = self.of(of)
                return found if isinstance(found, Absent) else f"({found}*{number(by)})"

    def _metric(self, metric: Metric) -> str | Absent:
        source = source_of(metric, self._system)
        return source if isinstance(source, Absent) else self._source(source)

    def _source(self, source: Source) -> str:
        self.filters.update(dict.fromkeys(source.filters))
        if source.said:
            self.said[source.said] = None
        return source.formula.format(*(self._id(point) for point in source.points))

    def _id(self, point: Point) -> str:
        return self.ids.setdefault(point, f"{self._prefix}{len(self.ids) + 1}")

    def _percent(self, percent: Percent) -> str | Absent:
        if percent.gate > 0:
            # Too little traffic is 0, so that a gated alarm is neither open nor without data.
            return self._both(
                percent.of,
                percent.over,
                f"IF(FILL({{1}},0)>={number(percent.gate)},100*FILL({{0}},0)/{{1}},0)",
            )
        return self._both(percent.of, percent.over, "(100*FILL({0},0)/{1})")

    def _both(self, first: Expression, second: Expression, formula: str) -> str | Absent:
        one, other = self.of(first), self.of(second)
        if isinstance(one, Absent):
            return one
        return other if isinstance(other, Absent) else formula.format(one, other)

    def _total(self, several: tuple[Expression, ...]) -> str | Absent:
        """A part that CloudWatch does not have counts nothing, which is said; one there must be."""
        found = [self.of(one) for one in several]
        there = [one for one in found if isinstance(one, str)]
        missing = [one for one in found if isinstance(one, Absent)]
        if not there:
            return missing[0] if missing else Absent("There is nothing to add up.")
        self.said.update({f"Not in the sum: {one.reason}": None for one in missing})
        return there[0] if len(there) == 1 else f"SUM([{','.join(there)}])"
