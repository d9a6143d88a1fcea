"""YAML text -> a JSON tree that knows the line of each of its values.

A strict subset, so that a file means what it looks like: YAML 1.2's core types (`yes`, `on`, `10:30` and
`2026-01-31` are text, as is `007`, which may be an account number), no merge keys, no tags of one's own,
every key once. Limits: 1 MiB of text, 32 levels, 50,000 values after aliases are expanded.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml

from subscribers.config_problems import Path, Problem, dotted, shown

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
#: "Billion laughs": https://en.wikipedia.org/wiki/Billion_laughs_attack
MAX_VALUES = 50_000

_TAG = "tag:yaml.org,2002:"
_PLAIN = "plain"
#: Longer digits are text: no key of the schema needs them, and int() of thousands of digits is an error.
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?(?:[eE][-+]?[0-9]{1,2})?\Z")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_HINTS = {
    "found character '\\t' that cannot start any token": "a tab cannot indent; use spaces",
    "expected <block end>, but found '<block mapping start>'": "this line is indented deeper than the others",
    "mapping values are not allowed here": "a ':' is not allowed here; should the text be in quotes?",
    "but found another document": "only one document is read; remove the '---' line",
}


class Mark(msgspec.Struct, frozen=True):
    """Where something was written; line and column count from 1."""

    file: str
    line: int
    column: int


class Document(msgspec.Struct, frozen=True):
    """One file as a JSON tree, the marks of its keys and items, and what was wrong with its YAML."""

    tree: Any
    marks: dict[Path, Mark]
    problems: tuple[Problem, ...]


class _Stop(Exception):  # noqa: N818 - ends the conversion; never leaves this module
    def __init__(self, message: str, mark: yaml.Mark) -> None:
        self.message, self.mark = message, mark


class _Loader(yaml.SafeLoader):
    """PyYAML's composer with a bounded depth, so that no nesting can exhaust the stack."""

    depth = 0

    def resolve(self, kind: type[yaml.Node], _value: Any, implicit: Any) -> str:
        """Leave the meaning of unquoted scalars to `plain`; PyYAML would read 10:30 as 630."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TAG + "str"
        return _TAG + ("seq" if kind is yaml.SequenceNode else "map")

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Stop(f"is nested deeper than {MAX_DEPTH} levels", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read_yaml(data: bytes, file: str) -> Document:
    """Return the document that the bytes of a file hold; never raises, whatever the bytes are.

    file: the name that problems and marks carry. An unreadable document has the tree None and a problem.
    """
    if len(data) > MAX_BYTES:
        return _broken(file, f"is larger than {MAX_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _broken(file, f"is not UTF-8 text (byte {error.start + 1}); is it a YAML file?")
    return _convert(text, file)


def _broken(file: str, message: str, line: int = 0, column: int = 0) -> Document:
    return Document(None, {}, (Problem(file, line, column, "", message),))


def _convert(text: str, file: str) -> Document:
    try:
        node = _compose(text)
        if node is None:
            return _broken(file, "is empty; the least it needs is 'version: 1'")
        reader = _Reader(file)
        tree = reader.value(node, (), 0)
    except _Stop as stop:
        return _broken(file, stop.message, stop.mark.line + 1, stop.mark.column + 1)
    except yaml.MarkedYAMLError as error:
        return _marked(error, file)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return _broken(file, f"the character U+{_code(error):04X} is not allowed in YAML", line, column)
    # PyYAML converts escapes and version numbers without checking them: "\UFFFFFFFF", %YAML 1.9…9
    except (ValueError, OverflowError):
        return _broken(file, "is not YAML: an escape or a version number in it is out of range")
    return Document(tree, reader.marks, tuple(reader.problems))


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return node


def _code(error: yaml.reader.ReaderError) -> int:
    return error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")


def _marked(error: yaml.MarkedYAMLError, file: str) -> Document:
    mark = error.problem_mark or error.context_mark
    text = str(error.problem or error.context or "cannot be read")
    message = "is not YAML: " + _HINTS.get(text, text)
    return _broken(file, message, mark.line + 1, mark.column + 1) if mark else _broken(file, message)


class _Reader:
    """Turns nodes into a tree, noting the mark of everything and what is wrong on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[Path, Mark] = {}
        self.problems: list[Problem] = []
        self.values = 0

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self.values += 1
        if self.values > MAX_VALUES:
            raise _Stop(
                f"holds more than {MAX_VALUES:,} values after its aliases are expanded", node.start_mark
            )
        if depth > MAX_DEPTH:
            raise _Stop(f"is nested deeper than {MAX_DEPTH} levels", node.start_mark)
        self.marks.setdefault(path, self.mark(node))
        if isinstance(node, yaml.MappingNode):
            self.expect(node, "map", path)
            return self.mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            self.expect(node, "seq", path)
            return [self.value(child, (*path, i), depth + 1) for i, child in enumerate(node.value)]
        return self.scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in out:
                first = self.marks[here].line
                self.complain(key_node, here, f"is written twice, first on line {first}")
                continue
            self.marks[here] = self.mark(key_node)
            out[key] = self.value(value_node, here, depth + 1)
        return out

    def key(self, node: yaml.Node, path: Path) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.complain(node, path, "a list or a mapping cannot be a key")
            return None
        if node.value == "<<" and not node.style:
            self.complain(node, path, "merge keys (<<) are not supported; write the keys out")
            return None
        return _text(node.value)

    def scalar(self, node: yaml.Node, path: Path) -> Any:
        if node.tag == _PLAIN:
            return plain(node.value)
        kind = node.tag.removeprefix(_TAG)
        return _text(node.value) if kind == "str" else self.tagged(node, kind, path)

    def tagged(self, node: yaml.Node, kind: str, path: Path) -> Any:
        value = plain(node.value)
        accepted = {"int": int, "float": float, "bool": bool, "null": type(None)}.get(kind)
        if accepted is None:
            self.complain(node, path, f"the tag {shown(_short(node.tag))} is not known here")
        elif type(value) is not accepted and not (kind == "float" and type(value) is int):
            self.complain(node, path, f"{shown(node.value)} is not what its tag '!!{kind}' says")
        return value

    def expect(self, node: yaml.Node, kind: str, path: Path) -> None:
        if node.tag != _TAG + kind:
            self.complain(node, path, f"the tag {shown(_short(node.tag))} is not known here")

    def complain(self, node: yaml.Node, path: Path, message: str) -> None:
        mark = self.mark(node)
        self.problems.append(Problem(self.file, mark.line, mark.column, dotted(path), message))

    def mark(self, node: yaml.Node) -> Mark:
        return Mark(self.file, node.start_mark.line + 1, node.start_mark.column + 1)


def plain(text: str) -> Any:
    """Return what an unquoted scalar means: null, a boolean, a number, else the text itself."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else _text(text)


def _text(value: str) -> str:
    # "\ud800" is legal YAML, but no encoder downstream takes half a surrogate pair.
    return value.encode("utf-8", "replace").decode("utf-8") if not value.isascii() else value


def _short(tag: str) -> str:
    return tag.replace(_TAG, "!!")
