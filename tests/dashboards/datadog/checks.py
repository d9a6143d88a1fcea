"""Whether what the renderer of Datadog makes is valid, as far as that can be known without Datadog."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from dashboards.alarms.values import Alarms
from dashboards.panels import Page
from dashboards.rendered import Rendered
from dashboards.resources import System
from tests.dashboards.datadog import query_grammar as grammar
from tests.dashboards.datadog.models import MODELS, model_problems
from tests.dashboards.datadog.semantics import semantic_problems

_SCHEMAS = {
    f"Datadog::{name}": Draft202012Validator(
        json.loads((Path(__file__).parent / "schemas" / f"{file}.json").read_text())
    )
    for name, file in (
        ("Dashboards::Dashboard", "dashboard"),
        ("Monitors::Monitor", "monitor"),
        ("SLOs::SLO", "slo"),
    )
}
_Bodies = dict[str, dict[str, dict[str, Any]]]


def problems(rendered: Rendered, system: System, pages: Sequence[Page], alarms: Alarms) -> list[str]:
    """Return every problem of the files, each as a sentence with the file; none where they are valid."""
    found: list[str] = []
    bodies: _Bodies = {kind: {} for kind in MODELS}
    for path, text in rendered.files.items():
        if not text.endswith("\n"):
            found.append(f"{path}: it does not end with a new line.")
        found += [f"{path}: it shows {one!r}." for one in ("](page:", "](query:") if one in text]
        kind, _, name = path.partition("/")
        if kind not in MODELS:
            continue
        try:
            body = json.loads(text)
        except ValueError:
            found.append(f"{path}: it is no JSON.")
            continue
        bodies[kind][name.removesuffix(".json")] = body
        found += [f"{path}: {one}" for one in model_problems(kind, body)]
    for name, body in bodies["dashboards"].items():
        found += [f"dashboards/{name}: {one}" for one in _dashboard(body)]
    for name, body in bodies["monitors"].items():
        found += [f"monitors/{name}: {one}" for one in _monitor(name, body, bodies)]
    for name, body in bodies["slos"].items():
        found += [f"slos/{name}: {one}" for one in _slo(body)]
    found += list(_complete(rendered, bodies, pages, alarms))
    found += list(_templates(rendered, bodies))
    found += list(semantic_problems(rendered, bodies, system, pages, alarms))
    return found


def _dashboard(body: dict[str, Any]) -> Iterator[str]:
    yield from _grid(body["widgets"], "the dashboard")
    variables = {f"${variable['name']}" for variable in body["template_variables"]}
    for widget in body["widgets"]:
        definition = widget["definition"]
        if definition["type"] == "group":
            yield from _grid(definition["widgets"], definition["title"])
            if max(_bottoms(definition["widgets"])) + 1 != widget["layout"]["height"]:
                yield f"the group {definition['title']} is not as high as what is in it."
            for inner in definition["widgets"]:
                yield from _widget(inner["definition"], variables)


def _bottoms(widgets: list[dict[str, Any]]) -> list[int]:
    return [one["layout"]["y"] + one["layout"]["height"] for one in widgets] or [0]


def _grid(widgets: list[dict[str, Any]], where: str) -> Iterator[str]:
    taken: set[tuple[int, int]] = set()
    for widget in widgets:
        box = widget["layout"]
        if (
            box["x"] < 0
            or box["y"] < 0
            or box["width"] < 1
            or box["height"] < 1
            or box["x"] + box["width"] > 12
        ):
            yield f"a widget of {where} is outside of the 12 columns."
        cells = {
            (x, y)
            for x in range(box["x"], box["x"] + box["width"])
            for y in range(box["y"], box["y"] + box["height"])
        }
        if taken & cells:
            yield f"two widgets of {where} overlap."
        taken |= cells


def _widget(definition: dict[str, Any], variables: set[str]) -> Iterator[str]:
    title = definition.get("title", "a note")
    if definition["type"] in ("timeseries", "query_value", "query_table") and not definition["requests"]:
        yield f"{title} has no request."
    for request in definition.get("requests", ()):
        if "formulas" in request:
            yield from (f"{title}: {one}" for one in _request(request, variables))
        elif definition["type"] == "list_stream":
            yield from (f"{title}: {one}" for one in _searched(request["query"]["query_string"]))
    for marker in definition.get("markers", ()):
        if not re.fullmatch(r"y = -?\d+(\.\d+)?(e[+-]?\d+)?", marker["value"]):
            yield f"{title}: the marker {marker['value']!r} is no value."
        if not re.fullmatch(r"(error|warning|info|ok) (solid|dashed|bold)", marker["display_type"]):
            yield f"{title}: a marker is not drawn as {marker['display_type']!r}."
    for link in definition.get("custom_links", ()):
        if not re.fullmatch(r"https?://[^\s\"<>]+", link["link"]):
            yield f"{title}: {link['link']!r} is no address."
        if re.search(r"(?<!\{)\{[a-z_]+\}", link["link"]):
            yield f"{title}: a link has braces that nobody fills in."


def _searched(text: str) -> Iterator[str]:
    try:
        grammar.log_search(text)
    except grammar.BadQueryError as fault:
        yield f"{fault}."


def _request(request: dict[str, Any], variables: set[str]) -> Iterator[str]:
    names = set()
    for query in request["queries"]:
        names.add(query["name"])
        if query["data_source"] == "logs":
            yield from _searched(query["search"]["query"])
            continue
        try:
            grammar.metric_query(query["query"])
        except grammar.BadQueryError as fault:
            yield f"{fault}."
        for variable in set(re.findall(r"\$\w+", query["query"])) - variables:
            yield f"there is no variable {variable}."
    used: set[str] = set()
    for formula in request["formulas"]:
        try:
            found, metrics = grammar.arithmetic(formula["formula"])
        except grammar.BadQueryError as fault:
            yield f"the formula {formula['formula']!r}: {fault}."
            continue
        used |= found
        if metrics:
            yield "a formula has a query in it."
    if used - names:
        yield f"the formula names {sorted(used - names)}, which no query is."
    if names - used:
        yield f"the queries {sorted(names - used)} are in no formula."


def _monitor(name: str, body: dict[str, Any], bodies: _Bodies) -> Iterator[str]:
    options = body["options"]
    if "on_missing_data" in options and "notify_no_data" in options:
        yield "on_missing_data and notify_no_data exclude each other."
    if options.get("notify_no_data") and "no_data_timeframe" not in options:
        yield "it tells missing data, and not after which time."
    if not 1 <= body["priority"] <= 5:
        yield "its priority is not between 1 and 5."
    for opened in re.findall(r"\{\{#(\w+)\}\}", body["message"]):
        if f"{{{{/{opened}}}}}" not in body["message"]:
            yield f"its message opens {opened} and does not close it."
    if body["type"] == "composite":
        yield from _composite(name, body, bodies)
        return
    try:
        _, number = grammar.condition(body["type"], body["query"])
    except (grammar.BadQueryError, KeyError) as fault:
        yield f"its query is not one of {body['type']}: {fault}."
        return
    if options.get("thresholds", {}).get("critical") != number:
        yield f"the query's number {number} is not the critical threshold."
    for slo in re.findall(r"\$\{slo:([^}]+)\}", body["query"]):
        if slo not in bodies["slos"]:
            yield f"there is no SLO {slo}."
        elif f'.over("{bodies["slos"][slo]["thresholds"][0]["timeframe"]}")' not in body["query"]:
            yield f"its window is not that of the SLO {slo}."


def _composite(name: str, body: dict[str, Any], bodies: _Bodies) -> Iterator[str]:
    try:
        named = set(grammar.composite(body["query"]))
    except grammar.BadQueryError as fault:
        yield f"{fault}."
        return
    if len(named) > 10:
        yield "a composite names more than 10 monitors."
    for other in sorted(named):
        found = bodies["monitors"].get(other)
        if found is None:
            yield f"there is no monitor {other}."
        elif found["type"] == "composite" or other == name:
            yield f"it names {other}, which is a composite itself."


def _slo(body: dict[str, Any]) -> Iterator[str]:
    for part in ("numerator", "denominator"):
        try:
            names, metrics = grammar.arithmetic(body["query"][part])
        except grammar.BadQueryError as fault:
            yield f"its {part}: {fault}."
            continue
        if names or not metrics:
            yield f"its {part} is no query."
    if not 0 < body["thresholds"][0]["target"] < 100:
        yield "its target is not between 0 and 100."


def _complete(rendered: Rendered, bodies: _Bodies, pages: Sequence[Page], alarms: Alarms) -> Iterator[str]:
    said = " ".join(note.text for note in rendered.notes)
    for page in pages:
        if page.name not in bodies["dashboards"]:
            yield f"the page {page.name} has no dashboard."
    for name in [alarm.name for alarm in alarms.alarms] + [one.name for one in alarms.composites]:
        if name not in bodies["monitors"] and name not in said:
            yield f"the alarm {name} has no monitor, and no note says why."
    for slo in alarms.slos:
        if slo.name not in bodies["slos"] and slo.name not in said:
            yield f"the SLO {slo.name} is missing, and no note says why."
    for alarm in alarms.alarms:
        name = f"{alarm.name}-condition"
        name = name if name in bodies["monitors"] else alarm.name
        body = bodies["monitors"].get(name)
        if body and body["type"] == "query alert":
            if body["options"].get("thresholds", {}).get("critical") != alarm.condition.threshold:
                yield f"monitors/{name}: its threshold is not the alarm's."
            if f" {alarm.condition.op} " not in body["query"]:
                yield f"monitors/{name}: it does not compare as the alarm does."


def _templates(rendered: Rendered, bodies: _Bodies) -> Iterator[str]:
    types: dict[str, int] = dict.fromkeys(_SCHEMAS, 0)
    for path, text in rendered.files.items():
        if not path.startswith("template"):
            continue
        if len(text.encode()) > 1_000_000:
            yield f"{path}: it is larger than CloudFormation takes."
        resources = yaml.load(text, yaml.CSafeLoader)["Resources"]
        if len(resources) > 500:
            yield f"{path}: it has more than 500 resources."
        for own, resource in resources.items():
            yield from (f"{path}, {own}: {one}" for one in _resource(own, resource, resources))
            types[resource["Type"]] = types.get(resource["Type"], 0) + 1
    counted = {"Dashboards::Dashboard": "dashboards", "Monitors::Monitor": "monitors", "SLOs::SLO": "slos"}
    for name, kind in counted.items():
        if types[f"Datadog::{name}"] != len(bodies[kind]):
            yield f"the templates do not have every one of {kind}."


def _resource(own: str, resource: dict[str, Any], resources: dict[str, Any]) -> Iterator[str]:
    if not re.fullmatch(r"[A-Za-z0-9]{1,255}", own):
        yield "its logical ID has other characters than letters and digits."
    schema = _SCHEMAS.get(resource["Type"])
    if schema is None:
        yield f"{resource['Type']} is no type of Datadog."
        return
    for fault in schema.iter_errors(resource["Properties"]):
        yield f"its properties: {fault.message[:200]}."
    if "DashboardDefinition" in resource["Properties"]:
        try:
            yield from model_problems("dashboards", json.loads(resource["Properties"]["DashboardDefinition"]))
        except ValueError:
            yield "its definition is no JSON."
    query = resource["Properties"].get("Query")
    if isinstance(query, dict) and "Fn::Sub" in query:
        for other in re.findall(r"\$\{([^}]+)\}", query["Fn::Sub"]):
            if other not in resources:
                yield f"it refers to {other}, which is not in this template."
    elif isinstance(query, str) and "${" in query:
        yield "its query has a placeholder that nobody fills in."
