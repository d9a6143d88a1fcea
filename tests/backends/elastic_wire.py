"""What stands in requests to a strict Elasticsearch or OpenSearch, and how answers are filtered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.backends.elastic_index import Refused

_ACTIONS = ("create", "delete", "index", "update")
_PARAMETERS = frozenset(("_index", "_id", "routing", "require_alias", "pipeline", "dynamic_templates"))


def operations(body: bytes) -> Iterator[tuple[str, str, str, bytes | None]]:
    """Yield (action, index, ID, document) of each operation. Raises Refused for a malformed request."""
    lines = body.split(b"\n")
    at = 0
    while at < len(lines) - 1:
        number, line = at + 1, lines[at]
        at += 1
        if not line:
            continue
        head = f"Malformed action/metadata line [{number}], expected"
        try:
            tree = json.loads(line)
        except ValueError as error:
            raise Refused(400, "x_content_parse_exception", f"[{number}:1] {error}") from None
        if not isinstance(tree, dict):
            raise Refused(400, "illegal_argument_exception", f"{head} START_OBJECT but found [VALUE_STRING]")
        op, given = next(iter(tree.items()), ("", None))
        if op not in _ACTIONS:
            raise Refused(
                400,
                "illegal_argument_exception",
                f"{head} one of [create, delete, index, update] but found [{op}]",
            )
        if not isinstance(given, dict) or len(tree) > 1:
            raise Refused(400, "illegal_argument_exception", f"{head} END_OBJECT")
        if unknown := set(given) - _PARAMETERS:
            reason = f"Action/metadata line [{number}] contains an unknown parameter [{unknown.pop()}]"
            raise Refused(400, "illegal_argument_exception", reason)
        id = given.get("_id", "")
        if len(id.encode()) > 512:
            reason = f"Validation Failed: 1: id [{id}] is too long, must be no longer than 512 bytes;"
            raise Refused(400, "action_request_validation_exception", reason)
        if op == "update" or not id:
            raise NotImplementedError("nothing here updates, and each document has an ID")
        if op != "delete" and at >= len(lines) - 1:
            raise Refused(
                400, "action_request_validation_exception", "Validation Failed: 1: source is missing;"
            )
        yield op, given.get("_index", ""), id, None if op == "delete" else lines[at]
        at += op != "delete"


def tree_of(body: bytes) -> dict[str, Any]:
    """Return a body that is an object. Raises Refused."""
    try:
        tree = json.loads(body)
    except ValueError as error:
        raise Refused(400, "x_content_parse_exception", str(error)) from None
    if not isinstance(tree, dict):
        raise Refused(400, "x_content_parse_exception", "[1:1] expected an object")
    return tree


def filtered(tree: dict[str, Any], filter_path: str) -> dict[str, Any]:
    """Return what filter_path leaves: lists are looked through, and what becomes empty is left out."""
    if not filter_path:
        return tree
    kept: dict[str, Any] = _kept(tree, [path.split(".") for path in filter_path.split(",")])
    return kept


def _kept(tree: Any, paths: list[list[str]]) -> Any:
    if any(not path for path in paths):
        return tree
    if isinstance(tree, list):
        return [kept for one in tree if (kept := _kept(one, paths)) not in ({}, [])]
    if not isinstance(tree, dict):
        return {}
    found = {}
    for name, value in tree.items():
        inner = [path[1:] for path in paths if path[0] in (name, "*")]
        if inner and (kept := _kept(value, inner)) not in ({}, []):
            found[name] = kept
    return found
