"""A template file as plain data: short-form tags become their long forms. Nothing is evaluated here.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
TemplateError           the template cannot be used; the text names the file and where in it
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from console.errors import ConsoleError

MAX_FILE_BYTES = 1_000_000  # CloudFormation's limit of a template in S3
_MAX_NODES = 200_000  # aliases can make a small file endless


class TemplateError(ConsoleError):
    """The template is wrong or cannot be read. `reason` is always `template`.

    logical_id, property: where in the file, None if it is the file as a whole.
    """

    reason = "template"

    def __init__(
        self, file: Path, text: str, *, logical_id: str | None = None, property: str | None = None
    ) -> None:
        where = ".".join(part for part in (logical_id, property) if part)
        super().__init__(f"{file}: {where}: {text}" if where else f"{file}: {text}")
        self.file = file
        self.logical_id = logical_id
        self.property = property


class _Loader(yaml.SafeLoader):
    """Safe YAML with CloudFormation's tags; as there, dates stay text and merge keys are refused."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse `<<`, with which a few hundred bytes can ask for days of work."""
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                said = "merge keys (<<) are not supported, neither are they by CloudFormation"
                raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _construct(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value = _plain(loader, node)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


def _plain(loader: _Loader, node: yaml.Node) -> Any:
    match node:
        case yaml.ScalarNode():
            return loader.construct_scalar(node)
        case yaml.SequenceNode():
            return loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            return loader.construct_mapping(node, deep=True)
    raise AssertionError(f"not a YAML node: {node!r}")


_Loader.add_multi_constructor("!", _construct)


def read(path: Path) -> dict[str, Any]:
    """Return the template's top level. Raises TemplateError for what is no mapping of bounded size."""
    document = _parse(path, _text(path))
    if not isinstance(document, dict):
        raise TemplateError(path, "a template is a mapping with Resources; this file is not a mapping")
    if not _bounded(document):
        raise TemplateError(path, "is too large, or one of its YAML aliases contains itself")
    return document


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TemplateError(path, f"cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_FILE_BYTES:
        raise TemplateError(path, f"has {len(raw)} bytes; CloudFormation takes {MAX_FILE_BYTES}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateError(path, "is not UTF-8 text") from error


def _parse(path: Path, text: str) -> Any:
    try:
        # JSON is YAML but for tabs between its tokens
        return json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    except json.JSONDecodeError:
        pass  # YAML's flow style starts with a brace, too
    except RecursionError as error:
        raise TemplateError(path, "is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise TemplateError(path, f"is not YAML: {_one_line(error)}") from error
    try:
        return _yaml(text)
    except RecursionError as error:
        raise TemplateError(path, "is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise TemplateError(path, f"is neither JSON nor YAML: {_one_line(error)}") from error


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader


def _one_line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem or error.context} at line {mark.line + 1}, column {mark.column + 1}"
    return " ".join(str(error).split())


def _bounded(document: object) -> bool:
    """Whether a walk through every node, aliases expanded, comes to an end."""
    left, count = [document], 0
    while left:
        count += 1
        if count + len(left) > _MAX_NODES:
            return False
        node = left.pop()
        left += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return _shallow(document)


def _shallow(document: object, limit: int = 100) -> bool:
    """Whether nothing is nested deeper than `limit`, so that recursion is safe."""
    level = [document]
    for _ in range(limit):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return True
    return False
