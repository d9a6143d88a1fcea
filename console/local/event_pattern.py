"""EventBridge's event patterns: whether one is well formed, and of what moto can match. Pure.

moto takes an operator that it does not know for a match; so it must not get one.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
PatternError    the pattern is wrong, or has what is not played; the text says where
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

_COMPARISONS = ("<", "<=", "=", ">=", ">")


class PatternError(ValueError):
    """A pattern that EventBridge or the local Lambda does not take."""


def checked(pattern: object) -> dict[str, Any]:
    """Return the pattern. Raises PatternError."""
    if not isinstance(pattern, dict) or not pattern:
        raise PatternError("a mapping with at least one member is expected")
    _members(pattern, "")
    return pattern


def _members(pattern: Mapping[Any, Any], path: str) -> None:
    for name, node in pattern.items():
        here = f"{path}{name}"
        if name == "$or":
            _alternatives(node, path)
        elif isinstance(node, dict) and node:
            _members(node, f"{here}.")
        elif isinstance(node, list) and node:
            for item in node:
                _item(item, here)
        else:
            raise PatternError(f"{here}: a mapping or a list is expected, neither of them empty")


def _alternatives(node: object, path: str) -> None:
    if not isinstance(node, list) or len(node) < 2 or not all(isinstance(each, dict) for each in node):
        raise PatternError(f"{path}$or: a list of at least two mappings is expected")
    for each in node:
        _members(each, path)


def _item(item: object, path: str) -> None:
    if isinstance(item, list):
        raise PatternError(f"{path}: a list in a list is no pattern")
    if not isinstance(item, dict):
        return
    if len(item) != 1:
        raise PatternError(f"{path}: an operator is a mapping with one member")
    ((name, operand),) = item.items()
    fits = _OPERATORS.get(str(name))
    if fits is None:
        raise PatternError(f"{path}: the operator {str(name)!r} is not played by the local Lambda")
    if not fits(operand):
        raise PatternError(f"{path}: the operator {name!r} does not take {operand!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_affix(value: object) -> bool:
    """A text, or one whose case does not matter."""
    if isinstance(value, dict):
        return list(value) == ["equals-ignore-case"] and _is_text(value["equals-ignore-case"])
    return _is_text(value)


def _is_range(value: object) -> bool:
    if not isinstance(value, list) or len(value) not in (2, 4):
        return False
    return all(each in _COMPARISONS for each in value[::2]) and all(map(_is_number, value[1::2]))


def _is_excluded(value: object) -> bool:
    """What anything-but takes: values, or one operator on texts."""
    if isinstance(value, dict):
        operand = next(iter(value.values()), None)
        texts = operand if isinstance(operand, list) else [operand]
        known = len(value) == 1 and {*value} <= {"prefix", "suffix", "equals-ignore-case", "wildcard"}
        return known and bool(texts) and all(map(_is_text, texts))
    if isinstance(value, list):
        return bool(value) and all(_is_text(each) or _is_number(each) for each in value)
    return _is_text(value) or _is_number(value)


def _is_network(value: object) -> bool:
    try:
        ipaddress.ip_network(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


_OPERATORS: Mapping[str, Callable[[object], bool]] = {
    "prefix": _is_affix,
    "suffix": _is_affix,
    "equals-ignore-case": _is_text,
    "anything-but": _is_excluded,
    "numeric": _is_range,
    "wildcard": _is_text,
    "cidr": _is_network,
    "exists": lambda value: isinstance(value, bool),
}
