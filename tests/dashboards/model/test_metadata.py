"""`Metadata.HybridObserve` of a template file, from its text to the alarm that it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.alarms.build import alarms_of, override_notes
from dashboards.alarms.rules import RULES
from dashboards.model.build import model_of
from dashboards.model.metadata import as_observe_yaml, without
from dashboards.resources import System, kebab
from dashboards.template.read import read_templates
from subscribers.config import EMPTY

DOCUMENTED = "HybridObserve: {Owner: claims, Alarms: {queue-age: {Threshold: 900}}}"


def read(folder: Path, metadata: str) -> System:
    """The model of a template with one queue that has this metadata, in line 5."""
    path = folder / "template.yaml"
    path.write_text(
        "Resources:\n  ClaimsSubmitted:\n    Type: AWS::SQS::Queue\n    Metadata:\n"
        f"      {metadata}\n"
        "  Worker:\n    Type: AWS::Lambda::Function\n"
        "    Properties: {Runtime: python3.13, Handler: a.b, Role: r, Code: {ZipFile: x}, Timeout: 9}\n"
        "  Feed:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n"
        "      EventSourceArn: !GetAtt ClaimsSubmitted.Arn\n      FunctionName: !Ref Worker\n"
    )
    return model_of(read_templates([path]), EMPTY)


def errors(system: System) -> list[str]:
    """What somebody must mend, and what is wrong with overrides."""
    wrong = (note for note in system.notes if note.level == "error")
    return [note.text for note in (*wrong, *override_notes(system))]


def age(system: System) -> Any:
    """The alarm on the oldest message of the queue, None where there is none."""
    return next((one for one in alarms_of(system).alarms if one.rule == "queue-age"), None)


@pytest.mark.parametrize(
    "metadata",
    [
        DOCUMENTED,
        "HybridObserve: {owner: claims, alarms: {queue-age: {threshold: 900}}}",
        "HybridObserve: {Owner: claims, Alarms: {QueueAge: {Threshold: 900}}}",
    ],
)
def test_the_documented_override_holds(metadata: str, tmp_path: Path) -> None:
    """In the words of observe.yaml and in those of CloudFormation."""
    system = read(tmp_path, metadata)
    assert errors(system) == []
    assert (age(system).condition.threshold, age(system).owner) == (900, "claims")


@pytest.mark.parametrize("key", ["off", "Off", "OFF", '"off"'])
def test_an_alarm_is_switched_off(key: str, tmp_path: Path) -> None:
    """YAML reads the key `off` as false; whoever writes it means an alarm that is off."""
    system = read(tmp_path, f"HybridObserve: {{Alarms: {{QueueAge: {{{key}: true}}}}}}")
    assert errors(system) == []
    assert age(system) is None
    assert "queue-age of queue:ClaimsSubmitted: switched off" in [text for text, _ in alarms_of(system).off]


def test_what_is_wrong_takes_nothing_else_with_it(tmp_path: Path) -> None:
    """One misspelt key is told; the owner and the other key beside it hold."""
    written = "HybridObserve: {Owner: claims, Alarms: {QueueAge: {Threshold: 900, Treshold: 3}}}"
    system = read(tmp_path, written)
    [said] = errors(system)
    assert said.startswith("ClaimsSubmitted: Metadata.HybridObserve.alarms.queue-age.treshold: ")
    assert (age(system).condition.threshold, age(system).owner) == (900, "claims")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_one_name_in_both_ways(rule: str) -> None:
    """As CloudFormation writes it, and as it is."""
    camel = "".join(word.capitalize() for word in rule.split("-"))
    assert kebab(camel) == kebab(rule) == rule


_TREES = st.dictionaries(
    st.one_of(st.text(max_size=6), st.booleans(), st.integers()),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.text(max_size=5)),
        lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_size=4,
)


@given(_TREES)
def test_reading_metadata_twice_changes_nothing(written: dict[Any, Any]) -> None:
    """Whatever it is, it is read, and what was read is in observe.yaml's words already."""
    once = as_observe_yaml(written)
    assert as_observe_yaml(once) == once


def test_a_path_is_taken_out_and_nothing_else() -> None:
    """Of any depth; what was given stays as it was."""
    entry = {"a": {"b": {"c": 1, "d": 2}}, "e": 3}
    assert without(entry, ("a", "b", "c")) == {"a": {"b": {"d": 2}}, "e": 3}
    assert without(entry, ("a", "nothing", "c")) == entry
    assert without(entry, ()) == {}
    assert entry == {"a": {"b": {"c": 1, "d": 2}}, "e": 3}
