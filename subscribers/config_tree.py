"""Reading a tree that may be wrong anywhere: what has another shape than expected is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def at(tree: Any, *path: str | int) -> Any:
    """Return what lies at the path, or None."""
    for key in path:
        if isinstance(tree, dict):
            tree = tree.get(key)
        elif isinstance(tree, list) and isinstance(key, int) and -len(tree) <= key < len(tree):
            tree = tree[key]
        else:
            return None
    return tree


def mappings(tree: Any, *path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, mapping) of each mapping in the mapping at the path."""
    value = at(tree, *path)
    if isinstance(value, dict):
        yield from ((name, item) for name, item in value.items() if isinstance(item, dict))


def items(value: Any) -> Iterator[tuple[int, Any]]:
    """Yield (index, item) of a list; nothing of anything else."""
    if isinstance(value, list):
        yield from enumerate(value)


def texts(value: Any) -> list[str]:
    """Return the texts of a list, or the one text that stands for a list of one."""
    if isinstance(value, str):
        return [value]
    return [item for _, item in items(value) if isinstance(item, str)]
