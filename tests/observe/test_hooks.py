"""The import hook: libraries are found as ever, whatever finds and loads them."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from typing import Any

import pytest

from observe import guard, hooks

NAME = "library_of_a_test"


@pytest.fixture
def patches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A library that is to be patched, by a module that there is not."""
    monkeypatch.setitem(hooks.PATCHES, NAME, "observe.patch_that_is_not_there")
    monkeypatch.setattr(
        sys, "meta_path", [finder for finder in sys.meta_path if type(finder) is not hooks._Finder]
    )
    yield
    sys.modules.pop(NAME, None)
    hooks._installed.discard(NAME)


class _Modern:
    """A loader as importlib asks for."""

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual module."""

    def exec_module(self, module: types.ModuleType) -> None:
        module.loaded = True  # type: ignore[attr-defined]


class _Legacy:
    """A loader of the old kind, which importlib still takes."""

    def load_module(self, name: str) -> types.ModuleType:
        module = sys.modules[name] = types.ModuleType(name)
        module.loaded = True  # type: ignore[attr-defined]
        return module


class _Broken(_Modern):
    """A module that raises while it is loaded, the first time."""

    tries = 0

    def exec_module(self, module: types.ModuleType) -> None:
        self.tries += 1
        if self.tries == 1:
            raise LookupError("theirs")
        super().exec_module(module)


class _Finder:
    """Finds the library of these tests."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self.loader) if name == NAME else None


@pytest.mark.filterwarnings("ignore::ImportWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(("loader", "patched"), [(_Modern(), 1), (_Legacy(), 0)], ids=["modern", "legacy"])
def test_a_library_is_loaded_by_its_own_loader(patches: None, lines: Any, loader: Any, patched: int) -> None:
    """One that we cannot follow is loaded without us."""
    sys.meta_path.insert(0, _Finder(loader))
    hooks.install()
    module = importlib.import_module(NAME)
    assert module.loaded
    assert module.__spec__ is None or module.__spec__.loader is loader
    assert guard.faults.get("observe.hooks._install", 0) == patched  # there is no such patch, which is said


def test_an_import_that_fails_may_be_tried_again(patches: None, lines: Any) -> None:
    """The library's exception is the caller's; the second time it is patched."""
    sys.meta_path.insert(0, _Finder(_Broken()))
    hooks.install()
    with pytest.raises(LookupError, match="theirs"):
        importlib.import_module(NAME)
    assert importlib.import_module(NAME).loaded
    assert guard.faults == {"observe.hooks._install": 1}


def test_installing_twice_is_installing_once() -> None:
    """One finder, however often a handler is decorated."""
    hooks.install()
    hooks.install()
    assert sum(isinstance(finder, hooks._Finder) for finder in sys.meta_path) == 1


@pytest.mark.parametrize(
    "again", [importlib.reload, lambda module: _anew(module.__name__)], ids=["reload", "anew"]
)
def test_a_library_that_is_executed_again_is_patched_again(patches: None, lines: Any, again: Any) -> None:
    """Reloaded, or taken out of sys.modules and imported once more: its classes are new ones."""
    loader = _Modern()
    sys.meta_path.insert(0, _Finder(loader))
    hooks.install()
    module = again(importlib.import_module(NAME))
    assert module.__spec__.loader is loader
    assert guard.faults == {"observe.hooks._install": 2}


def _anew(name: str) -> types.ModuleType:
    del sys.modules[name]
    return importlib.import_module(name)


def test_a_reload_of_a_client_keeps_one_patch_of_it() -> None:
    """urllib.request is patched again; httpx, which re-exports what is patched, still is, and once."""
    script = """
        import importlib, observe
        observe.instrument(lambda event, context: None)({}, None)
        import httpx, urllib.request
        for module, method in ((httpx, lambda: httpx.HTTPTransport.handle_request),
                (urllib.request, lambda: urllib.request.AbstractHTTPHandler.do_open)):
            before = method()
            importlib.reload(module)
            print("told", method().__module__, method() is before)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = [line for line in ran.stdout.splitlines() if line.startswith("told")]
    assert told == ["told observe.patch_httpx True", "told observe.patch_urllib False"], ran.stderr
