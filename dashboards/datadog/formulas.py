"""An expression -> arithmetic over queries, in the language of Datadog's formulas.

https://docs.datadoghq.com/dashboards/functions/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dashboards.datadog.readings import NotThereError, Reading, read
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Total, metrics_of
from dashboards.resources import System

#: What stands for a query in the arithmetic: its text, or a name.
Place = Callable[[Reading], str]


def formula(
    expression: Expression,
    system: System,
    place: Place,
    variables: tuple[str, ...] = (),
    is_gated: bool = True,
) -> str:
    """Return the arithmetic of an expression. Raises NotThereError where a metric of it is not at Datadog.

    is_gated: whether shares are 0 below their gate; False where something else judges the traffic.
    """

    def of(part: Expression) -> str:
        match part:
            case Metric():
                reading = read(part, system, variables)
                return times(place(reading), reading.factor)
            case Percent():
                return percent(part)
            case Quotient(of=above, over=below):
                return f"({of(above)} / {of(below)})"
            case Scaled(of=inner, by=by):
                return times(of(inner), by)
            case Total(of=several):
                return total(several)

    def percent(part: Percent) -> str:
        below = of(part.over)
        share = f"(100 * default_zero({of(part.of)}) / {below})"
        if part.gate <= 0 or not is_gated:
            return share
        # 1 from the gate on, 0 below it: counts are whole, so the step lies between gate - 1 and gate.
        return f"({share} * clamp_max(clamp_min({below} - {number(part.gate - 1)}, 0), 1))"

    def total(several: Sequence[Expression]) -> str:
        whole = both_sides(several)
        if whole is not None:
            return of(whole)
        return "(" + " + ".join(f"default_zero({of(one)})" for one in several) + ")"

    return of(expression)


def both_sides(several: Sequence[Expression]) -> Metric | None:
    """Return one metric for the same of both sides of an endpoint: a query without the tag `side`."""
    metrics = [one for one in several if isinstance(one, Metric) and one.measure.startswith("endpoint.")]
    if len(metrics) != len(several) or len(metrics) < 2:
        return None
    first = metrics[0]
    endpoint = first.subject.rpartition("/")[0]
    sides = {one.subject for one in metrics}
    same = {(one.measure, one.statistic) for one in metrics} == {(first.measure, "sum")}
    if not same or sides != {f"{endpoint}/legacy", f"{endpoint}/serverless"}:
        return None
    return Metric(first.measure, f"{endpoint}/*", "sum")


def good_of(bad: Expression, system: System) -> str:
    """Return the query that counts the opposite of what `bad` counts. Raises NotThereError."""
    parts = bad.of if isinstance(bad, Total) else (bad,)
    whole = both_sides(parts)
    texts = []
    for part in (whole,) if whole is not None else parts:
        if not isinstance(part, Metric):
            raise NotThereError("What an SLO counts has to be requests of endpoints.")
        texts.append(read(part, system, is_good=True).text)
    return " + ".join(texts)


def readings(expression: Expression, system: System) -> list[Reading]:
    """Return the query of every metric of an expression, in order. Raises NotThereError."""
    return [read(metric, system) for metric in metrics_of(expression)]


def in_period(text: str, reading: Reading, seconds: int) -> str:
    """Return a query as what a period counts, where Datadog has a mean a second."""
    return f"({text} * {seconds})" if reading.is_per_second else text


def times(text: str, factor: float) -> str:
    """Return a product; the text itself where the factor is 1."""
    return text if factor == 1 else f"({text} * {number(factor)})"


def number(value: float) -> str:
    """Return a number without an exponent and without zeros that say nothing."""
    return f"{value:.10f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))
