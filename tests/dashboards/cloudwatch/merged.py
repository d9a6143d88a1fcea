"""The fragment inside of the template it is for: what cfn-lint says of the whole and not of that alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import decode

from dashboards.resources import System
from tests.dashboards.cloudwatch.linting import linted

_NAMES = re.compile(r"\$\{([A-Za-z0-9]+)\}")
#: A fragment with more resources than a template may have is for no template: a few of each type are merged.
RESOURCES_MAX, OF_A_TYPE = 400, 20


def merged_problems(fragment: dict[str, Any], system: System) -> Iterator[str]:
    """Yield what the fragment brings into the first of the templates. Nested stacks' names are declared."""
    path = next((Path(file) for file in system.files if Path(file).is_file()), None)
    text = _raw(path) if path else None
    if path is None or text is None:
        return
    tree = json.loads(text)
    known = {one.logical_id for one in system.resources.values()}
    if known and not known & set(tree["Resources"]):
        return  # a file that happens to have the name
    resources = fragment["Resources"]
    # A template that has its fragment already gets it again in its place.
    both = set(tree["Resources"]) & set(resources)
    twice = sorted(one for one in both if tree["Resources"][one]["Type"] != resources[one]["Type"])
    yield from (f"fragment.yaml in {path.name}: the template has a {one} itself" for one in twice)
    undeclared = _asked(fragment) - set(tree.get("Parameters", {})) - set(tree["Resources"])
    named = undeclared if len(system.files) > 1 else set()
    tree["Parameters"] = tree.get("Parameters", {}) | {one: {"Type": "String"} for one in sorted(named)}
    tree["Resources"] |= _some(resources)
    found = _found(json.dumps(tree))
    before = _found(text) if found else frozenset()
    own = {_named(message) for _, message in before} - {""}
    for rule, message in sorted(found - before):
        # What the template itself names and does not have is its own fault.
        if _named(message) in own:
            continue
        yield f"fragment.yaml in {path.name}: cfn-lint {rule}: {message}"


def _named(message: str) -> str:
    """What a message puts between apostrophes first, "" where it does not."""
    return (message.split("'")[1:2] or [""])[0]


def _some(resources: dict[str, Any]) -> dict[str, Any]:
    """All of a fragment, or the first of each type of one that is too large, waiting for nothing else."""
    if len(resources) <= RESOURCES_MAX:
        return resources
    count: Counter[str] = Counter()
    some: dict[str, Any] = {}
    for id, one in resources.items():
        count[one["Type"]] += 1
        if count[one["Type"]] <= OF_A_TYPE:
            some[id] = {key: value for key, value in one.items() if key != "DependsOn"}
    return some


def _asked(tree: Any) -> set[str]:
    match tree:
        case {"Ref": str(name)}:
            return {name}
        case {"Fn::Sub": [str(text), dict(mapping)]}:
            return (set(_NAMES.findall(text)) - set(mapping)) | _asked(list(mapping.values()))
        case {"Fn::Sub": str(text)}:
            return set(_NAMES.findall(text))
        case dict():
            return set().union(*map(_asked, tree.values()))
        case list():
            return set().union(*map(_asked, tree)) if tree else set()
        case _:
            return set()


@cache
def _raw(path: Path) -> str | None:
    """The template as JSON, None where cfn-lint cannot read it."""
    tree, _ = decode(str(path))
    return None if tree is None else json.dumps(tree)


@cache
def _found(text: str) -> frozenset[tuple[str, str]]:
    """What is wrong with a template: rules and messages."""
    return frozenset(
        (match.rule.id, match.message) for match in linted(text) if match.rule.id.startswith("E")
    )
