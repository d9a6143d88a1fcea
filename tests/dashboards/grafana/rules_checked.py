"""What is wrong with generated alert rules: Grafana's, and Prometheus's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.dashboards.grafana.boards_checked import UID_MAX, promql_problems, shape, target_problems

Tree = dict[str, Any]
_KEYS = {
    "uid", "title", "condition", "data", "for", "noDataState", "execErrState", "isPaused", "labels",
    "annotations",
}  # fmt: skip
_STATES = {"OK", "Alerting", "NoData", "KeepLast"}
_FAILING = {"OK", "Alerting", "Error", "KeepLast"}
_SPAN = re.compile(r"\d+[smhd]")


def group_problems(tree: Tree, panels: dict[str, set[int]], uids: set[str]) -> Iterator[str]:
    """Yield what is wrong with a file of Grafana's rules.

    panels: UID of a dashboard -> numbers of its panels; uids: of data sources that are provisioned.
    """
    if tree.get("apiVersion") != 1:
        yield "apiVersion is 1"
    seen: set[str] = set()
    for group in tree.get("groups", []):
        if set(group) != {"orgId", "name", "folder", "interval", "rules"} or not group.get("rules"):
            yield f"the group {group.get('name')} has other keys, or no rules"
        if not _SPAN.fullmatch(str(group.get("interval"))):
            yield "an interval is a number and a unit"
        for rule in group.get("rules", []):
            if rule.get("uid") in seen:
                yield f"the UID {rule.get('uid')} is there twice"
            seen.add(rule.get("uid"))
            yield from (f"rule {rule.get('title')!r}: {one}" for one in _rule(rule, panels, uids))


def _rule(rule: Tree, panels: dict[str, set[int]], uids: set[str]) -> Iterator[str]:
    if set(rule) != _KEYS:
        yield f"its keys are {sorted(set(rule) ^ _KEYS)} off"
        return
    yield from shape("alertRule", {key: one for key, one in rule.items() if key != "data"})
    if not 0 < len(rule["uid"]) <= UID_MAX:
        yield "its UID has 1 to 40 characters"
    if rule["noDataState"] not in _STATES or rule["execErrState"] not in _FAILING:
        yield "it has a state that does not exist"
    refs = [one.get("refId") for one in rule["data"]]
    if len(set(refs)) != len(refs):
        yield "refIds are not unique"
    if rule["condition"] not in refs:
        yield f"its condition {rule['condition']} is not there"
    for one in rule["data"]:
        yield from _node(one, {ref for ref in refs if ref}, uids)
    deciding: Tree = next((one for one in rule["data"] if one.get("refId") == rule["condition"]), {})
    if deciding.get("model", {}).get("type") != "threshold":
        yield "its condition is a threshold"
    yield from _told(rule, panels)


def _node(one: Tree, refs: set[str], uids: set[str]) -> Iterator[str]:
    yield from shape("alertRule", {"data": [one]})
    model, window = one.get("model", {}), one.get("relativeTimeRange", {})
    if model.get("refId") != one.get("refId"):
        yield "a query and its model have the same refId"
    if one.get("datasourceUid") not in uids | {"__expr__"}:
        yield f"no data source has the UID {one.get('datasourceUid')}"
    if one.get("datasourceUid") != "__expr__" and not window.get("from", 0) > window.get("to", 0) >= 0:
        yield "a query looks back from the past to now"
    if "${" in str(model):
        yield "a rule knows no variables"
    yield from target_problems(model, refs, set())


def _told(rule: Tree, panels: dict[str, set[int]]) -> Iterator[str]:
    for key, value in rule["labels"].items():
        if not re.fullmatch(r"[a-zA-Z_]\w*", key) or not value or "{{" in value:
            yield f"the label {key} is not plain"
    if rule["labels"].get("severity") not in ("critical", "error", "warning", "info"):
        yield "it has no severity"
    said = rule["annotations"]
    if not said.get("summary") or any("{{" in value for value in said.values()):
        yield "it says what it is, without templates"
    if ("__dashboardUid__" in said) != ("__panelId__" in said):
        yield "a dashboard is named with a panel, or not at all"
    elif (uid := said.get("__dashboardUid__")) and int(said["__panelId__"]) not in panels.get(uid, set()):
        yield f"the panel {said['__panelId__']} of {uid} is not there"


def own_problems(tree: Tree, recorded: set[str]) -> Iterator[str]:
    """Yield what is wrong with a file of Prometheus's rules; recorded: names of all recording rules."""
    names: set[str] = set()
    for group in tree.get("groups", []):
        for rule in group["rules"]:
            name = rule.get("alert") or rule.get("record", "")
            yield from (f"{name}: {one}" for one in promql_problems(rule.get("expr", "")))
            if "alert" in rule:
                if name in names:
                    yield f"{name} is there twice"
                names.add(name)
                if not rule.get("labels", {}).get("severity"):
                    yield f"{name} has no severity"
            elif not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", name):
                yield f"{name} is no name of a metric"
            for used in re.findall(r"slo:\w+:sum\d+s", rule.get("expr", "")):
                if used not in recorded:
                    yield f"{name} needs {used}, which nobody records"


def records_of(tree: Tree) -> set[str]:
    """Return the names that a file of rules records."""
    return {rule["record"] for group in tree.get("groups", []) for rule in group["rules"] if "record" in rule}


def managed_problems(tree: Tree, files: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with the CloudFormation of rule groups; files: texts that it must hold."""
    found = [
        one for one in tree.get("Resources", {}).values() if one["Type"] == "AWS::APS::RuleGroupsNamespace"
    ]
    for one in found:
        properties = one.get("Properties", {})
        if set(properties) != {"Workspace", "Name", "Data"}:
            yield "a namespace of rules has a workspace, a name and data"
        elif properties["Data"] not in files.values():
            yield f"{properties['Name']} holds other rules than the files"
        elif properties["Workspace"]["Ref"] not in tree["Parameters"]:
            yield "the workspace is no parameter"
    full = [text for text in files.values() if yaml.load(text, yaml.CSafeLoader)["groups"]]
    if len(found) != len(full):
        yield "not every file of rules is in the template"
