"""Every measure of the catalogue is answered by the store or explained, and its facts are what lines told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.expressions import Metric
from dashboards.measures import MEASURES
from dashboards.preview.data import ANSWERED, FAMILIES, HOW, absence, absent, facts_of
from dashboards.preview.evaluate import whole
from dashboards.preview.window import window_of
from subscribers.ledger import Ledger
from subscribers.store import Store
from subscribers.tables import ledger_row
from tests.dashboards.preview.filled import BEGIN, FIRST, LAST, S, filled_store
from tests.dashboards.sample import SUBJECTS, SUBMIT, SYSTEM, metric


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_is_answered_or_its_absence_is_a_sentence(measure: str) -> None:
    """A new measure needs an answer here: without one this raises."""
    said = absent(measure)

    assert HOW[measure] == said
    assert (ANSWERED.get(measure) in FAMILIES) if not said else said.endswith(".")


def test_no_answer_is_of_a_measure_that_does_not_exist() -> None:
    """What is renamed in the catalogue is renamed here."""
    assert set(ANSWERED) <= set(MEASURES)


#: Measure -> what a filled store amounts to over all of its time, of the sample's subject.
_EXPECTED = {
    "endpoint.requests": 10.0,
    "endpoint.errors": 2.0,
    "endpoint.slow": 1.0,
    "endpoint.duration": 145.0,
    "service.requests": 4.0,
    "service.errors": 1.0,
    "service.duration": 30.0,
    "service.error_lines": 2.0,
    "service.pool_used": 8.0,
    "service.pool_max": 10.0,
    "service.pool_exhausted": 3.0,
    "service.cpu": 75.0,
    "service.memory": 40.0,
    "function.invocations": 10.0,
    "function.errors": 2.0,
    "function.timeouts": 0.0,
    "function.cold_starts": 1.0,
    "function.duration": 145.0,
    "function.memory_used": 64.0,
    "function.cost": 0.001,
    "sink.received": 100.0,
    "sink.delivered": 90.0,
    "sink.stored": 7.0,
    "sink.dropped": 3.0,
}


@pytest.mark.parametrize("measure", ANSWERED)
def test_every_answered_measure_has_the_value_that_lines_told(measure: str, tmp_path: Path) -> None:
    """Counts are summed, gauges are the highest, of durations the median."""
    store = filled_store(tmp_path)
    window = window_of(store.query, FIRST, LAST)
    subject = SUBMIT.id if measure.startswith("function.") else SUBJECTS[MEASURES[measure].of]
    statistic = "p50" if MEASURES[measure].shape == "distribution" else None

    value = whole(metric(measure, statistic, subject), facts_of(store.query, SYSTEM, window))

    assert value == pytest.approx(_EXPECTED[measure])


def test_what_came_in_is_counted_once_though_each_sink_has_it(tmp_path: Path) -> None:
    """And what became of it is told for each sink alone."""
    store = filled_store(tmp_path)
    store.record([ledger_row(Ledger(sink="other", received=100, delivered=100), "payload-1", BEGIN + 5 * S)])
    facts = facts_of(store.query, SYSTEM, window_of(store.query, FIRST, LAST))

    assert whole(Metric("sink.received", "", "sum"), facts) == 100
    assert absence(Metric("sink.received", "", "sum")) == ""
    assert absence(Metric("sink.stored", "", "sum")).endswith("not of the input.")


def test_an_empty_store_has_no_facts_and_no_errors(tmp_path: Path) -> None:
    """A store that nobody wrote to is a store."""
    store = Store(tmp_path)
    store.append([])
    window = window_of(store.query, 0, LAST)

    assert not window.has_data
    assert facts_of(store.query, SYSTEM, window).of("endpoint.requests", "submit/serverless", 60) == {}
