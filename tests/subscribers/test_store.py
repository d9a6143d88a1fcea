"""The embedded store: one row an event, many processes, and whatever may be left behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscribers import store_manifest
from subscribers.ledger import Ledger
from subscribers.signals import Log
from subscribers.store import Store
from subscribers.store_errors import (
    CorruptManifest,
    NewerStore,
    NoStore,
    NotAStore,
    QueryError,
    StoreError,
    Unwritable,
)
from subscribers.store_parquet import connection
from subscribers.tables import TABLES, ledger_row, log_of, row
from tests.subscribers.samples import MS, T0, log, metric, span
from tests.subscribers.stored import files, ids

DAY_MS = 86_400_000.0


def test_json_and_parquet_are_built_in() -> None:
    """DuckDB reads JSON and Parquet with its extension folder empty and downloads switched off."""
    with connection() as connected:
        assert connected.execute("SELECT current_setting('autoinstall_known_extensions')").fetchall() == [
            (False,)
        ]


def test_append_and_query(store: Store) -> None:
    """Signals of every kind come back from their views, times exact, JSON as text, with the date."""
    assert store.append([log("a", attributes={"n": 2**63}), span("a"), metric("a", 1.5)]) == 3
    (found,) = store.query("SELECT time_unix_nano, attributes, date FROM logs")
    assert found == {"time_unix_nano": T0, "attributes": '{"n":9223372036854775808}', "date": "2023-11-14"}
    assert store.query("SELECT value FROM metrics") == [{"value": 1.5}]
    assert store.query("SELECT count(*) AS n FROM spans") == [{"n": 1}]


def test_appended_twice_is_once(store: Store) -> None:
    """The same payload twice is one file and one row an event, also when it arrives at another time."""
    store.append([log("a"), log("b")])
    store.append([log("b", observed_time_unix_nano=5), log("a", observed_time_unix_nano=5), log("a")])
    assert len(files(store)) == 1
    assert ids(store) == ["log-a", "log-b"]


def test_overlapping_payloads(store: Store) -> None:
    """Views keep one row an event ID across files, also across dates, and the one written last."""
    store.append([log("a"), log("b")])
    store.append([log("b"), log("c")])
    store.append([log("a", DAY_MS, message="parsed again, in the right zone")])
    assert ids(store) == ["log-a", "log-b", "log-c"]
    (again,) = store.query("SELECT message, date FROM logs WHERE event_id = 'log-a'")
    assert again == {"message": "parsed again, in the right zone", "date": "2023-11-15"}


def test_a_file_a_table_and_date(store: Store) -> None:
    """Each table and UTC date of the events has its own file in its own folder."""
    store.append([log("a"), log("b", DAY_MS), span("a")])
    assert [str(path.parent.relative_to(store.path)) for path in files(store)] == [
        "tables/logs/date=2023-11-14",
        "tables/logs/date=2023-11-15",
        "tables/spans/date=2023-11-14",
    ]


@given(
    st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=30), st.lists(st.integers(), max_size=3)
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_are_exact(tmp_path: Path, number: int, value: float, text: str, numbers: list[int]) -> None:
    """Any 64-bit integer, any double, any text and any JSON come back as they went in."""
    store = Store(tmp_path / os.urandom(6).hex())
    line = log("a", message=text, observed_time_unix_nano=number, attributes={"n": numbers})
    store.append([line, metric("a", value)])
    (found,) = store.query("SELECT observed_time_unix_nano AS n, message, attributes FROM logs")
    (measured,) = store.query("SELECT value FROM metrics")
    assert found["n"] == number
    assert found["message"] == row(line)["message"]
    assert json.loads(found["attributes"]) == {"n": numbers}
    assert measured["value"] == value or measured["value"] != measured["value"]


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1), min_size=1, max_size=4))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_recutting_is_the_set_of_events(tmp_path: Path, batches: list[list[str]]) -> None:
    """However events are cut into payloads and repeated, each is there once, before and after compaction."""
    store = Store(tmp_path / os.urandom(6).hex())
    for batch in batches:
        store.append([log(name) for name in batch])
    expected = sorted({f"log-{name}" for batch in batches for name in batch})
    assert ids(store) == expected
    store.compact()
    assert ids(store) == expected


def test_nothing_is_something(store: Store) -> None:
    """Appending nothing makes an empty store, whose views are empty but have their columns."""
    assert store.append([]) == 0
    for table in TABLES.values():
        names = ", ".join(column.name for column in table.columns)
        assert store.query(f"SELECT {names}, date FROM {table.name}") == []


def test_ledger(store: Store) -> None:
    """The ledger of a payload that comes twice is counted once."""
    ledger = Ledger(sink="store", received=2, delivered=2)
    for now in (T0, T0 + MS):
        store.record([ledger_row(ledger, "payload", now)])
    assert store.query("SELECT sum(received)::BIGINT AS n FROM ledger") == [{"n": 2}]


def test_dead_letters(store: Store) -> None:
    """A document is kept byte for byte with what is known of it, once a reason, never outside its folder."""
    path = store.dead_letter("too_large", b"\x00\xff", {"log_group": "/x", "error": "67 MiB"})
    assert store.dead_letter("too_large", b"\x00\xff", {}) == path
    assert path.with_suffix(".bin").read_bytes() == b"\x00\xff"
    described = json.loads(path.read_bytes())
    assert (described["reason"], described["bytes"], described["detail"]["error"]) == (
        "too_large",
        2,
        "67 MiB",
    )
    assert store.dead_letter("../../Etc", b"x", {}).parent.relative_to(store.path) == Path("dead_letters/etc")
    assert store.dead_letter("", b"x", {}).parent.name == "unknown"
    assert store.query("SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", "cannot be read: Parser Error"),
        ("SELECT * FROM nothing", "Table with name nothing does not exist"),
        ("SELECT 1; SELECT 2", "one reading statement"),
        ("", "one reading statement"),
        ("DROP VIEW logs", "one reading statement"),
        ("COPY (SELECT 1) TO '{folder}/x.csv'", "one reading statement"),
        ("ATTACH '{folder}/x.db'", "one reading statement"),
        ("INSTALL httpfs", "one reading statement"),
        ("SET threads = 1", "one reading statement"),
        ("SELECT * FROM read_text('/etc/hostname')", "file system operations are disabled"),
        ("SELECT * FROM read_csv('https://example.org/x.csv')", "disabled"),
        ("SELECT ?", "Values were not provided"),
    ],
)
def test_only_reading(store: Store, sql: str, said: str) -> None:
    """Whatever is no single SELECT over the store's views is refused with a sentence."""
    store.append([log("a")])
    with pytest.raises(QueryError) as caught:
        store.query(sql.replace("{folder}", str(store.path)))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert store.skipped == ()


def test_parameters(store: Store) -> None:
    """Values of a statement are given in order or by name, and are never SQL."""
    store.append([log("a", message="x' OR '1'='1"), log("b")])
    by_order = store.query("SELECT event_id FROM logs WHERE message = ?", ["x' OR '1'='1"])
    by_name = store.query("SELECT event_id FROM logs WHERE message = $m", {"m": "x' OR '1'='1"})
    assert by_order == by_name == [{"event_id": "log-a"}]


def test_odd_paths(tmp_path: Path) -> None:
    """Quotes, blanks, globs and letters of other scripts in the path of the store are just letters."""
    store = Store(tmp_path / "it's [a] * ställe?")
    store.append([log("a")])
    store.append([log("b")])
    store.compact()
    assert ids(store) == ["log-a", "log-b"]


def test_no_store(tmp_path: Path) -> None:
    """Reading where nothing is says so and creates nothing."""
    with pytest.raises(NoStore, match="there is no store at"):
        Store(tmp_path / "x").query("SELECT 1")
    assert not (tmp_path / "x").exists()


def test_not_a_store(tmp_path: Path) -> None:
    """A folder with other files is neither read nor written to; nor is a file."""
    (tmp_path / "thesis.doc").write_text("x")
    store = Store(tmp_path)
    for act in (lambda: store.query("SELECT 1"), lambda: store.append([log("a")]), store.compact):
        with pytest.raises(NotAStore):
            act()
    with pytest.raises(NotAStore):
        store.dead_letter("x", b"", {})
    assert os.listdir(tmp_path) == ["thesis.doc"]
    with pytest.raises(StoreError, match=r"thesis\.doc"):
        Store(tmp_path / "thesis.doc").query("SELECT 1")
    with pytest.raises(Unwritable, match=r"thesis\.doc"):
        Store(tmp_path / "thesis.doc").append([log("a")])


def test_unwritable(store: Store) -> None:
    """Where a file cannot be written the error names it, and the store is as it was."""
    store.append([log("a")])
    (store.path / "tmp").rmdir()
    (store.path / "tmp").write_text("in the way")
    with pytest.raises(Unwritable, match="cannot be written"):
        store.append([log("b")])
    assert ids(store) == ["log-a"]


def test_newer_store(store: Store) -> None:
    """A store of a newer version is left alone."""
    store.append([log("a")])
    (store.path / "manifest.json").write_text('{"version": 2, "shards": []}')
    for act in (lambda: ids(store), lambda: store.append([log("b")])):
        with pytest.raises(NewerStore, match="newer version"):
            act()


@pytest.mark.parametrize("text", ["", "{", '{"version": 1, "files": 5}', "[]", "\x00"])
def test_corrupt_manifest(store: Store, text: str) -> None:
    """A damaged manifest is an error that says so; nothing is written over it."""
    store.append([log("a")])
    (store.path / "manifest.json").write_text(text)
    for act in (lambda: ids(store), lambda: store.append([log("b")])):
        with pytest.raises(CorruptManifest):
            act()
    assert (store.path / "manifest.json").read_text() == text


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "remove"])
def test_a_corrupt_file_is_skipped_and_counted(store: Store, damage: str) -> None:
    """A table file that is cut, altered or gone is left out of the answer, named, and left as it is."""
    store.append([log("a")])
    (bad,) = files(store)
    store.append([log("b")])
    content = bytearray(bad.read_bytes())
    content[8:40] = bytes(32)
    bad.write_bytes({"truncate": bytes(content[:-9]), "flip": bytes(content)}.get(damage, b""))
    if damage == "remove":
        bad.unlink()
    assert ids(store) == ["log-b"]
    (skipped,) = store.skipped
    assert skipped.path == str(bad.relative_to(store.path))
    assert skipped.reason == ("missing_file" if damage == "remove" else "corrupt_file")
    store.compact(grace_s=0)
    assert bad.exists() == (damage != "remove")
    assert ids(store) == ["log-b"]


def test_compaction(store: Store) -> None:
    """Compaction leaves one file a table and date with the same rows, and removes the old after a while."""
    now = [1000.0]
    store = Store(store.path, clock=lambda: now[0])
    for name in "abc":
        store.append([log(name), span(name)])
    before = store.query("SELECT * FROM logs ORDER BY event_id")
    done = store.compact(grace_s=60)
    assert (done.merged, done.written, done.removed) == (6, 2, 0)
    assert len(files(store)) == 8
    assert store.query("SELECT * FROM logs ORDER BY event_id") == before
    now[0] += 61
    assert store.compact(grace_s=60).removed == 6
    assert len(files(store)) == 2
    assert store.query("SELECT * FROM logs ORDER BY event_id") == before
    assert store.compact() == type(done)()


def test_compaction_keeps_the_newest(store: Store) -> None:
    """Of an event parsed twice the compacted file has the later row, and a repeat of the first stays out."""
    store.append([log("a", message="first")])
    store.append([log("a", message="second")])
    store.compact(grace_s=0)
    assert store.query("SELECT message FROM logs") == [{"message": "second"}]


@pytest.mark.parametrize("files_of_today", [0, 1])
def test_files_of_before_a_column_existed(store: Store, files_of_today: int) -> None:
    """A column that a file lacks reads as empty, whether other files have it or none, and after merging."""
    store.append([log("old")])
    (path,) = files(store)
    with connection() as connected:
        old = f"SELECT * EXCLUDE (keys) FROM read_parquet('{path}', hive_partitioning = false)"
        connected.execute(f"COPY ({old}) TO '{path}.old' (FORMAT parquet)")
    Path(f"{path}.old").replace(path)
    store.append([log(f"new-{n}", keys=("claim=x",)) for n in range(files_of_today)])
    expected = [{"event_id": "log-new-0", "keys": ["claim=x"]}][:files_of_today]
    expected += [{"event_id": "log-old", "keys": []}]
    for _ in range(2):
        assert store.query("SELECT event_id, keys FROM logs ORDER BY event_id") == expected
        assert log_of(store.query("SELECT * FROM logs WHERE event_id = 'log-old'")[0]) == log("old")
        store.compact(0)


def test_an_old_snapshot_can_be_read_after_compaction(store: Store) -> None:
    """A reader that took its snapshot before a compaction finds its files until the grace period is over."""
    store.append([log("a")])
    store.append([log("b")])
    snapshot = store_manifest.read_manifest(store.path)
    store.compact()
    for file in snapshot.files:
        with duckdb.connect() as connected:
            assert connected.read_parquet(str(store.path / file.path)).fetchall()


def test_a_payload_again_after_compaction(store: Store) -> None:
    """A payload that comes again after its file was merged is neither lost nor doubled."""
    store.append([log("a")])
    store.append([log("b")])
    store.compact()
    store.append([log("a")])
    store.compact(grace_s=0)
    store.compact(grace_s=0)
    assert ids(store) == ["log-a", "log-b"]
    assert store.skipped == ()


def test_a_failed_batch_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full before the manifest is replaced, none of the batch is visible."""
    store.append([log("a")])

    def full(*_: Any) -> None:
        raise Unwritable("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("subscribers.store.write_manifest", full)
        with pytest.raises(Unwritable):
            store.append([log("b"), span("b")])
    assert ids(store) == ["log-a"]
    store.append([log("b"), span("b")])
    assert ids(store) == ["log-a", "log-b"]


def test_large_lines(store: Store) -> None:
    """A line of 20 MB, beyond DuckDB's default for one JSON object, is stored whole."""
    store.append([log("a", message="x" * 20_000_000)])
    assert store.query("SELECT length(message) AS n FROM logs") == [{"n": 20_000_000}]


def test_manifest_is_readable(store: Store) -> None:
    """The manifest is JSON with its version, so that other tools can find the files."""
    store.append([log("a")])
    manifest = msgspec.json.decode((store.path / "manifest.json").read_bytes())
    assert manifest["version"] == 1
    assert (store.path / manifest["files"][0]["path"]).exists()
    assert isinstance(log("a"), Log)
