"""Trees by their shape, so that slow validators look at each shape once.

The pages of a large system differ in names, texts and places, of which a schema asks no more than their type
and that they are not empty; everything else, such as enumerations, patterns and limits, stays as it is.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Set
from typing import Any

from jsonschema import Draft202012Validator

_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
#: Of characters that mean nothing in quotes.
_PLAIN = re.compile(r'"[\w ./:-]+"')


def shape(tree: Any, free: Set[str], key: str = "") -> Any:
    """Return a tree in which texts below free keys are `a` and numbers above 0 are 1.

    A list below a free key is one of free texts; what is below an object there has its own keys, unless its
    key is free with `.*` too.
    """
    if isinstance(tree, dict):
        is_open = f"{key}.*" in free
        return {name: shape(one, free, key if is_open else name) for name, one in tree.items()}
    if isinstance(tree, list):
        return [shape(one, free, key) for one in tree]
    if key not in free:
        return tree
    if isinstance(tree, str) and tree:
        return "a"
    return 1 if type(tree) is int and tree > 0 else tree


def alike(query: str) -> str:
    """Return a query whose plain quoted texts are `"a"`: to a grammar they are all alike."""
    return _QUOTED.sub(lambda found: '"a"' if _PLAIN.fullmatch(found[0]) else found[0], query)


class Shaped:
    """A JSON Schema that is held against each shape once. free: keys of which it asks the type alone."""

    def __init__(self, schema: dict[str, Any], free: Set[str]) -> None:
        self._validator = Draft202012Validator(schema)
        self._free = free
        self._known: dict[str, bool] = {}

    def faults(self, tree: Any) -> list[Any]:
        """Return the errors of jsonschema; none where the tree is valid."""
        text = json.dumps(shape(tree, self._free), sort_keys=True)
        if text not in self._known:
            self._known[text] = self._validator.is_valid(json.loads(text))
        return [] if self._known[text] else list(self._validator.iter_errors(tree))


@functools.cache
def _of_text(schema: str, free: frozenset[str]) -> Shaped:
    return Shaped(json.loads(schema), free)


def shaped(schema: dict[str, Any], free: frozenset[str]) -> Shaped:
    """Return a schema to hold against many trees, the same for the same schema."""
    return _of_text(json.dumps(schema, sort_keys=True), free)
