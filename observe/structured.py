"""The logger of `observe.logs` on structlog's `BoundLoggerBase`: bound fields by structlog, the line by us.

`import structlog` costs 27 ms, for its __init__ loads asyncio, its development renderer and more. What is
needed of it is two files. They are executed here beside the import system, so that structlog itself is
imported by user code as if we were not there. Where anything about them is not as we know it (24.1 to 26.1
are alike), or structlog is loaded already, it is imported as usual.
"""

from __future__ import annotations

import builtins
import sys

from observe.logs import Methods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    from structlog import BoundLoggerBase

#: structlog's files that a bound logger is made of, each after those that it imports.
_FILES = ("exceptions", "_base")
#: What they import for annotations, which are never evaluated: typing alone costs 2 ms.
_ANNOTATIONS = ("typing", "typing_extensions", "structlog.typing")
_FUTURE_ANNOTATIONS = 0x1000000  # __future__.annotations.compiler_flag
#: What a bound logger must have; `__init__` takes (logger, processors, context).
_SURFACE = ("bind", "unbind", "try_unbind", "new", "__eq__")


class _Names(type(sys)):  # type: ignore[misc]
    """A module that has every name that annotations need."""

    def __getattr__(self, name: str) -> Any:
        return object


def light() -> Any:
    """Return structlog's BoundLoggerBase without importing structlog; None where that is not safe."""
    if "structlog" in sys.modules:
        return None
    spec = _found()
    if spec is None or not _is_folder(spec):
        return None
    loaded: dict[str, ModuleType] = dict.fromkeys(_ANNOTATIONS, _Names("typing"))

    def find(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        name = f"structlog.{name}" if level else name
        if name in loaded:
            return loaded[name]
        if name.partition(".")[0] == "structlog":
            raise ImportError(name)  # another layout than we know
        return builtins.__import__(name, globals, locals, fromlist or ())

    try:
        for name in _FILES:
            code = _code(spec, name)
            if not code.co_flags & _FUTURE_ANNOTATIONS:
                return None
            name = f"structlog.{name}"
            loaded[name] = module = type(sys)(name)
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": find}
            exec(code, module.__dict__)  # noqa: S102  # structlog's own bytecode
        base = loaded["structlog._base"].BoundLoggerBase
        return base if all(hasattr(base, name) for name in _SURFACE) else None
    except (ImportError, SyntaxError, OSError, AttributeError, NameError, TypeError, ValueError):
        return None


def _found() -> ModuleSpec | None:
    """Where `import structlog` would find it."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find("structlog", None) if find is not None else None
        if spec is not None:
            return spec
    return None


def _is_folder(spec: ModuleSpec) -> bool:
    """Whether it is a package of plain files in one folder."""
    plain = type(spec.loader).__name__ == "SourceFileLoader"
    return plain and len(spec.submodule_search_locations or ()) == 1


def _code(spec: ModuleSpec, name: str) -> Any:
    """The code of one file, from its bytecode where there is some."""
    (folder,) = spec.submodule_search_locations or ("",)
    loader: Any = type(spec.loader)
    return loader(f"structlog.{name}", f"{folder}/{name}.py").get_code(f"structlog.{name}")


if not TYPE_CHECKING:
    BoundLoggerBase = light()
    if BoundLoggerBase is None:
        from structlog import BoundLoggerBase


class StructuredLogger(Methods, BoundLoggerBase):
    """structlog's bound logger: bind(**fields), unbind(*names), try_unbind(*names), new(**fields)."""

    def unbind(self, *names: str) -> StructuredLogger:
        """Return a logger without these fields; structlog's own raises for one that is not bound."""
        logger: StructuredLogger = self.try_unbind(*names)
        return logger

    def new(self, **fields: Any) -> StructuredLogger:
        """Return a logger with these fields only; structlog's also empties the one it is called on."""
        return type(self)(self._logger, self._processors, fields)


#: No logger below it and no processors: what is said is written by Methods.
log = StructuredLogger(None, (), {})
