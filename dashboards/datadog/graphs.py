"""Panels with numbers as widgets: graphs over time and single values; tables are in tables.py.

https://docs.datadoghq.com/dashboards/widgets/timeseries/
"""

from __future__ import annotations

from typing import Any

from dashboards.datadog.formulas import formula, in_period
from dashboards.datadog.readings import NotThereError, Reading
from dashboards.expressions import Metric, metrics_of
from dashboards.panels import COLOURS, Line, Panel, Role, Series
from dashboards.resources import System

#: Palettes that come nearest to panels.COLOURS: Datadog takes names, no colours of ours.
PALETTES: dict[Role, str] = {
    "legacy": "orange",
    "serverless": "blue",
    "good": "green",
    "bad": "red",
    "neutral": "dog_classic",
}
_MARKERS = {
    "limit": "info solid",
    "baseline": "warning dashed",
    "objective": "ok dashed",
    "alarm": "error dashed",
}
_DISPLAY = {"lines": "line", "area": "area", "bars": "bars"}
#: UCUM -> units of https://docs.datadoghq.com/metrics/units/
_UNITS = {
    "ms": "millisecond",
    "s": "second",
    "%": "percent",
    "By": "byte",
    "MBy": "megabyte",
    "{USD}": "dollar",
}
#: Times that a widget may have of its own, in seconds.
_SPANS = {900: "15m", 3600: "1h", 14_400: "4h", 86_400: "1d", 604_800: "1w", 2_592_000: "1mo"}
#: Filters of metrics by the dashboard's variables.
VARIABLES = ("$env", "$region")
_AGAIN = frozenset({"endpoint.requests", "endpoint.duration"})


class Drawn:
    """Queries and formulas of one widget. faults: labels of series that are not drawn, and why."""

    def __init__(self, panel: Panel, system: System) -> None:
        """Read every series of a panel."""
        self.panel = panel
        self.faults: list[tuple[str, str]] = []
        self.doubts: set[tuple[str, str]] = set()
        #: Variables of the dashboard that stand for names: variable -> key of the tag.
        self.variables: dict[str, str] = {}
        self._system = system
        self._names: dict[str, str] = {}

    def series(self, series: Series) -> tuple[list[dict[str, Any]], str] | None:
        """Return the queries and the formula of one series; None where Datadog does not have it."""
        queries: dict[str, dict[str, Any]] = {}

        def place(reading: Reading) -> str:
            self.saw(reading)
            query = self.query(reading)
            text = str(query)
            name = self._names.setdefault(text, f"q{len(self._names) + 1}")
            queries[name] = {**query, "name": name}
            return in_period(name, reading, self.panel.period_s)

        try:
            text = formula(series.of, self._system, place, VARIABLES)
        except NotThereError as fault:
            self.faults.append((series.label, str(fault)))
            return None
        return list(queries.values()), text

    def saw(self, reading: Reading) -> None:
        """Remember what is not certain of a reading, and the variable that it needs."""
        if reading.doubt:
            self.doubts.add((reading.doubt, reading.name))
        if reading.variable:
            self.variables.setdefault(*reading.variable)

    def query(self, reading: Reading) -> dict[str, Any]:
        """Return the query of a reading without its name: a value a period, or one of all the time."""
        period = self.panel.period_s
        is_one_value = self.panel.kind in ("number", "table")
        if reading.is_lines:
            compute = {"aggregation": "count", **({} if is_one_value else {"interval": period * 1000})}
            search = {"query": reading.text}
            return {
                "data_source": "logs",
                "search": search,
                "indexes": ["*"],
                "compute": compute,
                "group_by": [],
            }
        if is_one_value:
            aggregator = "sum" if reading.is_count else "last"
            return {"data_source": "metrics", "query": reading.text, "aggregator": aggregator}
        text = f"{reading.text}.rollup(sum, {period})" if reading.is_count else reading.text
        return {"data_source": "metrics", "query": text}


def timeseries(
    panel: Panel, drawn: Drawn, events: list[dict[str, str]], has_week_before: bool
) -> dict[str, Any]:
    """Return a graph over time. events: laid over it; has_week_before: endpoints again, a week older."""
    requests = []
    for series in panel.series:
        found = drawn.series(series)
        if found is None:
            continue
        queries, text = found
        requests.append(_request(panel, series, queries, text))
        if has_week_before and panel.kind == "lines" and _is_again(series):
            requests.append(_week_before(panel, series, queries, text))
    widget: dict[str, Any] = {
        "type": "timeseries",
        "requests": requests,
        "show_legend": True,
        "legend_layout": "auto",
        "markers": [_marker(line) for line in panel.lines],
        "yaxis": _axis(panel),
        "events": events,
    }
    if any(series.is_right for series in panel.series):
        widget["right_yaxis"] = {"include_zero": True, "scale": "linear"}
    return widget


def value(panel: Panel, drawn: Drawn) -> dict[str, Any]:
    """Return one number with its course behind it, of the panel's own period."""
    request = scalar(panel, drawn)
    role = panel.series[0].role if panel.series else "neutral"
    if request and COLOURS[role]:
        request["conditional_formats"] = [
            {"comparator": ">=", "value": 0, "palette": "custom_text", "custom_fg_color": COLOURS[role]}
        ]
    return {
        "type": "query_value",
        "requests": [request] if request else [],
        "autoscale": True,
        "precision": 2,
        "timeseries_background": {"type": "area"},
        "time": span(panel),
    }


def span(panel: Panel) -> dict[str, str]:
    """Return the time of a widget that is nearest to a panel's period: one number is over one period."""
    nearest = min(_SPANS, key=lambda seconds: (abs(seconds - panel.period_s), seconds))
    return {"live_span": _SPANS[nearest]}


def scalar(panel: Panel, drawn: Drawn) -> dict[str, Any]:
    """Return a request with a formula a series; {} where Datadog has none of them."""
    queries: dict[str, dict[str, Any]] = {}
    formulas = []
    for series in panel.series:
        found = drawn.series(series)
        if found is not None:
            queries.update({query["name"]: query for query in found[0]})
            formulas.append({"formula": found[1], "alias": series.label, **in_unit(panel.unit)})
    if not formulas:
        return {}
    return {"response_format": "scalar", "queries": list(queries.values()), "formulas": formulas}


def _request(panel: Panel, series: Series, queries: list[dict[str, Any]], text: str) -> dict[str, Any]:
    unit = panel.right_unit if series.is_right else panel.unit
    return {
        "response_format": "timeseries",
        "queries": queries,
        "formulas": [{"formula": text, "alias": series.label, **in_unit(unit)}],
        "display_type": _DISPLAY.get(panel.kind, "line"),
        "on_right_yaxis": series.is_right,
        "style": {"palette": PALETTES[series.role], "line_type": "solid", "line_width": "normal"},
    }


def _week_before(panel: Panel, series: Series, queries: list[dict[str, Any]], text: str) -> dict[str, Any]:
    request = _request(panel, series, queries, f"week_before({text})")
    request["formulas"][0]["alias"] = f"{series.label}, a week before"
    request["style"] = {"palette": PALETTES[series.role], "line_type": "dotted", "line_width": "thin"}
    return request


def _is_again(series: Series) -> bool:
    return isinstance(series.of, Metric) and series.of.measure in _AGAIN


def _marker(line: Line) -> dict[str, str]:
    return {"label": line.label, "value": f"y = {line.value:g}", "display_type": _MARKERS[line.role]}


def _axis(panel: Panel) -> dict[str, Any]:
    axis: dict[str, Any] = {"include_zero": True, "scale": "linear"}
    if panel.maximum is not None:
        axis.update({"min": "0", "max": f"{panel.maximum:g}"})
    return axis


def in_unit(unit: str) -> dict[str, Any]:
    """Return how numbers of a UCUM unit are written; {} for those without one."""
    if unit not in _UNITS:
        return {}
    return {"number_format": {"unit": {"type": "canonical_unit", "unit_name": _UNITS[unit]}}}


def measures(panel: Panel) -> list[str]:
    """Return the measures of a panel, each once, in order."""
    return list(dict.fromkeys(one.measure for series in panel.series for one in metrics_of(series.of)))
