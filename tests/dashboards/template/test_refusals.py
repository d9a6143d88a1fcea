"""What SAM refuses: no more than the refused part is left out, and that is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.template.read import read_templates
from dashboards.template.values import Templates

HEAD = "Transform: AWS::Serverless-2016-10-31\nParameters: {Stage: {Type: String}}\n"
FUNCTION = "Type: AWS::Serverless::Function, Properties: {CodeUri: a/, Handler: a.b, Runtime: python3.13"


def read(text: str, folder: Path) -> Templates:
    """Read a template of this text."""
    path = folder / "template.yaml"
    path.write_text(HEAD + text)
    return read_templates([path])


@pytest.mark.parametrize("more", ["AutoPublishAlias: !Ref Stage", "AutoPublishAlias: !Sub '${Stage}-live'"])
def test_an_alias_that_only_a_deployment_knows_leaves_nothing_out(more: str, tmp_path: Path) -> None:
    """The translator refuses it; metrics do not have it."""
    found = read(f"Resources:\n  A: {{{FUNCTION}, {more}}}}}\n", tmp_path)
    assert "A" in found.items
    assert not [note for note in found.notes if note.level == "error"]


def test_a_broken_event_leaves_out_the_event_alone(tmp_path: Path) -> None:
    """The function, its other events and the rest of the template stay."""
    events = "Events: {Bad: {Type: Schedule}, Good: {Type: HttpApi, Properties: {Method: GET, Path: /a}}}"
    found = read(f"Resources:\n  A:\n    {{{FUNCTION}, {events}}}}}\n", tmp_path)
    types = {item.type for item in found.items.values()}
    assert {"AWS::Lambda::Function", "AWS::ApiGatewayV2::Api"} <= types
    (told,) = (note for note in found.notes if note.level == "error")
    assert told.text.startswith("A is without its event Bad.")
    assert told.place.line == 5


def test_an_unknown_property_of_globals_leaves_out_that_property(tmp_path: Path) -> None:
    """One misspelt word does not hide a template."""
    text = f"Globals: {{Function: {{Timeot: 3, Timeout: 9}}}}\nResources:\n  A: {{{FUNCTION}}}}}\n"
    found = read(text, tmp_path)
    assert found.items["A"].properties["Timeout"] == 9
    (told,) = (note for note in found.notes if note.level == "error")
    assert told.text.startswith("Globals are read without Function.Timeot.")
    assert told.place.line == 3


@pytest.mark.parametrize("where", ["missing.asl.json", "s3://bucket/machine.asl.json"])
def test_a_state_machine_whose_definition_is_elsewhere_is_still_there(where: str, tmp_path: Path) -> None:
    """Its alarms need no definition."""
    machine = f"{{Type: AWS::Serverless::StateMachine, Properties: {{DefinitionUri: '{where}'}}}}"
    assert "M" in read(f"Resources:\n  M: {machine}\n", tmp_path).items


def test_a_condition_that_yaml_takes_for_a_truth_value_is_judged(tmp_path: Path) -> None:
    """`No` is a name that people give."""
    text = "Conditions: {No: !Equals [a, b]}\nResources:\n  Q: {Type: AWS::SQS::Queue, Properties: "
    found = read(text + "{QueueName: !If [No, first, second]}}\n", tmp_path)
    assert found.items["Q"].properties["QueueName"] == "second"
