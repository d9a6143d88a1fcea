"""What the page of the system shows, and that of the pipeline."""

from __future__ import annotations

from msgspec.structs import replace

from dashboards.expressions import Metric, metrics_of
from dashboards.pages.build import pages_of
from dashboards.resources import System
from tests.dashboards.pages import variations
from tests.dashboards.pages.laws import panels
from tests.dashboards.pages.shown import lines, page, panel, section
from tests.dashboards.sample import ALARMS, SUBJECTS, SYSTEM

PAGE = page("system", SYSTEM, ALARMS)
PIPELINE = page("pipeline", SYSTEM, ALARMS)


def test_progress_counts_endpoints_and_lists_what_remains() -> None:
    """Shared ones with their split, then those that have not moved."""
    text = panel(PAGE, "progress").text
    assert "**0 of 2** endpoints have moved (0%), **1** are shared by both sides, **1** are answered" in text
    assert "[submit](page:endpoint-submit) `POST /claims`, 75% serverless" in text
    assert "What remains:\n\n- [policy](page:endpoint-policy)" in text


def test_every_endpoint_has_a_row_that_leads_to_its_page() -> None:
    """Text, share, error rate, p95: with baseline, promise and cutover."""
    row = section(PAGE, "Endpoints")[:4]
    assert [one.id.removeprefix("endpoint-submit-") for one in row] == ["answer", "share", "errors", "p95"]
    assert [link.page for link in row[1].links] == ["endpoint-submit"]
    assert "SLO: at most 0.5% fail" in lines(row[2])


def test_every_alarm_is_there_most_urgent_first() -> None:
    """In panels of at most a hundred, which CloudWatch shows."""
    (first,) = section(PAGE, "Alarms")
    more = section(PAGE, "More alarms")
    shown = [name for one in (first, *more) for name in one.alarms]
    assert sorted(shown) == sorted(alarm.name for alarm in ALARMS.alarms)
    assert shown[0] == "endpoint-errors-submit"
    assert max(len(one.alarms) for one in (first, *more)) <= 100


def test_the_story_is_over_all_log_groups() -> None:
    """Both sides, and as many queries as the groups need."""
    assert [query.name for query in PAGE.queries] == ["story"]
    assert "(query:story)" in PAGE.about
    large = page("system", variations.large(120), variations.NO_ALARMS)
    assert [query.name for query in large.queries] == ["story", "story-2", "story-3"]


def test_cost_of_functions_stands_against_that_of_the_legacy_side() -> None:
    """3,650 USD a month are 120 a day; and both by 1,000 requests."""
    shown = page("system", variations.WRITTEN, variations.NO_ALARMS)
    assert lines(panel(shown, "cost")) == {"Legacy side (120.00 USD a day)": 120}
    assert [one.label for one in panel(shown, "cost-by-request").series] == ["serverless", "legacy"]
    assert [one.label for one in panel(PAGE, "cost-by-request").series] == ["serverless"]


def test_resources_of_nobody_are_not_forgotten() -> None:
    """Few stand on the system's page, many have pages by kind; every one is drawn or named somewhere."""
    pages = pages_of(SYSTEM, ALARMS)
    drawn = {m.subject for one in pages for p in panels(one) for s in p.series for m in metrics_of(s.of)}
    text = " ".join(p.text for one in pages for p in panels(one))
    for resource in SYSTEM.resources.values():
        assert resource.id in drawn or f"`{resource.name.known}`" in text or resource.name.known in text
    few = System(resources={"table:TheTable": SYSTEM.resources["table:TheTable"]})
    assert [one.title for one in section(page("system", few, variations.NO_ALARMS), "Other resources")] == [
        "the-table: units",
        "the-table: throttles",
    ]


def test_the_pipeline_accounts_for_every_event_of_a_sink() -> None:
    """Delivered, stored and dropped are stacked; what is missing is a line of its own."""
    parts = panel(PIPELINE, "sink-elk-parts")
    assert parts.kind == "area"
    assert [one.label for one in parts.series] == ["delivered", "stored", "dropped on purpose"]
    ledger = panel(PIPELINE, "sink-elk-ledger")
    assert {m.measure for m in metrics_of(ledger.series[1].of)} == {
        "sink.received",
        "sink.delivered",
        "sink.stored",
        "sink.dropped",
    }


def test_the_pipeline_page_is_there_only_where_there_is_a_pipeline() -> None:
    """Neither its resources nor a sink: no page."""
    system = variations.SYSTEMS["no configuration"][0]
    assert "pipeline" not in [one.name for one in pages_of(system, variations.NO_ALARMS)]
    own = replace(system, pipeline=("function:TheFunction", "queue:TheQueue", "table:TheTable"))
    shown = page("pipeline", own, variations.NO_ALARMS)
    assert Metric("function.async_age", SUBJECTS["function"], "max") in [
        one.of for p in section(shown, "Its functions") for one in p.series
    ]
    assert len(section(shown, "Its queues and tables")) == 5
