"""Which observe.yaml a store was filled by: the demo's is not where somebody looks for one."""

from __future__ import annotations

from pathlib import Path

#: In the folder of a store: the absolute path of the file.
FILE = "config"


def keep(store: Path, config: Path) -> None:
    """Remember the configuration of a store."""
    (store / FILE).write_text(str(config.absolute()), encoding="utf-8")


def config_of_store(store: Path, given: Path | None) -> Path | None:
    """Return the file that was given, else ./observe.yaml, else the store's own; None where there is none."""
    if given is not None:
        return given
    here = Path("observe.yaml")
    if here.is_file():
        return here
    try:
        kept = Path((store / FILE).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        return None
    return kept if kept.is_file() else None
