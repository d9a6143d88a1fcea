"""Panels as widgets of a dashboard's body; what CloudWatch cannot show is a text that says why.

CloudWatch's `bar` compares values and has no time: bars over time are a stacked graph here.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from typing import Any

from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.mathematics import Formulas
from dashboards.cloudwatch.metrics import Absent
from dashboards.cloudwatch.naming import deployed
from dashboards.cloudwatch.queries import search, widget_query
from dashboards.cloudwatch.references import ACCOUNT, OTHERWISE, PARTITION
from dashboards.cloudwatch.sources import Point
from dashboards.panels import COLOURS, LINE_COLOURS, Panel, Placed, Series

#: Metrics of one widget.
METRICS_MAX = 500
#: The longest period of CloudWatch, and from which on a graph shows days instead of hours.
PERIOD_MAX_S, SLOW_S = 86_400, 3_600
UNITS = {
    "1": "Count",
    "ms": "Milliseconds",
    "s": "Seconds",
    "%": "Percent",
    "By": "Bytes",
    "MBy": "Megabytes",
    "{USD}": "US dollars",
}
_VIEWS = {
    "lines": "timeSeries",
    "area": "timeSeries",
    "bars": "timeSeries",
    "number": "singleValue",
    "table": "table",
}


def widget(placed: Placed, context: Context) -> dict[str, Any]:
    """Return the widget of a panel."""
    panel = placed.panel
    match panel.kind:
        case "text":
            kind, properties = "text", {"markdown": context.markdown(panel.text) or panel.title or " "}
        case "alarms":
            kind, properties = _alarms(panel, context)
        case "logs":
            kind, properties = _logs(panel, context)
        case _:
            kind, properties = _metrics(panel, context)
    where = {"x": placed.x, "y": placed.y, "width": panel.width, "height": panel.height}
    found = {"type": kind, **where, "properties": properties}
    if kind == "log" and context.is_loose(properties["query"]):
        other, told = _nothing(panel, "None of the log groups that are searched here exists in this stack.")
        found[OTHERWISE] = {"type": other, **where, "properties": told}
    return found


def _nothing(panel: Panel, reason: str) -> tuple[str, dict[str, Any]]:
    return "text", {"markdown": f"**{panel.title}**\n\n{reason}"}


def _alarms(panel: Panel, context: Context) -> tuple[str, dict[str, Any]]:
    there = [name for name in panel.alarms if name in context.alarm_names]
    for name in panel.alarms:
        if name not in context.alarm_names:
            context.note(
                "info", f"{panel.title}: the alarm {name} is not in CloudWatch, so its state is not shown."
            )
    if not there:
        return _nothing(panel, panel.empty or "There are no alarms here.")
    region, account = context.region, context.system.account or ACCOUNT
    arns = [
        f"arn:{PARTITION}:cloudwatch:{region}:{account}:alarm:{deployed(context.system, name)}"
        for name in there
    ]
    # "alarms: an array of up to 100 alarm ARNs".
    if len(arns) > 100:
        context.note(
            "warning", f"{panel.title}: {len(arns) - 100} of {len(arns)} alarms are not shown (100 a widget)."
        )
    return "alarm", {"title": panel.title, "alarms": arns[:100]}


def _logs(panel: Panel, context: Context) -> tuple[str, dict[str, Any]]:
    if panel.query is None:
        return _nothing(panel, "No query is given.")
    if panel.query.is_by_correlation_id:
        return _nothing(
            panel,
            f"Open the saved query `{deployed(context.system, panel.query.name)}` in Logs Insights and "
            f"give it the correlation ID: [open]({context.query_link(panel.query.name)}).",
        )
    found = search(panel.query, context.system)
    for group in found.left_out:
        context.note(
            "info", f"{panel.title}: {group} is not searched: its whole name is not known, or 50 are."
        )
    if not found.groups:
        return _nothing(panel, "No log group is known by its whole name: give the services log_groups.")
    return "log", {
        "title": panel.title,
        "region": context.region,
        "view": "table",
        "query": widget_query(found),
    }


def _metrics(panel: Panel, context: Context) -> tuple[str, dict[str, Any]]:
    formulas = Formulas(context.system)
    shown: list[tuple[Series, str]] = []
    reasons: dict[str, None] = {}
    for series in panel.series:
        found = formulas.of(series.of)
        if isinstance(found, Absent):
            context.note("info", f"{panel.title}, {series.label}: {found.reason}")
            reasons[found.reason] = None
        elif len(formulas.ids) + len(shown) >= METRICS_MAX:
            context.note(
                "warning", f"{panel.title}, {series.label}: left out, a widget has at most 500 metrics."
            )
        else:
            shown.append((series, found))
    context.used(formulas)
    if not shown:
        return _nothing(panel, " ".join(reasons) or panel.empty or "Nothing is measured here.")
    properties: dict[str, Any] = {
        "title": _title(panel),
        "region": context.region,
        "view": _VIEWS[panel.kind],
        "stacked": panel.kind in ("area", "bars"),
        "period": min(panel.period_s, PERIOD_MAX_S),
        "metrics": _rows(shown, formulas, panel, context),
        **_time(panel),
    }
    if panel.kind in ("lines", "area", "bars"):
        properties["yAxis"] = _axes(panel, shown)
        if annotations := _annotations(panel):
            properties["annotations"] = annotations
    elif panel.kind == "number":
        properties["sparkline"] = panel.period_s <= PERIOD_MAX_S
    return "metric", properties


def _title(panel: Panel) -> str:
    """A widget keeps a time of its own until somebody chooses another: then that is what it is over."""
    if panel.kind == "number" and panel.period_s > PERIOD_MAX_S:
        return f"{panel.title} (over the time shown: {_days(panel)} days)"
    return panel.title


def _time(panel: Panel) -> dict[str, Any]:
    """What is over more than a day is over the widget's own time; slow lines show more than three points."""
    if panel.kind == "number" and panel.period_s > PERIOD_MAX_S:
        return {"start": f"-P{_days(panel)}D", "setPeriodToTimeRange": True}
    if panel.period_s >= SLOW_S:
        return {"start": "-P30D" if panel.period_s >= PERIOD_MAX_S else "-P3D"}
    return {}


def _days(panel: Panel) -> int:
    return -(-panel.period_s // PERIOD_MAX_S)


def _rows(
    shown: list[tuple[Series, str]], formulas: Formulas, panel: Panel, context: Context
) -> list[list[Any]]:
    """Rows of the graph: first what is drawn, in order, then the metrics that formulas need."""
    by_id = {name: point for point, name in formulas.ids.items()}
    rows: list[list[Any]] = []
    drawn: set[str] = set()
    for index, (series, formula) in enumerate(shown, 1):
        options: dict[str, Any] = {"label": _label(series, panel)}
        if colour := COLOURS[series.role]:
            options["color"] = colour
        if series.is_right:
            options["yAxis"] = "right"
        if formula in by_id and formula not in drawn:
            drawn.add(formula)
            rows.append(_row(by_id[formula], {"id": formula, **options}, context))
        else:
            more = {
                "expression": formula,
                "id": f"e{index}",
                **options,
                "period": min(panel.period_s, PERIOD_MAX_S),
            }
            rows.append([more])
    hidden = [
        _row(point, {"id": name, "visible": False}, context)
        for name, point in by_id.items()
        if name not in drawn
    ]
    return rows + hidden


def _label(series: Series, panel: Panel) -> str:
    """In a table and beside a number the unit stands nowhere else."""
    unit = panel.right_unit if series.is_right and panel.right_unit else panel.unit
    is_alone = panel.kind in ("number", "table")
    return f"{series.label} ({UNITS.get(unit, unit)})" if is_alone and unit != "1" else series.label


def _row(point: Point, options: dict[str, Any], context: Context) -> list[Any]:
    pairs = [text for pair in point.dimensions for text in pair]
    region = {"region": point.region} if point.region and point.region != context.system.region else {}
    return [point.namespace, point.name, *pairs, {**options, "stat": point.statistic, **region}]


def _axes(panel: Panel, shown: list[tuple[Series, str]]) -> dict[str, Any]:
    left: dict[str, Any] = {"label": UNITS.get(panel.unit, panel.unit), "showUnits": False}
    if panel.maximum is not None:
        left |= {"min": 0, "max": panel.maximum}
    axes = {"left": left}
    if any(series.is_right for series, _ in shown):
        unit = panel.right_unit or panel.unit
        axes["right"] = {"label": UNITS.get(unit, unit), "showUnits": False}
    return axes


def _annotations(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if panel.lines:
        found["horizontal"] = [
            {"label": line.label, "value": line.value, "color": LINE_COLOURS[line.role]}
            for line in panel.lines
        ]
    if panel.marks:
        found["vertical"] = [
            {"label": mark.label, "value": mark.at, "color": LINE_COLOURS["limit"]} for mark in panel.marks
        ]
    return found
