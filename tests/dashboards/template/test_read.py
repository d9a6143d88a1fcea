"""Templates in files are read whole, in order, with lines; what is broken is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.template.read import read_templates
from dashboards.template.values import Deployment, TemplateError, Templates
from tests.dashboards.cases import CASES


def _read(name: str) -> Templates:
    return read_templates(CASES[name].templates)


def _written(folder: Path, text: str | bytes, name: str = "template.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", CASES)
def test_every_template_of_the_corpus_is_read_without_an_error(name: str) -> None:
    """No error notes; every item is at the line of what made it; and the result is the same every time."""
    found = _read(name)
    assert [note.text for note in found.notes if note.level == "error"] == []
    assert found.items
    assert found == _read(name)
    assert not [item.id for item in found.items.values() if item.type.startswith("AWS::Serverless::")]
    for item in found.items.values():
        line = Path(item.place.file).read_text().splitlines()[item.place.line - 1]
        assert item.source_id in line, item.id


def test_nested_stacks_get_parameters_and_give_outputs() -> None:
    """Two levels down and two up, every ID qualified by the stacks it is in."""
    items = _read("nested").items
    assert items["Data/Queue"].properties["QueueName"] == "bookings-test"
    assert items["Data/Queue"].properties["VisibilityTimeout"] == 240
    assert items["Data/Tables/Bookings"].stack == ("Data", "Tables")
    assert items["Report"].properties["Environment"]["Variables"]["TABLE"] == {"Ref": "Data/Tables/Bookings"}
    assert items["Web/ConfirmBooked"].properties["EventSourceArn"] == {"Fn::GetAtt": ["Data/Queue", "Arn"]}
    assert items["Web/Book"].place.file.endswith("stacks/web.yaml")


def test_templates_import_what_others_export() -> None:
    """The export's value is put in; names that both have are told apart; an unknown import stays."""
    found = _read("two_templates")
    assert found.items["ShipOrdered"].properties["EventSourceArn"] == {"Fn::GetAtt": ["Queue", "Arn"]}
    assert {"messaging/Dead", "workers/Dead"} <= set(found.items)
    assert found.items["Track"].properties["Environment"]["Variables"]["ELSEWHERE"] == {
        "Fn::ImportValue": "carrier-table"
    }
    assert [note.text for note in found.notes] == [
        "carrier-table is imported from a stack whose template was not given."
    ]


def test_loops_are_written_out() -> None:
    """Fn::ForEach over a parameter and over a list; what SAM makes in it has the line of the loop."""
    items = _read("for_each").items
    assert items["QueueSouth"].properties["RedrivePolicy"]["maxReceiveCount"] == 3
    assert [items[f"Sort{area}"].properties["Timeout"] for area in ("North", "South", "West")] == [10, 20, 30]
    assert items["SortWestParcel"].source_id == "Fn::ForEach::Functions"
    assert items["SortWestParcel"].properties["EventSourceArn"] == {"Fn::GetAtt": ["QueueWest", "Arn"]}


def test_a_definition_in_a_file_is_put_in() -> None:
    """OpenAPI beside the template becomes the API's body, and the file is among those that were read."""
    found = _read("rest_openapi")
    assert "/returns" in found.items["OrdersApi"].properties["Body"]["paths"]
    assert [Path(file).name for file in found.files] == ["template.yaml", "openapi.yaml"]
    assert found.items["CreateOrder"].metadata["HybridObserve"]["owner"] == "orders"


def test_a_deployment_says_what_the_template_does_not() -> None:
    """Region, account and parameters are put in, and a condition becomes known."""
    known = Deployment(region="eu-west-1", account="123456789012", stack="s", parameters={"Tag": "canary"})
    items = read_templates(CASES["containers"].templates, known).items
    assert items["Transcode"].properties["ReservedConcurrentExecutions"] == 2
    assert items["Preview"].condition == ""
    assert _read("containers").items["Preview"].condition == "IsCanary"


def test_no_secret_default_is_put_in(tmp_path: Path) -> None:
    """NoEcho stays a reference, of SAM's resources as well."""
    text = (
        "Transform: AWS::Serverless-2016-10-31\n"
        "Parameters: {S: {Type: String, NoEcho: true, Default: hunter2}}\n"
        "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13, Handler: a.b, "
        "CodeUri: x/, Environment: {Variables: {A: !Sub 'x${S}', B: !Ref S}}}}}\n"
    )
    assert b"hunter2" not in msgspec.json.encode(read_templates([_written(tmp_path, text)]))


_HEAD = "Transform: AWS::Serverless-2016-10-31\nResources:\n"
_GOOD = (
    "  Good: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13, Handler: a.b, CodeUri: x}}\n"
)


def test_what_sam_refuses_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    """One bad function: an error with its line, and the good one is there."""
    bad = "  Bad: {Type: AWS::Serverless::Function, Properties: {Events: 7, Nonsense: 1}}\n"
    path = _written(tmp_path, _HEAD + bad + _GOOD)
    found = read_templates([path])
    assert {"Good", "GoodRole"} <= set(found.items)
    assert "Bad" not in found.items
    (note,) = found.notes
    assert (note.level, note.subject, str(note.place)) == ("error", "Bad", f"{path}:3")
    assert note.text.startswith("Bad is left out.")


def test_a_circle_of_stacks_is_told(tmp_path: Path) -> None:
    """A template that nests itself is read once."""
    text = "Resources:\n  Me: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: template.yaml}}\n"
    found = read_templates([_written(tmp_path, text)])
    assert list(found.items) == ["Me"]
    assert "a circle" in found.notes[0].text


BROKEN: list[tuple[str | bytes, str]] = [
    ("", ":1: The file is empty."),
    ("a: [1\nb: 2\n", ":2: The file is no YAML or JSON: "),
    ("Resources:\n\tA: 1\n", ":2: The file is no YAML or JSON: "),
    ("- 1\n", ":1: This is no template, but a list."),
    ("A: 1\nResources: {}\n", ":2: The template has no Resources."),
    (b"A: 1\nB: \xff\xfe\n", ":2: The file is no text in UTF-8."),
    (b"\x7fELF\n\0\0", ":2: The file is no text: it has a byte 0."),
    (
        "Resources: " + "[" * 150 + "]" * 150,
        ":1: The file is no YAML or JSON: it is more than 90 levels deep.",
    ),
    ("Resources: &a [*a]\n", ":1: The file is no YAML or JSON: "),
]


@pytest.mark.parametrize(("text", "sentence"), BROKEN)
def test_a_broken_file_is_a_sentence_with_its_line(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    """Whatever is wrong with the file itself."""
    path = _written(tmp_path, text)
    with pytest.raises(TemplateError) as raised:
        read_templates([path])
    assert str(raised.value).startswith(f"{path}{sentence}")


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    """Both are mistakes of whoever typed the command."""
    with pytest.raises(TemplateError, match=r"nowhere\.yaml: There is no such file\.$"):
        read_templates([tmp_path / "nowhere.yaml"])
    with pytest.raises(TemplateError, match=r"This is a folder; name the template in it\.$"):
        read_templates([tmp_path])
    with pytest.raises(TemplateError, match=r"^No template was given\.$"):
        read_templates([])


def test_other_ways_to_write_a_file_are_read(tmp_path: Path) -> None:
    """Byte order marks, CRLF and tabs in JSON; a key written twice is told with its line."""
    texts: list[str | bytes] = [
        b"\xef\xbb\xbfResources:\r\n  Q: {Type: 'AWS::SQS::Queue'}\r\n",
        '{\n\t"Resources": {\n\t\t"Q": {"Type": "AWS::SQS::Queue"}}}',
        "Resources:\n  Q: {Type: 'AWS::SQS::Queue'}\n".encode("utf-16"),
    ]
    for text in texts:
        assert list(read_templates([_written(tmp_path, text)]).items) == ["Q"]
    twice = "Resources:\n  Q: {Type: 'AWS::SQS::Queue'}\n  Q: {Type: 'AWS::SNS::Topic'}\n"
    (note,) = read_templates([_written(tmp_path, twice)]).notes
    assert (note.text, note.place.line) == ("The key 'Q' is written twice here; the last one counts.", 3)


def test_many_functions_are_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every one of them, and nothing of the translator reaches stdout or stderr."""
    one = (
        "  F{0}: {{Type: AWS::Serverless::Function, Properties: {{Runtime: python3.13, Handler: a.b, "
        "CodeUri: x, Events: {{A: {{Type: HttpApi, Properties: {{Method: GET, Path: /f{0}}}}}}}}}}}\n"
    )
    text = _HEAD + "".join(one.format(number) for number in range(50))
    found = read_templates([_written(tmp_path, text)])
    assert sum(item.type == "AWS::Lambda::Function" for item in found.items.values()) == 50
    assert capfd.readouterr() == ("", "")


_KEYS = st.sampled_from(
    [
        "Type",
        "Properties",
        "Events",
        "Condition",
        "Metadata",
        "DependsOn",
        "Ref",
        "Fn::If",
        "Fn::Sub",
        "Fn::GetAtt",
        "A",
        "B",
        "Fn::ForEach::X",
        "Policies",
        "DefinitionBody",
        "TemplateURL",
        "Parameters",
        "CodeUri",
    ]
)
_VALUES = st.sampled_from(
    [
        "AWS::Serverless::Function",
        "AWS::Serverless::Api",
        "AWS::Serverless::HttpApi",
        "AWS::SQS::Queue",
        "A",
        "${A}",
        "AWS::CloudFormation::Stack",
        "AWS::Serverless::StateMachine",
        "AWS::Serverless::Application",
        "",
    ]
)
_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=25,
)
_RESOURCES = st.dictionaries(
    st.sampled_from(["A", "B", "Fn::ForEach::X"]),
    _TREES | st.fixed_dictionaries({"Type": _VALUES, "Properties": _TREES}),
    min_size=1,
)
_OTHERS = ("Parameters", "Conditions", "Mappings", "Globals", "Outputs", "Transform")
_SECTIONS = st.fixed_dictionaries(
    {"Resources": _RESOURCES},
    optional=dict.fromkeys(_OTHERS, _TREES),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(tree=_SECTIONS)
def test_any_tree_is_read_or_refused(tmp_path: Path, tree: Any) -> None:
    """Whatever is in a template, nothing but TemplateError is raised."""
    text = msgspec.json.encode({"AWSTemplateFormatVersion": "2010-09-09", **tree})
    try:
        found = read_templates([_written(tmp_path, text)])
    except TemplateError:
        return
    assert all(item.place.line for item in found.items.values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text() | st.binary())
def test_any_text_is_read_or_refused(tmp_path: Path, text: str | bytes) -> None:
    """Whatever is in a file."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    with pytest.raises(TemplateError, match=r"template\.yaml"):
        read_templates([_written(tmp_path, data)])


def test_a_parameter_that_no_template_has_is_told_with_what_it_may_have_meant(tmp_path: Path) -> None:
    """So that a misspelt option does not leave a default in silence."""
    path = _written(tmp_path, "Parameters: {Stage: {Type: String, Default: a}}\nResources: {A: {Type: T}}")
    given = Deployment(parameters={"Stge": "live", "Nope": "1"})
    said = [note.text for note in read_templates([path], given).notes if note.level == "warning"]
    assert said == [
        "No template has the parameter 'Stge', of which a value is given. Did you mean 'Stage'?",
        "No template has the parameter 'Nope', of which a value is given.",
    ]


def test_a_parameter_that_nobody_gave_is_told_with_its_line(tmp_path: Path) -> None:
    """Not one with a default or a value, nor a secret, nor one that SSM knows."""
    text = """Parameters:
  Open: {Type: String}
  Given: {Type: String}
  Default: {Type: String, Default: ""}
  Secret: {Type: String, NoEcho: true}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>"}
Resources: {A: {Type: AWS::SQS::Queue}}
"""
    found = read_templates([_written(tmp_path, text)], Deployment(parameters={"Given": "x"}))
    [note] = found.notes
    assert note.text.startswith(
        "The parameter 'Open' has no default and no value is given (--parameter Open="
    )
    assert (note.level, note.place.line) == ("info", 2)
