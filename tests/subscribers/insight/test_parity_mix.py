"""Whether both sides answer alike."""

from __future__ import annotations

import pytest

from subscribers.insight.parity_mix import Shift, latencies, same_class, shifts
from subscribers.insight.parity_traffic import Served
from subscribers.insight.sketch import Sketch


def answers(**classes: int) -> Served:
    """Answers by class, as in ok=200, moved=3, refused=4, failed=5, other=0."""
    names = {"ok": "2xx", "moved": "3xx", "refused": "4xx", "failed": "5xx", "other": ""}
    statuses = {names[word]: n for word, n in classes.items()}
    return Served(count=sum(statuses.values()), statuses=statuses)


@pytest.mark.parametrize(
    ("old", "new", "shifted"),
    [
        (answers(ok=1000), answers(ok=1000), []),
        (answers(ok=1000), answers(refused=1000), ["2xx", "4xx"]),
        (answers(ok=1000), answers(moved=1000), ["2xx", "3xx"]),
        (answers(ok=900, refused=100), answers(ok=1000), ["2xx", "4xx"]),
        (answers(ok=1000), answers(ok=995, refused=5), []),  # within a point
        (answers(ok=10), answers(ok=9, refused=1), []),  # chance
        (answers(ok=1000), answers(ok=500, failed=500), []),  # errors are judged by themselves
        (answers(ok=500, failed=500), answers(ok=1000), []),
        (answers(other=1000), answers(refused=1000), []),  # nothing known to compare with
        (Served(), answers(ok=5), []),
    ],
)
def test_shifts(old: Served, new: Served, shifted: list[str]) -> None:
    """By more than chance and a point, either way, among answers that are no errors."""
    assert [one.status for one in shifts(old, new)] == shifted


def test_a_shift_has_its_shares() -> None:
    """From 0 to 1."""
    assert shifts(answers(ok=1000), answers(ok=600, refused=400))[1] == Shift("4xx", 0.0, 0.4)


def test_the_class_to_compare_in() -> None:
    """The old side's most frequent successful one that both have."""
    old = answers(ok=10, moved=90, refused=900)
    assert same_class(old, answers(ok=5, moved=5)) == "3xx"
    assert same_class(old, answers(ok=5, refused=50)) == "2xx"
    assert same_class(old, answers(refused=50)) == ""


def test_latencies_of_a_class() -> None:
    """Nothing where a side has none of it."""
    all, warm = Sketch.of([1.0, 2.0]), Sketch.of([1.0])
    side = Served(answered={"2xx": all}, answered_warm={"2xx": warm})
    assert latencies(side, "2xx") == (all, warm)
    assert latencies(side, "") == (Sketch(), Sketch())
