"""Two systems in one organization of Datadog stay apart; cutovers and deployments are where they belong."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from dashboards.datadog.render import render
from dashboards.panels import Page, Panel, Section, Series
from dashboards.rendered import Options, Rendered
from dashboards.resources import System
from subscribers.config import loads
from tests.dashboards.datadog.checks import problems
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM, metric

_CONFIG = loads(
    """
version: 1
dashboards:
  deployments:
    - {at: "2026-10-01T06:00:00Z", label: submit-claim 1.4.0, service: submit-claim}
    - {at: "2026-10-02T06:00:00Z", label: Network}
"""
)
_DEPLOYED = msgspec.structs.replace(
    SYSTEM, config=msgspec.structs.replace(SYSTEM.config, dashboards=_CONFIG.dashboards)
)
_GRAPH = Panel(id="one", title="One", kind="lines", series=(Series(label="sent", of=metric("queue.sent")),))
_SERVICE = Page(
    name="service-submit-claim",
    title="submit-claim",
    kind="service",
    subject="submit-claim",
    sections=(Section(title="It", panels=(_GRAPH,)),),
)
_OTHER = msgspec.structs.replace(SYSTEM, title="Policies & more")


def _made(system: System, pages: tuple[Page, ...] = PAGES) -> Rendered:
    made = render(system, pages, ALARMS, Options())
    assert problems(made, system, pages, ALARMS) == []
    return made


def _bodies(made: Rendered, folder: str) -> dict[str, dict[str, Any]]:
    return {
        name.removeprefix(f"{folder}/").removesuffix(".json"): json.loads(text)
        for name, text in made.files.items()
        if name.startswith(f"{folder}/")
    }


def _overlays(made: Rendered, page: str) -> set[tuple[str, ...]]:
    """Return the searches of each graph of a page."""
    groups = [one["definition"] for one in _bodies(made, "dashboards")[page]["widgets"]]
    inner = [one["definition"] for group in groups for one in group.get("widgets", ())]
    return {tuple(event["q"] for event in one["events"]) for one in inner if one["type"] == "timeseries"}


@pytest.mark.parametrize("folder", ["monitors", "slos", "events"])
def test_what_is_made_has_the_tag_of_its_system(folder: str) -> None:
    """Monitors, SLOs and events of two systems are told apart by one tag."""
    for system, tag in ((SYSTEM, "system:claims"), (_OTHER, "system:policies-more")):
        bodies = _bodies(_made(system), folder)
        assert bodies
        assert all(tag in body["tags"] for body in bodies.values())


def test_stacks_of_two_systems_have_different_names() -> None:
    """Deploying the second does not replace the first."""
    own, other = (_made(system).files["install.md"] for system in (SYSTEM, _OTHER))
    assert "--stack-name hybrid-observe-claims-datadog --template-file template.yaml" in own
    assert "--stack-name hybrid-observe-policies-more-datadog --template-file template.yaml" in other


def test_dashboards_look_for_what_is_of_their_system() -> None:
    """States of alarms and lists of SLOs are asked for by the tag, links to pages by the whole title."""
    text = _made(_OTHER).files["dashboards/endpoint-submit.json"]
    assert r"tag:\"system:policies-more\" AND tag:(\"alarm:endpoint-errors-submit\")" in text
    assert r"endpoint:\"submit\" system:policies-more managed_by:hybrid_observe" in text
    assert json.loads(text)["title"] == "Policies & more - submit: POST /claims"


def test_states_on_the_system_page_have_the_burn_rates() -> None:
    """Monitors of SLOs are no alarms of the list, so they are asked for by their rule; parts are not."""
    states = Panel(id="states", title="Alarms", kind="alarms", alarms=("endpoint-errors-submit",))
    page = Page(name="all", title="All", kind="system", sections=(Section(title="It", panels=(states,)),))
    made = _made(SYSTEM, (*PAGES, page))
    assert r"OR \"rule:slo-burn\")" in made.files["dashboards/all.json"]
    named = [name for name, one in _bodies(made, "monitors").items() if "rule:slo-burn" in one["tags"]]
    assert "slo-submit-availability-burn-1h" in named
    assert not [name for name in named if name.endswith(("-condition", "-traffic"))]


def test_a_mark_is_one_event() -> None:
    """What several pages draw is posted once, with what it is of."""
    tags = {
        name: one["tags"] for name, one in _bodies(_made(_DEPLOYED, (*PAGES, _SERVICE)), "events").items()
    }
    shared = ["managed_by:hybrid_observe", "service:submit-claim", "system:claims"]
    assert tags == {
        "cutover-of-submit-2026-10-01t06-00-00z": [
            *("cutover", "endpoint:submit", "managed_by:hybrid_observe", "system:claims")
        ],
        "submit-claim-1-4-0-2026-10-01t06-00-00z": ["deployment", *shared],
        "network-2026-10-02t06-00-00z": [
            *("deployment", "managed_by:hybrid_observe", "service:all", "system:claims")
        ],
    }


def test_events_are_laid_over_the_pages_they_are_of() -> None:
    """A cutover is on its endpoint's page, a deployment on its service's, and all are on the system's."""
    made = _made(_DEPLOYED, (*PAGES, _SERVICE))
    head = "tags:deployment AND system:claims"
    (endpoint,) = _overlays(made, "endpoint-submit")
    assert endpoint[0] == "tags:cutover AND system:claims AND endpoint:submit"
    assert {f"{head} AND service:{one}" for one in ("submit-claim", "claims-legacy", "all")} == {
        *endpoint[1:]
    }
    assert _overlays(made, "service-submit-claim") == {
        (f"{head} AND service:submit-claim", f"{head} AND service:all")
    }
    assert _overlays(made, "system") == {("tags:cutover AND system:claims", head)}


def test_a_monitor_says_what_is_judged_as_everywhere() -> None:
    """The condition in the words of the listing, and beside it what Datadog makes of it."""
    message = _bodies(_made(SYSTEM), "monitors")["endpoint-errors-submit"]["message"]
    assert (
        "Judged: failed requests: more than 5% of at least 20 requests, in 2 of 3 periods of 5 min."
        in message
    )
    assert "At Datadog: the share over 10 min together." in message
