"""The bill is that of the templates which are deployed: nothing is counted that is not in them."""

from __future__ import annotations

import pytest
import yaml

from dashboards.alarms.values import Alarms
from dashboards.cloudwatch.render import render
from dashboards.made import made_of
from dashboards.priced import Bill, bill_of
from dashboards.rendered import Options, Rendered
from dashboards.resources import System
from dashboards.template.values import Deployment
from subscribers.config import EMPTY, load
from tests.dashboards.cases import CASES
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM


def billed(name: str) -> tuple[Alarms, Rendered, Bill]:
    """A case of the corpus, its templates for CloudWatch and their bill."""
    case = CASES[name]
    made = made_of(case.templates, load(case.observe) if case.observe else EMPTY, Deployment())
    rendered = render(made.system, made.pages, made.alarms, Options())
    return made.alarms, rendered, bill_of(made.system, made.alarms, rendered)


@pytest.mark.parametrize("name", CASES)
def test_a_bill_is_that_of_the_templates(name: str) -> None:
    """Every metric of every alarm and every composite, and each of them is somebody's."""
    alarms, rendered, bill = billed(name)
    texts = [text for path, text in rendered.files.items() if path.startswith("template")]
    resources = [one for text in texts for one in yaml.safe_load(text)["Resources"].values()]
    own = [one for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert bill.alarms == len(own)
    metrics = sum(str(one["Properties"].get("Metrics", "MetricStat")).count("MetricStat") for one in own)
    composites = sum(one["Type"] == "AWS::CloudWatch::CompositeAlarm" for one in resources)
    assert bill.alarms_usd == pytest.approx(metrics * 0.1 + composites * 0.5)
    assert sum(bill.usd.values()) == pytest.approx(bill.alarms_usd)
    names = {one.name for one in (*alarms.alarms, *alarms.slos, *alarms.composites)}
    assert bill.usd.keys() | bill.absent.keys() == names
    assert not bill.usd.keys() & bill.absent.keys()


def test_what_cloudwatch_leaves_out_has_the_reason_and_no_price() -> None:
    """As the notes of the target say it."""
    bill = bill_of(SYSTEM, ALARMS, render(SYSTEM, PAGES, ALARMS, Options()))
    assert bill.absent["every-service-cpu"].startswith("claims-legacy does not tell system.cpu.utilization")
    assert "every-service-cpu" not in bill.usd
    assert "CloudWatch cannot judge it." not in bill.absent.values()


def test_dashboards_and_metrics_of_our_own_are_lines_of_their_own() -> None:
    """Three dashboards are free; a metric that two filters make is paid once."""
    made = "  {0}: {{Type: AWS::CloudWatch::Dashboard, Properties: {{DashboardName: {0}}}}}\n"
    log = (
        "  {0}: {{Type: AWS::Logs::MetricFilter, Properties: {{MetricTransformations: "
        "[{{MetricNamespace: N, MetricName: m}}]}}}}\n"
    )
    text = "Resources:\n" + "".join(map(made.format, "ABCDE")) + "".join(map(log.format, "FG"))
    bill = bill_of(System(), Alarms(), Rendered(files={"template.yaml": text, "fragment.yaml": text}))
    assert [(row.what, row.number, row.usd) for row in bill.others] == [
        ("dashboards", 5, 6.0),
        ("metrics of logs", 1, 0.3),
    ]
    assert bill.total_usd == 6.3
