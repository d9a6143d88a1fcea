"""Intrinsics become what they stand for; what is not known stays, in one canonical form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.template.conditions import evaluate
from dashboards.template.intrinsics import resolve
from dashboards.template.references import named, pattern, text
from dashboards.template.scope import Scope


def _scope() -> Scope:
    return Scope(
        values={"Stage": "prod", "Port": 8080, "Zones": ["a", "b"], "Odd": "${X}"},
        ids={name: name for name in ("Stage", "Port", "Zones", "Odd", "Unset", "Queue", "Data")},
        pseudo={"AWS::Region": "eu-west-1"},
        mappings={"Sizes": {"prod": {"Memory": 512}}},
        conditions={"Yes": True, "No": False, "Perhaps": None},
        nested={"Data": {"Name": {"Ref": "Data/Table"}}},
        notes={},
    )


CASES: list[tuple[Any, Any]] = [
    ({"Ref": "Stage"}, "prod"),
    ({"Ref": "Unset"}, {"Ref": "Unset"}),
    ({"Ref": "AWS::Region"}, "eu-west-1"),
    ({"Ref": "AWS::AccountId"}, {"Ref": "AWS::AccountId"}),
    ({"Fn::GetAtt": "Queue.Arn"}, {"Fn::GetAtt": ["Queue", "Arn"]}),
    ({"Fn::GetAtt": ["Data", "Outputs.Name"]}, {"Ref": "Data/Table"}),
    ({"Fn::Sub": "a-${Stage}-${Port}"}, "a-prod-8080"),
    ({"Fn::Sub": "${!Stage}"}, "${Stage}"),
    ({"Fn::Sub": "${Odd}"}, "${X}"),
    ({"Fn::Sub": "${Odd}${Queue}"}, {"Fn::Sub": "${!X}${Queue}"}),
    ({"Fn::Sub": ["${A}-${Queue.Arn}", {"A": {"Ref": "Queue"}}]}, {"Fn::Sub": "${Queue}-${Queue.Arn}"}),
    ({"Fn::Sub": "${Data.Outputs.Name}/x"}, {"Fn::Sub": "${Data/Table}/x"}),
    (
        {"Fn::Sub": ["a${B}c", {"B": {"Fn::ImportValue": "n"}}]},
        {"Fn::Join": ["", ["a", {"Fn::ImportValue": "n"}, "c"]]},
    ),
    ({"Fn::Join": ["-", ["a", {"Ref": "Port"}, True]]}, "a-8080-true"),
    ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b"),
    ({"Fn::Join": ["", ["a", {"Ref": "Queue"}]]}, {"Fn::Join": ["", ["a", {"Ref": "Queue"}]]}),
    ({"Fn::Select": ["1", {"Fn::Split": ["/", "x/y"]}]}, "y"),
    ({"Fn::Select": [9, ["x"]]}, {"Fn::Select": [9, ["x"]]}),
    ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Memory"]}, 512),
    ({"Fn::FindInMap": ["Sizes", "dev", "Memory", {"DefaultValue": 128}]}, 128),
    ({"Fn::If": ["Yes", 1, 2]}, 1),
    ({"Fn::If": ["No", 1, 2]}, 2),
    ({"Fn::If": ["Perhaps", {"Ref": "AWS::NoValue"}, 2]}, 2),
    ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
    ({"Fn::Length": {"Ref": "Zones"}}, 2),
    ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}, '{"a":"prod"}'),
    ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, {"Fn::GetAZs": "eu-west-1"}),
    ({"Fn::Base64": {"Fn::Sub": "${Stage}"}}, {"Fn::Base64": "prod"}),
]


@pytest.mark.parametrize(("node", "expected"), CASES)
def test_an_intrinsic_becomes_what_it_stands_for(node: Any, expected: Any) -> None:
    """Every known function, known and unknown arguments; and what is left is left by a second reading."""
    found = resolve(node, _scope())
    assert found == expected
    assert resolve(found, _scope()) == expected


def test_an_unknown_function_is_told_and_left() -> None:
    """Fn::Foo of a macro stays as it is, with its arguments resolved."""
    scope = _scope()
    assert resolve({"Fn::Foo": {"Ref": "Stage"}}, scope) == {"Fn::Foo": "prod"}
    assert [note.text for note in (scope.notes or {}).values()] == [
        "Fn::Foo is a function that is not known here; it is left as it is."
    ]


_KEYS = st.sampled_from(
    [
        "Ref",
        "Fn::GetAtt",
        "Fn::Sub",
        "Fn::Join",
        "Fn::If",
        "Fn::Select",
        "Fn::Split",
        "Fn::FindInMap",
        "Fn::Length",
        "Fn::ToJsonString",
        "Fn::Transform",
        "Fn::Foo",
        "a",
    ]
)
_TEXTS = st.sampled_from(
    ["Stage", "Queue", "Queue.Arn", "${Queue}", "${!a}", "${Odd}x", "Yes", "", "No", "1", "${}"]
)
_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=2),
    max_leaves=20,
)


@given(_TREES)
def test_resolving_twice_is_resolving_once(node: Any) -> None:
    """Whatever the tree is: nothing is raised, and the result has nothing left that could be resolved."""
    once = resolve(node, _scope())
    assert resolve(once, _scope()) == once
    assert isinstance(named(once), tuple)
    assert isinstance(pattern(once), str)


CONDITIONS: list[tuple[Any, bool | None]] = [
    ({"Fn::Equals": [{"Ref": "Stage"}, "prod"]}, True),
    ({"Fn::Equals": [{"Ref": "Port"}, "8080"]}, True),
    ({"Fn::Equals": [{"Ref": "Unset"}, "x"]}, None),
    ({"Fn::Equals": [{"Ref": "Unset"}, {"Ref": "Unset"}]}, True),
    ({"Fn::Not": [{"Fn::Equals": ["a", "a"]}]}, False),
    ({"Fn::Not": [{"Fn::Equals": [{"Ref": "Unset"}, "a"]}]}, None),
    ({"Fn::And": [{"Condition": "Unknown"}, {"Fn::Equals": ["a", "b"]}]}, False),
    ({"Fn::Or": [{"Condition": "Unknown"}, {"Fn::Equals": ["a", "a"]}]}, True),
    ({"Fn::Or": [{"Condition": "Unknown"}, {"Fn::Equals": ["a", "b"]}]}, None),
    ({"Condition": "Circle"}, None),
    ("nonsense", None),
]


@pytest.mark.parametrize(("node", "expected"), CONDITIONS)
def test_a_condition_is_true_false_or_unknown(node: Any, expected: bool | None) -> None:
    """Three values, and a circle is unknown."""
    others = {"Unknown": {"Fn::Equals": [{"Ref": "Unset"}, "x"]}, "Circle": {"Condition": "It"}}
    assert evaluate({**others, "It": node}, _scope())["It"] is expected


REFERENCES: list[tuple[Any, tuple[str, ...], str | None, str]] = [
    ("queue", (), "queue", "queue"),
    (30, (), "30", "30"),
    ({"Ref": "Data/Queue"}, ("Data/Queue",), None, "*-Queue-*"),
    ({"Ref": "AWS::Region"}, (), None, "*"),
    ({"Fn::GetAtt": ["Queue", "Arn"]}, ("Queue",), None, "*-Queue-*"),
    ({"Fn::Sub": "${AWS::StackName}-a-${Queue}"}, ("Queue",), None, "*-a-*-Queue-*"),
    ({"Fn::Join": ["/", ["a", {"Ref": "B"}, {"Fn::GetAtt": ["C", "D"]}]]}, ("B", "C"), None, "a/*-B-*/*"),
]


@pytest.mark.parametrize(("node", "names", "known", "shape"), REFERENCES)
def test_a_tree_names_items_and_has_a_shape(
    node: Any, names: tuple[str, ...], known: str | None, shape: str
) -> None:
    """The names in order, the text where it is known, the pattern where it is not."""
    assert (named(node), text(node), pattern(node)) == (names, known, shape)
    assert pattern({"Ref": "Queue"}, {"Queue": "orders"}) == "orders"
