"""The checks see what is broken: each mutation of valid output is reported."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import yaml

from dashboards.cloudwatch.render import render
from dashboards.rendered import Options, Rendered
from tests.dashboards.cloudwatch.bodies import resolved
from tests.dashboards.cloudwatch.checks import problems
from tests.dashboards.cloudwatch.grammar import FormulaError, names_of
from tests.dashboards.sample import ALARMS, ENDPOINT_PAGE, SYSTEM, UNNAMED_PAGE

Tree = dict[str, Any]
PAGES = (ENDPOINT_PAGE, UNNAMED_PAGE)
FEW = msgspec.structs.replace(ALARMS, alarms=ALARMS.alarms[:4])
RENDERED = render(SYSTEM, PAGES, FEW, Options())
TEMPLATE: Tree = yaml.safe_load(RENDERED.files["template.yaml"])


def _of(tree: Tree, kind: str, which: str = "") -> Tree:
    """The properties of the first resource of a type whose logical ID has a text in it."""
    found: Tree = next(
        one["Properties"]
        for id, one in tree["Resources"].items()
        if one["Type"].endswith(f"::{kind}") and which in id
    )
    return found


def _body(change: Callable[[Tree], None]) -> Callable[[Tree], None]:
    def mutate(tree: Tree) -> None:
        properties = _of(tree, "Dashboard", "EndpointSubmit")
        body = json.loads(resolved(properties["DashboardBody"]))
        change(body)
        properties["DashboardBody"] = json.dumps(body)

    return mutate


def _graph(change: Callable[[Tree], Any]) -> Callable[[Tree], None]:
    return _body(
        lambda body: change(next(one for one in body["widgets"] if one["type"] == "metric")["properties"])
    )


def _on(kind: str, change: Callable[[Tree], Any], which: str = "") -> Callable[[Tree], None]:
    def mutate(tree: Tree) -> None:
        change(_of(tree, kind, which))

    return mutate


def _first_metric(graph: Tree) -> list[Any]:
    found: list[Any] = next(row for row in graph["metrics"] if len(row) > 1)
    return found


def _math(alarm: Tree) -> Tree:
    found: Tree = alarm["Metrics"][0]
    return found


def _twice(tree: Tree) -> None:
    tree["Resources"]["Again"] = copy.deepcopy(tree["Resources"]["AlarmEndpointErrorsSubmit"])


def _unplaced(tree: Tree) -> None:
    one = tree["Resources"]["DashboardServiceAssessClaim"]["Properties"]
    one["DashboardBody"] = {
        "Fn::Sub": resolved(one["DashboardBody"]).replace("<AssessClaimName>", "${Nobody}")
    }


def _too_many(tree: Tree) -> None:
    for index in range(501):
        tree["Resources"][f"Copy{index}"] = copy.deepcopy(tree["Resources"]["AlarmEndpointErrorsSubmit"])
        tree["Resources"][f"Copy{index}"]["Properties"]["AlarmName"] = f"copy-{index}"


SUPPRESSED = "EndpointErrorsSubmitTold"
MUTATIONS: dict[str, tuple[Callable[[Tree], Any], str]] = {
    "no JSON": (_on("Dashboard", lambda p: p.update(DashboardBody="{")), "is no JSON"),
    "wide": (_body(lambda b: b["widgets"][0].update(width=99)), "99 is greater than"),
    "beyond the grid": (_body(lambda b: b["widgets"][0].update(x=4)), "wider than the grid"),
    "overlap": (_body(lambda b: b["widgets"][3].update(x=0)), "overlaps"),
    "unknown widget": (_body(lambda b: b["widgets"][0].update(type="chart")), "'chart' is not one of"),
    "empty metrics": (_graph(lambda g: g.update(metrics=[])), "should be non-empty"),
    "unknown view": (_graph(lambda g: g.update(view="heatmap")), "'heatmap' is not one of"),
    "odd row": (_graph(lambda g: _first_metric(g).pop(2)), "is no namespace, name and pairs"),
    "dimension of nobody": (
        _graph(lambda g: _first_metric(g).__setitem__(3, "other")),
        "nothing of the system",
    ),
    "ID twice": (_graph(lambda g: [row[-1].update(id="m1") for row in g["metrics"]]), "an ID stands twice"),
    "ID that is not there": (
        _graph(lambda g: g["metrics"][0][-1].update(expression="m1/m99")),
        "uses ['m99']",
    ),
    "no formula": (_graph(lambda g: g["metrics"][0][-1].update(expression="SUM([m1,)")), "unexpected"),
    "bad colour": (_graph(lambda g: g["metrics"][0][-1].update(color="blue")), "'color': 'blue'"),
    "alarm that is not there": (
        _body(
            lambda b: next(w for w in b["widgets"] if w["type"] == "alarm")["properties"].update(
                alarms=["arn:aws:cloudwatch:eu-west-1:1:alarm:nobody"]
            )
        ),
        "there is no alarm nobody",
    ),
    "log query without source": (
        _body(
            lambda b: next(w for w in b["widgets"] if w["type"] == "log")["properties"].update(
                query="fields @message"
            )
        ),
        "does not match",
    ),
    "name of a dashboard": (
        _on("Dashboard", lambda p: p.update(DashboardName="a b")),
        "no name of a dashboard",
    ),
    "no operator": (_on("Alarm", lambda p: p.pop("ComparisonOperator")), "ComparisonOperator is missing"),
    "bad operator": (_on("Alarm", lambda p: p.update(ComparisonOperator=">")), "'>' is not one of"),
    "bad missing data": (_on("Alarm", lambda p: p.update(TreatMissingData="maybe")), "'maybe' is not one of"),
    "long evaluation": (
        _on("Alarm", lambda p: p.update(EvaluationPeriods=300)),
        "more than CloudWatch takes",
    ),
    "M over N": (_on("Alarm", lambda p: p.update(DatapointsToAlarm=9)), "more data points than periods"),
    "long name": (_on("Alarm", lambda p: p.update(AlarmName="a" * 256)), "not 1 to 255"),
    "long description": (_on("Alarm", lambda p: p.update(AlarmDescription="a" * 1025)), "1025 characters"),
    "two results": (
        _on("Alarm", lambda p: [row.update(ReturnData=True) for row in p["Metrics"]]),
        "not exactly one row",
    ),
    "alarm with SEARCH": (
        _on("Alarm", lambda p: _math(p).update(Expression="SEARCH(m1)")),
        "no function SEARCH",
    ),
    "eleven metrics": (
        _on("Alarm", lambda p: p["Metrics"].extend({**p["Metrics"][1], "Id": f"n{i}"} for i in range(11))),
        "more than 10",
    ),
    "six actions": (
        _on("Alarm", lambda p: p.update(AlarmActions=["arn:aws:sns:eu-west-1:1:x"] * 6)),
        "5 actions",
    ),
    "alarm on nobody": (
        _on(
            "Alarm",
            lambda p: p["Metrics"][1]["MetricStat"]["Metric"].update(
                Dimensions=[{"Name": "endpoint", "Value": "x"}]
            ),
        ),
        "endpoint x is nothing of the system",
    ),
    "same name": (_twice, "is a name twice"),
    "rule": (_on("CompositeAlarm", lambda p: p.update(AlarmRule="ALARM(a")), "rule cannot be read"),
    "child that is not there": (
        _on("CompositeAlarm", lambda p: p.update(AlarmRule='ALARM("nobody")')),
        "there is no alarm nobody",
    ),
    "suppressor with one period": (
        _on("CompositeAlarm", lambda p: p.pop("ActionsSuppressorWaitPeriod"), SUPPRESSED),
        "needs both of its periods",
    ),
    "namespace of AWS": (
        _on("MetricFilter", lambda p: p["MetricTransformations"][0].update(MetricNamespace="AWS/Mine")),
        "is a namespace of AWS",
    ),
    "default and dimensions": (
        _on(
            "MetricFilter",
            lambda p: p["MetricTransformations"][0].update(Dimensions=[{"Key": "a", "Value": "$.a"}]),
        ),
        "exclude each other",
    ),
    "pattern": (_on("MetricFilter", lambda p: p.update(FilterPattern='[a="b')), "pattern cannot be read"),
    "many log groups": (
        _on("QueryDefinition", lambda p: p.update(LogGroupNames=[f"g{i}" for i in range(51)])),
        "51 log groups",
    ),
    "parameter": (_on("QueryDefinition", lambda p: p.pop("Parameters"), "Story"), "its text asks for"),
    "command": (
        _on("QueryDefinition", lambda p: p.update(QueryString="find x")),
        "no command of Logs Insights",
    ),
    "reference to nobody": (_unplaced, "cfn-lint E1019"),
    "property that is not there": (_on("Alarm", lambda p: p.update(Colour="red")), "'Colour'"),
    "501 resources": (_too_many, "more than 500"),
    "page without dashboard": (
        lambda tree: tree["Resources"].pop("DashboardServiceAssessClaim"),
        "no dashboard shows",
    ),
}


def test_what_is_mutated_is_valid_before() -> None:
    """Else a mutation proves nothing."""
    assert problems(RENDERED, SYSTEM, PAGES, FEW) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_output_is_reported(name: str) -> None:
    """Each in its own words."""
    mutate, expected = MUTATIONS[name]
    tree = copy.deepcopy(TEMPLATE)
    mutate(tree)
    broken = Rendered(files={"template.yaml": yaml.safe_dump(tree)})
    found = problems(broken, SYSTEM, PAGES, FEW)
    assert any(expected in one for one in found), found


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"template.yaml": "Resources: {}"}, "does not end with a new line"),
        ({"template.yaml": "a: [\n"}, "is no YAML"),
        ({"fragment.yaml": "Resources: {}\nOutputs: {}\n"}, "has more than Resources"),
        ({**RENDERED.files, "fragment.yaml": "Resources: {}\n"}, "have different resources"),
    ],
)
def test_broken_files_are_reported(files: dict[str, str], expected: str) -> None:
    """Not their content, but what they are."""
    assert any(expected in one for one in problems(Rendered(files=files), SYSTEM, (), FEW))


@pytest.mark.parametrize(
    "formula", ["", "m1+", "m1 m2", "FILL(m1)", "(m1", "SUM([m1)", "1e5", "M1", "NOPE(m1)"]
)
def test_what_is_no_metric_math_is_refused(formula: str) -> None:
    """The grammar takes what we write, and no more."""
    with pytest.raises(FormulaError):
        names_of(formula)
