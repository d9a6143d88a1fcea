"""A template's text as a tree, bounded: a small file can stand for a tree that fits into no memory.

TemplateError (a ValueError): the template cannot be read; the text names the file and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

#: CloudFormation takes templates of 1 MB; what `sam package` is given may be longer.
MOST_BYTES = 5_000_000
#: Nodes of a tree with its aliases written out, and how deep it goes; libyaml's composer calls itself.
MOST_NODES, MOST_DEPTH = 1_000_000, 200
#: What PyYAML raises for `!!int x`, `!!bool x`, `!!timestamp x` and numbers of thousands of digits.
UNREADABLE = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class TemplateError(ValueError):
    """A template cannot be read."""


def read_tree(path: Path) -> Mapping[str, Any]:
    """Return a template's tree, intrinsics in their long form, dates as text. Raises TemplateError."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise TemplateError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(text) > MOST_BYTES:
        raise TemplateError(f"{path} cannot be read: it is longer than {MOST_BYTES:,} bytes")
    try:
        document = _loaded(text)
    except UNREADABLE as error:
        raise TemplateError(f"{path} is no YAML: {reason(error)}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{path} is no template: it has no Resources")
    return document


def reason(error: Exception) -> str:
    """Return the first line of what an error says, or its name."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]


class _Anchored(msgspec.Struct):
    """What an alias stands for: how many nodes, and how deep they go. depth 0: not complete yet."""

    nodes: int = 0
    depth: int = 0


class _Open(msgspec.Struct):
    """A node whose end has not come. nodes, depth: of what it holds so far, itself included."""

    anchor: str | None
    nodes: int = 1
    depth: int = 1


def _loaded(text: bytes) -> Any:
    must_be_small(text)
    return yaml.load(text, Loader)  # noqa: S506  # a SafeLoader


def must_be_small(text: bytes) -> None:
    """Raise ValueError for more than MOST_NODES or MOST_DEPTH, and for an alias within its own anchor."""
    known: dict[str, _Anchored] = {}
    around: list[_Open] = [_Open(None)]
    for event in yaml.parse(text, _SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            around.append(_Open(event.anchor))
            if event.anchor:
                known[event.anchor] = _Anchored()
        elif isinstance(event, yaml.CollectionEndEvent):
            done = around.pop()
            if done.anchor:
                known[done.anchor] = _Anchored(done.nodes, done.depth)
            _add(around[-1], done.nodes, done.depth)
        elif isinstance(event, yaml.ScalarEvent):
            if event.anchor:
                known[event.anchor] = _Anchored(1, 1)
            _add(around[-1], 1, 1)
        elif isinstance(event, yaml.AliasEvent):
            stands_for = known.get(event.anchor or "", _Anchored(1, 1))
            if not stands_for.depth:
                raise ValueError(f"the alias {event.anchor} is part of what it stands for")
            _add(around[-1], stands_for.nodes, stands_for.depth)
        if len(around) > MOST_DEPTH:
            raise ValueError(f"it is more than {MOST_DEPTH} levels deep")


def _add(around: _Open, nodes: int, depth: int) -> None:
    around.nodes += nodes
    around.depth = max(around.depth, depth + 1)
    if around.nodes > MOST_NODES:
        raise ValueError(f"it has more than {MOST_NODES:,} nodes, aliases written out")
    if around.depth > MOST_DEPTH + 1:
        raise ValueError(f"it is more than {MOST_DEPTH} levels deep, aliases written out")


class Loader(_SafeLoader):
    """YAML with CloudFormation's tags: `!Ref x` is {"Ref": "x"}, `!Sub x` {"Fn::Sub": "x"}."""

    def tagged(self, suffix: str, node: yaml.Node) -> Any:
        name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
        if isinstance(node, yaml.ScalarNode):
            text = self.construct_scalar(node)
            return {name: text.split(".", 1) if suffix == "GetAtt" else text}
        if isinstance(node, yaml.SequenceNode):
            return {name: self.construct_sequence(node, deep=True)}
        assert isinstance(node, yaml.MappingNode)
        return {name: self.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", Loader.tagged)
# No property that is read here is a date, and one such as 2026-02-30 cannot be made.
Loader.yaml_constructors = {**_SafeLoader.yaml_constructors, _TIMESTAMP: _SafeLoader.construct_yaml_str}
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in _SafeLoader.yaml_implicit_resolvers.items()
}
