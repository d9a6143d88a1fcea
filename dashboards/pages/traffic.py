"""The system as a whole: how much traffic each side has, how much of it fails, how it moves over time."""

from __future__ import annotations

from dashboards.expressions import Expression
from dashboards.pages import comparison, marks
from dashboards.pages.drawn import count, share, total
from dashboards.pages.layout import row, text
from dashboards.pages.migration import progress
from dashboards.pages.scene import Scene
from dashboards.pages.titles import SIDES
from dashboards.panels import Panel, Series
from subscribers.signals import Side

#: Endpoints of a side whose requests one graph sums; above, the numbers of all would be too many metrics.
MOST = 60
_HOUR_S = 3600


def panels_of(scene: Scene) -> tuple[Panel, ...]:
    """Return the numbers of the sides, the progress of the migration, and the traffic's share over time."""
    told = text("progress", "Migration progress", progress(scene))
    sides = _sides(scene)
    if not sides:
        return row(told)
    share_panel, requests_panel = _share(scene, sides), _requests(scene, sides)
    if len(sides) == 1:
        return (*_numbers(scene, sides), *row(told, requests_panel))
    return (*_numbers(scene, sides), *row(told, share_panel, requests_panel))


def _names(scene: Scene, side: Side) -> list[str]:
    return [
        endpoint.name
        for endpoint in scene.system.endpoints.values()
        if any(one.side == side for one in endpoint.sides)
    ]


def _summed(scene: Scene, measure: str, side: Side) -> Expression:
    return total(count(measure, f"{name}/{side}") for name in _names(scene, side))


def _sides(scene: Scene) -> tuple[Side, ...]:
    """The sides that have endpoints; none at all where one has too many to be summed."""
    sizes = {side: len(_names(scene, side)) for side in comparison.SIDES_IN_ORDER}
    if max(sizes.values()) > MOST:
        return ()
    return tuple(side for side in comparison.SIDES_IN_ORDER if sizes[side])


def _requests_of(scene: Scene, side: Side) -> Expression:
    return _summed(scene, "endpoint.requests", side)


def _numbers(scene: Scene, sides: tuple[Side, ...]) -> tuple[Panel, ...]:
    out: list[Panel] = []
    for side in sides:
        requests = _requests_of(scene, side)
        failed = share(_summed(scene, "endpoint.errors", side), requests)
        out.append(
            Panel(
                id=f"requests-{side}",
                title=f"{SIDES[side]}: requests",
                kind="number",
                height=4,
                help=f"Requests of all endpoints that the {side} side answered in an hour.",
                series=(Series(label=SIDES[side], of=requests, role=side),),
                period_s=_HOUR_S,
            )
        )
        out.append(
            Panel(
                id=f"errors-{side}",
                title=f"{SIDES[side]}: error rate",
                kind="number",
                height=4,
                unit="%",
                help=f"Failed requests of all endpoints on the {side} side, in percent.",
                series=(Series(label=SIDES[side], of=failed, role=side),),
                period_s=_HOUR_S,
            )
        )
    return row(*out)


def _share(scene: Scene, sides: tuple[Side, ...]) -> Panel:
    everything = total(_requests_of(scene, side) for side in sides)
    return Panel(
        id="share",
        title="Share of traffic by side",
        kind="area",
        unit="%",
        maximum=100,
        help="Requests of all endpoints that each side answered, in percent: how far the traffic has moved.",
        series=tuple(
            Series(label=SIDES[side], of=share(_requests_of(scene, side), everything), role=side)
            for side in sides
        ),
        marks=marks.of_system(scene.system),
        period_s=_HOUR_S,
    )


def _requests(scene: Scene, sides: tuple[Side, ...]) -> Panel:
    return Panel(
        id="requests",
        title="Requests by side",
        kind="area",
        help="Requests of all endpoints, by the side that answered them.",
        series=tuple(Series(label=SIDES[side], of=_requests_of(scene, side), role=side) for side in sides),
        marks=marks.of_system(scene.system),
    )
