"""Libraries that another one imports and hardly ever needs: left out of its import, loaded when asked for.

An instrumentation that is imported at a cold start imports asyncio, importlib.metadata and packaging with
it: 20 ms for what a function may never call. While `deferring` lasts, the modules of some packages are
executed with an `__import__` of their own, which hands placeholders to them. Nobody else meets one: neither
`sys.modules` nor a parent package has any, and what another thread imports meanwhile is imported as ever.
"""

from __future__ import annotations

import builtins
import sys
from _thread import get_ident
from importlib import import_module

from observe.hooks import Loader, found_after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_Module = type(sys)


class Deferred(_Module):  # type: ignore[misc, valid-type]
    """A module, or a package with one inside, that is imported when something is asked of it."""

    def __init__(self, name: str, child: str = "") -> None:
        super().__init__(name)
        self._child = child

    def __getattr__(self, name: str) -> Any:
        if name == self._child:
            return import_module(f"{self.__name__}.{name}")
        return getattr(import_module(self.__name__), name)


def _forward(module: str, name: str) -> Callable[..., Any]:
    def forward(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(module), name)(*args, **kwargs)

    forward.__name__ = forward.__qualname__ = name
    return forward


class deferring:  # noqa: N801  # a context manager, named like a function as the standard library's are
    """Let these packages be imported without these modules: `with deferring(("pkg",), ("asyncio",)):`.

    packages: whose modules are executed so, by this thread, where they are not loaded yet.
    names: modules of which they use attributes, later on; calls: modules of which they import functions and
    call them later on; stand_ins: module -> what they get of it by name instead; where they ask for another
    name of it, they get the module. One that is loaded already is not left out.
    """

    __slots__ = ("_builtins", "_calls", "_names", "_packages", "_stand_ins", "_thread")

    def __init__(
        self,
        packages: Sequence[str],
        names: Sequence[str] = (),
        calls: Sequence[str] = (),
        stand_ins: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._packages, self._names, self._calls, self._stand_ins = packages, names, calls, stand_ins or {}
        self._thread = 0
        self._builtins: dict[str, Any] = {}

    def __enter__(self) -> None:
        self._thread = get_ident()
        self._builtins = {**vars(builtins), "__import__": self._import}
        sys.meta_path.insert(0, self)

    def __exit__(self, *error: object) -> None:
        self._thread = 0
        # Functions have the builtins of their module for good. The finder stays, too, without effect: were it
        # taken out of the list, another thread that is going through it would leave out the one behind.
        self._builtins["__import__"] = builtins.__import__

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        """Find a module of the packages as the other finders do, and lend it our loader once."""
        if get_ident() != self._thread or name.partition(".")[0] not in self._packages:
            return None
        spec = found_after(self, name, path, target)
        if spec is not None and str(spec.origin).endswith((".py", ".pyc")):
            spec.loader = _Light(spec.loader, self._builtins)  # type: ignore[assignment]
        return spec

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """`__import__` of the modules that are executed; in another thread, as ever."""
        if level == 0 and get_ident() == self._thread:
            given = self._given(name, fromlist or ())
            if given is not None:
                return given
        return builtins.__import__(name, globals, locals, fromlist or (), level)

    def _given(self, name: str, wanted: Sequence[str]) -> ModuleType | None:
        """What an import statement gets that is not the module; None where it gets that."""
        if not wanted:
            top, _, child = name.partition(".")
            return Deferred(top, child) if name in self._names and name not in sys.modules else None
        given: dict[str, Any] = {}
        for each in wanted:
            inner = f"{name}.{each}"
            if inner in self._names and inner not in sys.modules:
                given[each] = Deferred(inner)
            elif name in sys.modules:
                return None
            elif name in self._calls:
                given[each] = _forward(name, each)
            elif each in self._stand_ins.get(name, ()):
                given[each] = self._stand_ins[name][each]
            else:
                return None
        module = _Module(name)
        vars(module).update(given)
        return module


class _Light(Loader):
    """Executes a module with other builtins than everybody's."""

    def __init__(self, loader: Any, others: dict[str, Any]) -> None:
        super().__init__(loader)
        self._others = others

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self._others
        super().exec_module(module)
        module.__dict__["__builtins__"] = vars(builtins)
