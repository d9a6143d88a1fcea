"""JSON Schemas of saved objects of OpenSearch Dashboards 2.17 and of monitors, strict."""

from __future__ import annotations

from typing import Any

from tests.dashboards.kibana.schemas import (
    COLOUR,
    FLAG,
    GRID,
    NAME,
    REFERENCES,
    SOURCE,
    TEXT,
    WHOLE,
    strict,
)

OBJECT = strict(
    {
        "attributes": {"type": "object"},
        "id": NAME,
        "migrationVersion": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string", "pattern": r"^7\.\d+\.\d+$"},
        },
        "references": REFERENCES,
        "type": NAME,
    }
)
_COMMON = {"description": TEXT, "kibanaSavedObjectMeta": SOURCE, "title": NAME, "version": {"const": 1}}
OBJECTS: dict[str, dict[str, Any]] = {
    "index-pattern": strict(
        {"fieldFormatMap": TEXT, "timeFieldName": {"const": "@timestamp"}, "title": NAME}
    ),
    "search": strict(
        {
            **_COMMON,
            "columns": {"type": "array", "items": NAME},
            "hits": WHOLE,
            "sort": {
                "type": "array",
                "items": {
                    "type": "array",
                    "prefixItems": [{"const": "@timestamp"}, {"enum": ["asc", "desc"]}],
                },
            },
        }
    ),
    "visualization": strict({**_COMMON, "uiStateJSON": NAME, "visState": NAME}),
    "dashboard": strict(
        {
            **_COMMON,
            "hits": WHOLE,
            "optionsJSON": NAME,
            "panelsJSON": NAME,
            "refreshInterval": strict({"pause": FLAG, "value": WHOLE}),
            "timeFrom": NAME,
            "timeRestore": FLAG,
            "timeTo": NAME,
        }
    ),
}
DASHBOARD_PANEL = strict(
    {
        "embeddableConfig": strict({}, {"hidePanelTitles": FLAG}),
        "gridData": GRID,
        "panelIndex": NAME,
        "panelRefName": NAME,
        "version": {"type": "string", "pattern": r"^2\.\d+\.\d+$"},
    }
)
VIS_STATE = {
    "oneOf": [
        strict(
            {
                "aggs": {"type": "array", "maxItems": 0},
                "params": params,
                "title": NAME,
                "type": {"const": kind},
            }
        )
        for kind, params in (
            ("vega", strict({"spec": NAME})),
            ("markdown", strict({"fontSize": WHOLE, "markdown": NAME, "openLinksInNewTab": FLAG})),
        )
    ]
}
_CHANNEL = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "axis": {"type": "object"},
        "field": NAME,
        "legend": {"type": "object"},
        "scale": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "required": ["domain"],
            "properties": {"domain": {"type": "array"}, "range": {"type": "array", "items": COLOUR}},
        },
        "sort": {"type": "null"},
        "stack": {"enum": [None, "zero"]},
        "type": {"enum": ["quantitative", "temporal", "nominal"]},
        "value": {},
    },
}
_UNIT = {
    "data": {"type": "object"},
    "encoding": {
        "type": "object",
        "additionalProperties": False,
        "properties": dict.fromkeys(("color", "opacity", "text", "x", "y"), _CHANNEL),
    },
    "mark": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": ["line", "area", "bar", "rule", "text"]}},
    },
    "transform": {"type": "array", "items": {"type": "object"}},
}
VEGA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["$schema", "data"],
    "anyOf": [{"required": ["layer"]}, {"required": ["mark", "encoding", "data"]}],
    "properties": {
        "$schema": {"const": "https://vega.github.io/schema/vega-lite/v5.json"},
        "autosize": {"type": "object"},
        "config": strict({"kibana": strict({"hideWarnings": {"const": True}})}),
        "layer": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/layer"}},
        "resolve": {"type": "object"},
        **_UNIT,
    },
    "$defs": {
        "layer": {
            "type": "object",
            "additionalProperties": False,
            "anyOf": [{"required": ["layer"]}, {"required": ["mark", "encoding"]}],
            "properties": {"layer": {"type": "array", "items": {"$ref": "#/$defs/layer"}}, **_UNIT},
        }
    },
}
VEGA_DATA = {
    "oneOf": [
        strict({"values": {"type": "array", "minItems": 1}}),
        strict(
            {
                "format": strict(
                    {"property": {"enum": ["aggregations.time.buckets", "aggregations.all.buckets"]}}
                ),
                "url": strict(
                    {
                        "%context%": {"const": True},
                        "%timefield%": {"const": "@timestamp"},
                        "body": strict(
                            {"aggs": {"type": "object", "minProperties": 1}, "size": {"const": 0}}
                        ),
                        "index": NAME,
                    }
                ),
            }
        ),
    ]
}
_TRIGGER = strict(
    {
        "actions": {"type": "array"},
        "condition": strict({"script": strict({"lang": {"const": "painless"}, "source": NAME})}),
        "name": NAME,
        "severity": {"enum": ["1", "2", "3", "4", "5"]},
    }
)
_SEARCH = strict(
    {
        "indices": {"type": "array", "items": NAME, "minItems": 1},
        "query": strict(
            {
                "aggregations": strict({"periods": {"type": "object"}}),
                "query": {"type": "object"},
                "size": {"const": 0},
            }
        ),
    }
)
MONITOR = strict(
    {
        "enabled": FLAG,
        "inputs": {"type": "array", "minItems": 1, "maxItems": 1, "items": strict({"search": _SEARCH})},
        "monitor_type": {"const": "query_level_monitor"},
        "name": NAME,
        "schedule": strict(
            {"period": strict({"interval": {"type": "integer", "minimum": 1}, "unit": {"const": "MINUTES"}})}
        ),
        "triggers": {
            "type": "array",
            "minItems": 1,
            "items": strict({"query_level_trigger": _TRIGGER}),
        },
        "type": {"const": "monitor"},
    }
)
