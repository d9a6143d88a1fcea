"""Charts as Lens panels: graphs with reference lines and annotations, numbers, tables.

https://www.elastic.co/docs/explore-analyze/visualize/lens
"""

from __future__ import annotations

from typing import Any

from dashboards.kibana.arithmetic import Calculation, index_of
from dashboards.kibana.lens import TIME, Columns, formula_columns, layer, static_column, time_column
from dashboards.kibana.objects import data_view
from dashboards.kibana.shown import Drawn, help_of
from dashboards.kibana.store import Index
from dashboards.panels import COLOURS, LINE_COLOURS, Panel, Series

_KINDS = {"lines": "line", "area": "area_stacked", "bars": "bar_stacked"}
_AXES = {"x": True, "yLeft": True, "yRight": True}


def lens(panel: Panel, drawn: Drawn) -> dict[str, Any]:
    """Return the attributes of a Lens panel; its references are those of its layers."""
    if panel.kind in _KINDS:
        return _graph(panel, drawn)
    return _values(panel, drawn)


def _graph(panel: Panel, drawn: Drawn) -> dict[str, Any]:
    by_index: dict[Index, Columns] = {}
    accessors: dict[Index, list[tuple[str, Series]]] = {}
    for number, (series, found) in enumerate(drawn):
        index, name = index_of(found), f"s{number}"
        unit = panel.right_unit if series.is_right else panel.unit
        columns = by_index.setdefault(index, time_column())
        columns.update(formula_columns(name, series.label, found, unit))
        accessors.setdefault(index, []).append((name, series))
    layers = {f"data-{index}": layer(columns) for index, columns in by_index.items()}
    views: dict[str, Index] = {f"data-{index}": index for index in by_index}
    drawings = [_data_layer(panel, f"data-{index}", found) for index, found in accessors.items()]
    if panel.lines:
        first = next(iter(by_index))
        layers["lines"] = layer(
            {f"line{n}": static_column(o.label, o.value) for n, o in enumerate(panel.lines)}
        )
        views["lines"] = first
        drawings.append(_line_layer(panel))
    references = [_reference(f"indexpattern-datasource-layer-{name}", views[name]) for name in layers]
    if panel.marks:
        drawings.append(_mark_layer(panel))
        references.append(_reference("xy-visualization-layer-marks", next(iter(by_index))))
    return _attributes(panel, "lnsXY", layers, _xy(panel, drawings), references)


def _values(panel: Panel, drawn: Drawn) -> dict[str, Any]:
    index = index_of(*(found for _, found in drawn))
    columns: Columns = {}
    for number, (series, found) in enumerate(drawn):
        columns.update(formula_columns(f"s{number}", series.label, found, panel.unit))
    layers = {"data": layer(columns)}
    references = [_reference("indexpattern-datasource-layer-data", index)]
    if panel.kind == "number" and len(drawn) == 1:
        number_state: dict[str, Any] = {"layerId": "data", "layerType": "data", "metricAccessor": "s0"}
        if COLOURS[drawn[0][0].role]:
            number_state["color"] = COLOURS[drawn[0][0].role]
        series, found = drawn[0]
        layers["trend"] = _trend(series.label, found, panel.unit)
        references.append(_reference("indexpattern-datasource-layer-trend", index))
        number_state.update(
            trendlineLayerId="trend",
            trendlineLayerType="metricTrendline",
            trendlineMetricAccessor="t0",
            trendlineTimeAccessor=TIME,
        )
        return _attributes(panel, "lnsMetric", layers, number_state, references)
    table = {
        "columns": [{"columnId": f"s{number}", "isTransposed": False} for number in range(len(drawn))],
        "layerId": "data",
        "layerType": "data",
    }
    return _attributes(panel, "lnsDatatable", layers, table, references)


def _trend(label: str, found: Calculation, unit: str) -> dict[str, Any]:
    """The layer of the line behind a number: the same value over time."""
    columns = {**time_column(), **formula_columns("t0", label, found, unit)}
    return {**layer(columns), "linkToLayers": ["data"]}


def _attributes(
    panel: Panel,
    kind: str,
    layers: dict[str, dict[str, Any]],
    visualization: dict[str, Any],
    references: list[dict[str, str]],
) -> dict[str, Any]:
    state = {
        "adHocDataViews": {},
        "datasourceStates": {"formBased": {"layers": layers}},
        "filters": [],
        "internalReferences": [],
        "query": {"language": "kuery", "query": ""},
        "visualization": visualization,
    }
    return {
        "description": help_of(panel),
        "references": references,
        "state": state,
        "title": panel.title,
        "type": "lens",
        "visualizationType": kind,
    }


def _reference(name: str, index: Index) -> dict[str, str]:
    return {"id": data_view(index), "name": name, "type": "index-pattern"}


def _data_layer(panel: Panel, name: str, found: list[tuple[str, Series]]) -> dict[str, Any]:
    drawn = []
    for accessor, series in found:
        config: dict[str, Any] = {
            "axisMode": "right" if series.is_right else "left",
            "forAccessor": accessor,
        }
        if COLOURS[series.role]:
            config["color"] = COLOURS[series.role]
        drawn.append(config)
    return {
        "accessors": [accessor for accessor, _ in found],
        "layerId": name,
        "layerType": "data",
        "seriesType": _KINDS[panel.kind],
        "xAccessor": "x",
        "yConfig": drawn,
    }


def _line_layer(panel: Panel) -> dict[str, Any]:
    names = [f"line{number}" for number in range(len(panel.lines))]
    drawn = [
        {
            "axisMode": "left",
            "color": LINE_COLOURS[line.role],
            "fill": "none",
            "forAccessor": name,
            "iconPosition": "auto",
            "lineStyle": "dashed",
            "lineWidth": 2,
            "textVisibility": True,
        }
        for name, line in zip(names, panel.lines, strict=True)
    ]
    return {"accessors": names, "layerId": "lines", "layerType": "referenceLine", "yConfig": drawn}


def _mark_layer(panel: Panel) -> dict[str, Any]:
    drawn = [
        {
            "color": "#7f7f7f",
            "icon": "triangle",
            "id": f"mark{number}",
            "key": {"timestamp": mark.at, "type": "point_in_time"},
            "label": mark.label,
            "lineStyle": "solid",
            "lineWidth": 2,
            "textVisibility": True,
            "type": "manual",
        }
        for number, mark in enumerate(panel.marks)
    ]
    return {
        "annotations": drawn,
        "ignoreGlobalFilters": True,
        "layerId": "marks",
        "layerType": "annotations",
        # Spelt like that in Kibana.
        "persistanceType": "byValue",
    }


def _xy(panel: Panel, layers: list[dict[str, Any]]) -> dict[str, Any]:
    extent: dict[str, Any] = {"mode": "full"}
    if panel.maximum is not None:
        extent = {"lowerBound": 0, "mode": "custom", "upperBound": panel.maximum}
    return {
        "axisTitlesVisibilitySettings": {**_AXES, "x": False},
        "fittingFunction": "None",
        "gridlinesVisibilitySettings": _AXES,
        "layers": layers,
        "legend": {"isVisible": True, "position": "bottom", "showSingleSeries": True},
        "preferredSeriesType": _KINDS[panel.kind],
        "tickLabelsVisibilitySettings": _AXES,
        "valueLabels": "hide",
        "yLeftExtent": extent,
        "yRightTitle": "" if panel.right_unit == "1" else panel.right_unit.strip("{}"),
        "yTitle": "" if panel.unit == "1" else panel.unit.strip("{}"),
    }
