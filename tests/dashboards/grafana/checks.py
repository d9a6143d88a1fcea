"""The validator of Grafana's files: everything that is wrong with them, as sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

import yaml

from dashboards.alarms.values import Alarms
from dashboards.panels import Page
from dashboards.rendered import Rendered
from dashboards.resources import System
from tests.dashboards.grafana.boards_checked import board_problems
from tests.dashboards.grafana.rules_checked import (
    group_problems,
    managed_problems,
    own_problems,
    records_of,
)

Tree = dict[str, Any]


def problems(rendered: Rendered, system: System, pages: Sequence[Page], alarms: Alarms) -> list[str]:
    """Return every problem of the files of Grafana; none if they are valid."""
    trees: dict[str, Any] = {}
    found: list[str] = []
    for name, text in rendered.files.items():
        if not text.endswith("\n"):
            found.append(f"{name} does not end with a new line")
        if name.endswith(".md"):
            continue
        try:
            trees[name] = json.loads(text) if name.endswith(".json") else yaml.load(text, yaml.CSafeLoader)
        except (ValueError, yaml.YAMLError) as error:
            found.append(f"{name} cannot be read: {error}")
    sources = sorted({name.split("/")[0] for name in trees if "/dashboards/" in name})
    if not sources and pages:
        found.append("there is no dashboard")
    uids = [
        one["uid"] for one in trees.get("provisioning/datasources.example.yaml", {}).get("datasources", [])
    ]
    if len(set(uids)) != len(uids):
        found.append("UIDs of data sources are not unique")
    for source in sources:
        found += _of_source(source, trees, {page.name for page in pages}, set(uids))
    return [*found, *_own(trees, rendered.files), *_provisioned(trees, sources), *_marks(trees)]


def _of_source(source: str, trees: dict[str, Any], names: set[str], uids: set[str]) -> Iterator[str]:
    folder = f"{source}/dashboards/"
    boards: dict[str, Tree] = {
        name.removeprefix(folder).removesuffix(".json"): tree
        for name, tree in trees.items()
        if name.startswith(folder)
    }
    if set(boards) != names:
        yield f"{source}: pages without a dashboard, or the other way round: {sorted(set(boards) ^ names)}"
    taken = [board.get("uid") for board in boards.values()]
    if len(set(taken)) != len(taken):
        yield f"{source}: UIDs of dashboards are not unique"
    for name, board in boards.items():
        yield from (f"{source}/{name}: {one}" for one in board_problems(board))
        yield from (f"{source}/{name}: {one}" for one in _links(board, set(taken)))
        for one in board.get("templating", {}).get("list", []):
            if one.get("type") == "datasource" and one.get("current", {}).get("value") not in uids:
                yield f"{source}/{name}: the data source of {one.get('name')} is not provisioned"
    panels = {board.get("uid", ""): {panel["id"] for panel in board["panels"]} for board in boards.values()}
    rules = trees.get(f"{source}/alerting/rules.yaml")
    if rules is None:
        yield f"{source} has no rules"
    else:
        yield from (f"{source}: {one}" for one in group_problems(rules, panels, uids))
        yield from (f"{source}: rules: {one}" for one in _explored(json.dumps(rules), set()))


def _links(board: Tree, uids: set[Any]) -> Iterator[str]:
    """Links to dashboards lead to one that there is."""
    text = json.dumps(board)
    for part in text.split("/d/")[1:]:
        uid = part.partition('"')[0].partition(")")[0].partition("\\")[0]
        if uid not in uids:
            yield f"a link leads to the dashboard {uid}, which is not there"
    known = {one.get("name") for one in board.get("templating", {}).get("list", [])}
    yield from _explored(text, {str(one) for one in known})


def _explored(text: str, variables: set[str]) -> Iterator[str]:
    """Links to Explore ask something: of log groups, by names or by variables of the dashboard."""
    for panes in dict.fromkeys(re.findall(r"/explore\?schemaVersion=1&panes=([^&\s]+)&", text)):
        for query in json.loads(unquote(panes))["a"]["queries"]:
            groups = [one["arn"] for one in query.get("logGroups", [])] + query.get("logGroupNames", [])
            if query.get("queryMode") == "Logs" and not groups:
                yield "a link to Explore asks no log group"
            for name in re.findall(r"\$\{(\w+):percentencode\}", " ".join(groups)):
                if name not in variables:
                    yield f"a link to Explore needs the variable {name}, which is not there"


def _own(trees: dict[str, Any], files: dict[str, str]) -> Iterator[str]:
    names = [name for name in files if name.startswith("prometheus/rules/")]
    recorded = {one for name in names for one in records_of(trees.get(name, {}))}
    for name in names:
        yield from (f"{name}: {one}" for one in own_problems(trees.get(name, {}), recorded))
    if "prometheus/aps.template.yaml" in trees:
        yield from managed_problems(
            trees["prometheus/aps.template.yaml"], {name: files[name] for name in names}
        )


def _provisioned(trees: dict[str, Any], sources: list[str]) -> Iterator[str]:
    found = trees.get("provisioning/dashboards.yaml", {})
    paths = [one.get("options", {}).get("path", "") for one in found.get("providers", [])]
    if found.get("apiVersion") != 1 or len(paths) != len(sources):
        yield "provisioning/dashboards.yaml has one provider a data source"
    for source in sources:
        if not any(path.endswith(f"/{source}/dashboards") for path in paths):
            yield f"no provider reads {source}/dashboards"
    policy = trees.get("alerting/policies.example.yaml", {})
    muted = {one["name"] for one in policy.get("muteTimes", [])}
    for one in policy.get("policies", []):
        for route in one.get("routes", []):
            if not set(route.get("mute_time_intervals", [])) <= muted:
                yield "a route names a mute timing that is not there"


def _marks(trees: dict[str, Any]) -> Iterator[str]:
    for one in trees.get("annotations.json", []):
        if set(one) != {"time", "tags", "text"} or not isinstance(one["time"], int):
            yield "an annotation has a time in milliseconds, tags and a text"
