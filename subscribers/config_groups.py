"""Which log groups a service of observe.yaml has, and which service a log group has."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from subscribers.config_problems import Path, shown
from subscribers.config_tree import at, items, mappings

_EXACT = 1 << 20


class Owner(NamedTuple):
    """The service that a log group belongs to, and the format of that group as the file has it."""

    service: str
    format: Any


def lambda_log_group(function: str) -> str:
    """Return the log group that Lambda writes to where the function names none."""
    return f"/aws/lambda/{function}"


def log_groups_of(name: str, service: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield (path, log group name) of what a service claims, its functions' groups included.

    A serverless service that names neither groups nor functions is the function of its own name.
    """
    for i, group in items(service.get("log_groups")):
        text = group if isinstance(group, str) else at(group, "name")
        if isinstance(text, str):
            yield ("services", name, "log_groups", i), text
    for i, function in items(service.get("functions")):
        if isinstance(function, str):
            yield ("services", name, "functions", i), lambda_log_group(function)
    if service.get("side") == "serverless" and not service.get("log_groups") and not service.get("functions"):
        yield ("services", name), lambda_log_group(name)


def rank(pattern: str, log_group: str) -> int:
    """Return how well a pattern fits: 0 not at all, more the longer it is, most for the exact name."""
    if pattern == log_group:
        return _EXACT
    return len(pattern) if pattern.endswith("*") and log_group.startswith(pattern[:-1]) else 0


def owner_of(tree: Mapping[str, Any], log_group: str) -> Owner | None:
    """Return who a log group belongs to by the merged tree, which may be wrong anywhere, or None."""
    best, found = 0, None
    for name, service in mappings(tree, "services"):
        for path, pattern in log_groups_of(name, service):
            if (fit := rank(pattern, log_group)) > best:
                own = at(tree, *path, "format") if "log_groups" in path[2:] else None
                best, found = fit, Owner(name, service.get("format") if own is None else own)
    return found


def unknown(kind: str, name: str, known: list[str]) -> str:
    """Return the sentence about a name that does not exist, with the nearest of those that do."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"; did you mean {shown(close[0])}?" if close else ""
    return f"there is no {kind} {shown(name)}{hint}"
