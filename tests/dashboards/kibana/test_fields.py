"""What each measure of the catalogue is in documents: a reading, or a reason; any name stays valid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.kibana.arithmetic import Absent, calculation, readings_of
from dashboards.kibana.fields import ONLY_CLOUDWATCH
from dashboards.kibana.filters import Either, Every, Like, Not, Term, fields_of, kql
from dashboards.kibana.store import store_of
from dashboards.kibana.subjects import in_function, in_implementation
from dashboards.measures import MEASURES
from dashboards.resources import System
from subscribers.config import loads
from tests.dashboards.kibana.queries import is_field, kql_problems
from tests.dashboards.kibana.readable import READABLE
from tests.dashboards.sample import SYSTEM, UNNAMED, metric

_ALL = loads(
    'version: 1\nsinks: {elk: {type: elasticsearch, url: "https://x.example", '
    "signals: [logs, metrics, spans, ledger], data_stream: true, index: claims-eu}}\n"
)


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_is_read_or_explained(measure: str) -> None:
    """A measure that can be read reads fields that documents have; another has a reason."""
    store, _ = store_of(System(config=_ALL), "elasticsearch")
    found = calculation(metric(measure), SYSTEM, store)
    assert isinstance(found, Absent) is not (measure in READABLE)
    if isinstance(found, Absent):
        assert found.measure == measure
        assert found.reason
        return
    for read in readings_of(found):
        fields = {*fields_of(read.where), *([read.field] if read.field else [])}
        assert {field for field in fields if not is_field(field)} == set()
        assert list(kql_problems(measure, kql(read.where))) == []


@pytest.mark.parametrize("what", ["queue", "api", "route", "table", "load_balancer", "database"])
def test_what_only_cloudwatch_has_is_said(what: str) -> None:
    """Measures of AWS's own services are not read, and the reason says where they are."""
    store, _ = store_of(SYSTEM, "elasticsearch")
    for measure in (name for name in MEASURES if name.startswith(f"{what}.")):
        assert calculation(metric(measure), SYSTEM, store) == Absent(measure, ONLY_CLOUDWATCH)


def test_a_ledger_that_is_not_sent_is_said() -> None:
    """Without `ledger` among the signals there is nothing to read, and the reason says what to do."""
    store, _ = store_of(SYSTEM, "elasticsearch")
    found = calculation(metric("sink.received"), SYSTEM, store)
    assert isinstance(found, Absent)
    assert "add `ledger`" in found.reason


def test_data_streams_have_names_of_their_own() -> None:
    """The patterns are those of the sink's settings."""
    store, notes = store_of(System(config=_ALL), "elasticsearch")
    assert store.titles == {
        "all": "logs-claims_eu.*-default,traces-claims_eu-default,metrics-claims_eu-default",
        "logs": "logs-claims_eu.*-default,-logs-claims_eu.ledger-default",
        "traces": "traces-claims_eu-default",
        "metrics": "metrics-claims_eu-default",
        "ledger": "logs-claims_eu.ledger-default",
    }
    assert notes == ()


def test_a_sink_that_is_not_there_is_said() -> None:
    """Without a sink of the product the default names are read, with a warning."""
    _, (note,) = store_of(System(), "opensearch")
    assert note.level == "warning"
    assert "no sink of type opensearch" in note.text


def test_a_name_that_only_a_stack_has_is_a_pattern() -> None:
    """A function without a known name is found by the shape of its log group."""
    found = in_function(UNNAMED.id, SYSTEM)
    assert isinstance(found, Like)
    assert "*" in found.pattern


def test_names_of_parameters_do_not_matter() -> None:
    """A route with a parameter is found by other names of it, and not with one more part."""
    found = in_implementation("policy/legacy", SYSTEM)
    assert isinstance(found, Every)
    text = kql(found)
    assert 'http.route: "/policies/{number}"' in text
    assert r"(http.route: /policies/\{*\} and not (http.route: /*/*/*))" in text


def test_an_implementation_that_is_not_there_is_a_reason() -> None:
    """An endpoint of one side has no requests of the other."""
    assert in_implementation("policy/serverless", SYSTEM) == "there is no serverless implementation of policy"


@given(
    st.text(min_size=1).filter(lambda text: text.isprintable()),
    st.text('abc/*-_.{}()<>:" \\', min_size=1).filter(lambda text: text.strip("* ")),
)
def test_any_name_is_valid_in_a_query(value: str, pattern: str) -> None:
    """Quotes, brackets, backslashes and blanks of names never break KQL."""
    several = Every(
        (Term("service.name", value), Either((Not(Like("http.route", pattern)), Term("a", value))))
    )
    assert [one for one in kql_problems("law", kql(several)) if "is no KQL" in one] == []
