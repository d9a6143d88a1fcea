"""What is said of rules: every rule reads well, and names of pages are those of the pages."""

from __future__ import annotations

import pytest

from dashboards.alarms.build import alarms_of
from dashboards.alarms.rules import RULES
from dashboards.pages.names import names_of
from tests.dashboards.sample import SYSTEM


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_complete(name: str) -> None:
    """A title with its subject, a sentence on what to do, a window, and a reason where it has a threshold."""
    rule = RULES[name]
    assert rule.about.endswith((".", "?"))
    assert rule.title.count("{}") <= 1
    assert 1 <= rule.datapoints <= rule.periods
    assert rule.period_s % 60 == 0
    assert (rule.threshold is None) or rule.reason.endswith(".")


def test_every_alarm_leads_to_a_page_and_a_runbook() -> None:
    """Which is told once, by page and runbook; pages are named as the pages name themselves."""
    names = names_of(SYSTEM)
    pages = {"system", "pipeline", *names.endpoints.values(), *names.services.values()}
    made = alarms_of(SYSTEM)
    for one in (*made.alarms, *made.slos):
        assert one.page in pages
        assert not [link for link in one.links if link.page or link.label == "Runbook"]
        # The sample's link to traces needs a correlation ID, which no alarm has.
        assert all("{" not in link.url for link in one.links)
