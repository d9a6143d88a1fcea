"""What the renderer of Datadog makes of the sample."""

from __future__ import annotations

import json

import msgspec
import yaml

from dashboards.alarms.values import Alarm, Alarms, Condition, Missing
from dashboards.datadog.render import render
from dashboards.rendered import Options
from dashboards.resources import System
from subscribers.alerts.model import Op
from tests.dashboards.datadog.checks import problems
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM, metric

RENDERED = render(SYSTEM, PAGES, ALARMS, Options())


def _monitor(op: Op, missing: Missing) -> dict[str, object]:
    condition = Condition(of=metric("queue.sent"), op=op, threshold=3, missing=missing)
    alarm = Alarm(name="a", rule="r", subject="queue:TheQueue", title="A", condition=condition)
    made = render(SYSTEM, (), Alarms(alarms=(alarm,)), Options())
    body: dict[str, object] = json.loads(made.files["monitors/a.json"])
    return body


def test_the_same_input_makes_the_same_files() -> None:
    """Order and text are stable."""
    assert list(render(SYSTEM, PAGES, ALARMS, Options()).files.items()) == list(RENDERED.files.items())


def test_nothing_at_all_is_valid() -> None:
    """A system without resources, pages and alarms makes no template (an empty one is refused)."""
    made = render(System(), (), Alarms(), Options())
    assert made.files == {}
    assert problems(made, System(), (), Alarms()) == []


def test_missing_data_is_treated_on_purpose() -> None:
    """Silence is 0 where it is good, told where it is a fault, left alone where the state stays."""
    assert "default_zero(" in str(_monitor(">", "ok")["query"])
    assert "default_zero(" in str(_monitor("<", "breaching")["query"])
    assert "default_zero(" not in str(_monitor(">", "keep")["query"])
    options = _monitor("<", "breaching")["options"]
    assert isinstance(options, dict)
    assert options["notify_no_data"]


def test_burn_rates_refer_to_the_slo_of_the_template() -> None:
    """The ID of an SLO is filled in by CloudFormation."""
    resources = yaml.load(RENDERED.files["template.yaml"], yaml.CSafeLoader)["Resources"]
    query = resources["MonitorSloSubmitLatencyBurn6h"]["Properties"]["Query"]["Fn::Sub"]
    assert 'burn_rate("${SloSloSubmitLatency}")' in query


def test_who_is_told_depends_on_the_severity() -> None:
    """Handles of observe.yaml are in messages of their severity, and in none that tells nobody."""
    told = json.loads(RENDERED.files["monitors/endpoint-errors-submit.json"])["message"]
    part = json.loads(RENDERED.files["monitors/endpoint-errors-submit-traffic.json"])["message"]
    assert "@pagerduty-claims" in told
    assert "@pagerduty-claims" not in part


def test_a_template_is_split_at_the_limits() -> None:
    """Six hundred alarms are in two templates, each within the limits."""
    one = ALARMS.alarms[1]
    many = Alarms(alarms=tuple(msgspec.structs.replace(one, name=f"alarm-{at}") for at in range(600)))
    made = render(SYSTEM, (), many, Options())
    parts = [
        yaml.load(text, yaml.CSafeLoader) for name, text in made.files.items() if name.startswith("template")
    ]
    assert [len(part["Resources"]) for part in parts] == [500, 100]
