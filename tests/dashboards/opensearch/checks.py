"""What is wrong with files for OpenSearch: saved objects, references, grids, data of Vega, monitors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from dashboards.alarms.values import Alarms
from dashboards.panels import Page
from dashboards.rendered import Rendered
from dashboards.resources import System
from tests.dashboards.kibana.checks import BYTES_MAX, markup_problems, overlaps, schema_problems, walk
from tests.dashboards.kibana.imports import bundle_problems, link_problems, objects_of
from tests.dashboards.kibana.queries import is_field, kql_problems
from tests.dashboards.opensearch.schemas import (
    DASHBOARD_PANEL,
    MONITOR,
    OBJECT,
    OBJECTS,
    VEGA,
    VEGA_DATA,
    VIS_STATE,
)

_QUERIES = ("term", "wildcard", "range", "match_phrase")
_AGGREGATIONS = ("sum", "avg", "min", "max", "percentiles", "cardinality", "date_histogram")
_PATH = re.compile(r"\b(m\d+)\.(doc_count|v\.value\b|v\.values\['\d+\.\d'\])")
#: Painless knows no others of the words that stand alone in our scripts.
_RESERVED = re.compile(r"\.(long|short|int|double|def|for|if|return|new)\b")


def problems(rendered: Rendered, system: System, pages: Sequence[Page], alarms: Alarms) -> list[str]:
    """Return every problem as a sentence; none where the files are valid."""
    del system
    objects = list(objects_of(rendered))
    out = [*bundle_problems(rendered), *link_problems(objects)]
    out.extend(_objects(objects, pages))
    monitors = {name: text for name, text in rendered.files.items() if name.startswith("monitors/")}
    for name, text in monitors.items():
        try:
            out.extend(_monitor(name, json.loads(text)))
        except ValueError:
            out.append(f"{name} is no JSON")
    lacking = [one.name for one in alarms.alarms if f"monitors/{one.name}.json" not in monitors]
    if lacking and not any("cannot tell" in note.text for note in rendered.notes):
        out.append(f"nothing says that there is no monitor for {', '.join(lacking)}")
    out.extend(one for name, text in rendered.files.items() for one in markup_problems(name, text))
    out.extend(
        f"{name} does not end with a new line" for name, text in rendered.files.items() if text[-1:] != "\n"
    )
    return out


def _objects(objects: list[dict[str, Any]], pages: Sequence[Page]) -> Iterator[str]:
    boards = sum(one.get("type") == "dashboard" for one in objects)
    if boards != len(pages):
        yield f"{len(pages)} pages have {boards} dashboards"
    for one in objects:
        name = f"{one.get('type')} {one.get('id')}"
        if len(json.dumps(one)) > BYTES_MAX:
            yield f"{name} is larger than {BYTES_MAX} bytes"
        faults = list(schema_problems(name, OBJECT, one))
        schema = OBJECTS.get(str(one.get("type")))
        if schema is None:
            faults.append(f"{name} is of no known type")
        else:
            faults.extend(schema_problems(name, schema, one.get("attributes")))
        yield from faults
        if not faults:
            yield from _object(name, one)
    shown = {reference["id"] for one in objects for reference in one.get("references", [])}
    for one in objects:
        if one.get("type") == "visualization" and one["id"] not in shown:
            yield f"visualization {one['id']} is on no dashboard"


def _object(name: str, one: dict[str, Any]) -> Iterator[str]:
    if one["migrationVersion"].keys() != {one["type"]}:
        yield f"{name} has the version of another type"
    trees: dict[str, Any] = {}
    for key, value in walk(one["attributes"]):
        if key.endswith(("JSON", "visState", "fieldFormatMap")):
            try:
                trees[key] = json.loads(value)
            except ValueError:
                yield f"{name}: {key} is no JSON"
    source = trees.get("searchSourceJSON", {})
    yield from kql_problems(name, source.get("query", {}).get("query", ""))
    used = {source["indexRefName"]} if "indexRefName" in source else set()
    for panel in trees.get("panelsJSON", []):
        faults = list(schema_problems(name, DASHBOARD_PANEL, panel))
        yield from faults
        if not faults:
            used.add(panel["panelRefName"])
            if panel["gridData"]["i"] != panel["panelIndex"]:
                yield f"{name}: gridData.i is not panelIndex"
    if one["type"] == "dashboard":
        yield from overlaps(
            name, [panel["gridData"] for panel in trees.get("panelsJSON", []) if "gridData" in panel]
        )
    given = {reference["name"] for reference in one["references"]}
    yield from (f"{name} refers to {lost}, which nothing uses" for lost in sorted(given - used))
    yield from (f"{name} lacks the reference {lost}" for lost in sorted(used - given))
    for column in one["attributes"].get("columns", []):
        if not is_field(column):
            yield f"{name}: column {column} is no field"
    if "visState" in trees:
        yield from _vis(name, trees["visState"])


def _vis(name: str, state: dict[str, Any]) -> Iterator[str]:
    faults = list(schema_problems(name, VIS_STATE, state))
    yield from faults
    if faults or state["type"] != "vega":
        return
    try:
        spec = json.loads(state["params"]["spec"])
    except ValueError:
        yield f"{name}: the specification is no JSON"
        return
    faults = list(schema_problems(name, VEGA, spec))
    yield from faults
    if faults:
        return
    read: dict[str, list[dict[str, Any]]] = {}
    for unit in units(spec):
        yield from _unit(name, unit)
        read.setdefault(json.dumps(unit["data"], sort_keys=True), []).extend(unit.get("transform", []))
    for source, steps in read.items():
        yield from _read(name, json.loads(source), steps)
    colours: dict[str, Any] = next(
        (unit["encoding"]["color"] for unit in units(spec) if "color" in unit["encoding"]), {}
    )
    domain = colours.get("scale", {}).get("domain", [])
    if len(set(domain)) != len(domain):
        yield f"{name}: two series have one name, and so one line"


def units(spec: dict[str, Any], data: Any = None) -> Iterator[dict[str, Any]]:
    """Yield the marks of a specification, with the data that they read: their own, or those above."""
    data = spec.get("data", data)
    for inner in spec.get("layer", []):
        yield from units(inner, data)
    if "layer" not in spec:
        yield {**spec, "data": data}


def _read(name: str, data: dict[str, Any], steps: list[dict[str, Any]]) -> Iterator[str]:
    """What is asked for once is read by all marks together."""
    if "url" in data:
        aggregations = data["url"]["body"]["aggs"]
        found = aggregations.get(data["format"]["property"].split(".")[1], {})
        yield from _paths(name, json.dumps(steps), found)


def _unit(name: str, unit: dict[str, Any]) -> Iterator[str]:
    faults = list(schema_problems(name, VEGA_DATA, unit.get("data")))
    yield from faults
    if faults:
        return
    made: set[str] = set()
    url = unit["data"].get("url")
    if url is None:
        made |= set(unit["data"]["values"][0])
    else:
        made.add("key")
        yield from query_problems(name, url["body"])
        path = unit["data"]["format"]["property"].split(".")
        if path[1] not in url["body"]["aggs"]:
            yield f"{name}: the data have no {path[1]}"
    for step in unit.get("transform", []):
        for key in (step.get("fold", []), [one["field"] for one in step.get("aggregate", [])]):
            yield from (f"{name}: {one} is not there to transform" for one in key if one not in made)
        added = step.get("as", [])
        made |= {added} if isinstance(added, str) else set(added)
        made |= {one["as"] for one in step.get("aggregate", [])}
    for channel, encoding in unit["encoding"].items():
        if "field" in encoding and encoding["field"] not in made:
            yield f"{name}: {channel} draws {encoding['field']}, which nothing makes"


def _paths(name: str, text: str, aggregation: dict[str, Any]) -> Iterator[str]:
    """Values that are read must be asked for, and what is asked for must be read."""
    asked = aggregation.get("aggs", {})
    read = _PATH.findall(text)
    for metric, path in read:
        inner = asked.get(metric, {}).get("aggs", {}).get("v", {})
        fits = {"doc_count": not inner, "v.value": bool(inner) and "percentiles" not in inner}
        if metric not in asked or not fits.get(path, "percentiles" in inner):
            yield f"{name}: {metric}.{path} is read and not asked for"
    yield from (
        f"{name}: {lost} is asked for and not read" for lost in sorted(set(asked) - {m for m, _ in read})
    )


def query_problems(name: str, tree: Any) -> Iterator[str]:
    """Yield fields in queries and aggregations that no document has."""
    for kind, value in tree.items() if isinstance(tree, dict) else ():
        fields: list[str] = []
        if kind in _QUERIES and isinstance(value, dict):
            fields = list(value)
        elif kind in (*_AGGREGATIONS, "exists") and isinstance(value, dict):
            fields = [str(value.get("field", ""))]
        yield from (f"{name}: {field} is no field" for field in fields if not is_field(field))
        # OpenSearch Dashboards puts its interval in below this name alone.
        if isinstance(value, dict) and "%autointerval%" in value and kind != "interval":
            yield f"{name}: {kind} is sent as it is: %autointerval% is replaced below interval alone"
        if kind != "extended_bounds":
            yield from query_problems(name, value)
    for one in tree if isinstance(tree, list) else ():
        yield from query_problems(name, one)


def _monitor(name: str, monitor: dict[str, Any]) -> Iterator[str]:
    faults = list(schema_problems(name, MONITOR, monitor))
    yield from faults
    if faults:
        return
    query = monitor["inputs"][0]["search"]["query"]
    yield from query_problems(name, query)
    script = monitor["triggers"][0]["query_level_trigger"]["condition"]["script"]["source"]
    yield from _paths(name, script, query["aggregations"]["periods"])
    windows = query["aggregations"]["periods"]["filters"]["filters"]
    for bucket in re.findall(r"buckets\.(\w+);", script):
        if bucket not in windows:
            yield f"{name}: there is no period {bucket}"
    if script.count("(") != script.count(")") or script.count("{") != script.count("}"):
        yield f"{name}: the brackets of the script do not fit"
    if _RESERVED.search(script):
        yield f"{name}: a name of the script is a word of Painless"
    if "return" not in script:
        yield f"{name}: the script returns nothing"
    needed = re.search(r"return bad >= (\d+);", script)
    if needed and int(needed[1]) > len(windows):
        yield f"{name}: {needed[1]} of {len(windows)} periods can never be"
