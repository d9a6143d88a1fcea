"""What Grafana's files show: links, colours, limits, gates, M of N, names that are not known yet."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from dashboards.cloudwatch.metrics import Absent
from dashboards.expressions import Metric, Percent, Scaled, Statistic, Total
from dashboards.grafana.asked import Refs, Source
from dashboards.grafana.cloudwatch import CloudWatch
from dashboards.grafana.elasticsearch import Elasticsearch
from dashboards.grafana.prometheus import Prometheus
from dashboards.grafana.promql import exported, promql
from dashboards.grafana.render import SOURCES, render
from dashboards.kibana.store import store_of
from dashboards.measures import MEASURES
from dashboards.panels import COLOURS, Panel, Series
from dashboards.rendered import Options
from tests.dashboards.grafana.boards_checked import promql_problems, target_problems
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM, metric

FILES = render(SYSTEM, PAGES, ALARMS, Options()).files
MADE: dict[str, Source] = {
    "cloudwatch": CloudWatch(SYSTEM),
    "prometheus": Prometheus(SYSTEM),
    "elasticsearch": Elasticsearch(SYSTEM, store_of(SYSTEM, "elasticsearch")[0]),
}
STATISTICS: dict[str, tuple[Statistic, ...]] = {
    "count": ("sum",),
    "gauge": ("avg", "max", "min"),
    "distribution": ("avg", "p50", "p95", "p99", "max", "count"),
}


def board(source: str, page: str) -> Any:
    return json.loads(FILES[f"{source}/dashboards/{page}.json"])


def shown(source: str, title: str) -> Any:
    panels = board(source, "endpoint-submit")["panels"]
    return next(panel for panel in panels if panel["title"] == title and panel["type"] != "row")


def rules(source: str) -> dict[str, Any]:
    """Return the rules of a data source by the alarm that each is of; of an SLO the last."""
    groups = yaml.safe_load(FILES[f"{source}/alerting/rules.yaml"])["groups"]
    return {rule["labels"]["alarm"]: rule for group in groups for rule in group["rules"]}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("source", SOURCES)
def test_every_measure_is_asked_or_has_a_reason(source: str, measure: str) -> None:
    """No measure of the catalogue is forgotten: there is a valid query for it, or a sentence why not."""
    for statistic in STATISTICS[MEASURES[measure].shape]:
        of = metric(measure, statistic)
        drawn = MADE[source].draw(Panel(id="a", title="a", kind="lines", series=(Series(label="a", of=of),)))
        asked = MADE[source].ranged(of, 300, (900, 0), Refs())
        if drawn.refs:
            refs = {target["refId"] for target in drawn.targets}
            ids = {target["id"] for target in drawn.targets if target.get("id")}
            assert [one for each in drawn.targets for one in target_problems(each, refs, ids)] == []
            assert not isinstance(asked, Absent)
        else:
            assert isinstance(asked, Absent)
            assert asked.reason.endswith(".")
            assert drawn.absent == ((measure, asked.reason),)


@pytest.mark.parametrize("source", SOURCES)
def test_one_data_source_alone_can_be_asked_for(source: str) -> None:
    """With the option only its dashboards and rules are there."""
    found = render(SYSTEM, PAGES, ALARMS, Options(source=source)).files
    assert {name.split("/")[0] for name in found if "/dashboards/" in name} == {source}
    assert ("prometheus/rules/alerts.yaml" in found) == (source == "prometheus")


def test_an_unknown_data_source_is_refused_with_a_sentence() -> None:
    """Nobody gets another data source than was asked for."""
    with pytest.raises(ValueError, match="no data source influx"):
        render(SYSTEM, PAGES, ALARMS, Options(source="influx"))


@pytest.mark.parametrize("source", SOURCES)
def test_sides_have_their_colours_and_the_right_axis_its_own(source: str) -> None:
    """Legacy and serverless look alike in every data source; a ratio is drawn against the right axis."""
    overrides = shown(source, "p95")["fieldConfig"]["overrides"]
    found = [{one["id"]: one["value"] for one in override["properties"]} for override in overrides]
    assert [one["displayName"] for one in found] == ["legacy", "serverless", "ratio"]
    assert [one["color"]["fixedColor"] for one in found[:2]] == [COLOURS["legacy"], COLOURS["serverless"]]
    assert found[2]["custom.axisPlacement"] == "right"


def test_limits_are_dashed_lines_and_are_told_in_the_description() -> None:
    """A threshold has no name in Grafana, so its meaning is in the text."""
    panel = shown("cloudwatch", "p95")
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps] == [
        None,
        420,
        1000,
    ]
    assert panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"] == "dashed"
    assert "Legacy baseline: 420; SLO: 1000" in panel["description"]


@pytest.mark.parametrize("source", ["cloudwatch", "elasticsearch"])
def test_a_correlation_id_leads_to_its_trace_and_to_all_of_its_lines(source: str) -> None:
    """One click from a line to the trace, one to the query over both sides."""
    (override,) = shown(source, "Newest errors")["fieldConfig"]["overrides"]
    links = {one["title"]: one["url"] for one in override["properties"][0]["value"]}
    assert override["matcher"]["options"] == "correlation_id"
    assert links["Trace"].startswith("https://traces.example/t/${__data.fields.correlation_id}?from=${__from")
    assert "${__value.raw}" in links["Everything of this correlation ID"]


def test_prometheus_says_why_there_are_no_lines() -> None:
    """The panel becomes a text with the reason."""
    assert "Prometheus has no log lines" in shown("prometheus", "Not shown here")["options"]["content"]


def test_what_cannot_be_shown_is_one_text_a_section() -> None:
    """A hundred measures that only CloudWatch has are one text, with the reason once."""
    texts = [one for one in board("elasticsearch", "system")["panels"] if one["title"] == "Not shown here"]
    assert len(texts) == 1
    assert texts[0]["options"]["content"].count("Only CloudWatch has it") == 1


def test_an_unknown_name_is_found_by_a_variable_or_a_pattern() -> None:
    """A variable chooses the name by its shape; Prometheus matches it; rules search its words."""
    page = board("cloudwatch", "service-assess-claim")
    variable = next(one for one in page["templating"]["list"] if one["name"].startswith("FunctionName"))
    assert variable["regex"] == r"/^.*\-AssessClaim\-.*$/"
    assert page["panels"][-1]["targets"][0]["dimensions"] == {"FunctionName": [f"${variable['name']}"]}
    assert '=~".*-AssessClaim-.*"' in FILES["prometheus/dashboards/service-assess-claim.json"].replace(
        '\\"', '"'
    )
    judged = rules("cloudwatch")["function-near-timeout-assess-claim"]
    assert "FunctionName=AssessClaim" in judged["data"][0]["model"]["expression"]


@pytest.mark.parametrize("source", SOURCES)
def test_m_of_n_is_a_sum_of_breached_periods(source: str) -> None:
    """Two of three periods: the comparisons are added up, and 2 is above 1.5."""
    rule = rules(source)["endpoint-errors-submit"]
    comparison, added, decided = (one["model"] for one in rule["data"][-3:])
    assert comparison["expression"].endswith("> 5")
    assert (added["reducer"], added["expression"]) == ("sum", comparison["refId"])
    assert decided["conditions"][0]["evaluator"] == {"type": "gt", "params": [1.5]}
    window = rule["data"][0]["relativeTimeRange"]
    assert window["from"] - window["to"] == 3 * 300


@pytest.mark.parametrize(
    ("alarm", "states"),
    [
        ("endpoint-errors-submit", ("OK", "Error")),
        ("endpoint-silent-submit", ("Alerting", "Alerting")),
        ("dead-letters-the-queue", ("KeepLast", "KeepLast")),
    ],
)
def test_no_data_means_what_the_alarm_says(alarm: str, states: tuple[str, str]) -> None:
    """Quiet, breaching or as before: each on purpose."""
    rule = rules("prometheus")[alarm]
    assert (rule["noDataState"], rule["execErrState"]) == states


def test_children_of_a_composite_are_grouped_by_its_label() -> None:
    """Grafana has no composites: the policy makes one message of what has the same label."""
    assert rules("cloudwatch")["dead-letters-the-queue"]["labels"]["composite"] == "endpoint-submit"
    routes = yaml.safe_load(FILES["alerting/policies.example.yaml"])["policies"][0]["routes"]
    assert ["composite"] in [route["group_by"] for route in routes]


def test_too_little_traffic_is_zero_percent_and_no_traffic_is_no_alarm() -> None:
    """The gate of a share is in its query."""
    requests = Metric("endpoint.requests", "submit/legacy", "sum")
    errors = Metric("endpoint.errors", "submit/legacy", "sum")
    gated, plain = (promql(Percent(errors, requests, gate=gate), "300s", SYSTEM) for gate in (20, 0))
    assert isinstance(gated, str)
    assert gated.endswith(">= 20)) or vector(0))")
    assert isinstance(plain, str)
    assert "vector(0)" not in plain


@pytest.mark.parametrize(
    ("namespace", "name", "statistic", "expected"),
    [
        ("AWS/Lambda", "Errors", "Sum", "aws_lambda_errors_sum"),
        (
            "AWS/ApplicationELB",
            "HTTPCode_ELB_5XX_Count",
            "Sum",
            "aws_applicationelb_httpcode_elb_5_xx_count_sum",
        ),
        (
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            "Maximum",
            "aws_sqs_approximate_age_of_oldest_message_maximum",
        ),
        ("AWS/Lambda", "Duration", "p95", "aws_lambda_duration_p95"),
        ("HybridObserve", "requests", "SampleCount", "aws_hybridobserve_requests_sample_count"),
    ],
)
def test_names_are_those_of_the_exporter(namespace: str, name: str, statistic: str, expected: str) -> None:
    """As yet-another-cloudwatch-exporter writes them."""
    assert exported(namespace, name, statistic) == expected


def test_a_subtraction_is_a_sum_with_a_negative_part() -> None:
    """Good requests are all less the bad ones, also where no bad one was ever told."""
    requests = Metric("endpoint.requests", "submit/legacy", "sum")
    good = promql(
        Total((requests, Scaled(Metric("endpoint.errors", "submit/legacy", "sum"), -1))), "300s", SYSTEM
    )
    assert isinstance(good, str)
    assert "* -1" in good
    assert list(promql_problems(good)) == []


def test_a_number_over_a_month_is_the_month_as_a_whole() -> None:
    """CloudWatch and Elasticsearch add up hours; Prometheus looks back once."""
    of = Percent(metric("endpoint.errors", "sum"), metric("endpoint.requests", "sum"))
    panel = Panel(id="a", title="a", kind="number", series=(Series(label="a", of=of),), period_s=28 * 86_400)
    seen = {name: source.draw(panel).targets for name, source in MADE.items()}
    assert "RUNNING_SUM(FILL(m1,0))" in seen["cloudwatch"][-1]["expression"]
    assert "[2419200s]" in seen["prometheus"][0]["expr"]
    assert [one["reducer"] for one in seen["elasticsearch"] if one.get("type") == "reduce"] == ["sum", "sum"]


def test_names_of_files_and_uids_stay() -> None:
    """A second run is the same, byte for byte: links and rules of yesterday still fit."""
    again = render(SYSTEM, PAGES, ALARMS, Options())
    assert list(again.files.items()) == list(FILES.items())
