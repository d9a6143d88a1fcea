"""Columns of a Lens layer: a formula a series, with the helper columns that it stands for.

A formula is stored beside what it was parsed into: a column an aggregation (`s0X0`), and one of arithmetic
over those. Kibana reads the columns, the editor the text, so both are written.
"""

from __future__ import annotations

from typing import Any

from dashboards.kibana.arithmetic import Calculation, Gate, Language, Number, Operation, readings_of, written
from dashboards.kibana.fields import Reading
from dashboards.kibana.filters import kql

Columns = dict[str, dict[str, Any]]
TIME = "x"
_OPERATIONS = {
    "count": "count",
    "sum": "sum",
    "avg": "average",
    "min": "min",
    "max": "max",
    "percentile": "percentile",
    "cardinality": "unique_count",
}
#: UCUM -> how Kibana writes the number.
_FORMATS: dict[str, dict[str, Any]] = {
    "%": {"id": "number", "params": {"decimals": 2, "suffix": " %"}},
    "ms": {"id": "number", "params": {"decimals": 0, "suffix": " ms"}},
    "s": {"id": "number", "params": {"decimals": 1, "suffix": " s"}},
    "By": {"id": "bytes", "params": {"decimals": 1}},
    "MBy": {"id": "number", "params": {"decimals": 0, "suffix": " MB"}},
    "{USD}": {"id": "number", "params": {"decimals": 4, "suffix": " USD"}},
    "1": {"id": "number", "params": {"decimals": 2}},
}


def formula(found: Calculation) -> str:
    """Return the text of a Lens formula.

    https://www.elastic.co/docs/explore-analyze/visualize/lens
    """
    return written(
        found,
        Language(
            reading=_function,
            division=lambda one, two: f"({one} / {two})",
            gate=lambda of, minimum, then: f"ifelse({of} >= {minimum}, {then}, 0)",
        ),
    )


def formula_columns(name: str, label: str, found: Calculation, unit: str) -> Columns:
    """Return the columns of one series: that of the formula, named `name`, and its helpers."""
    text = formula(found)
    parts = {read: f"{name}X{n}" for n, read in enumerate(dict.fromkeys(readings_of(found)))}
    out = {column: _helper(read, label) for read, column in parts.items()}
    last = next(iter(parts.values()), "")
    if not isinstance(found, Reading):
        last = f"{name}X{len(parts)}"
        out[last] = {
            **_column("number", f"Part of {label}"),
            "operationType": "math",
            "params": {"tinymathAst": _tree(found, parts)},
            "references": list(parts.values()),
        }
    params = {"formula": text, "isFormulaBroken": False, "format": _FORMATS.get(unit, _FORMATS["1"])}
    own = {
        **_column("number", label),
        "operationType": "formula",
        "params": params,
        "references": [last],
    }
    return {name: own, **out}


def time_column() -> Columns:
    """Return the column of a date histogram over the documents' time."""
    return {
        TIME: {
            "dataType": "date",
            "isBucketed": True,
            "label": "@timestamp",
            "operationType": "date_histogram",
            "params": {"dropPartials": False, "includeEmptyRows": True, "interval": "auto"},
            "scale": "interval",
            "sourceField": "@timestamp",
        }
    }


def static_column(label: str, value: float) -> dict[str, Any]:
    """Return the column of a horizontal line."""
    return {
        **_column("number", label),
        "isStaticValue": True,
        "operationType": "static_value",
        "params": {"value": str(value)},
        "references": [],
    }


def layer(columns: Columns) -> dict[str, Any]:
    """Return a layer of the form-based data source."""
    return {
        "columnOrder": list(columns),
        "columns": columns,
        "ignoreGlobalFilters": False,
        "incompleteColumns": {},
        "sampling": 1,
    }


def _column(kind: str, label: str) -> dict[str, Any]:
    return {
        "customLabel": True,
        "dataType": kind,
        "isBucketed": False,
        "label": label,
        "scale": "ratio",
    }


def _function(read: Reading) -> str:
    text = kql(read.where).replace("'", "\\'")
    # The formula's grammar knows no escape but that of the quote; a backslash before the last one were one.
    text = f"{text} " if text.endswith("\\") else text
    arguments = [read.field] if read.field else []
    if read.aggregate == "percentile":
        arguments.append(f"percentile={read.percent}")
    if text:
        arguments.append(f"kql='{text}'")
    return f"{_OPERATIONS[read.aggregate]}({', '.join(arguments)})"


def _helper(read: Reading, label: str) -> dict[str, Any]:
    params: dict[str, Any] = {"emptyAsNull": False}
    if read.aggregate == "percentile":
        params = {"percentile": read.percent}
    if read.aggregate in ("avg", "min", "max"):
        params = {"emptyAsNull": True}
    return {
        **_column("number", f"Part of {label}"),
        "filter": {"language": "kuery", "query": kql(read.where)},
        "operationType": _OPERATIONS[read.aggregate],
        "params": params,
        "references": [],
        "sourceField": read.field or "___records___",
    }


def _tree(found: Calculation, parts: dict[Reading, str]) -> Any:
    """The arithmetic as Kibana's parser leaves it: functions with arguments, columns by name."""
    match found:
        case Reading():
            return parts[found]
        case Number(value=value):
            return value
        case Operation(operator=operator, left=left, right=right):
            return _call(operator, [_tree(left, parts), _tree(right, parts)], formula(found))
        case Gate(of=of, minimum=minimum, then=then):
            test = _call("gte", [_tree(of, parts), minimum], f"{formula(of)} >= {minimum}")
            return _call("ifelse", [test, _tree(then, parts), 0], formula(found))


def _call(name: str, arguments: list[Any], text: str) -> dict[str, Any]:
    return {
        "args": arguments,
        "location": {"max": len(text), "min": 0},
        "name": name,
        "text": text,
        "type": "function",
    }
