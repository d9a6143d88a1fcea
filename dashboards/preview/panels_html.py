"""One panel as HTML, by its kind. A panel without data says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from dashboards.expressions import Expression, metrics_of
from dashboards.measures import MEASURES
from dashboards.panels import COLOURS, Line, Page, Panel
from dashboards.preview.charts import Drawn, Graph, Kind, graph_html, sample, sparkline_html
from dashboards.preview.data import absence
from dashboards.preview.escape import text
from dashboards.preview.evaluate import is_additive, points, whole
from dashboards.preview.lines_html import lines_html
from dashboards.preview.markdown import html_of
from dashboards.preview.scene import Scene
from dashboards.preview.units import length, shown
from dashboards.preview.verdicts_html import verdicts_html

#: Colours of series without a role, in order.
_PALETTE = ("#4f5b6b", "#7b5ea7", "#17908f", "#a8577e", "#8a7a2f", "#3d6a3a", "#a0522d", "#6f7f94")
_ROW_PX = 26
#: Periods from which a panel's title names them, such as a day.
_LONG_S = 3600


def panel_html(panel: Panel, page: Page, scene: Scene) -> str:
    """Return one panel as a figure of the grid."""
    broad = " broad" if panel.width > 12 or panel.kind in ("logs", "alarms") else ""
    told = f'<p class="help">{text(panel.help)}</p>' if panel.help else ""
    width = min(max(panel.width, 1), 24)
    return (
        f'<figure class="panel k-{panel.kind}{broad}"{_anchor(panel)} style="--w:{width}">'
        f"<h3>{text(panel.title)}</h3>{told}{_BODIES[panel.kind](panel, page, scene)}"
        f"{_links(panel, page, scene)}</figure>"
    )


def _anchor(panel: Panel) -> str:
    """Links to a saved query lead to the panel that shows it."""
    return f' id="query-{text(panel.query.name)}"' if panel.query else ""


def _links(panel: Panel, page: Page, scene: Scene) -> str:
    found = ((scene.href(link, page), link.label) for link in panel.links)
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
        series=tuple(known),
        lines=tuple(_lines(panel, scene)),
        marks=panel.marks,
        maximum=panel.maximum,
        height_px=max(110, (panel.height - 1) * _ROW_PX),
        times=8 if panel.width > 12 else 4,
    )
    return graph_html(graph, scene.window) + _piece(panel, scene) + _missing(panel, known)


def _number(panel: Panel, _: Page, scene: Scene) -> str:
    series = _drawn(panel, scene)
    known = [
        (one, drawn) for one, drawn in zip(panel.series, series, strict=True) if drawn.newest is not None
    ]
    if not known:
        return _empty(panel, scene)
    values = "".join(
        f'<div class="number"><b>{text(shown(whole(one.of, scene.facts), drawn.unit))}</b>'
        f"<span>{text(one.label)}, {_over(scene)}</span></div>"
        for one, drawn in known
    )
    drawn_ones = [drawn for _, drawn in known]
    return f'<div class="numbers">{values}</div>{sparkline_html(drawn_ones[0])}' + _missing(panel, drawn_ones)


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


def _piece(panel: Panel, scene: Scene) -> str:
    """Says where a graph of long periods is one of short pieces here, for its title may name the period."""
    step_s = scene.window.step_s
    if (
        panel.period_s < _LONG_S
        or step_s == panel.period_s
        or not any(is_additive(s.of) for s in panel.series)
    ):
        return ""
    told = f"A point here is {length(step_s)}, not {length(panel.period_s)}."
    return f'<p class="words">{told}</p>'


def _over(scene: Scene) -> str:
    return f"over {length(round(scene.window.seconds))}"


def _empty(panel: Panel, scene: Scene, otherwise: str = "") -> str:
    """Why a panel is empty: what the store cannot know, then what the panel says of it."""
    metrics = [metric for one in panel.series for metric in metrics_of(one.of)]
    measures = sorted({metric.measure for metric in metrics})
    absences = list(dict.fromkeys(map(absence, metrics)))
    said = [reason for reason in absences if reason]
    if not said:
        said = [otherwise or ("No data in this time." if scene.window.has_data else "The store is empty.")]
    told = panel.empty or " ".join(dict.fromkeys(MEASURES[measure].empty for measure in measures))
    if metrics and all(absences) and told.strip():
        told = f"In the tool itself: {told[0].lower() + told[1:]}"
    return f'<p class="empty">{text(" ".join([*said, told]).strip())}</p>'


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
