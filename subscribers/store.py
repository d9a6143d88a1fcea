"""The embedded store: a folder of Parquet files that many processes write to and read at a time.

    manifest.json   the current snapshot: which files count (store_manifest)
    tables/<table>/date=<UTC date>/<hash>.parquet
    dead_letters/<reason>/<hash>.bin and .json
    tmp/, lock

A file is written under a temporary name, flushed, and under the lock renamed and named in the manifest.
Its name is the hash of its rows without the time of arrival, so the same payload appended twice is one
file, while a payload parsed again with a corrected observe.yaml is a new one, whose rows win.

The errors are those of store_errors.
"""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from subscribers.signals import Signal
from subscribers.store_errors import QueryError, StoreError, Unwritable
from subscribers.store_manifest import (
    DEAD_LETTERS,
    MANIFEST,
    TABLES_FOLDER,
    TEMPORARY,
    DataFile,
    Manifest,
    Removed,
    locked,
    read_manifest,
    sync_folder,
    unwritable,
    write_atomically,
    write_manifest,
)
from subscribers.store_parquet import (
    WRONG_SQL,
    Parameters,
    count_rows,
    first_line,
    is_readable,
    merge_files,
    query,
    write_rows,
)
from subscribers.tables import LEDGER, TABLES, Row, Table, date_of, row, table_of

__all__ = ["Compacted", "Skipped", "Store", "StoreError"]

#: How long a replaced file stays for readers of older snapshots, and a temporary file for its writer.
GRACE_S = 300.0
#: The time of arrival differs each time a payload is delivered; the events do not.
_NOT_IDENTITY = "observed_time_unix_nano"
_ATTEMPTS = 3


class Skipped(msgspec.Struct, frozen=True):
    """A table file that the last query had to leave out, and why."""

    path: str
    reason: str


class Compacted(msgspec.Struct, frozen=True):
    """What a compaction did, in numbers of files."""

    merged: int = 0
    written: int = 0
    removed: int = 0


class Store:
    """The store at a path. The folder appears with the first write; constructing reads nothing.

    clock: epoch seconds. `skipped` names the corrupt files that the last query left out.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path).absolute()
        self.skipped: tuple[Skipped, ...] = ()
        self._clock = clock

    def append(self, signals: Iterable[Signal]) -> int:
        """Store signals and return how many rows they are, one an event ID. Raises StoreError.

        When it returns they are on the disk and visible to every reader; when it raises none of them is.
        """
        rows: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
        for signal in signals:
            table, values = table_of(signal), row(signal)
            rows[table.name, date_of(table, values)][values["event_id"]] = values
        return self._write(rows)

    def record(self, ledger_rows: Iterable[Row]) -> int:
        """Store rows of the ledger (`tables.ledger_row`) and return how many they are. Raises StoreError."""
        rows: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
        for values in ledger_rows:
            rows[LEDGER.name, date_of(LEDGER, values)][values["event_id"]] = values
        return self._write(rows)

    def query(self, sql: str, params: Parameters = ()) -> list[Row]:
        """Return the rows of one SELECT over the views logs, spans, metrics and ledger.

        params: values of the statement's `?` in order, or of its `$name` by name.
        Corrupt files are left out and named in `skipped`. Raises QueryError and the errors of read_manifest.
        """
        files = [file for file in read_manifest(self.path).files if file.table in TABLES]
        self.skipped = ()
        for _ in range(_ATTEMPTS):
            try:
                return query(self.path, files, sql, params)
            except duckdb.Error as error:
                files = self._without_broken(files, error)
        raise QueryError("the store kept changing while it was read; try again")

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> Path:
        """Keep what could not be delivered or read, byte for byte, and return the path of its description.

        The same document for the same reason is kept once. detail: a JSON tree. Raises StoreError.
        """
        word = re.sub(r"[^a-z0-9_]+", "_", reason.lower()).strip("_")[:64] or "unknown"
        path = self.path / DEAD_LETTERS / word / f"{_hash([document])}.json"
        if path.exists():
            return path
        with locked(self.path) as manifest:  # also what refuses a folder that is not a store
            self._create(manifest)
            write_atomically(self.path, path.with_suffix(".bin"), document)
            described = {
                "reason": reason,
                "bytes": len(document),
                "at_s": self._clock(),
                "detail": dict(detail),
            }
            write_atomically(self.path, path, msgspec.json.encode(described, enc_hook=str))
        return path

    def compact(self, grace_s: float = GRACE_S) -> Compacted:
        """Merge the files of each table and date into one, and remove what nobody can need any more.

        grace_s: how long files that were replaced, or that a killed process left behind, are kept.
        Readers of an older snapshot are not disturbed. A corrupt file is left as it is. Raises StoreError.
        """
        groups: dict[tuple[str, str], list[DataFile]] = defaultdict(list)
        for file in read_manifest(self.path).files:
            groups[file.table, file.date].append(file)
        merged = [len(files) for key, files in groups.items() if self._merge(TABLES.get(key[0]), files)]
        return Compacted(merged=sum(merged), written=len(merged), removed=self._clean(grace_s))

    def _write(self, rows: Mapping[tuple[str, str], dict[str, Row]]) -> int:
        """Write one file a table and date, then make all of them visible at once."""
        with locked(self.path) as manifest:
            self._create(manifest)
        pending: list[tuple[Path, DataFile]] = []
        known = {file.path for file in read_manifest(self.path).files}
        for (name, date), by_id in sorted(rows.items()):
            values = [by_id[event_id] for event_id in sorted(by_id)]
            file = DataFile(_file_path(name, date, _rows_hash(values)), name, date, len(values), 0)
            if file.path not in known:
                pending.append((write_rows(self.path, TABLES[name], values), file))
        if pending:
            self._publish(pending, replaced=())
        return sum(map(len, rows.values()))

    def _create(self, manifest: Manifest) -> None:
        if not (self.path / MANIFEST).exists():
            write_manifest(self.path, manifest)

    def _publish(self, pending: Sequence[tuple[Path, DataFile]], replaced: Sequence[DataFile]) -> bool:
        """Rename files and name them in the manifest; False where a file to be replaced is gone already."""
        with locked(self.path) as manifest:
            gone = {file.path for file in replaced}
            if not gone <= {file.path for file in manifest.files}:
                for temporary, _ in pending:
                    temporary.unlink(missing_ok=True)
                return False
            sequence = manifest.sequence + 1
            live = {file.path: file for file in manifest.files if file.path not in gone}
            for temporary, file in pending:
                _rename(temporary, self.path / file.path)
                live[file.path] = msgspec.structs.replace(file, sequence=file.sequence or sequence)
            now = self._clock()
            removed = [r for r in manifest.removed if r.path not in live]
            removed += [Removed(path, now) for path in sorted(gone - set(live))]
            write_manifest(self.path, Manifest(1, sequence, tuple(live.values()), tuple(removed)))
        return True

    def _merge(self, table: Table | None, files: list[DataFile]) -> bool:
        """Replace the files of one table and date by one; False where there is nothing to gain."""
        if table is None or len(files) < 2:
            return False
        files = [file for file in files if is_readable(self.path / file.path)]
        if len(files) < 2:
            return False
        name = _hash([file.path.encode() for file in files])
        temporary = merge_files(self.path, table, files)
        rows = count_rows(temporary)
        newest = max(file.sequence for file in files)
        file = DataFile(_file_path(table.name, files[0].date, name), table.name, files[0].date, rows, newest)
        return self._publish([(temporary, file)], replaced=files)

    def _clean(self, grace_s: float) -> int:
        """Remove replaced files and what killed processes left, once they are older than the grace period."""
        before = self._clock() - grace_s
        with locked(self.path) as manifest:
            live = {file.path for file in manifest.files}
            kept = tuple(r for r in manifest.removed if r.at_s > before)
            write_manifest(self.path, msgspec.structs.replace(manifest, removed=kept))
            spared = live | {r.path for r in kept}
            # Renaming happens under this lock too, so a table file that nobody names is an orphan.
            orphans = [p for p in self._table_files() if str(p.relative_to(self.path)) not in spared]
            stale = [p for p in (self.path / TEMPORARY).glob("*") if _age_is_over(p, before)]
            for path in (*orphans, *stale):
                with unwritable(path):
                    path.unlink(missing_ok=True)
        return len(orphans) + len(stale)

    def _table_files(self) -> Iterable[Path]:
        return (self.path / TABLES_FOLDER).glob("*/*/*.parquet")

    def _without_broken(self, files: list[DataFile], error: duckdb.Error) -> list[DataFile]:
        """Return the files to try again with: the current ones, without those that cannot be read."""
        if isinstance(error, WRONG_SQL):
            raise QueryError(f"the query failed: {first_line(error)}") from error
        current = [file for file in read_manifest(self.path).files if file.table in TABLES]
        known = {skipped.path for skipped in self.skipped}
        left = [f for f in current if f.path not in known]
        # Missing ones first: to look is cheap, to read thousands of files is not.
        broken = [f for f in left if not (self.path / f.path).exists()]
        broken = broken or [f for f in left if not is_readable(self.path / f.path)]
        self.skipped += tuple(Skipped(f.path, _why(self.path / f.path)) for f in broken)
        known |= {f.path for f in broken}
        remaining = [file for file in current if file.path not in known]
        if remaining == files:
            raise QueryError(f"the query failed: {first_line(error)}") from error
        return remaining


def _why(path: Path) -> str:
    return "corrupt_file" if path.exists() else "missing_file"


def _rename(temporary: Path, target: Path) -> None:
    with unwritable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.replace(target)
        except FileNotFoundError as error:
            raise Unwritable(f"{temporary} was removed while it was being written; try again") from error
        sync_folder(target.parent)


def _file_path(table: str, date: str, name: str) -> str:
    return f"{TABLES_FOLDER}/{table}/date={date}/{name}.parquet"


def _rows_hash(rows: Iterable[Row]) -> str:
    identity = ({k: v for k, v in values.items() if k != _NOT_IDENTITY} for values in rows)
    return _hash(msgspec.json.encode(values, order="sorted") for values in identity)


def _hash(parts: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _age_is_over(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime <= before
    except FileNotFoundError:
        return False
