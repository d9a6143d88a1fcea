"""Libraries that another one imports and hardly ever needs: left out of its import, loaded when asked for.

An instrumentation that is imported at a cold start imports asyncio, importlib.metadata and packaging with
it: 20 ms for what a function may never call. While `deferring` lasts they are placeholders to whoever
imports them; whoever imports them after it gets the real ones.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_Module = type(sys)


class Deferred(_Module):  # type: ignore[misc, valid-type]
    """A module that is imported when something is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # the import system asks for it, to look for modules inside
            raise AttributeError(name)
        return getattr(_real(self.__name__), name)


class Forwarding(_Module):  # type: ignore[misc, valid-type]
    """The same for `from MODULE import FUNCTION`: the function imports when it is called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system asks for __path__
            raise AttributeError(name)
        return _forward(self.__name__, name)


def _forward(module: str, name: str) -> Callable[..., Any]:
    def forward(*args: Any, **kwargs: Any) -> Any:
        return getattr(_real(module), name)(*args, **kwargs)

    forward.__name__ = forward.__qualname__ = name
    return forward


def _real(name: str) -> Any:
    """The module itself, put in its placeholder's place."""
    if isinstance(sys.modules.get(name), Deferred | Forwarding):
        del sys.modules[name]
    return import_module(name)


class deferring:  # noqa: N801  # a context manager, named like a function as the standard library's are
    """Leave these modules out of the imports inside: `with deferring("asyncio", calls=("pkg.checks",)):`.

    names: modules of which attributes are used, later on; calls: modules of which functions are imported by
    name and called later on; stand_ins: what other modules have by name as long as this lasts. One that is
    loaded already stays as it is.
    """

    __slots__ = ("_calls", "_names", "_placed", "_stand_ins")

    def __init__(
        self,
        *names: str,
        calls: tuple[str, ...] = (),
        stand_ins: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._names, self._calls, self._stand_ins = names, calls, stand_ins or {}
        self._placed: list[tuple[str, Any]] = []

    def __enter__(self) -> None:
        for name in (*self._names, *self._calls, *self._stand_ins):
            if name not in sys.modules:
                kind: Any = Forwarding if name in self._calls else Deferred
                placeholder = kind(name)
                vars(placeholder).update(self._stand_ins.get(name, {}))
                sys.modules[name] = placeholder
                self._placed.append((name, placeholder))
                parent, _, child = name.rpartition(".")
                # `import a.b` binds a only: b is found as its attribute, also when this is over.
                if parent in sys.modules and child not in vars(sys.modules[parent]):
                    setattr(sys.modules[parent], child, placeholder)

    def __exit__(self, *error: object) -> None:
        for name, placeholder in self._placed:
            for given in self._stand_ins.get(name, ()):
                vars(placeholder).pop(given, None)
            if sys.modules.get(name) is placeholder:
                del sys.modules[name]
