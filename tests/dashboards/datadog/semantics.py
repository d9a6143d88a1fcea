"""What is well formed and still wrong: no such metric, alarms that nobody hears of, files that differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from datadog_api_client.v1.model.event_create_request import EventCreateRequest

from dashboards.alarms.values import Alarms
from dashboards.datadog.graphs import PALETTES
from dashboards.datadog.metrics import SOURCES
from dashboards.datadog.sources import Source
from dashboards.panels import Page
from dashboards.rendered import Rendered
from dashboards.resources import System
from tests.dashboards.datadog.models import body_problems

_Bodies = dict[str, dict[str, dict[str, Any]]]
_QUERY = re.compile(
    r"(avg|sum|min|max|count|p\d\d):([a-zA-Z][\w.]*)\{[^}]*\}(?: by \{[^}]*\})?(\.as_count\(\))?"
)
_UNITS = {"millisecond", "second", "percent", "byte", "megabyte", "dollar"}
_MINUTES = {"m": 1, "h": 60, "d": 1440}


def _known() -> tuple[set[str], set[str]]:
    """Return the names of metrics that are counted, and of the others."""
    counts = {"aws.apigateway.message_count.sum", "aws.apigateway.client_error.sum"}
    counts.add("aws.apigateway.integration_error.sum")
    others: set[str] = set()
    for source in SOURCES.values():
        if not isinstance(source, Source) or source.form == "lines":
            continue
        for name in {source.metric.replace("{error}", kind) for kind in ("", "error")}:
            if source.form == "count":
                counts.add(name)
            elif source.form == "statistics":
                others |= {f"{name}{ending}" for ending in source.endings.values()}
            else:
                others.add(name)
        if source.own:
            others.add(source.own)
    return counts, others


_COUNTS, _OTHERS = _known()


def semantic_problems(
    rendered: Rendered, bodies: _Bodies, system: System, pages: Sequence[Page], alarms: Alarms
) -> Iterator[str]:
    """Yield every problem of meaning, as a sentence with the file."""
    for page in pages:
        if page.name in bodies["dashboards"]:
            yield from (
                f"dashboards/{page.name}: {one}" for one in _board(bodies["dashboards"][page.name], page)
            )
    for name, body in bodies["monitors"].items():
        yield from (f"monitors/{name}: {one}" for one in _monitor(body, system))
    for name, body in bodies["slos"].items():
        for text in body["query"].values():
            yield from (f"slos/{name}: {one}" for one in queries_wrong(text))
    yield from _heard(bodies, alarms, rendered)
    yield from _same(rendered, bodies)
    yield from _installed(rendered, bodies)


def queries_wrong(text: str) -> Iterator[str]:
    """Yield what is wrong with the metrics of a text that has queries in it."""
    for space, name, is_count in _QUERY.findall(text):
        if name not in _COUNTS | _OTHERS:
            yield f"there is no metric {name}."
        if name in _COUNTS and (space != "sum" or not is_count):
            yield f"{name} is counted, and not summed as a count."
        if name in _OTHERS - _COUNTS and is_count and space != "count":
            yield f"{name} is no count, and summed as one."
        if re.fullmatch(r"p\d\d", space) and not name.startswith("observe."):
            yield f"{name} is no distribution, which alone has {space}."


def _board(body: dict[str, Any], page: Page) -> Iterator[str]:
    text = json.dumps(body["widgets"])
    for variable in body["template_variables"]:
        if not re.search(rf"\${variable['name']}\b", text):
            yield f"the variable {variable['name']} is used nowhere."
    names = {variable["name"] for variable in body["template_variables"]}
    groups = {
        one["definition"]["title"]: one for one in body["widgets"] if one["definition"]["type"] == "group"
    }
    for section in page.sections:
        if section.title not in groups:
            yield f"the section {section.title} has no group."
            continue
        widgets = [one["definition"] for one in groups[section.title]["definition"]["widgets"]]
        shown = {one.get("title", "") for one in widgets}
        notes = " ".join(one.get("content", "") for one in widgets)
        for panel in section.panels:
            if panel.title not in shown and f"### {panel.title}" not in notes:
                yield f"the panel {panel.title} is not there."
        roles = {(panel.title, one.label): one.role for panel in section.panels for one in panel.series}
        for widget in widgets:
            yield from (f"{widget.get('title', 'a note')}: {one}" for one in _drawn(widget, roles, names))


def _drawn(widget: dict[str, Any], roles: dict[tuple[str, str], Any], names: set[str]) -> Iterator[str]:
    for request in widget.get("requests", ()):
        stream = str(request.get("query", {}).get("query_string", ""))
        for variable in set(re.findall(r"\$(\w+)", stream)) - names:
            yield f"there is no variable ${variable}."
        for query in request.get("queries", ()):
            yield from queries_wrong(str(query.get("query", "")))
        for formula in request.get("formulas", ()):
            unit = formula.get("number_format", {}).get("unit", {}).get("unit_name", "percent")
            if unit not in _UNITS:
                yield f"{unit} is no unit."
            role = roles.get((widget.get("title", ""), formula.get("alias", "")))
            if role and "style" in request and request["style"]["palette"] != PALETTES[role]:
                yield f"{formula['alias']} is not drawn in the colour of its role."


def _monitor(body: dict[str, Any], system: System) -> Iterator[str]:
    yield from queries_wrong(body["query"])
    options = body["options"]
    is_late = body["type"] == "query alert" and re.search(r"\w:(aws|hybridobserve)\.", body["query"])
    if is_late and options.get("evaluation_delay", 0) < 900:
        yield "metrics of CloudWatch come late, and it does not wait for them."
    window = re.match(r"\w+\(last_(\d+)([mhd])\)", body["query"])
    minutes = int(window.group(1)) * _MINUTES[window.group(2)] if window else 0
    if options.get("no_data_timeframe", 2 * minutes) < 2 * minutes:
        yield "missing data is told before twice the window."
    asked = {
        one for several in system.config.dashboards.get("datadog_notify", {}).values() for one in several
    }
    for handle in re.findall(r"(?:^|[\s(,;:/=])(@[\w.\-]+)", body["message"].replace("%20@", " @")):
        if handle not in asked:
            yield f"its message tells {handle}, whom nobody named."
    if any(len(tag) > 200 or tag != tag.lower() for tag in body["tags"]):
        yield "a tag is not as Datadog keeps it."


def _heard(bodies: _Bodies, alarms: Alarms, rendered: Rendered) -> Iterator[str]:
    """Yield alarms that tell nobody by themselves and that no composite tells of."""
    said = " ".join(note.text for note in rendered.notes)
    named = " ".join(body["query"] for body in bodies["monitors"].values() if body["type"] == "composite")
    children = {child for composite in alarms.composites for child in composite.children}
    for alarm in alarms.alarms:
        own = [name for name in (alarm.name, f"{alarm.name}-condition") if name in bodies["monitors"]]
        if alarm.is_told or alarm.name not in children or not own or f"alarm {alarm.name} " in said:
            continue
        composed = bodies["monitors"].get(alarm.name, {}).get("query", "")
        parts = re.findall(r"\$\{monitor:[^}]+\}", composed) or [f"${{monitor:{alarm.name}}}"]
        others = named.replace(composed, "", 1) if composed and "${" in composed else named
        if not any(part in others for part in parts[:1]):
            yield f"monitors/{alarm.name}: it tells nobody, and no composite names it."


def _same(rendered: Rendered, bodies: _Bodies) -> Iterator[str]:
    """Yield where the templates do not say what the JSON files say."""
    named: dict[str, list[Any]] = {"Dashboards::Dashboard": [], "Monitors::Monitor": [], "SLOs::SLO": []}
    for path, text in rendered.files.items():
        if path.startswith("template"):
            for resource in yaml.load(text, yaml.CSafeLoader)["Resources"].values():
                named.setdefault(resource["Type"].removeprefix("Datadog::"), []).append(
                    resource["Properties"]
                )
    try:
        boards = [json.loads(one["DashboardDefinition"]) for one in named["Dashboards::Dashboard"]]
    except (KeyError, ValueError):
        return
    if sorted(map(_text, boards)) != sorted(map(_text, bodies["dashboards"].values())):
        yield "template: its dashboards are not those of dashboards/*.json."
    for kind, folder in (("Monitors::Monitor", "monitors"), ("SLOs::SLO", "slos")):
        here = sorted(
            (one.get("Name", ""), one.get("Message", ""), _text(one.get("Tags"))) for one in named[kind]
        )
        there = sorted((b["name"], b.get("message", ""), _text(b["tags"])) for b in bodies[folder].values())
        if here != there:
            yield f"template: it does not say what {folder}/*.json say."


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _installed(rendered: Rendered, bodies: _Bodies) -> Iterator[str]:
    text = rendered.files.get("install.md", "")
    if text.count("```") % 2 or (rendered.files and not text):
        yield "install.md: it is not there, or a block of it does not end."
    for name in [*bodies["monitors"], *bodies["slos"]]:
        if not re.search(rf"^  {re.escape(name)}(?: \\)?$", text, re.MULTILINE):
            yield f"install.md: it does not create {name}."
    for path, body in rendered.files.items():
        if path.startswith("template") and path not in text:
            yield f"install.md: it does not deploy {path}."
        if path.startswith("events/"):
            event = json.loads(body)
            yield from (f"{path}: {one}" for one in body_problems(EventCreateRequest, event))
            if not {"cutover", "deployment"} & set(event.get("tags", ())):
                yield f"{path}: no graph lays it over its lines."
