"""Every measure of the catalogue has a metric of CloudWatch, or a sentence that says why it has none."""

from __future__ import annotations

import msgspec
import pytest

from dashboards.cloudwatch.mathematics import Formulas
from dashboards.cloudwatch.metrics import METRICS, Absent
from dashboards.expressions import Metric, Percent, Quotient, Scaled, Total
from dashboards.measures import MEASURES
from subscribers.config import loads
from tests.dashboards.cloudwatch.grammar import names_of
from tests.dashboards.sample import SYSTEM, metric


def test_the_table_has_every_measure_and_no_other() -> None:
    """A new measure needs a line in METRICS."""
    assert set(METRICS) == set(MEASURES)


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_has_a_formula_or_a_reason(measure: str) -> None:
    """The formula uses only the points that it has; a reason is a sentence."""
    formulas = Formulas(SYSTEM)
    found = formulas.of(metric(measure))
    if isinstance(found, Absent):
        assert found.reason.endswith(".")
        assert len(found.reason) > 20
        assert measure in ("service.pool_used", "service.pool_max", "service.cpu", "service.memory")
    else:
        assert names_of(found) == set(formulas.ids.values())


@pytest.mark.parametrize("measure", [name for name in MEASURES if name.startswith(("endpoint.", "service."))])
@pytest.mark.parametrize("side", ["legacy", "serverless"])
def test_requests_have_another_source_or_a_reason_without_endpoint_metrics(measure: str, side: str) -> None:
    """Nothing is left without a word when the subscriber tells no requests."""
    config = msgspec.structs.replace(SYSTEM.config, endpoint_metrics=False)
    system = msgspec.structs.replace(SYSTEM, config=config)
    service = {"legacy": "claims-legacy", "serverless": "submit-claim"}[side]
    subject = f"submit/{side}" if measure.startswith("endpoint.") else service
    found = Formulas(system).of(metric(measure, None, subject))
    assert not isinstance(found, Absent) or found.reason.endswith(".")


def _without() -> Formulas:
    config = msgspec.structs.replace(SYSTEM.config, endpoint_metrics=False)
    return Formulas(msgspec.structs.replace(SYSTEM, config=config))


def test_a_function_of_its_own_tells_of_its_endpoint() -> None:
    """Lambda's metrics stand in, and that is said."""
    formulas = _without()
    formulas.of(Metric("endpoint.errors", "submit/serverless", "sum"))
    (point,) = formulas.ids
    assert (point.namespace, point.name) == ("AWS/Lambda", "Errors")
    assert formulas.said


def test_an_access_log_tells_of_a_legacy_endpoint() -> None:
    """A filter counts the lines of its route, and of those the ones answered 5xx."""
    formulas = _without()
    formulas.of(Metric("endpoint.errors", "submit/legacy", "sum"))
    (found,) = formulas.filters
    assert found.log_group == "/legacy/claims/access"
    assert found.pattern == (
        '[ip, identity, user, time, request="POST /claims *" || request="POST /claims?*", status=5*, ...]'
    )


def test_gauges_come_from_the_sink_of_cloudwatch_metrics() -> None:
    """Namespace and dimensions are those of observe.yaml."""
    config = loads(
        "version: 1\nsinks: {cw: {type: cloudwatch_metrics, namespace: Claims, dimensions: [service]}}"
    )
    formulas = Formulas(msgspec.structs.replace(SYSTEM, config=config))
    assert formulas.of(Metric("service.pool_used", "claims-legacy", "max")) == "m1"
    (point,) = formulas.ids
    assert (point.namespace, point.name) == ("Claims", "db.client.connection.count")
    assert point.dimensions == (("service", "claims-legacy"),)


def test_expressions_become_metric_math() -> None:
    """Gates, quotients, sums and factors; a point that is used twice has one ID."""
    errors, all_ = metric("function.errors"), metric("function.invocations")
    formulas = Formulas(SYSTEM)
    assert formulas.of(Percent(errors, all_, gate=20)) == "IF(FILL(m2,0)>=20,100*FILL(m1,0)/m2,0)"
    assert formulas.of(Percent(errors, all_)) == "(100*FILL(m1,0)/m2)"
    assert formulas.of(Quotient(all_, errors)) == "(m2/m1)"
    assert formulas.of(Total((all_, errors))) == "SUM([m2,m1])"
    assert formulas.of(Scaled(all_, 0.000001)) == "(m2*0.000001)"


def test_a_part_of_a_sum_that_is_not_measured_is_said() -> None:
    """The sum is of what there is."""
    formulas = Formulas(SYSTEM)
    total = Total((metric("queue.visible"), metric("service.cpu")))
    assert formulas.of(total) == "m1"
    assert any(text.startswith("Not in the sum") for text in formulas.said)
