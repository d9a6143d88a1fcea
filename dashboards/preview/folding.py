"""Which panels of a section have something to show, and what is said in one line of all the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from dashboards.expressions import metrics_of
from dashboards.measures import MEASURES
from dashboards.panels import COLUMNS, Panel
from dashboards.preview.data import ANSWERED, absence
from dashboards.preview.escape import text
from dashboards.preview.evaluate import whole
from dashboards.preview.scene import Scene

_OF_SERIES = ("lines", "area", "bars", "number", "table")
#: Panels of one row that are left of more are at most as wide as this.
_ALONE = 12
_CODE = re.compile(r"`([^`]+)`")
#: Families of measures that the store counts by itself, from whatever lines it has.
_COUNTED = ("requests", "functions", "error_lines")
#: Reasons that say nothing where another one is known.
_WEAK = "No data means that"


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """Panels that are empty for one reason. is_absent: the store never has it, whatever the time."""

    reason: str
    panels: tuple[Panel, ...]
    is_absent: bool


def reason_of(panel: Panel, scene: Scene) -> tuple[str, bool] | None:
    """Return why a panel of series is empty, and whether the store can never know it; else None."""
    if panel.kind not in _OF_SERIES:
        return None
    if any(whole(one.of, scene.facts) is not None for one in panel.series):
        return None
    metrics = [metric for one in panel.series for metric in metrics_of(one.of)]
    absences = list(dict.fromkeys(map(absence, metrics)))
    if metrics and all(absences):
        return " ".join(absences), True
    here = "No data in this time." if scene.window.has_data else "The store is empty."
    return " ".join((here, *_kept([metric.measure for metric in metrics]))), False


def _kept(measures: Iterable[str]) -> list[str]:
    """What the measures say of no data: without sayings that another of them contradicts."""
    # What a live tool has to switch on first has no meaning where log lines themselves are counted.
    others = (name for name in measures if ANSWERED.get(name) not in _COUNTED)
    said = [one for one in dict.fromkeys(MEASURES[name].empty for name in others) if one]
    return [one for one in said if not one.startswith(_WEAK)] or said[:1]


def parted(panels: Sequence[Panel], scene: Scene) -> tuple[list[tuple[Panel, bool]], list[Folded]]:
    """Return the panels that are shown, with whether each begins a row, and the others by their reason.

    What is left of a row shares its width.
    """
    shown: list[tuple[Panel, bool]] = []
    folded: dict[tuple[str, bool], list[Panel]] = {}
    for row in _rows(panels):
        left: list[Panel] = []
        for panel in row:
            why = reason_of(panel, scene)
            if why is None:
                left.append(panel)
            else:
                folded.setdefault(why, []).append(panel)
        widened = _widened(left, len(left) < len(row))
        shown += [(panel, index == 0) for index, panel in enumerate(widened)]
    found = (
        Folded(reason=reason, panels=tuple(some), is_absent=is_absent)
        for (reason, is_absent), some in folded.items()
    )
    return shown, list(found)


def _rows(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    row: list[Panel] = []
    for panel in panels:
        if row and sum(one.width for one in row) + panel.width > COLUMNS:
            yield row
            row = []
        row.append(panel)
    if row:
        yield row


def _widened(left: list[Panel], is_less: bool) -> list[Panel]:
    if not left or not is_less:
        return left
    most = COLUMNS if left[0].kind == "text" and len(left) == 1 else _ALONE
    return [replace(panel, width=min(most, COLUMNS // len(left))) for panel in left]


def folded_html(folded: Folded) -> str:
    """Return one quiet line that names what has no graph here and why; opened, it lists every graph."""
    count = len(folded.panels)
    names = list(dict.fromkeys(_whose(panel.title) for panel in folded.panels))
    told = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    line = f"{told}: {count} graphs" if count > 1 else folded.panels[0].title
    reason = _CODE.sub(r"<code>\1</code>", text(folded.reason))
    items = "".join(
        f"<li>{text(panel.title)}<small>{text(panel.help)}</small></li>" for panel in folded.panels
    )
    return (
        f'<details class="absent empty"><summary>{text(line)}. {reason}</summary><ul>{items}</ul></details>'
    )


def _whose(title: str) -> str:
    """What a graph is of: `claims-submitted` of `claims-submitted: messages`."""
    return title.partition(": ")[0]
