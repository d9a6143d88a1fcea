"""The tables: what their definitions say, and that a signal survives being a row."""

from __future__ import annotations

import math
import sqlite3
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.ledger import Ledger
from subscribers.signals import Link, Log, Metric, Span
from subscribers.tables import (
    GLUE_TYPES,
    TABLES,
    Table,
    date_of,
    duckdb_ddl,
    glue_definition,
    json_text,
    ledger_row,
    log_of,
    row,
    span_of,
    table_of,
)
from tests.subscribers.samples import log, metric, origin, span

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TREE = st.dictionaries(
    TEXT, st.none() | st.booleans() | st.integers(-(2**64), 2**64) | TEXT | st.lists(TEXT), max_size=3
)


def logs() -> st.SearchStrategy[Log]:
    """Any log with any text and any 64-bit time."""
    return st.builds(
        log,
        TEXT,
        message=TEXT,
        time_unix_nano=INT64,
        level=TEXT,
        trace_id=TEXT,
        attributes=TREE,
        keys=st.lists(TEXT, max_size=3).map(tuple),
    )


def spans() -> st.SearchStrategy[Span]:
    """Any span with links and any 64-bit times."""
    links = st.lists(st.builds(Link, TEXT, TEXT, TREE), max_size=2).map(tuple)
    return st.builds(span, TEXT, start_unix_nano=INT64, end_unix_nano=INT64, attributes=TREE, links=links)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_columns_are_named_once_and_described(table: Table) -> None:
    """No column twice, none without a description, `event_id` first, the time column among them."""
    names = [column.name for column in table.columns]
    assert len({*names, table.partition.name}) == len(names) + 1
    assert all(column.description.endswith(".") for column in table.columns)
    assert names[0] == "event_id"
    assert table.time in names


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_duckdb_accepts_its_definition(table: Table) -> None:
    """DuckDB creates the table as generated, with the columns in order and the partition last."""
    with duckdb.connect() as connected:
        connected.execute(duckdb_ddl(table))
        described = connected.execute(f"DESCRIBE {table.name}").fetchall()
    assert [column[0] for column in described] == [*(c.name for c in table.columns), "date"]


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_glue_definition(table: Table) -> None:
    """Glue's TableInput holds the same columns, the partition apart, and Parquet's SerDe."""
    definition = glue_definition(table)
    columns = definition["StorageDescriptor"]["Columns"]
    assert [(c["Name"], c["Type"]) for c in columns] == [(c.name, GLUE_TYPES[c.type]) for c in table.columns]
    assert [key["Name"] for key in definition["PartitionKeys"]] == ["date"]
    assert "parquet" in definition["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]
    # https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html: a comment has at most 255 bytes
    assert all(len(c["Comment"].encode()) <= 255 for c in columns)


@pytest.mark.parametrize("signal", [log("a"), span("a"), metric("a")], ids=["log", "span", "metric"])
def test_a_row_has_its_tables_columns(signal: Log | Span | Metric) -> None:
    """A row has a value for every column of its table and for no other."""
    assert set(row(signal)) == {column.name for column in table_of(signal).columns}


@pytest.mark.parametrize("signal", [log("a"), span("a"), metric("a")], ids=["log", "span", "metric"])
def test_no_field_of_a_signal_is_left_out(signal: Log | Span | Metric) -> None:
    """Whatever a signal gains as a field, its table has a column for."""
    fields = {*type(signal).__struct_fields__, *type(signal.origin).__struct_fields__} - {"origin"}
    assert fields == {column.name for column in table_of(signal).columns}


def test_a_ledger_row_has_its_tables_columns() -> None:
    """A payload's ledger is one row, with the same ID whenever the payload comes again."""
    ledger = Ledger(sink="store", received=3, delivered=2, dropped={"no_signal": 1})
    first, again = ledger_row(ledger, "p1", 1), ledger_row(ledger, "p1", 2)
    assert set(first) == {column.name for column in TABLES["ledger"].columns}
    assert first["event_id"] == again["event_id"] != ledger_row(ledger, "p2", 1)["event_id"]
    assert (first["dropped"], first["dropped_reasons"]) == (1, '{"no_signal":1}')


@given(logs())
def test_a_log_survives(signal: Log) -> None:
    """A log that becomes a row and a log again is the same."""
    assert log_of(row(signal)) == signal


@given(spans())
def test_a_span_survives(signal: Span) -> None:
    """A span that becomes a row and a span again is the same."""
    assert span_of(row(signal)) == signal


@given(st.integers())
def test_any_time_has_a_partition(time_unix_nano: int) -> None:
    """A time outside 64 bits is moved to the edge; every time has a date."""
    values = row(log("a", time_unix_nano=time_unix_nano))
    assert -(2**63) <= values["time_unix_nano"] < 2**63
    assert len(date_of(TABLES["logs"], values)) == 10


@pytest.mark.parametrize(
    ("time_unix_nano", "date"),
    [
        (0, "1970-01-01"),
        (-1, "1969-12-31"),
        (86_400_000_000_000 - 1, "1970-01-01"),
        (86_400_000_000_000, "1970-01-02"),
    ],
)
def test_partition_is_the_utc_date(time_unix_nano: int, date: str) -> None:
    """The partition is the UTC date of the event, to the nanosecond, before 1970 too."""
    assert date_of(TABLES["logs"], row(log("a", time_unix_nano=time_unix_nano))) == date


def test_what_no_table_can_hold() -> None:
    """Half surrogates, NaN, objects and endless nesting are replaced, never raised."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert row(log("a", message="x\ud800"))["message"] == "x?"
    assert json_text({"a": "\ud800", "b": {1, 2}.__class__}).startswith('{"a": "?"')
    assert json_text({"a": sqlite3.Error}) != ""
    assert json_text(deep) == '{"observe.cut":"nested too deep"}'
    assert row(metric("a", math.inf))["value"] == "inf"
    while deep:  # a list this deep is taken apart by hand, or its destructor recurses
        deep = deep.pop()


def test_rows_are_json() -> None:
    """Every row can be encoded, as the store does."""
    for signal in (log("a"), span("a", links=(Link("b" * 32, "c" * 16),)), metric("a", math.nan)):
        assert msgspec.json.decode(msgspec.json.encode(row(signal)))["account"] == origin().account
