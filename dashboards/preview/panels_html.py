"""One panel as HTML, by its kind. A panel without data says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from dashboards.expressions import Expression, metrics_of
from dashboards.panels import COLOURS, Line, Page, Panel, Series
from dashboards.preview.charts import Drawn, Graph, Kind, graph_html, sample, sparkline_html
from dashboards.preview.colours import shaded
from dashboards.preview.data import absence
from dashboards.preview.escape import text
from dashboards.preview.evaluate import is_additive, points, whole
from dashboards.preview.lines_html import lines_html
from dashboards.preview.markdown import html_of
from dashboards.preview.scene import Scene
from dashboards.preview.units import length, shown
from dashboards.preview.verdicts_html import promises, verdicts_html

#: Colours of series without a role, in order.
_PALETTE = ("#4f5b6b", "#7b5ea7", "#17908f", "#a8577e", "#8a7a2f", "#3d6a3a", "#a0522d", "#6f7f94")
_ROW_PX = 26
_OVER_TIME = ("lines", "area", "bars")
#: Periods as the help of a panel has them.
_PERIODS = ("the newest five minutes", "five minutes", "an hour", "a day")
_DAY_S = 86_400


def panel_html(panel: Panel, page: Page, scene: Scene, is_first: bool = False, is_titled: bool = True) -> str:
    """Return one panel as a figure of the grid.

    is_first: begins a row; is_titled: has a title of its own, not that of its section.
    """
    broad = " broad" if panel.width > 12 or panel.kind in ("logs", "alarms") else ""
    first = " first-of-row" if is_first else ""
    title = f"<h3>{text(panel.title)}</h3>" if is_titled else ""
    told = f'<p class="help">{text(_help(panel, scene))}</p>' if panel.help else ""
    width = min(max(panel.width, 1), 24)
    body = _summed if _is_rate(panel, scene) else _BODIES[panel.kind]
    return (
        f'<figure class="panel k-{panel.kind}{broad}{first}"{_anchor(panel)} style="--w:{width}">'
        f"{title}{told}{body(panel, page, scene)}{_links(panel, page, scene)}</figure>"
    )


def _help(panel: Panel, scene: Scene) -> str:
    """What a panel is, with the time that is shown here for the one that the tool itself shows."""
    if panel.kind == "alarms":
        return panel.help.replace("States of the alarms", "What the alarms would say of this data:").replace(
            ": of ", ": those of "
        )
    is_of_points = panel.kind in _OVER_TIME and not _is_rate(panel, scene)
    over = scene.window.step_s if is_of_points else max(1, round(scene.window.seconds))
    for words in _PERIODS:
        panel_help = panel.help.replace(f"in {words}", f"in {length(over)}")
        if panel_help != panel.help:
            return panel_help
    return panel.help


def _anchor(panel: Panel) -> str:
    """Links to a saved query lead to the panel that shows it."""
    return f' id="query-{text(panel.query.name)}"' if panel.query else ""


def _links(panel: Panel, page: Page, scene: Scene) -> str:
    # A panel that shows a query has no need of a link to it.
    own = panel.query.name if panel.query else None
    found = ((scene.href(link, page), link.label) for link in panel.links if not own or link.query != own)
    made = "".join(f'<a href="{href}">{text(label)}</a>' for href, label in found if href)
    return f'<p class="links">{made}</p>' if made else ""


def _graph(panel: Panel, _: Page, scene: Scene) -> str:
    series = _drawn(panel, scene)
    known = [one for one in series if one.newest is not None]
    if not known:
        return _empty(panel, scene)
    kind: Kind = panel.kind if panel.kind in ("area", "bars") else "lines"
    graph = Graph(
        title=panel.title,
        kind=kind,
        unit=panel.unit,
        right_unit=panel.right_unit,
        series=tuple(shaded(known) if kind == "lines" else known),
        lines=tuple(_lines(panel, scene)),
        marks=panel.marks,
        maximum=panel.maximum,
        height_px=max(110, (panel.height - 1) * _ROW_PX),
        times=8 if panel.width > 12 else 4,
    )
    return graph_html(graph, scene.window) + _missing(panel, known)


def _number(panel: Panel, _: Page, scene: Scene) -> str:
    series = _drawn(panel, scene)
    known = [
        (one, drawn) for one, drawn in zip(panel.series, series, strict=True) if drawn.newest is not None
    ]
    if not known:
        return _empty(panel, scene)
    values = "".join(
        f'<div class="number{" bad" if _is_broken(one, panel, scene) else ""}">'
        f"<b>{text(shown(whole(one.of, scene.facts), drawn.unit))}</b>"
        f"<span>{text(one.label)}, {_over(scene)}</span></div>"
        for one, drawn in known
    )
    drawn_ones = [drawn for _, drawn in known]
    if _is_broken(known[0][0], panel, scene):
        drawn_ones[0] = replace(drawn_ones[0], colour=COLOURS["bad"])
    said = "".join(f'<p class="words">{text(_with_value(line, panel.unit))}</p>' for line in panel.lines)
    return (
        f'<div class="numbers">{values}</div>{sparkline_html(drawn_ones[0])}{said}'
        f"{_missing(panel, drawn_ones)}"
    )


def _with_value(line: Line, unit: str) -> str:
    return line.label if any(c.isdigit() for c in line.label) else f"{line.label}: {shown(line.value, unit)}"


def _is_broken(one: Series, panel: Panel, scene: Scene) -> bool:
    """Whether a number of something good is below what is promised, or below nothing at all."""
    value = whole(one.of, scene.facts)
    if one.role != "good" or value is None:
        return False
    return value < max((line.value for line in panel.lines if line.role == "objective"), default=0.0)


def _is_rate(panel: Panel, scene: Scene) -> bool:
    """Whether bars are of days while less than two are shown: their sum says more than parts of a day."""
    is_counted = bool(panel.series) and all(is_additive(one.of) for one in panel.series)
    return (
        panel.kind == "bars"
        and is_counted
        and panel.period_s >= _DAY_S
        and scene.window.seconds < 2 * panel.period_s
        and any(whole(one.of, scene.facts) is not None for one in panel.series)
    )


def _summed(panel: Panel, _: Page, scene: Scene) -> str:
    """The sum over the time shown, and what it makes in a day at this rate."""
    seconds = max(1.0, scene.window.seconds)
    values = []
    for one in panel.series:
        value = whole(one.of, scene.facts)
        if value is not None:
            a_day = shown(value * _DAY_S / seconds, panel.unit)
            values.append(
                f'<div class="number"><b>{text(shown(value, panel.unit))}</b>'
                f"<span>{text(one.label)}, {_over(scene)}</span></div>"
                f'<div class="number"><b>{text(a_day)}</b><span>a day at this rate</span></div>'
            )
    said = "".join(f'<p class="words">{text(_with_value(line, panel.unit))}.</p>' for line in panel.lines)
    return f'<div class="numbers">{"".join(values)}</div>{said}'


def _table(panel: Panel, _: Page, scene: Scene) -> str:
    series = _drawn(panel, scene)
    if all(one.newest is None for one in series):
        return _empty(panel, scene)
    rows = "".join(
        f"<tr><td>{sample(drawn)} {text(one.label)}</td>"
        f'<td class="n">{text(shown(drawn.newest, drawn.unit))}</td>'
        f'<td class="n">{text(shown(whole(one.of, scene.facts), drawn.unit))}</td></tr>'
        for one, drawn in zip(panel.series, series, strict=True)
    )
    return (
        '<div class="wide"><table><thead><tr><th></th><th class="n">newest</th>'
        f'<th class="n">{_over(scene)}</th></tr></thead><tbody>{rows}</tbody></table></div>'
    ) + _missing(panel, [one for one in series if one.newest is not None])


def _text(panel: Panel, page: Page, scene: Scene) -> str:
    return f'<div class="text">{html_of(panel.text, lambda target: scene.resolve(target, page))}</div>'


def _alarms(panel: Panel, page: Page, scene: Scene) -> str:
    found = [scene.verdicts[name] for name in panel.alarms if name in scene.verdicts]
    if panel.id == "alarms":  # not of a list that goes on: promises are told of once
        found = [*(one for one in promises(page, scene) if one not in found), *found]
    return verdicts_html(found, page, scene) if found else _empty(panel, scene, "No alarm is defined here.")


def _logs(panel: Panel, _: Page, scene: Scene) -> str:
    if panel.query is None:
        return _empty(panel, scene)
    if panel.query.is_by_correlation_id:
        return (
            '<div class="box"><p>Asks for one correlation ID; take it from an error line.</p>'
            "<p><code>observe trace CORRELATION_ID</code> shows its story over both sides.</p></div>"
        )
    lines = scene.lines.of(panel.query)
    if not lines:
        return _empty(panel, scene, "No such line in this time.")
    return lines_html(lines, scene.system.config.links)


_BODIES: dict[str, Callable[[Panel, Page, Scene], str]] = {
    "lines": _graph,
    "area": _graph,
    "bars": _graph,
    "number": _number,
    "table": _table,
    "text": _text,
    "alarms": _alarms,
    "logs": _logs,
}


def _drawn(panel: Panel, scene: Scene) -> list[Drawn]:
    """Every series of a panel with its points; those without a role take the palette's colours in order."""
    used: Counter[str] = Counter()
    colours = iter(_PALETTE * (1 + len(panel.series) // len(_PALETTE)))
    out: list[Drawn] = []
    for one in panel.series:
        colour = COLOURS[one.role] or next(colours)
        out.append(
            Drawn(
                label=one.label,
                points=_points(one.of, panel, scene),
                unit=(panel.right_unit or panel.unit) if one.is_right else panel.unit,
                colour=colour,
                nth=used[colour],
                is_right=one.is_right,
            )
        )
        used[colour] += 1
    return out


def _points(of: Expression, panel: Panel, scene: Scene) -> list[float | None]:
    window = scene.window
    return points(of, scene.facts, window.pieces, window.step_s, panel.period_s)


def _lines(panel: Panel, scene: Scene) -> Iterator[Line]:
    """Horizontal lines; a limit of a count is one of a period, and pieces are shorter or longer than that."""
    left = [one for one in panel.series if not one.is_right]
    is_count = bool(left) and all(is_additive(one.of) for one in left)
    share = scene.window.step_s / panel.period_s if panel.period_s > 0 else 1.0
    for line in panel.lines:
        if is_count and share != 1:
            label = f"{line.label} ({shown(line.value, panel.unit)} in {length(panel.period_s)}):"
            yield replace(line, label=label, value=line.value * share)
        else:
            yield line


def _over(scene: Scene) -> str:
    return f"over {length(round(scene.window.seconds))}"


def _empty(panel: Panel, scene: Scene, otherwise: str = "") -> str:
    """Why a panel that is shown has nothing: what its kind says of that, and the panel itself."""
    said = otherwise or ("No data in this time." if scene.window.has_data else "The store is empty.")
    return f'<p class="empty">{text(" ".join((said, panel.empty)).strip())}</p>'


def _missing(panel: Panel, known: list[Drawn]) -> str:
    """Which series a panel lacks that has others, and why."""
    labels = {one.label for one in known}
    reasons: dict[str, list[str]] = {}
    for one in panel.series:
        if one.label not in labels:
            absent = next(filter(None, map(absence, metrics_of(one.of))), "No data in this time.")
            reasons.setdefault(absent, []).append(one.label)
    told = " ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
    return f'<p class="words">{text(told)}</p>' if told else ""
