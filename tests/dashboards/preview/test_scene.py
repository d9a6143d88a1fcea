"""What panels take from the store: which function a name is, whose line it is, limits of other periods."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dashboards.alarms.values import Alarms
from dashboards.expressions import Metric
from dashboards.panels import Line, LogQuery, Page, Panel, Section, Series
from dashboards.preview.data import facts_of
from dashboards.preview.evaluate import whole
from dashboards.preview.lines import lines_of
from dashboards.preview.render import preview
from dashboards.preview.window import window_of
from dashboards.resources import Name, ServiceView
from tests.dashboards.preview.filled import BEGIN, FIRST, LAST, S, filled_store, log, point, span
from tests.dashboards.sample import SYSTEM, UNNAMED


@pytest.mark.parametrize(
    ("told", "expected"),
    [("stack-AssessClaim-1A2B", 1.0), ("stack-AssessClaimAgain-1A2B", None), ("other", None)],
)
def test_a_function_whose_name_nobody_knows_is_found_by_its_pattern(
    told: str, expected: float | None, tmp_path: Path
) -> None:
    """CloudFormation makes the name: stack, logical ID, something of its own."""
    more = point(1, "other", "serverless", "aws.lambda.invocations", 1.0, faas_name=told)
    store = filled_store(tmp_path, (more,))
    facts = facts_of(store.query, SYSTEM, window_of(store.query, FIRST, LAST))

    assert whole(Metric("function.invocations", UNNAMED.id, "sum"), facts) == expected


def test_the_only_function_of_a_service_is_found_by_the_service(tmp_path: Path) -> None:
    """Where the template's names have nothing in common with the deployed ones."""
    named = msgspec.structs.replace(UNNAMED, name=Name(expression={"Ref": "X"}, pattern="*"))
    system = msgspec.structs.replace(
        SYSTEM,
        resources={**SYSTEM.resources, named.id: named},
        services={"assess": ServiceView(name="assess", side="serverless", functions=(named.id,))},
    )
    more = point(1, "assess", "serverless", "aws.lambda.invocations", 1.0, faas_name="anything")
    store = filled_store(tmp_path, (more,))
    facts = facts_of(store.query, system, window_of(store.query, FIRST, LAST))

    assert whole(Metric("function.invocations", named.id, "sum"), facts) == 1


def test_an_endpoint_has_its_own_errors_and_those_of_no_known_endpoint(tmp_path: Path) -> None:
    """A service of many endpoints writes lines of all of them."""
    more = (
        span(30, "claims-legacy", "legacy", "GET /policies/{number}", 5),
        log(30, "claims-legacy", "legacy", "of policy", trace_id=f"{30:032x}"),
        span(31, "claims-legacy", "legacy", "POST /claims", 5),
        log(31, "claims-legacy", "legacy", "of submit", trace_id=f"{31:032x}"),
        log(32, "claims-legacy", "legacy", "of a nightly job"),
        log(33, "other", "legacy", "of another service"),
    )
    store = filled_store(tmp_path, more)
    query = LogQuery(name="q", title="q", services=("claims-legacy",), is_errors=True, endpoint="submit")
    lines = lines_of(store.query, SYSTEM, window_of(store.query, BEGIN + 20 * S, LAST), [query])

    assert [line.message for line in lines.of(query)] == ["of a nightly job", "of submit"]


def test_a_limit_of_a_count_is_scaled_to_the_length_of_a_point(tmp_path: Path) -> None:
    """30 in five minutes are 0.1 in a second, and the label says both."""
    panel = Panel(
        id="p",
        title="Requests",
        kind="lines",
        series=(Series(label="all", of=Metric("service.requests", "claims-legacy", "sum")),),
        lines=(Line(label="Alarm", value=300, role="alarm"),),
    )
    page = Page(name="system", title="x", kind="system", sections=(Section(title="x", panels=(panel,)),))

    document = preview(SYSTEM, (page,), Alarms(), filled_store(tmp_path).query, FIRST, LAST)["index.html"]

    assert "Alarm (300 in 5 min): 1" in document


def test_the_window_is_the_part_of_the_time_that_has_data(tmp_path: Path) -> None:
    """A week that was asked for is no reason to draw a week of nothing."""
    window = window_of(filled_store(tmp_path).query, 0, (1 << 63) - 1)

    assert window.first_unix_nano == BEGIN
    assert window.seconds == pytest.approx(9.5)
    assert window.step_s == 1
