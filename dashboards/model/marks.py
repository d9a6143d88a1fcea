"""Where a key of observe.yaml is written: its files are read again for the lines of their values."""

from __future__ import annotations

from pathlib import Path as FilePath

from dashboards.resources import Place
from subscribers.config import Config
from subscribers.config_files import read_files
from subscribers.config_problems import Path
from subscribers.config_yaml import Mark


class Marks:
    """The places of keys: of fragments, too."""

    def __init__(self, marks: dict[Path, Mark], file: str = "") -> None:
        self._marks, self._file = marks, file

    def place(self, *path: str | int) -> Place:
        """Return where a key is written, or the nearest one above it that is; the file where none is."""
        known = path
        while known and known not in self._marks:
            known = known[:-1]
        mark = self._marks.get(known) if known else None
        return Place(mark.file, mark.line) if mark is not None else Place(self._file)


def marks_of(config: Config) -> Marks:
    """Return the marks of a configuration; none where it was not read of a file that is still there."""
    if not config.files:
        return Marks({})
    file = config.files[0]
    return Marks(read_files(FilePath(file)).marks if FilePath(file).is_file() else {}, file)
