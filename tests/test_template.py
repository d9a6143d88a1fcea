"""template.yaml: what its parts promise one another, and what AWS's own tools say of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from deploy import build, own_dashboards
from lambda_layer.build import BuildError
from subscribers.alerts import evaluator, state_dynamodb
from subscribers.alerts.evaluation import Judged
from subscribers.alerts.evaluator import Evaluated
from subscribers.alerts.notify import Told
from subscribers.alerts.state import Entry
from subscribers.alerts.state_channel import StateChannel
from subscribers.alerts.state_of import dynamodb_table
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


def _allowed(role: str, service: str) -> dict[str, set[str]]:
    """What a role may call of a service -> on which resources, by its own statements and by policies."""
    found: dict[str, set[str]] = {}
    for name, statement in _statements():
        roles = RESOURCES[name]["Properties"].get("Roles", [{"Ref": name}])
        if f"'Ref': '{role}'" not in str(roles):
            continue
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        for action in actions:
            if action.startswith(f"{service}:"):
                found.setdefault(action.partition(":")[2], set()).add(str(statement["Resource"]))
    return found


def _operation(method: str) -> str:
    """The action that a method of the SDK needs, e.g. `batch_write_item`: BatchWriteItem."""
    return "".join(word.capitalize() for word in method.split("_"))


def test_the_table_of_alerts_is_called_as_the_code_does() -> None:
    """The evaluator may make each call of the backend; who only counts may make the one of its channel."""
    table = {"{'Fn::GetAtt': 'AlertState.Arn'}"}
    made = {_operation(method) for method in state_dynamodb.CALLS}
    assert _allowed("EvaluatorRole", "dynamodb") == dict.fromkeys(made, table)
    written = StateChannel("parts", "table").request([]).operation
    for role in ("SubscriberRole", "RedriveRole"):
        assert _allowed(role, "dynamodb") == {_operation(written): table}


def test_the_table_of_alerts_is_the_one_that_the_code_writes() -> None:
    """Keys and TTL attribute have the names of the backend's; it is paid by the call, and restorable."""
    table = RESOURCES["AlertState"]["Properties"]
    item = state_dynamodb.item_of(Entry("p", "s", b"", 1))
    keys = {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]}
    assert keys == {"pk": "HASH", "sk": "RANGE"}
    assert {d["AttributeName"]: d["AttributeType"] for d in table["AttributeDefinitions"]} == {
        name: next(iter(item[name])) for name in keys
    }
    ttl = table["TimeToLiveSpecification"]
    assert ttl["Enabled"] is True
    assert "N" in item[ttl["AttributeName"]]
    assert ttl["AttributeName"] not in state_dynamodb.item_of(Entry("p", "s", b""))
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}


def test_all_who_deliver_share_one_state() -> None:
    """Subscriber, redrive and evaluator name the same table, as an address that is understood."""
    named = []
    for name in _of_type("AWS::Serverless::Function"):
        state = RESOURCES[name]["Properties"]["Environment"]["Variables"]["OBSERVE_STATE"]
        condition, address, nothing = state.get("Fn::If", ["WithAlerts", state, {"Ref": "AWS::NoValue"}])
        assert (condition, nothing) == ("WithAlerts", {"Ref": "AWS::NoValue"})
        named.append(address["Fn::Sub"])
    assert named == ["dynamodb:${AlertState}"] * 3
    assert dynamodb_table(named[0].replace("${AlertState}", "observe-AlertState-1A2B3C")) is not None


def test_the_evaluator_has_all_that_it_reads() -> None:
    """Its environment, one at a time, every minute, and no minute that comes late."""
    function = RESOURCES["Evaluator"]["Properties"]
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    variables = {**variables, **function["Environment"]["Variables"]}
    wanted = {"OBSERVE_CONFIG", "OBSERVE_STATE", "OBSERVE_DEAD_LETTERS"}
    assert variables.keys() == wanted
    assert function["ReservedConcurrentExecutions"] == 1
    assert function["Timeout"] <= 60
    assert function["EventInvokeConfig"]["MaximumRetryAttempts"] == 0
    schedule = function["Events"]["Schedule"]["Properties"]
    assert schedule["Schedule"] == "rate(1 minute)"
    assert schedule["RetryPolicy"]["MaximumRetryAttempts"] == 0
    for policy in ("SecretsPolicy", "ParametersPolicy", "SecretsKeyPolicy"):
        assert "'EvaluatorRole'" in str(RESOURCES[policy]["Properties"]["Roles"])


def test_notices_go_to_the_named_topics_only() -> None:
    """Who tells, at first or from a dead letter, may publish to the parameter's topics; nobody else may."""
    assert _allowed("SubscriberRole", "sns") == {}
    for role in ("EvaluatorRole", "RedriveRole"):
        assert _allowed(role, "sns") == {"Publish": {"{'Ref': 'AlertTopicArns'}"}}


def test_alerts_can_be_switched_off() -> None:
    """All that they need goes with them, and nothing that stays names it but under the condition."""
    own = {name for name, r in RESOURCES.items() if r.get("Condition") in ("WithAlerts", "WithAlertTopics")}
    assert {"AlertState", "Evaluator", "EvaluatorLogGroup", "EvaluatorRole", "CountsPolicy"} <= own
    assert TEMPLATE["Parameters"]["Alerts"]["Default"] == "ENABLED"
    for name in RESOURCES.keys() - own:
        assert not _named(RESOURCES[name]) & own, name


def _named(tree: Any) -> set[str]:
    """The resources that a part names outside of `!If [WithAlerts, ...]`."""
    if isinstance(tree, list):
        return set().union(*map(_named, tree)) if tree else set()
    if not isinstance(tree, dict):
        return set()
    found = set()
    for key, value in tree.items():
        if key == "Ref":
            found.add(value)
        elif key == "Fn::GetAtt":
            found.add(value[0] if isinstance(value, list) else value.partition(".")[0])
        elif key == "Fn::Sub":
            found |= set(re.findall(r"\$\{([A-Za-z]+)", str(value)))
        elif key != "Fn::If" or value[0] != "WithAlerts":
            found |= _named(value)
    return found


@pytest.mark.parametrize(
    ("alarm", "metric", "of", "missing"),
    [
        ("PipelineErrorsSubscriber", "Errors", "Subscriber", "notBreaching"),
        ("PipelineLagSubscriber", "AsyncEventAge", "Subscriber", "notBreaching"),
        (
            "PipelineDeadLettersRetryDeadLetterQueue",
            "ApproximateNumberOfMessagesVisible",
            "RetryDeadLetterQueue",
            "notBreaching",
        ),
        ("PipelineBacklogRetryQueue", "ApproximateAgeOfOldestMessage", "RetryQueue", "notBreaching"),
        ("PipelineErrorsEvaluator", "Errors", "Evaluator", "notBreaching"),
        ("PipelineSilentEvaluator", "Invocations", "Evaluator", "breaching"),
        ("PipelineThrottledAlertState", "ReadThrottleEvents", "AlertState", "notBreaching"),
        ("PipelineThrottledAlertState", "WriteThrottleEvents", "AlertState", "notBreaching"),
    ],
)
def test_what_nobody_may_miss_has_an_alarm(alarm: str, metric: str, of: str, missing: str) -> None:
    """On the metric of that very resource; silence is an alarm where it must not be silent."""
    found = _of_type("AWS::CloudWatch::Alarm")[f"Alarm{alarm}"]
    metrics = [m["MetricStat"]["Metric"] for m in found.get("Metrics", ()) if "MetricStat" in m] or [found]
    (watched,) = (m for m in metrics if m["MetricName"] == metric)
    assert of in str(watched["Dimensions"])
    assert found["TreatMissingData"] == missing
    assert "AlarmTopicArn" in str(found["AlarmActions"])


def test_a_notice_that_cannot_be_sent_has_an_alarm() -> None:
    """On the metric that the evaluator writes: same namespace, name and dimensions."""
    told = Told(failed=(("pager", "refused"),))
    judged = Judged(at_s=60, findings=())
    made = Evaluated(judged=judged, incidents=(), notices=(), told=told)
    (line,) = evaluator.metric_lines(made, 60_000)
    (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
    found = _of_type("AWS::CloudWatch::Alarm")["AlarmPipelineNotifications"]
    assert found["MetricName"] in {metric["Name"] for metric in directive["Metrics"]}
    assert found["Namespace"] == directive["Namespace"]
    assert [dimension["Name"] for dimension in found.get("Dimensions", ())] == directive["Dimensions"][0]
    assert found["ComparisonOperator"] == "GreaterThanThreshold"
    assert (found["Threshold"], found["TreatMissingData"]) == (0, "notBreaching")


def test_the_alarms_are_explained() -> None:
    """Whoever is woken by one finds in the documentation what to do."""
    said = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    names = [one["AlarmName"]["Fn::Sub"] for one in _of_type("AWS::CloudWatch::Alarm").values()]
    assert [name for name in names if f"`{name.removeprefix('${AWS::StackName}-')}`" not in said] == []


def test_every_alarm_tells_the_topic() -> None:
    """Where the parameter names one; several stacks of an account have alarms of their own names."""
    found = _of_type("AWS::CloudWatch::Alarm")
    assert len(found) >= 10
    for name, one in found.items():
        assert "AlarmTopicArn" in str(one["AlarmActions"]), name
        assert "${AWS::StackName}" in one["AlarmName"]["Fn::Sub"], name


def test_the_dashboard_and_the_alarms_are_those_that_are_generated_now(tmp_path: Path) -> None:
    """`python -m deploy.own_dashboards --check` has nothing to say, and says so where they are not."""
    assert own_dashboards.main(["--check"]) == 0
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/observe.yaml", tmp_path / "deploy/observe.yaml")
    (tmp_path / "template.yaml").write_text(TEXT.replace("-pipeline-failed", "-pipeline-fails"))
    assert own_dashboards.main(["--check"], tmp_path) == 1
    assert own_dashboards.main([], tmp_path) == 0
    assert (tmp_path / "template.yaml").read_text(encoding="utf-8") == TEXT


def test_a_template_without_the_markers_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence and exit code 1; arguments that do not exist are used wrongly."""
    (tmp_path / "template.yaml").write_text(TEXT.replace(own_dashboards.END, ""))
    assert own_dashboards.main([], tmp_path) == 1
    assert "no markers" in capsys.readouterr().err
    assert own_dashboards.main(["--all"]) == 2


def test_every_handler_is_there() -> None:
    """A function whose handler is misspelt fails at its first event only."""
    for name, function in _of_type("AWS::Serverless::Function").items():
        module, _, handler = function["Handler"].rpartition(".")
        assert callable(getattr(import_module(module), handler)), name


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
    # Lambda's image has no time zones of its own that anybody promises.
    assert (tmp_path / "tzdata/zoneinfo/Europe/Paris").is_file()
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
