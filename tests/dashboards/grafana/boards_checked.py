"""What is wrong with generated dashboards: their shape, their grid, their queries, what they refer to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
from luqum.exceptions import ParseError
from luqum.parser import parser as lucene_parser

from tests.dashboards.shapes import Shaped, alike

Tree = dict[str, Any]
_SCHEMA = json.loads((Path(__file__).parent / "schemas/models.json").read_text())
_PANEL: Tree = _SCHEMA["$defs"]["dashboard.Dashboard"]["properties"]["panels"]["items"]
#: `$default` is a stage, `$connect` a route of an API: a variable that is not there stays as it is.
_BUILT_IN = {
    "default",
    "connect",
    "disconnect",
    "__interval",
    "__rate_interval",
    "__range",
    "__from",
    "__to",
    "__data",
    "__value",
    "__all",
}
_VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}|\$([A-Za-z_]\w*)")
_IDS = re.compile(r"\b([me]\d+)\b")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_OPTIONS = {
    "timeseries": "timeseriesOptions",
    "stat": "stat",
    "table": "table",
    "text": "text",
    "logs": "logs",
}
_PANELS = {*_OPTIONS, "row", "alertlist"}
_EXPRESSIONS = {"math": "exprMath", "reduce": "exprReduce", "threshold": "exprThreshold"}
UID_MAX = 40


#: Keys of which the models ask the type alone.
_FREE = frozenset(
    {
        *(
            "alias",
            "content",
            "definition",
            "description",
            "dimensions",
            "dimensions.*",
            "displayName",
            "expr",
        ),
        *(
            "expression",
            "field",
            "h",
            "id",
            "label",
            "labels",
            "labels.*",
            "legendFormat",
            "metricName",
            "name",
        ),
        *("namespace", "path", "query", "refId", "regex", "region", "title", "uid", "url", "w", "x", "y"),
        *(
            "arn",
            "datasourceUid",
            "summary",
            "runbook_url",
            "__dashboardUid__",
            "__panelId__",
            "text",
            "value",
            "options",
        ),
    }
)


@cache
def _validator(name: str) -> Shaped:
    model = _SCHEMA["properties"].get(name, {}).get("$ref")
    asked = {"$ref": model} if model else _PANEL
    return Shaped({**asked, "$defs": _SCHEMA["$defs"]}, _FREE)


def shape(name: str, tree: Any) -> Iterator[str]:
    """Yield what a tree has that the model of this name does not allow; `panel` is one of a dashboard."""
    for error in _validator(name).faults(tree):
        deepest = error
        while deepest.context:
            deepest = max(deepest.context, key=lambda one: len(one.absolute_path))
        yield f"{deepest.json_path}: {deepest.message[:300]}"


def board_problems(board: Tree) -> Iterator[str]:
    """Yield what is wrong with one dashboard by itself."""
    yield from shape("dashboard", {**board, "panels": []})
    if not 0 < len(board.get("uid", "")) <= UID_MAX:
        yield "the UID of a dashboard has 1 to 40 characters"
    if not board.get("title"):
        yield "a dashboard has a title"
    panels = board.get("panels", [])
    yield from _grid(panels)
    numbers = [panel.get("id") for panel in panels]
    if len(set(numbers)) != len(numbers):
        yield "numbers of panels are not unique"
    yield from _variables(board)
    for panel in panels:
        yield from (
            f"panel {panel.get('title')!r}: {one}" for one in (*shape("panel", panel), *_panel(panel))
        )


def _grid(panels: list[Tree]) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        at = panel.get("gridPos", {})
        if not {"x", "y", "w", "h"} <= set(at):
            yield f"{panel.get('title')!r} has no place"
            continue
        if at["x"] < 0 or at["w"] < 1 or at["h"] < 1 or at["x"] + at["w"] > 24:
            yield f"{panel.get('title')!r} is not on the 24 columns"
        for cell in (
            (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        ):
            if cell in taken:
                yield f"{panel.get('title')!r} lies over {taken[cell]!r}"
                break
            taken[cell] = str(panel.get("title"))


def _variables(board: Tree) -> Iterator[str]:
    """What is used must be there. Links of lines are filled in from the line, not from the dashboard."""
    known = {one.get("name") for one in board.get("templating", {}).get("list", [])}
    used = [(panel.get("datasource", {}), panel.get("targets", [])) for panel in board.get("panels", [])]
    queries = [one.get("query") for one in board.get("templating", {}).get("list", [])]
    for tree in (*used, queries):
        for text in _texts(tree):
            for braces, plain in _VARIABLE.findall(text):
                name = braces or plain
                if name not in known | _BUILT_IN and not re.fullmatch("[A-Z]{1,2}", name):
                    yield f"the variable {name} is not defined"


def _texts(tree: Any) -> Iterator[str]:
    match tree:
        case str():
            yield tree
        case Mapping():
            for key, one in tree.items():
                if key != "regex":
                    yield from _texts(one)
        case list() | tuple():
            for one in tree:
                yield from _texts(one)


def _panel(panel: Tree) -> Iterator[str]:
    kind = panel.get("type")
    if kind not in _PANELS:
        yield f"there is no panel of type {kind}"
        return
    if kind in _OPTIONS:
        yield from shape(_OPTIONS[kind], panel.get("options", {}))
    if kind == "timeseries":
        yield from shape("timeseriesField", panel["fieldConfig"]["defaults"].get("custom", {}))
    if kind == "text" and not panel.get("options", {}).get("content"):
        yield "a text says something"
    if kind in ("row", "text", "alertlist"):
        return
    targets = panel.get("targets", [])
    if not targets:
        yield "it asks nothing"
    refs = [target.get("refId") for target in targets]
    if len(set(refs)) != len(refs):
        yield "refIds are not unique"
    for override in panel.get("fieldConfig", {}).get("overrides", []):
        matcher = override["matcher"]
        if matcher["id"] == "byFrameRefID" and matcher["options"] not in refs:
            yield f"an override is of {matcher['options']}, which is not there"
    yield from _steps(panel)
    if all(target.get("hide") for target in targets) and targets:
        yield "all that it asks is hidden"
    ids = {target.get("id") for target in targets}
    if len([one for one in (target.get("id") for target in targets) if one]) != len(ids - {None, ""}):
        yield "IDs of metrics are not unique"
    for target in targets:
        yield from target_problems(target, {ref for ref in refs if ref}, {str(one) for one in ids if one})


def _steps(panel: Tree) -> Iterator[str]:
    steps = panel.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps", [])
    values = [step.get("value") for step in steps]
    if values and (values[0] is not None or values[1:] != sorted(values[1:])):
        yield "thresholds begin with null and go up"


def target_problems(target: Tree, refs: set[str], ids: set[str]) -> Iterator[str]:
    """Yield what is wrong with one query. refs: refIds beside it; ids: of metrics beside it."""
    source = target.get("datasource", {}).get("type")
    match source:
        case "cloudwatch" if target.get("queryMode") == "Logs":
            yield from shape("cloudwatchLogs", target)
            if not target.get("logGroups"):
                yield "a query of logs names a log group"
        case "cloudwatch":
            yield from _cloudwatch(target, ids)
        case "prometheus":
            yield from shape("prometheus", {key: one for key, one in target.items() if key != "intervalMs"})
            yield from promql_problems(target.get("expr", ""))
        case "elasticsearch":
            yield from shape("elasticsearch", target)
            yield from _lucene(target.get("query", ""))
            if not target.get("metrics"):
                yield "a query of documents has a metric"
        case "__expr__":
            yield from _expression(target, refs)
        case _:
            yield f"there is no data source of type {source}"


def _cloudwatch(target: Tree, ids: set[str]) -> Iterator[str]:
    yield from shape("cloudwatchMetrics", target)
    expression = target.get("expression", "")
    if target.get("metricEditorMode") == 0 and not (target.get("namespace") and target.get("metricName")):
        yield "a metric has a namespace and a name"
    if target.get("metricEditorMode") == 1 and not expression:
        yield "a formula is empty"
    if expression.count("(") != expression.count(")") or expression.count("[") != expression.count("]"):
        yield "brackets of a formula do not match"
    for name in _IDS.findall(_QUOTED.sub("", expression)):
        if name not in ids:
            yield f"a formula is of {name}, which is not there"
    if target.get("id") and not re.fullmatch(r"[a-z][A-Za-z0-9_]*", target["id"]):
        yield f"{target['id']} is no ID of a metric"
    if not str(target.get("period", "")).isdigit():
        yield "a period is a number of seconds"


def promql_problems(text: str) -> Iterator[str]:
    """Yield what the parser of PromQL says."""
    if fault := _promql_fault(alike(text)):
        yield f"PromQL: {fault}"


@cache
def _promql_fault(text: str) -> str:
    try:
        promql_parser.parse(text)
    except ValueError as error:
        return str(error) or "it cannot be read"
    return ""


def _lucene(text: str) -> Iterator[str]:
    if fault := _lucene_fault(alike(text)):
        yield f"Lucene: {fault}"


@cache
def _lucene_fault(text: str) -> str:
    try:
        lucene_parser.parse(text)
    except ParseError as error:
        return str(error) or "it cannot be read"
    return ""


def _expression(target: Tree, refs: set[str]) -> Iterator[str]:
    kind = target.get("type", "")
    if kind not in _EXPRESSIONS:
        yield f"there is no expression of type {kind}"
        return
    yield from shape(_EXPRESSIONS[kind], target)
    text = target.get("expression", "")
    used = re.findall(r"\$(\w+)", text) if kind == "math" else [text]
    if not used:
        yield "an expression is of nothing"
    if text.count("(") != text.count(")"):
        yield "brackets of an expression do not match"
    for ref in used:
        if ref not in refs or ref == target.get("refId"):
            yield f"an expression is of {ref}, which is not there"
