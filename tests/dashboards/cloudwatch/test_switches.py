"""What exists only under a condition: alarms share it, dashboards and composites bear its absence."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import yaml

from dashboards.alarms.values import Alarm, Alarms, Composite, Condition
from dashboards.cloudwatch.render import fragment, render
from dashboards.expressions import Expression, Metric, Total
from dashboards.panels import LogQuery, Page, Panel, Section, Series
from dashboards.rendered import Options
from dashboards.resources import Name, Resource, System
from tests.dashboards.cloudwatch.bodies import resolved
from tests.dashboards.cloudwatch.checks import problems


def _function(logical_id: str, declared: str = "") -> Resource:
    return Resource(
        id=f"function:{logical_id}",
        kind="function",
        logical_id=logical_id,
        name=Name(expression={"Ref": logical_id}, pattern=f"*-{logical_id}-*"),
        declared=declared,
    )


def _alarm(name: str, of: Expression, **more: Any) -> Alarm:
    condition = Condition(of=of, op=">", threshold=1)
    return Alarm(name=name, rule="errors", subject="", title=name, condition=condition, **more)


def _errors(logical_id: str) -> Metric:
    return Metric("function.errors", f"function:{logical_id}", "sum")


PARTS = (_function("Always"), _function("Canary", "IsCanary"), _function("Mirror", "HasMirror"))
SYSTEM = System(title="Shop", region="eu-west-1", resources={one.id: one for one in PARTS})
ALARMS = Alarms(
    alarms=(
        _alarm("always", _errors("Always")),
        _alarm("canary", _errors("Canary"), suppressed_by=("mirror",)),
        _alarm("mirror", _errors("Mirror")),
        _alarm("both", Total((_errors("Always"), _errors("Canary")))),
    ),
    composites=(
        Composite(name="mixed", title="Mixed", children=("always", "canary", "mirror")),
        Composite(name="rare", title="Rare", children=("canary", "mirror")),
        Composite(name="same", title="Same", children=("canary",)),
    ),
)
GRAPH = Panel(
    id="errors",
    title="Errors",
    kind="lines",
    series=tuple(Series(label=one.logical_id, of=_errors(one.logical_id)) for one in PARTS),
)
PAGES = (Page(name="system", title="All", kind="system", sections=(Section(title="All", panels=(GRAPH,)),)),)


@pytest.fixture(scope="module")
def inside() -> dict[str, Any]:
    """Resources of the fragment."""
    text = fragment(SYSTEM, PAGES, ALARMS).files["fragment.yaml"]
    found: dict[str, Any] = yaml.safe_load(text)["Resources"]
    return found


def test_both_outputs_are_valid() -> None:
    """No validator has anything to say."""
    assert problems(render(SYSTEM, PAGES, ALARMS, Options()), SYSTEM, PAGES, ALARMS) == []


def test_an_alarm_has_the_condition_of_what_it_watches(inside: dict[str, Any]) -> None:
    """One that watches more than that is always there, and bears that a part is missing."""
    assert inside["AlarmCanary"]["Condition"] == "IsCanary"
    assert inside["AlarmCanary"]["Properties"]["Dimensions"][0]["Value"] == {"Ref": "Canary"}
    assert "Condition" not in inside["AlarmAlways"]
    assert "Condition" not in inside["AlarmBoth"]
    assert {"Fn::If": ["IsCanary", {"Ref": "Canary"}, "none"]} in [
        row["MetricStat"]["Metric"]["Dimensions"][0]["Value"]
        for row in inside["AlarmBoth"]["Properties"]["Metrics"]
        if "MetricStat" in row
    ]


def test_a_dashboard_does_not_break_without_it(inside: dict[str, Any]) -> None:
    """Its name is put in where it exists, else a name that nothing has."""
    body, names = inside["DashboardSystem"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert "${Always}" in body
    assert "${CanaryNameOrNone}" in body
    assert names["CanaryNameOrNone"] == {"Fn::If": ["IsCanary", {"Ref": "Canary"}, "none"]}


def _term(condition: str, alarm: str) -> dict[str, Any]:
    name = {"Fn::Join": ["", [' OR ALARM("', {"Ref": alarm}, '")']]}
    return {"Fn::If": [condition, name, ""]}


def test_a_composite_names_only_what_is_there(inside: dict[str, Any]) -> None:
    """Its condition is that of all its children, else each is put in by its own."""
    assert inside["CompositeSame"]["Condition"] == "IsCanary"
    assert inside["CompositeMixed"]["Properties"]["AlarmRule"] == {
        "Fn::Join": [
            "",
            [
                'ALARM("shop-always")',
                _term("IsCanary", "AlarmCanary"),
                _term("HasMirror", "AlarmMirror"),
            ],
        ]
    }
    assert inside["CompositeRare"]["Properties"]["AlarmRule"]["Fn::Join"][1][0] == "FALSE"


def test_a_suppressor_that_may_be_missing_is_left_out_with_its_periods(inside: dict[str, Any]) -> None:
    """CloudWatch takes all three or none."""
    told = inside["CompositeCanaryTold"]
    assert told["Condition"] == "IsCanary"
    three = {key: value for key, value in told["Properties"].items() if key.startswith("ActionsSuppressor")}
    assert len(three) == 3
    assert all(value["Fn::If"][0] == "HasMirror" for value in three.values())


def test_a_stack_of_its_own_asks_whether_it_exists() -> None:
    """A parameter that may be empty, and a condition on it."""
    tree = yaml.safe_load(render(SYSTEM, PAGES, ALARMS, Options()).files["template.yaml"])
    assert tree["Parameters"]["CanaryName"]["Default"] == ""
    assert "Default" not in tree["Parameters"]["AlwaysName"]
    assert tree["Conditions"]["HasCanaryName"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CanaryName"}, ""]}]}
    assert tree["Resources"]["AlarmCanary"]["Condition"] == "HasCanaryName"
    assert tree["Resources"]["CompositeSame"]["Condition"] == "HasCanaryName"


def test_what_is_known_by_name_has_the_condition_too() -> None:
    """Silence of what does not exist is no fault."""
    named = msgspec.structs.replace(PARTS[1], name=Name(known="canary"))
    system = msgspec.structs.replace(SYSTEM, resources={named.id: named})
    alarm = msgspec.structs.replace(_alarm("canary", _errors("Canary")), subject=named.id)
    tree = yaml.safe_load(fragment(system, (), Alarms(alarms=(alarm,))).files["fragment.yaml"])
    assert tree["Resources"]["AlarmCanary"]["Condition"] == "IsCanary"


def _logs(*names: str) -> tuple[Page, ...]:
    groups = tuple(Name(expression={"Fn::Sub": f"/aws/lambda/${{{one}}}"}) for one in names)
    query = LogQuery(name="errors", title="Errors", log_groups=groups, is_errors=True)
    panel = Panel(id="logs", title="Newest errors", kind="logs", query=query)
    return (
        Page(name="system", title="All", kind="system", sections=(Section(title="All", panels=(panel,)),)),
    )


def _shown(names: tuple[str, ...], *, is_true: bool, is_fragment: bool) -> dict[str, Any]:
    rendered = render(SYSTEM, _logs(*names), Alarms(), Options())
    text = rendered.files["fragment.yaml" if is_fragment else "template.yaml"]
    body = yaml.safe_load(text)["Resources"]["DashboardSystem"]["Properties"]["DashboardBody"]
    assert problems(rendered, SYSTEM, _logs(*names), Alarms()) == []
    (widget,) = (
        one
        for one in json.loads(resolved(body, is_true=is_true))["widgets"]
        if one["type"] != "text" or "Newest errors" in one["properties"]["markdown"]
    )
    found: dict[str, Any] = widget
    return found


@pytest.mark.parametrize("is_fragment", [True, False])
@pytest.mark.parametrize(
    ("names", "is_true", "sources"),
    [
        (("Always", "Canary"), True, ["Always", "Canary"]),
        (("Always", "Canary"), False, ["Always"]),
        (("Canary", "Mirror"), True, ["Canary", "Mirror"]),
        (("Canary", "Mirror"), False, []),
    ],
)
def test_a_log_group_that_does_not_exist_is_not_searched(
    names: tuple[str, ...], is_true: bool, sources: list[str], is_fragment: bool
) -> None:
    """The rest is; where nothing is left a text says so."""
    widget = _shown(names, is_true=is_true, is_fragment=is_fragment)
    ending = "" if is_fragment else "Name"
    if not sources:
        assert widget["type"] == "text"
        assert "None of the log groups" in widget["properties"]["markdown"]
        return
    expected = [f"SOURCE '/aws/lambda/<{one}{ending}>'" for one in sources]
    assert widget["properties"]["query"].split(" | ")[: len(sources)] == expected
    assert widget["properties"]["query"].split(" | ")[len(sources)].startswith("fields")
