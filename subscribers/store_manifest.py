"""The manifest: which files the store consists of. Replaced atomically, changed only under a lock.

Whoever reads it sees one snapshot, the old or the new. A process that is killed at any point leaves at
most files that no manifest names: the next compaction removes them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from subscribers.store_errors import CorruptManifest, NewerStore, NoStore, NotAStore, Unwritable

VERSION = 1
MANIFEST = "manifest.json"
LOCK = "lock"
TEMPORARY = "tmp"
TABLES_FOLDER = "tables"
DEAD_LETTERS = "dead_letters"
#: Finder's and Explorer's droppings do not make an empty folder a foreign one.
_IGNORED = {".DS_Store", "desktop.ini", LOCK, TEMPORARY, TABLES_FOLDER, DEAD_LETTERS, ".gitignore"}


class DataFile(msgspec.Struct, frozen=True):
    """One Parquet file, `path` relative to the store. Of an event in two files the higher `sequence` wins."""

    path: str
    table: str
    date: str
    rows: int
    sequence: int


class Removed(msgspec.Struct, frozen=True):
    """A file that no snapshot names any more, kept for readers of older ones. `at_s`: epoch seconds."""

    path: str
    at_s: float


class Manifest(msgspec.Struct, frozen=True):
    """One snapshot of the store."""

    version: int = VERSION
    sequence: int = 0
    files: tuple[DataFile, ...] = ()
    removed: tuple[Removed, ...] = ()


class _Version(msgspec.Struct):
    version: int


def read_manifest(root: Path) -> Manifest:
    """Return the current snapshot. Raises NoStore, NotAStore, NewerStore or CorruptManifest."""
    path = root / MANIFEST
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _absent(root) from None
    except OSError as error:
        raise NotAStore(f"{root} cannot be read as a store: {error.strerror}") from error
    try:
        if (found := msgspec.json.decode(data, type=_Version).version) > VERSION:
            raise NewerStore(
                f"{root} was written by a newer version (format {found}; this one reads {VERSION})"
            )
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise CorruptManifest(f"{path} is damaged ({error}); the tables beside it are untouched") from error


def _absent(root: Path) -> NoStore | NotAStore:
    if root.is_dir() and is_foreign(root):
        return NotAStore(f"{root} is not a store: it holds other files and no {MANIFEST}")
    if root.exists() and not root.is_dir():
        return NotAStore(f"{root} is not a store: it is a file")
    return NoStore(f"there is no store at {root}")


def is_foreign(root: Path) -> bool:
    """Whether the folder holds anything that a store, or a killed attempt to create one, would not."""
    try:
        return any(e.name not in _IGNORED and not e.name.startswith(MANIFEST) for e in root.iterdir())
    except OSError as error:
        raise NotAStore(f"{root} cannot be read as a store: {error.strerror}") from error


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Make a snapshot the current one; call it only under `locked`. Raises Unwritable."""
    write_atomically(root, root / MANIFEST, msgspec.json.encode(manifest))


def write_atomically(root: Path, path: Path, data: bytes) -> None:
    """Write a file so that it is there wholly or not at all, also after a power cut. Raises Unwritable."""
    temporary = temporary_path(root, path.name)
    with unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)


def temporary_path(root: Path, name: str) -> Path:
    """Return an unused name on the store's own file system, where a rename is atomic. Raises Unwritable."""
    folder = root / TEMPORARY
    with unwritable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.{os.getpid()}.{os.urandom(6).hex()}"


def sync_file(path: Path) -> None:
    """Wait until the file's bytes are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


#: A folder is flushed the same way: that is what makes a rename survive a power cut.
sync_folder = sync_file


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Turn an OSError into Unwritable with a sentence."""
    try:
        yield
    except OSError as error:
        raise Unwritable(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def locked(root: Path) -> Iterator[Manifest]:
    """Hold the store's lock and yield its current snapshot, an empty one where the store is new.

    The kernel releases the lock of a process that dies. Raises as read_manifest does, and Unwritable.
    """
    if root.is_dir() and not (root / MANIFEST).exists() and is_foreign(root):
        raise NotAStore(f"{root} is not a store: it holds other files; name an empty or new folder")
    with unwritable(root):
        root.mkdir(parents=True, exist_ok=True)
        file = (root / LOCK).open("ab")
    with file:
        with unwritable(root / LOCK):
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            manifest = read_manifest(root)
        except NoStore:
            manifest = Manifest()
        yield manifest
