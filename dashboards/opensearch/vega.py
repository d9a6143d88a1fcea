"""Charts as Vega-Lite, for OpenSearch Dashboards' own charts know no ratios, several limits or cutovers.

The data are searches: `%context%` adds the dashboard's filters and times, `%autointerval%` a bar's length;
OpenSearch Dashboards replaces that below `interval` alone. One search is all that most charts need: what
every layer reads is asked for at the top, and only series of other documents have a search of their own.
https://docs.opensearch.org/latest/dashboards/visualize/vega/
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from dashboards.kibana.arithmetic import Calculation, Language, index_of, written
from dashboards.kibana.fields import Reading
from dashboards.kibana.shown import Drawn
from dashboards.kibana.store import Index, Store
from dashboards.opensearch.queries import Names, aggregations, names_of, value_path
from dashboards.panels import COLOURS, LINE_COLOURS, Panel, Series

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
#: Vega has no colour of its own for one that has none.
_NEUTRAL = ("#9467bd", "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22")
_MARKS: dict[str, dict[str, Any]] = {
    "lines": {"interpolate": "linear", "point": True, "tooltip": True, "type": "line"},
    "area": {"opacity": 0.6, "tooltip": True, "type": "area"},
    "bars": {"tooltip": True, "type": "bar"},
}
#: What Vega says of sizes and of empty data would lie over the chart.
_CONFIG = {"kibana": {"hideWarnings": True}}
_UNITS = {"1": "", "{USD}": " USD", "MBy": " MB", "By": " B"}
Numbered = list[tuple[int, Series, Calculation]]


def spec(panel: Panel, drawn: Drawn, store: Store) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart."""
    numbered = [(number, series, found) for number, (series, found) in enumerate(_distinct(drawn))]
    layers = _graph(panel, numbered, store) if panel.kind in _MARKS else _values(panel, numbered, store)
    fitted = {"autosize": {"contains": "padding", "type": "fit"}, "config": _CONFIG}
    return {"$schema": SCHEMA, **fitted, **layers}


def _distinct(drawn: Drawn) -> Drawn:
    """Series of different names: two of one name would be one line."""
    times: dict[str, int] = {}
    out = []
    for series, found in drawn:
        times[series.label] = number = times.get(series.label, 0) + 1
        label = series.label if number == 1 else f"{series.label} ({number})"
        out.append((msgspec.structs.replace(series, label=label), found))
    return tuple(out)


def expression(found: Calculation, names: Names) -> str:
    """Return a calculation as an expression of Vega; NaN, which is not drawn, where there is no value."""

    def read(one: Reading) -> str:
        path = f"datum.{value_path(one, names[one])}"
        return path if one.aggregate == "count" else f"(isValid({path}) ? {path} : NaN)"

    return written(
        found,
        Language(
            reading=read,
            division=lambda one, two: f"({two} ? {one} / {two} : NaN)",
            gate=lambda of, minimum, then: f"({of} >= {minimum} ? {then} : 0)",
        ),
    )


def _graph(panel: Panel, numbered: Numbered, store: Store) -> dict[str, Any]:
    left = [one for one in numbered if not one[1].is_right]
    right = [one for one in numbered if one[1].is_right]
    first = _by_index(numbered)[0]
    index, names = index_of(first[0][2]), names_of(found for _, _, found in first)
    shared = {index: names}
    data = _histogram(store, index, names)
    layers = [_series_layer(panel, found, numbered, store, shared) for found in _by_index(left)]
    layers.extend(_limits(panel))
    layers.extend(_cutovers(panel))
    if not right:
        return {"data": data, "layer": layers}
    others = [
        _series_layer(panel, found, numbered, store, shared, is_right=True) for found in _by_index(right)
    ]
    if not left:
        return {"data": data, "layer": [*layers, *others]}
    both = [{"layer": layers}, {"layer": others}]
    return {"data": data, "layer": both, "resolve": {"scale": {"y": "independent"}}}


def _by_index(numbered: Numbered) -> list[Numbered]:
    out: dict[Index, Numbered] = {}
    for one in numbered:
        out.setdefault(index_of(one[2]), []).append(one)
    return list(out.values())


def _series_layer(
    panel: Panel,
    found: Numbered,
    every: Numbered,
    store: Store,
    shared: dict[Index, Names],
    *,
    is_right: bool = False,
) -> dict[str, Any]:
    """The series of one kind of documents. shared: what the chart's own search asks for."""
    index = index_of(found[0][2])
    names = shared.get(index) or names_of(one for _, _, one in found)
    unit = panel.right_unit if is_right else panel.unit
    y: dict[str, Any] = {
        "axis": {"title": _UNITS.get(unit, unit).strip() or None},
        "field": "value",
        "stack": None if panel.kind == "lines" else "zero",
        "type": "quantitative",
    }
    if panel.maximum is not None and not is_right:
        y["scale"] = {"domain": [0, panel.maximum]}
    return {
        **({} if index in shared else {"data": _histogram(store, index, names)}),
        "encoding": {
            "color": _colour(every),
            "x": {"axis": {"title": None}, "field": "key", "type": "temporal"},
            "y": y,
        },
        "mark": _MARKS[panel.kind],
        "transform": _transform(found, names),
    }


def _values(panel: Panel, numbered: Numbered, store: Store) -> dict[str, Any]:
    """A number, or a row a series: texts."""
    names = names_of(found for _, _, found in numbered)
    index = index_of(*(found for _, _, found in numbered))
    unit = _UNITS.get(panel.unit, f" {panel.unit}")
    shown = (
        f"isValid(datum.value) && isFinite(datum.value) ? format(datum.value, ',.4~r') + {_text(unit)} : '-'"
    )
    transform = [*_transform(numbered, names), {"as": "shown", "calculate": shown}]
    body = {"aggs": {"all": {"aggs": aggregations(names), "filters": {"filters": [{"match_all": {}}]}}}}
    encoding: dict[str, Any] = {"text": {"field": "shown"}}
    size = 36
    if len(numbered) > 1 or panel.kind == "table":
        size = 16
        axis = {"domain": False, "labelFontSize": 13, "labelLimit": 400, "ticks": False, "title": None}
        encoding["y"] = {"axis": axis, "field": "series", "sort": None, "type": "nominal"}
    elif colour := COLOURS[numbered[0][1].role]:
        encoding["color"] = {"value": colour}
    return {
        "data": _search(store, index, body, "aggregations.all.buckets"),
        "encoding": encoding,
        "mark": {"fontSize": size, "type": "text"},
        "transform": transform,
    }


def _transform(found: Numbered, names: Names) -> list[dict[str, Any]]:
    """A row a bucket becomes a row a bucket and series."""
    out: list[dict[str, Any]] = [
        {"as": f"s{number}", "calculate": expression(one, names)} for number, _, one in found
    ]
    out.append({"as": ["name", "value"], "fold": [f"s{number}" for number, _, _ in found]})
    label = "''"
    for number, series, _ in reversed(found):
        label = f"datum.name == 's{number}' ? {_text(series.label)} : {label}"
    return [*out, {"as": "series", "calculate": label}]


def _colour(every: Numbered) -> dict[str, Any]:
    colours = [COLOURS[series.role] or _NEUTRAL[number % len(_NEUTRAL)] for number, series, _ in every]
    return {
        "field": "series",
        "legend": {"orient": "bottom", "title": None},
        "scale": {"domain": [series.label for _, series, _ in every], "range": colours},
        "type": "nominal",
    }


def _limits(panel: Panel) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for number, line in enumerate(panel.lines):
        # Words of lines at one height stand below one another.
        same = sum(other.value == line.value for other in panel.lines[:number])
        data = {"values": [{"label": line.label, "value": line.value}]}
        y = {"field": "value", "type": "quantitative"}
        colour = {"value": LINE_COLOURS[line.role]}
        rule = {"size": 2, "strokeDash": [6, 4], "tooltip": True, "type": "rule"}
        words = {"align": "left", "dy": 12 * same - 5 + 3 * bool(same), "type": "text"}
        out.append({"data": data, "encoding": {"color": colour, "y": y}, "mark": rule})
        label = {"color": colour, "text": {"field": "label"}, "x": {"value": 4}, "y": y}
        out.append({"data": data, "encoding": label, "mark": words})
    return out


def _cutovers(panel: Panel) -> list[dict[str, Any]]:
    """Vertical lines, where they are in the dashboard's time: one outside would widen the graph.

    That one is not left out but invisible: a layer without data makes Vega warn of an axis without end.
    """
    out: list[dict[str, Any]] = []
    for mark in panel.marks:
        edges = [
            {"as": "from", "field": "key", "op": "min"},
            {"as": "to", "field": "key", "op": "max"},
        ]
        transform: list[dict[str, Any]] = [
            {"aggregate": edges},
            {"as": "at", "calculate": f"time(toDate({_text(mark.at)}))"},
            {"as": "seen", "calculate": "datum.at >= datum.from && datum.at <= datum.to ? 1 : 0"},
            {"as": "key", "calculate": "datum.seen ? datum.at : datum.from"},
            {"as": "label", "calculate": f"datum.seen ? {_text(mark.label)} : ''"},
        ]
        x = {"field": "key", "type": "temporal"}
        base: dict[str, Any] = {"transform": transform}
        rule = {"color": "#7f7f7f", "size": 2, "type": "rule"}
        seen = {"field": "seen", "scale": None, "type": "quantitative"}
        out.append({**base, "encoding": {"opacity": seen, "x": x}, "mark": rule})
        words = {"align": "left", "color": "#7f7f7f", "dx": 4, "type": "text"}
        label = {"text": {"field": "label"}, "x": x, "y": {"value": 10}}
        out.append({**base, "encoding": label, "mark": words})
    return out


def _histogram(store: Store, index: Index, names: Names) -> dict[str, Any]:
    bounds = {"max": {"%timefilter%": "max"}, "min": {"%timefilter%": "min"}}
    time: dict[str, Any] = {
        "date_histogram": {
            "extended_bounds": bounds,
            "field": "@timestamp",
            # Not `fixed_interval`: there it would stay as it is, and be refused.
            "interval": {"%autointerval%": True},
            "min_doc_count": 0,
        }
    }
    if names:
        time["aggs"] = aggregations(names)
    return _search(store, index, {"aggs": {"time": time}}, "aggregations.time.buckets")


def _search(store: Store, index: Index, body: dict[str, Any], found: str) -> dict[str, Any]:
    url = {
        "%context%": True,
        "%timefield%": "@timestamp",
        "body": {**body, "size": 0},
        "index": store.titles[index],
    }
    return {"format": {"property": found}, "url": url}


def _text(value: str) -> str:
    """A text of Vega's expressions, which are JavaScript's."""
    return json.dumps(value)
