"""The forest: what is below what, told and found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from subscribers.correlate_forest import ROOT, Forest
from subscribers.correlate_intervals import MOST
from tests.subscribers.samples import span

#: Of each span a parent before it, or none.
PARENTS = st.lists(st.integers(-1, 20), max_size=20).map(
    lambda drawn: [parent if parent < i else ROOT for i, parent in enumerate(drawn)]
)
PUTS = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=20)


def forest(parents: list[int]) -> Forest:
    """Spans with these parents."""
    return Forest([span(f"s{i}") for i in range(len(parents))], parents, ["one"] * len(parents))


def above(parents: list[int], i: int) -> list[int]:
    """What a span is below, the nearest first."""
    found = []
    while (i := parents[i]) != ROOT:
        found.append(i)
    return found


@given(PARENTS, PUTS)
def test_laws_of_forests(parents: list[int], puts: list[tuple[int, int]]) -> None:
    """Roots are given parents without a circle, and everything knows what it is below."""
    told = [*parents]
    made = forest(parents)
    for i, parent in puts:
        if i < len(told) and parent < len(told) and parents[i] == ROOT:
            is_circle = i in (parent, *above(parents, parent))
            assert made.put(i, parent) is not is_circle
    for i in range(len(told)):
        known = above(parents, i)
        assert made.top(i) == [i, *known][-1]
        assert [other for other in range(len(told)) if made.is_below(i, other)] == sorted(known)
    innermost = [i for i in range(len(told)) if not any(i in above(told, j) for j in range(len(told)))]
    assert sorted(made.innermost(list(range(len(told))))) == innermost
    assert made.found == {i for i in range(len(told)) if told[i] != parents[i]}


def test_far_below() -> None:
    """Only so far up is looked."""
    made = forest([n - 1 for n in range(MOST + 2)])
    assert made.is_below(MOST, 0)
    assert not made.is_below(MOST + 1, 0)
