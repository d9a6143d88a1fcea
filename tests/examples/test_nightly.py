"""The nightly report, byte for byte."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.examples.legacy import Legacy, nightly, running

CLAIMS = [
    ("CLM-889001", "POL-100", 1250, "RG", "2026-11-20T08:00:00Z"),
    ("CLM-889002-X", "POL-100", 999_999_999, "AS", "2026-11-21T23:59:59Z"),
    ("CLM-889003-XY", "POL-100", 100, "RG", "2026-11-21T10:00:00Z"),
    ("CLM-889042", "POL-100", 12_500_000_00, "RG", "2026-11-21T10:00:00Z"),
    ("CLM-889043", "POL-100", 1_000_000_000, "RG", "2026-11-21T10:00:00Z"),
]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Legacy:
    """An application that has ended, with CLAIMS alone in its database."""
    with running(tmp_path_factory.mktemp("nightly")) as legacy:
        pass
    with closing(sqlite3.connect(legacy.folder / "claims.db")) as db, db:
        db.execute("DELETE FROM claims")
        db.executemany("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", CLAIMS)
    return legacy


def test_the_report_is_laid_out_in_forty_columns(stopped: Legacy) -> None:
    """Header, details, trailer; CRLF; no temporary file is left."""
    before = datetime.now(UTC).replace(microsecond=0)
    job = nightly(stopped.folder)
    path = Path(job.stdout.strip())
    assert (job.returncode, path.parent) == (0, stopped.folder / "spool")
    header, *rest = path.read_bytes().split(b"\r\n")
    written = datetime.strptime(header[11:25].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    assert before <= written < before + timedelta(minutes=1)
    assert path.name == f"RECON.{written:%Y%m%d}.txt"
    assert header == b"HCLAIMS    " + header[11:25] + b" " * 15
    assert rest == [
        b"DCLM-889001  000001250RG20261120        ",
        b"DCLM-889002-X999999999AS20261121        ",
        b"T000000002000001000001249               ",
        b"",
    ]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_does_not_fit_is_skipped_with_a_warning(stopped: Legacy) -> None:
    """As such jobs do: the claim is in no report, and only the log knows."""
    nightly(stopped.folder)
    events = [event for event in stopped.events() if event["logger"] == "NightlyReconciliation"][-5:]
    assert {event["thread"] for event in events} == {"NIGHTLY-RECON"}
    report = datetime.now(UTC).strftime("RECON.%Y%m")
    assert [(event["level"], event["message"].replace(report, "RECON.")[:90]) for event in events][1:4] == [
        ("WARN ", "skipped CLM-889003-XY: 13 characters do not fit X(12) of field CLAIM-NO"),
        ("WARN ", "skipped CLM-889042: amount 12500000.00 does not fit S9(7)V99 of field AMOUNT"),
        ("WARN ", "skipped CLM-889043: amount 10000000.00 does not fit S9(7)V99 of field AMOUNT"),
    ]
    assert events[0]["message"].endswith("begun: 5 claims")
    assert events[-1]["message"].endswith("written: 2 claims, 3 skipped")
    assert (events[0]["level"], events[-1]["level"]) == ("INFO ", "INFO ")


def test_an_empty_table_makes_a_report_all_the_same(tmp_path: Path) -> None:
    """Header and trailer."""
    with running(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "claims.db")) as db, db:
        db.execute("DELETE FROM claims")
    lines = Path(nightly(tmp_path).stdout.strip()).read_bytes().splitlines()
    assert [line[:1] for line in lines] == [b"H", b"T"]
    assert lines[1] == b"T" + b"0" * 24 + b" " * 15
