"""Pages of every template of the corpus keep the laws, with the alarms of the same system."""

from __future__ import annotations

import pytest

from dashboards.made import made_of
from dashboards.template.values import Deployment
from subscribers.config import EMPTY, load
from tests.dashboards.cases import CASES, Case
from tests.dashboards.pages.laws import broken


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_pages_of_every_template_keep_the_laws(case: Case) -> None:
    """Whatever the model finds in a template, the pages show it within every limit."""
    config = load(case.observe) if case.observe else EMPTY
    made = made_of(case.templates, config, Deployment())
    assert broken(made.system, made.alarms, made.pages) == []
