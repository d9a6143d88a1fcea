"""Event patterns: what is well formed, what is refused, and that moto matches what is not refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.events.models import EventPattern

from console.local.event_pattern import PatternError, checked

DETAIL: dict[str, Any] = {
    "kind": "flood",
    "river": "Rhine",
    "amount": 120.5,
    "tags": ["a", "b"],
    "ip": "10.0.0.7",
    "nothing": None,
    "sub": {"state": "new"},
}
#: patterns of the detail -> whether the event above matches
CASES = [
    ({"kind": ["flood"]}, True),
    ({"kind": ["fire", "flood"]}, True),
    ({"kind": ["fire"]}, False),
    ({"kind": ["flood"], "river": ["Elbe"]}, False),
    ({"amount": [120.5]}, True),
    ({"nothing": [None]}, True),
    ({"tags": ["b"]}, True),
    ({"sub": {"state": ["new"]}}, True),
    ({"sub": {"state": ["old"]}}, False),
    ({"kind": [{"prefix": "fl"}]}, True),
    ({"kind": [{"prefix": {"equals-ignore-case": "FL"}}]}, True),
    ({"kind": [{"suffix": "d"}]}, True),
    ({"kind": [{"suffix": {"equals-ignore-case": "OD"}}]}, True),
    ({"kind": [{"equals-ignore-case": "FLOOD"}]}, True),
    ({"kind": [{"wildcard": "f*d"}]}, True),
    ({"kind": [{"wildcard": "f*x"}]}, False),
    ({"kind": [{"anything-but": "fire"}]}, True),
    ({"kind": [{"anything-but": ["fire", "flood"]}]}, False),
    ({"kind": [{"anything-but": {"prefix": "fl"}}]}, False),
    ({"kind": [{"anything-but": {"suffix": ["x", "y"]}}]}, True),
    ({"kind": [{"anything-but": {"equals-ignore-case": ["FLOOD"]}}]}, False),
    ({"kind": [{"anything-but": {"wildcard": "fi*"}}]}, True),
    ({"amount": [{"anything-but": 5}]}, True),
    ({"amount": [{"numeric": [">", 100, "<=", 120.5]}]}, True),
    ({"amount": [{"numeric": ["=", 100]}]}, False),
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, True),
    ({"ip": [{"cidr": "10.1.0.0/24"}]}, False),
    ({"river": [{"exists": True}]}, True),
    ({"river": [{"exists": False}]}, False),
    ({"lake": [{"exists": False}]}, True),
    ({"$or": [{"kind": ["fire"]}, {"river": ["Rhine"]}]}, True),
    ({"$or": [{"kind": ["fire"]}, {"river": ["Elbe"]}]}, False),
]


@pytest.mark.parametrize(("detail", "matches"), CASES)
def test_what_is_taken_is_matched_by_moto(detail: dict[str, Any], matches: bool) -> None:
    """Each operator, met and not met."""
    pattern = checked({"source": ["claims"], "detail": detail})
    event: Any = {"source": "claims", "detail-type": "ClaimSubmitted", "detail": DETAIL}
    assert EventPattern.load(json.dumps(pattern)).matches_event(event) is matches


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (None, "a mapping with at least one member"),
        ([], "a mapping with at least one member"),
        ({}, "a mapping with at least one member"),
        ({"source": "claims"}, "source: a mapping or a list is expected"),
        ({"source": []}, "source: a mapping or a list"),
        ({"detail": {}}, "detail: a mapping or a list"),
        ({"detail": {"kind": "flood"}}, "detail.kind: a mapping or a list"),
        ({"source": [["claims"]]}, "source: a list in a list"),
        ({"source": [{}]}, "source: an operator is a mapping with one member"),
        ({"source": [{"prefix": "a", "suffix": "b"}]}, "an operator is a mapping with one member"),
        ({"source": [{"matches": "a"}]}, "the operator 'matches' is not played by the local Lambda"),
        ({"source": [{"prefix": 1}]}, "the operator 'prefix' does not take 1"),
        ({"source": [{"prefix": {"equals-ignore-case": 1}}]}, "'prefix' does not take"),
        ({"source": [{"anything-but": {}}]}, "'anything-but' does not take"),
        ({"source": [{"anything-but": []}]}, "'anything-but' does not take"),
        ({"source": [{"anything-but": {"numeric": ["=", 1]}}]}, "'anything-but' does not take"),
        ({"source": [{"numeric": [">"]}]}, "'numeric' does not take"),
        ({"source": [{"numeric": ["!=", 1]}]}, "'numeric' does not take"),
        ({"source": [{"numeric": [">", "1"]}]}, "'numeric' does not take"),
        ({"source": [{"cidr": "nowhere"}]}, "'cidr' does not take"),
        ({"source": [{"exists": "yes"}]}, "'exists' does not take"),
        ({"$or": [{"source": ["a"]}]}, "$or: a list of at least two mappings"),
        ({"detail": {"$or": [{"kind": ["a"]}, {"kind": "b"}]}}, "detail.kind: a mapping or a list"),
    ],
)
def test_what_is_wrong_or_not_played_is_a_sentence(pattern: object, said: str) -> None:
    """With the place in the pattern."""
    with pytest.raises(PatternError) as caught:
        checked(pattern)
    assert said in str(caught.value)


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
_NAMES = st.sampled_from(
    ["source", "$or", "prefix", "anything-but", "numeric", "cidr", "exists", "wildcard", "equals-ignore-case"]
)
_NODES = st.recursive(
    _SCALARS | st.sampled_from(["<", ">=", "10.0.0.0/8"]),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(_NAMES, each, max_size=3),
    max_leaves=12,
)


@given(_NODES)
def test_checking_raises_nothing_but_pattern_errors(pattern: object) -> None:
    """Law: whatever is not refused, moto can match against any event."""
    with suppress(PatternError):
        event: Any = {"source": ["a", 1, None], "detail": {"source": "b"}}
        EventPattern.load(json.dumps(checked(pattern))).matches_event(event)
