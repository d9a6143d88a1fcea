"""The most specific of what is said wins, and what cannot hold is a sentence with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from dashboards.alarms.build import alarms_of, override_notes
from dashboards.alarms.values import Alarm
from dashboards.expressions import Percent
from dashboards.resources import Note, System
from subscribers.config import load
from tests.dashboards.alarms.systems import problems, resource, system
from tests.dashboards.sample import SYSTEM


def configured(tmp_path: Path, dashboards: str, given: System = SYSTEM) -> System:
    """A system with an observe.yaml whose `dashboards` begins in line 3."""
    file = tmp_path / "observe.yaml"
    lines = "".join(f"  {line}\n" for line in dashboards.strip("\n").splitlines())
    file.write_text(f"version: 1\ndashboards:\n{lines}")
    return msgspec.structs.replace(given, config=load(file))


def alarm(given: System, rule: str, subject: str) -> Alarm:
    """The only alarm of a rule and subject."""
    made = alarms_of(given)
    assert problems(given, made) == []
    [found] = [one for one in made.alarms if (one.rule, one.subject) == (rule, subject)]
    return found


def notes(given: System) -> list[str]:
    """Notes as `line: sentence`."""
    return [f"{note.place.line}: {note.text}" for note in override_notes(given)]


def _function(**metadata: Any) -> System:
    return system(resource("function", "Work", limits={"timeout_s": 10}, metadata=metadata))


def test_the_most_specific_wins_field_by_field(tmp_path: Path) -> None:
    """All, then the template's Metadata, then observe.yaml's entry; each field by itself."""
    metadata = {"Alarms": {"FunctionErrors": {"Threshold": 7, "Periods": 4, "Severity": "info"}}}
    given = configured(
        tmp_path,
        """
alarms: {function-errors: {threshold: 6, minimum: 50, periods: 5}}
resources:
  Work:
    owner: team
    runbook: https://runbooks.example/{rule}
    alarms:
      function-errors: {severity: critical}
""",
        _function(**metadata),
    )
    found = alarm(given, "function-errors", "function:Work")
    assert (found.condition.threshold, found.condition.periods, found.severity) == (7, 4, "critical")
    assert isinstance(found.condition.of, Percent)
    assert found.condition.of.gate == 50
    assert (found.owner, found.runbook) == ("team", "https://runbooks.example/{rule}")
    assert found.place.line == 9
    assert found.reason == "Set by an override at template.yaml:7."
    assert notes(given) == []


@pytest.mark.parametrize("key", ["Work", "function:Work"])
def test_a_resource_is_named_by_its_logical_id_or_its_id(tmp_path: Path, key: str) -> None:
    """Both mean the same resource; a threshold from a file has its line as the reason."""
    text = f'resources: {{"{key}": {{alarms: {{function-near-timeout: {{threshold: 800}}}}}}}}'
    found = alarm(configured(tmp_path, text, _function()), "function-near-timeout", "function:Work")
    assert found.condition.threshold == 800
    assert found.reason == f"Set by an override at {tmp_path}/observe.yaml:3."


def test_endpoints_and_services_are_named_by_their_names(tmp_path: Path) -> None:
    """An opt-in rule exists where it is named."""
    text = """
resources:
  submit: {alarms: {endpoint-errors: {threshold: 2}}}
  claims-legacy: {alarms: {legacy-pool-used: {period: 10m}}}
"""
    given = configured(tmp_path, text)
    errors = [one for one in alarms_of(given).alarms if one.rule == "endpoint-errors"]
    assert {one.name: one.condition.threshold for one in errors} == {
        "endpoint-errors-submit-legacy": 2,
        "endpoint-errors-submit-serverless": 2,
        "endpoint-errors-policy-legacy": 5,
    }
    assert alarm(given, "legacy-pool-used", "claims-legacy").condition.period_s == 600
    assert notes(given) == []


def test_what_is_off_or_hidden_is_listed_with_its_place(tmp_path: Path) -> None:
    """So that nobody wonders where an alarm went."""
    given = configured(
        tmp_path,
        "alarms: {function-throttles: {off: true}, endpoint-slo-availability: {off: true}}\n"
        "resources: {TheTable: {hide: true}}",
    )
    made = alarms_of(given)
    off = [f"{place.line}: {text}" for text, place in made.off]
    assert "3: function-throttles of function:SubmitClaim: switched off" in off
    assert "3: endpoint-slo-availability of submit: switched off" in off
    assert "10: table-errors of table:TheTable: hidden" in off
    assert [slo.name for slo in made.slos] == ["slo-submit-latency"]
    assert not [one for one in made.alarms if one.subject == "table:TheTable"]


def test_what_the_model_left_out_or_noted_is_not_noted_twice(tmp_path: Path) -> None:
    """A hidden resource is in no System; an unknown name is a note of the model already."""
    text = "resources: {Gone: {hide: true, alarms: {ecs-cpu: {off: true}}}, Wrk: {busy: true}}"
    given = configured(tmp_path, text, _function())
    assert len(notes(given)) == 1
    noted = (Note(level="error", text="there is no resource 'Wrk'", subject="Wrk"),)
    assert notes(msgspec.structs.replace(given, notes=noted)) == []


def test_a_threshold_makes_an_alarm_where_no_limit_is_known(tmp_path: Path) -> None:
    """What the template does not say, a person may."""
    text = "resources: {TheQueue: {alarms: {queue-age: {threshold: 900}}}}"
    assert alarm(configured(tmp_path, text), "queue-age", "queue:TheQueue").condition.threshold == 900


def test_fewer_periods_alone_mean_all_of_them(tmp_path: Path) -> None:
    """The default of two datapoints does not fit one period, and nobody meant it to."""
    text = "alarms: {function-errors: {periods: 1}}"
    condition = alarm(configured(tmp_path, text, _function()), "function-errors", "function:Work").condition
    assert (condition.periods, condition.datapoints) == (1, 1)


_MISTAKES = [
    (
        "alarms: {function-error: {off: true}}",
        "3: there is no rule of alarms 'function-error'; did you mean 'function-errors'?",
    ),
    (
        "alarms: {ecs-cpu: {off: true}}",
        "3: dashboards.alarms.ecs-cpu holds for nothing: there is no ecs service",
    ),
    (
        "resources: {Wrk: {busy: true}}",
        "3: there is no resource, endpoint or service 'Wrk'; did you mean 'Work'?",
    ),
    (
        "resources:\n  Work:\n    alarms:\n      queue-age: {off: true}",
        "6: queue-age does not hold for Work: it is about queues",
    ),
    (
        "resources: {Work: {alarms: {functon-errors: {off: true}}}}",
        "3: there is no rule of alarms 'functon-errors'; did you mean 'function-errors'?",
    ),
    (
        "alarms: {function-errors: {periods: 2, datapoints: 3}}",
        "3: function-errors of function:Work: datapoints (3) cannot be more than periods (2)",
    ),
    ("alarms: {function-errors: {period: 90s}}", "a period of 90 s is not a multiple of 1m"),
    ("alarms: {function-errors: {period: 2d}}", "a period is at most 1d"),
    (
        "alarms: {function-errors: {period: 5m, periods: 300}}",
        "300 periods of 300 s are 25 h: CloudWatch looks back at most 24 h, "
        "or 7 days with periods of 1h or more",
    ),
    (
        "alarms: {function-errors: {period: 1h, periods: 169}}",
        "169 periods of 3600 s are 169 h: CloudWatch looks back at most 168 h",
    ),
    (
        "alarms: {function-throttles: {minimum: 9}}",
        "3: function-throttles judges no share, so that minimum means nothing to it",
    ),
]


@pytest.mark.parametrize(("text", "said"), _MISTAKES)
def test_a_mistake_is_a_note_and_the_default_stays(tmp_path: Path, text: str, said: str) -> None:
    """The rule's own periods hold."""
    given = configured(tmp_path, text, _function())
    [note] = notes(given)
    assert said in note
    condition = alarm(given, "function-errors", "function:Work").condition
    assert (condition.period_s, condition.periods, condition.datapoints) == (300, 3, 2)


def test_a_promise_has_no_periods(tmp_path: Path) -> None:
    """Burn rates have windows of their own."""
    given = configured(tmp_path, "alarms: {endpoint-slo-latency: {periods: 3, minimum: 9, severity: error}}")
    [note] = notes(given)
    assert note.startswith("3: endpoint-slo-latency of submit: periods means nothing to a promise")
    slo = alarms_of(given).slos[1]
    assert slo.minimum == 9
    assert [burn.severity for burn in slo.burns] == ["error", "error", "warning", "warning"]


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"Alarm": {}}, "Metadata.HybridObserve has no key 'Alarm'"),
        ({"Busy": "yes"}, "Metadata.HybridObserve: Busy cannot be 'yes'"),
        ({"Alarms": []}, "Metadata.HybridObserve: Alarms cannot be []"),
        ({"Alarms": {"FunctionErrors": 5}}, "FunctionErrors needs keys such as threshold or off, not 5"),
        ({"Alarms": {"FunctionErrors": {"Treshold": 5}}}, "FunctionErrors has no key 'Treshold'"),
        ({"Alarms": {"FunctionErrors": {"Threshold": "5"}}}, "Threshold of FunctionErrors cannot be '5'"),
        ({"Alarms": {"FunctionErrors": {"Period": "soon"}}}, "Period of FunctionErrors cannot be 'soon'"),
        ({"Alarms": {"FunctionErrors": {"Severity": ["x"]}}}, "Severity of FunctionErrors cannot be ['x']"),
        ({"Alarms": {"Nonsense": {"Off": True}}}, "there is no rule of alarms 'nonsense'"),
        ({"Alarms": {"QueueAge": {"Off": True}}}, "queue-age does not hold for function:Work"),
    ],
)
def test_metadata_of_a_template_is_checked_as_observe_yaml_is(metadata: dict[str, Any], said: str) -> None:
    """No schema has seen it: what means nothing is left out and said."""
    given = _function(**metadata)
    [note] = notes(given)
    assert note.startswith("7: ")
    assert said in note
    assert alarm(given, "function-errors", "function:Work").condition.threshold == 5
