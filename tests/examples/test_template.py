"""The example's template and its observe.yaml: one system, told twice, must agree."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.examples.legacy import APPLICATION_LINE, EXAMPLE


class CloudFormation(yaml.SafeLoader):
    """YAML in which !Ref x is {"Ref": x}, and so on."""


def _tag(loader: CloudFormation, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    return {name: loader.construct_sequence(node, deep=True)}


CloudFormation.add_multi_constructor("!", _tag)

TEMPLATE = yaml.load((EXAMPLE / "template.yaml").read_text(), CloudFormation)
OBSERVE = yaml.safe_load((EXAMPLE / "observe.yaml").read_text())
RESOURCES = TEMPLATE["Resources"]


def of_type(name: str) -> dict[str, Any]:
    return {id: found["Properties"] for id, found in RESOURCES.items() if found["Type"] == name}


FUNCTIONS = of_type("AWS::Serverless::Function")


def test_every_function_is_a_service() -> None:
    """By the name it is deployed with, and its log group."""
    serverless = {name for name, service in OBSERVE["services"].items() if service["side"] == "serverless"}
    assert serverless == {function["FunctionName"] for function in FUNCTIONS.values()}
    for name in serverless:
        assert OBSERVE["services"][name]["log_groups"] == [f"/aws/lambda/{name}"]


def test_every_function_has_its_code() -> None:
    """CodeUri is a folder with an app.py that has a handler, and the variables it reads are set."""
    for function in FUNCTIONS.values():
        source = (EXAMPLE / function["CodeUri"] / "app.py").read_text()
        assert "def handler(event, context):" in source
        read = set(re.findall(r'os\.environ\["([A-Z_]+)"\]', source))
        assert read == set(function.get("Environment", {}).get("Variables", {}))


def test_the_share_is_the_same_everywhere() -> None:
    """Parameter, CloudFront function, its metadata, and split in observe.yaml."""
    endpoint = OBSERVE["endpoints"]["submit"]
    split = RESOURCES["SubmitSplit"]["Metadata"]["Split"]
    assert endpoint["split"] == TEMPLATE["Parameters"]["SubmitServerlessPercent"]["Default"] == 75
    assert split == {
        "Route": endpoint["route"],
        "Percent": {"Ref": "SubmitServerlessPercent"},
        "To": "SubmitClaim",
        "Else": {"Fn::Sub": "${LegacyUrl}/claims"},
    }
    assert FUNCTIONS["SubmitClaim"]["FunctionName"] == endpoint["serverless"]["service"]
    code = RESOURCES["SubmitSplit"]["Properties"]["FunctionCode"]["Fn::Sub"]
    assert "Math.random() * 100 < ${SubmitServerlessPercent}" in code


def test_the_distribution_has_the_origins_that_are_selected() -> None:
    """/claims goes to the legacy origin unless the function selects the other one."""
    (distribution,) = of_type("AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    code = RESOURCES["SubmitSplit"]["Properties"]["FunctionCode"]["Fn::Sub"]
    selected = re.findall(r"cf\.selectRequestOriginById\('(\w+)'\)", code)
    (behaviour,) = config["CacheBehaviors"]
    origins = {origin["Id"] for origin in config["Origins"]}
    assert origins == {*selected, behaviour["TargetOriginId"]} == {"serverless", "legacy"}
    assert behaviour["PathPattern"] == "/claims"


def test_every_route_is_an_endpoint() -> None:
    """Proxied routes are legacy endpoints; the event of a function is the serverless one."""
    (api,) = of_type("AWS::Serverless::HttpApi").values()
    proxied = {
        f"{method.upper()} {path}": operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for path, operations in api["DefinitionBody"]["paths"].items()
        for method, operation in operations.items()
    }
    assert all(uri == "${LegacyUrl}" + route.partition(" ")[2] for route, uri in proxied.items())
    events = [event for function in FUNCTIONS.values() for event in function.get("Events", {}).values()]
    moved = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for event in events
        if event["Type"] == "HttpApi"
    }
    endpoints = OBSERVE["endpoints"].values()
    assert moved == {endpoint["route"] for endpoint in endpoints if "serverless" in endpoint}
    behind = {endpoint["route"] for endpoint in endpoints if "serverless" not in endpoint}
    assert behind == {*proxied, "POST /registrations"}  # which only the function calls


def test_every_source_of_events_is_there_once() -> None:
    """HTTP, queue, topic, bus, stream and bucket: one function each."""
    types = [event["Type"] for function in FUNCTIONS.values() for event in function["Events"].values()]
    assert sorted(types) == ["EventBridgeRule", "HttpApi", "Kinesis", "S3", "SNS", "SQS"]


def test_the_rule_lets_through_what_submit_claim_puts() -> None:
    """Source and detail type of the pattern are those of the code."""
    (event,) = FUNCTIONS["ScreenClaim"]["Events"].values()
    source = (EXAMPLE / FUNCTIONS["SubmitClaim"]["CodeUri"] / "app.py").read_text()
    pattern = event["Properties"]["Pattern"]
    assert set(pattern) == {"source", "detail-type"}
    for name, key in (("source", "Source"), ("detail-type", "DetailType")):
        assert pattern[name] == re.findall(rf'"{key}": "(\w+)"', source)


def test_the_layer_is_what_its_variables_depend_on() -> None:
    """Without the layer none of them is set; with it the context goes into the data of Kinesis records."""
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    without = {"Ref": "AWS::NoValue"}
    assert variables["AWS_LAMBDA_EXEC_WRAPPER"] == {"Fn::If": ["WithObserve", "/opt/observe-exec", without]}
    assert variables["OBSERVE_PAYLOAD_CARRIERS"] == {"Fn::If": ["WithObserve", "kinesis", without]}


def test_who_imports_the_library() -> None:
    """Two handlers show what it offers; the others have no line of ours."""
    importing = {
        folder.parent.name
        for folder in (EXAMPLE / "functions").glob("*/app.py")
        if "import observe\n" in folder.read_text()
    }
    assert importing == {"reconcile", "measure_exposure"}


def test_a_message_comes_back_only_when_the_function_has_ended() -> None:
    """Six times the function's timeout, and five attempts, as AWS advises, where nobody says otherwise."""
    queue, parameters = RESOURCES["ClaimsSubmitted"]["Properties"], TEMPLATE["Parameters"]
    assert queue["VisibilityTimeout"] == {"Ref": "VisibilitySeconds"}
    assert parameters["VisibilitySeconds"]["Default"] == 6 * FUNCTIONS["AssessClaim"]["Timeout"]
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": "ClaimsDead.Arn"},
        "maxReceiveCount": {"Ref": "ReceiveCount"},
    }
    assert parameters["ReceiveCount"]["Default"] == 5


def test_whatever_is_referred_to_exists() -> None:
    """Every !Ref, !GetAtt and ${...} names a resource or a parameter."""
    known = {*RESOURCES, *TEMPLATE["Parameters"]}
    used = {name.partition(".")[0] for name in _references(TEMPLATE)}
    assert {name for name in used if not name.startswith("AWS::")} <= known


def test_the_pattern_is_the_one_the_application_has() -> None:
    """observe.yaml, the application's properties, and what its lines look like."""
    groups = {group["name"]: group for group in OBSERVE["services"]["claims-legacy"]["log_groups"]}
    pattern = groups["/legacy/claims/application"]["format"]["log4j"]
    assert f"ConversionPattern={pattern}\n" in (EXAMPLE / "legacy" / "log4j.py").read_text()
    line = "2026-11-21 06:46:42,325 ERROR [http-1] ClaimsServlet [CLM-1] - no rate"
    assert APPLICATION_LINE.fullmatch(line)
    assert groups["/legacy/claims/access"]["format"] == "apache"


@pytest.mark.parametrize(("text", "found"), [("claim CLM-889042 approved", 1), ("POL-100, CLM-88904", 0)])
def test_the_key_finds_claims(text: str, found: int) -> None:
    """keys.claim is what the business calls a claim."""
    assert len(re.findall(OBSERVE["keys"]["claim"], text)) == found


def _references(node: object) -> list[str]:
    if isinstance(node, list):
        return [name for item in node for name in _references(item)]
    if not isinstance(node, dict):
        return []
    found = [name for value in node.values() for name in _references(value)]
    found += [node[key] for key in ("Ref", "Fn::GetAtt") if isinstance(node.get(key), str)]
    if isinstance(node.get("Fn::Sub"), str):
        found += re.findall(r"\$\{([^}]+)\}", node["Fn::Sub"])
    return found
