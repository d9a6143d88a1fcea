"""Rows -> Parquet files and back, through DuckDB, with every column's type given and none inferred.

DuckDB runs in memory, loads no extension and reaches no network: json and parquet are part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from subscribers.store_errors import QueryError, StoreError
from subscribers.store_manifest import DataFile, sync_file, temporary_path, unwritable
from subscribers.tables import DUCKDB_TYPES, TABLES, Column, Row, Table

Parameters = Sequence[Any] | Mapping[str, Any]

_OFFLINE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_BUILT_IN = (
    "SELECT extension_name FROM duckdb_extensions() WHERE loaded AND extension_name IN ('json', 'parquet')"
)
#: Errors that no file can be the cause of; after any other the files are checked.
WRONG_SQL = (
    duckdb.ParserException,
    duckdb.CatalogException,
    duckdb.BinderException,
    duckdb.PermissionException,
    duckdb.ConversionException,
)
#: Extra room for the largest line: DuckDB counts its newline.
_LINE_ROOM = 1024
_EXPLAIN = frozenset({"SELECT", "EXPLAIN"})


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB in memory that downloads nothing. Raises StoreError without json or parquet."""
    connected = duckdb.connect(":memory:", config=dict(_OFFLINE))
    try:
        # A progress bar on a terminal would end up in the middle of a command's output.
        connected.execute("SET enable_progress_bar = false")
        if len(connected.execute(_BUILT_IN).fetchall()) != 2:
            raise StoreError("this DuckDB has no json or no parquet built in; install duckdb from PyPI")
        yield connected
    finally:
        connected.close()


def write_rows(root: Path, table: Table, rows: Iterable[Row]) -> Path:
    """Write rows to a new temporary Parquet file and return its path, flushed to the disk. Raises StoreError.

    Bigints stay exact: they pass as JSON integers into a column declared BIGINT, never through a double.
    """
    lines = [msgspec.json.encode(values) for values in rows]
    source = temporary_path(root, f"{table.name}.json")
    with unwritable(source):
        source.write_bytes(b"\n".join(lines) + b"\n")
    columns = ", ".join(f"{_quoted(c.name)}: '{_written_type(c.type)}'" for c in table.columns)
    select = (
        f"SELECT * FROM read_json({_quoted(str(source))}, format = 'newline_delimited', "  # noqa: S608
        f"columns = {{{columns}}}, compression = 'uncompressed', "
        f"maximum_object_size = {max(map(len, lines)) + _LINE_ROOM})"
    )
    try:
        return _copy(root, table, select)
    finally:
        source.unlink(missing_ok=True)


def merge_files(root: Path, table: Table, files: Sequence[DataFile]) -> Path:
    """Write one temporary Parquet file with one row an event of all the files, the newest, by time."""
    select = f"SELECT * EXCLUDE (date) FROM ({_select(root, table, files)}) ORDER BY {table.time}"  # noqa: S608
    return _copy(root, table, select)


def query(root: Path, files: Sequence[DataFile], sql: str, params: Parameters) -> list[Row]:
    """Return the rows of one reading statement over views of these files.

    Raises QueryError for SQL that is wrong or does more than read, duckdb.Error where a file is the cause.
    """
    with connection() as connected:
        for table in TABLES.values():
            mine = [file for file in files if file.table == table.name]
            connected.execute(f'CREATE VIEW "{table.name}" AS {_select(root, table, mine)}')
        _confine(connected, [str(root / file.path) for file in files])
        _expect_one_reading(connected, sql)
        cursor = connected.execute(sql, dict(params) if isinstance(params, Mapping) else list(params))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def is_readable(path: Path) -> bool:
    """Whether every value of a Parquet file can be read; a footer may be whole where the data is not."""
    try:
        with connection() as connected:
            connected.execute(f"SELECT bit_xor(hash(t)) FROM read_parquet({_quoted(str(path))}) t").fetchall()  # noqa: S608
    except duckdb.Error:
        return False
    return True


def count_rows(path: Path) -> int:
    """Return the number of rows of a Parquet file that was just written."""
    with connection() as connected:
        found = connected.execute(f"SELECT count(*) FROM read_parquet({_quoted(str(path))})").fetchall()  # noqa: S608
    return int(found[0][0])


def _copy(root: Path, table: Table, select: str) -> Path:
    target = temporary_path(root, f"{table.name}.parquet")
    try:
        with connection() as connected:
            connected.execute(f"COPY ({select}) TO {_quoted(str(target))} (FORMAT parquet, COMPRESSION zstd)")
        with unwritable(target):
            sync_file(target)
    except duckdb.Error as error:
        target.unlink(missing_ok=True)
        raise StoreError(
            f"{target.parent} could not take a file of {table.name}: {first_line(error)}"
        ) from error
    return target


def _select(root: Path, table: Table, files: Sequence[DataFile]) -> str:
    """Return the SELECT of a table's view: one row an event, that of the file with the highest sequence."""
    columns = (*table.columns, table.partition)
    if not files:
        return _nothing(columns)
    names = ", ".join(map(_read_column, columns))
    ordered = [str(root / file.path) for file in sorted(files, key=lambda file: (file.sequence, file.path))]
    paths = "[" + ", ".join(map(_quoted, ordered)) + "]"
    # Files of before a column existed lack it: union_by_name where some have it, `nothing` where none does.
    source = (
        f"(SELECT * FROM read_parquet({paths}, filename = true, hive_partitioning = true, "  # noqa: S608
        f"hive_types = {{'date': VARCHAR}}, union_by_name = true) UNION ALL BY NAME {_nothing(columns)})"
    )
    # Within a file every ID is written once, so a table of one file needs no comparing: that is what
    # a compacted day costs nothing for, and what lets DuckDB push a filter down into the file.
    order = f"PARTITION BY event_id ORDER BY list_position({paths}, filename) DESC"
    newest = f" QUALIFY row_number() OVER ({order}) = 1" if len(files) > 1 else ""
    return f"SELECT {names} FROM {source}{newest}"  # noqa: S608


def _nothing(columns: Iterable[Column]) -> str:
    """A SELECT without a row that has every column."""
    names = ", ".join(f'NULL::{DUCKDB_TYPES[c.type]} AS "{c.name}"' for c in columns)
    return f"SELECT {names} WHERE false"


def _read_column(column: Column) -> str:
    name, kind = f'"{column.name}"', DUCKDB_TYPES[column.type]
    return f"{f'coalesce({name}, [])' if column.type == 'strings' else name}::{kind} AS {name}"


def _confine(connected: duckdb.DuckDBPyConnection, paths: list[str]) -> None:
    """Let the statement read these files and nothing else of the machine."""
    connected.execute(f"SET allowed_paths = [{', '.join(map(_quoted, paths))}]")
    connected.execute("SET enable_external_access = false")
    connected.execute("SET lock_configuration = true")


def _expect_one_reading(connected: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = connected.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryError(f"the SQL cannot be read: {first_line(error)}") from error
    if len(statements) != 1 or statements[0].type.name not in _EXPLAIN:
        raise QueryError("the store answers one reading statement (SELECT) at a time")


def first_line(error: duckdb.Error) -> str:
    """Return what DuckDB says in one line, without its picture of the SQL."""
    return (str(error).splitlines() or ["unknown"])[0]


def _written_type(kind: str) -> str:
    # JSON columns are written as text: read_json would put quotes around text that is JSON already.
    return "VARCHAR" if kind == "json" else DUCKDB_TYPES[kind]  # type: ignore[index]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
