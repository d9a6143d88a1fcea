"""Templates in files -> Templates: the one entry to this package.

    TemplateError (values): a template cannot be read at all; `path:line: sentence`

What is not understood within a template is a note, and the rest is read. Nothing is asked of AWS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from dashboards.resources import Note
from dashboards.template.intrinsics import is_intrinsic, resolve
from dashboards.template.loaded import Loaded, load
from dashboards.template.nested import Gathered, Level, gather, key_of
from dashboards.template.parameters import parameter_notes
from dashboards.template.scope import Scope
from dashboards.template.source import MOST_DEPTH
from dashboards.template.values import Deployment, Item, TemplateError, Templates

#: Exports that are imports of exports: followed that far.
_MOST_IMPORTS = 5


def read_templates(paths: Sequence[Path], deployment: Deployment | None = None) -> Templates:
    """Read SAM and CloudFormation templates that are deployed together. Raises TemplateError.

    paths: files in YAML or JSON. Resources that several of them call the same are `<file>/<logical ID>`.
    """
    known = deployment or Deployment()
    if not paths:
        raise TemplateError("No template was given.")
    every = [load(Path(path), known.parameters, known, known.stack) for path in dict.fromkeys(paths)]
    into = Gathered(deployment=known)
    into.notes.extend(parameter_notes(every, known.parameters))
    clashing = _clashing(every)
    for loaded, stem in zip(every, _stems(every), strict=True):
        path = Path(loaded.source.file)
        gather(loaded, Level(prefix=f"{stem}/", open=(path.resolve(),)), into, clashing)
    _import(into)
    return Templates(
        items=into.items,
        notes=tuple(dict.fromkeys(into.notes)),
        files=tuple(into.files),
        description=_description(every),
        deployment=known,
    )


def _clashing(every: list[Loaded]) -> frozenset[str]:
    """Return the names that more than one template has, and of which one at least is a resource."""
    counts = Counter(name for loaded in every for name in {*loaded.resources, *loaded.declared})
    resources = {name for loaded in every for name in loaded.resources}
    return frozenset(name for name in resources if counts[name] > 1)


def _stems(every: list[Loaded]) -> list[str]:
    """Return what tells the files apart, as short as it may be."""
    paths = [Path(loaded.source.file) for loaded in every]
    stems = [path.stem for path in paths]
    if len(set(stems)) < len(stems):
        stems = [f"{path.absolute().parent.name}-{path.stem}" for path in paths]
    if len(set(stems)) < len(stems):
        stems = [f"{stem}-{number}" for number, stem in enumerate(stems, 1)]
    return stems


def _description(every: list[Loaded]) -> str:
    found = (loaded.source.tree.get("Description") for loaded in every)
    return next((text for text in found if isinstance(text, str)), "")


def _import(into: Gathered) -> None:
    """Put exported values where other templates import them."""
    missing: dict[str, Item] = {}
    for item in into.items.values():
        properties, unknown = _imported(item.properties, into.exports, 0)
        for name in unknown:
            missing.setdefault(name, item)
        if properties is not item.properties:
            done = resolve(properties, Scope())
            into.items[item.id] = msgspec.structs.replace(item, properties=done)
    for name, item in missing.items():
        text = f"{name} is imported from a stack whose template was not given."
        into.notes.append(Note(level="info", text=text, place=item.place, subject=item.id))


def _imported(node: Any, exports: dict[str, Any], depth: int) -> tuple[Any, list[str]]:
    """Return a tree with its imports, the very same where it has none, and the names that nobody exports."""
    if isinstance(node, dict) and is_intrinsic(node) and "Fn::ImportValue" in node:
        return _exported(node, exports, depth)
    if isinstance(node, dict):
        done = {key: _imported(value, exports, depth) for key, value in node.items()}
        unknown = [name for _, names in done.values() for name in names]
        changed = any(done[key][0] is not value for key, value in node.items())
        return ({key: value for key, (value, _) in done.items()} if changed else node), unknown
    if isinstance(node, list):
        every = [_imported(value, exports, depth) for value in node]
        unknown = [name for _, names in every for name in names]
        changed = any(new is not old for (new, _), old in zip(every, node, strict=True))
        return ([value for value, _ in every] if changed else node), unknown
    return node, []


def _exported(node: dict[str, Any], exports: dict[str, Any], depth: int) -> tuple[Any, list[str]]:
    name = key_of(node["Fn::ImportValue"])
    if name not in exports:
        return node, [name]
    if depth >= _MOST_IMPORTS or _is_deep(exports[name], 0):
        return node, []
    return _imported(exports[name], exports, depth + 1)


def _is_deep(node: Any, depth: int) -> bool:
    if depth > MOST_DEPTH // 4:
        return True
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return any(_is_deep(value, depth + 1) for value in values)
