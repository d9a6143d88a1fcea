"""The validator of Grafana's files finds nothing in good ones, and each way of breaking them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import yaml

from dashboards.grafana.links import explored
from dashboards.grafana.render import render
from dashboards.rendered import Options, Rendered
from tests.dashboards.grafana.checks import problems
from tests.dashboards.sample import ALARMS as EVERY_ALARM
from tests.dashboards.sample import ENDPOINT_PAGE, SYSTEM, UNNAMED_PAGE
from tests.dashboards.sample import PAGES as EVERY_PAGE

#: A small part of the sample, which is quickly looked at.
PAGES = (ENDPOINT_PAGE, UNNAMED_PAGE)
ALARMS = msgspec.structs.replace(EVERY_ALARM, alarms=EVERY_ALARM.alarms[:4])
GOOD = render(SYSTEM, PAGES, ALARMS, Options())
Tree = dict[str, Any]
PAGE = "{}/dashboards/endpoint-submit.json"
CLOUDWATCH, PROMETHEUS, ELASTICSEARCH = (
    PAGE.format(one) for one in ("cloudwatch", "prometheus", "elasticsearch")
)
RULES = "cloudwatch/alerting/rules.yaml"
OWN = "prometheus/rules/alerts.yaml"


def test_good_files_have_no_problems() -> None:
    """Every page and every alarm of the sample is valid, for all data sources."""
    every = render(SYSTEM, EVERY_PAGE, EVERY_ALARM, Options())
    assert problems(every, SYSTEM, EVERY_PAGE, EVERY_ALARM) == []
    assert problems(GOOD, SYSTEM, PAGES, ALARMS) == []


def changed(name: str, change: Callable[[Any], object]) -> Rendered:
    """Return the good files with one of them changed."""
    tree = yaml.safe_load(GOOD.files[name])
    change(tree)
    text = json.dumps(tree) if name.endswith(".json") else yaml.safe_dump(tree, sort_keys=False)
    return msgspec.structs.replace(GOOD, files={**GOOD.files, name: f"{text}\n"})


def panel(name: str, change: Callable[[Tree], object], title: str = "Error rate") -> Rendered:
    """Return the good files with one panel changed."""

    def fits(one: Tree) -> bool:
        return bool(one["title"] == title) and one["type"] != "row"

    return changed(name, lambda tree: change(next(one for one in tree["panels"] if fits(one))))


def visible(one: Tree) -> Tree:
    """Return the last query of a panel, which is seen."""
    found: Tree = one["targets"][-1]
    return found


def rule(change: Callable[[Tree], object]) -> Rendered:
    """Return the good files with the rule of failing requests changed."""
    return changed(RULES, lambda tree: change(tree["groups"][0]["rules"][0]))


def hide(one: Tree) -> None:
    for target in one["targets"]:
        target["hide"] = True


def _second_on_first(tree: Tree) -> None:
    graphs = [one for one in tree["panels"] if one["type"] == "timeseries"]
    graphs[1]["gridPos"] = dict(graphs[0]["gridPos"])


#: A query of logs that asks no log group.
LOST: Tree = {"datasource": {"uid": "a"}, "queryMode": "Logs", "logGroups": []}


def _twice(tree: Tree) -> None:
    rules = tree["groups"][0]["rules"]
    rules.append(rules[0])


WAYS: dict[str, tuple[Rendered, str]] = {
    "unknown key of a dashboard": (changed(CLOUDWATCH, lambda tree: tree.update(colour="red")), "colour"),
    "no UID": (changed(CLOUDWATCH, lambda tree: tree.update(uid="")), "1 to 40 characters"),
    "long UID": (changed(CLOUDWATCH, lambda tree: tree.update(uid="a" * 41)), "1 to 40 characters"),
    "UID of another page": (
        changed(
            CLOUDWATCH,
            lambda tree: tree.update(
                uid=json.loads(GOOD.files["cloudwatch/dashboards/service-assess-claim.json"])["uid"]
            ),
        ),
        "not unique",
    ),
    "panels lie over each other": (changed(CLOUDWATCH, _second_on_first), "lies over"),
    "panel beyond the grid": (panel(CLOUDWATCH, lambda one: one["gridPos"].update(w=25)), "24 columns"),
    "panel without a place": (panel(CLOUDWATCH, lambda one: one.pop("gridPos")), "has no place"),
    "unknown type of panel": (panel(CLOUDWATCH, lambda one: one.update(type="graph")), "no panel of type"),
    "same number of panels": (panel(CLOUDWATCH, lambda one: one.update(id=1)), "numbers of panels"),
    "variable not defined": (
        changed(
            CLOUDWATCH,
            lambda tree: tree["templating"]["list"].pop(0),
        ),
        "cloudwatch is not defined",
    ),
    "data source not provisioned": (
        changed(CLOUDWATCH, lambda tree: tree["templating"]["list"][0]["current"].update(value="another")),
        "not provisioned",
    ),
    "metric ID not there": (
        panel(CLOUDWATCH, lambda one: visible(one).update(expression="100*m99")),
        "m99, which is not there",
    ),
    "brackets of metric math": (
        panel(CLOUDWATCH, lambda one: visible(one).update(expression="SUM([m1,m2])+(m1")),
        "brackets",
    ),
    "metric without a name": (
        panel(CLOUDWATCH, lambda one: one["targets"][0].update(metricName="")),
        "namespace and a name",
    ),
    "unknown key of a query": (
        panel(CLOUDWATCH, lambda one: one["targets"][0].update(metric="Errors")),
        "metric",
    ),
    "all hidden": (panel(CLOUDWATCH, hide), "is hidden"),
    "same refId": (panel(CLOUDWATCH, lambda one: visible(one).update(refId="A")), "refIds are not unique"),
    "override of nothing": (
        panel(
            CLOUDWATCH,
            lambda one: one["fieldConfig"]["overrides"][0]["matcher"].update(options="ZZ"),
        ),
        "an override is of ZZ",
    ),
    "thresholds in disorder": (
        panel(CLOUDWATCH, lambda one: one["fieldConfig"]["defaults"]["thresholds"]["steps"].reverse()),
        "thresholds begin",
    ),
    "unknown draw style": (
        panel(CLOUDWATCH, lambda one: one["fieldConfig"]["defaults"]["custom"].update(drawStyle="pie")),
        "drawStyle",
    ),
    "no log group": (
        panel(CLOUDWATCH, lambda one: one["targets"][0].update(logGroups=[]), "Newest errors"),
        "names a log group",
    ),
    "text says nothing": (
        panel(CLOUDWATCH, lambda one: one["options"].update(content=""), "Where to look"),
        "a text says something",
    ),
    "link to no dashboard": (
        panel(
            CLOUDWATCH,
            lambda one: one["options"].update(content="[x](/d/nowhere)"),
            "Where to look",
        ),
        "nowhere, which is not there",
    ),
    "broken PromQL": (
        panel(PROMETHEUS, lambda one: one["targets"][0].update(expr="sum(rate(x[5m])")),
        "PromQL",
    ),
    "broken Lucene": (
        panel(ELASTICSEARCH, lambda one: one["targets"][0].update(query='a:"b AND (')),
        "Lucene",
    ),
    "unknown aggregation": (
        panel(ELASTICSEARCH, lambda one: one["targets"][0]["metrics"][0].update(type="mode")),
        "metrics",
    ),
    "mathematics of nothing": (
        panel(ELASTICSEARCH, lambda one: visible(one).update(expression="100 * $Z")),
        "Z, which is not there",
    ),
    "unknown expression": (
        panel(ELASTICSEARCH, lambda one: visible(one).update(type="divide")),
        "no expression of type",
    ),
    "condition not there": (rule(lambda one: one.update(condition="Q")), "condition Q is not there"),
    "condition is no threshold": (rule(lambda one: one.update(condition="A")), "condition is a threshold"),
    "unknown state": (rule(lambda one: one.update(noDataState="Quiet")), "noDataState"),
    "unknown key of a rule": (rule(lambda one: one.update(severity="high")), "off"),
    "rule without severity": (rule(lambda one: one["labels"].pop("severity")), "no severity"),
    "rule of another data source": (
        rule(lambda one: one["data"][0].update(datasourceUid="nobody")),
        "no data source has the UID",
    ),
    "rule with a variable": (
        rule(lambda one: one["data"][0]["model"].update(region="${region}")),
        "knows no variables",
    ),
    "rule without a past": (
        rule(lambda one: one["data"][0].update(relativeTimeRange={"from": 0, "to": 0})),
        "looks back",
    ),
    "rule on no panel": (
        rule(lambda one: one["annotations"].update(__panelId__="999")),
        "panel 999",
    ),
    "template in an annotation": (
        rule(lambda one: one["annotations"].update(summary="{{ $x }}")),
        "without templates",
    ),
    "rule there twice": (changed(RULES, _twice), "is there twice"),
    "group without an interval": (
        changed(RULES, lambda tree: tree["groups"][0].update(interval="soon")),
        "a number and a unit",
    ),
    "broken own rule": (
        changed(OWN, lambda tree: tree["groups"][0]["rules"][0].update(expr="sum(")),
        "PromQL",
    ),
    "own rule there twice": (changed(OWN, _twice), "is there twice"),
    "nothing recorded": (
        changed("prometheus/rules/recording.yaml", lambda tree: tree.update(groups=[])),
        "which nobody records",
    ),
    "other rules in the template": (
        changed(
            "prometheus/aps.template.yaml",
            lambda tree: tree["Resources"]["Rules1"]["Properties"].update(Data="groups: []"),
        ),
        "other rules than the files",
    ),
    "no provider": (
        changed("provisioning/dashboards.yaml", lambda tree: tree["providers"].pop()),
        "one provider a data source",
    ),
    "mute timing not there": (
        changed("alerting/policies.example.yaml", lambda tree: tree["muteTimes"].clear()),
        "mute timing",
    ),
    "link to Explore without log groups": (
        panel(CLOUDWATCH, lambda one: one["links"].append({"url": explored(LOST)}), "Newest errors"),
        "asks no log group",
    ),
    "annotation without a time": (
        changed("annotations.json", lambda tree: tree[0].pop("time")),
        "an annotation has a time",
    ),
    "a page is missing": (
        msgspec.structs.replace(
            GOOD, files={name: text for name, text in GOOD.files.items() if name != CLOUDWATCH}
        ),
        "pages without a dashboard",
    ),
    "no JSON": (
        msgspec.structs.replace(GOOD, files={**GOOD.files, "annotations.json": "{\n"}),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_breaking_it_is_found(way: str) -> None:
    """The validator says what is broken, in words that name it."""
    broken, words = WAYS[way]
    assert any(words in one for one in problems(broken, SYSTEM, PAGES, ALARMS))
