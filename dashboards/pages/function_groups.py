"""Panels of several functions: one by one where they are few, a line a function where they are many."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.expressions import Metric
from dashboards.pages.drawn import count, share
from dashboards.pages.functions import brief
from dashboards.pages.layout import chunks, numbered, row
from dashboards.pages.scene import Scene
from dashboards.pages.titles import labelled
from dashboards.panels import Mark, Panel, Series
from dashboards.resources import Resource

#: More functions than this on one page share graphs.
MOST = 8
#: Functions in one shared graph.
_TOGETHER = 20


def several(scene: Scene, ids: Iterable[str], marks: tuple[Mark, ...] = ()) -> tuple[Panel, ...]:
    """Return the panels that tell most of some functions: one by one, or together where they are many."""
    found = scene.resources(ids, "function")
    if len(found) > MOST:
        return together(found, "functions", marks)
    return tuple(panel for one in found for panel in brief(scene, one, marks))


def together(functions: tuple[Resource, ...], key: str, marks: tuple[Mark, ...] = ()) -> tuple[Panel, ...]:
    """Return graphs with a line a function, at most _TOGETHER in each. key: beginning of the panels' IDs."""
    groups = list(chunks(functions, _TOGETHER))
    return tuple(
        panel
        for index, some in enumerate(groups)
        for panel in row(
            *_shared(some, key if index == 0 else f"{key}-{index + 1}", index, len(groups), marks)
        )
    )


def _shared(
    functions: tuple[Resource, ...], key: str, index: int, of: int, marks: tuple[Mark, ...]
) -> tuple[Panel, ...]:
    return (
        Panel(
            id=f"{key}-invocations",
            title=numbered("Invocations", index, of),
            kind="lines",
            help="Invocations of each function.",
            series=tuple(
                Series(label=label, of=count("function.invocations", one.id))
                for label, one in labelled(functions)
            ),
            marks=marks,
        ),
        Panel(
            id=f"{key}-errors",
            title=numbered("Failed invocations", index, of),
            kind="lines",
            unit="%",
            help="Failed invocations of each function, in percent of all.",
            series=tuple(
                Series(
                    label=label,
                    of=share(count("function.errors", one.id), count("function.invocations", one.id)),
                )
                for label, one in labelled(functions)
            ),
            marks=marks,
        ),
        Panel(
            id=f"{key}-duration",
            title=numbered("Duration, p95", index, of),
            kind="lines",
            unit="ms",
            help="How long 95% of the invocations of each function take at most.",
            series=tuple(
                Series(label=label, of=Metric("function.duration", one.id, "p95"))
                for label, one in labelled(functions)
            ),
            marks=marks,
        ),
        Panel(
            id=f"{key}-throttles",
            title=numbered("Throttled invocations", index, of),
            kind="lines",
            help="Invocations that were turned away because too many ran at once.",
            series=tuple(
                Series(label=label, of=count("function.throttles", one.id))
                for label, one in labelled(functions)
            ),
            marks=marks,
        ),
    )
