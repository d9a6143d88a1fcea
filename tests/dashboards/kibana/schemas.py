"""JSON Schemas of saved objects and rules of Kibana 8.17, strict: what is unknown is refused."""

from __future__ import annotations

from typing import Any

#: Keys of which no schema here asks more than a text that is not empty, or a whole number of 0 or 1 at least.
FREE = frozenset(
    {
        *("description", "fieldFormatMap", "filter", "formula", "h", "i", "id", "label", "markdown", "name"),
        *("optionsJSON", "panelIndex", "panelRefName", "panelsJSON", "query", "searchSourceJSON", "source"),
        *("spec", "text", "title", "visState", "w", "x", "y"),
    }
)
TEXT = {"type": "string"}
NAME = {"type": "string", "minLength": 1}
WHOLE = {"type": "integer", "minimum": 0}
FLAG = {"type": "boolean"}
ANY_LIST = {"type": "array"}
REFERENCES = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "name", "type"],
        "properties": {"id": NAME, "name": NAME, "type": NAME},
    },
}


def strict(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema of an object that has these members and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


SOURCE = strict({"searchSourceJSON": NAME})
OBJECT = strict(
    {
        "attributes": {"type": "object"},
        "coreMigrationVersion": {"const": "8.8.0"},
        "id": NAME,
        "references": REFERENCES,
        "type": NAME,
        "typeMigrationVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
    },
    {"managed": FLAG},
)
OBJECTS: dict[str, dict[str, Any]] = {
    "index-pattern": strict(
        {"timeFieldName": {"const": "@timestamp"}, "title": NAME},
        {"fieldFormatMap": TEXT, "fields": TEXT, "name": NAME},
    ),
    "search": strict(
        {"columns": {"type": "array", "items": NAME}, "kibanaSavedObjectMeta": SOURCE, "title": NAME},
        {
            "description": TEXT,
            "grid": {"type": "object"},
            "hideChart": FLAG,
            "isTextBasedQuery": FLAG,
            "sort": {
                "type": "array",
                "items": {
                    "type": "array",
                    "prefixItems": [{"const": "@timestamp"}, {"enum": ["asc", "desc"]}],
                },
            },
            "timeRestore": FLAG,
        },
    ),
    "dashboard": strict(
        {"kibanaSavedObjectMeta": SOURCE, "optionsJSON": NAME, "panelsJSON": NAME, "title": NAME},
        {
            "description": TEXT,
            "refreshInterval": strict({"pause": FLAG, "value": WHOLE}),
            "timeFrom": NAME,
            "timeRestore": FLAG,
            "timeTo": NAME,
        },
    ),
}
GRID = strict(
    {
        "h": {"type": "integer", "minimum": 1},
        "i": NAME,
        "w": {"type": "integer", "minimum": 1},
        "x": WHOLE,
        "y": WHOLE,
    }
)
EVENT = strict(
    {
        "action": strict(
            {
                "config": {"type": "object"},
                "factoryId": {"enum": ["DASHBOARD_TO_DASHBOARD_DRILLDOWN", "URL_DRILLDOWN"]},
                "name": NAME,
            }
        ),
        "eventId": NAME,
        "triggers": {
            "type": "array",
            "minItems": 1,
            "items": {"enum": ["FILTER_TRIGGER", "CONTEXT_MENU_TRIGGER", "VALUE_CLICK_TRIGGER"]},
        },
    }
)
ENHANCEMENTS = strict({}, {"dynamicActions": strict({"events": {"type": "array", "items": EVENT}})})
MARKDOWN = strict(
    {
        "data": {"type": "object"},
        "params": strict({"fontSize": WHOLE, "markdown": NAME, "openLinksInNewTab": FLAG}),
        "title": TEXT,
        "type": {"const": "markdown"},
    },
    {"description": TEXT, "id": TEXT, "uiState": {"type": "object"}},
)
_PANEL = {"gridData": GRID, "panelIndex": NAME, "title": TEXT}
DASHBOARD_PANEL = {
    "oneOf": [
        strict(
            {
                **_PANEL,
                "embeddableConfig": strict(
                    {"attributes": {"type": "object"}, "enhancements": ENHANCEMENTS},
                    {"hidePanelTitles": FLAG},
                ),
                "type": {"const": "lens"},
            }
        ),
        strict(
            {
                **_PANEL,
                "embeddableConfig": strict(
                    {"savedVis": MARKDOWN, "enhancements": ENHANCEMENTS}, {"hidePanelTitles": FLAG}
                ),
                "type": {"const": "visualization"},
            }
        ),
        strict(
            {
                **_PANEL,
                "embeddableConfig": strict({"enhancements": ENHANCEMENTS}),
                "panelRefName": NAME,
                "type": {"const": "search"},
            }
        ),
    ]
}
QUERY = strict({"language": {"const": "kuery"}, "query": TEXT})
_COLUMN = {
    "dataType": {"enum": ["number", "date"]},
    "isBucketed": FLAG,
    "label": NAME,
    "operationType": {
        "enum": [
            *("count", "sum", "average", "min", "max", "percentile", "unique_count"),
            *("formula", "math", "static_value", "date_histogram"),
        ]
    },
    "params": {"type": "object"},
    "scale": {"enum": ["ratio", "interval"]},
}
COLUMN = strict(
    _COLUMN,
    {
        "customLabel": FLAG,
        "filter": QUERY,
        "isStaticValue": FLAG,
        "references": ANY_LIST,
        "sourceField": NAME,
    },
)
LAYER = strict(
    {
        "columnOrder": {"type": "array", "items": NAME},
        "columns": {"type": "object", "additionalProperties": COLUMN},
    },
    {
        "ignoreGlobalFilters": FLAG,
        "incompleteColumns": {"type": "object"},
        "linkToLayers": {"type": "array", "items": NAME, "minItems": 1},
        "sampling": {"type": "number"},
    },
)
COLOUR = {"type": "string", "pattern": "^#[0-9a-f]{6}$"}
Y_CONFIG = strict(
    {"axisMode": {"enum": ["left", "right"]}, "forAccessor": NAME},
    {
        "color": COLOUR,
        "fill": {"const": "none"},
        "iconPosition": TEXT,
        "lineStyle": {"enum": ["solid", "dashed", "dotted"]},
        "lineWidth": WHOLE,
        "textVisibility": FLAG,
    },
)
_ACCESSORS = {"type": "array", "items": NAME, "minItems": 1}
_CONFIGS = {"type": "array", "items": Y_CONFIG}
ANNOTATION = strict(
    {
        "id": NAME,
        "key": strict(
            {
                "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d"},
                "type": {"const": "point_in_time"},
            }
        ),
        "label": NAME,
        "type": {"const": "manual"},
    },
    {"color": COLOUR, "icon": NAME, "lineStyle": NAME, "lineWidth": WHOLE, "textVisibility": FLAG},
)
XY_LAYER = {
    "oneOf": [
        strict(
            {
                "accessors": _ACCESSORS,
                "layerId": NAME,
                "layerType": {"const": "data"},
                "seriesType": {"enum": ["line", "area_stacked", "bar_stacked"]},
                "xAccessor": NAME,
                "yConfig": _CONFIGS,
            }
        ),
        strict(
            {
                "accessors": _ACCESSORS,
                "layerId": NAME,
                "layerType": {"const": "referenceLine"},
                "yConfig": _CONFIGS,
            }
        ),
        strict(
            {
                "annotations": {"type": "array", "items": ANNOTATION, "minItems": 1},
                "ignoreGlobalFilters": FLAG,
                "layerId": NAME,
                "layerType": {"const": "annotations"},
                "persistanceType": {"const": "byValue"},
            }
        ),
    ]
}
_DATA = {"layerId": NAME, "layerType": {"const": "data"}}
_STATES = {
    "lnsXY": {
        "type": "object",
        "required": ["layers", "legend", "preferredSeriesType", "valueLabels"],
        "properties": {"layers": {"type": "array", "items": XY_LAYER, "minItems": 1}},
    },
    "lnsMetric": strict(
        {
            **_DATA,
            "metricAccessor": NAME,
            "trendlineLayerId": NAME,
            "trendlineLayerType": {"const": "metricTrendline"},
            "trendlineMetricAccessor": NAME,
            "trendlineTimeAccessor": NAME,
        },
        {"color": COLOUR},
    ),
    "lnsDatatable": strict(
        {
            **_DATA,
            "columns": {
                "type": "array",
                "minItems": 1,
                "items": strict({"columnId": NAME}, {"isTransposed": FLAG}),
            },
        }
    ),
}


def _lens(kind: str) -> dict[str, Any]:
    state = strict(
        {
            "datasourceStates": strict(
                {
                    "formBased": strict(
                        {"layers": {"type": "object", "additionalProperties": LAYER, "minProperties": 1}}
                    )
                }
            ),
            "filters": ANY_LIST,
            "query": QUERY,
            "visualization": _STATES[kind],
        },
        {"adHocDataViews": {"type": "object"}, "internalReferences": ANY_LIST},
    )
    return strict(
        {"references": REFERENCES, "state": state, "title": TEXT, "visualizationType": {"const": kind}},
        {"description": TEXT, "type": {"const": "lens"}},
    )


LENS = {"oneOf": [_lens(kind) for kind in _STATES]}
_METRIC = {
    "oneOf": [
        strict({"aggType": {"const": "count"}, "filter": TEXT, "name": NAME}),
        strict(
            {
                "aggType": {"enum": ["avg", "sum", "min", "max", "cardinality", "p95", "p99"]},
                "field": NAME,
                "name": NAME,
            }
        ),
    ]
}
RULE = strict(
    {
        "actions": ANY_LIST,
        # Features that have rules of this type; `observability` is none, so only a superuser might create it.
        "consumer": {"enum": ["logs", "infrastructure"]},
        "name": NAME,
        "params": strict(
            {
                "criteria": {
                    "type": "array",
                    "minItems": 1,
                    "items": strict(
                        {
                            "comparator": {"enum": [">", ">=", "<", "<="]},
                            "equation": {"type": "string", "pattern": r"^[A-Z0-9.+\-*/()?:<>=&|! ]+$"},
                            "metrics": {"type": "array", "items": _METRIC, "minItems": 1, "maxItems": 26},
                            "threshold": {
                                "type": "array",
                                "items": {"type": "number"},
                                "minItems": 1,
                                "maxItems": 1,
                            },
                            "timeSize": {"type": "integer", "minimum": 1},
                            "timeUnit": {"enum": ["s", "m", "h", "d"]},
                        },
                        {"label": TEXT},
                    ),
                },
                "searchConfiguration": strict({"index": NAME, "query": QUERY}),
            },
            {"alertOnGroupDisappear": FLAG, "alertOnNoData": FLAG},
        ),
        "rule_type_id": {"const": "observability.rules.custom_threshold"},
        "schedule": strict({"interval": {"type": "string", "pattern": "^[1-9][0-9]*m$"}}),
    },
    {
        "alert_delay": strict({"active": {"type": "integer", "minimum": 1}}),
        "enabled": FLAG,
        "tags": {"type": "array", "items": NAME, "uniqueItems": True},
    },
)
