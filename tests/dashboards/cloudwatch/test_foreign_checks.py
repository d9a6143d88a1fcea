"""What others' rules say: they find what they are for in broken templates, and nothing in good ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboards.made import made_of
from dashboards.resources import System
from dashboards.template.values import Deployment
from subscribers.config import EMPTY
from tests.dashboards.cases import CASES
from tests.dashboards.cloudwatch.merged import merged_problems
from tests.dashboards.cloudwatch.preflight import preflight_problems

_TEXT = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": "Hello"}}


def _dashboard(widget: dict[str, Any], name: str = "claims") -> dict[str, Any]:
    body = json.dumps({"widgets": [widget]})
    properties = {"DashboardName": name, "DashboardBody": body}
    return {"Resources": {"Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}}}


def _alarm(**more: Any) -> dict[str, Any]:
    properties = {
        "AlarmName": "claims",
        "Namespace": "AWS/SQS",
        "MetricName": "NumberOfMessagesSent",
        "Dimensions": [{"Name": "QueueName", "Value": "claims"}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        **more,
    }
    return {"Resources": {"One": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}}


@pytest.mark.parametrize("tree", [_dashboard(_TEXT), _alarm()])
def test_the_public_rules_say_nothing_of_what_is_right(tree: dict[str, Any]) -> None:
    """Else the tests below would prove nothing."""
    assert list(preflight_problems("template.yaml", tree)) == []


@pytest.mark.parametrize(
    ("tree", "rule"),
    [
        (_dashboard({**_TEXT, "x": 23, "width": 99}), "pf-cloudwatch-dashboard-widget"),
        (_dashboard({**_TEXT, "properties": {}}), "pf-cloudwatch-dashboard-text-widget-markdown"),
        (_dashboard(_TEXT, name="not a name!"), "pf-cloudwatch-dashboard-name"),
        (_alarm(EvaluationPeriods=400), "pf-cloudwatch-alarm-evaluation-window"),
        (_alarm(DatapointsToAlarm=4), "pf-cloudwatch-datapoints-evaluation"),
        (_alarm(Period=45), "pf-cloudwatch-alarm-period"),
    ],
)
def test_the_public_rules_find_what_they_are_for(tree: dict[str, Any], rule: str) -> None:
    """A template that CloudWatch would refuse is told by the rule of that name."""
    assert any(rule in problem for problem in preflight_problems("template.yaml", tree))


@pytest.fixture(scope="module")
def example() -> System:
    """The example's system."""
    return made_of(CASES["example"].templates, EMPTY, Deployment()).system


def _fragment(**properties: Any) -> dict[str, Any]:
    tree = _alarm(**properties)
    return {"Resources": {"ObserveOne": tree["Resources"]["One"]}}


def test_a_fragment_that_fits_its_template_is_valid(example: System) -> None:
    """It may name what the template has."""
    queue = {"Fn::GetAtt": ["ClaimsSubmitted", "QueueName"]}
    fragment = _fragment(Dimensions=[{"Name": "QueueName", "Value": queue}])
    assert list(merged_problems(fragment, example)) == []


@pytest.mark.parametrize(
    "fragment",
    [
        _fragment(Dimensions=[{"Name": "QueueName", "Value": {"Ref": "NoSuchQueue"}}]),
        _fragment(Dimensions=[{"Name": "QueueName", "Value": {"Fn::GetAtt": ["ClaimsDead", "NoSuch"]}}]),
        _fragment(Threshold="many"),
        {"Resources": {"SubmitClaim": _alarm()["Resources"]["One"]}},
    ],
)
def test_a_fragment_that_does_not_fit_is_found(fragment: dict[str, Any], example: System) -> None:
    """Names that the template has not got, types that are wrong, an ID that is taken."""
    assert list(merged_problems(fragment, example))
