"""The model while it is being made: resources, edges, routes and notes, and what each item became."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dashboards.model.arns import Index
from dashboards.model.pointers import named, pattern
from dashboards.resources import Edge, How, Kind, Name, Note, NoteLevel, Place, Resource, Route
from dashboards.template.values import Deployment, Item, Templates

#: Labels of one edge that are kept, of as many as there are.
_LABELS_MAX = 4


class Draft:
    """What was found so far. Everything keeps the order in which it was found, which is the templates'."""

    def __init__(self, templates: Templates) -> None:
        self.items = templates.items
        self.deployment: Deployment = templates.deployment
        self.resources: dict[str, Resource] = {}
        self.routes: dict[str, Route] = {}
        self.notes: list[Note] = list(templates.notes)
        #: Resource -> its owner by its tags.
        self.owners: dict[str, str] = {}
        self._edges: dict[tuple[str, str, How], Edge] = {}
        self._of_item: dict[str, str] = {}
        self._index = Index()

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Every edge found so far."""
        return tuple(self._edges.values())

    def items_of(self, *types: str) -> Iterator[Item]:
        """Yield the items of some types, in order."""
        return (item for item in self.items.values() if item.type in types)

    def add(self, item: Item, resource: Resource) -> None:
        """Add the resource that an item is."""
        self.resources[resource.id] = resource
        self._of_item[item.id] = resource.id
        self._index.add(resource)

    def stands_for(self, item: Item, resource: str) -> None:
        """Have an item (an alias, a version, a URL) stand for a resource."""
        if resource:
            self._of_item[item.id] = resource

    def of_item(self, item: Item) -> str:
        """Return the ID of the resource that an item is or stands for, "" for none."""
        return self._of_item.get(item.id, "")

    def change(self, resource: str, **changes: Any) -> None:
        """Replace fields of a resource; `facts` and `limits` are added to those it has."""
        old = self.resources[resource]
        for key in ("facts", "limits"):
            if key in changes:
                changes[key] = {**getattr(old, key), **changes[key]}
        self.resources[resource] = msgspec.structs.replace(old, **changes)

    def ids(self, value: Any, *kinds: Kind) -> list[str]:
        """Return the resources that a value names, by intrinsics or by a known name or ARN, each once."""
        if isinstance(value, list):
            found = [one for part in value for one in self.ids(part, *kinds)]
        else:
            found = [self._of_item[name] for name in named(value) if name in self._of_item]
            if not found:
                found = self._index.find(pattern(value))
        return [one for one in dict.fromkeys(found) if not kinds or self.resources[one].kind in kinds]

    def id(self, value: Any, *kinds: Kind) -> str:
        """Return the first resource that a value names, "" for none."""
        return next(iter(self.ids(value, *kinds)), "")

    def by_name(self, kind: Kind, name: str) -> str:
        """Return the resource of a kind with a name, "" for none."""
        return self._index.by_name(kind, name)

    def item_named(self, value: Any, *types: str) -> Item | None:
        """Return the first item of some types that a value names."""
        found = (self.items[name] for name in named(value) if name in self.items)
        return next((item for item in found if not types or item.type in types), None)

    def edge(
        self, source: str, target: str, how: How, label: str = "", facts: dict[str, str] | None = None
    ) -> None:
        """Add an edge; one that is there gets the label, too. Nothing where an end is not known."""
        if not source or not target or source == target:
            return
        key = (source, target, how)
        old = self._edges.get(key)
        labels = [one for one in (old.label if old else "").split(", ") if one]
        if label and label not in labels and len(labels) < _LABELS_MAX:
            labels.append(label)
        told = {**(old.facts if old else {}), **(facts or {})}
        self._edges[key] = Edge(source=source, target=target, how=how, label=", ".join(labels), facts=told)

    def has_edge(self, source: str, target: str, *hows: How) -> bool:
        """Whether there is such an edge."""
        return any((source, target, how) in self._edges for how in hows)

    def route(self, route: Route) -> None:
        """Add a route, under an ID of its own where its ID is taken."""
        identifier, number = route.id, 1
        while identifier in self.routes:
            number += 1
            identifier = f"{route.id} ({number})"
        self.routes[identifier] = msgspec.structs.replace(route, id=identifier)

    def note(self, level: NoteLevel, text: str, place: Place | None = None, subject: str = "") -> None:
        """Add a note, once."""
        note = Note(level=level, text=text, place=place or Place(), subject=subject)
        if note not in self.notes:
            self.notes.append(note)

    def names_of(self, resources: Iterable[str]) -> tuple[Name, ...]:
        """Return the log groups of some resources, each once."""
        groups = {group.shown: group for one in resources for group in self.resources[one].log_groups}
        return tuple(groups.values())
