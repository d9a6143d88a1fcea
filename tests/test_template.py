"""template.yaml: what its parts promise one another, and what AWS's own tools say of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from deploy import build
from lambda_layer.build import BuildError
from subscribers.config import load

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "template.yaml").read_text(encoding="utf-8")
#: `make template` installs it there.
SAM = shutil.which("sam", path=f"{ROOT / 'build/sam/bin'}{os.pathsep}{os.environ.get('PATH', '')}")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags: `!Ref x` is {"Ref": x}, any other {"Fn::<tag>": x}."""


def _tagged(loader: Any, tag: str, node: Any) -> dict[str, Any]:
    build_of = {yaml.ScalarNode: loader.construct_scalar, yaml.MappingNode: loader.construct_mapping}
    of = build_of.get(type(node), lambda node: loader.construct_sequence(node, deep=True))
    return {tag if tag == "Ref" else f"Fn::{tag}": of(node)}


_Loader.add_multi_constructor("!", _tagged)
TEMPLATE = yaml.load(TEXT, _Loader)
#: EM_AARCH64
_AARCH64 = 183
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def _of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: r.get("Properties", {}) for name, r in RESOURCES.items() if r["Type"] == kind}


def _statements() -> list[tuple[str, dict[str, Any]]]:
    """Every statement of a role or of a policy of roles."""
    documents = [(name, p["PolicyDocument"]) for name, p in _of_type("AWS::IAM::Policy").items()]
    for name, role in _of_type("AWS::IAM::Role").items():
        documents += [(name, policy["PolicyDocument"]) for policy in role["Policies"]]
    return [(name, statement) for name, document in documents for statement in document["Statement"]]


def test_no_role_may_do_more_than_its_resources() -> None:
    """Least privilege: each statement names its actions and its resources, and each has a reason above it."""
    assert len(_statements()) >= 10
    for name, statement in _statements():
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert [action for action in actions if "*" in action] == [], name
        assert statement["Resource"] not in ("*", ["*"]), name
        assert re.search(rf"# [^\n]+\n *- Sid: {statement['Sid']}\n", TEXT), statement["Sid"]


def test_the_functions_have_roles_of_their_own() -> None:
    """SAM gives a function without one the managed policy of its events, which is for every queue."""
    for function in _of_type("AWS::Serverless::Function").values():
        assert function["Role"]["Fn::GetAtt"].split(".")[0] in RESOURCES


def test_a_message_does_not_come_back_while_it_is_at_work() -> None:
    """The retry queue is invisible for six times the subscriber's timeout, and its dead letters follow."""
    timeout = TEMPLATE["Globals"]["Function"]["Timeout"]
    queue = RESOURCES["RetryQueue"]["Properties"]
    assert "Timeout" not in RESOURCES["Subscriber"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * timeout
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": "RetryDeadLetterQueue.Arn"}
    event = RESOURCES["Subscriber"]["Properties"]["Events"]["Retries"]["Properties"]
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_dead_letters_outlive_the_messages_that_name_them() -> None:
    """A message may wait for 14 days; what it names is in the bucket for longer."""
    held_s = RESOURCES["RetryQueue"]["Properties"]["MessageRetentionPeriod"]
    assert TEMPLATE["Parameters"]["DeadLetterDays"]["MinValue"] * 86_400 > held_s


@pytest.mark.parametrize("name", ["/aws/lambda/submit-claim", "/legacy/claims", ""])
def test_other_log_groups_may_be_subscribed_to(name: str) -> None:
    """Any name that CloudWatch takes."""
    assert re.fullmatch(TEMPLATE["Parameters"]["LogGroupName"]["AllowedPattern"], name)


def test_its_own_log_groups_may_not() -> None:
    """A subscriber that reads what it writes never ends: the parameter refuses each of the stack's own."""
    pattern = TEMPLATE["Parameters"]["LogGroupName"]["AllowedPattern"]
    own = [group["LogGroupName"]["Fn::Sub"] for group in _of_type("AWS::Logs::LogGroup").values()]
    assert len(own) == len(_of_type("AWS::Serverless::Function"))
    for name in own:
        assert not re.fullmatch(pattern, name.replace("${AWS::StackName}", "observe"))


def test_one_permission_serves_every_log_group_of_the_account() -> None:
    """A function's policy has room for some fifty statements; there are thousands of groups."""
    (permission,) = _of_type("AWS::Lambda::Permission").values()
    assert permission["Principal"] == "logs.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"].endswith(":log-group:*:*")
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_nothing_that_is_kept_is_open() -> None:
    """The bucket is encrypted, private and ends; bucket and queues refuse what comes without TLS."""
    bucket = RESOURCES["DeadLetters"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"]
    denied = {
        str(statement["Resource"])
        for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy")
        for policy in _of_type(kind).values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and "aws:SecureTransport" in str(statement["Condition"])
    }
    for name in ("DeadLetters", *_of_type("AWS::SQS::Queue")):
        assert any(f"{name}.Arn" in resource for resource in denied), name
    assert all(queue["SqsManagedSseEnabled"] is True for queue in _of_type("AWS::SQS::Queue").values())


def test_no_yaml_that_cloudformation_does_not_take() -> None:
    """Aliases are none of the YAML that CloudFormation supports."""
    assert not [token for token in yaml.scan(TEXT) if isinstance(token, yaml.AliasToken | yaml.AnchorToken)]


def test_every_parameter_is_used_and_said() -> None:
    """A parameter that changes nothing misleads, and one that the documentation leaves out is not found."""
    said = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    for name, parameter in TEMPLATE["Parameters"].items():
        body = TEXT.partition("\nConditions:")[2]
        assert f"!Ref {name}" in body or f"${{{name}}}" in body, name
        assert f"`{name}`" in said, name
        assert parameter["Description"].endswith("."), name


def test_what_is_built_is_what_runs() -> None:
    """The wheels are of the template's runtime and processor, and every function and layer has a target."""
    function = TEMPLATE["Globals"]["Function"]
    assert function["Runtime"] == f"python{build.PYTHON}"
    assert (function["Architectures"], build.MACHINE) == (["arm64"], "aarch64")
    makefile = (ROOT / "deploy/Makefile").read_text(encoding="utf-8")
    for kind in ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion"):
        for name in _of_type(kind):
            assert RESOURCES[name]["Metadata"]["BuildMethod"] == "makefile"
            assert f"build-{name}" in makefile.partition(".PHONY")[2].partition("\n")[2]


def test_the_functions_pack_what_the_subscribers_need() -> None:
    """The group is the extra without what Lambda has and without the embedded store, in the same versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extra = set(project["project"]["optional-dependencies"]["subscribers"])
    group = set(project["dependency-groups"]["subscribers"])
    assert group < extra
    assert {Requirement(one).name for one in extra - group} == {"boto3", "duckdb"}


def test_the_configuration_that_is_packed_is_valid() -> None:
    """What a user begins with has no mistake, and names a sink."""
    assert load(ROOT / "deploy/observe.yaml").sinks


def test_a_function_is_whole_and_small(tmp_path: Path) -> None:
    """The folder has the code, the configuration and the locked packages, all for Lambda's processor."""
    build.function(tmp_path)
    assert (tmp_path / "observe.yaml").read_bytes() == (ROOT / "deploy/observe.yaml").read_bytes()
    for handler in ("subscribers/handler.py", "observe/semconv.py", "subscribers/observe-v1.schema.json"):
        assert (tmp_path / handler).is_file()
    packed = {path.name for path in tmp_path.iterdir()}
    assert {"msgspec", "re2", "isal", "yaml", "jsonschema", "urllib3", "opentelemetry", "google"} <= packed
    assert packed.isdisjoint({"boto3", "duckdb", "console", "tests", "bin"})
    native = list(tmp_path.rglob("*.so"))
    assert native
    # e_machine of an ELF file: https://man7.org/linux/man-pages/man5/elf.5.html
    machines = {int.from_bytes(path.read_bytes()[18:20], "little") for path in native}
    assert machines == {_AARCH64}
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert size < 60_000_000


def test_a_mistake_in_the_configuration_ends_the_build(tmp_path: Path) -> None:
    """It is told with file, line and path before anything is deployed."""
    (tmp_path / "observe.yaml").write_text("version: 1\nsinks: {a: {type: nowhere}}\n")
    with pytest.raises(BuildError, match=r"observe\.yaml:2"):
        build.function(tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_part_that_does_not_exist_is_used_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a sentence."""
    assert build.main(["nothing", "/nowhere"]) == 2
    assert build.main([]) == 2
    assert "usage" in capsys.readouterr().err


def _sam(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    assert SAM
    own = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-west-1", "PYTHON": sys.executable}
    return subprocess.run(
        [SAM, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **own},
    )


@pytest.mark.skipif(SAM is None, reason="needs the command sam: `make template` installs it")
def test_sam_accepts_and_builds_it(tmp_path: Path) -> None:
    """`sam validate --lint` has nothing to say, and `sam build` makes the layer and the functions."""
    checked = _sam("validate", "--lint", "--region", "eu-west-1")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    built = _sam("build", "--no-cached", "--build-dir", str(tmp_path))
    assert built.returncode == 0, built.stdout + built.stderr
    assert (tmp_path / "ObserveLayer/python/observe/__init__.py").is_file()
    assert os.access(tmp_path / "ObserveLayer/observe-exec", os.X_OK)
    for name in _of_type("AWS::Serverless::Function"):
        assert (tmp_path / name / "subscribers/handler.py").is_file()
