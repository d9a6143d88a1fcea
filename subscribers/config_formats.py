"""`format` of observe.yaml: what a service, or one of its log groups, says about how its lines are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from subscribers.config_problems import Path
from subscribers.config_schema import fits
from subscribers.config_tree import at, items, mappings
from subscribers.formats import FORMATS
from subscribers.formats.custom import mistake

Finding = tuple[Path, str]

#: Every name that `format` may have; observe-v1.schema.json lists the same.
NAMES = ("auto", "lambda", "text", *FORMATS)


def findings(tree: dict[str, Any]) -> Iterator[Finding]:
    """Yield every mistake in formats of a team's own, as (path, message); the tree may be wrong anywhere."""
    for path, format in _formats(tree):
        # What the schema objects to is said already, and cannot be compiled.
        if isinstance(format, dict) and fits(format, "format") and (found := mistake(format)):
            key, said = found
            yield ((*path, key) if key else path), said


def _formats(tree: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    for name, service in mappings(tree, "services"):
        yield ("services", name, "format"), service.get("format")
        for i, group in items(service.get("log_groups")):
            yield ("services", name, "log_groups", i, "format"), at(group, "format")
