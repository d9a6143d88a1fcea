"""What a page begins with: which side fails, since when, and what to look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.preview.render import preview
from dashboards.preview.summary import Told, sentence
from subscribers.store import Store
from tests.dashboards.preview.filled import FIRST, LAST, filled_store
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM


def _side(name: str, requests: float, failed: float, p95_ms: float | None) -> Told:
    return Told(name, "endpoint", f"submit/{name.lower()}", requests, failed, p95_ms)


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        (
            [_side("Serverless", 200, 4, 312), _side("Legacy", 50, 0, 73)],
            "Serverless fails 2 % of 200 requests, legacy 0 % of 50; p95 312 ms against 73 ms (legacy).",
        ),
        (
            [_side("Legacy", 50, 0, 73), _side("Serverless", 20, 0, 30)],
            "None of 50 (legacy) and 20 (serverless) requests failed; p95 73 ms against 30 ms (serverless).",
        ),
        ([_side("Legacy", 75, 0, 3)], "None of 75 requests failed; p95 3 ms."),
        (
            [_side("Legacy", 1, 1, None), _side("Serverless", 0, 0, None)],
            "Legacy fails 100 % of 1 request; how long they take is not known. "
            "No request on the serverless side.",
        ),
        ([_side("Legacy", 0, 0, None)], "No request in this time."),
    ],
)
def test_sides_are_compared_in_one_sentence(sides: list[Told], expected: str) -> None:
    """The one that fails more comes first, and a side without requests is named."""
    assert sentence(sides) == expected


def test_an_endpoint_says_who_fails_since_when_and_the_newest_error(tmp_path: Path) -> None:
    """Of the sample: two of ten requests of the function, one of two of the legacy application."""
    document = preview(SYSTEM, PAGES, ALARMS, filled_store(tmp_path).query, FIRST, LAST)[
        "endpoint-submit.html"
    ]

    assert "Legacy fails 50 % of 2 requests, serverless 20 % of 10;" in document
    assert "Legacy: 1 failed, at 04:00:01 UTC; none in the 8 s since." in document
    assert "Serverless: 2 failed, from 04:00:03 to 04:00:08 UTC" in document
    assert ">Newest error</a> 04:00:" in document


def test_an_empty_store_has_no_summary(tmp_path: Path) -> None:
    """Nothing is not the same as none that failed."""
    store = Store(tmp_path)
    store.append([])

    files = preview(SYSTEM, PAGES, ALARMS, store.query, 0, LAST)

    assert not any('class="summary' in document for document in files.values())
