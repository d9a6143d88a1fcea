"""Promises of an endpoint: how well they are kept, what is left of the error budget, how fast it burns."""

from __future__ import annotations

from dashboards.alarms.values import Burn, Slo
from dashboards.expressions import Expression, Scaled, Total
from dashboards.pages.drawn import share
from dashboards.pages.layout import row
from dashboards.pages.titles import duration, number
from dashboards.panels import Line, Mark, Panel, Series

_HOUR_S = 3600


def panels_of(slo: Slo, marks: tuple[Mark, ...] = ()) -> tuple[Panel, ...]:
    """Return a promise as one row: kept so far, budget left, bad ones against allowed, burn rate."""
    return row(_good(slo), _left(slo), _counted(slo), _burn(slo, marks))


def _good(slo: Slo) -> Panel:
    good = Total((slo.total, Scaled(slo.bad, -1)))
    return Panel(
        id=f"{slo.name}-good",
        title=f"{_what(slo)}: good requests",
        kind="number",
        height=5,
        unit="%",
        help=f"{slo.title}. Good requests in {duration(slo.window_s)}, in percent.",
        series=(Series(label="good", of=share(good, slo.total), role="good"),),
        lines=(Line(label=f"SLO: {number(slo.objective)}%", value=slo.objective, role="objective"),),
        maximum=100,
        period_s=slo.window_s,
    )


def _left(slo: Slo) -> Panel:
    allowed = _allowed(slo)
    return Panel(
        id=f"{slo.name}-left",
        title=f"{_what(slo)}: error budget left",
        kind="number",
        height=5,
        unit="%",
        help=f"What is left of the requests that may fail in {duration(slo.window_s)}; "
        "below 0 the promise is broken.",
        series=(Series(label="left", of=share(Total((allowed, Scaled(slo.bad, -1))), allowed), role="good"),),
        period_s=slo.window_s,
    )


def _counted(slo: Slo) -> Panel:
    return Panel(
        id=f"{slo.name}-counted",
        title=f"{_what(slo)}: bad against allowed",
        kind="number",
        height=5,
        help=f"Bad requests in {duration(slo.window_s)}, and how many the promise allows.",
        series=(
            Series(label=_bad(slo), of=slo.bad, role="bad"),
            Series(label="allowed", of=_allowed(slo)),
        ),
        period_s=slo.window_s,
    )


def _burn(slo: Slo, marks: tuple[Mark, ...]) -> Panel:
    rate = Scaled(share(slo.bad, slo.total), 1 / (100 - slo.objective))
    longest = duration(slo.window_s)
    return Panel(
        id=f"{slo.name}-burn",
        title=f"{_what(slo)}: burn rate",
        kind="lines",
        height=5,
        help=f"How fast the error budget is used: at 1 it lasts exactly {longest}; the lines are those above "
        "which somebody is told.",
        series=(Series(label="burn rate", of=rate, role="bad"),),
        lines=tuple(_line(burn) for burn in slo.burns),
        marks=marks,
        period_s=_HOUR_S,
    )


def _line(burn: Burn) -> Line:
    label = f"{number(burn.factor)} over {duration(burn.long_s)}: {burn.severity}"
    return Line(label=label, value=burn.factor, role="alarm")


def _allowed(slo: Slo) -> Expression:
    return Scaled(slo.total, round((100 - slo.objective) / 100, 9))


def _what(slo: Slo) -> str:
    return "Availability" if slo.latency_ms is None else f"Within {number(slo.latency_ms)} ms"


def _bad(slo: Slo) -> str:
    return "failed" if slo.latency_ms is None else "too slow"
