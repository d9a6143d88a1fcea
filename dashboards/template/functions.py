"""Intrinsic functions that need nothing but their arguments, which are resolved when they come here.

Each takes its argument and the scope, and returns what it makes, or itself in its long form where an argument
is not known before the stack is deployed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dashboards.template.scope import Scope
from dashboards.template.substitution import shown


def _is_single(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _is_unknown(value: Any) -> bool:
    """Whether a tree has an intrinsic in it."""
    if isinstance(value, dict):
        return any(key == "Ref" or key.startswith("Fn::") or _is_unknown(one) for key, one in value.items())
    return isinstance(value, list) and any(_is_unknown(one) for one in value)


def _join(argument: Any, scope: Scope) -> Any:
    left = {"Fn::Join": argument}
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
        return left
    delimiter, parts = argument
    if not isinstance(parts, list) or not all(_is_single(part) for part in parts):
        return left
    texts = [shown(part) for part in parts]
    size = sum(map(len, texts)) + len(delimiter) * len(texts)
    return delimiter.join(texts) if scope.may_make(size) else left


def _split(argument: Any, scope: Scope) -> Any:
    left = {"Fn::Split": argument}
    if (
        not isinstance(argument, list)
        or len(argument) != 2
        or not all(isinstance(one, str) for one in argument)
    ):
        return left
    delimiter, text = argument
    return text.split(delimiter) if delimiter and scope.may_make(len(text)) else left


def _select(argument: Any, scope: Scope) -> Any:
    left = {"Fn::Select": argument}
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], list):
        return left
    index = _index(argument[0])
    if index is None:
        return left
    if not 0 <= index < len(argument[1]):
        scope.tell("warning", f"Fn::Select takes number {index} of {len(argument[1])}; there is none.")
        return left
    return argument[1][index]


def _index(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10
    return int(value) if is_digits else None


def _find_in_map(argument: Any, scope: Scope) -> Any:
    left = {"Fn::FindInMap": argument}
    if not isinstance(argument, list) or len(argument) not in (3, 4):
        return left
    keys, default = argument[:3], argument[3] if len(argument) == 4 else {}
    if not all(_is_single(key) for key in keys):
        return left
    found: Any = scope.mappings
    for key in keys:
        found = found.get(shown(key)) if isinstance(found, dict) else None
    if found is not None and not _is_unknown(found):
        return found
    if isinstance(default, dict) and "DefaultValue" in default:
        return default["DefaultValue"]
    scope.tell("warning", f"Fn::FindInMap finds nothing under {' / '.join(map(shown, keys))}.")
    return left


def _length(argument: Any, _: Scope) -> Any:
    is_list = isinstance(argument, list) and (len(argument) != 1 or not _is_unknown(argument))
    return len(argument) if is_list else {"Fn::Length": argument}


def _to_json(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, dict | list) or _is_unknown(argument):
        return {"Fn::ToJsonString": argument}
    text = json.dumps(argument, separators=(",", ":"), ensure_ascii=False)
    return text if scope.may_make(len(text)) else {"Fn::ToJsonString": argument}


def _transform(argument: Any, scope: Scope) -> Any:
    name = argument.get("Name") if isinstance(argument, dict) else None
    scope.tell(
        "warning",
        f"Fn::Transform calls {name or 'a macro'}, which only the account can run; it is left as it is.",
    )
    return {"Fn::Transform": argument}


FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
    "Fn::Transform": _transform,
}
