"""The laws of alarms hold for every template of the corpus, and names stay when a resource is added."""

from __future__ import annotations

import msgspec
import pytest

from dashboards.alarms.build import alarms_of
from tests.dashboards.alarms.systems import problems, resource
from tests.dashboards.cases import CASES
from tests.dashboards.test_corpus import made


@pytest.mark.parametrize("name", CASES)
def test_the_laws_hold(name: str) -> None:
    """Subjects exist, shares are gated, reasons are said, and every alarm is heard by somebody."""
    found = made(name)
    assert problems(found.system, found.alarms) == []
    assert found.alarms.alarms


@pytest.mark.parametrize("name", CASES)
def test_names_stay_when_a_resource_is_added(name: str) -> None:
    """Whoever deploys again keeps the history of every alarm."""
    system = made(name).system
    more = {one.id: one for one in (resource("function", "AaaAdded"), resource("queue", "ZzzAdded"))}
    larger = msgspec.structs.replace(system, resources={**more, **system.resources})
    before = {(one.rule, one.subject, one.title): one.name for one in alarms_of(system).alarms}
    after = {(one.rule, one.subject, one.title): one.name for one in alarms_of(larger).alarms}
    assert before.items() <= after.items()


@pytest.mark.parametrize("name", CASES)
def test_no_alarm_judges_the_same_as_another(name: str) -> None:
    """Two alarms on one condition would be two pages for one cause."""
    conditions = [(one.condition, one.severity) for one in made(name).alarms.alarms]
    twice = [one for index, one in enumerate(conditions) if one in conditions[:index]]
    assert twice == []
