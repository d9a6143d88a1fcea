"""What is generated for CloudWatch of the sample system."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import yaml

from dashboards.alarms.values import Alarm, Alarms, Composite, Condition
from dashboards.cloudwatch.render import fragment, render
from dashboards.expressions import Metric
from dashboards.panels import Page, Panel, Section, Series
from dashboards.rendered import Options, Rendered
from dashboards.resources import Name, Resource, System
from tests.dashboards.cloudwatch.bodies import resolved
from tests.dashboards.cloudwatch.checks import problems
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM, UNNAMED

SLO_TITLE = ALARMS.slos[0].title


@pytest.fixture(scope="module")
def rendered() -> Rendered:
    """The sample's output."""
    return render(SYSTEM, PAGES, ALARMS, Options())


@pytest.fixture(scope="module")
def resources(rendered: Rendered) -> dict[str, Any]:
    """Resources of template.yaml."""
    found: dict[str, Any] = yaml.safe_load(rendered.files["template.yaml"])["Resources"]
    return found


def test_the_sample_is_valid(rendered: Rendered) -> None:
    """No validator has anything to say."""
    assert problems(rendered, SYSTEM, PAGES, ALARMS) == []


def test_the_same_comes_out_every_time(rendered: Rendered) -> None:
    """Files and notes are the same, in the same order."""
    again = render(SYSTEM, PAGES, ALARMS, Options())
    assert again == rendered
    assert list(again.files) == list(rendered.files)
    assert fragment(SYSTEM, PAGES, ALARMS).files == {"fragment.yaml": rendered.files["fragment.yaml"]}


def test_names_that_only_the_stack_knows_are_parameters_or_references(rendered: Rendered) -> None:
    """A parameter in a stack of its own, Ref in the fragment."""
    stack = yaml.safe_load(rendered.files["template.yaml"])
    inside = yaml.safe_load(rendered.files["fragment.yaml"])
    assert stack["Parameters"]["AssessClaimName"]["Type"] == "String"
    alarm = "AlarmFunctionNearTimeoutAssessClaim"
    assert stack["Resources"][alarm]["Properties"]["Dimensions"][0]["Value"] == {"Ref": "AssessClaimName"}
    assert inside["Resources"][alarm]["Properties"]["Dimensions"][0]["Value"] == {"Ref": "AssessClaim"}
    body = inside["Resources"]["DashboardServiceAssessClaim"]["Properties"]["DashboardBody"]["Fn::Sub"][
        0 : 10**6
    ]
    assert '"${AssessClaim}"' in body


def test_an_alarm_is_quiet_by_its_properties(resources: dict[str, Any]) -> None:
    """M of N, gated by traffic, missing data on purpose; suppressed, it tells by a composite."""
    alarm = resources["AlarmEndpointErrorsSubmit"]["Properties"]
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (3, 2)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["Metrics"][0]["Expression"] == "IF(FILL(m2,0)>=20,100*FILL(m1,0)/m2,0)"
    assert "AlarmActions" not in alarm
    for text in ("Requests fail.", "5% of at least 20", "Runbook: https://", "Dashboard: https://"):
        assert text in resolved(alarm["AlarmDescription"])
    told = resources["CompositeEndpointErrorsSubmitTold"]
    assert told["Properties"]["AlarmRule"] == 'ALARM("claims-endpoint-errors-submit")'
    assert told["Properties"]["ActionsSuppressor"] == "claims-slo-submit-availability"
    assert told["Properties"]["AlarmActions"]["Fn::If"][0] == "HasCriticalActions"
    assert "AlarmEndpointErrorsSubmit" in told["DependsOn"]


def test_a_slower_burn_rate_is_silent_under_a_faster(resources: dict[str, Any]) -> None:
    """Both windows, and the chain of suppressors."""
    fast = resources[_burn(resources, "14-4x-1h")]
    slow = resources[_burn(resources, "6x-6h")]
    assert fast["Properties"]["AlarmRule"].count(" AND ") == 1
    assert slow["Properties"]["ActionsSuppressor"] == fast["Properties"]["AlarmName"]
    said = resolved(slow["Properties"]["AlarmDescription"])
    assert said.count(SLO_TITLE) == 1
    assert "6 times as fast as it may be" in said


def _burn(resources: dict[str, Any], name: str) -> str:
    return next(
        id
        for id, one in resources.items()
        if one["Type"] == "AWS::CloudWatch::CompositeAlarm"
        and one["Properties"]["AlarmName"] == f"claims-slo-submit-availability-{name}"
    )


def test_a_window_of_three_days_is_three_days_and_said(rendered: Rendered, resources: dict[str, Any]) -> None:
    """What CloudWatch cannot express exactly has a note."""
    (alarm,) = (
        one["Properties"]
        for one in resources.values()
        if one["Properties"].get("AlarmName") == "claims-slo-submit-availability-1x-3d-long"
    )
    assert {row["MetricStat"]["Period"] for row in alarm["Metrics"] if "MetricStat" in row} == {86_400}
    assert alarm["EvaluationPeriods"] == 3
    assert any("no window of 3 d" in note.text for note in rendered.notes)


def test_sides_have_their_colours_and_lines_their_labels(resources: dict[str, Any]) -> None:
    """On the graph: objective, baseline and cutover."""
    body = json.loads(resolved(resources["DashboardEndpointSubmit"]["Properties"]["DashboardBody"]))
    (graph,) = (one["properties"] for one in body["widgets"] if one["properties"].get("title") == "p95")
    colours = {row[-1]["label"]: row[-1].get("color") for row in graph["metrics"] if "label" in row[-1]}
    assert colours["legacy"] == "#b26a00"
    assert colours["serverless"] == "#1f77b4"
    assert [line["label"] for line in graph["annotations"]["horizontal"]] == ["Legacy baseline", "SLO"]
    assert graph["annotations"]["vertical"] == [
        {"label": "Cutover", "value": "2026-10-01T06:00:00Z", "color": "#7f7f7f"}
    ]
    assert graph["yAxis"]["left"]["label"] == "Milliseconds"


def test_a_panel_that_nothing_measures_says_why(rendered: Rendered, resources: dict[str, Any]) -> None:
    """A text stands where the graph would, and a note is given."""
    body = json.loads(resolved(resources["DashboardSystem"]["Properties"]["DashboardBody"]))
    texts = [one["properties"]["markdown"] for one in body["widgets"] if one["type"] == "text"]
    assert any("**CPU of its host**" in text and "cloudwatch_metrics" in text for text in texts)
    assert any("system.cpu.utilization" in note.text for note in rendered.notes)


def test_an_empty_system_says_that_there_is_nothing() -> None:
    """No file, one sentence."""
    found = render(System(), (), Alarms(), Options())
    assert found.files == {}
    assert found.notes[0].text.startswith("There is nothing")


def test_alarms_that_cannot_be_told_are_noted_and_leave_their_composites() -> None:
    """Ten days are longer than CloudWatch judges."""
    alarm = Alarm(
        name="long",
        rule="long",
        subject=UNNAMED.id,
        title="Long",
        condition=Condition(
            of=Metric("function.errors", UNNAMED.id, "sum"), op=">", threshold=1, period_s=86_400, periods=10
        ),
    )
    composite = Composite(name="any", title="Any", children=("long",))
    found = render(SYSTEM, (), Alarms(alarms=(alarm,), composites=(composite,)), Options())
    assert [note.text for note in found.notes if "left out" in note.text] == [
        "The alarm long is left out: 10 periods of 86400 s are longer than 7 days, CloudWatch's limit "
        "for such periods.",
        "The alarm any is left out: none of its parts is in CloudWatch.",
    ]


def _function(index: int) -> Resource:
    logical_id = f"Function{index}"
    name = Name(expression={"Ref": logical_id}, pattern=f"*-{logical_id}-*")
    return Resource(id=f"function:{logical_id}", kind="function", logical_id=logical_id, name=name)


def test_three_hundred_functions_stay_within_every_limit() -> None:
    """Parameters, resources, metrics and bytes: split over templates and dashboards."""
    functions = [_function(index) for index in range(300)]
    names = ("invocations", "errors", "throttles", "duration", "concurrency", "cold_starts", "cost")

    def graph(function: Resource, name: str) -> Panel:
        statistic: Any = "p95" if name == "duration" else "max" if name == "concurrency" else "sum"
        series = Series(label=name, of=Metric(f"function.{name}", function.id, statistic))
        return Panel(id=f"{function.logical_id}-{name}", title=name, kind="lines", width=6, series=(series,))

    pages = [
        Page(
            name="system",
            title="All",
            kind="system",
            sections=tuple(
                Section(title=one.logical_id, panels=tuple(graph(one, name) for name in names))
                for one in functions
            ),
        ),
        *(
            Page(
                name=f"service-{one.logical_id.lower()}",
                title=one.logical_id,
                kind="service",
                sections=(Section(title="All", panels=tuple(graph(one, name) for name in names)),),
            )
            for one in functions
        ),
    ]
    alarms = Alarms(
        alarms=tuple(
            Alarm(
                name=f"function-errors-{one.logical_id.lower()}",
                rule="function-errors",
                subject=one.id,
                title=one.logical_id,
                condition=Condition(of=Metric("function.errors", one.id, "sum"), op=">", threshold=1),
            )
            for one in functions
        ),
        composites=(
            Composite(
                name="all",
                title="All",
                children=tuple(f"function-errors-{one.logical_id.lower()}" for one in functions),
            ),
        ),
    )
    system = System(title="Many", resources={one.id: one for one in functions}, region="eu-west-1")
    found = render(system, pages, alarms, Options())
    assert len(found.files) > 2
    assert "fragment.yaml" not in found.files
    assert any("There is no fragment.yaml: it would have" in note.text for note in found.notes)
    assert problems(found, system, pages, alarms) == []


def test_resources_of_nested_stacks_are_parameters_even_in_the_fragment() -> None:
    """No Ref reaches into a nested stack."""
    resource = msgspec.structs.replace(
        UNNAMED,
        id="function:Inner/AssessClaim",
        stack=("Inner",),
        name=Name(expression={"Ref": "Inner/AssessClaim"}),
    )
    alarm = Alarm(
        name="errors",
        rule="errors",
        subject=resource.id,
        title="Errors",
        condition=Condition(of=Metric("function.errors", resource.id, "sum"), op=">", threshold=1),
    )
    system = msgspec.structs.replace(SYSTEM, resources={resource.id: resource})
    found = render(system, (), Alarms(alarms=(alarm,)), Options())
    inside = yaml.safe_load(found.files["fragment.yaml"])["Resources"]["AlarmErrors"]["Properties"]
    assert inside["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "InnerAssessClaimName"}}]
    assert any("declares the parameters InnerAssessClaimName" in note.text for note in found.notes)


@pytest.mark.parametrize("has_metrics", [True, False])
def test_a_system_of_an_unknown_region_is_valid(has_metrics: bool) -> None:
    """Region and account are those of the stack; requests are told by whoever else can."""
    config = msgspec.structs.replace(SYSTEM.config, endpoint_metrics=has_metrics)
    system = msgspec.structs.replace(SYSTEM, region="", account="", config=config)
    found = render(system, PAGES, ALARMS, Options())
    assert problems(found, system, PAGES, ALARMS) == []
    assert "https://${AWS::Region}.console.aws.amazon.com" in found.files["template.yaml"]


def test_a_fragment_of_more_than_a_megabyte_is_not_written() -> None:
    """Nothing could include it; a note says so, and the templates hold everything."""
    pages = [_long(f"page-{index}", 60_000) for index in range(20)]
    found = render(SYSTEM, pages, Alarms(), Options())
    assert list(found.files) == ["template.yaml", "template-2.yaml"]
    assert any("bytes, and a template has 1 MB at most" in note.text for note in found.notes)
    assert "fragment.yaml" in render(SYSTEM, pages[:5], Alarms(), Options()).files


def _long(name: str, size: int) -> Page:
    panel = Panel(id="text", title="Text", kind="text", text="word " * (size // 5))
    return Page(name=name, title=name, kind="service", sections=(Section(title="All", panels=(panel,)),))
