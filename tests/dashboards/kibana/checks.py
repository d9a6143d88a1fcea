"""What is wrong with files for Kibana: saved objects and rules, references, grids, Lens, KQL, fields."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from dashboards.alarms.values import Alarms
from dashboards.panels import Page
from dashboards.rendered import Rendered
from dashboards.resources import System
from tests.dashboards.kibana.imports import bundle_problems, link_problems, objects_of
from tests.dashboards.kibana.queries import is_field, kql_problems
from tests.dashboards.kibana.schemas import DASHBOARD_PANEL, FREE, LENS, OBJECT, OBJECTS, RULE
from tests.dashboards.shapes import Shaped, shaped

GRID_COLUMNS = 48
#: Larger ones are slow to open.
BYTES_MAX = 4_000_000
#: ID of a schema -> its validator; the schema is kept, for its ID is free once it is gone.
_SHAPED: dict[int, tuple[Shaped, dict[str, Any]]] = {}
#: What an address of a drilldown may ask for in the menu of a panel: it has no event.
_VARIABLES = ("kibanaUrl", "date context.panel.timeRange.from", "date context.panel.timeRange.to")


def problems(rendered: Rendered, system: System, pages: Sequence[Page], alarms: Alarms) -> list[str]:
    """Return every problem as a sentence; none where the files are valid."""
    return [
        *_objects(rendered, pages),
        *_rules(rendered),
        *_files(rendered),
        *_silent(rendered, alarms, system),
    ]


def _files(rendered: Rendered) -> Iterator[str]:
    for name, text in rendered.files.items():
        if not text.endswith("\n"):
            yield f"{name} does not end with a new line"
        yield from markup_problems(name, text)
    if "install.md" not in rendered.files:
        yield "install.md is missing"


def markup_problems(name: str, text: str) -> Iterator[str]:
    """Yield what of our own markup a file shows: links that no reader can follow."""
    yield from (f"{name} shows {found!r}" for found in ("](page:", "](query:") if found in text)


def _silent(rendered: Rendered, alarms: Alarms, system: System) -> Iterator[str]:
    """An alarm that has no rule must be said."""
    del system
    rules = {name[6:-5] for name in rendered.files if name.startswith("rules/")}
    lacking = [alarm.name for alarm in alarms.alarms if alarm.name not in rules]
    said = " ".join(note.text for note in rendered.notes)
    if lacking and "cannot tell" not in said:
        yield f"nothing says that there is no rule for {', '.join(lacking)}"


def _objects(rendered: Rendered, pages: Sequence[Page]) -> Iterator[str]:
    objects = list(objects_of(rendered))
    yield from bundle_problems(rendered)
    yield from link_problems(objects)
    boards = [one for one in objects if one.get("type") == "dashboard"]
    if len(boards) != len(pages):
        yield f"{len(pages)} pages have {len(boards)} dashboards"
    for one in objects:
        name = f"{one.get('type')} {one.get('id')}"
        if len(json.dumps(one)) > BYTES_MAX:
            yield f"{name} is larger than {BYTES_MAX} bytes"
        shaped = [*schema_problems(name, OBJECT, one)]
        schema = OBJECTS.get(str(one.get("type")))
        if schema is None:
            shaped.append(f"{name} is of no known type")
        if shaped or schema is None:
            yield from shaped
            continue
        yield from schema_problems(name, schema, one["attributes"])
        yield from _references(name, one)
        yield from _strings(name, one)


def schema_problems(name: str, schema: dict[str, Any], tree: Any) -> Iterator[str]:
    """Yield what a JSON Schema says against a tree."""
    if id(schema) not in _SHAPED:
        _SHAPED[id(schema)] = shaped(schema, FREE), schema
    for fault in _SHAPED[id(schema)][0].faults(tree):
        yield f"{name}: {'/'.join(str(part) for part in fault.path)}: {_short(fault.message)}"


def _references(name: str, one: dict[str, Any]) -> Iterator[str]:
    names = [reference["name"] for reference in one["references"]]
    for doubled, times in Counter(names).items():
        if times > 1:
            yield f"{name} has the reference {doubled} {times} times"


def _strings(name: str, one: dict[str, Any]) -> Iterator[str]:
    """The texts of JSON in an object, and what is in them."""
    trees: dict[str, Any] = {}
    for key, value in walk(one["attributes"]):
        if key.endswith(("JSON", "fieldFormatMap")):
            try:
                trees[key] = json.loads(value)
            except ValueError:
                yield f"{name}: {key} is no JSON"
    source = trees.get("searchSourceJSON", {})
    if "query" in source:
        yield from kql_problems(name, source["query"].get("query", ""))
    given = {reference["name"] for reference in one["references"]}
    used = {source["indexRefName"]} if "indexRefName" in source else set()
    if one["type"] == "search":
        yield from (
            f"{name}: column {field} is no field"
            for field in one["attributes"]["columns"]
            if not is_field(field)
        )
    if isinstance(trees.get("panelsJSON"), list):
        found = list(_panels(name, trees["panelsJSON"], one["references"]))
        yield from (text for text in found if not text.startswith("used:"))
        used |= {text[5:] for text in found if text.startswith("used:")}
    yield from (f"{name} refers to {lost}, which nothing uses" for lost in sorted(given - used))
    yield from (f"{name} lacks the reference {lost}" for lost in sorted(used - given))


def _panels(name: str, panels: list[Any], references: list[dict[str, str]]) -> Iterator[str]:
    boxes: list[dict[str, Any]] = []
    for panel in panels:
        faults = list(schema_problems(name, DASHBOARD_PANEL, panel))
        yield from faults
        if faults:
            continue
        index, here = panel["panelIndex"], f"{name} panel {panel['panelIndex']}"
        if panel["gridData"]["i"] != index:
            yield f"{here}: gridData.i is not panelIndex"
        boxes.append(panel["gridData"])
        yield from _used(here, panel, references)
        if panel["type"] == "lens":
            yield from _lens(here, panel["embeddableConfig"]["attributes"])
    yield from overlaps(name, boxes)
    indices = Counter(panel.get("panelIndex") for panel in panels if isinstance(panel, dict))
    yield from (f"{name}: panelIndex {index} is there twice" for index, times in indices.items() if times > 1)


def overlaps(name: str, boxes: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield boxes that lie over another or outside of the grid."""
    for one in boxes:
        if one["x"] + one["w"] > GRID_COLUMNS:
            yield f"{name}: panel {one['i']} is outside of {GRID_COLUMNS} columns"
    for number, a in enumerate(boxes):
        for b in boxes[number + 1 :]:
            beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
            if not (beside or below):
                yield f"{name}: panels {a['i']} and {b['i']} overlap"


def _used(here: str, panel: dict[str, Any], references: list[dict[str, str]]) -> Iterator[str]:
    index = panel["panelIndex"]
    if "panelRefName" in panel:
        yield f"used:{index}:{panel['panelRefName']}"
    config = panel["embeddableConfig"]
    by_name = {reference["name"]: reference["id"] for reference in references}
    types = {reference["name"]: reference["type"] for reference in references}
    for inner in config.get("attributes", {}).get("references", []):
        outer = f"{index}:{inner['name']}"
        yield f"used:{outer}"
        if by_name.get(outer, inner["id"]) != inner["id"]:
            yield f"{here}: {inner['name']} is one thing inside and another outside"
    for event in config.get("enhancements", {}).get("dynamicActions", {}).get("events", []):
        factory = event["action"]["factoryId"]
        if factory == "DASHBOARD_TO_DASHBOARD_DRILLDOWN":
            name = f"{index}:drilldown:{factory}:{event['eventId']}:dashboardId"
            yield f"used:{name}"
            if types.get(name, "dashboard") != "dashboard":
                yield f"{here}: a drilldown leads to a {types[name]}"
            if event["triggers"] != ["FILTER_TRIGGER"]:
                yield f"{here}: a drilldown to a dashboard has the trigger {event['triggers']}"
            continue
        template = event["action"]["config"].get("url", {}).get("template", "")
        if not template:
            yield f"{here}: a drilldown leads nowhere"
        if event["triggers"] != ["CONTEXT_MENU_TRIGGER"]:
            yield f"{here}: a drilldown to an address has the trigger {event['triggers']}"
        for variable in re.findall(r"\{+([^{}]*)\}+", template):
            if variable not in _VARIABLES or f"{{{{{variable}}}}}" not in template:
                yield f"{here}: a drilldown asks for {variable}, which its trigger does not know"
        for target in re.findall(r"app/discover#/view/(.*)", template):
            if "/" in target:
                yield f"{here}: a drilldown leads to {target}, which is no search"


def _lens(here: str, attributes: dict[str, Any]) -> Iterator[str]:
    faults = list(schema_problems(here, LENS, attributes))
    yield from faults
    if faults:
        return
    layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
    needed = {f"indexpattern-datasource-layer-{name}" for name in layers}
    drawn = attributes["state"]["visualization"]
    used: set[str] = set()
    if "trendlineLayerId" in drawn:
        used.add(drawn["trendlineLayerId"])
        trend = layers.get(drawn["trendlineLayerId"], {})
        for key in ("trendlineMetricAccessor", "trendlineTimeAccessor"):
            if drawn[key] not in trend.get("columns", {}):
                yield f"{here}: {drawn[key]} is no column of the line behind the number"
        if trend.get("linkToLayers") != [drawn["layerId"]]:
            yield f"{here}: the line behind the number is of another layer"
    for layer in drawn.get("layers", [drawn]):
        if layer["layerType"] == "annotations":
            needed.add(f"xy-visualization-layer-{layer['layerId']}")
            continue
        used.add(layer["layerId"])
        columns = layers.get(layer["layerId"], {}).get("columns", {})
        for accessor in _accessors(layer):
            if accessor not in columns:
                yield f"{here}: {accessor} is no column of layer {layer['layerId']}"
    yield from (f"{here}: layer {name} is drawn and not there" for name in sorted(used - set(layers)))
    yield from (f"{here}: layer {name} is not drawn" for name in sorted(set(layers) - used))
    given = {reference["name"] for reference in attributes["references"]}
    yield from (f"{here}: {name} is no layer's reference" for name in sorted(given ^ needed))
    for name, layer in layers.items():
        yield from _columns(f"{here} layer {name}", layer)


def _accessors(layer: dict[str, Any]) -> Iterator[str]:
    yield from layer.get("accessors", [])
    yield from (one["forAccessor"] for one in layer.get("yConfig", []))
    yield from (one["columnId"] for one in layer.get("columns", []))
    yield from (layer[key] for key in ("xAccessor", "metricAccessor") if key in layer)


def _columns(here: str, layer: dict[str, Any]) -> Iterator[str]:
    columns = layer["columns"]
    if sorted(layer["columnOrder"]) != sorted(columns):
        yield f"{here}: columnOrder is not its columns"
    for name, column in columns.items():
        for reference in column.get("references", []):
            if reference not in columns:
                yield f"{here}: {name} needs {reference}, which is no column"
        yield from kql_problems(f"{here} {name}", column.get("filter", {}).get("query", ""))
        field = column.get("sourceField", "@timestamp")
        if not is_field(field):
            yield f"{here}: {name} reads {field}, which is no field"
        if column["operationType"] == "math":
            tree = column["params"]["tinymathAst"]
            if set(_leaves(tree)) != set(column["references"]):
                yield f"{here}: {name} calculates with other columns than it refers to"
        if column["operationType"] == "formula":
            text = column["params"]["formula"]
            if text.count("(") != text.count(")"):
                yield f"{here}: the brackets of the formula of {name} do not fit"
            # The grammar of formulas knows one escape, that of the quote: other backslashes are KQL's.
            asked = [one.replace("\\'", "'").strip() for one in re.findall(r"kql='((?:\\'|[^'])*)'", text)]
            for query in asked:
                yield from kql_problems(f"{here} {name}", query)
            read = {columns[one].get("filter", {}).get("query", "") for one in _helpers(name, columns)}
            if {one.strip() for one in read if one} != set(asked):
                yield f"{here}: the formula of {name} asks for other documents than its columns"


def _helpers(name: str, columns: dict[str, Any]) -> Iterator[str]:
    """Yield the columns below a formula that aggregate something."""
    for one in columns[name].get("references", []):
        found = columns.get(one, {})
        if found.get("operationType") == "math":
            yield from (helper for helper in found["references"] if helper in columns)
        elif found:
            yield one


def _leaves(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for one in tree["args"]:
            yield from _leaves(one)


def _rules(rendered: Rendered) -> Iterator[str]:
    views = {one["id"] for one in objects_of(rendered) if one.get("type") == "index-pattern"}
    for name, text in rendered.files.items():
        if not name.startswith("rules/"):
            continue
        try:
            rule = json.loads(text)
        except ValueError:
            yield f"{name} is no JSON"
            continue
        faults = list(schema_problems(name, RULE, rule))
        yield from faults
        if not faults:
            yield from _rule(name, rule, views)


def _rule(name: str, rule: dict[str, Any], views: set[str]) -> Iterator[str]:
    search = rule["params"]["searchConfiguration"]
    if search["index"] not in views:
        yield f"{name} reads the data view {search['index']}, which is not there"
    yield from kql_problems(name, search["query"]["query"])
    for one in rule["params"]["criteria"]:
        letters = {metric["name"] for metric in one["metrics"]}
        if len(letters) != len(one["metrics"]):
            yield f"{name}: two metrics have one name"
        if set(re.findall(r"[A-Z]", one["equation"])) != letters:
            yield f"{name}: the equation {one['equation']} does not use its metrics"
        if one["equation"].count("(") != one["equation"].count(")"):
            yield f"{name}: the brackets of {one['equation']} do not fit"
        for metric in one["metrics"]:
            yield from kql_problems(name, metric.get("filter", ""))
            if not is_field(metric.get("field", "@timestamp")):
                yield f"{name} reads {metric['field']}, which is no field"


def _short(message: str) -> str:
    return message if len(message) < 300 else f"{message[:120]} ... {message[-120:]}"


def walk(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and texts of a tree."""
    for key, value in tree.items() if isinstance(tree, dict) else ():
        if isinstance(value, str):
            yield key, value
        yield from walk(value)
