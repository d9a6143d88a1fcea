"""observe.yaml and the fragments it includes, read, checked one by one and merged into one tree.

A fragment adds names; it redefines nothing, includes nothing and sets no key that the platform's file
reserves (`policy.reserved`), so that no team can weaken what holds for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import msgspec

from subscribers.config_problems import Path, Problem, dotted, shown
from subscribers.config_schema import violations
from subscribers.config_tree import at, items, mappings, texts
from subscribers.config_yaml import MAX_BYTES, Document, Mark, read_yaml

#: What fragments may not set where the platform's policy names nothing else.
DEFAULT_RESERVED = (
    "sinks",
    "destinations",
    "controls",
    "redaction.exempt",
    "redaction.built_in",
    "alerts.defaults",
    "alerts.mute",
    "alerts.inhibit",
)
ALWAYS_RESERVED = ("include", "policy")
MAX_FRAGMENTS = 500
#: Mappings whose keys come from several files; any other key has one file that sets it.
_SHARED: frozenset[Path] = frozenset(
    {
        (),
        ("services",),
        ("endpoints",),
        ("flows",),
        ("destinations",),
        ("sinks",),
        ("links",),
        ("keys",),
        ("alerts",),
        ("alerts", "rules"),
        ("redaction",),
        ("redaction", "patterns"),
        ("dashboards",),
        ("dashboards", "alarms"),
        ("dashboards", "resources"),
    }
)
_LISTS: frozenset[Path] = frozenset(
    {
        ("templates",),
        ("archives",),
        ("alerts", "mute"),
        ("alerts", "inhibit"),
        ("dashboards", "deployments"),
        ("redaction", "keys"),
        ("redaction", "exempt"),
        ("redaction", "built_in"),
    }
)


class Merged(msgspec.Struct, frozen=True):
    """All files as one tree, with the mark of every value and every problem found so far."""

    tree: dict[str, Any]
    marks: dict[Path, Mark]
    problems: list[Problem]
    files: tuple[str, ...]


def read_files(path: FilePath) -> Merged:
    """Return the platform's file with its fragments merged into it; never raises.

    path: of observe.yaml; fragments are looked for below its folder.
    """
    merged = read_document(_read(path, str(path)), str(path))
    reserved = _reserved(merged.tree)
    files = [str(path)]
    for fragment in _fragments(path, merged):
        document = _read(fragment, str(fragment))
        files.append(str(fragment))
        merged.problems.extend(_check(document, fragment=True))
        if isinstance(document.tree, dict):
            merged.problems.extend(_policy_problems(document, reserved, at(merged.tree, "policy")))
            _merge(merged, _with_templates_from(document, fragment, path))
    return msgspec.structs.replace(merged, files=tuple(files))


def read_document(document: Document, file: str) -> Merged:
    """Return one document as a Merged of one file, checked against the schema."""
    tree = document.tree if isinstance(document.tree, dict) else {}
    return Merged(tree, dict(document.marks), _check(document, fragment=False), (file,))


def locate(marks: dict[Path, Mark], path: Path, message: str) -> Problem:
    """Return the problem at the mark of a path, or of the nearest key above it that was written."""
    known = path
    while known and known not in marks:
        known = known[:-1]
    mark = marks.get(known, Mark("", 0, 0))
    return Problem(mark.file, mark.line, mark.column, dotted(path), message)


def _check(document: Document, *, fragment: bool) -> list[Problem]:
    problems = list(document.problems)
    if document.tree is None and problems:
        return problems
    found = violations(document.tree, fragment=fragment)
    return problems + [locate(document.marks, v.path, v.message) for v in found]


def _read(path: FilePath, name: str) -> Document:
    try:
        if path.is_dir():
            return _unreadable(name, "is a folder; name the file in it")
        if not path.exists():
            return _unreadable(name, "there is no such file")
        if not path.is_file():
            return _unreadable(name, "is not a regular file")
        with path.open("rb") as file:
            return read_yaml(file.read(MAX_BYTES + 1), name)
    except OSError as error:
        return _unreadable(name, f"cannot be read: {error.strerror or error}")
    except ValueError as error:  # a NUL in the name
        return _unreadable(name, f"cannot be read: {error}")


def _unreadable(name: str, message: str) -> Document:
    return Document(None, {}, (Problem(name, 0, 0, "", message),))


def _fragments(path: FilePath, merged: Merged) -> Iterator[FilePath]:
    """Yield each included file once, in the order of the list and then of the names."""
    seen: set[FilePath] = set()
    for where, pattern in _listed(merged.tree, "include"):
        for found in _matches(path, pattern, where, merged):
            real = found.resolve()
            if real in seen:
                continue
            seen.add(real)
            if len(seen) > MAX_FRAGMENTS:
                merged.problems.append(
                    locate(merged.marks, where, f"includes more than {MAX_FRAGMENTS} files")
                )
                return
            yield found


def _matches(path: FilePath, pattern: str, where: Path, merged: Merged) -> list[FilePath]:
    """Return the files of one include; what is wrong with it becomes a problem."""
    folder = path.parent
    globbing = any(character in pattern for character in "*?[")
    try:
        found = sorted(folder.glob(pattern)) if globbing else [folder / pattern]
        kept = [
            file for file in found if not (globbing and (file.is_dir() or file.resolve() == path.resolve()))
        ]
        message = next((m for file in kept if (m := _include_problem(path, file, pattern))), "")
    except (OSError, ValueError, NotImplementedError) as error:
        kept, message = [], f"cannot be read as a path or glob: {error}"
    if not message:
        return kept
    merged.problems.append(locate(merged.marks, where, message))
    return []


def _include_problem(path: FilePath, file: FilePath, pattern: str) -> str:
    if not file.resolve().is_relative_to(path.parent.resolve()):
        return f"{shown(pattern)} leads out of the folder of {path.name}"
    if file.resolve() == path.resolve():
        return f"{shown(pattern)} is this file itself: an include that goes in a circle"
    return "" if file.exists() else f"{shown(pattern)}: there is no such file"


def _reserved(tree: dict[str, Any]) -> tuple[str, ...]:
    named = at(tree, "policy", "reserved")
    chosen = [key for key in named if isinstance(key, str)] if isinstance(named, list) else DEFAULT_RESERVED
    return (*chosen, *ALWAYS_RESERVED)


def _policy_problems(document: Document, reserved: tuple[str, ...], policy: Any) -> Iterator[Problem]:
    for key in reserved:
        path: Path = tuple(key.split("."))
        if at(document.tree, *path) is not None:
            yield locate(document.marks, path, _reserved_message(key))
    if not isinstance(policy, dict):
        return
    for path, message in (*_required(document.tree, policy), *_mutes(document.tree, policy)):
        yield locate(document.marks, path, message)


def _reserved_message(key: str) -> str:
    if key == "include":
        return "a fragment may not include files: that could go in a circle; list them in the platform's file"
    return "only the platform's file may set this (policy.reserved)"


def _required(tree: Any, policy: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for name, service in mappings(tree, "services"):
        for key in texts(policy.get("require")):
            if key not in service:
                yield ("services", name), f"{shown(key)} is missing; the platform's policy requires it"
        for label in texts(policy.get("require_labels")):
            if at(service, "labels", label) is None:
                yield (
                    ("services", name),
                    f"the label {shown(label)} is missing; the platform's policy requires it",
                )


def _mutes(tree: Any, policy: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    if policy.get("mute") is not False:
        return
    for parent in (("alerts", "rules"), ("flows",)):
        for name, rule in mappings(tree, *parent):
            if "mute" in rule:
                yield (
                    (*parent, name, "mute"),
                    "the platform's policy does not let fragments mute (policy.mute)",
                )


def _with_templates_from(document: Document, fragment: FilePath, path: FilePath) -> Document:
    """Write a fragment's template paths relative to the platform's file, as they will be read."""
    templates = at(document.tree, "templates")
    if templates is None:
        return document
    base = fragment.parent.relative_to(path.parent)
    moved = [str(base / item) for item in texts(templates)]
    return msgspec.structs.replace(document, tree={**document.tree, "templates": moved})


def _merge(merged: Merged, document: Document) -> None:
    """Add a fragment to the tree in place: names to mappings, items to lists, nothing replaced."""
    if isinstance(merged.tree.get("templates"), str):
        merged.tree["templates"] = [merged.tree["templates"]]
    tree = {k: v for k, v in document.tree.items() if k not in ("version", *ALWAYS_RESERVED)}
    _merge_at((), merged.tree, tree, merged, document.marks)
    for path, mark in document.marks.items():
        merged.marks.setdefault(path, mark)


def _merge_at(
    path: Path, into: dict[str, Any], tree: dict[str, Any], merged: Merged, marks: dict[Path, Mark]
) -> None:
    for key, value in tree.items():
        here = (*path, key)
        old = into.get(key)
        if old is None:
            into[key] = value
        elif here in _SHARED and isinstance(old, dict) and isinstance(value, dict):
            _merge_at(here, old, value, merged, marks)
        elif here in _LISTS and isinstance(old, list) and isinstance(value, list):
            _shift(here, len(old), merged, marks)
            old.extend(value)
        else:
            first = merged.marks.get(here, Mark("another file", 0, 0))
            merged.problems.append(locate(marks, here, f"is already defined at {first.file}:{first.line}"))


def _shift(path: Path, offset: int, merged: Merged, marks: dict[Path, Mark]) -> None:
    """Copy the marks of a list's items to the indices they get behind the items already there."""
    depth = len(path)
    for item, mark in marks.items():
        if len(item) > depth and item[:depth] == path and isinstance(item[depth], int):
            merged.marks[(*path, int(item[depth]) + offset, *item[depth + 1 :])] = mark


def _listed(tree: Any, key: str) -> Iterator[tuple[Path, str]]:
    value = at(tree, key)
    if isinstance(value, str):
        yield (key,), value
    yield from (((key, i), item) for i, item in items(value) if isinstance(item, str))
