"""The legacy application under load, and beside a job that locks its table."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.examples.legacy import EXAMPLE, Legacy, nightly, running


def test_requests_wait_for_a_connection(tmp_path: Path) -> None:
    """A pool of one: the second of two statements waits, which is a warning."""
    with running(tmp_path, pool=1) as legacy:
        replies = legacy.at_once(*[lambda: legacy.get("/policies/POL-100/statement")] * 2)
        assert [reply.status_code for reply in replies] == [200, 200]
        (event,) = legacy.events("for a database connection (pool of 1)")
    assert event["level"] == "WARN "
    waited, _, rest = event["message"].removeprefix("waited ").partition(" ")
    assert int(waited) > 100
    assert rest == "ms for a database connection (pool of 1)"


def test_who_gets_no_connection_is_told_to_come_back(tmp_path: Path) -> None:
    """Four restores at 2.6 s each over one connection: the last is answered 503 after 5 s, an ERROR."""
    with running(tmp_path, pool=1) as legacy:
        replies = legacy.at_once(*[lambda: legacy.get("/policies/POL-901")] * 4)
        statuses = sorted(reply.status_code for reply in replies)
        assert (statuses[0], statuses[-1]) == (200, 503)
        refused = next(reply for reply in replies if reply.status_code == 503)
        assert refused.json() == {"message": "too busy, try again later"}
        events = legacy.events("no database connection after")
        assert {event["level"] for event in events} == {"ERROR"}
        assert legacy.get("/policies/POL-100").status_code == 200


def test_writers_wait_for_the_reorganisation_or_give_up(tmp_path: Path) -> None:
    """A lock over 5 s: 500 for who came early, a warning for who came late; readers go on."""
    with running(tmp_path) as legacy, _locked(legacy, seconds=7):
        assert legacy.get("/policies/POL-100").status_code == 200
        early = legacy.post("/registrations", {"number": "CLM-600001", "policy": "POL-100", "amount": 1})
        late = legacy.post("/registrations", {"number": "CLM-600002", "policy": "POL-100", "amount": 1})
        assert (early.status_code, early.json()) == (500, {"message": "internal error"})
        assert late.status_code == 201
        (gave_up,) = legacy.events("gave up after")
        (waited,) = legacy.events("ms for table CLAIMS, locked by another job")
        assert (gave_up["level"], waited["level"]) == ("ERROR", "WARN ")
        assert legacy.get("/claims/CLM-600001").status_code == 404
    assert legacy.events("REORG of table CLAIMS: released")


def test_a_restart_keeps_what_was_stored(tmp_path: Path) -> None:
    """The database is seeded once."""
    claim = {"number": "CLM-600003", "policy": "POL-100", "amount": 1}
    for status in (201, 200):
        with running(tmp_path) as legacy:
            assert legacy.post("/registrations", claim).status_code == status


@pytest.mark.parametrize("size", ["0", "-1", "many", "65", ""])
def test_a_pool_of_no_size_is_refused(tmp_path: Path, size: str) -> None:
    """A sentence, and no start."""
    command = [sys.executable, "-I", str(EXAMPLE / "legacy" / "app.py"), "0", str(tmp_path)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={"LEGACY_POOL": size},
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        f"LEGACY_POOL is {size!r}, but must be 1 to 64 connections\n",
    )


class _locked:  # noqa: N801
    """The nightly job beside the application, once it has locked the table."""

    def __init__(self, legacy: Legacy, seconds: float) -> None:
        self.legacy, self.seconds = legacy, seconds

    def __enter__(self) -> None:
        script = str(EXAMPLE / "legacy" / "nightly.py")
        command = [sys.executable, "-I", script, str(self.legacy.folder), "--hold", str(self.seconds)]
        self.job = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not self.legacy.events("REORG of table CLAIMS: locked"):
            assert time.monotonic() < until
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        assert self.job.wait(30) == 0


def test_the_job_says_what_it_needs(tmp_path: Path) -> None:
    """Wrong use ends with a sentence and no file."""
    assert "holds no claims.db" in nightly(tmp_path).stderr
    for hold in ("-1", "nan", "soon", "1e9"):
        assert nightly(tmp_path, "--hold", hold).returncode == 2
    assert not list(tmp_path.iterdir())
