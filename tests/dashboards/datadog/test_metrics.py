"""Every measure of the catalogue is at Datadog, or the table says why it is not."""

from __future__ import annotations

import pytest

from dashboards.datadog.metrics import SOURCES
from dashboards.datadog.readings import NotThereError, read
from dashboards.datadog.sources import Absent
from dashboards.measures import MEASURES
from tests.dashboards.datadog import query_grammar as grammar
from tests.dashboards.sample import SYSTEM, metric


def test_the_table_has_the_measures_of_the_catalogue_and_no_others() -> None:
    """A measure that is added to the catalogue has to be added here."""
    assert set(SOURCES) == set(MEASURES)


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_a_query_of_the_grammar_or_has_a_reason(name: str) -> None:
    """The query of the sample's subject is one that Datadog can read."""
    try:
        reading = read(metric(name), SYSTEM)
    except NotThereError as fault:
        reason = str(fault)
        assert reason.endswith(".")
        return
    assert not isinstance(SOURCES[name], Absent)
    if reading.is_lines:
        grammar.log_search(reading.text)
    else:
        assert grammar.metric_query(reading.text) == reading.name
