"""Buses, rules and streams in templates: what they become, and what is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.local.template import Deferred, Template, TemplateError, load, resolve
from console.local.template_parts import EventTrigger, KinesisTrigger

Read = Callable[..., Template]
BUS = {"Type": "AWS::Events::EventBus", "Properties": {"Name": "claims"}}
STREAM = {"Type": "AWS::Kinesis::Stream"}
PATTERN = {"source": ["claims"]}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a template of function F with event E, bus Bus, stream Stream and whatever else is given."""

    def make(event: dict[str, Any] | None = None, **more: Any) -> Template:
        function: dict[str, Any] = {"Handler": "app.handler"}
        if event is not None:
            function["Events"] = {"E": event}
        resources = {
            "F": {"Type": "AWS::Serverless::Function", "Properties": function},
            "Bus": BUS,
            "Stream": STREAM,
            **more,
        }
        path = tmp_path / "template.json"
        path.write_text(json.dumps({"Resources": resources}))
        return load(path, stack_name="s1")

    return make


def _on_bus(**properties: Any) -> dict[str, Any]:
    kind = properties.pop("Type", "EventBridgeRule")
    return {"Type": kind, "Properties": {"EventBusName": {"Ref": "Bus"}, "Pattern": PATTERN, **properties}}


def _on_stream(**properties: Any) -> dict[str, Any]:
    given = {"Stream": {"Fn::GetAtt": ["Stream", "Arn"]}, "StartingPosition": "TRIM_HORIZON", **properties}
    return {"Type": "Kinesis", "Properties": given}


def _rule(**properties: Any) -> dict[str, Any]:
    targets = [{"Id": "t", "Arn": {"Fn::GetAtt": ["F", "Arn"]}}]
    given = {"EventBusName": "claims", "EventPattern": PATTERN, "Targets": targets, **properties}
    return {"Type": "AWS::Events::Rule", "Properties": given}


@pytest.mark.parametrize("kind", ["EventBridgeRule", "CloudWatchEvent"])
def test_a_rule_of_a_function_is_a_trigger(read: Read, kind: str) -> None:
    """By either of its names in SAM; the bus is known once it is deployed."""
    template = read(_on_bus(Type=kind, Input='{"a": 1}'))
    (trigger,) = template.functions["F"].triggers
    assert isinstance(trigger, EventTrigger)
    assert isinstance(trigger.bus, Deferred)
    assert resolve(trigger.bus, {("Bus", "Ref"): "claims"}) == "claims"
    assert (trigger.rule, json.loads(trigger.pattern), trigger.given) == ("F.E", PATTERN, {"a": 1})
    assert template.buses["Bus"].name == "claims"


def test_without_a_bus_it_is_the_default_one(read: Read) -> None:
    """Which every account has."""
    event = {"Type": "EventBridgeRule", "Properties": {"Pattern": PATTERN}}
    assert read(event).functions["F"].triggers == (EventTrigger("default", "F.E", json.dumps(PATTERN)),)


def test_a_rule_that_is_a_resource_is_a_trigger_of_its_targets(read: Read) -> None:
    """Of each function among them, with the target's own input."""
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "app.handler"}}
    targets = [
        {"Id": "f", "Arn": {"Fn::GetAtt": ["F", "Arn"]}},
        {"Id": "g", "Arn": {"Fn::GetAtt": ["G", "Arn"]}, "Input": "{}"},
    ]
    template = read(R=_rule(Targets=targets), G=function)
    text = json.dumps(PATTERN)
    assert template.functions["F"].triggers == (EventTrigger("claims", "R.0", text),)
    assert template.functions["G"].triggers == (EventTrigger("claims", "R.1", text, {}),)


def test_a_stream_is_read_as_its_event_says(read: Read) -> None:
    """With Lambda's defaults: a hundred records, no window, retries without end."""
    assert read(_on_stream()).functions["F"].triggers == (KinesisTrigger("Stream", "TRIM_HORIZON"),)
    event = _on_stream(
        StartingPosition="LATEST",
        BatchSize=5,
        MaximumBatchingWindowInSeconds=2,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=3,
    )
    trigger = KinesisTrigger("Stream", "LATEST", 5, 2.0, partial=True, bisect=True, retries=3)
    assert read(event).functions["F"].triggers == (trigger,)


@pytest.mark.parametrize(
    ("properties", "name", "shards"),
    [
        ({}, "s1-Stream", 1),
        ({"Name": "facts", "ShardCount": 3}, "facts", 3),
        ({"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}, "s1-Stream", 4),
    ],
)
def test_streams_have_names_and_shards(
    read: Read, properties: dict[str, Any], name: str, shards: int
) -> None:
    """One shard unless said otherwise, four on demand."""
    part = read(Stream={**STREAM, "Properties": properties}).streams["Stream"]
    assert (part.name, part.shards) == (name, shards)


@pytest.mark.parametrize(
    ("event", "more", "why"),
    [
        (_on_bus(State="DISABLED"), {}, "disabled"),
        (_on_bus(Enabled=False), {}, "not enabled"),
        (_on_bus(EventBusName="central"), {}, "the bus central is not in this template"),
        (_on_stream(Stream="arn:aws:kinesis:eu-west-1:1:stream/x"), {}, "its Stream is not in this template"),
        (_on_stream(Enabled=False), {}, "not enabled"),
        (None, {"R": _rule(State="DISABLED")}, "disabled"),
        (None, {"R": {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(1 day)"}}},
         "schedules are not played"),
        (None, {"P": {"Type": "AWS::Events::EventBusPolicy"}}, "permissions are not played"),
    ],
)  # fmt: skip
def test_what_does_not_call_here_is_listed(
    read: Read, event: dict[str, Any] | None, more: dict[str, Any], why: str
) -> None:
    """With its reason; the rest of the template runs."""
    template = read(event, **more)
    assert template.functions["F"].triggers == ()
    (ignored,) = template.ignored
    assert why in ignored.why


def test_a_rule_of_a_function_that_does_not_run_is_listed(read: Read) -> None:
    """As its routes are."""
    node = {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "x", "Runtime": "nodejs22.x"}}
    template = read(R=_rule(Targets=[{"Arn": {"Fn::GetAtt": ["G", "Arn"]}}]), G=node)
    assert "its function does not run here" in [ignored.why for ignored in template.ignored]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (_on_bus(Pattern={"source": "claims"}), "Pattern: source: a mapping or a list is expected"),
        (_on_bus(Pattern={"source": [{"like": "x"}]}), "Pattern: source: the operator 'like' is not played"),
        (_on_bus(Pattern={"source": [{"Ref": "Stream"}]}), "which only a deployment knows"),
        ({"Type": "EventBridgeRule", "Properties": {}}, "F.Events.E.Properties.Pattern: is missing"),
        (_on_bus(EventBusName={"Ref": "Stream"}), "Stream is an AWS::Kinesis::Stream; an AWS::Events::"),
        (_on_bus(EventBusName={"Fn::GetAtt": ["Bus", "Policy"]}), "the attribute Policy of Bus"),
        (_on_bus(State="ON"), "'ON' is neither ENABLED nor DISABLED"),
        (_on_bus(Input="{"), "F.Events.E.Properties.Input: is not JSON"),
        (_on_bus(Input="[1]"), "Input: a JSON object is expected"),
        (_on_stream(StartingPosition="AT_TIMESTAMP"), "StartingPosition: TRIM_HORIZON or LATEST is expected"),
        (_on_stream(StartingPosition=""), "F.Events.E.Properties.StartingPosition: is missing"),
        (_on_stream(Stream=""), "F.Events.E.Properties.Stream: is missing"),
        (_on_stream(Stream={"Ref": "Bus"}), "Bus is an AWS::Events::EventBus; an AWS::Kinesis::Stream"),
        (_on_stream(BatchSize=10_001), "BatchSize: 10001 is not between 1 and 10000"),
        (_on_stream(MaximumRetryAttempts=-2), "MaximumRetryAttempts: -2 is not between -1 and 10000"),
        (_on_stream(MaximumBatchingWindowInSeconds=301), "301 is not between 0 and 300"),
    ],
)
def test_an_event_that_is_wrong_is_a_sentence_with_its_place(
    read: Read, event: dict[str, Any], said: str
) -> None:
    """File, logical ID and property."""
    with pytest.raises(TemplateError) as caught:
        read(event)
    assert said in str(caught.value)
    assert caught.value.logical_id == "F"


@pytest.mark.parametrize(
    ("make", "name", "given"),
    [
        (_on_bus, "InputPath", "$.detail"),
        (_on_bus, "InputTransformer", {"InputTemplate": "<a>"}),
        (_on_bus, "RetryPolicy", {"MaximumRetryAttempts": 1}),
        (_on_bus, "DeadLetterConfig", {"Arn": "x"}),
        (_on_stream, "FilterCriteria", {"Filters": []}),
        (_on_stream, "ParallelizationFactor", 2),
        (_on_stream, "TumblingWindowInSeconds", 60),
        (_on_stream, "MaximumRecordAgeInSeconds", 60),
        (_on_stream, "DestinationConfig", {"OnFailure": {}}),
        (_on_stream, "StartingPositionTimestamp", 1),
    ],
)
def test_what_is_not_played_of_an_event_is_refused(
    read: Read, make: Callable[..., dict[str, Any]], name: str, given: object
) -> None:
    """Silence would let a function get other events here than it gets on AWS."""
    said = rf"F\.Events\.E\.Properties\.{name}: is not played by the local Lambda"
    with pytest.raises(TemplateError, match=said):
        read(make(**{name: given}))


ON_DEMAND = {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
FUNCTION_ARN = {"Fn::GetAtt": ["F", "Arn"]}


@pytest.mark.parametrize(
    ("name", "resource", "said"),
    [
        ("Bus", {"Type": "AWS::Events::EventBus"}, "Bus.Name: is missing"),
        ("Bus", {**BUS, "Properties": {"Name": "default"}}, "Bus.Name: 'default' is no name for a bus"),
        ("Bus", {**BUS, "Properties": {"Name": "a/b"}}, "Bus.Name: 'a/b' is no name for a bus"),
        ("Bus", {**BUS, "Properties": {"EventSourceName": "p"}}, "Bus.EventSourceName: events of partners"),
        ("Stream", {**STREAM, "Properties": {"ShardCount": 0}}, "Stream.ShardCount: 0 is not between 1"),
        ("Stream", {**STREAM, "Properties": {**ON_DEMAND, "ShardCount": 1}}, "a stream on demand has none"),
        (
            "Stream",
            {**STREAM, "Properties": {"StreamModeDetails": {"StreamMode": "FAST"}}},
            "Stream.StreamModeDetails.StreamMode: 'FAST' is neither",
        ),
        ("R", _rule(Targets="x"), "R.Targets: a list is expected"),
        (
            "R",
            _rule(Targets=[{"Id": "q", "Arn": "arn:aws:sqs:eu-west-1:1:q"}]),
            "R.Targets.Arn: a function of",
        ),
        ("R", _rule(Targets=[{"Arn": {"Fn::GetAtt": ["Stream", "Arn"]}}]), "Stream is an AWS::Kinesis::"),
        ("R", _rule(Targets=[{"Arn": FUNCTION_ARN, "InputPath": "$"}]), "R.Targets.InputPath: is not played"),
        ("R", _rule(EventPattern=None), "R.EventPattern: a mapping with at least one member"),
    ],
)
def test_a_resource_that_is_wrong_is_a_sentence_with_its_place(
    read: Read, name: str, resource: dict[str, Any], said: str
) -> None:
    """Or one that is not played; a target that is no function is not left out in silence."""
    with pytest.raises(TemplateError) as caught:
        read(None, **{name: resource})
    assert said in str(caught.value)
    assert caught.value.logical_id == name
