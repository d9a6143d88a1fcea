"""What templates say of timeouts, and what they leave open."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.insight.template_limits import (
    Limit,
    Queue,
    Route,
    TemplateError,
    limits,
    read_limits,
)

EXAMPLE = Path(__file__).parents[3] / "examples" / "claims" / "template.yaml"


def read(tmp_path: Path, text: str) -> dict[str, Limit]:
    """The limits of a template's text, by logical ID."""
    path = tmp_path / "template.yaml"
    path.write_text(text, encoding="utf-8")
    return {limit.logical_id: limit for limit in read_limits(path)}


def test_the_example_is_read_with_its_globals_routes_and_queues() -> None:
    """Own timeouts, that of Globals, the HTTP API's, and the queue's by a parameter's default."""
    found = {limit.name: limit for limit in read_limits(EXAMPLE)}
    assert found["submit-claim"].timeout_s == 2
    assert found["submit-claim"].routes == (Route("HTTP API", "POST /claims", 30.0),)
    assert found["notify-customer"].timeout_s == 10
    assert found["assess-claim"].queues == (Queue("ClaimsSubmitted", 18.0),)
    assert found["assess-claim"].notes == (
        "ClaimsSubmitted: VisibilityTimeout is a parameter's default, 18.",
    )


def test_sam_and_lambda_have_three_seconds_where_nothing_is_said(tmp_path: Path) -> None:
    """The default of both; Globals are SAM's alone."""
    found = read(
        tmp_path,
        "Globals: {Function: {Timeout: 20}}\nResources:\n"
        "  A: {Type: 'AWS::Serverless::Function', Properties: {}}\n"
        "  B: {Type: 'AWS::Lambda::Function', Properties: {}}\n",
    )
    assert {name: limit.timeout_s for name, limit in found.items()} == {"A": 20, "B": 3}


@pytest.mark.parametrize(
    "value", ["!If [Big, 60, 3]", "!Ref Unknown", "!FindInMap [a, b, c]", "soon", "true"]
)
def test_what_is_known_only_when_deployed_is_unknown_with_a_note(tmp_path: Path, value: str) -> None:
    """No guess: None, and a sentence that names the function."""
    found = read(
        tmp_path,
        f"Resources:\n  A:\n    Type: AWS::Serverless::Function\n    Properties:\n      Timeout: {value}\n",
    )["A"]
    assert found.timeout_s is None
    assert found.notes == ("A: Timeout is known only when the template is deployed.",)


def test_names_of_parameters_are_put_in(tmp_path: Path) -> None:
    """A name made by !Sub of defaults is known; one with a pseudo parameter is not."""
    found = read(
        tmp_path,
        "Parameters: {Stage: {Type: String, Default: test}, Seconds: {Type: Number, Default: 7}}\n"
        "Resources:\n"
        "  A: {Type: 'AWS::Serverless::Function', Properties: {"
        "FunctionName: !Sub 'pay-${Stage}', Timeout: !Ref Seconds}}\n"
        "  B: {Type: 'AWS::Serverless::Function', Properties: {FunctionName: !Sub '${AWS::StackName}-b'}}\n",
    )
    assert (found["A"].name, found["A"].timeout_s) == ("pay-test", 7)
    assert found["B"].name == ""


def test_a_function_is_found_by_its_name_or_by_its_logical_id() -> None:
    """CloudFormation makes a name of stack, logical ID and a random end."""
    unnamed, named = Limit(logical_id="Submit"), Limit(logical_id="Submit", name="submit")
    assert unnamed.is_of("claims-Submit-1A2B3C4D5E6F")
    assert unnamed.is_of("Submit")
    assert not unnamed.is_of("claims-Resubmit-1A2B3C4D5E6F")
    assert named.is_of("submit")
    assert not named.is_of("claims-Submit-1A2B3C4D5E6F")


def test_gateways_and_mappings_of_plain_cloudformation(tmp_path: Path) -> None:
    """Integrations and event source mappings that name a function, with their own timeouts."""
    found = read(
        tmp_path,
        """
Resources:
  Fn: {Type: 'AWS::Lambda::Function', Properties: {Timeout: 60}}
  Http:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {IntegrationUri: !GetAtt Fn.Arn, TimeoutInMillis: 10000}
  Rest:
    Type: AWS::ApiGateway::Method
    Properties:
      Integration: {Uri: !Sub 'arn:aws:apigateway:x:lambda:path/functions/${Fn.Arn}/invocations'}
  Map:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Fn, EventSourceArn: !GetAtt Q.Arn, MaximumBatchingWindowInSeconds: 5}
  Q: {Type: 'AWS::SQS::Queue'}
""",
    )["Fn"]
    assert found.routes == (Route("HTTP API", "Http", 10.0), Route("REST API", "Rest", 29.0))
    assert found.queues == (Queue("Q", 30.0, 5.0),)


@pytest.mark.parametrize("text", ["{", "- a list", "Resources: none", "\x00", "a: &a [*a]\n"])
def test_what_is_no_template_is_a_sentence(tmp_path: Path, text: str) -> None:
    """Never a traceback: the error names the file."""
    with pytest.raises(TemplateError, match=r"template\.yaml"):
        read(tmp_path, text)


def test_a_template_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """The error says that the file is missing."""
    with pytest.raises(TemplateError, match="cannot be read: No such file"):
        read_limits(tmp_path / "none.yaml")


_QUEUE = """
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 7
      Events: {E: {Type: SQS, Properties: {Queue: %s}}}
"""


@pytest.mark.parametrize(
    "value", ["!!float abc", "!!int abc", "!!bool abc", "!!int ''", "9" * 5000, "!!timestamp [x]"]
)
def test_a_value_that_is_none_of_its_type_is_a_sentence(tmp_path: Path, value: str) -> None:
    """What PyYAML cannot make of it, in whichever way it says so."""
    with pytest.raises(TemplateError, match=r"template\.yaml is no YAML: "):
        read(tmp_path, _QUEUE % "q" + f"      Description: {value}\n")


@pytest.mark.parametrize("value", ["2026-02-30", "2020-13-45", "!!timestamp x"])
def test_dates_are_text(tmp_path: Path, value: str) -> None:
    """No limit is a date, and one that does not exist stops nothing."""
    assert read(tmp_path, _QUEUE % "q" + f"      Description: {value}\n")["F"].timeout_s == 7


_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{above}'] * 9)}]\n"
    for above, name in zip("abcdefghi", "bcdefghij", strict=True)
)
_MERGED = (
    "m0: &m0 {"
    + ", ".join(f"k{i}: 1" for i in range(100))
    + "}\n"
    + "".join(f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 10)}]}}\n" for i in range(1, 8))
)


@pytest.mark.parametrize("bomb", [_BOMB + _QUEUE % "*j", _MERGED + _QUEUE % "q"])
def test_aliases_of_aliases_are_refused(tmp_path: Path, bomb: str) -> None:
    """A few hundred bytes that stand for millions of nodes."""
    with pytest.raises(TemplateError, match=r"more than 1,000,000 nodes, aliases written out"):
        read(tmp_path, bomb)


def test_an_alias_within_itself_is_refused(tmp_path: Path) -> None:
    """It has no end."""
    with pytest.raises(TemplateError, match="the alias x is part of what it stands for"):
        read(tmp_path, "x: &x {a: *x}\n" + _QUEUE % "*x")


@pytest.mark.parametrize("level", ["[", "- ", "{a: ", "? "])
def test_a_template_that_is_too_deep_is_a_sentence(tmp_path: Path, level: str) -> None:
    """libyaml's composer calls itself: hundreds of thousands of levels would end the process."""
    with pytest.raises(TemplateError, match="more than 200 levels deep"):
        read(tmp_path, level * 400_000)


def test_aliases_of_depth_count_as_deep(tmp_path: Path) -> None:
    """Levels behind an alias are levels."""
    lines = ["a0: &a0 [[[[[[[[[[x]]]]]]]]]]"]
    lines += [f"a{i}: &a{i} [[[[[[[[[[*a{i - 1}]]]]]]]]]]" for i in range(1, 30)]
    with pytest.raises(TemplateError, match="more than 200 levels deep, aliases written out"):
        read(tmp_path, "\n".join(lines) + _QUEUE % "*a29")


def test_a_few_aliases_are_what_they_stand_for(tmp_path: Path) -> None:
    """Anchors and merge keys are used in templates, too."""
    text = (
        "Common: &common {Timeout: 9}\nResources:\n  A: {Type: 'AWS::Serverless::Function',"
        " Properties: {<<: *common, FunctionName: a}}\n"
    )
    assert (read(tmp_path, text)["A"].timeout_s, read(tmp_path, text)["A"].name) == (9, "a")


def test_a_file_that_is_too_long_is_a_sentence(tmp_path: Path) -> None:
    """It is not read to its end."""
    with pytest.raises(TemplateError, match="longer than 5,000,000 bytes"):
        read(tmp_path, "#" * 5_000_001)


def test_a_tree_that_holds_itself_ends() -> None:
    """A tree that is no text's has no bound of its own."""
    tree: dict[str, object] = {}
    tree["a"] = [tree, {"Ref": "Q"}]
    own = {"FunctionName": {"Ref": "F"}, "EventSourceArn": tree}
    resources = {
        "F": {"Type": "AWS::Lambda::Function"},
        "M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": own},
        "Q": {"Type": "AWS::SQS::Queue"},
    }
    assert limits({"Resources": resources})[0].queues == (Queue("Q", 30.0),)


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Ref", "Fn::Sub", "Fn::GetAtt", "Type", "Path", "Queue"]), inner)
    ),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    [
        "Timeout",
        "FunctionName",
        "Events",
        "IntegrationUri",
        "Integration",
        "EventSourceArn",
        "VisibilityTimeout",
    ]
)
_KINDS = st.sampled_from(
    [
        "AWS::Serverless::Function",
        "AWS::Lambda::Function",
        "AWS::SQS::Queue",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGateway::Method",
        "AWS::Lambda::EventSourceMapping",
    ]
)


@given(st.dictionaries(st.text(max_size=3), st.tuples(_KINDS, st.dictionaries(_NAMES, _TREES))), _TREES)
def test_no_tree_raises(resources: dict[str, tuple[str, object]], parameters: object) -> None:
    """Law: whatever stands in a template, reading its limits ends with limits."""
    tree = {name: {"Type": kind, "Properties": own} for name, (kind, own) in resources.items()}
    found = limits({"Resources": tree, "Parameters": parameters})
    assert {one.logical_id for one in found} == {
        name for name, (kind, _) in resources.items() if kind.endswith("::Function")
    }
