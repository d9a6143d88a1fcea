"""A template and the stacks nested in it -> items. Parameters go down, outputs come up.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from dashboards.resources import Note
from dashboards.template.intrinsics import NO_VALUE, resolve
from dashboards.template.loaded import Loaded, load, mapping
from dashboards.template.references import named
from dashboards.template.values import Deployment, Item, TemplateError

_STACK = "AWS::CloudFormation::Stack"
#: How deep stacks nest, and how many one call reads.
_MOST_LEVELS, _MOST_STACKS = 8, 200


class Gathered(msgspec.Struct, kw_only=True):
    """What all templates of one call have. exports: name -> value."""

    deployment: Deployment
    items: dict[str, Item] = {}
    notes: list[Note] = []
    files: list[str] = []
    exports: dict[str, Any] = {}
    stacks: int = 0


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """Where a template is in the tree of stacks. prefix: of its IDs; open: files around it, and itself."""

    prefix: str = ""
    stack: tuple[str, ...] = ()
    open: tuple[Path, ...] = ()


def gather(
    loaded: Loaded, level: Level, into: Gathered, clashing: frozenset[str] | None = None
) -> dict[str, Any]:
    """Add a template's items, nested ones too, and return its outputs by name.

    clashing: names that level.prefix is put before; None for all of them.
    """
    scope = loaded.scope
    scope.ids = {
        name: level.prefix + name if clashing is None or name in clashing else name
        for name in (*loaded.declared, *loaded.resources)
    }
    into.files.extend(file for file in loaded.files if file not in into.files)
    for name in _in_order(loaded):
        scope.nested[name] = _nested(name, loaded, level, into)
    for name, resource in loaded.resources.items():
        item = _item(name, resource, loaded, level)
        if item is not None:
            into.items[item.id] = item
    outputs = _outputs(loaded, into)
    into.notes.extend((scope.notes or {}).values())
    return outputs


def _in_order(loaded: Loaded) -> list[str]:
    """Return the nested stacks, those first whose outputs others take."""
    stacks = {
        name: {one for one in named(mapping(resource.get("Properties")).get("Parameters")) if one != name}
        for name, resource in loaded.resources.items()
        if resource.get("Type") == _STACK
    }
    done: list[str] = []
    while len(done) < len(stacks):
        left = [name for name in stacks if name not in done]
        free = [name for name in left if not stacks[name] & set(left)]
        done.append((free or left)[0])
    return done


def _nested(name: str, loaded: Loaded, level: Level, into: Gathered) -> dict[str, Any]:
    scope = loaded.scope
    scope.place, scope.subject = loaded.place(name), scope.ids[name]
    properties = mapping(resolve(mapping(loaded.resources[name].get("Properties")), scope))
    path = _local(properties.get("TemplateURL"), loaded)
    if path is None:
        scope.tell("info", f"The nested stack {name} is not a local file; what is in it is not known here.")
        return {}
    if _real(path) in level.open:
        scope.tell(
            "warning", f"The nested stack {name} is {path}, which is around it: a circle. It is not read."
        )
        return {}
    if len(level.stack) >= _MOST_LEVELS or into.stacks >= _MOST_STACKS:
        scope.tell(
            "warning", f"The nested stack {name} is not read: there are too many of them, or too deep ones."
        )
        return {}
    into.stacks += 1
    try:
        inner = load(path, mapping(properties.get("Parameters")), into.deployment, "")
    except TemplateError as error:
        scope.tell("error", f"The nested stack {name} cannot be read. {error}")
        return {}
    below = Level(prefix=f"{scope.ids[name]}/", stack=(*level.stack, name), open=(*level.open, _real(path)))
    return gather(inner, below, into)


def _real(path: Path) -> Path:
    """The file that a path leads to; unlike Path.resolve it does not raise for links in a circle."""
    return Path(os.path.realpath(path))


def _local(url: Any, loaded: Loaded) -> Path | None:
    """Return the path of a nested template, None where it is elsewhere."""
    if not isinstance(url, str) or not url or "://" in url or "\0" in url or "{{resolve:" in url:
        return None
    return Path(loaded.source.file).parent / url


def _item(name: str, resource: dict[str, Any], loaded: Loaded, level: Level) -> Item | None:
    scope, condition = loaded.scope, str(resource.get("Condition", ""))
    scope.place, scope.subject = loaded.place(name), scope.ids[name]
    if scope.conditions.get(condition) is False:
        return None
    if condition and condition not in scope.conditions:
        scope.tell("warning", f"{name} has the condition {condition!r}, which the template does not have.")
    properties = resolve(mapping(resource.get("Properties")), scope)
    return Item(
        id=scope.ids[name],
        logical_id=name,
        type=str(resource.get("Type", "")),
        # A whole that is one intrinsic, such as Fn::Transform, or {"Fn::If": ...} without a value.
        properties=properties if isinstance(properties, dict) and properties != NO_VALUE else {},
        metadata=mapping(resolve(mapping(resource.get("Metadata")), scope)),
        condition=condition if scope.conditions.get(condition) is None else "",
        declared=condition if condition in scope.conditions else "",
        stack=level.stack,
        source_id=loaded.origins.get(name, name),
        place=loaded.place(name),
        depends_on=_depends(resource.get("DependsOn"), scope.ids),
    )


def _depends(on: Any, ids: dict[str, str]) -> tuple[str, ...]:
    names = on if isinstance(on, list) else [on]
    return tuple(ids.get(name, name) for name in names if isinstance(name, str))


def _outputs(loaded: Loaded, into: Gathered) -> dict[str, Any]:
    outputs, scope = {}, loaded.scope
    for name, output in mapping(loaded.tree.get("Outputs")).items():
        if not isinstance(output, dict) or scope.conditions.get(str(output.get("Condition", ""))) is False:
            continue
        scope.place, scope.subject = loaded.source.place("Outputs", name), ""
        value = resolve(output.get("Value"), scope)
        outputs[name] = value
        export = resolve(mapping(output.get("Export")).get("Name"), scope)
        if export is not None:
            into.exports[key_of(export)] = value
    return outputs


def key_of(name: Any) -> str:
    """Return an export's name as one text, known or not: two that are written alike are the same."""
    return name if isinstance(name, str) else msgspec.json.encode(name, order="sorted").decode()
