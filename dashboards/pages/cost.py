"""What the serverless side costs a day, against what the legacy side costs whatever it does."""

from __future__ import annotations

from dashboards.expressions import Expression, Quotient, Scaled
from dashboards.pages.drawn import count, total
from dashboards.pages.layout import chunks, numbered, row, rows
from dashboards.pages.scene import Scene
from dashboards.panels import Line, Panel, Series

_DAY_S = 86_400
_DAYS_A_MONTH = 365 / 12
#: Functions that one graph sums.
_TOGETHER = 50
#: Endpoints whose requests a price by request takes into account, at most.
MOST_ENDPOINTS = 50


def panels_of(scene: Scene) -> tuple[Panel, ...]:
    """Return the cost of functions a day, and of 1,000 requests of each side."""
    ids = [one.id for one in scene.system.of_kind("function")]
    legacy = _legacy_a_day(scene)
    groups = list(chunks(ids, _TOGETHER))
    days = rows([_days(some, index, len(groups), legacy) for index, some in enumerate(groups)], 2)
    by_request = _by_request(scene, ids, legacy)
    if len(days) == 1 and by_request:
        return row(*days, *by_request)
    return (*days, *row(*by_request))


def _legacy_a_day(scene: Scene) -> float:
    """US dollars a day; 0 where observe.yaml does not say."""
    return float(scene.system.config.dashboards.get("legacy_usd_per_month", 0)) / _DAYS_A_MONTH


def _days(ids: tuple[str, ...], index: int, of: int, legacy: float) -> Panel:
    line = Line(label=f"Legacy side ({legacy:,.2f} USD a day)", value=round(legacy, 2), role="baseline")
    return Panel(
        id="cost" if index == 0 else f"cost-{index + 1}",
        title=numbered("Estimated cost of functions", index, of),
        kind="bars",
        unit="{USD}",
        help="Duration, memory and requests of all functions in a day, without queues, tables and traffic.",
        series=(
            Series(label="functions", of=total(count("function.cost", id) for id in ids), role="serverless"),
        ),
        lines=(line,) if legacy and of == 1 else (),
        period_s=_DAY_S,
    )


def _by_request(scene: Scene, ids: list[str], legacy: float) -> tuple[Panel, ...]:
    series = []
    requests = _requests(scene, "serverless")
    if requests and ids and len(ids) <= _TOGETHER:
        cost = Scaled(total(count("function.cost", id) for id in ids), 1000)
        series.append(Series(label="serverless", of=Quotient(cost, requests), role="serverless"))
    requests = _requests(scene, "legacy")
    if requests and legacy:
        # A fixed cost has no metric: requests / requests is 1 on every day that has any.
        fixed = Scaled(Quotient(requests, requests), legacy * 1000)
        series.append(Series(label="legacy", of=Quotient(fixed, requests), role="legacy"))
    if not series:
        return ()
    return (
        Panel(
            id="cost-by-request",
            title="Estimated cost of 1,000 requests",
            kind="lines",
            unit="{USD}",
            help="Cost of all functions by requests that the serverless side answered; of the legacy side "
            "its fixed cost by requests that it answered. It grows as requests move away.",
            empty="There is a point for each day on which the side answered requests of endpoints.",
            series=tuple(series),
            period_s=_DAY_S,
        ),
    )


def _requests(scene: Scene, side: str) -> Expression | None:
    endpoints = [
        one.name
        for one in scene.system.endpoints.values()
        if any(implementation.side == side for implementation in one.sides)
    ]
    if not endpoints or len(endpoints) > MOST_ENDPOINTS:
        return None
    return total(count("endpoint.requests", f"{name}/{side}") for name in endpoints)
