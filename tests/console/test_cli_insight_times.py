"""Which period `observe insight` asks about."""

from __future__ import annotations

import json
import time
from pathlib import Path

import msgspec
import pytest

from subscribers.store import Store
from tests.console.test_cli_insight import run
from tests.subscribers.samples import span


@pytest.mark.parametrize("period", [("--last", "2h"), ("--from", "2h")])
def test_a_period_without_an_end_ends_now(tmp_path: Path, period: tuple[str, str]) -> None:
    """So there is a period of equal length before it, with which `time` compares."""
    now, hour = time.time_ns(), 3_600_000_000_000
    opened = Store(tmp_path / "store")
    for n, at in enumerate((now - 3 * hour, now - hour)):
        one = span(f"s{n}", 0, 1, "front", "serverless", trace_id=f"{n + 1:032x}")
        opened.append([msgspec.structs.replace(one, start_unix_nano=at, end_unix_nano=at + 1_000_000)])
    told = json.loads(run("time", "--store", tmp_path / "store", *period, "--json").stdout)
    assert [note for note in told["notes"] if note.startswith("Before: a period of equal length")]
