"""Modules left out of an import: by the thread that leaves them out, and by nobody else."""

from __future__ import annotations

import builtins
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from observe.deferred import Deferred, deferring

#: A package that imports heavy ones in every way there is, and calls the test in the middle of it.
_FILES = {
    "light_of_a_test/__init__.py": """
        import heavy_of_a_test
        import heavy_of_a_test.inner
        from heavy_of_a_test import inner
        from called_of_a_test import twice
        from shallow_of_a_test import name
        import hold_of_a_test
        from light_of_a_test import part
        def later():
            import shallow_of_a_test
            return shallow_of_a_test.name
    """,
    "light_of_a_test/part.py": "from shallow_of_a_test import name, other\n",
    "heavy_of_a_test/__init__.py": "value = 'heavy'\n",
    "heavy_of_a_test/inner.py": "value = 'inner'\n",
    "called_of_a_test.py": "def twice(n): return 2 * n\n",
    "shallow_of_a_test.py": "name, other = 'real', 'other'\n",
    "hold_of_a_test.py": "import builtins\nbuiltins.hold_of_a_test()\n",
}
_DEFERRED = ("heavy_of_a_test", "heavy_of_a_test.inner")


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], None]], Any]]:
    """Import the package light, calling back in the middle of it."""
    for name, text in _FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\n".join(line.removeprefix(" " * 8) for line in text.splitlines()))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))

    def light(hold: Callable[[], None]) -> Any:
        monkeypatch.setattr(builtins, "hold_of_a_test", hold, raising=False)
        stand_ins = {"shallow_of_a_test": {"name": "stand-in"}}
        with deferring(("light_of_a_test",), _DEFERRED, ("called_of_a_test",), stand_ins):
            return importlib.import_module("light_of_a_test")

    yield light
    for name in [name for name in sys.modules if "_of_a_test" in name]:
        del sys.modules[name]


def _loaded() -> set[str]:
    return {name for name in sys.modules if "_of_a_test" in name} - {"hold_of_a_test", "light_of_a_test"}


def test_what_is_deferred_is_loaded_when_it_is_used(held: Any) -> None:
    """Each form of import; another name of a module that has a stand-in asks for the module itself."""
    seen: list[set[str]] = []
    light = held(lambda: seen.append(_loaded()))
    assert seen == [set()]
    assert light.name == "stand-in"
    assert light.part.name == "real"
    assert _loaded() == {"light_of_a_test.part", "shallow_of_a_test"}
    assert light.twice(4) == 8
    assert light.inner.value == "inner"
    assert (light.heavy_of_a_test.value, light.heavy_of_a_test.inner.value) == ("heavy", "inner")
    with pytest.raises(AttributeError, match="no attribute 'none'"):
        _ = light.heavy_of_a_test.none
    assert light.later() == "real"


def test_another_thread_imports_as_ever_meanwhile(held: Any) -> None:
    """While the import is held open: whole modules, packages with what is inside, and no stand-in."""
    found: dict[str, Any] = {}

    def imports() -> None:
        for statement in (
            "import heavy_of_a_test.inner",
            "from heavy_of_a_test import inner, value",
            "from called_of_a_test import *",
            "from shallow_of_a_test import name",
        ):
            exec(statement, found)

    def hold() -> None:
        thread = threading.Thread(target=imports)
        thread.start()
        thread.join()

    light = held(hold)
    assert found["heavy_of_a_test"] is sys.modules["heavy_of_a_test"]
    assert found["inner"] is sys.modules["heavy_of_a_test.inner"]
    assert (found["value"], found["name"], found["twice"](2)) == ("heavy", "real", 4)
    assert not [each for each in found.values() if isinstance(each, Deferred)]
    assert light.part.name == "real"  # what is loaded by then is not left out


def test_another_thread_calls_what_is_loaded_already(held: Any) -> None:
    """A function of a light module that imports in another thread imports the real thing."""
    told: list[str] = []

    def hold() -> None:
        source = sys.modules["light_of_a_test"]
        code = compile("def f():\n from shallow_of_a_test import name\n return name", "", "exec")
        exec(code, vars(source))
        thread = threading.Thread(target=lambda: told.append(vars(source)["f"]()))
        thread.start()
        thread.join()

    held(hold)
    assert told == ["real"]


def test_nothing_of_it_is_left_behind(held: Any) -> None:
    """Afterwards modules have everybody's builtins and their own loaders; sys.modules has no placeholder."""
    light = held(lambda: None)
    assert vars(light)["__builtins__"] is vars(builtins)
    assert light.later.__builtins__["__import__"] is builtins.__import__
    assert type(light.__loader__).__name__ == type(light.__spec__.loader).__name__ == "SourceFileLoader"
    assert not [name for name, module in sys.modules.items() if isinstance(module, Deferred)]
    assert importlib.reload(light).name == "real"


def test_an_import_that_fails_may_be_tried_again(held: Any) -> None:
    """The library's own exception is what is raised; the next import is an ordinary one."""

    def broken() -> None:
        raise LookupError("theirs")

    with pytest.raises(LookupError, match="theirs"):
        held(broken)
    builtins.hold_of_a_test = lambda: None  # type: ignore[attr-defined]
    assert importlib.import_module("light_of_a_test").name == "real"
