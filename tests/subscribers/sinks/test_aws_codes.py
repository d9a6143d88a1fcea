"""What AWS's error codes mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.sinks import aws_codes, statuses
from subscribers.sinks.channel import DETAIL_MAX, Item, Refusal, Response

ITEMS = [Item("a", b"{}"), Item("b", b"{}")]


@pytest.mark.parametrize("code", aws_codes.STATUSES)
def test_a_code_counts_for_more_than_its_status(code: str) -> None:
    """AWS answers 400 for much: each code is judged as the status that it means."""
    verdict = aws_codes.whole(ITEMS, Response(status=400, error_code=code, detail="why"), is_repeatable=True)
    meaning = statuses.meaning_of(aws_codes.STATUSES[code])
    named = verdict.retry if meaning.fate in ("retry", "authorize") else verdict.rejected
    assert named == dict.fromkeys((0, 1), Refusal(meaning.reason, aws_codes.STATUSES[code], f"{code}: why"))
    refusal, is_transient = aws_codes.of_item(code, "why")
    assert (refusal.reason, is_transient) == (meaning.reason, meaning.fate in ("retry", "authorize"))


def test_what_nobody_knows_is_judged_by_its_status() -> None:
    """A code of tomorrow."""
    verdict = aws_codes.whole(ITEMS, Response(status=503, error_code="Odd"), is_repeatable=True)
    assert {refusal.reason for refusal in verdict.retry.values()} == {"unavailable"}
    assert aws_codes.of_item("Odd", "x") == (Refusal("odd", 0, "Odd: x"), False)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("InvalidTraceId", "invalid_trace_id"),
        ("InvalidKMSResourceException", "invalid_kmsresource"),
        ("Exception", "rejected"),
        ("", "rejected"),
        ("a b", "rejected"),
        ("x" * 100, "rejected"),
    ],
)
def test_a_code_as_a_reason(code: str, reason: str) -> None:
    """A word that can be counted, whatever somebody sends."""
    assert aws_codes.word(code) == reason


@given(st.text(max_size=40), st.text(max_size=2000))
def test_any_code_is_a_reason(code: str, message: str) -> None:
    """A law: a short word, and what was said within its bounds."""
    refusal, _ = aws_codes.of_item(code, message)
    assert refusal.reason.replace("_", "").isalnum()
    assert len(refusal.reason) <= 100
    assert len(refusal.detail) <= DETAIL_MAX


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Xxx 2026 00:00:00 GMT"])
def test_a_clock_that_tells_nothing(date: str) -> None:
    """Then nobody knows when it answered."""
    assert aws_codes.told_at_s(Response(headers={"date": date})) is None
    assert aws_codes.told_at_s(Response(headers={"date": "Thu, 01 Jan 1970 00:01:00 GMT"})) == 60.0
