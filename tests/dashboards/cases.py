"""The templates that the parts of dashboards are tested with: every folder of corpus, the example, our own.

A folder is a case: its `template.*`, or, where it has none, every template beside it, and its observe.yaml.
Adding a folder adds a case.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

_HERE = Path(__file__).parent / "corpus"
_ROOT = Path(__file__).parents[2]
_ENDINGS = (".yaml", ".yml", ".json")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Templates that are read together, and the observe.yaml beside them, if there is one."""

    name: str
    templates: tuple[Path, ...]
    observe: Path | None = None


def _templates(folder: Path) -> tuple[Path, ...]:
    main = sorted(folder.glob("template.*"))
    found = main or sorted(path for path in folder.iterdir() if path.suffix in _ENDINGS)
    return tuple(path for path in found if path.name != "observe.yaml")


def _case(folder: Path) -> Case:
    observe = folder / "observe.yaml"
    return Case(name=folder.name, templates=_templates(folder), observe=observe if observe.exists() else None)


CASES: dict[str, Case] = {
    **{folder.name: _case(folder) for folder in sorted(_HERE.iterdir()) if folder.is_dir()},
    "example": Case(
        name="example",
        templates=(_ROOT / "examples/claims/template.yaml",),
        observe=_ROOT / "examples/claims/observe.yaml",
    ),
    "own": Case(name="own", templates=(_ROOT / "template.yaml",), observe=_ROOT / "deploy/observe.yaml"),
}
