"""Error rates where some outcomes are not known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.insight.parity_outcomes import judge_outcomes, readings
from subscribers.insight.parity_traffic import UNKNOWN, Served
from subscribers.insight.parity_verdict import Errors, judge_errors

COUNTS = st.integers(0, 3000)


def served(told: int, failed: int = 0, unknown: int = 0, killed: int = 0) -> Served:
    """told: by the layer, failed of them; unknown and killed: only by the platform."""
    statuses = {"2xx": told - failed, "5xx": failed, UNKNOWN: unknown, "": killed}
    count = told + unknown + killed
    return Served(count=count, failed=failed + killed, killed=killed, statuses=statuses)


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (served(100, 3, killed=2), [(5, 102)]),
        (served(100, 20, unknown=900), [(20, 100), (20, 1000)]),
        (served(100, 0, unknown=900, killed=50), [(5, 105), (50, 1050)]),
        (served(0, unknown=90, killed=10), [(10, 100), (100, 100)]),
    ],
)
def test_readings(side: Served, expected: list[tuple[int, int]]) -> None:
    """Known outcomes first, killed ones as often as a sample would have them; then all."""
    assert [(one.failed, one.count) for one in readings(side)] == expected


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_what_is_known_is_judged_as_ever(n: int, m: int, k: int, j: int) -> None:
    """Without anything unknown it is the plain comparison."""
    k, j = min(k, n), min(j, m)
    found = judge_outcomes(served(n, k), served(m, j), old_grows=True)
    plain = judge_errors(Errors(k, n), Errors(j, m))
    assert (found.judged.verdict, found.unknown, found.routeless) == (plain.verdict, False, False)


@given(st.integers(1, 2000), COUNTS, COUNTS, st.integers(0, 200))
def test_what_is_not_known_only_takes_verdicts_away(told: int, unknown: int, failed: int, lost: int) -> None:
    """A verdict is that on the known outcomes, or none; and where it is none for a doubt, one is named."""
    old, new = served(2000, 20), served(told, min(failed, told), unknown)
    plain = judge_errors(readings(old)[0], readings(new)[0]).verdict
    found = judge_outcomes(old, new, (0, lost), old_grows=True)
    assert found.judged.verdict in (plain, "inconclusive")
    assert (found.unknown or found.routeless) or found.judged.verdict == plain


def test_doubts_are_named_by_their_cause() -> None:
    """What is unknown of the new side, what is lost of either; numbers of a baseline have nothing unknown."""
    old, new = served(2000), served(2000)
    assert judge_outcomes(old, new, (0, 100), old_grows=True).routeless
    assert judge_outcomes(old, served(2000, 100), (100, 0), old_grows=True).routeless
    found = judge_outcomes(old, served(100, 20, unknown=1900), old_grows=True)
    assert (found.unknown, found.judged.verdict, found.judged.factor) == (True, "inconclusive", math.inf)
    assert judge_outcomes(Served(), new, share=0.005, old_grows=False).judged.verdict == "as_good"
    assert math.isnan(judge_outcomes(Served(), new, old_grows=True).judged.change)


def test_killed_more_often_whatever_was_answered() -> None:
    """A function without a layer answers nobody knows what; that it is killed is known, and worse."""
    found = judge_outcomes(served(2000), served(0, unknown=900, killed=100), old_grows=True)
    assert found.judged.verdict == "regressed"
    assert judge_outcomes(served(2000), served(0, unknown=2000), old_grows=True).unknown
