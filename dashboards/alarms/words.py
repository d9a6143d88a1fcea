"""Conditions in words: for the listing, and for descriptions of alarms in every tool."""

from __future__ import annotations

from dashboards.alarms.values import Condition, Missing
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Total
from dashboards.measures import MEASURES
from subscribers.alerts.model import Op

_OPS: dict[Op, str] = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most"}
_MISSING: dict[Missing, str] = {
    "ok": "no data: nothing is wrong",
    "breaching": "no data: that is the fault",
    "keep": "no data: the state stays",
}
_STATISTICS = {"avg": "average of", "max": "highest", "min": "lowest", "count": "number of"}
_UNITS = {"1": "", "MBy": " MB", "{USD}": " USD", "%": "%"}
_LENGTHS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_BYTES = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def condition_words(condition: Condition) -> str:
    """Return a condition as people say it.

    Such as `failed requests: more than 5% of at least 20 requests, in 2 of 3 periods of 5 min`.
    """
    limit = f"{_OPS[condition.op]} {amount(condition.threshold, condition.unit)}"
    of = condition.of
    if isinstance(of, Percent):
        gate = f"at least {of.gate:,g} " if of.gate else ""
        return f"{noun(of.of)}: {limit} of {gate}{noun(of.over)}, {window_words(condition)}"
    return f"{noun(of)}: {limit}, {window_words(condition)}"


def window_words(condition: Condition) -> str:
    """Return over which time is judged: `in 2 of 3 periods of 5 min`."""
    period = length(condition.period_s)
    if condition.periods == 1:
        return f"in a period of {period}"
    if condition.datapoints == condition.periods:
        return f"in {condition.periods} periods of {period} in a row"
    return f"in {condition.datapoints} of {condition.periods} periods of {period}"


def missing_words(missing: Missing) -> str:
    """Return what no data means."""
    return _MISSING[missing]


def amount(value: float, unit: str) -> str:
    """Return a number with its unit: `5%`, `1,800 ms`, `15 min`, `2 GiB`."""
    if unit == "s" and value >= 60:
        return length(value)
    if unit == "ms" and value >= 60_000:
        return length(value / 1000)
    if unit == "By":
        for size, name in _BYTES:
            if abs(value) >= size:
                return f"{number(value / size)} {name}"
        return f"{number(value)} B"
    return number(value) + _UNITS.get(unit, f" {unit}")


def length(seconds: float) -> str:
    """Return a length of time in the largest unit that is whole, else in two decimals: `5 min`, `1.5 h`."""
    for size, name in _LENGTHS:
        if seconds >= size and (seconds % size == 0 or size == 60):
            return f"{number(seconds / size)} {name}"
    return f"{number(seconds)} s"


def number(value: float) -> str:
    """Return a number with thousands apart and at most two decimals, never rounded to 0."""
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return text if float(text.replace(",", "")) or not value else f"{value:g}"


def noun(of: Expression) -> str:
    """Return what is measured, as words: `failed requests`, `p99 of duration`, `highest iterator age`."""
    match of:
        case Metric(measure=measure, statistic=statistic):
            title = _lower(MEASURES[measure].title)
            if statistic == "count":
                return "requests" if MEASURES[measure].of in ("api", "graphql") else f"number of {title}"
            if statistic.startswith("p"):
                return f"{statistic} of {title}"
            return title if statistic == "sum" else f"{_STATISTICS[statistic]} {title}"
        case Percent(of=part, over=over):
            return f"share of {noun(part)} in {noun(over)}"
        case Quotient(of=part, over=over):
            return f"{noun(part)} against {noun(over)}"
        case Total(of=several):
            return " + ".join(dict.fromkeys(noun(one) for one in several))
        case Scaled(of=part):
            return noun(part)


def _lower(title: str) -> str:
    """A title within a sentence: `CPU`, `5xx of ...`, `DynamoDB` stay."""
    first = title.split(maxsplit=1)[0]
    return title if first.isupper() or not first.istitle() else title[0].lower() + title[1:]
