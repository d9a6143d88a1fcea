"""A file -> its tree as plain JSON, bounded, and the line of each part of it.

    TemplateError (values): the file cannot be read as a template; `path:line: sentence`

Bounds of bytes, nodes and aliases are those of subscribers.insight.template_limits_yaml; depth is bounded
more tightly here, since every part of this package calls itself once or more a level.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from dashboards.resources import Note, Place
from dashboards.template.values import TemplateError
from subscribers.insight.template_limits_yaml import MOST_BYTES, UNREADABLE, Loader, must_be_small, reason

#: How deep a template may go; real ones with an API's definition in them reach 30.
MOST_DEPTH = 90
#: Lines are known down to here: Resources, ID, Properties, a property, two levels in it.
_MARKED_DEPTH = 6
#: Whole numbers beyond are no property of anything, and cannot be printed in decimal.
_MOST_NUMBER = 1 << 128

Path_ = tuple[str, ...]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was read. file: its path as it was given. lines: path in the tree -> line, from 1."""

    file: str
    tree: Any
    lines: dict[Path_, int] = {}
    notes: tuple[Note, ...] = ()

    def place(self, *path: str) -> Place:
        """Return the place of a path in the tree, or of the nearest thing around it that has one."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return Place(self.file, self.lines[path[:length]])
        return Place(self.file)


def read_source(path: Path) -> Source:
    """Read a YAML or JSON file, CloudFormation's tags in their long form. Raises TemplateError."""
    text = _text(path)
    if not text.strip():
        raise TemplateError(f"{path}:1: The file is empty.")
    try:
        return _source(text, str(path))
    except UNREADABLE as error:
        raise TemplateError(
            f"{path}:{_line_of(error, text)}: The file is no YAML or JSON: {_said(error)}."
        ) from error


def read_template(path: Path) -> Source:
    """Read a file that must have Resources. Raises TemplateError."""
    source = read_source(path)
    if not isinstance(source.tree, dict):
        raise TemplateError(f"{path}:1: This is no template, but a {_kind(source.tree)}.")
    resources = source.tree.get("Resources")
    if not isinstance(resources, dict) or not resources:
        line = source.lines.get(("Resources",), 1)
        raise TemplateError(f"{path}:{line}: The template has no Resources.")
    return source


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise TemplateError(f"{path}: This is a folder; name the template in it.")
        with open(path, "rb", opener=_opener) as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        if isinstance(error, TemplateError):
            raise
        why = error.strerror if isinstance(error, OSError) and error.strerror else reason(error)
        said = "There is no such file" if missing else f"The file cannot be read: {why}"
        raise TemplateError(f"{path}: {said}.") from error
    if len(data) > MOST_BYTES:
        raise TemplateError(f"{path}: The file is longer than {MOST_BYTES:,} bytes.")
    return _decoded(data, path)


def _opener(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to is empty, where an ordinary open would wait for ever."""
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    os.set_blocking(handle, True)
    return handle


def _decoded(data: bytes, path: Path) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TemplateError(f"{path}:{line}: The file is no text in UTF-8.") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TemplateError(f"{path}:{line}: The file is no text: it has a byte 0.")
    return text


def _source(text: str, file: str) -> Source:
    tree, is_json = _as_json(text)
    # YAML forbids tabs as indentation, JSON does not; inside of JSON's texts there are none.
    written = text.replace("\t", " ") if is_json else text
    must_be_small(written.encode("utf-8", "replace"))
    loader = Loader(written)
    try:
        node = loader.get_single_node()
        if not is_json:
            tree = loader.construct_document(node) if node is not None else None
    finally:
        loader.dispose()
    marks = _Marks(file)
    marks.walk(node, ())
    return Source(file=file, tree=plain(tree), lines=marks.lines, notes=tuple(marks.notes))


def _as_json(text: str) -> tuple[Any, bool]:
    if not text.lstrip().startswith("{"):
        return None, False
    try:
        return json.loads(text), True
    except (ValueError, RecursionError):
        return None, False


def plain(node: Any, depth: int = 0) -> Any:
    """Return a tree as JSON has it, nothing shared: keys are texts, numbers finite. Raises ValueError."""
    if depth > MOST_DEPTH:
        raise ValueError(f"it is more than {MOST_DEPTH} levels deep")
    if isinstance(node, dict):
        return {_key(key): plain(_condition(key, value), depth + 1) for key, value in node.items()}
    if isinstance(node, list | tuple | set):
        return [plain(value, depth + 1) for value in node]
    if isinstance(node, bytes):
        return node.decode("utf-8", "replace")
    if isinstance(node, int) and not isinstance(node, bool) and abs(node) > _MOST_NUMBER:
        return hex(node)
    if isinstance(node, float) and not math.isfinite(node):
        return str(node)
    return node if node is None or isinstance(node, str | int | float) else str(node)


def _condition(key: Any, value: Any) -> Any:
    """The name of a condition that is called `No` or `on`, which YAML takes for a truth value."""
    if key == "Condition" and isinstance(value, bool):
        return _key(value)
    if key == "Fn::If" and isinstance(value, list) and value and isinstance(value[0], bool):
        return [_key(value[0]), *value[1:]]
    return value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return key if isinstance(key, str) else str(plain(key))


class _Marks:
    """Lines of what a tree holds, and keys that are written twice."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path_, int] = {}
        self.notes: list[Note] = []

    def walk(self, node: yaml.Node | None, path: Path_) -> None:
        if len(path) >= _MARKED_DEPTH:
            return
        if isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._mark(value, (*path, str(index)), value)
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in self._scalars(node):
                if key.value in seen:
                    self._tell_twice(key)
                seen.add(key.value)
                self._mark(value, (*path, key.value), key)

    @staticmethod
    def _scalars(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        return ((key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))

    def _mark(self, node: yaml.Node, path: Path_, written: yaml.Node) -> None:
        self.lines[path] = written.start_mark.line + 1
        # A short tag such as !Sub is a level of the tree, too.
        if node.tag.startswith("!") and len(node.tag) > 1:
            name = node.tag[1:] if node.tag in ("!Ref", "!Condition") else f"Fn::{node.tag[1:]}"
            path = (*path, name)
            self.lines[path] = node.start_mark.line + 1
        self.walk(node, path)

    def _tell_twice(self, key: yaml.Node) -> None:
        text = f"The key {key.value!r} is written twice here; the last one counts."
        self.notes.append(Note(level="warning", text=text, place=Place(self.file, key.start_mark.line + 1)))


def _line_of(error: Exception, text: str) -> int:
    """The line of an error. What is missing at the end is on the last line, not behind it."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return min(mark.line + 1, len(text.splitlines())) if mark is not None else 1


def _said(error: Exception) -> str:
    problem = getattr(error, "problem", None)
    return problem if isinstance(problem, str) and problem else reason(error)


def _kind(tree: Any) -> str:
    if isinstance(tree, list):
        return "list"
    return "text" if isinstance(tree, str) else "single value"
