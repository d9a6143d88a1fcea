"""Fn::ForEach of AWS::LanguageExtensions -> what it stands for, before anything else is read.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-foreach.html
"""

from __future__ import annotations

from typing import Any

from dashboards.resources import Note
from dashboards.template.intrinsics import resolve
from dashboards.template.scope import Scope
from dashboards.template.source import Source
from dashboards.template.substitution import shown

_LOOP = "Fn::ForEach::"
#: Nodes that loops of one template may make; CloudFormation's own limit is 1 MB and 500 resources.
_MOST_NODES = 500_000
_SECTIONS = ("Resources", "Conditions", "Outputs")


class Expanded:
    """A template's tree without loops. made_by: a section's ID -> the loop (its key) that made it."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self.notes: list[Note] = []
        self.made_by: dict[str, str] = {}
        self._source = source
        self._scope = scope
        self._made = 0
        self._path: tuple[str, ...] = ()
        self.tree = {key: self._section(key, value) for key, value in source.tree.items()}

    def _section(self, section: str, node: Any) -> Any:
        if section not in _SECTIONS or not isinstance(node, dict):
            return node
        done: dict[str, Any] = {}
        for key, value in node.items():
            self._path = (section, key)
            made = self._entry(key, value, {})
            if key.startswith(_LOOP) and section == "Resources":
                self.made_by.update({name: key for name in made})  # noqa: C420  # mypy wants texts
            done.update(made)
        return done

    def _entry(self, key: str, value: Any, names: dict[str, str]) -> dict[str, Any]:
        if not key.startswith(_LOOP):
            return {_named(key, names): self._copy(value, names)}
        return self._loop(key, value, names)

    def _loop(self, key: str, value: Any, names: dict[str, str]) -> dict[str, Any]:
        if not isinstance(value, list) or len(value) != 3 or not isinstance(value[0], str):
            self._tell("warning", f"{key} is no loop: it wants a name, a list and what is repeated.")
            return {}
        name, over, body = value
        values = self._values(over, names)
        if values is None or not isinstance(body, dict):
            self._tell("warning", f"{key} repeats over a list that is not known before it is deployed.")
            return {}
        done: dict[str, Any] = {}
        for one in values:
            inner = {**names, name: one}
            for inner_key, inner_value in body.items():
                done.update(self._entry(inner_key, inner_value, inner))
            if self._made > _MOST_NODES:
                self._tell("error", f"{key} makes more than {_MOST_NODES:,} entries; the rest is left out.")
                break
        return done

    def _values(self, over: Any, names: dict[str, str]) -> list[str] | None:
        known = resolve(self._copy(over, names), self._scope)
        if not isinstance(known, list) or not all(isinstance(one, str | int | float) for one in known):
            return None
        return [shown(one) for one in known]

    def _copy(self, node: Any, names: dict[str, str]) -> Any:
        """Return a tree with the names of loops put in and the loops in it written out."""
        if self._made > _MOST_NODES:
            return None
        self._made += bool(names)
        if isinstance(node, list):
            return [self._copy(value, names) for value in node]
        if not isinstance(node, dict):
            return _named(node, names) if isinstance(node, str) else node
        if len(node) == 1 and isinstance(node.get("Ref"), str) and node["Ref"] in names:
            return names[node["Ref"]]
        done: dict[str, Any] = {}
        for key, value in node.items():
            done.update(self._entry(key, value, names))
        return done

    def _tell(self, level: Any, text: str) -> None:
        note = Note(level=level, text=text, place=self._source.place(*self._path))
        if note not in self.notes:
            self.notes.append(note)


def _named(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value).replace(f"&{{{name}}}", _only_letters(value))
    return text


def _only_letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum())
