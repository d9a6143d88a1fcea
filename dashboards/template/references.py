"""What a resolved tree of intrinsics names, and how it looks as text. Pure; the model asks these.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dashboards.template.substitution import names as names_of
from dashboards.template.substitution import shown, starred

#: Names that one tree gives; a state machine's definition names dozens.
_MOST_NAMES = 1_000
_STARS = re.compile(r"\*{2,}")
#: Attributes whose text ends with the resource's name.
_NAME_ENDINGS = ("Arn", "Name", "QueueName", "TopicName", "FunctionName", "StreamArn", "Id")


def named(node: Any) -> tuple[str, ...]:
    """Return the IDs that an intrinsic tree names, in order, each once; pseudo parameters are left out.

    A parameter without a value is named, too: ask Templates.items which are resources.
    """
    found: dict[str, None] = {}
    for name in _names(node):
        if not name.startswith("AWS::"):
            found.setdefault(name)
        if len(found) >= _MOST_NAMES:
            break
    return tuple(found)


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for value in node:
            yield from _names(value)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "Ref" and isinstance(value, str):
            yield value
        elif key == "Fn::GetAtt" and isinstance(value, list) and value and isinstance(value[0], str):
            yield value[0]
        elif key == "Fn::Sub" and isinstance(value, str):
            yield from (name.split(".", 1)[0] for name in names_of(value))
        else:
            yield from _names(value)


def text(node: Any) -> str | None:
    """Return a tree as text where it is fully known, else None."""
    return shown(node) if isinstance(node, str | int | float) else None


def pattern(node: Any, names: Mapping[str, str] | None = None) -> str:
    """Return a tree as text with `*` for what is not known.

    names: ID of an item -> its name, where that is known; the others have the shape of names that
    CloudFormation makes, `*-<logical ID>-*`.
    """
    return _STARS.sub("*", _pattern(node, names or {}))


def _pattern(node: Any, names: Mapping[str, str]) -> str:
    known = text(node)
    if known is not None:
        return known
    if not isinstance(node, dict) or len(node) != 1:
        return "*"
    ((name, argument),) = node.items()
    if name == "Ref" and isinstance(argument, str):
        return _made(argument, names)
    if name == "Fn::GetAtt" and isinstance(argument, list) and all(isinstance(one, str) for one in argument):
        return _attribute(argument, names)
    if name == "Fn::Sub" and isinstance(argument, str):
        return starred(argument, lambda one: _pattern(_call(one), names))
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
        delimiter, parts = argument
        if isinstance(delimiter, str) and isinstance(parts, list):
            return delimiter.join(_pattern(part, names) for part in parts)
    return "*"


def _call(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": name.split(".", 1)} if "." in name else {"Ref": name}


def _made(name: str, names: Mapping[str, str]) -> str:
    if name.startswith("AWS::"):
        return "*"
    return names.get(name) or f"*-{name.rsplit('/', 1)[-1]}-*"


def _attribute(path: list[str], names: Mapping[str, str]) -> str:
    attribute = path[1] if len(path) > 1 else ""
    if not attribute.endswith(_NAME_ENDINGS):
        return "*"
    if attribute.endswith("Arn"):
        return f"*{_made(path[0], names)}"
    return _made(path[0], names)
