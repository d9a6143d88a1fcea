"""What the page of an endpoint shows."""

from __future__ import annotations

from msgspec.structs import replace

from dashboards.expressions import Metric, Percent, Quotient, Scaled, Total
from dashboards.panels import Mark
from dashboards.resources import Edge
from tests.dashboards.pages import variations
from tests.dashboards.pages.shown import lines, page, panel, section
from tests.dashboards.sample import ALARMS, SYSTEM

PAGE = page("endpoint-submit", SYSTEM, ALARMS)
CUTOVER = Mark(label="Cutover", at="2026-10-01T06:00:00Z")


def test_both_sides_stand_in_one_graph_in_their_colours() -> None:
    """Legacy first, and the same roles everywhere."""
    for id in ("share", "requests", "errors", "p95"):
        assert [one.role for one in panel(PAGE, id).series] == ["legacy", "serverless"]


def test_the_error_rate_has_baseline_objective_alarm_and_cutover() -> None:
    """What it was, what was promised, when somebody is told, and when traffic was moved."""
    errors = panel(PAGE, "errors")
    assert lines(errors) == {
        "Legacy baseline (0.8%), 2026-09-01 to 2026-09-30": 0.8,
        "SLO: at most 0.5% fail": 0.5,
        "Alarm: submit fails": 5,
    }
    assert errors.marks == (CUTOVER,)


def test_p95_is_compared_and_divided() -> None:
    """The baseline and the promise are lines of p95; below 1 the new side is faster."""
    assert lines(panel(PAGE, "p95"))["SLO: 95% within 1,000 ms"] == 1000
    assert panel(PAGE, "ratio").series[0].of == Quotient(
        Metric("endpoint.duration", "submit/serverless", "p95"),
        Metric("endpoint.duration", "submit/legacy", "p95"),
    )


def test_percentiles_of_legacy_are_left_of_those_of_serverless() -> None:
    """One graph a side, each with p50, p95 and p99."""
    left, right = panel(PAGE, "latency-legacy"), panel(PAGE, "latency-serverless")
    assert [one.label for one in left.series] == [one.label for one in right.series] == ["p50", "p95", "p99"]


def test_a_promise_has_its_budget_and_its_burn_rate() -> None:
    """Good requests, what is left, bad ones against allowed, and the factors at which somebody is told."""
    slo = ALARMS.slos[0]
    good = panel(PAGE, f"{slo.name}-good")
    assert good.series[0].of == Percent(Total((slo.total, Scaled(slo.bad, -1))), slo.total)
    assert good.period_s == slo.window_s
    assert [one.label for one in panel(PAGE, f"{slo.name}-counted").series] == ["failed", "allowed"]
    assert [line.value for line in panel(PAGE, f"{slo.name}-burn").lines] == [14.4, 6, 3, 1]


def test_alarms_are_those_of_the_endpoint_and_of_what_it_calls_most_urgent_first() -> None:
    """Its own, its function's, its queue's."""
    alarms = panel(PAGE, "alarms").alarms
    assert alarms[0] == "endpoint-errors-submit"
    assert {"dead-letters-the-queue", "function-near-timeout-assess-claim"} <= set(alarms)
    assert "every-database-cpu" not in alarms


def test_the_duration_of_its_function_has_the_limits_of_function_and_gateway() -> None:
    """Timeout, nine tenths of it, and how long the gateway waits."""
    assert lines(panel(PAGE, "function-submitclaim-duration")) == {
        "Timeout (2 s)": 2000,
        "90% of the timeout": 1800,
        "The gateway waits 30 s": 30_000,
    }


def test_newest_errors_lead_to_the_trace_and_to_the_log_query_over_both_sides() -> None:
    """One click from an error to the whole story."""
    newest = panel(PAGE, "newest-errors")
    assert newest.query is not None
    assert newest.query.is_errors
    links = {link.label: link for link in newest.links}
    assert links["Open the trace"].url == "https://traces.example/t/{correlation_id}?from={from}&to={to}"
    story = next(query for query in PAGE.queries if query.name == "story-endpoint-submit")
    assert story.is_by_correlation_id
    assert [group.known for group in story.log_groups] == [
        "/legacy/claims/access",
        "/aws/lambda/submit-claim",
    ]
    assert any(link.query == story.name for link in newest.links)


def test_the_head_says_who_answers_and_whose_it_is() -> None:
    """Sides, split, cutover, owner, links to services."""
    for said in (
        "75%",
        "Owner: claims.",
        "Cutover: 2026-10-01",
        "(page:service-claims-legacy)",
        "`submit-claim`",
    ):
        assert said in PAGE.about


def test_an_endpoint_with_one_side_says_so_and_keeps_the_baseline() -> None:
    """There is nothing to compare, and the baseline is drawn nevertheless."""
    alone = page("endpoint-submit", variations.SYSTEMS["serverless only"][0], ALARMS)
    assert "serverless implementation only" in alone.sections[0].note
    assert "before and after" in alone.sections[0].note
    assert "Legacy baseline (0.8%), 2026-09-01 to 2026-09-30" in lines(panel(alone, "errors"))
    assert all(one.id != "ratio" for one in alone.sections[0].panels)


def test_sides_that_never_serve_together_are_before_and_after() -> None:
    """Left of the cutover is the legacy side, right of it the serverless one."""
    moved = page("endpoint-submit", variations.MOVED, ALARMS)
    assert "compare before and after" in moved.sections[0].note
    assert CUTOVER.at in moved.sections[0].note
    assert "before and after" not in PAGE.sections[0].note


def test_a_route_without_metrics_names_the_setting() -> None:
    """Nobody should wonder why there is no graph."""
    routes = {id: replace(route, is_metered=False) for id, route in SYSTEM.routes.items()}
    blind = page("endpoint-submit", replace(SYSTEM, routes=routes), ALARMS)
    (note,) = section(blind, "At the gateway")
    assert "`DetailedMetricsEnabled: true`" in note.text
    assert len(section(PAGE, "At the gateway")) == 3


def test_a_graph_without_metrics_of_endpoints_says_what_turns_them_on() -> None:
    """An empty graph has a reason; the page itself has none, for tools differ in what they need."""
    dark = page("endpoint-submit", variations.SYSTEMS["no configuration"][0], ALARMS)
    assert "endpoint_metrics" in panel(dark, "requests").empty
    assert "endpoint_metrics" not in " ".join(section.note for section in dark.sections)


def test_dead_letters_say_how_they_go_back() -> None:
    """The queue, whose it is, and the redrive."""
    endpoint = replace(SYSTEM.endpoints["submit"], dead_letters=("queue:TheQueue",))
    system = replace(
        SYSTEM,
        endpoints={"submit": endpoint},
        edges=(
            *SYSTEM.edges,
            Edge(source="function:SubmitClaim", target="queue:TheQueue", how="dead_letters"),
        ),
    )
    graph, _, advice = section(page("endpoint-submit", system, ALARMS), "Dead letters")
    assert graph.series[0].of == Metric("queue.visible", "queue:TheQueue", "max")
    assert "redrive" in advice.text
    assert "what `submit-claim` gave up" in advice.text


def test_limits_of_what_it_passes_on_to_are_drawn_with_their_unit() -> None:
    """Four days are read at once, 345,600 seconds are not."""
    queue = replace(SYSTEM.resources["queue:TheQueue"], limits={"retention_s": 345_600})
    shown = page("endpoint-submit", replace(SYSTEM, resources={**SYSTEM.resources, queue.id: queue}), ALARMS)
    age = panel(shown, "queue-thequeue-age-of-the-oldest-message")
    assert lines(age)["Retention: then it is lost (4 d)"] == 345_600
