"""Arbitrary templates: the generator says what is wrong, or generates; it never crashes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.made import made_of
from dashboards.output import TARGETS, render
from dashboards.rendered import Options
from dashboards.template.values import Deployment, TemplateError
from subscribers.config import EMPTY

_TYPES = (
    "AWS::Serverless::Function",
    "AWS::Serverless::Api",
    "AWS::Serverless::HttpApi",
    "AWS::Serverless::StateMachine",
    "AWS::Serverless::Application",
    "AWS::Lambda::Function",
    "AWS::Lambda::EventSourceMapping",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Integration",
    "AWS::SQS::Queue",
    "AWS::SNS::Subscription",
    "AWS::Events::Rule",
    "AWS::StepFunctions::StateMachine",
    "AWS::DynamoDB::Table",
    "AWS::RDS::DBInstance",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::ECS::Service",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFormation::Stack",
    "Fn::ForEach::Loop",
    "Custom::Whatever",
)
_KEYS = st.sampled_from(
    (
        *("Ref", "Fn::GetAtt", "Fn::Sub", "Fn::If", "Fn::Join", "Fn::Select", "Fn::FindInMap", "Fn::Foo"),
        *("FunctionName", "Timeout", "Handler", "Events", "Properties", "Type", "Body", "paths", "/a", "get"),
        *("DefinitionBody", "x-amazon-apigateway-integration", "uri", "type", "RedrivePolicy", "Targets"),
        *("deadLetterTargetArn", "EventSourceArn", "Target", "RouteKey", "IntegrationUri", "TemplateURL"),
        *("Metadata", "HybridObserve", "Alarms", "DefinitionString", "Environment", "Variables", "Policies"),
    )
)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ("A", "B", "A.Arn", "${A}", "${A.Arn}/x", "AWS::Region", "arn:aws:lambda:x", "http_proxy")
    ),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=12,
)
_RESOURCE = st.fixed_dictionaries(
    {"Type": st.one_of(st.sampled_from(_TYPES), _TREES)},
    optional={
        "Properties": st.one_of(st.dictionaries(_KEYS, _TREES, max_size=6), _TREES),
        "Metadata": _TREES,
        "Condition": _LEAVES,
        "DependsOn": _LEAVES,
    },
)
_TEMPLATE = st.fixed_dictionaries(
    {"Resources": st.dictionaries(st.sampled_from(("A", "B", "C", "Fn::ForEach::X")), _RESOURCE | _TREES)},
    optional={
        "Transform": st.sampled_from(
            ("AWS::Serverless-2016-10-31", ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"], "Other")
        ),
        "Parameters": st.one_of(_TREES, st.dictionaries(st.sampled_from("AB"), _TREES)),
        "Conditions": _TREES,
        "Globals": st.one_of(_TREES, st.dictionaries(st.just("Function"), _TREES)),
        "Mappings": _TREES,
        "Outputs": _TREES,
    },
)


def generates(text: str) -> None:
    """Generate every target from a template's text, or see a sentence that names the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        said = ""
        try:
            made = made_of([path], EMPTY, Deployment())
        except TemplateError as error:
            said = str(error)
        if said:
            assert said.startswith(str(path))
            assert "\n" not in said
            return
        for target in TARGETS:
            render(made, target, Options())


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(_TEMPLATE)
def test_no_template_crashes_the_generator(template: dict[str, Any]) -> None:
    """Whatever has the outline of a template is rendered in every target, or told in a sentence."""
    generates(json.dumps(template))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=200))
def test_no_text_crashes_the_generator(text: str) -> None:
    """Text that is no template is told in a sentence that names the file."""
    generates(text)
