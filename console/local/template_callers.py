"""What readers of a function's Events share: what they found, and where the events come from. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from console.local.template_parts import Ignored, Route, Trigger
from console.local.template_references import references
from console.local.template_section import Section


@dataclass(slots=True)
class Callers:
    """What was found to call functions."""

    triggers: list[Trigger] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)

    def ignore(self, label: str, kind: str, why: str) -> None:
        """Note what is not played."""
        self.ignored.append(Ignored(label, kind, why))


def source_of(event: Section, name: str, kind: str, label: str, callers: Callers) -> str | None:
    """Return the logical ID of the resource that sends the events, None when it is none of the template's."""
    if event.raw(name) in (None, ""):
        raise event.error(name, "is missing")
    if (target := target_of(event, name, kind)) is None:
        callers.ignore(label, kind, f"its {name} is not in this template")
    return target


def target_of(section: Section, name: str, kind: str) -> str | None:
    """Return the logical ID of the resource of that type that a property refers to, None for no reference.

    Raises TemplateError when it refers to another type.
    """
    found = [target for target, _ in references(section.raw(name))]
    for target in found:
        if section.scope.resources.get(target) == kind:
            return target
    if found and (other := section.scope.resources.get(found[0])):
        raise section.error(name, f"{found[0]} is an {other}; an {kind} is expected")
    return None


def check_played(section: Section, names: Iterable[str]) -> None:
    """Raise TemplateError for a property that is none of these: it would change what a function gets."""
    played = frozenset(names)
    for name in section:
        if name not in played:
            raise section.error(name, "is not played by the local Lambda")
