"""The files of every target, in one folder each, and whether a folder has just these.

    FolderError (a ValueError): a folder cannot be written or read; a sentence

MANIFEST in the folder names every file that was generated: what a later run does not generate any more is
removed, and nothing else is.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path, PurePosixPath

import msgspec

from dashboards.left_out import NOTES, notes_file
from dashboards.made import Made
from dashboards.rendered import Options, Rendered, Renderer
from dashboards.resources import Note

#: Target -> the module that renders it, in the order in which they are told.
TARGETS: dict[str, str] = {
    "cloudwatch": "dashboards.cloudwatch.render",
    "datadog": "dashboards.datadog.render",
    "kibana": "dashboards.kibana.render",
    "opensearch": "dashboards.opensearch.render",
    "grafana": "dashboards.grafana.render",
}
MANIFEST = "generated.json"


class FolderError(ValueError):
    """A folder cannot be written or read."""


class Difference(msgspec.Struct, frozen=True):
    """How a folder differs from what would be generated, by file."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    superfluous: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.superfluous)


def render(made: Made, target: str, options: Options) -> Rendered:
    """Return the files of one of TARGETS."""
    renderer: Renderer = import_module(TARGETS[target]).render
    return renderer(made.system, made.pages, made.alarms, options)


def render_all(made: Made, targets: Iterable[str], options: Options) -> tuple[dict[str, str], list[Note]]:
    """Return the files of several targets, each below a folder of its name, and what they cannot show.

    A target's NOTES.md has the same notes for those who find the folder.
    """
    files: dict[str, str] = {}
    notes: list[Note] = []
    for target in targets:
        rendered = render(made, target, options)
        own = {**rendered.files, NOTES: notes_file(target, rendered.notes, made.system)}
        files |= {f"{target}/{path}": text for path, text in own.items()}
        notes += [msgspec.structs.replace(note, text=f"{target}: {note.text}") for note in rendered.notes]
    return files, notes


def write(folder: Path, files: Mapping[str, str], targets: Iterable[str]) -> Difference:
    """Make a folder hold these files, and return what changed. Files of other targets stay.

    Raises FolderError.
    """
    own = tuple(targets)
    changed = difference(folder, files, own)
    kept = [path for path in _generated(folder) if _target(path) not in own]
    try:
        for path in (*changed.missing, *changed.changed):
            _write(folder / path, files[path])
        for path in changed.superfluous:
            (folder / path).unlink(missing_ok=True)
        _write(folder / MANIFEST, _manifest([*kept, *files]))
    except OSError as error:
        raise FolderError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}"
        ) from error
    return changed


def difference(folder: Path, files: Mapping[str, str], targets: Iterable[str]) -> Difference:
    """Return how a folder differs from these files of these targets. Raises FolderError."""
    own = tuple(targets)
    there = {path: _read(folder / path) for path in files}
    old = [path for path in _generated(folder) if _target(path) in own and path not in files]
    return Difference(
        missing=tuple(path for path, text in there.items() if text is None),
        changed=tuple(path for path, text in there.items() if text is not None and text != files[path]),
        superfluous=tuple(path for path in old if (folder / path).exists()),
    )


def _target(path: str) -> str:
    return path.partition("/")[0]


def _manifest(paths: Iterable[str]) -> str:
    return json.dumps({"generated": sorted(set(paths))}, indent=1) + "\n"


def _generated(folder: Path) -> list[str]:
    """The files that an earlier run made; only paths below the folder count."""
    text = _read(folder / MANIFEST)
    if text is None:
        return []
    try:
        paths = json.loads(text)["generated"]
        return [path for path in paths if _is_below(path)]
    except (ValueError, LookupError, TypeError) as error:
        raise FolderError(f"{folder / MANIFEST} is not what an earlier run wrote: remove it") from error


def _is_below(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\\" not in path


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror or error}") from error


def _write(path: Path, text: str) -> None:
    """Whole or not at all: another process may deploy the folder meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
