"""What is patched in other libraries, and when: as soon as user code imports them, not before.

PATCHES is the whole list. A patch module has `install(module) -> None`, is loaded when its library
is, and runs behind `guard`: a library that cannot be patched works unpatched.
"""

from __future__ import annotations

import importlib
import sys

from observe import guard, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

#: library module -> our module that patches it. Other tracers come first: they decide what the others do.
PATCHES = {
    "ddtrace": "observe.coexistence",
    "elasticapm": "observe.coexistence",
    "newrelic.agent": "observe.coexistence",
    "opentelemetry.instrumentation.aws_lambda": "observe.coexistence",
    "aiobotocore.client": "observe.patch_botocore",
    "aiohttp": "observe.patch_aiohttp",
    "botocore.client": "observe.patch_botocore",
    "datadog.dogstatsd.base": "observe.patch_datadog",
    "httpx": "observe.patch_httpx",
    "opentelemetry.instrumentation.httpx": "observe.patch_httpx",
    "opentelemetry.sdk.trace": "observe.patch_otel_sdk",
    "opentelemetry.trace": "observe.patch_otel",
    "s3transfer.tasks": "observe.patch_s3transfer",
    "urllib.request": "observe.patch_urllib",
    "urllib3": "observe.patch_urllib3",
}

#: Those that have what is patched from modules inside: executed again, they still have it patched.
_FACES = ("aiohttp", "httpx", "urllib3")

_installed: set[str] = set()


def install() -> None:
    """Patch what is loaded already and watch for what user code will import. Idempotent."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    for name in PATCHES:
        module = sys.modules.get(name)
        if module is not None:
            _patch(name, module)
    found = settings.get()
    if found.logs == "json" or found.json_mode:
        guard.guarded(_install_logging)


def _install_logging() -> None:
    from observe import log_records

    log_records.install()


def _patch(name: str, module: ModuleType) -> None:
    if name in _installed:
        return
    _installed.add(name)
    guard.guarded(_install, name, module)


def _install(name: str, module: ModuleType) -> None:
    importlib.import_module(PATCHES[name]).install(module)


def found_after(finder: object, name: str, path: Sequence[str] | None, target: Any) -> ModuleSpec | None:
    """Return what the finders behind `finder` find; those before it have been asked."""
    finders: list[Any] = list(sys.meta_path)
    for other in finders[finders.index(finder) + 1 if finder in finders else 0 :]:
        find = getattr(other, "find_spec", None)
        spec: ModuleSpec | None = find(name, path, target) if find is not None else None
        if spec is not None:
            return spec
    return None


class _Finder:
    """Finds the libraries of PATCHES as the other finders do, and lends them our loader once."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        if name not in PATCHES or (name in _installed and name in _FACES):
            return None
        spec = found_after(self, name, path, target)
        # A loader of the old kind, which only has load_module, is the import system's to handle.
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Patching(spec.loader)  # type: ignore[assignment]
        return spec


class Loader:
    """Executes the module with its own loader, which it restores."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        if name == "_loader":  # asked for by copy and pickle before there is one
            raise AttributeError(name)
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create it as its own loader does."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Execute it."""
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)


class _Patching(Loader):
    """Patches when the module is executed: again, where it is reloaded."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        _installed.discard(module.__name__)
        _patch(module.__name__, module)
