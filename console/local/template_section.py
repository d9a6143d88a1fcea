"""A mapping of the template, read by name and type; every complaint names its place. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.local.template_references import function_of
from console.local.template_source import TemplateError
from console.local.template_values import (
    NO_VALUE,
    PendingError,
    Place,
    Scope,
    Value,
    evaluate,
    kind_of,
    text_of,
    value_of,
)


class Section:
    """A mapping at a place. Each reader raises TemplateError; what is absent gives the default."""

    def __init__(self, node: Any, scope: Scope, place: Place) -> None:
        self.scope = scope
        self.place = place
        node = self._now(node, place) if function_of(node) else node
        if node is None or node is NO_VALUE:
            node = {}
        if not isinstance(node, dict):
            raise place.error(f"a mapping is expected, not {kind_of(node)}")
        self._node: dict[str, Any] = {str(name): child for name, child in node.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._node

    def __iter__(self) -> Iterator[str]:
        return iter(self._node)

    def error(self, name: str, text: str) -> TemplateError:
        """Return an error about a property."""
        return self.place.inside(name).error(text)

    def raw(self, name: str) -> Any:
        """Return the node as it is written."""
        return self._node.get(name)

    def section(self, name: str) -> Section:
        """Return a mapping inside, an empty one if it is absent."""
        return Section(self._node.get(name), self.scope, self.place.inside(name))

    def value(self, name: str) -> Value | None:
        """Return a text that may depend on the deployment."""
        if name not in self._node:
            return None
        return value_of(self._node[name], self.scope, self.place.inside(name))

    def data(self, name: str) -> Any:
        """Return whatever it is, functions evaluated; None if absent. It may not depend on resources."""
        if name not in self._node:
            return None
        found = self._now(self._node[name], self.place.inside(name))
        return None if found is NO_VALUE else found

    def text(self, name: str) -> str | None:
        """Return a text."""
        found = self.data(name)
        return None if found is None else text_of(found, self.place.inside(name))

    def required(self, name: str) -> str:
        """Return a text that must be there, and not be empty."""
        found = self.text(name)
        if not found:
            raise self.error(name, "is missing")
        return found

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """Return a number within its limits."""
        text = self.text(name)
        try:
            number = default if text is None else float(text)
        except ValueError:
            raise self.error(name, f"a number is expected, not {text!r}") from None
        if not least <= number <= most:
            raise self.error(name, f"{text} is not between {least:g} and {most:g}")
        return number

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number within its limits."""
        number = self.number(name, default, least, most)
        if number != int(number):
            raise self.error(name, f"a whole number is expected, not {number:g}")
        return int(number)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return true or false, which may be written as text."""
        text = self.text(name)
        if text is None:
            return default
        if text.lower() not in ("true", "false"):
            raise self.error(name, f"true or false is expected, not {text!r}")
        return text.lower() == "true"

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; a single one counts as a list."""
        found = self.data(name)
        items = found if isinstance(found, list) else [] if found is None else [found]
        return tuple(text_of(item, self.place.inside(name)) for item in items)

    def _now(self, node: Any, place: Place) -> Any:
        try:
            return evaluate(node, self.scope, place)
        except PendingError as pending:
            raise place.error(
                f"depends on {pending}, which only a deployment knows; the local Lambda needs it before"
            ) from None
