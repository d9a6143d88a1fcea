"""Validators of the bodies of dashboards: the schema, and what no schema sees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from dashboards.resources import System
from tests.dashboards.cloudwatch.grammar import FormulaError, names_of

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parent / "dashboard-body.schema.json").read_text(encoding="utf-8"))
)
#: What stands for a name that only the stack knows.
UNKNOWN = "<{}>"
_CALLED = re.compile(r"<[A-Za-z0-9.]+>")
_SUB = re.compile(r"\$\{([^}!]*)\}")
_OTHER_VALUES = frozenset(
    ("Global", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem")
) | {"BatchWriteItem", "none"}


def resolved(value: Any, *, is_true: bool = True) -> str:
    """Return a value of a template as text, `<X>` for what only the stack knows; conditions are decided."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return _unknown(name)
        case {"Fn::GetAtt": [item, attribute]}:
            return UNKNOWN.format(f"{item}.{attribute}")
        case {"Fn::If": [_, yes, no]}:
            return resolved(yes if is_true else no, is_true=is_true)
        case {"Fn::Sub": [str(text), dict(mapping)]}:
            known = {key: resolved(one, is_true=is_true) for key, one in mapping.items()}
            return _SUB.sub(lambda match: _absent(match[1], known), text).replace("${!", "${")
        case {"Fn::Sub": str(text)}:
            return _SUB.sub(lambda match: _unknown(match[1]), text).replace("${!", "${")
        case _:
            return UNKNOWN.format("expression")


def _absent(name: str, known: dict[str, str]) -> str:
    return known[name] if name in known else _unknown(name)


def _unknown(name: str) -> str:
    """Colons part ARNs."""
    return UNKNOWN.format(name.replace("::", "."))


def body_problems(name: str, text: str, values: set[str], alarm_names: set[str]) -> Iterator[str]:
    """Yield what is wrong with the body of one dashboard. values: known_values of its system."""
    # A stack and the fragment show the same but for what they call a name.
    wrong = _schema_problems(_CALLED.sub("<X>", text))
    yield from (f"{name}: {one}" for one in wrong)
    if wrong:
        return
    body = json.loads(text)
    widgets = body["widgets"]
    yield from _grid(name, widgets)
    metrics = [one for one in widgets if one["type"] == "metric"]
    if (count := sum(len(one["properties"]["metrics"]) for one in metrics)) > 2500:
        yield f"{name}: {count} metrics, more than 2,500"
    for one in metrics:
        title = f"{name}, {one['properties'].get('title', '')}"
        yield from _metric_problems(title, one["properties"]["metrics"], values)
    for one in widgets:
        if re.search(r"SOURCE '(none|[^']*/none)'", one["properties"].get("query", "")):
            yield f"{name}: {one['properties']['title']} searches a log group that does not exist"
        for arn in one["properties"].get("alarms", ()):
            if arn.rpartition(":alarm:")[2] not in alarm_names:
                yield f"{name}: there is no alarm {arn.rpartition(':alarm:')[2]}"


@lru_cache(maxsize=1024)
def _schema_problems(text: str) -> tuple[str, ...]:
    try:
        body = json.loads(text)
    except ValueError as fault:
        return (f"its body is no JSON: {fault}",)
    return tuple(f"{error.json_path}: {error.message[:200]}" for error in SCHEMA.iter_errors(body))


def _grid(name: str, widgets: list[dict[str, Any]]) -> Iterator[str]:
    taken: dict[tuple[int, int], int] = {}
    for index, one in enumerate(widgets):
        if one["x"] + one["width"] > 24:
            yield f"{name}: widget {index} is wider than the grid"
        cells = [
            (x, y)
            for x in range(one["x"], one["x"] + one["width"])
            for y in range(one["y"], one["y"] + one["height"])
        ]
        over = {taken[cell] for cell in cells if cell in taken}
        if over:
            yield f"{name}: widget {index} overlaps widget {min(over)}"
        taken.update(dict.fromkeys(cells, index))


def _metric_problems(title: str, rows: list[list[Any]], values: set[str]) -> Iterator[str]:
    ids: list[str] = []
    formulas: list[str] = []
    for row in rows:
        options = row[-1] if isinstance(row[-1], dict) else {}
        plain = row[:-1] if options else row
        if "id" in options:
            ids.append(options["id"])
        if "expression" in options:
            formulas.append(options["expression"])
            if plain:
                yield f"{title}: an expression stands beside a metric"
        elif len(plain) < 2 or len(plain) % 2 or not all(isinstance(one, str) for one in plain):
            yield f"{title}: {plain} is no namespace, name and pairs of dimensions"
        else:
            yield from dimension_problems(title, zip(plain[2::2], plain[3::2], strict=True), values)
    if len(ids) != len(set(ids)):
        yield f"{title}: an ID stands twice"
    if not any((row[-1].get("visible", True) if isinstance(row[-1], dict) else True) for row in rows):
        yield f"{title}: nothing is visible"
    yield from formula_problems(title, formulas, set(ids))


def formula_problems(title: str, formulas: list[str], ids: set[str]) -> Iterator[str]:
    """Yield formulas that cannot be read and IDs that are not there or that nobody uses."""
    for formula in formulas:
        try:
            missing = names_of(formula) - ids
        except FormulaError as fault:
            yield f"{title}: {formula!r}: {fault}"
            continue
        if missing:
            yield f"{title}: {formula!r} uses {sorted(missing)}, which is not there"


def dimension_problems(title: str, pairs: Any, values: set[str]) -> Iterator[str]:
    """Yield dimensions whose value is nothing of the system."""
    for dimension, value in pairs:
        is_known = value in values or "<" in value or value.rpartition(":")[2] in values
        if not is_known:
            yield f"{title}: {dimension} {value} is nothing of the system"


def known_values(system: System) -> set[str]:
    """Return every text that may be the value of a dimension."""
    found = set(_OTHER_VALUES)
    for resource in system.resources.values():
        found |= {resource.name.known, resource.name.known.rpartition("/")[2], *resource.facts.values()}
    for route in system.routes.values():
        found |= {route.method, route.path}
    found |= set(system.endpoints) | set(system.services) | {"legacy", "serverless"}
    found |= set(system.config.sinks) | {"store"}
    return found - {""}
