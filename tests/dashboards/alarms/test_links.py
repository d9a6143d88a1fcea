"""Where an alarm leads: to saved queries that exist, and never twice to the same."""

from __future__ import annotations

import pytest

from dashboards.alarms.build import alarms_of
from dashboards.made import made_of
from dashboards.pages.build import pages_of
from dashboards.template.values import Deployment
from subscribers.config import EMPTY, load
from tests.dashboards.cases import CASES
from tests.dashboards.sample import SYSTEM


@pytest.mark.parametrize("name", CASES)
def test_every_saved_query_that_an_alarm_names_is_on_a_page(name: str) -> None:
    """Of the whole corpus: a renderer finds each by its name, and no link stands twice."""
    case = CASES[name]
    config = load(case.observe) if case.observe else EMPTY
    made = made_of(case.templates, config, Deployment())
    there = {query.name for page in made.pages for query in page.queries}
    for one in (*made.alarms.alarms, *made.alarms.slos):
        assert {link.query for link in one.links if link.query} <= there
        assert len(set(one.links)) == len(one.links)


def test_an_alarm_of_an_endpoint_leads_to_its_newest_errors_and_to_the_story_of_one_id() -> None:
    """And that of a service to the service's own, with the story of the whole system."""
    made = alarms_of(SYSTEM)
    by_rule = {(one.rule, one.subject): one for one in made.alarms}
    [errors, story, *_] = by_rule["endpoint-errors", "submit"].links
    assert (errors.label, errors.query) == ("Newest errors of submit", "errors-submit")
    assert (story.label, story.query) == ("Everything of one correlation ID", "story-endpoint-submit")
    legacy = next(one for one in made.alarms if one.subject == "claims-legacy" and one.rule == "legacy-pool")
    assert [link.query for link in legacy.links][:2] == ["errors-service-claims-legacy", "story"]
    assert [link.query for link in made.slos[0].links][:2] == ["errors-submit", "story-endpoint-submit"]
    assert pages_of(SYSTEM, made)
