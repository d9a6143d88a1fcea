"""How Grafana shows the values of a panel: units, colours, axes, limits, as `fieldConfig`.

https://grafana.com/docs/grafana/latest/panels-visualizations/configure-overrides/
"""

from __future__ import annotations

from typing import Any

from dashboards.grafana.asked import Drawn
from dashboards.measures import MEASURES
from dashboards.panels import COLOURS, LINE_COLOURS, Panel, Series

#: UCUM -> Grafana's own name of a unit.
UNITS: dict[str, str] = {
    "1": "short",
    "%": "percent",
    "ms": "ms",
    "s": "s",
    "By": "bytes",
    "MBy": "decmbytes",
    "{USD}": "currencyUSD",
}
_STYLES = {"lines": "line", "area": "line", "bars": "bars"}


def field_config(panel: Panel, drawn: Drawn) -> dict[str, Any]:
    """Return the defaults of a panel, and what differs by series: name, colour, axis."""
    defaults: dict[str, Any] = {
        "unit": unit(panel.unit),
        "color": {"mode": "palette-classic"},
        "thresholds": thresholds(panel),
        "noValue": "-",
    }
    if panel.maximum is not None:
        defaults |= {"min": 0, "max": panel.maximum}
    if panel.kind in _STYLES:
        defaults["custom"] = _custom(panel)
    return {
        "defaults": defaults,
        "overrides": [_override(ref, panel.series[index], panel) for ref, index in drawn.refs.items()],
    }


def unit(ucum: str) -> str:
    """Return Grafana's name of a unit; one that it has none for is shown behind the number."""
    return UNITS.get(ucum, f"suffix: {ucum.strip('{}')}")


def titled(measure: str) -> str:
    """Return a measure as people call it, and what has it: `Duration (function)`."""
    found = MEASURES.get(measure)
    if found is None:
        return measure
    return f"{found.title} ({found.of.replace('_', ' ')})"


def thresholds(panel: Panel) -> dict[str, Any]:
    """Return the lines of a panel as thresholds, lowest first, which Grafana wants."""
    steps: list[dict[str, Any]] = [{"color": "transparent", "value": None}]
    by_value = {line.value: LINE_COLOURS[line.role] for line in panel.lines}
    steps += [{"color": by_value[value], "value": value} for value in sorted(by_value)]
    return {"mode": "absolute", "steps": steps}


def _custom(panel: Panel) -> dict[str, Any]:
    is_area = panel.kind == "area"
    return {
        "drawStyle": _STYLES[panel.kind],
        "lineWidth": 2 if panel.kind == "lines" else 1,
        "fillOpacity": {"lines": 0, "area": 30, "bars": 80}[panel.kind],
        "showPoints": "auto",
        # A gap is a gap: no data is told as such, not as a line.
        "spanNulls": False,
        "stacking": {"mode": "normal" if is_area else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if panel.lines else "off"},
        "axisPlacement": "auto",
        **({} if panel.maximum is not None else {"axisSoftMin": 0}),
    }


def _override(ref: str, series: Series, panel: Panel) -> dict[str, Any]:
    properties: list[dict[str, Any]] = [{"id": "displayName", "value": series.label}]
    if colour := COLOURS[series.role]:
        properties.append({"id": "color", "value": {"mode": "fixed", "fixedColor": colour}})
    if series.is_right:
        properties += [
            {"id": "unit", "value": unit(panel.right_unit or "1")},
            {"id": "custom.axisPlacement", "value": "right"},
            {"id": "custom.thresholdsStyle", "value": {"mode": "off"}},
        ]
    return {"matcher": {"id": "byFrameRefID", "options": ref}, "properties": properties}
