"""The fragment inside of the template it is for: what cfn-lint says of the whole and not of that alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.decode import decode

_NAMES = re.compile(r"\$\{([A-Za-z0-9]+)\}")


def merged_problems(fragment: dict[str, Any], files: tuple[str, ...]) -> Iterator[str]:
    """Yield what the fragment brings into the first of the templates. Nested stacks' names are declared."""
    path = next((Path(file) for file in files if Path(file).is_file()), None)
    if path is None:
        return
    raw, before = _raw(path)
    if raw is None:
        return
    tree = json.loads(raw)
    # A template that has its fragment already gets it again in its place.
    both = set(tree["Resources"]) & set(fragment["Resources"])
    twice = sorted(
        one for one in both if tree["Resources"][one]["Type"] != fragment["Resources"][one]["Type"]
    )
    yield from (f"fragment.yaml in {path.name}: the template has a {one} itself" for one in twice)
    undeclared = _asked(fragment) - set(tree.get("Parameters", {})) - set(tree["Resources"])
    named = undeclared if len(files) > 1 else set()
    tree["Parameters"] = tree.get("Parameters", {}) | {one: {"Type": "String"} for one in sorted(named)}
    tree["Resources"] |= fragment["Resources"]
    for rule, message in sorted(_found(json.dumps(tree)) - before):
        # What the template itself names and does not have is its own fault.
        if any(message.split("'")[1:2] == other.split("'")[1:2] for _, other in before):
            continue
        yield f"fragment.yaml in {path.name}: cfn-lint {rule}: {message}"


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
def _raw(path: Path) -> tuple[str | None, frozenset[tuple[str, str]]]:
    """The template as JSON, None where cfn-lint cannot read it, and what is said of it alone."""
    tree, _ = decode(str(path))
    if tree is None:
        return None, frozenset()
    text = json.dumps(tree)
    return text, frozenset(_found(text))


def _found(text: str) -> set[tuple[str, str]]:
    config = ManualArgs(regions=["eu-west-1"], configure_rules={"E3002": {"strict": False}})
    found = {(match.rule.id, match.message) for match in lint(text, config=config)}
    return {one for one in found if one[0].startswith("E")}
