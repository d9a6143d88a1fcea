"""The plan: what observe.yaml asks to be judged, and what is judged without being asked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from subscribers.alerts.built_in import built_in_rules
from subscribers.alerts.counting import planned
from subscribers.alerts.measures import measure_of, selector_of
from subscribers.alerts.model import (
    Absence,
    Calendar,
    Change,
    Flow,
    NewError,
    Objective,
    Rate,
    Selector,
    Threshold,
)
from subscribers.alerts.plan import Plan, digest_of, plan_of
from subscribers.config import EMPTY, ConfigError, load, loads
from subscribers.config_meaning import BUILT_IN_RULES

YAML = """
version: 1
services:
  web: {side: legacy, log_groups: [/web]}
  fn: {side: serverless, log_groups: [/aws/lambda/fn]}
endpoints:
  buy:
    route: POST /orders
    legacy: {service: web}
    serverless: {service: fn}
    owner: shop
    slo: {availability: 99.9, latency: {p: 95, ms: 300}, window: 30d}
destinations:
  page: {type: sns, topic_arn: "arn:aws:sns:eu-west-1:123456789012:page"}
alerts:
  defaults: {severity: warning, notify: [page], without: [cold-start-share]}
  rules:
    busy:
      {type: threshold, of: {signal: span, service: fn}, statistic: p95, value: 500, window: 10m, late: 5m}
    many:
      {type: threshold, of: {signal: log, level: ERROR}, value: 3, by: [service], for: {breaching: 2, of: 3}}
    share: {type: rate, bad: {signal: span, status: error}, of: {signal: span}, above: 2, minimum: 50}
    silent: {type: absence, expect: {signal: log, contains: done, called: the beat}, every: 1h}
    by-time:
      type: absence
      expect: {signal: log}
      calendar: {by: "03:30", timezone: Europe/Paris, days: weekdays}
    fresh: {type: new_error, minimum: 3, lookback: 7d}
    moved: {type: change, of: {signal: metric, metric: orders}, statistic: sum, percent: 50, direction: down}
    legacy-5xx: {type: rate, bad: {signal: span, status: error}, of: {signal: span}, above: 9, minimum: 5}
    off: {type: new_error, enabled: false}
flows:
  arrive:
    key: order
    start: {signal: log, service: fn, contains: ordered}
    ends: [{signal: log, service: web, contains: shipped, key: number}]
    deadline: {within: 2h}
"""


@pytest.fixture(name="plan")
def plan_() -> Plan:
    """The plan of a file with a rule of each type."""
    return plan_of(loads(YAML))


def test_every_type_of_rule_is_what_the_file_says(plan: Plan) -> None:
    """Durations are seconds, defaults are filled in, and nothing of the file is left out."""
    busy, many, share = plan.rules["busy"], plan.rules["many"], plan.rules["share"]
    assert isinstance(busy, Threshold)
    assert isinstance(many, Threshold)
    assert isinstance(share, Rate)
    assert (busy.statistic, busy.op, busy.value, busy.window_s, busy.unit) == ("p95", ">", 500, 600, "ms")
    assert (busy.measure.is_valued, busy.measure.late_s, busy.measure.selector.services) == (
        True,
        300,
        ("fn",),
    )
    assert (many.measure.is_valued, many.measure.by, many.breaching, many.of) == (False, ("service",), 2, 3)
    assert many.measure.keep_s == 900
    assert (share.above, share.minimum, share.bad.selector.status) == (2, 50, "error")
    silent, by_time = plan.rules["silent"], plan.rules["by-time"]
    assert isinstance(silent, Absence)
    assert isinstance(by_time, Absence)
    assert (silent.every_s, silent.calendar, silent.called) == (3600, None, "the beat")
    assert by_time.calendar == Calendar(210, "Europe/Paris", (0, 1, 2, 3, 4))
    fresh, moved = plan.rules["fresh"], plan.rules["moved"]
    assert isinstance(fresh, NewError)
    assert isinstance(moved, Change)
    assert (fresh.lookback_s, fresh.minimum, fresh.measure.by) == (
        7 * 86_400,
        3,
        ("service", "error.fingerprint"),
    )
    assert (moved.against_s, moved.percent, moved.direction) == (7 * 86_400, 50, "down")
    # Minutes are kept until they are compared with.
    assert moved.measure.keep_s > moved.against_s
    assert {rule.severity for rule in (busy, silent, moved)} == {"warning"}
    assert {rule.notify for rule in plan.rules.values()} == {("page",)}


def test_objectives_are_made_of_endpoints(plan: Plan) -> None:
    """A promise of availability and one of latency are two, each with what is bad of all requests."""
    up, fast = plan.rules["slo.buy.availability"], plan.rules["slo.buy.latency"]
    assert isinstance(up, Objective)
    assert isinstance(fast, Objective)
    assert (up.percent, up.bad.selector.status, up.window_s, up.owner) == (99.9, "error", 30 * 86_400, "shop")
    assert (fast.percent, fast.limit_ms, fast.bad.selector.above) == (95, 300, 300)
    assert up.total == fast.total
    assert up.total.selector.is_request
    assert up.total.keep_hours_s == 30 * 86_400


def test_a_flow_has_its_points(plan: Plan) -> None:
    """Each end may call the key otherwise."""
    flow = plan.rules["arrive"]
    assert isinstance(flow, Flow)
    assert plan.flows == {"arrive": flow}
    assert (flow.start.key, flow.ends[0].key, flow.within_s) == ("order", "number", 7200)
    assert (flow.start.name, flow.ends[0].name) == ("fn", "web")


def test_built_in_rules_are_on_unless_said_otherwise(plan: Plan) -> None:
    """One of the same name replaces them, `without` takes single ones out, `built_in: false` all."""
    assert plan.rules["legacy-5xx"].reason == "alerts.rules.legacy-5xx"
    assert plan.rules["function-errors"].reason.startswith("built in")
    assert "cold-start-share" not in plan.rules
    assert "off" not in plan.rules
    alone = loads(YAML.replace("without: [cold-start-share]", "built_in: false"))
    assert not any(rule.reason.startswith("built in") for rule in plan_of(alone).rules.values())


def test_a_rule_that_is_off_takes_its_built_in_one_along() -> None:
    """Whoever writes `enabled: false` under that name wants quiet."""
    config = loads("version: 1\nalerts: {rules: {new-error: {type: new_error, enabled: false}}}\n")
    assert "new-error" not in plan_of(config).rules


def test_every_built_in_rule_has_a_name_that_the_file_may_use() -> None:
    """And the names that the file may use are those of the rules."""
    names = {rule.name for rule in built_in_rules(EMPTY, {"fn": 3000.0})}
    assert names == set(BUILT_IN_RULES)


def test_functions_need_no_entry_and_the_legacy_side_does() -> None:
    """A log group below /aws/lambda is a function, whatever the file says; nothing is legacy by itself."""
    legacy = loads("version: 1\nservices: {web: {side: legacy, log_groups: [/web]}}\n")
    functions = loads("version: 1\nservices: {fn: {side: serverless, log_groups: [/aws/lambda/fn]}}\n")
    of_legacy = {"legacy-5xx", "legacy-pool"}
    assert set(plan_of(legacy).rules) - set(plan_of(functions).rules) == of_legacy
    assert "function-errors" in plan_of(legacy).rules


def test_the_same_measure_is_counted_once() -> None:
    """Two rules that ask for the same share it; the longer lateness and reach hold."""
    rule = "{type: threshold, of: {signal: log}, value: 1, window: %s, late: %s}"
    text = f"version: 1\nalerts: {{rules: {{a: {rule % ('5m', '10m')}, b: {rule % ('1h', '1m')}}}}}\n"
    plan = plan_of(loads(text))
    a, b = plan.rules["a"], plan.rules["b"]
    assert isinstance(a, Threshold)
    assert isinstance(b, Threshold)
    assert a.measure.id == b.measure.id
    shared = plan.measures[a.measure.id]
    assert (shared.late_s, shared.keep_s) == (600, 3600)


def test_the_judges_wait_as_long_as_the_counting_does() -> None:
    """A shared measure is summed at the longer lateness, so every rule that uses it is judged then."""
    rule = "{type: threshold, of: {signal: log}, value: 1, late: %s}"
    plan = plan_of(loads(f"version: 1\nalerts: {{rules: {{a: {rule % '10m'}, b: {rule % '1m'}}}}}\n"))
    b = plan.rules["b"]
    assert isinstance(b, Threshold)
    assert b.measure.late_s == 600


def test_another_measure_has_another_id() -> None:
    """What is counted differently begins anew, and is never mixed with what was counted before."""
    base = measure_of(Selector(signal="log"))
    others = [
        measure_of(Selector(signal="span")),
        measure_of(Selector(signal="log", fields={"a": (1.0,)})),
        measure_of(Selector(signal="log"), by=("service",)),
        measure_of(Selector(signal="log"), is_valued=True),
        measure_of(Selector(signal="log"), field="x"),
    ]
    assert len({measure.id for measure in (base, *others)}) == 6
    assert measure_of(Selector(signal="log"), late_s=999, keep_s=1).id == base.id


def test_a_selector_is_what_the_file_says() -> None:
    """One name or several, one value or several."""
    tree = {
        "signal": "log",
        "service": "a",
        "level": ["WARN", "ERROR"],
        "fields": {"x": 1, "y": ["p", "q"]},
        "key": "k",
    }
    assert selector_of(tree) == Selector(
        signal="log", services=("a",), levels=("WARN", "ERROR"), fields={"x": (1,), "y": ("p", "q")}
    )


def test_the_digest_changes_with_the_rules_alone(plan: Plan) -> None:
    """It tells that alert rules changed."""
    assert digest_of(plan) == digest_of(plan_of(loads(YAML)))
    assert digest_of(plan) != digest_of(plan_of(loads(YAML.replace("value: 500", "value: 501"))))


def test_timeouts_come_from_the_template(tmp_path: Path) -> None:
    """Nine tenths of each function's own; what cannot be read is said."""
    (tmp_path / "template.yaml").write_text(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n"
        "    Properties: {FunctionName: fn, Timeout: 10}\n"
    )
    (tmp_path / "observe.yaml").write_text(
        "version: 1\ntemplates: [template.yaml, none.yaml]\n"
        "services: {fn: {side: serverless, log_groups: [/aws/lambda/fn]}}\n"
    )
    plan = planned(load(tmp_path / "observe.yaml"))
    near = plan.rules["function-near-timeout"]
    assert isinstance(near, Threshold)
    assert near.limits == {"fn": 9_000.0}
    assert len(plan.notes) == 1
    assert "none.yaml" in plan.notes[0]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("{a: {type: threshold, of: {signal: log}, value: 1, window: 90s}}", "whole number of minutes"),
        ("{a: {type: threshold, of: {signal: log}, value: 1, window: 2d}}", "longer than a day"),
        (
            "{a: {type: threshold, of: {signal: log}, value: 1, for: {breaching: 3, of: 2}}}",
            "can never breach",
        ),
        (
            "{a: {type: rate, bad: {signal: metric}, of: {signal: log}, above: 1, minimum: 1}}",
            "'metric' is mi",
        ),
        ("{a: {type: new_error, notify: [nobody]}}", "nobody"),
        ("{a: {type: threshold, of: {signal: log, matches: '('}, value: 1}}", "matches"),
    ],
)
def test_a_mistake_is_said_with_its_place(rules: str, said: str) -> None:
    """File, line, column and path."""
    with pytest.raises(ConfigError) as told:
        loads(f"version: 1\nalerts:\n  rules: {rules}\n")
    assert said in str(told.value)
    assert "observe.yaml:3:" in str(told.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alerts: {defaults: {without: [nothing]}}", "nothing"),
        (
            "flows: {f: {key: k, start: {signal: log}, ends: [{signal: log}], deadline: {within: 30s}}}",
            "minute",
        ),
        (
            "endpoints: {e: {route: GET /, legacy: {service: s}, slo: {availability: 99, window: 1h}}}",
            "1 to 90",
        ),
    ],
)
def test_what_no_schema_can_say_is_said(text: str, said: str) -> None:
    """Names of built-in rules, deadlines and budgets that cannot be judged."""
    with pytest.raises(ConfigError, match=said):
        loads(f"version: 1\nservices: {{s: {{side: legacy, log_groups: [/s]}}}}\n{text}\n")


def test_rules_can_be_told_as_json(plan: Plan) -> None:
    """They are values: what is judged can be compared and printed."""
    for rule in plan.rules.values():
        assert msgspec.json.decode(msgspec.json.encode(rule))["name"] == rule.name
