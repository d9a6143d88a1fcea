"""Graphs of a resource of any kind but a function, from the tables passing.py, hosting.py and storing.py."""

from __future__ import annotations

from dashboards.expressions import Expression, Metric, Scaled, Statistic
from dashboards.measures import MEASURES
from dashboards.pages.drawn import share
from dashboards.pages.hosting import HOSTING
from dashboards.pages.passing import PASSING
from dashboards.pages.shown import Drawn, Shown
from dashboards.pages.storing import STORING
from dashboards.pages.titles import called, duration, number
from dashboards.panels import Line, Mark, Panel, Series
from dashboards.resources import Kind, Resource, slug

_STATISTICS: dict[str, Statistic] = {"count": "sum", "gauge": "max", "distribution": "p95"}
#: Functions are in functions.py; buses and clusters of databases have no metrics in the catalogue.
SHOWN: dict[Kind, tuple[Shown, ...]] = {**PASSING, **HOSTING, **STORING}


def panels_of(resource: Resource, marks: tuple[Mark, ...] = (), most: int = 4) -> tuple[Panel, ...]:
    """Return the graphs of a resource, the first `most` of its kind; none where its kind has no metrics."""
    return tuple(_panel(resource, shown, marks) for shown in SHOWN.get(resource.kind, ())[:most])


def _panel(resource: Resource, shown: Shown, marks: tuple[Mark, ...]) -> Panel:
    return Panel(
        id=slug(f"{resource.id} {shown.what}"),
        title=f"{called(resource)}: {shown.what}",
        kind=shown.kind,
        unit=shown.unit,
        right_unit=shown.right_unit,
        help=shown.help,
        series=tuple(
            Series(label=one.label, of=_expression(one, resource.id), role=one.role, is_right=one.is_right)
            for one in shown.drawn
        ),
        lines=tuple(
            Line(
                label=f"{label} ({_limit(resource.limits[limit] * by, shown.unit)})",
                value=resource.limits[limit] * by,
                role="limit",
            )
            for label, limit, by in shown.limits
            if limit in resource.limits
        ),
        marks=marks,
        maximum=shown.maximum,
    )


def _expression(one: Drawn, subject: str) -> Expression:
    metric = Metric(one.measure, subject, one.statistic or _STATISTICS[MEASURES[one.measure].shape])
    if one.over:
        is_timed = MEASURES[one.over].shape == "distribution"
        return share(metric, Metric(one.over, subject, "count" if is_timed else "sum"))
    return metric if one.by == 1 else Scaled(metric, one.by)


def _limit(value: float, unit: str) -> str:
    if unit == "By":
        return f"{number(value / 1024**3)} GiB"
    return duration(value) if unit == "s" else number(value)
