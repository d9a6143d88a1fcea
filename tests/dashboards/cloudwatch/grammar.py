"""A small grammar of metric math: which names a formula uses, or what is wrong with it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<function>[A-Z][A-Z_]*)(?=\()|(?P<id>[a-z][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|==|!=|&&|\|\||[-+*/^<>(),\[\]]))"
)
#: How many arguments each function that we use takes.
FUNCTIONS = {"SUM": (1, 1), "FILL": (2, 2), "IF": (3, 3), "MAX": (1, 1), "MIN": (1, 1), "AVG": (1, 1)}
_BETWEEN = frozenset(("+", "-", "*", "/", "^", "<", ">", "<=", ">=", "==", "!=", "&&", "||"))


class FormulaError(ValueError):
    """It is no metric math."""


def names_of(formula: str) -> set[str]:
    """Return the IDs that a formula uses. Raises FormulaError."""
    tokens = _tokens(formula)
    names: set[str] = set()
    rest = _expression(tokens, 0, names)
    if rest != len(tokens):
        raise FormulaError(f"unexpected {tokens[rest][1]!r}")
    return names


def _tokens(formula: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(formula):
        match = _TOKEN.match(formula, at)
        if match is None:
            raise FormulaError(f"cannot be read at {formula[at : at + 20]!r}")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


def _expression(tokens: list[tuple[str, str]], at: int, names: set[str]) -> int:
    at = _operand(tokens, at, names)
    while at < len(tokens) and tokens[at][1] in _BETWEEN:
        at = _operand(tokens, at + 1, names)
    return at


def _operand(tokens: list[tuple[str, str]], at: int, names: set[str]) -> int:
    if at >= len(tokens):
        raise FormulaError("ends too early")
    kind, text = tokens[at]
    if kind == "number":
        return at + 1
    if kind == "id":
        names.add(text)
        return at + 1
    if kind == "function":
        return _call(tokens, at, names)
    if text == "-":
        return _operand(tokens, at + 1, names)
    if text == "(":
        return _closed(tokens, _expression(tokens, at + 1, names), ")")
    if text == "[":
        _, at = _list(tokens, at + 1, names)
        return _closed(tokens, at, "]")
    raise FormulaError(f"unexpected {text!r}")


def _call(tokens: list[tuple[str, str]], at: int, names: set[str]) -> int:
    function = tokens[at][1]
    if function not in FUNCTIONS:
        raise FormulaError(f"there is no function {function}")
    count, at = _list(tokens, at + 2, names)
    least, most = FUNCTIONS[function]
    if not least <= count <= most:
        raise FormulaError(f"{function} does not take {count} arguments")
    return _closed(tokens, at, ")")


def _list(tokens: list[tuple[str, str]], at: int, names: set[str]) -> tuple[int, int]:
    at = _expression(tokens, at, names)
    count = 1
    while at < len(tokens) and tokens[at][1] == ",":
        at = _expression(tokens, at + 1, names)
        count += 1
    return count, at


def _closed(tokens: list[tuple[str, str]], at: int, sign: str) -> int:
    if at >= len(tokens) or tokens[at][1] != sign:
        raise FormulaError(f"{sign!r} is missing")
    return at + 1
