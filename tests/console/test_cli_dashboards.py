"""`observe dashboards`: every command and option, its exit codes, and a sentence for whatever is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.cli import cli
from dashboards.left_out import NOTES
from dashboards.output import MANIFEST
from subscribers.store import Store
from tests.console.test_trace import request as story

TEMPLATE = """AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Name: {Type: String, Default: submit}
Resources:
  Submit:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "claims-${Name}"
      Runtime: python3.13
      Handler: app.handler
      Timeout: 10
      CodeUri: src/
      Events:
        Post: {Type: HttpApi, Properties: {Method: POST, Path: /claims}}
        Work: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn}}
  Work: {Type: AWS::SQS::Queue}
"""
OBSERVE = """version: 1
services:
  claims-submit: {side: serverless}
  claims-legacy: {side: legacy}
endpoints:
  submit:
    route: POST /claims
    legacy: {service: claims-legacy}
    serverless: {service: claims-submit}
"""
#: A target that renders quickly: what is tested here is the command.
QUICK = ("--target", "kibana")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team's folder with a template and an observe.yaml, and whoever runs the command is in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AWS_REGION", raising=False)
    Path("template.yaml").write_text(TEMPLATE)
    Path("observe.yaml").write_text(OBSERVE)
    return tmp_path


def run(*arguments: object) -> Result:
    """Run `observe dashboards` as a user would."""
    return CliRunner().invoke(cli, ["dashboards", *map(str, arguments)])


def said(result: Result, code: int) -> str:
    """Return what a run that failed says: sentences and no traceback."""
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr


def test_a_model_is_data_on_stdout(folder: Path) -> None:
    """Endpoints of observe.yaml with the functions of the template; silent on stderr, no colours."""
    result = run("model", "template.yaml")
    assert result.exit_code == 0
    assert "submit: POST /claims" in result.stdout
    assert "function:Submit" in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stderr == ""


def test_a_model_as_json(folder: Path) -> None:
    """One JSON document, whole, with places and notes."""
    told = json.loads(run("model", "template.yaml", "--json").stdout)
    assert told["resources"]["function:Submit"]["name"]["known"] == "claims-submit"
    assert told["resources"]["function:Submit"]["limits"]["timeout_s"] == 10
    assert told["endpoints"]["submit"]["serverless"]["functions"] == ["function:Submit"]
    assert {note["level"] for note in told["notes"]} <= {"info", "warning", "error"}


def test_alarms_are_listed_with_prices(folder: Path) -> None:
    """For people and for programs."""
    shown = run("alarms", "template.yaml")
    assert shown.exit_code == 0
    assert "a month" in shown.stdout
    assert json.loads(run("alarms", "template.yaml", "--json").stdout)


def test_parameters_stack_region_account_and_names_are_put_in(folder: Path) -> None:
    """What a deployment is called, by every option that tells it."""
    listed = [{"LogicalResourceId": "Work", "PhysicalResourceId": "https://sqs/1/work-queue"}]
    Path("names.json").write_text(json.dumps({"StackResources": listed}))
    options = ("--stack", "live", "--region", "eu-west-1", "--account", "123456789012")
    result = run(
        "model", "template.yaml", "--json", "--parameter", "Name=other", *options, "--names", "names.json"
    )
    told = json.loads(result.stdout)
    assert told["resources"]["function:Submit"]["name"]["known"] == "claims-other"
    assert told["resources"]["queue:Work"]["name"]["known"] == "work-queue"
    assert (told["stack"], told["region"], told["account"]) == ("live", "eu-west-1", "123456789012")


def test_names_by_logical_id_do_too(folder: Path) -> None:
    """The short form that a person writes."""
    Path("names.json").write_text('{"Work": "work-queue"}')
    told = json.loads(run("model", "template.yaml", "--json", "--names", "names.json").stdout)
    assert told["resources"]["queue:Work"]["name"]["known"] == "work-queue"


def test_templates_of_observe_yaml(folder: Path) -> None:
    """Without an argument they are those that the file names, from its folder."""
    Path("observe.yaml").write_text(OBSERVE + "templates: [template.yaml]\n")
    assert "function:Submit" in run("model").stdout


def test_without_an_observe_yaml_that_is_said_and_the_template_is_enough(folder: Path) -> None:
    """On stderr, beside whole data."""
    Path("observe.yaml").unlink()
    result = run("model", "template.yaml", "--json")
    assert result.exit_code == 0
    assert "There is no observe.yaml" in result.stderr
    assert json.loads(result.stdout)["endpoints"]


def test_generate_check_and_generate_again(folder: Path) -> None:
    """A first run writes, the second changes nothing; --check tells what somebody edited, and fails."""
    first = run("generate", "template.yaml", *QUICK, "--out", "made")
    assert first.exit_code == 0, first.output
    assert (folder / "made" / MANIFEST).exists()
    assert "0 new or changed" in run("generate", "template.yaml", *QUICK, "--out", "made").stdout
    assert run("generate", "template.yaml", *QUICK, "--out", "made", "--check").exit_code == 0
    (folder / "made/kibana" / NOTES).write_text("edited")
    (folder / "made/kibana/extra.json").write_text("a team's own")
    result = run("generate", "template.yaml", *QUICK, "--out", "made", "--check")
    assert result.exit_code == 1
    assert f"changed: made/kibana/{NOTES}" in result.stdout
    assert (folder / "made/kibana" / NOTES).read_text() == "edited"


def test_check_of_a_folder_that_is_not_there(folder: Path) -> None:
    """Everything is missing, nothing is written."""
    result = run("generate", "template.yaml", *QUICK, "--out", "made", "--check")
    assert result.exit_code == 1
    assert "missing: made/kibana/" in result.stdout
    assert not Path("made").exists()


def test_a_moved_line_changes_no_file(folder: Path) -> None:
    """A comment in the template does not fail CI: places are told by the model, not by files."""
    run("generate", "template.yaml", "--target", "kibana,opensearch", "--out", "made")
    Path("template.yaml").write_text("# a comment\n" + TEMPLATE)
    result = run("generate", "template.yaml", "--target", "kibana,opensearch", "--out", "made", "--check")
    assert result.exit_code == 0, result.stdout


def test_what_a_target_leaves_out_is_in_its_folder_and_not_on_the_terminal(folder: Path) -> None:
    """stderr has one line for the notes of the templates, and none for those of targets."""
    result = run("generate", "template.yaml", *QUICK, "--out", "made")
    assert "of the templates: observe dashboards model tells them" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert (folder / "made/kibana" / NOTES).read_text().startswith("# What Kibana does not show, and why\n")


def test_several_targets_in_either_way(folder: Path) -> None:
    """--target a --target b is --target a,b; the folder has just these."""
    run("generate", "template.yaml", "--target", "kibana", "--target", "opensearch", "--out", "one")
    run("generate", "template.yaml", "--target", "opensearch,kibana", "--out", "two")
    names = [sorted(str(path.relative_to(top)) for path in Path(top).rglob("*")) for top in ("one", "two")]
    assert names[0] == names[1]
    assert {path.name for path in Path("one").iterdir()} == {"kibana", "opensearch", MANIFEST}


def test_a_preview_of_a_store(folder: Path) -> None:
    """Its index is named on stdout, and is a page."""
    Store(folder / "store").append(story())
    result = run("preview", "template.yaml", "--store", "store", "--out", "pages")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == os.path.join("pages", "index.html")
    assert Path("pages/index.html").read_text().lstrip().lower().startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["store", "empty"])
def test_a_preview_without_data_is_a_sentence(name: str, folder: Path) -> None:
    """A store that is not there, and one with nothing in it."""
    Path("empty").mkdir()
    assert name in said(run("preview", "template.yaml", "--store", name), 1)
    assert not Path("preview").exists()


WRONG = {
    "broken YAML": ("Resources:\n  A: [", "template.yaml:2"),
    "no YAML at all": ("\x01", "template.yaml:1"),
    "empty": ("", "template.yaml:1: The file is empty"),
    "a list": ("- A\n", "template.yaml:1: This is no template, but a list"),
    "no resources": ("Resources: {}\n", "template.yaml:1: The template has no Resources"),
    "two documents": ("Resources: {A: {Type: T}}\n---\nB: 1\n", "template.yaml:2"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", ["model", "alarms", "generate", "preview"])
def test_a_file_that_is_no_template_is_a_sentence(command: str, wrong: str, folder: Path) -> None:
    """With file and line, and exit code 1, whatever the command."""
    text, told = WRONG[wrong]
    Path("template.yaml").write_text(text)
    assert told in said(run(command, "template.yaml"), 1)


@pytest.mark.parametrize(
    ("path", "told"),
    [("missing.yaml", "missing.yaml: There is no such file"), ("src", "src: This is a folder")],
)
def test_a_path_that_is_no_file_is_a_sentence(path: str, told: str, folder: Path) -> None:
    """Missing, or a folder."""
    Path("src").mkdir()
    assert told in said(run("generate", path), 1)


def test_no_template_at_all(folder: Path) -> None:
    """Wrong use: exit code 2, and what to do."""
    assert "give a template, or name it under 'templates' of observe.yaml" in said(run("model"), 2)


NOTED = {
    "unknown intrinsic": (
        TEMPLATE + "  Other: {Type: AWS::SQS::Queue, Properties: {QueueName: !Whatever x}}\n",
        "template.yaml:18: Fn::Whatever is a function that is not known here",
    ),
    "unknown intrinsic of a condition": (
        TEMPLATE + "Conditions:\n  Live: {'Fn::Equals': [!Whatever x, y]}\n",
        "template.yaml:19: Fn::Whatever is a function that is not known here",
    ),
    "unknown macro": (
        TEMPLATE.replace("Transform: AWS", "Transform: [Ours, AWS").replace("10-31\n", "10-31]\n", 1),
        "template.yaml:2: The macro Ours is not run",
    ),
    "unknown condition": (
        TEMPLATE + "  Other: {Type: AWS::SQS::Queue, Condition: Live}\n",
        "template.yaml:18: Other has the condition 'Live', which the template does not have",
    ),
    "no resource": (TEMPLATE + "  Other: text\n", "template.yaml:18: Other is no resource"),
}


@pytest.mark.parametrize("what", NOTED)
def test_what_is_not_understood_of_a_template_is_told_with_its_line(what: str, folder: Path) -> None:
    """The rest of the template is shown all the same; what was left out of it is exit code 1."""
    text, told = NOTED[what]
    Path("template.yaml").write_text(text)
    result = run("model", "template.yaml")
    assert result.exit_code == (what == "no resource")
    assert told in result.stdout
    assert "function:Submit" in result.stdout


def test_an_endpoint_that_names_no_function_is_told_with_its_line_in_observe_yaml(folder: Path) -> None:
    """Neither its route nor its service is in the template."""
    other = "  gone: {route: GET /gone, serverless: {service: nobody}}\n"
    Path("observe.yaml").write_text(
        OBSERVE.replace("endpoints:\n", "  nobody: {side: serverless}\nendpoints:\n") + other
    )
    result = run("model", "template.yaml")
    assert "observe.yaml:11: endpoints.gone: no function and no route of the templates" in result.stdout


def test_an_override_that_fits_nothing_is_told_with_its_line(folder: Path) -> None:
    """A misspelt name must not leave an alarm as it was in silence."""
    Path("observe.yaml").write_text(OBSERVE + "dashboards:\n  resources:\n    Sumbit: {hide: true}\n")
    assert "observe.yaml:12" in run("model", "template.yaml").stdout


@pytest.mark.parametrize("options", [("model",), ("model", "--json"), ("alarms",), ("preview",)])
def test_an_error_of_the_template_fails_every_command(options: tuple[str, ...], folder: Path) -> None:
    """What was understood is printed, and a script sees that it is not all."""
    Path("template.yaml").write_text(TEMPLATE + "  Other: text\n")
    Store(folder / "store").append(story())
    store = ("--store", "store") if options == ("preview",) else ()
    result = run(*options, "template.yaml", *store)
    assert result.exit_code == 1
    assert result.stdout
    assert "Other is no resource" in result.output


def test_the_data_source_is_one_where_nobody_says_and_all_by_name(folder: Path) -> None:
    """And a source without Grafana among the targets is said to change nothing."""
    grafana = ("generate", "template.yaml", "--target", "grafana", "--out")
    one, named, every = (
        run(*grafana, name, *options)
        for name, options in (
            ("one", ()),
            ("named", ("--source", "cloudwatch")),
            ("every", ("--source", "all")),
        )
    )
    assert (one.exit_code, named.exit_code, every.exit_code) == (0, 0, 0)
    files = [sorted(path.name for path in Path(top).rglob("*")) for top in ("one", "named", "every")]
    assert files[0] == files[1]
    assert len(files[2]) > len(files[0])
    assert "--source" not in one.stderr
    quick = run("generate", "template.yaml", *QUICK, "--out", "quick", "--source", "cloudwatch")
    assert "--source cloudwatch changes nothing: Grafana is none of the targets" in quick.stderr
    assert quick.exit_code == 0


def test_an_error_of_the_template_fails_generate_and_leaves_the_rest(folder: Path) -> None:
    """CI sees that a resource is left out; what was understood is written."""
    Path("template.yaml").write_text(TEMPLATE + "  Other: text\n")
    result = run("generate", "template.yaml", *QUICK, "--out", "made")
    assert "error: template.yaml:18: Other is no resource" in said(result, 1)
    assert Path("made/kibana").is_dir()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--target", "splunk"), "'splunk' is none of cloudwatch, datadog"),
        (("--target", ""), "'' is none of"),
        (("--target", "kibana,\x1b[31m"), "is none of"),
        (("--parameter", "novalue"), "'novalue' is not KEY=VALUE"),
        (("--parameter", "=x"), "'=x' is not KEY=VALUE"),
        (("--parameter", "a b=x"), "'a b=x' is not KEY=VALUE"),
        (("--names", "missing.json"), "missing.json"),
        (("--names", "template.yaml"), "template.yaml is no JSON"),
        (("--names", "numbers.json"), "neither what describe-stack-resources prints"),
        (("--names", "deep.json"), "deep.json is no JSON"),
        (("--config", "missing.yaml"), "missing.yaml"),
        (("--source", "splunk"), "splunk"),
        (("--out", "template.yaml"), "template.yaml"),
    ],
)
def test_wrong_use_is_a_sentence(options: tuple[str, str], told: str, folder: Path) -> None:
    """Exit code 2, what was given, and nothing that a terminal would act on."""
    Path("numbers.json").write_text('{"Work": 3}')
    Path("deep.json").write_text("[" * 100_000)
    stderr = said(run("generate", "template.yaml", *options), 2)
    assert told in " ".join(stderr.split())
    assert "\x1b" not in stderr


def test_an_observe_yaml_that_is_wrong_is_a_sentence(folder: Path) -> None:
    """With its line."""
    Path("observe.yaml").write_text("version: 1\nendpoints: 3\n")
    assert "observe.yaml:2" in said(run("model", "template.yaml"), 1)


def test_a_folder_that_cannot_be_written_is_a_sentence(folder: Path) -> None:
    """A file is in the way of it."""
    Path("made").mkdir()
    Path("made/kibana").write_text("a file")
    assert "made/kibana" in said(run("generate", "template.yaml", *QUICK, "--out", "made"), 1)


def test_names_cannot_act_on_a_terminal_or_a_page(folder: Path) -> None:
    """Control characters and markup of a template's names are text wherever they are shown."""
    hostile = '"\\e[31m\\u202e<script>alert(1)</script>[red]|`x`\\u0007"'
    Path("template.yaml").write_text(TEMPLATE.replace('!Sub "claims-${Name}"', hostile))
    Store(folder / "store").append(story())
    shown = [run(command, "template.yaml") for command in ("model", "alarms")]
    shown += [run("generate", "template.yaml", "--target", "kibana,opensearch", "--out", "made")]
    shown += [run("preview", "template.yaml", "--store", "store", "--out", "pages")]
    for result in shown:
        assert result.exit_code == 0, result.output
        assert not {"\x1b", "\u202e", "\x07"} & set(result.output)
    assert not any("<script>alert" in page.read_text() for page in Path("pages").rglob("*.html"))
    assert all("<script>" not in note.read_text() for note in Path("made").rglob(NOTES))


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    """`observe dashboards model --json | head -1` says nothing on stderr."""
    command = f"{sys.executable} -m console dashboards model template.yaml --json | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")
