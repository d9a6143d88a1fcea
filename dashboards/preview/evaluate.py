"""Expressions over facts, by piece of time: the arithmetic that every tool's own language is made of.

Percent     no point where `over` is 0 or not there; a missing `of` is 0; below the gate it is 0
Quotient    no point where either is not there or `over` is 0
Total       one that is missing counts 0, all missing is no point
Scaled      as what it scales
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import fsum, isfinite

from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Statistic, Total
from dashboards.measures import MEASURES
from dashboards.preview.facts import Facts

#: One value a piece of time; None where there is no point.
Points = list[float | None]
_QUANTILES: dict[Statistic, float] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def quantile(values: Iterable[float], share: float) -> float:
    """Return a quantile by linear interpolation between the two nearest values; of at least one value."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def statistic_of(values: Sequence[float], statistic: Statistic, is_count: bool = False) -> float | None:
    """Return one statistic of the values of a piece; None where there are none.

    is_count: whether the values are sums of a count already, so that their number means nothing.
    """
    if not values:
        return None
    match statistic:
        case "sum":
            return fsum(values)
        case "avg":
            return fsum(values) / len(values)
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "count":
            return fsum(values) if is_count else float(len(values))
        case _:
            return quantile(values, _QUANTILES[statistic])


def points(expression: Expression, facts: Facts, pieces: range, length_s: int, gated_s: int = 0) -> Points:
    """Return an expression's value in each piece.

    length_s: of a piece. gated_s: the period that a gate counts in; a piece that is shorter needs as much
    less traffic. 0: the gate counts in the piece.
    """
    part = min(1.0, length_s / gated_s) if gated_s else 1.0

    def metric(one: Metric) -> Points:
        found = facts.of(one.measure, one.subject, length_s)
        is_count = MEASURES[one.measure].shape == "count"
        return [statistic_of(found.get(piece, ()), one.statistic, is_count) for piece in pieces]

    return _evaluated(expression, metric, part)


def whole(expression: Expression, facts: Facts) -> float | None:
    """Return an expression's value over all of the window, as if it were one piece."""

    def metric(one: Metric) -> Points:
        is_count = MEASURES[one.measure].shape == "count"
        return [statistic_of(facts.whole(one.measure, one.subject), one.statistic, is_count)]

    return _evaluated(expression, metric, 0.0)[0]


def is_additive(expression: Expression) -> bool:
    """Return whether a value grows with the length of its piece: sums, counts, what is made of them."""
    match expression:
        case Metric(statistic=statistic):
            return statistic in ("sum", "count")
        case Total(of=several):
            return all(map(is_additive, several))
        case Scaled(of=of):
            return is_additive(of)
        case _:
            return False


def _evaluated(expression: Expression, metric: Callable[[Metric], Points], part: float) -> Points:
    match expression:
        case Metric():
            return metric(expression)
        case Percent(of=of, over=over, gate=gate):
            pairs = zip(_evaluated(of, metric, part), _evaluated(over, metric, part), strict=True)
            return [_percent(one, other, gate * part) for one, other in pairs]
        case Quotient(of=of, over=over):
            pairs = zip(_evaluated(of, metric, part), _evaluated(over, metric, part), strict=True)
            return [_divided(one, other) for one, other in pairs]
        case Total(of=several):
            rows = [_evaluated(one, metric, part) for one in several]
            return [_total(values) for values in zip(*rows, strict=True)]
        case Scaled(of=of, by=by):
            return [None if one is None else _finite(one * by) for one in _evaluated(of, metric, part)]


def _percent(of: float | None, over: float | None, gate: float) -> float | None:
    if not over:
        return None
    return 0.0 if over < gate else _divided(100 * (of or 0.0), over)


def _divided(of: float | None, over: float | None) -> float | None:
    if of is None or not over:
        return None
    return _finite(of / over)


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _finite(fsum(known)) if known else None


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
