"""Which names a template's node refers to; nothing is evaluated. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

PLACEHOLDER = re.compile(r"\$\{(!?)([^{}]*)\}")  # of Fn::Sub; ${!Literal} stays as ${Literal}


def function_of(node: object) -> str | None:
    """Return the name of the function the node calls, None when it is plain."""
    if isinstance(node, dict) and len(node) == 1:
        name = str(next(iter(node)))
        return name if name == "Ref" or name.startswith("Fn::") else None
    return None


def references(node: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, "Ref" or attribute) of everything the node refers to, in document order."""
    name = function_of(node)
    if name == "Ref" and isinstance(node["Ref"], str):
        yield node["Ref"], "Ref"
    elif name == "Fn::GetAtt" and (pair := attribute_pair(node["Fn::GetAtt"])):
        yield pair
    elif name == "Fn::Sub":
        yield from _sub_references(node["Fn::Sub"])
    elif isinstance(node, dict):
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def _sub_references(argument: Any) -> Iterator[tuple[str, str]]:
    text, local = sub_parts(argument)
    for literal, raw in PLACEHOLDER.findall(text):
        if not literal and raw.strip() not in local:
            name, _, attribute = raw.strip().partition(".")
            yield name, attribute or "Ref"
    yield from references(list(local.values()))


def sub_parts(argument: Any) -> tuple[str, dict[str, Any]]:
    """Return Fn::Sub's text and its own names; an empty text for what is no argument of it."""
    match argument:
        case str():
            return argument, {}
        case [str() as text, dict() as local]:
            return text, local
    return "", {}


def attribute_pair(argument: Any) -> tuple[str, str] | None:
    """Return Fn::GetAtt's logical ID and attribute, None for what is no argument of it."""
    match argument:
        case str() if "." in argument:
            name, _, attribute = argument.partition(".")
            return name, attribute
        case [str() as name, str() as attribute]:
            return name, attribute
    return None
