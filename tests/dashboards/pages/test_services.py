"""What the page of a service shows, of either side."""

from __future__ import annotations

from msgspec.structs import replace

from dashboards.resources import Edge
from tests.dashboards.pages import variations
from tests.dashboards.pages.laws import panels
from tests.dashboards.pages.shown import lines, page, panel, section
from tests.dashboards.sample import ALARMS, SUBMIT, SYSTEM

FUNCTION = page("service-submit-claim", SYSTEM, ALARMS)
LEGACY = page("service-claims-legacy", variations.SHARED_DATABASE, ALARMS)


def _with(**limits: float) -> dict[str, object]:
    return {**SYSTEM.resources, SUBMIT.id: replace(SUBMIT, limits={**SUBMIT.limits, **limits})}


def test_a_function_shows_what_it_does_and_what_it_may() -> None:
    """Invocations, failures, duration, cold starts, memory, concurrency, cost."""
    ids = {one.id.removeprefix("function-submitclaim-") for one in panels(FUNCTION)}
    assert {"invocations", "errors", "duration", "cold-starts", "memory", "concurrency", "cost"} <= ids
    assert lines(panel(FUNCTION, "function-submitclaim-memory")) == {"Memory size (256 MB)": 256}


def test_only_a_function_with_provisioned_concurrency_shows_what_is_beyond_it() -> None:
    """And its concurrency is drawn against what is reserved."""
    system = replace(SYSTEM, resources=_with(provisioned_concurrency=5, reserved_concurrency=20))
    shown = page("service-submit-claim", system, ALARMS)
    assert panel(shown, "function-submitclaim-spillover").series
    assert lines(panel(shown, "function-submitclaim-concurrency")) == {
        "Reserved (20)": 20,
        "Provisioned (5)": 5,
    }
    assert all("spillover" not in one.id for one in panels(FUNCTION))


def test_what_feeds_a_function_decides_what_it_may_be_behind_of() -> None:
    """A stream: its iterator; a topic: events that wait; a queue: the queue's own graphs."""
    feeds = [
        Edge(source=source, target=SUBMIT.id, how="feeds")
        for source in ("stream:TheStream", "topic:TheTopic", "queue:TheQueue")
    ]
    shown = page("service-submit-claim", replace(SYSTEM, edges=tuple(feeds)), ALARMS)
    ids = [one.id for one in panels(shown)]
    assert "function-submitclaim-iterator-age" in ids
    assert "function-submitclaim-asynchronous" in ids
    assert any(id.startswith("queue-thequeue") for id in (one.id for one in section(shown, "What feeds it")))
    assert "function-submitclaim-iterator-age" not in [one.id for one in panels(FUNCTION)]


def test_a_legacy_application_shows_its_pool_and_its_host() -> None:
    """Used against the size of the pool, and where it runs."""
    assert [one.label for one in panel(LEGACY, "pool").series] == ["in use", "size of the pool"]
    assert {"requests", "errors", "latency", "error-lines", "host"} <= {one.id for one in panels(LEGACY)}


def test_functions_are_laid_over_the_connections_of_the_database_they_share() -> None:
    """Concurrency right, connections left against how many the database takes."""
    shared = panel(LEGACY, "database-thedatabase-connections")
    assert lines(shared)["Most connections it takes (100)"] == 100
    assert [(one.role, one.is_right) for one in shared.series] == [("legacy", False), ("serverless", True)]
    assert "share this limit" in shared.help


def test_a_service_says_who_depends_on_it() -> None:
    """Endpoints by link, resources by name."""
    (told,) = section(LEGACY, "Who depends on it")
    assert "(page:endpoint-submit)" in told.text
    assert "`function submit-claim`" in told.text


def test_deployments_are_drawn_where_they_belong() -> None:
    """One of the service, one of all, none of another."""
    shown = page("service-submit-claim", variations.WRITTEN, variations.NO_ALARMS)
    marks = panel(shown, "function-submitclaim-duration").marks
    assert [mark.label for mark in marks] == ["submit-claim 1.4.0", "network"]


def test_a_link_of_the_service_wins_over_that_of_the_system() -> None:
    """A team may have traces of its own."""
    shown = page("service-submit-claim", variations.WRITTEN, variations.NO_ALARMS)
    urls = {link.label: link.url for link in panel(shown, "newest-errors").links if link.url}
    assert urls["Open the trace"] == "https://other.example/{trace_id}"
    assert urls["Open the dashboard"] == "https://boards.example/all"


def test_many_functions_of_one_service_share_graphs() -> None:
    """Three hundred functions are not thousands of panels."""
    system = variations.SYSTEMS["three hundred functions of one service"][0]
    shown = page("service-all", system, variations.NO_ALARMS)
    assert len(panel(shown, "functions-invocations").series) == 20
    assert len(shown.queries) == 6
    assert max(len(query.log_groups) for query in shown.queries) == 50
