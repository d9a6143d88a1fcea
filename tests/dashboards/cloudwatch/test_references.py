"""Names that only the deployed stack knows, in texts and in bodies."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.cloudwatch.references import REGION, Names, Reference, text_of_expression, token

_PLAIN = st.text(st.characters(exclude_categories=("Cs", "Co")), max_size=40) | st.sampled_from(
    ["${LABEL}", "${!x}", "$", "${", 'a"b\\', "${AWS::Region}"]
)
_PARTS = st.lists(_PLAIN | st.sampled_from([REGION, token(Reference("Submit", "Arn"))]), max_size=6)
_VALUES = {"AWS::Region": "eu-west-1", "Submit.Arn": "arn:submit", "SubmitArn": "arn:submit"}


def _deployed(value: Any) -> str:
    """What CloudFormation makes of a value: `${!x}` is `${x}`, `${x}` its value."""
    match value:
        case {"Fn::Sub": [str(text), dict(signs)]}:
            return re.sub(r"\$\{([^}]*)\}", lambda m: {**_VALUES, **signs}[m[1]], text)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(!?)([^}]*)\}", lambda m: "${" + m[2] + "}" if m[1] else _VALUES[m[2]], text)
        case {"Ref": name}:
            return _VALUES[name]
        case {"Fn::GetAtt": [item, attribute]}:
            return _VALUES[f"{item}.{attribute}"]
        case _:
            return str(value)


def _meant(parts: list[str]) -> str:
    wanted = {REGION: "eu-west-1", token(Reference("Submit", "Arn")): "arn:submit"}
    return "".join(wanted.get(part, part) for part in parts)


@given(parts=_PARTS, is_fragment=st.booleans())
def test_a_text_is_what_was_meant_once_it_is_deployed(parts: list[str], is_fragment: bool) -> None:
    """Literal `${` stays, references are put in."""
    value = Names(is_fragment=is_fragment).value("".join(parts))
    assert _deployed(value) == _meant(parts)


@given(parts=_PARTS, is_fragment=st.booleans())
def test_a_body_is_what_was_meant_once_it_is_deployed(parts: list[str], is_fragment: bool) -> None:
    """JSON with any text in it stays JSON with that text in it."""
    tree = {"start": "-PT3H", "widgets": [{"a": "".join(parts)}]}
    value = Names(is_fragment=is_fragment).json_value(tree)
    assert json.loads(_deployed(value)) == {"start": "-PT3H", "widgets": [{"a": _meant(parts)}]}


@pytest.mark.parametrize(
    ("expression", "in_a_fragment", "parameter"),
    [
        ({"Ref": "Submit"}, {"Ref": "Submit"}, "SubmitName"),
        ({"Fn::GetAtt": ["Queue", "QueueName"]}, {"Fn::GetAtt": ["Queue", "QueueName"]}, "QueueQueueName"),
        ({"Ref": "Inner/Submit"}, {"Ref": "InnerSubmitName"}, "InnerSubmitName"),
        ({"Fn::ImportValue": "name"}, {"Fn::ImportValue": "name"}, "FnImportValueNameText"),
    ],
)
def test_an_expression_is_itself_in_a_fragment_and_a_parameter_elsewhere(
    expression: Any, in_a_fragment: Any, parameter: str
) -> None:
    """What is in a nested stack is a parameter everywhere."""
    text = text_of_expression(expression)
    assert Names(is_fragment=True).value(text) == in_a_fragment
    names = Names(is_fragment=False)
    assert names.value(text) == {"Ref": parameter}
    assert list(names.asked) == [parameter]


def test_a_joined_name_is_one_text() -> None:
    """Sub and Join are read into their parts."""
    joined = text_of_expression({"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}]]})
    assert Names(is_fragment=False).value(joined) == {"Fn::Sub": "a-${AWS::Region}"}
    assert text_of_expression({"Fn::Sub": "a-${AWS::Region}"}) == joined
    assert text_of_expression({"Fn::Sub": "a-${!x}"}) == "a-${x}"
