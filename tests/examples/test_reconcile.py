"""reconcile: which submitted claims never reached the nightly report."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

import observe
from observe import testing
from tests.examples.functions import aws, bucket, load
from tests.examples.legacy import nightly, running

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def report(*claims: tuple[str, int], written_at: datetime = NOW) -> bytes:
    """What the nightly job would write."""
    records = [f"HCLAIMS    {written_at:%Y%m%d%H%M%S}"]
    records += [f"D{number:<12}{cents:09d}RG20291231" for number, cents in claims]
    records += [f"T{len(claims):09d}{sum(cents for _, cents in claims):015d}"]
    return "".join(record.ljust(40) + "\r\n" for record in records).encode()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The business keys that the handler names."""
    named: list[dict[str, Any]] = []
    monkeypatch.setattr(observe, "key", lambda **names: named.append(names), raising=False)
    return named


@pytest.fixture
def reconcile(monkeypatch: pytest.MonkeyPatch, keys: list[dict[str, Any]]) -> Iterator[ModuleType]:
    """The function over moto, with both buckets."""
    with aws(monkeypatch):
        bucket("reports")
        yield load("reconcile", monkeypatch, CLAIMS_BUCKET=bucket("claims"))


def put(bucket: str, key: str, body: bytes = b"{}") -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)


def event(key: str = "RECON.20300101.txt") -> dict[str, Any]:
    return {"Records": [{"s3": {"bucket": {"name": "reports"}, "object": {"key": key}}}]}


def test_missing_claims_are_told_one_by_one(
    reconcile: ModuleType, keys: list[dict[str, Any]], lines: testing.Lines
) -> None:
    """One error line and one key for each, and two metrics; whatever else is in the bucket is no claim."""
    for name in ("CLM-889001", "CLM-889042", "CLM-889002-XY"):
        put("claims", f"claims/{name}.json")
    put("claims", "photos/CLM-889050.jpg")
    put("claims", "claims/readme.txt")
    put("reports", "RECON.20300101.txt", report(("CLM-889001", 1250), ("CLM-000101", 100)))
    reconcile.handler(event(), None)
    assert keys == [{"claim": "CLM-889002-XY"}, {"claim": "CLM-889042"}]
    told = [line for line in lines.logs if line.get("claim")]
    assert [line["claim"] for line in told] == ["CLM-889002-XY", "CLM-889042"]
    assert {line["message"] for line in told} == {"claim is not in tonight's report"}
    (read,) = (line for line in lines.logs if line["message"] == "report read")
    assert read["claims"] == 2
    metrics = "\n".join(map(str, lines.metrics))
    assert "claims.reconciled" in metrics
    assert "claims.missing" in metrics


def test_claims_submitted_after_the_report_are_not_missing(
    reconcile: ModuleType, keys: list[dict[str, Any]]
) -> None:
    """They are tomorrow's."""
    put("claims", "claims/CLM-889001.json")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    put("reports", "RECON.20300101.txt", report(written_at=yesterday))
    reconcile.handler(event(), None)
    assert keys == []


def test_more_claims_than_a_page_are_all_compared(
    reconcile: ModuleType, keys: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 lists a thousand at a time; here two."""
    paginate = reconcile.s3.get_paginator("list_objects_v2").paginate
    by_two = SimpleNamespace(paginate=partial(paginate, PaginationConfig={"PageSize": 2}))
    monkeypatch.setattr(reconcile.s3, "get_paginator", lambda _: by_two)
    for i in range(5):
        put("claims", f"claims/CLM-{i:06d}.json")
    put("reports", "RECON.20300101.txt", report(*((f"CLM-{i:06d}", 1) for i in range(1, 4))))
    reconcile.handler(event(), None)
    assert keys == [{"claim": "CLM-000000"}, {"claim": "CLM-000004"}]


def test_a_key_comes_url_encoded(reconcile: ModuleType) -> None:
    """As S3 writes it in its events."""
    put("reports", "RECON.a b+c", report())
    reconcile.handler(event("RECON.a+b%2Bc"), None)


def test_it_reads_what_the_nightly_job_writes(
    reconcile: ModuleType, keys: list[dict[str, Any]], tmp_path: Path
) -> None:
    """The seed and a claim too large: all are found but that."""
    with running(tmp_path) as legacy:
        for number, amount in (("CLM-889001", 1), ("CLM-889042", 12_500_000)):
            claim = {"number": number, "policy": "POL-100", "amount": amount}
            assert legacy.post("/registrations", claim).status_code == 201
            put("claims", f"claims/{number}.json")
        path = Path(nightly(tmp_path).stdout.strip())
    put("reports", path.name, path.read_bytes())
    reconcile.handler(event(path.name), None)
    assert keys == [{"claim": "CLM-889042"}]
    with closing(sqlite3.connect(tmp_path / "claims.db")) as db:
        (count,) = db.execute("SELECT count(*) FROM claims WHERE amount_cents < 1000000000").fetchone()
    assert len(_parse(reconcile, path.read_bytes()).claims) == count


GOOD = report(("CLM-889001", 1250), ("CLM-889002", 100))


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "cut off"),
        (b"\r\n", "cut off"),
        (GOOD[:-2], "cut off"),
        (GOOD[:60], "cut off"),
        (GOOD.replace(b"\r\n", b"\n"), "cut off"),
        (GOOD[42:], "line 1 .* no header"),
        (GOOD[:-42], "line 3 .* no trailer"),
        (GOOD.replace(b"HCLAIMS", b"HPAYMNT"), "no header"),
        (GOOD.replace(b"20300101000000", b"20301301000000"), "does not match format|unconverted"),
        (GOOD.replace(b"000001250", b"00000125 "), "line 2 .* no detail"),
        (GOOD.replace(b"DCLM-889001", b"X CLM-89001"), "line 2 .* no detail"),
        (GOOD.replace(b"CLM-889001", b"CLM-88900\xe9"), "US-ASCII"),
        (GOOD.replace(b"CLM-889002", b"CLM-889001"), "twice"),
        (GOOD.replace(b"T000000002", b"T000000003"), "says 3 claims, but the report has 2"),
        (GOOD.replace(b"000000000001350", b"000000000001351"), "says 1351 cents, but the report has 1350"),
        (GOOD + GOOD, "line 4 .* no detail"),
        (GOOD[:42] + b"\r\n" + GOOD[42:], "line 2 .* no detail"),
    ],
)
def test_a_report_that_is_not_sound_is_refused(reconcile: ModuleType, raw: bytes, complaint: str) -> None:
    """ValueError says why, and no claim is called missing."""
    put("reports", "RECON.20300101.txt", raw)
    with pytest.raises(ValueError, match=complaint):
        reconcile.handler(event(), None)


def test_a_sound_report_is_read(reconcile: ModuleType) -> None:
    """Number to cents, and when it was written."""
    assert _parse(reconcile, GOOD) == (NOW, {"CLM-889001": 1250, "CLM-889002": 100})


def _parse(reconcile: ModuleType, raw: bytes) -> Any:
    return reconcile.parse(raw)
