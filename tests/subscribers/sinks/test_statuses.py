"""Transient told from permanent: the table, and what it says of whole requests."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.sinks.channel import DETAIL_MAX, Item, NotSent, Response, Unknown
from subscribers.sinks.statuses import (
    AFTER_MAX_S,
    STATUSES,
    UNKNOWN_STATUSES,
    meaning_of,
    retry_after_s,
    whole,
)

DOCS = (Path(__file__).parents[3] / "docs" / "delivery.md").read_text(encoding="utf-8")
TWO = [Item("a", b"{}"), Item("b", b"{}")]


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_is_documented(status: int) -> None:
    """With its reason, and why."""
    meaning = STATUSES[status]
    (row,) = (line for line in DOCS.splitlines() if line.startswith(f"| {status} |"))
    assert f"`{meaning.reason}`" in row
    assert row.endswith(f"| {meaning.why} |")


@pytest.mark.parametrize("reason", [*get_args(NotSent), *get_args(Unknown)])
def test_each_fault_is_documented(reason: str) -> None:
    """By its name."""
    assert f"`{reason}`" in DOCS


@pytest.mark.parametrize("status", [199, 302, 418, 499, 599])
def test_other_statuses_go_by_their_class(status: int) -> None:
    """Nothing is delivered by a status that nobody knows."""
    verdict = whole(TWO, Response(status=status))
    assert verdict.retry.keys() | verdict.rejected.keys() == {0, 1}


@pytest.mark.parametrize("fault", [*get_args(NotSent), *get_args(Unknown)])
@pytest.mark.parametrize("is_repeatable", [True, False])
def test_no_response(fault: str, is_repeatable: bool) -> None:
    """What may have been taken is sent again only where that is harmless."""
    verdict = whole(TWO, Response(fault=fault), is_repeatable=is_repeatable)
    is_kept = fault in get_args(Unknown) and not is_repeatable
    assert set(verdict.rejected) == ({0, 1} if is_kept else set())
    assert set(verdict.retry) == (set() if is_kept else {0, 1})
    assert verdict.is_down


@given(st.integers(100, 999), st.booleans(), st.text(max_size=2000))
def test_every_item_has_a_verdict(status: int, is_repeatable: bool, detail: str) -> None:
    """Of whatever status; details have an end."""
    verdict = whole(TWO, Response(status=status), detail, is_repeatable=is_repeatable)
    both = {**verdict.retry, **verdict.rejected}
    assert both.keys() == {0, 1}
    assert not verdict.retry.keys() & verdict.rejected.keys()
    assert all(len(refusal.detail) <= DETAIL_MAX for refusal in both.values())
    if not is_repeatable and status in UNKNOWN_STATUSES:
        assert not verdict.retry
    assert verdict.is_too_large == (meaning_of(status).fate == "halve")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "999999999999999999"}, AFTER_MAX_S),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "٣"}, 0.0),
        ({}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 03:30:40 GMT", "date": "Sat, 21 Nov 2026 03:30:10 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 03:30:00 GMT", "date": "Sat, 21 Nov 2026 03:30:10 GMT"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 03:30:40 GMT"}, 0.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float) -> None:
    """Seconds, or a date by the other side's own clock; nothing that can be understood is nothing."""
    assert retry_after_s(headers) == seconds


@given(st.text(), st.text())
def test_retry_after_never_raises(after: str, date: str) -> None:
    """Whatever somebody writes there."""
    assert 0.0 <= retry_after_s({"retry-after": after, "date": date}) <= AFTER_MAX_S
