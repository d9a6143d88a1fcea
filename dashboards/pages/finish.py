"""What holds for every page: thresholds of alarms, why a graph is empty, unique IDs, a readable size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from dashboards.alarms.values import Alarm
from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Total, metrics_of
from dashboards.measures import MEASURES
from dashboards.pages.names import free
from dashboards.pages.scene import Scene
from dashboards.pages.titles import page_link
from dashboards.panels import Line, Page, Panel, Section

#: What one page holds at most, so that it loads and is read.
MOST_PANELS = 100
MOST_METRICS = 400
#: Thresholds of alarms on one graph, at most.
MOST_LINES = 4
_OVER_TIME = ("lines", "area", "bars")
#: Columns of a graph that stands alone at the end of a section: over the whole width it says no more.
_ALONE = 12


def finished(scene: Scene, pages: Iterable[Page]) -> tuple[Page, ...]:
    """Return pages with thresholds, reasons and unique IDs; one that is too large as several."""
    by_measure = _by_measure(scene.alarms.alarms)
    return tuple(
        part for page in pages for part in _parts(replace(page, sections=_sections(page, by_measure)))
    )


def _by_measure(alarms: Iterable[Alarm]) -> dict[tuple[str, str], list[Alarm]]:
    found: dict[tuple[str, str], list[Alarm]] = {}
    for alarm in alarms:
        for metric in metrics_of(alarm.condition.of):
            found.setdefault((metric.measure, metric.subject), []).append(alarm)
            break
    return found


def _sections(page: Page, alarms: dict[tuple[str, str], list[Alarm]]) -> tuple[Section, ...]:
    taken: set[str] = set()
    return tuple(
        replace(
            section,
            panels=tuple(
                replace(
                    panel,
                    id=free(panel.id, taken),
                    empty=panel.empty or _empty(panel),
                    lines=(*panel.lines, *_thresholds(panel, alarms)),
                )
                for panel in _last_narrower(section.panels)
            ),
        )
        for section in page.sections
    )


def _last_narrower(panels: tuple[Panel, ...]) -> tuple[Panel, ...]:
    """Panels, the last one narrower where it is a graph or a number over the whole width."""
    last = panels[-1]
    if last.width <= _ALONE or last.kind not in (*_OVER_TIME, "number"):
        return panels
    return (*panels[:-1], replace(last, width=_ALONE))


def _empty(panel: Panel) -> str:
    """Every reason of the panel's measures, each once."""
    measures = dict.fromkeys(metric.measure for one in panel.series for metric in metrics_of(one.of))
    return " ".join(dict.fromkeys(MEASURES[name].empty for name in measures if MEASURES[name].empty))


def _thresholds(panel: Panel, alarms: dict[tuple[str, str], list[Alarm]]) -> tuple[Line, ...]:
    if panel.kind not in _OVER_TIME:
        return ()
    found: dict[float, dict[str, None]] = {}
    for series in panel.series:
        if series.is_right:
            continue
        first = next(metrics_of(series.of))
        for alarm in alarms.get((first.measure, first.subject), ()):
            if _is_drawn(alarm, panel, series.of):
                found.setdefault(alarm.condition.threshold, {})[alarm.title] = None
    lines = (_line(value, tuple(titles)) for value, titles in found.items())
    return tuple(lines)[:MOST_LINES]


def _line(value: float, titles: tuple[str, ...]) -> Line:
    more = f" (and {len(titles) - 1} more)" if len(titles) > 1 else ""
    return Line(label=f"Alarm: {titles[0]}{more}", value=value, role="alarm")


def _is_drawn(alarm: Alarm, panel: Panel, shown: Expression) -> bool:
    """Whether the threshold means on this graph what it means to the alarm: same number, unit and period."""
    condition = alarm.condition
    if condition.unit != panel.unit or not _is_same(condition.of, shown):
        return False
    return condition.period_s == panel.period_s or not _is_summed(shown)


def _is_same(judged: Expression, shown: Expression) -> bool:
    if isinstance(judged, Metric) and isinstance(shown, Metric):
        return (judged.measure, judged.subject) == (shown.measure, shown.subject)
    return _ungated(judged) == _ungated(shown)


def _ungated(expression: Expression) -> Expression:
    match expression:
        case Percent(of=of, over=over):
            return Percent(_ungated(of), _ungated(over))
        case Quotient(of=of, over=over):
            return Quotient(_ungated(of), _ungated(over))
        case Total(of=several):
            return Total(tuple(_ungated(one) for one in several))
        case Scaled(of=of, by=by):
            return Scaled(_ungated(of), by)
        case _:
            return expression


def _is_summed(expression: Expression) -> bool:
    """Whether a longer period makes it a larger number."""
    match expression:
        case Metric(statistic=statistic):
            return statistic in ("sum", "count")
        case Total(of=several):
            return any(_is_summed(one) for one in several)
        case Scaled(of=of):
            return _is_summed(of)
        case _:
            return False


def _parts(page: Page) -> Iterator[Page]:
    """Yield the page, or what it holds as `<name>-2` ..., each with links to the others."""
    groups = list(_groups(page.sections))
    between = "-" if page.kind == "system" or not page.subject else "--"
    names = [page.name, *(f"{page.name}{between}{number}" for number in range(2, len(groups) + 1))]
    for index, sections in enumerate(groups or [()]):
        if len(groups) < 2:
            yield replace(page, sections=sections)
            continue
        others = " · ".join(
            page_link(f"Page {number + 1}", name) for number, name in enumerate(names) if number != index
        )
        yield replace(
            page,
            name=names[index],
            title=page.title if index == 0 else f"{page.title} ({index + 1} of {len(groups)})",
            about=f"{page.about}\n\n{others}" if index == 0 else others,
            sections=sections,
        )


def _groups(sections: Iterable[Section]) -> Iterator[tuple[Section, ...]]:
    """Yield what fits on one page; a section is cut between rows where it does not fit."""
    here: list[Section] = []
    panels = metrics = 0
    for section in sections:
        begun: list[Panel] = []
        for row in _rows(section.panels):
            size, weight = len(row), _weight(row)
            if (here or begun) and (panels + size > MOST_PANELS or metrics + weight > MOST_METRICS):
                if begun:
                    here.append(replace(section, panels=tuple(begun)))
                yield tuple(here)
                here, begun, panels, metrics = [], [], 0, 0
            begun += row
            panels, metrics = panels + size, metrics + weight
        if begun:
            here.append(replace(section, panels=tuple(begun)))
    if here:
        yield tuple(here)


def _rows(panels: tuple[Panel, ...]) -> Iterator[tuple[Panel, ...]]:
    row: list[Panel] = []
    width = 0
    for panel in panels:
        if row and width + panel.width > 24:
            yield tuple(row)
            row, width = [], 0
        row.append(panel)
        width += panel.width
    if row:
        yield tuple(row)


def _weight(panels: Iterable[Panel]) -> int:
    return sum(1 for panel in panels for series in panel.series for _ in metrics_of(series.of))
